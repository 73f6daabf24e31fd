// SPDX-License-Identifier: GPL-2.0-or-later
//
// One certificate: read whole or not at all, and asked what it is for.
#ifndef LEADGLASS_TRUST_TRUST_CERTIFICATE_H
#define LEADGLASS_TRUST_TRUST_CERTIFICATE_H

#include "trust/trust_key.h"

// Reads a certificate from DER into `ret` (mbedtls_x509_crt_init was done). TRUST_GOOD; TRUST_UNCHECKED when
// memory runs out; TRUST_CERTIFICATE_FORM, TRUST_KEY_KIND (a key that is not taken), TRUST_NAME; then `why`
// says more.
enum trust_code trust_certificate_read(mbedtls_x509_crt *ret, const uint8_t *der, size_t size,
                                       char why[static TRUST_SUBJECT_MAX]);

// Extended key usage (RFC 5280 4.2.1.12).
enum trust_usage {
	TRUST_USAGE_OPEN,    // it has no such extension
	TRUST_USAGE_ANY,     // anyExtendedKeyUsage, not code signing by name
	TRUST_USAGE_SIGNING, // code signing
	TRUST_USAGE_OTHER,   // only others
};
enum trust_usage trust_certificate_usage(const mbedtls_x509_crt *certificate);

// Key usage (4.2.1.3): whether the extension is there and has the bit, MBEDTLS_X509_KU_...
bool trust_certificate_key_usage(const mbedtls_x509_crt *certificate, unsigned int bit);
bool trust_certificate_has_key_usage(const mbedtls_x509_crt *certificate);

// What a signer's own certificate must say: TRUST_GOOD, TRUST_SIGNER_IS_CA, TRUST_USAGE, TRUST_KEY_USAGE.
enum trust_code trust_certificate_as_signer(const mbedtls_x509_crt *certificate);

// The hash it is signed with: "SHA-1"; NULL when it is one that is taken.
const char *trust_certificate_weak_hash(const mbedtls_x509_crt *certificate);

// Seconds since 1970. What is no date is as restrictive as can be.
int64_t trust_certificate_from(const mbedtls_x509_crt *certificate);
int64_t trust_certificate_to(const mbedtls_x509_crt *certificate);

#endif
