// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256, block by block, thrice: in plain C, and with what amd64 and arm64 processors may have for it.
#include "trust/trust_hash_block.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#endif

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

// ---- any processor ----

static uint32_t turn(uint32_t word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

static void take_block(uint32_t hash[static 8], const uint8_t *block)
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

void trust_hash_blocks_plain(uint32_t hash[static 8], const uint8_t *blocks, size_t count)
{
	for (; count > 0; count--, blocks += TRUST_HASH_BLOCK)
		take_block(hash, blocks);
}

// ---- with instructions for it ----
// Both take four rounds at once, and make of four words of w[] the four that come sixteen later in their place.

#if defined(__x86_64__)

#define ACCELERATED __attribute__((target("sha,sse4.1")))

static bool can_accelerate(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (b & bit_SHA);
}

static __m128i load(const void *from)
{
	return _mm_loadu_si128(from);
}

ACCELERATED static void accelerated(uint32_t hash[static 8], const uint8_t *blocks, size_t count)
{
	// The instructions have the words in this order.
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	const __m128i cdab = _mm_shuffle_epi32(load(hash), 0xb1),
	              efgh = _mm_shuffle_epi32(load(hash + 4), 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0), w[4];

	for (; count > 0; count--, blocks += TRUST_HASH_BLOCK) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		for (size_t i = 0; i < 4; i++)
			w[i] = _mm_shuffle_epi8(load(blocks + 16 * i), big_endian);
		for (size_t i = 0; i < 16; i++) {
			const __m128i now = w[i % 4], last = w[(i + 3) % 4];
			const __m128i sum = _mm_add_epi32(now, load(constants + 4 * i));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
			w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) % 4]),
			                                              _mm_alignr_epi8(last, w[(i + 2) % 4], 4)),
			                                last);
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((void *)hash, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((void *)(hash + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#elif defined(__aarch64__)

#define ACCELERATED __attribute__((target("+crypto")))
#define HAS_SHA2 (1 << 6) // HWCAP_SHA2 of <asm/hwcap.h>

static bool can_accelerate(void)
{
	return getauxval(AT_HWCAP) & HAS_SHA2;
}

ACCELERATED static void accelerated(uint32_t hash[static 8], const uint8_t *blocks, size_t count)
{
	uint32x4_t abcd = vld1q_u32(hash), efgh = vld1q_u32(hash + 4), w[4];

	for (; count > 0; count--, blocks += TRUST_HASH_BLOCK) {
		const uint32x4_t abcd_before = abcd, efgh_before = efgh;
		for (size_t i = 0; i < 4; i++)
			w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
		for (size_t i = 0; i < 16; i++) {
			const uint32x4_t sum = vaddq_u32(w[i % 4], vld1q_u32(constants + 4 * i)),
			                 abcd_now = abcd;
			abcd = vsha256hq_u32(abcd, efgh, sum);
			efgh = vsha256h2q_u32(efgh, abcd_now, sum);
			w[i % 4] = vsha256su1q_u32(vsha256su0q_u32(w[i % 4], w[(i + 1) % 4]), w[(i + 2) % 4],
			                           w[(i + 3) % 4]);
		}
		abcd = vaddq_u32(abcd, abcd_before);
		efgh = vaddq_u32(efgh, efgh_before);
	}
	vst1q_u32(hash, abcd);
	vst1q_u32(hash + 4, efgh);
}

#endif

void trust_hash_blocks(uint32_t hash[static 8], const uint8_t *blocks, size_t count)
{
#if defined(ACCELERATED)
	static int can = -1; // asking is slow where a hypervisor has to answer
	if (can < 0)
		can = can_accelerate();
	if (can) {
		accelerated(hash, blocks, count);
		return;
	}
#endif
	trust_hash_blocks_plain(hash, blocks, count);
}
