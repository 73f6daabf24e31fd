// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who has issued a certificate. mbedTLS judges each step, by itself: of a whole chain it takes the first
// certificate of the right name for the issuer, whatever key that one has, and never looks at another.
#include "trust/trust_issuer.h"

#include <errno.h>
#include <string.h>

#include "trust/trust_certificate.h"

// ---- names ----

static char lower(unsigned char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool same_letters(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	size_t i = 0;
	while (i < a->len && lower(a->p[i]) == lower(b->p[i]))
		i++;
	return i == a->len;
}

static bool any_case(int tag)
{
	return tag == MBEDTLS_ASN1_UTF8_STRING || tag == MBEDTLS_ASN1_PRINTABLE_STRING;
}

static bool same_value(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	if (a->len != b->len)
		return false;
	if (any_case(a->tag) && any_case(b->tag))
		return same_letters(a, b);
	return a->tag == b->tag && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

static bool same_type(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->tag == b->tag && a->len == b->len && (a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

bool trust_issuer_name(const mbedtls_x509_name *a, const mbedtls_x509_name *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (!same_type(&a->oid, &b->oid) || !same_value(&a->val, &b->val) ||
		    a->next_merged != b->next_merged)
			return false;
	return !a && !b;
}

// ---- the step ----

// 0 or mbedTLS's error.
static int check_signature(const mbedtls_x509_crt *child, mbedtls_x509_crt *issuer)
{
	const mbedtls_md_info_t *kind = mbedtls_md_info_from_type(child->sig_md);
	unsigned char hash[MBEDTLS_MD_MAX_SIZE];
	if (!kind)
		return MBEDTLS_ERR_MD_FEATURE_UNAVAILABLE;
	int r = mbedtls_md(kind, child->tbs.p, child->tbs.len, hash);
	return r != 0 ? r
	              : mbedtls_pk_verify_ext(child->sig_pk, child->sig_opts, &issuer->pk, child->sig_md, hash,
	                                      mbedtls_md_get_size(kind), child->sig.p, child->sig.len);
}

// Dates are judged by who has a clock that can be believed (trust_judge).
static int without_dates(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	(void)context;
	(void)certificate;
	(void)depth;
	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
	return 0;
}

// The issuer alone is trusted, and the child alone is asked about. 0; -ENOMEM: no issuer was found, which is
// what mbedTLS says of a wrong signature and where it lacks memory; -EIO: it has something else against it.
static int ask_mbedtls(mbedtls_x509_crt *child, mbedtls_x509_crt *issuer)
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
	uint32_t flags = UINT32_MAX;
	int r = mbedtls_x509_crt_verify_with_profile(child, issuer, NULL, &profile, NULL, &flags, without_dates,
	                                             NULL);
	if (trust_mbedtls_no_memory(r) || flags == MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return -ENOMEM;
	return r == 0 && flags == 0 ? 0 : -EIO;
}

// A good signature costs one check. Where mbedTLS does not find it so, it is looked at alone: wrong, or not
// what kept mbedTLS from saying yes.
static enum trust_code judge_signature(struct trust_step *step)
{
	if (*step->link == TRUST_LINK_NOT_ASKED) {
		int by_mbedtls = ask_mbedtls(step->child, step->issuer);
		int r = by_mbedtls < 0 ? check_signature(step->child, step->issuer) : 0;
		step->error = r == 0 ? by_mbedtls : trust_mbedtls_no_memory(r) ? -ENOMEM : 0;
		if (step->error < 0)
			return TRUST_UNCHECKED;
		*step->link = r == 0 ? TRUST_LINK_GOOD : TRUST_LINK_WRONG;
	}
	return *step->link == TRUST_LINK_GOOD ? TRUST_GOOD : TRUST_CHAIN_SIGNATURE;
}

enum trust_code trust_issuer_judge(struct trust_step *step)
{
	const mbedtls_x509_crt *issuer = step->issuer;
	step->detail = "it is no CA's certificate";
	if (!issuer->ca_istrue)
		return TRUST_NOT_CA;
	step->detail = "its key usage leaves out keyCertSign";
	if (trust_certificate_has_key_usage(issuer) &&
	    !trust_certificate_key_usage(issuer, MBEDTLS_X509_KU_KEY_CERT_SIGN))
		return TRUST_NOT_CA;
	step->detail = "";
	// mbedTLS keeps it one higher than it is, 0 for none.
	if (issuer->max_pathlen > 0 && (size_t)issuer->max_pathlen - 1 < step->below)
		return TRUST_PATH_LENGTH;
	enum trust_code code = judge_signature(step);
	if (code == TRUST_GOOD && trust_certificate_usage(issuer) == TRUST_USAGE_OTHER)
		return TRUST_CHAIN_USAGE;
	return code;
}
