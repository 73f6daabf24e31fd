// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why there is no chain. mbedTLS says "not trusted" to all of it; a person needs to know which certificate, and
// what about it. So its walk is walked again, with a note of where it stopped.
#include "trust/trust_chain.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/md.h>

#include "trust/trust_certificate.h"
#include "trust/trust_subject.h"

static bool same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

// 0 or mbedTLS's error.
static int check_signature(const mbedtls_x509_crt *child, mbedtls_x509_crt *parent)
{
	const mbedtls_md_info_t *kind = mbedtls_md_info_from_type(child->sig_md);
	unsigned char hash[MBEDTLS_MD_MAX_SIZE];
	if (!kind)
		return MBEDTLS_ERR_MD_FEATURE_UNAVAILABLE;
	int r = mbedtls_md(kind, child->tbs.p, child->tbs.len, hash);
	return r != 0 ? r
	              : mbedtls_pk_verify_ext(child->sig_pk, child->sig_opts, &parent->pk, child->sig_md, hash,
	                                      mbedtls_md_get_size(kind), child->sig.p, child->sig.len);
}

static bool self_issued(const mbedtls_x509_crt *certificate)
{
	return same(&certificate->issuer_raw, &certificate->subject_raw);
}

// The walk stands at `child`; an issuer of it has `below` CAs below it that count (RFC 5280 6.1.4 l:
// self-issued ones do not; mbedTLS counts the one that it stands at in any case).
struct walk {
	const struct trust_chain *chain;
	size_t child;
	size_t below;
	bool uncounted; // the one it stands at is self-issued
};

// What is wrong with a certificate, of the right name, as the issuer of the one the walk stands at.
static enum trust_code judge_issuer(const struct walk *walk, mbedtls_x509_crt *issuer, const char **ret_detail)
{
	*ret_detail = "it is no CA's certificate";
	if (!issuer->ca_istrue)
		return TRUST_NOT_CA;
	*ret_detail = "its key usage leaves out keyCertSign";
	if (trust_certificate_has_key_usage(issuer) &&
	    !trust_certificate_key_usage(issuer, MBEDTLS_X509_KU_KEY_CERT_SIGN))
		return TRUST_NOT_CA;
	*ret_detail = "";
	// mbedTLS keeps it one higher than it is, 0 for none.
	if (issuer->max_pathlen > 0 && (size_t)issuer->max_pathlen - 1 < walk->below)
		return TRUST_PATH_LENGTH;
	int r = check_signature(&walk->chain->items[walk->child], issuer);
	*ret_detail = "out of memory";
	if (trust_mbedtls_no_memory(r))
		return TRUST_UNCHECKED;
	*ret_detail = "";
	return r == 0 ? TRUST_GOOD : TRUST_CHAIN_SIGNATURE;
}

// Among the anchors: TRUST_GOOD when one has issued it; TRUST_UNKNOWN_SIGNER when none has that name. `detail`
// is the anchor's subject, where it is the anchor that is too strict or has another key.
static enum trust_code ask_roots(const struct walk *walk, struct trust_roots *roots,
                                 struct trust_verdict *verdict)
{
	const mbedtls_x509_buf *name = &walk->chain->items[walk->child].issuer_raw;
	enum trust_code code = TRUST_UNKNOWN_SIGNER;
	for (mbedtls_x509_crt *root = roots->first; root; root = root->next) {
		const char *detail;
		if (!same(name, &root->subject_raw))
			continue;
		code = judge_issuer(walk, root, &detail);
		if (code == TRUST_GOOD)
			break;
		if (code == TRUST_PATH_LENGTH || code == TRUST_CHAIN_SIGNATURE)
			trust_subject_print(&root->subject, verdict->detail, sizeof verdict->detail);
		else
			snprintf(verdict->detail, sizeof verdict->detail, "%s", detail);
		verdict->which = code == TRUST_CHAIN_SIGNATURE ? (uint32_t)walk->child + 1 : 0;
	}
	return code;
}

// Among the certificates that follow in the file. *ret_next is the issuer when TRUST_GOOD.
static enum trust_code ask_chain(const struct walk *walk, struct trust_chain *chain, size_t *ret_next,
                                 struct trust_verdict *verdict)
{
	const mbedtls_x509_buf *name = &chain->items[walk->child].issuer_raw;
	enum trust_code code = TRUST_UNKNOWN_SIGNER;
	for (size_t i = walk->child + 1; i < chain->count; i++) {
		const char *detail;
		if (!same(name, &chain->items[i].subject_raw))
			continue;
		code = judge_issuer(walk, &chain->items[i], &detail);
		*ret_next = i;
		if (code == TRUST_GOOD)
			break;
		verdict->which = (uint32_t)(code == TRUST_CHAIN_SIGNATURE ? walk->child : i) + 1;
		snprintf(verdict->detail, sizeof verdict->detail, "%s", detail);
	}
	return code;
}

// Nobody known has issued it: who should have?
static enum trust_code unknown(const struct walk *walk, struct trust_verdict *verdict)
{
	const struct trust_chain *chain = walk->chain;
	const mbedtls_x509_crt *child = &chain->items[walk->child];
	verdict->which = (uint32_t)walk->child + 1;
	trust_subject_print(&child->issuer, verdict->detail, sizeof verdict->detail);
	if (walk->child == 0 && self_issued(child))
		return TRUST_SELF_SIGNED;
	for (size_t i = 0; i < walk->child; i++) {
		size_t used = strlen(verdict->detail);
		if (same(&child->issuer_raw, &chain->items[i].subject_raw) && i > 0) {
			snprintf(verdict->detail + used, sizeof verdict->detail - used,
			         " (certificate %zu, which has to follow it)", i + 1);
			break;
		}
	}
	return TRUST_UNKNOWN_SIGNER;
}

enum trust_code trust_chain_explain(struct trust_chain *chain, struct trust_roots *roots,
                                    struct trust_verdict *verdict)
{
	struct walk walk = {.chain = chain};
	for (;;) {
		const mbedtls_x509_crt *child = &chain->items[walk.child];
		const char *weak = trust_certificate_weak_hash(child);
		if (weak) {
			verdict->which = (uint32_t)walk.child + 1;
			snprintf(verdict->detail, sizeof verdict->detail, "it is signed with %s", weak);
			return TRUST_WEAK;
		}
		size_t next = 0;
		enum trust_code by_root = ask_roots(&walk, roots, verdict);
		if (by_root == TRUST_GOOD || by_root == TRUST_UNCHECKED)
			return TRUST_UNCHECKED; // nothing is wrong with it: mbedTLS had no memory
		enum trust_code by_chain = ask_chain(&walk, chain, &next, verdict);
		if (by_chain == TRUST_UNKNOWN_SIGNER)
			return by_root == TRUST_UNKNOWN_SIGNER ? unknown(&walk, verdict) : by_root;
		if (by_chain != TRUST_GOOD)
			return by_chain;
		walk.below += walk.uncounted ? 0 : 1;
		walk.uncounted = self_issued(&chain->items[next]);
		walk.child = next;
	}
}
