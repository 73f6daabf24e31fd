// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256 (FIPS 180-4).
#ifndef LEADGLASS_TRUST_TRUST_HASH_H
#define LEADGLASS_TRUST_TRUST_HASH_H

#include "trust/trust_hash_block.h"

#define TRUST_HASH_SIZE 32      // octets
#define TRUST_HASH_TEXT_SIZE 65 // lower-case hexadecimal and a NUL

// 0.
int trust_hash(const void *data, size_t size, uint8_t ret[static TRUST_HASH_SIZE]);
char *trust_hash_print(const uint8_t hash[static TRUST_HASH_SIZE], char text[static TRUST_HASH_TEXT_SIZE]);

// The same in pieces.
struct trust_hashing {
	uint32_t hash[8];
	uint64_t size;                   // octets taken
	uint8_t block[TRUST_HASH_BLOCK]; // those that fill no block yet
};
// The first 32 bits of the fractional parts of the square roots of the first 8 primes (5.3.3).
#define TRUST_HASHING                                                                                          \
	((struct trust_hashing){.hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,           \
	                                 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}})
void trust_hash_add(struct trust_hashing *hashing, const void *data, size_t size);
void trust_hash_end(struct trust_hashing *hashing, uint8_t ret[static TRUST_HASH_SIZE]);

#endif
