// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256 (FIPS 180-4).
#ifndef LEADGLASS_TRUST_TRUST_HASH_H
#define LEADGLASS_TRUST_TRUST_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TRUST_HASH_SIZE 32      // octets
#define TRUST_HASH_TEXT_SIZE 65 // lower-case hexadecimal and a NUL

// 0.
int trust_hash(const void *data, size_t size, uint8_t ret[static TRUST_HASH_SIZE]);
char *trust_hash_print(const uint8_t hash[static TRUST_HASH_SIZE], char text[static TRUST_HASH_TEXT_SIZE]);

// What openssl x509 -fingerprint -sha256 prints after the equal sign: "3F:2A:...".
#define TRUST_FINGERPRINT_SIZE (3 * TRUST_HASH_SIZE)
char *trust_fingerprint_print(const uint8_t hash[static TRUST_HASH_SIZE],
                              char text[static TRUST_FINGERPRINT_SIZE]);

#endif
