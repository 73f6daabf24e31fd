// SPDX-License-Identifier: GPL-2.0-or-later
//
// Public keys: which kinds are taken, what they are called, and what they have signed.
#ifndef LEADGLASS_TRUST_TRUST_KEY_H
#define LEADGLASS_TRUST_TRUST_KEY_H

#include <stdbool.h>

#include "trust/trust.h"
#include "trust/trust_mbedtls.h"

#define TRUST_KEY_TEXT 48
#define TRUST_KEY_TAKEN "P-256, P-384, and RSA of 3072 to 8192 bits are taken" // for messages

// TRUST_NO_ALGORITHM: it is not taken. An RSA key with a public exponent of more than 64 bits is not: checking
// one signature with it can take seconds.
enum trust_algorithm trust_key_algorithm(const mbedtls_pk_context *key);

// "ECDSA P-521", "RSA 2048 bits".
char *trust_key_kind(const mbedtls_pk_context *key, char text[static TRUST_KEY_TEXT]);

// The kind of a key that mbedTLS did not read, from its SubjectPublicKeyInfo or the certificate that holds it:
// "Ed25519". "" when it does not say.
char *trust_key_guess(const uint8_t *der, size_t size, bool certificate, char text[static TRUST_KEY_TEXT]);

// The hashes over the octets that are signed.
struct trust_hashes {
	uint8_t sha256[32];
	uint8_t sha384[48];
};

// Whether a signature has the form that such a key gives it, DER or length. *ret_why when not.
bool trust_key_form(const mbedtls_pk_context *key, enum trust_algorithm algorithm, const uint8_t *signature,
                    size_t size, const char **ret_why);
// Whether that signature, whose form is right, is good: 0; -EBADMSG when not; -ENOMEM when that was not found
// out.
int trust_key_check(mbedtls_pk_context *key, enum trust_algorithm algorithm, const struct trust_hashes *hashes,
                    const uint8_t *signature, size_t size);

// ---- trust_pss.c ----

// Of an RSA signature that trust_key_check did not find good: "with MGF1 over SHA-1 instead of SHA-256", "with
// a salt that is not of 32 octets" where it is good but for that; "".
const char *trust_pss_otherwise(const mbedtls_pk_context *key, const uint8_t hash[static TRUST_HASH_SIZE],
                                const uint8_t *signature);

#endif
