// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256 against the examples that NIST publishes for FIPS 180-4, and against mbedTLS's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mbedtls/md.h>

#include "trust/trust_hash.h"

static void assert_hash(const char *text, size_t size, const char *wanted)
{
	uint8_t hash[TRUST_HASH_SIZE];
	char printed[TRUST_HASH_TEXT_SIZE];
	assert_int_equal(trust_hash(text, size, hash), 0);
	assert_string_equal(trust_hash_print(hash, printed), wanted);
}

static void examples(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	(void)state;
	assert_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_hash(two_blocks, sizeof two_blocks - 1,
	            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	char *million = malloc(1000000);
	assert_non_null(million);
	memset(million, 'a', 1000000);
	assert_hash(million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

// Octets that no instruction is spared, in a place where no octet more can be read.
static uint8_t *octets_of(size_t size)
{
	uint8_t *octets = malloc(size ? size : 1);
	assert_non_null(octets);
	for (size_t i = 0; i < size; i++)
		octets[i] = (uint8_t)(i * 167 + size);
	return octets;
}

static void assert_like_mbedtls(const uint8_t *octets, size_t size, const uint8_t *hash)
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	uint8_t wanted[TRUST_HASH_SIZE];
	assert_non_null(sha256);
	assert_int_equal(mbedtls_md(sha256, octets, size, wanted), 0);
	assert_memory_equal(hash, wanted, sizeof wanted);
}

// Where blocks end, and the count of bits finds room or not.
static void every_length(void **state)
{
	uint8_t hash[TRUST_HASH_SIZE];
	(void)state;
	for (size_t size = 0; size < 400; size++) {
		uint8_t *octets = octets_of(size);
		assert_int_equal(trust_hash(octets, size, hash), 0);
		assert_like_mbedtls(octets, size, hash);
		free(octets);
	}
}

static void in_pieces(void **state)
{
	uint8_t hash[TRUST_HASH_SIZE], *octets = octets_of(1000);
	(void)state;
	for (size_t piece = 1; piece < 200; piece++) {
		struct trust_hashing hashing = TRUST_HASHING;
		for (size_t at = 0; at < 1000; at += piece)
			trust_hash_add(&hashing, octets + at, at + piece < 1000 ? piece : 1000 - at);
		trust_hash_add(&hashing, NULL, 0);
		trust_hash_end(&hashing, hash);
		assert_like_mbedtls(octets, 1000, hash);
	}
	free(octets);
}

// What this processor has for it does the same as plain C.
static void on_any_processor(void **state)
{
	uint8_t *blocks = octets_of(TRUST_HASH_BLOCK * 20);
	uint32_t plain[8] = {1, 2, 3, 4, 5, 6, 7, UINT32_MAX}, other[8];
	(void)state;
	memcpy(other, plain, sizeof other);
	for (size_t count = 0; count <= 20; count++) {
		trust_hash_blocks_plain(plain, blocks, count);
		trust_hash_blocks(other, blocks, count);
		assert_memory_equal(plain, other, sizeof plain);
	}
	free(blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(examples), cmocka_unit_test(every_length),
	                                   cmocka_unit_test(in_pieces), cmocka_unit_test(on_any_processor)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
