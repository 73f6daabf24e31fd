// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trust anchors, read: what the octets of an anchor's file are, and whether signatures can be led back to it.
#ifndef LEADGLASS_TRUST_TRUST_ROOT_H
#define LEADGLASS_TRUST_TRUST_ROOT_H

#include "trust/trust_key.h"

#define TRUST_ROOT_WHY TRUST_SUBJECT_MAX

// One anchor.
struct trust_root {
	bool is_key; // pinned, else a CA's certificate
	bool good;
	enum trust_algorithm algorithm;
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	uint8_t *der; // what the block holds: the certificate, or the key's SubjectPublicKeyInfo
	size_t size;
};

// Reads one from PEM. `good`; else `why` says what is wrong with it, as in "it is no CA's certificate", or the
// memory has run out: -ENOMEM. trust_root_fini in any case.
int trust_root_read(struct trust_root *ret, const char *text, size_t size, char why[static TRUST_ROOT_WHY]);
void trust_root_fini(struct trust_root *root);

// All anchors of a box.
struct trust_roots {
	struct trust_root items[TRUST_ANCHORS_MAX]; // in the order of struct trust
	size_t count;
};

// Reads them all. The first that is not good is named in the verdict, and left out. 0 or -ENOMEM.
int trust_roots_read(struct trust_roots *ret, const struct trust *trust, struct trust_verdict *verdict);
void trust_roots_fini(struct trust_roots *roots);

#endif
