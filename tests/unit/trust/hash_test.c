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

// Where blocks end, and the count of bits finds room or not.
static void every_length(void **state)
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	uint8_t hash[TRUST_HASH_SIZE], wanted[TRUST_HASH_SIZE];
	(void)state;
	assert_non_null(sha256);
	for (size_t size = 0; size < 400; size++) {
		uint8_t *octets = malloc(size ? size : 1); // no octet more can be read
		assert_non_null(octets);
		for (size_t i = 0; i < size; i++)
			octets[i] = (uint8_t)(i * 167 + size);
		assert_int_equal(trust_hash(octets, size, hash), 0);
		assert_int_equal(mbedtls_md(sha256, octets, size, wanted), 0);
		assert_memory_equal(hash, wanted, sizeof hash);
		free(octets);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(examples), cmocka_unit_test(every_length)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
