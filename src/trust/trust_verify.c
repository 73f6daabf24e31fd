// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the octets of a file to a verdict: form, signer, chain, and the signature last, because it is the only
// step that costs the more the longer the policy is.
#include "trust/trust_verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/trust_chain.h"
#include "trust/trust_subject.h"

struct work {
	struct trust_content *content;
	const struct trust *trust;
	struct trust_signature signature;
	struct trust_roots roots;
	struct trust_chain chain;
	struct trust_verdict *verdict;
	int error; // what TRUST_UNCHECKED comes from
};

static enum trust_code fail(struct work *work, int error)
{
	work->error = error;
	return TRUST_UNCHECKED;
}

static enum trust_code because(struct work *work, enum trust_code code, const char *why)
{
	snprintf(work->verdict->detail, sizeof work->verdict->detail, "%s", why);
	return code;
}

static void vouch(struct work *work, size_t root)
{
	struct trust_verdict *verdict = work->verdict;
	snprintf(verdict->anchor, sizeof verdict->anchor, "%s", work->trust->anchors[root].name);
	verdict->scope = work->trust->anchors[root].scope;
}

// A pinned key has no name that anybody vouches for, whatever a certificate says that came with the file.
static void pin(struct work *work, size_t root)
{
	struct trust_verdict *verdict = work->verdict;
	char text[TRUST_HASH_TEXT_SIZE];
	vouch(work, root);
	snprintf(verdict->signer, sizeof verdict->signer, "key %.16s", trust_hash_print(verdict->key, text));
	verdict->valid_from = 0;
	verdict->valid_to = INT64_MAX;
	verdict->valid_from_which = verdict->valid_to_which = 0;
}

static enum trust_code hash(struct work *work, bool sha384, struct trust_hashes *ret)
{
	int r = trust_content_hash(work->content, sha384, ret);
	if (r < 0)
		return fail(work, r);
	work->verdict->size = work->content->size;
	memcpy(work->verdict->content, ret->sha256, sizeof work->verdict->content);
	return TRUST_GOOD;
}

// The file names no signer: each pinned key whose signatures look like this one is tried.
static enum trust_code try_pinned(struct work *work)
{
	const struct trust_der *signature = &work->signature.signature;
	bool fits[TRUST_ANCHORS_MAX] = {false}, any = false, sha384 = false;
	struct trust_hashes hashes;
	const char *why;

	for (size_t i = 0; i < work->roots.count; i++) {
		struct trust_root *root = &work->roots.items[i];
		fits[i] = root->good && root->is_key &&
		          trust_key_form(&root->key, root->algorithm, signature->data, signature->size, &why);
		any = any || fits[i];
		sha384 = sha384 || (fits[i] && root->algorithm == TRUST_P384);
	}
	enum trust_code code = any ? hash(work, sha384, &hashes) : TRUST_NO_CERTIFICATE;
	if (code != TRUST_GOOD)
		return code;
	for (size_t i = 0; i < work->roots.count; i++) {
		struct trust_root *root = &work->roots.items[i];
		int r = fits[i] ? trust_key_check(&root->key, root->algorithm, &hashes, signature->data,
		                                  signature->size)
		                : -EBADMSG;
		if (r == -ENOMEM)
			return fail(work, r);
		if (r < 0)
			continue;
		work->verdict->algorithm = root->algorithm;
		if (trust_hash(root->der, root->size, work->verdict->key) < 0)
			return fail(work, -EIO);
		pin(work, i);
		work->verdict->fits = 1;
		return TRUST_GOOD;
	}
	return TRUST_NO_CERTIFICATE;
}

// The pinned key that the signer's certificate holds; roots.count: none.
static size_t find_pinned(const struct work *work)
{
	const mbedtls_x509_buf *key = &work->chain.items[0].pk_raw;
	size_t i = 0;
	for (; i < work->roots.count; i++) {
		const struct trust_root *root = &work->roots.items[i];
		if (root->good && root->is_key && root->size == key->len &&
		    memcmp(root->der, key->p, key->len) == 0)
			break;
	}
	return i;
}

