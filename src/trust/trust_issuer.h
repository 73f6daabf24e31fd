// SPDX-License-Identifier: GPL-2.0-or-later
//
// One step of a chain: whether a certificate has issued another (RFC 5280 6.1.3, 6.1.4).
#ifndef LEADGLASS_TRUST_TRUST_ISSUER_H
#define LEADGLASS_TRUST_TRUST_ISSUER_H

#include "trust/trust.h"
#include "trust/trust_mbedtls.h"

// Whether a signature was looked at, and what came of it: it costs more than everything else.
enum trust_link { TRUST_LINK_NOT_ASKED, TRUST_LINK_GOOD, TRUST_LINK_WRONG };

// Names of the same structure and types with the same octets, or the same ASCII letters in any case in
// UTF8String and PrintableString: what mbedTLS takes for equal.
bool trust_issuer_name(const mbedtls_x509_name *a, const mbedtls_x509_name *b);

// What is asked, and what more there is to say of the answer.
struct trust_step {
	mbedtls_x509_crt *child, *issuer;
	size_t below;  // CAs between the issuer and the signer's certificate (RFC 5280 6.1.4 l: those that are
	               // their own issuer do not count)
	uint8_t *link; // enum trust_link, kept from one question to the next
	const char *detail; // "": there is no more
	int error;          // of TRUST_UNCHECKED: -ENOMEM, or -EIO when mbedTLS contradicts itself
};

// Whether `issuer`, of the right name, has issued `child` and may have. TRUST_GOOD only when mbedTLS says so,
// too; TRUST_NOT_CA, TRUST_PATH_LENGTH, TRUST_CHAIN_SIGNATURE, TRUST_CHAIN_USAGE, TRUST_UNCHECKED. Dates are
// not asked, nor is the hash that the child is signed with (trust_certificate_weak_hash).
enum trust_code trust_issuer_judge(struct trust_step *step);

#endif
