// SPDX-License-Identifier: GPL-2.0-or-later
//
// The chain: mbedTLS decides whether there is one, and what it does not ask is asked here.
#include "trust/trust_chain.h"

#include <stdio.h>
#include <string.h>

#include "trust/trust_certificate.h"
#include "trust/trust_subject.h"

enum trust_code trust_chain_read(struct trust_chain *ret, const struct trust_signature *signature,
                                 struct trust_verdict *verdict)
{
	*ret = (struct trust_chain){0};
	for (size_t i = 0; i < signature->count; i++) {
		const struct trust_der *der = &signature->certificates[i];
		mbedtls_x509_crt_init(&ret->items[i]);
		ret->count++;
		verdict->which = (uint32_t)i + 1;
		enum trust_code code =
		        trust_certificate_read(&ret->items[i], der->data, der->size, verdict->detail);
		if (code == TRUST_KEY_KIND && i > 0) {
			char kind[TRUST_SUBJECT_MAX];
			memcpy(kind, verdict->detail, sizeof kind);
			snprintf(verdict->detail, sizeof verdict->detail, "its key is %.*s", TRUST_KEY_TEXT,
			         kind);
			return TRUST_WEAK;
		}
		if (code != TRUST_GOOD)
			return code;
	}
	for (size_t i = 1; i < ret->count; i++)
		ret->items[i - 1].next = &ret->items[i];
	verdict->which = 0;
	return TRUST_GOOD;
}

void trust_chain_fini(struct trust_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		chain->items[i].next = NULL; // that one is freed for itself
		mbedtls_x509_crt_free(&chain->items[i]);
	}
	*chain = (struct trust_chain){0};
}

// What mbedTLS tells about the chain it has found, certificate by certificate from the anchor down.
struct found {
	const struct trust_chain *chain;
	const struct trust_roots *roots;
	size_t root; // roots->count: none
	struct trust_verdict *verdict;
	enum trust_code code; // the first thing wrong that mbedTLS does not ask for
};

static void note_dates(struct trust_verdict *verdict, const mbedtls_x509_crt *certificate, uint32_t which)
{
	int64_t from = trust_certificate_from(certificate), to = trust_certificate_to(certificate);
	if (from >= verdict->valid_from) {
		verdict->valid_from = from;
		verdict->valid_from_which = which;
	}
	if (to <= verdict->valid_to) {
		verdict->valid_to = to;
		verdict->valid_to_which = which;
	}
}

static int each_certificate(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct found *found = context;
	size_t root = trust_roots_index(found->roots, certificate);
	uint32_t which = 0;

	// Dates are judged by who has a clock that can be believed (trust_judge).
	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
	if (root < found->roots->count)
		found->root = root;
	else
		which = (uint32_t)(certificate - found->chain->items) + 1;
	note_dates(found->verdict, certificate, which);
	if (depth > 0 && which > 0 && trust_certificate_usage(certificate) == TRUST_USAGE_OTHER) {
		found->verdict->which = which;
		found->code = TRUST_CHAIN_USAGE;
	}
	return 0;
}

enum trust_code trust_chain_verify(struct trust_chain *chain, struct trust_roots *roots, size_t *ret_root,
                                   struct trust_verdict *verdict)
{
	static const mbedtls_x509_crt_profile profile = {
	        .allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
	                       MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
	                       MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
	        .allowed_pks = MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSA) |
	                       MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_RSASSA_PSS) |
	                       MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA),
	        .allowed_curves = MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
	                          MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1),
	        .rsa_min_bitlen = TRUST_RSA_BITS_MIN,
	};
	struct found found = {
	        .chain = chain, .roots = roots, .root = roots->count, .verdict = verdict, .code = TRUST_GOOD};
	uint32_t flags = UINT32_MAX;

	verdict->valid_from = 0;
	verdict->valid_to = INT64_MAX;
	int r = roots->first
	                ? mbedtls_x509_crt_verify_with_profile(&chain->items[0], roots->first, NULL, &profile,
	                                                       NULL, &flags, each_certificate, &found)
	                : MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
	if (r != 0 || flags != 0)
		return trust_chain_explain(chain, roots, verdict);
	if (found.root == roots->count) { // it is an anchor itself, and anchors are CAs
		verdict->which = 1;
		return TRUST_SIGNER_IS_CA;
	}
	if (found.code != TRUST_GOOD)
		return found.code;
	*ret_root = found.root;
	enum trust_code code = trust_certificate_as_signer(&chain->items[0]);
	verdict->which = code == TRUST_GOOD ? 0 : 1;
	return code;
}
