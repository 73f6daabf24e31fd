// SPDX-License-Identifier: GPL-2.0-or-later
//
// A good signed policy, cut off after each of its octets, with each octet left out, and with a bit of each
// octet turned: never good again, but where what was lost is none of the policy, the signature, or a
// certificate that is needed. Of a good one nothing matters but
//   - a line feed at the very end (many an editor leaves it out), and where in base64 the lines end,
//   - certificates that the chain does not need: a root that is an anchor here, any beside a pinned key.
#include "made.h"

#include <stdio.h>

#include "base/signed_text.h"

struct whole {
	struct trust trust;
	char *text;
	size_t size;
	size_t needed; // octets from the beginning: up to the END line of the last block that is needed
	unsigned good; // how many changes were
};

static const char block_end[] = "-----END ";

// Up to the END line of block number `block` after the policy: the signature is 0.
static size_t end_of_block(const char *text, unsigned block)
{
	const char *at = strstr(text, SIGNED_TEXT_MARKER);
	for (unsigned i = 0; at && i <= block; i++)
		at = strstr(at + 1, block_end);
	assert_non_null(at);
	return (size_t)(strchr(at, '\n') - text);
}

static void read_whole(struct whole *whole, const char *name, const char *anchors, unsigned blocks)
{
	char path[128];
	struct trust_verdict verdict;
	*whole = (struct whole){0};
	snprintf(path, sizeof path, "signed/%s", name);
	whole->text = made_read(path, &whole->size);
	made_trust(&whole->trust, anchors);
	made_verify(whole->text, whole->size, &whole->trust, &verdict);
	assert_int_equal(verdict.code, TRUST_GOOD);
	whole->needed = end_of_block(whole->text, blocks);
}

static void whole_fini(struct whole *whole)
{
	made_trust_fini(&whole->trust);
	free(whole->text);
}

static bool good(struct whole *whole, const char *text, size_t size)
{
	struct trust_verdict verdict;
	made_verify(text, size, &whole->trust, &verdict);
	// None of these changes is a reason for it not to be found out.
	assert_int_not_equal(verdict.code, TRUST_UNCHECKED);
	whole->good += verdict.code == TRUST_GOOD;
	return verdict.code == TRUST_GOOD;
}

// Whether a text that is cut off there ends between two blocks.
static bool between_blocks(const struct whole *whole, size_t cut)
{
	size_t end = cut > 0 && whole->text[cut - 1] == '\n' ? cut - 1 : cut, begin = end;
	while (begin > 0 && whole->text[begin - 1] != '\n')
		begin--;
	return (cut == whole->size || whole->text[end] == '\n') &&
	       memcmp(whole->text + begin, block_end, strlen(block_end)) == 0;
}

static void cut_off(const char *name, const char *anchors, unsigned blocks)
{
	struct whole whole;
	read_whole(&whole, name, anchors, blocks);
	for (size_t cut = 0; cut < whole.size; cut++) {
		char *text = malloc(cut + 1); // its end is the end of the memory
		assert_non_null(text);
		memcpy(text + 1, whole.text, cut);
		if (good(&whole, text + 1, cut) != (cut >= whole.needed && between_blocks(&whole, cut)))
			fail_msg("%s cut at %zu of %zu", name, cut, whole.size);
		free(text);
	}
	assert_true(whole.good > 0); // without the last line feed
	whole_fini(&whole);
}

static void turn_bits(const char *name, const char *anchors, unsigned blocks)
{
	struct whole whole;
	read_whole(&whole, name, anchors, blocks);
	for (size_t at = 0; at < whole.size; at++) {
		whole.text[at] ^= (char)(1 << at % 8);
		if (good(&whole, whole.text, whole.size) && at <= whole.needed)
			fail_msg("%s with a bit turned at %zu of %zu", name, at, whole.size);
		whole.text[at] ^= (char)(1 << at % 8);
	}
	whole_fini(&whole);
}

// The end of a line of base64 that another follows.
static bool in_base64(const struct whole *whole, size_t at)
{
	return at > signed_text_end(whole->text, whole->size) && whole->text[at] == '\n' &&
	       whole->text[at - 1] != '-' && whole->text[at + 1] != '-';
}

static void leave_out(const char *name, const char *anchors, unsigned blocks)
{
	struct whole whole;
	read_whole(&whole, name, anchors, blocks);
	char *text = malloc(whole.size);
	assert_non_null(text);
	for (size_t at = 0; at < whole.size; at++) {
		memcpy(text, whole.text, at);
		memcpy(text + at, whole.text + at + 1, whole.size - at - 1);
		if (good(&whole, text, whole.size - 1) && at < whole.needed && !in_base64(&whole, at))
			fail_msg("%s without octet %zu of %zu", name, at, whole.size);
	}
	free(text);
	whole_fini(&whole);
}

static void changed(const char *name, const char *anchors, unsigned blocks)
{
	cut_off(name, anchors, blocks);
	turn_bits(name, anchors, blocks);
	leave_out(name, anchors, blocks);
}

static void by_a_certificate(void **state)
{
	(void)state;
	changed("p256-root-signer", "p256", 1);
	cut_off("intermediate", "root", 2);
	turn_bits("intermediate", "root", 2);
	cut_off("p384-root-signer", "p384", 1);
}

static void with_the_root(void **state)
{
	(void)state;
	cut_off("p256-with-root", "p256", 1);
	turn_bits("p256-with-root", "p256", 1);
}

static void by_a_pinned_key(void **state)
{
	(void)state;
	changed("p256-pinned", "p256-key.site", 0);
	changed("p384-pinned", "p384-key.site", 0);
	changed("rsa-pinned", "rsa-key.site", 0);
	cut_off("p256-root-signer", "p256-key.site", 0);
	cut_off("rsa-root-signer", "rsa", 1);
}

// Beside a pinned key the certificate is read, and its key, and nothing else counts.
static void a_certificate_beside_a_pinned_key(void **state)
{
	struct whole whole;
	(void)state;
	read_whole(&whole, "p256-root-signer", "p256-key.site", 0);
	for (size_t at = whole.needed; at < whole.size; at++) {
		struct trust_verdict verdict;
		whole.text[at] ^= (char)(1 << at % 8);
		made_verify(whole.text, whole.size, &whole.trust, &verdict);
		if (verdict.code == TRUST_GOOD) {
			whole.good++;
			assert_memory_equal(verdict.signer, "key ", 4);
		}
		whole.text[at] ^= (char)(1 << at % 8);
	}
	assert_true(whole.good > 0);
	whole_fini(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_a_certificate), cmocka_unit_test(with_the_root),
	                                   cmocka_unit_test(by_a_pinned_key),
	                                   cmocka_unit_test(a_certificate_beside_a_pinned_key)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
