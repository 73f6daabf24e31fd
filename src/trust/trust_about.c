// SPDX-License-Identifier: GPL-2.0-or-later
//
// Anchors described for people.
#include "trust/trust_about.h"

#include <errno.h>
#include <string.h>

#include "trust/trust_certificate.h"
#include "trust/trust_root.h"
#include "trust/trust_subject.h"

// Also of one that cannot be used, as far as it was read.
static int describe(const struct trust_root *root, struct trust_about *ret)
{
	const mbedtls_x509_crt *certificate = &root->certificate;
	char kind[TRUST_KEY_TEXT];
	int r = 0;
	ret->is_key = root->is_key;
	ret->good = root->good;
	if (root->is_key && root->good) {
		ret->valid_to = INT64_MAX;
		trust_text_show(kind, strlen(trust_key_kind(&root->key, kind)), ret->kind, sizeof ret->kind);
		r = trust_hash(root->der, root->size, ret->key);
	} else if (!root->is_key && certificate->raw.len > 0) {
		ret->valid_from = trust_certificate_from(certificate);
		ret->valid_to = trust_certificate_to(certificate);
		trust_text_show(kind, strlen(trust_key_kind(&certificate->pk, kind)), ret->kind,
		                sizeof ret->kind);
		trust_subject_print(&certificate->subject, ret->subject, sizeof ret->subject);
		ret->as_signer = (uint8_t)trust_certificate_as_signer(certificate);
		r = trust_hash(certificate->pk_raw.p, certificate->pk_raw.len, ret->key);
		if (r == 0)
			r = trust_hash(root->der, root->size, ret->whole);
	}
	return r;
}

int trust_about(const char *text, size_t size, struct trust_about *ret)
{
	struct trust_root root;
	char why[TRUST_ROOT_WHY];
	*ret = (struct trust_about){0};
	if (trust_mbedtls_ready() != 0)
		return -EIO;
	int r = trust_root_read(&root, text, size, why);
	if (r == 0) {
		trust_text_show(why, strlen(why), ret->why, sizeof ret->why);
		r = describe(&root, ret);
	}
	trust_root_fini(&root);
	return r;
}
