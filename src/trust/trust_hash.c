// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256, the one thing about signatures that the agent's keeper does in its own process. By mbedTLS it would
// keep 200 KiB of that library resident for this function (docs/architecture.md); what is signed is hashed by
// mbedTLS, apart.
#include "trust/trust_hash.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 64

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2).
static const uint32_t constants[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

// 6.2.2
static void take_block(uint32_t hash[static 8], const uint8_t block[static BLOCK])
{
	uint32_t w[64], a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5],
	                g = hash[6], h = hash[7];

	for (size_t i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (size_t i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (size_t i = 0; i < 64; i++) {
		uint32_t one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) +
		               constants[i] + w[i];
		uint32_t two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
		h = g;
		g = f;
		f = e;
		e = d + one;
		d = c;
		c = b;
		b = a;
		a = one + two;
	}
	const uint32_t more[8] = {a, b, c, d, e, f, g, h};
	for (size_t i = 0; i < 8; i++)
		hash[i] += more[i];
}

int trust_hash(const void *data, size_t size, uint8_t ret[static TRUST_HASH_SIZE])
{
	uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	uint8_t end[2 * BLOCK] = {0}; // what fills no block, a bit, and how many bits there were (5.1.1)
	const uint8_t *octets = data;
	size_t left = size, end_size;

	for (; left >= BLOCK; octets += BLOCK, left -= BLOCK)
		take_block(hash, octets);
	if (left > 0)
		memcpy(end, octets, left);
	end[left] = 0x80;
	end_size = left + 1 + 8 <= BLOCK ? BLOCK : 2 * BLOCK;
	for (size_t i = 0; i < 8; i++)
		end[end_size - 1 - i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
	for (size_t at = 0; at < end_size; at += BLOCK)
		take_block(hash, end + at);
	for (size_t i = 0; i < TRUST_HASH_SIZE; i++)
		ret[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
	return 0;
}

char *trust_hash_print(const uint8_t hash[static TRUST_HASH_SIZE], char text[static TRUST_HASH_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < TRUST_HASH_SIZE; i++) {
		text[2 * i] = digits[hash[i] >> 4];
		text[2 * i + 1] = digits[hash[i] & 15];
	}
	text[TRUST_HASH_TEXT_SIZE - 1] = '\0';
	return text;
}

char *trust_fingerprint_print(const uint8_t hash[static TRUST_HASH_SIZE],
                              char text[static TRUST_FINGERPRINT_SIZE])
{
	for (size_t i = 0; i < TRUST_HASH_SIZE; i++)
		(void)snprintf(text + 3 * i, 4 - (i + 1 == TRUST_HASH_SIZE), "%02X%s", hash[i],
		               i + 1 < TRUST_HASH_SIZE ? ":" : "");
	return text;
}
