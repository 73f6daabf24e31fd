// SPDX-License-Identifier: GPL-2.0-or-later
//
// RSASSA-PSS has two choices that a signature does not name, the hash of its mask and the length of its salt
// (RFC 8017 8.1, 9.1). Of one that is not good: whether it is so only because they were made otherwise. mbedTLS
// cannot be asked that, as it checks no signature whose mask has another hash than its message.
#include "trust/trust_key.h"

#include <string.h>

#define KEY_OCTETS (TRUST_RSA_BITS_MAX / 8)

static const struct mask {
	mbedtls_md_type_t hash;
	const char *why;
} masks[] = {
        {MBEDTLS_MD_SHA256, "with a salt that is not of 32 octets"},
        {MBEDTLS_MD_SHA1, "with MGF1 over SHA-1 instead of SHA-256"},
        {MBEDTLS_MD_SHA224, "with MGF1 over SHA-224 instead of SHA-256"},
        {MBEDTLS_MD_SHA384, "with MGF1 over SHA-384 instead of SHA-256"},
        {MBEDTLS_MD_SHA512, "with MGF1 over SHA-512 instead of SHA-256"},
};

#if defined(MBEDTLS_RSA_C)

// MGF1 (B.2.1) of a SHA-256, taken off `data`.
static bool unmask(mbedtls_md_type_t kind, const uint8_t seed[static TRUST_HASH_SIZE], uint8_t *data,
                   size_t size)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(kind);
	uint8_t counted[TRUST_HASH_SIZE + 4], mask[MBEDTLS_MD_MAX_SIZE];
	const size_t step = info ? mbedtls_md_get_size(info) : 0;

	if (!info)
		return false;
	memcpy(counted, seed, TRUST_HASH_SIZE);
	for (size_t done = 0, round = 0; done < size; done += step, round++) {
		for (unsigned i = 0; i < 4; i++)
			counted[TRUST_HASH_SIZE + i] = (uint8_t)(round >> (24 - 8 * i));
		if (mbedtls_md(info, counted, sizeof counted, mask) != 0)
			return false;
		for (size_t i = 0; i < step && done + i < size; i++)
			data[done + i] ^= mask[i];
	}
	return true;
}

// EMSA-PSS-VERIFY (9.1.2) of an encoded message, for a salt of any length.
static bool fits(mbedtls_md_type_t kind, const uint8_t *encoded, size_t size, size_t bits,
                 const uint8_t hash[static TRUST_HASH_SIZE])
{
	uint8_t block[KEY_OCTETS], salted[8 + TRUST_HASH_SIZE + KEY_OCTETS] = {0}, again[TRUST_HASH_SIZE];
	const size_t length = size - TRUST_HASH_SIZE - 1;
	const uint8_t *seed = encoded + length;
	size_t begin = 0, salt;

	memcpy(block, encoded, length);
	if (encoded[size - 1] != 0xbc || !unmask(kind, seed, block, length))
		return false;
	block[0] &= (uint8_t)(0xff >> (8 * size - bits));
	while (begin < length && block[begin] == 0)
		begin++;
	if (begin == length || block[begin] != 1)
		return false;
	salt = length - begin - 1;
	memcpy(salted + 8, hash, TRUST_HASH_SIZE);
	memcpy(salted + 8 + TRUST_HASH_SIZE, block + begin + 1, salt);
	return trust_hash(salted, 8 + TRUST_HASH_SIZE + salt, again) == 0 &&
	       memcmp(again, seed, TRUST_HASH_SIZE) == 0;
}

const char *trust_pss_otherwise(const mbedtls_pk_context *key, const uint8_t hash[static TRUST_HASH_SIZE],
                                const uint8_t *signature)
{
	const size_t bits = mbedtls_pk_get_bitlen(key) - 1, size = (bits + 7) / 8;
	uint8_t encoded[KEY_OCTETS + 1];

	if (mbedtls_rsa_public(mbedtls_pk_rsa(*key), signature, encoded) != 0)
		return "";
	for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
		// One octet less than the key has, where its length is one bit more than whole octets.
		if (fits(masks[i].hash, encoded + mbedtls_pk_get_len(key) - size, size, bits, hash))
			return masks[i].why;
	}
	return "";
}

#else

const char *trust_pss_otherwise(const mbedtls_pk_context *key, const uint8_t hash[static TRUST_HASH_SIZE],
                                const uint8_t *signature)
{
	(void)key;
	(void)hash;
	(void)signature;
	(void)masks;
	return "";
}

#endif
