// SPDX-License-Identifier: GPL-2.0-or-later
//
// What follows a signed policy's last octet (docs/signed-policy.md): marker, signature, certificates.
#ifndef LEADGLASS_TRUST_TRUST_SIGNATURE_H
#define LEADGLASS_TRUST_TRUST_SIGNATURE_H

#include "trust/trust.h"

#define TRUST_SIGNATURE_LABEL "LEADGLASS SIGNATURE"

struct trust_der {
	const uint8_t *data;
	size_t size;
};

struct trust_signature {
	uint8_t *memory; // all octets below
	struct trust_der signature;
	struct trust_der certificates[TRUST_CHAIN_MAX]; // as they stand in the file: the signer's first
	size_t count;
};

// Reads from the marker to the end of the file. TRUST_GOOD; or what is wrong with the form, then with `which`
// and `detail` of the verdict; TRUST_UNCHECKED when memory runs out. Nothing in the DER is looked at.
// trust_signature_fini in any case.
enum trust_code trust_signature_read(struct trust_signature *ret, const char *text, size_t size,
                                     struct trust_verdict *verdict);
void trust_signature_fini(struct trust_signature *signature);

#endif
