// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256 through the part of mbedTLS that is the same in 2.28 and 3.6.
#include "trust/trust_hash.h"

#include <errno.h>

#include <mbedtls/md.h>

int trust_hash(const void *data, size_t size, uint8_t ret[static TRUST_HASH_SIZE])
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	if (!sha256 || mbedtls_md_get_size(sha256) != TRUST_HASH_SIZE)
		return -EIO;
	return mbedtls_md(sha256, data, size, ret) == 0 ? 0 : -EIO;
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