static enum trust_code identify_signer(struct work *work)
{
	struct trust_verdict *verdict = work->verdict;
	mbedtls_x509_crt *signer = &work->chain.items[0];
	enum trust_code code = trust_chain_read(&work->chain, &work->signature, verdict);
	if (code != TRUST_GOOD)
		return code == TRUST_UNCHECKED ? fail(work, -ENOMEM) : code;
	verdict->algorithm = trust_key_algorithm(&signer->pk);
	trust_subject_print(&signer->subject, verdict->signer, sizeof verdict->signer);
	if (trust_hash(signer->pk_raw.p, signer->pk_raw.len, verdict->key) < 0)
		return fail(work, -EIO);
	size_t pinned = find_pinned(work), root;
	if (pinned < work->roots.count) {
		pin(work, pinned);
		return TRUST_GOOD;
	}
	code = trust_chain_verify(&work->chain, &work->roots, &root, verdict);
	if (code == TRUST_UNCHECKED)
		return fail(work, work->chain.error);
	if (code == TRUST_GOOD)
		vouch(work, root);
	return code;
}

// *ret_why: what the signature looks like instead, "" when that is as it should be.
static enum trust_code check_signature(struct work *work, const char **ret_why)
{
	const struct trust_der *signature = &work->signature.signature;
	mbedtls_pk_context *key = &work->chain.items[0].pk;
	enum trust_algorithm algorithm = trust_key_algorithm(key);
	struct trust_hashes hashes;
	if (!trust_key_form(key, algorithm, signature->data, signature->size, ret_why))
		return TRUST_WRONG_SIGNATURE;
	*ret_why = "";
	enum trust_code code = hash(work, algorithm == TRUST_P384, &hashes);
	if (code != TRUST_GOOD)
		return code;
	int r = trust_key_check(key, algorithm, &hashes, signature->data, signature->size);
	if (r == -EBADMSG && algorithm == TRUST_RSA)
		*ret_why = trust_pss_otherwise(key, hashes.sha256, signature->data);
	return r == 0 ? TRUST_GOOD : r == -ENOMEM ? fail(work, r) : TRUST_WRONG_SIGNATURE;
}

// A signer who was found out is held to his signature also where nobody vouches for him: who looks at the file
// is told whether that at least is right.
static enum trust_code check_signer(struct work *work, enum trust_code signer)
{
	const char *why;
	enum trust_code code = check_signature(work, &why);
	if (code == TRUST_UNCHECKED)
		return code;
	work->verdict->fits = code == TRUST_GOOD;
	if (signer != TRUST_GOOD)
		return signer;
	return code == TRUST_WRONG_SIGNATURE ? because(work, code, why) : code;
}

static enum trust_code verify(struct work *work, const char *trailer, size_t size)
{
	int r = trust_mbedtls_ready();
	if (r != 0)
		return fail(work, -EIO);
	enum trust_code code = trust_signature_read(&work->signature, trailer, size, work->verdict);
	if (code != TRUST_GOOD)
		return code == TRUST_UNCHECKED ? fail(work, -ENOMEM) : code;
	r = trust_roots_read(&work->roots, work->trust, work->verdict);
	if (r < 0)
		return fail(work, r);
	if (work->signature.count == 0)
		return try_pinned(work);
	code = identify_signer(work);
	if (code == TRUST_UNCHECKED || work->verdict->algorithm == TRUST_NO_ALGORITHM)
		return code;
	return check_signer(work, code);
}

int trust_verify_content(struct trust_content *content, const struct trust *trust, struct trust_verdict *ret)
{
	struct work work = {.content = content, .trust = trust, .verdict = ret};
	char *trailer;
	size_t size;

	*ret = (struct trust_verdict){.code = TRUST_UNCHECKED};
	enum trust_code code = trust_content_split(content, &trailer, &size, &work.error);
	if (code == TRUST_GOOD) {
		code = verify(&work, trailer, size);
		trust_chain_fini(&work.chain);
		trust_roots_fini(&work.roots);
		trust_signature_fini(&work.signature);
		free(trailer);
	}
	ret->code = code;
	if (code == TRUST_UNCHECKED)
		because(&work, code,
		        work.error == -ENOMEM ? "out of memory" : "the library mbedTLS has failed");
	return work.error;
}

void trust_verify(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret)
{
	struct trust_content content = {.text = text ? text : "", .size = size, .fd = -1};
	trust_verify_content(&content, trust, ret);
}
