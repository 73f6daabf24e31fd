// SPDX-License-Identifier: GPL-2.0-or-later
//
// A verdict is the word of a process that may have been taken over: what it can be, and how it is told. Dates
// and what is said of anchors.
#include "made.h"

#include "base/date.h"

#include <stdio.h>

static struct trust_verdict good_verdict(const char *name, const char *anchors)
{
	char path[128];
	struct trust trust;
	struct trust_verdict verdict;
	size_t size;
	snprintf(path, sizeof path, "signed/%s", name);
	char *text = made_read(path, &size);
	made_trust(&trust, anchors);
	made_verify(text, size, &trust, &verdict);
	assert_int_equal(verdict.code, TRUST_GOOD);
	made_trust_fini(&trust);
	free(text);
	return verdict;
}

// ---- what it can be ----

#define not_sane(change)                                                                                       \
	do {                                                                                                   \
		struct trust_verdict v = good;                                                                 \
		change;                                                                                        \
		if (trust_verdict_sane(&v))                                                                    \
			fail_msg("sane with %s", #change);                                                     \
	} while (0)

static void each_field(void **state)
{
	const struct trust_verdict good = good_verdict("p256-root-signer", "p256"), zero = {0};
	(void)state;
	assert_true(trust_verdict_sane(&good));
	assert_false(trust_verdict_sane(&zero));
	not_sane(v.code = TRUST_CODE_COUNT);
	not_sane(v.code = UINT32_MAX);
	not_sane(v.which = TRUST_CHAIN_MAX + 2);
	not_sane(v.which = 1);
	not_sane(v.algorithm = TRUST_NO_ALGORITHM);
	not_sane(v.algorithm = TRUST_ALGORITHM_COUNT);
	not_sane(v.scope = TRUST_OEM + 1);
	not_sane(v.fits = 0);
	not_sane(v.fits = 2);
	not_sane(v.valid_from = -1);
	not_sane(v.valid_from = INT64_MAX);
	not_sane(v.valid_to = INT64_MIN);
	not_sane(v.valid_to = INT64_MAX - 1);
	not_sane(v.valid_to = DATE_LATEST + 1);
	not_sane(v.valid_from_which = TRUST_CHAIN_MAX + 1);
	not_sane(v.valid_to_which = TRUST_CHAIN_MAX + 1);
	not_sane(memset(v.content, 0, sizeof v.content));
	not_sane(memset(v.key, 0, sizeof v.key));
	not_sane(v.anchor[0] = '\0');
	not_sane(v.signer[0] = '\0');
	not_sane(strcpy(v.detail, "x"));
	not_sane(memset(v.anchor, 'a', sizeof v.anchor));
	not_sane(memset(v.signer, 'a', sizeof v.signer));
	not_sane(memset(v.detail, 'a', sizeof v.detail));
	not_sane(memset(v.bad_anchor, 'a', sizeof v.bad_anchor));
	not_sane(memset(v.bad_anchor_why, 'a', sizeof v.bad_anchor_why));
	not_sane(v.anchor[1] = '\n');
	not_sane(v.signer[1] = '\x1b');
	not_sane(v.signer[1] = '\xff');
	not_sane(strcpy(v.signer, "CN=\xe2\x80\xae"
	                          "desk"));
	not_sane(v.signer[1] = '\x7f');
	not_sane(strcpy(v.bad_anchor, "\r"));
	not_sane(strcpy(v.bad_anchor_why, "\xc2\x9b"));
}

// Whatever comes, it is told without harm when it is sane; and no noise is a good verdict.
static void noise(void **state)
{
	static const struct trust none = {.path = "/etc/leadglass/trust"};
	uint64_t seed = 4711;
	unsigned sane = 0;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct trust_verdict verdict;
		unsigned char *octets = (unsigned char *)&verdict;
		for (size_t i = 0; i < sizeof verdict; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			octets[i] = (unsigned char)(seed >> 56);
		}
		if (round % 2) { // half of them with fields that could be
			verdict.code %= TRUST_CODE_COUNT;
			verdict.which %= TRUST_CHAIN_MAX;
			verdict.algorithm %= TRUST_ALGORITHM_COUNT;
			verdict.scope %= 3;
			verdict.fits %= 2;
			verdict.valid_from = (int64_t)((uint64_t)verdict.valid_from % DATE_LATEST);
			verdict.valid_to = (int64_t)((uint64_t)verdict.valid_to % DATE_LATEST);
			verdict.valid_from_which = verdict.valid_to_which = 0;
			verdict.anchor[0] = verdict.signer[0] = verdict.detail[0] = '\0';
			verdict.bad_anchor[0] = verdict.bad_anchor_why[0] = '\0';
		}
		if (!trust_verdict_sane(&verdict))
			continue;
		struct buffer words = made_words(&verdict, &none);
		assert_int_not_equal(verdict.code, TRUST_GOOD);
		assert_non_null(words.data);
		buffer_fini(&words);
		sane++;
	}
	assert_true(sane > 1000);
}

static void unchecked(void **state)
{
	static const struct trust none = {.path = "/etc/leadglass/trust"};
	const struct trust_verdict verdict = {.code = TRUST_UNCHECKED, .detail = "out of memory"};
	(void)state;
	struct buffer words = made_words(&verdict, &none);
	assert_string_equal(words.data,
	                    "error: the signature of policy was not checked: out of memory; try again\n");
	buffer_fini(&words);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(trust_scope_name(TRUST_ALL), "all");
	assert_string_equal(trust_scope_name(TRUST_SITE), "site");
	assert_string_equal(trust_scope_name(TRUST_OEM), "oem");
	assert_string_equal(trust_algorithm_name(TRUST_NO_ALGORITHM), "none");
}

// ---- dates ----

static void dates(void **state)
{
	const struct trust_verdict expired = good_verdict("date-expired", "root"),
	                           future = good_verdict("date-future", "root"),
	                           end = good_verdict("date-end-of-time", "root"),
	                           pinned = good_verdict("p256-root-signer", "p256-key.site");
	(void)state;
	assert_int_equal(expired.valid_to, 1609459200);
	assert_int_equal(expired.valid_to_which, 1);
	assert_int_not_equal(expired.valid_from, 1577836800); // the root's is later
	assert_int_equal(expired.valid_from_which, 0);
	assert_int_equal(future.valid_from, 4070908800);
	assert_int_equal(future.valid_from_which, 1);
	assert_int_equal(future.valid_to_which, 0); // the root's
	assert_true(future.valid_to < future.valid_from);
	assert_int_equal(end.valid_to_which, 0);
	assert_int_equal(pinned.valid_from, 0);
	assert_true(pinned.valid_to == INT64_MAX);
	// Of two certificates of one CA the longer counts.
	const struct trust_verdict old = good_verdict("anchored", "root"),
	                           new = good_verdict("anchored", "renewed"),
	                           any = good_verdict("anchored", "renewed,root");
	assert_true(new.valid_to >= old.valid_to);
	assert_int_equal(new.valid_to_which, 1); // the signer's
	assert_int_equal(any.valid_to, new.valid_to);
	assert_string_equal(any.anchor, "renewed");
	// In the middle of a chain.
	const struct trust_verdict middle = good_verdict("date-middle", "root");
	assert_int_equal(middle.valid_to, 1609459200);
	assert_int_equal(middle.valid_to_which, 2);
	// Of two ways up the one that has not ended, in whatever order.
	const struct trust_verdict over = good_verdict("way-ended", "root"),
	                           first = good_verdict("way-renewed-and-ended", "root"),
	                           last = good_verdict("way-ended-and-renewed", "root");
	assert_int_equal(over.valid_to, 1609459200);
	assert_true(first.valid_to > over.valid_to && first.valid_to == last.valid_to);
}

// ---- anchors ----

static void about(const char *name, struct trust_about *ret)
{
	char path[128];
	struct problems problems;
	size_t size;
	problem_init(&problems);
	snprintf(path, sizeof path, "anchors/%s.pem", name);
	char *text = made_read(path, &size);
	assert_int_equal(trust_about_apart(text, size, ret, &problems), 0);
	assert_int_equal(problems.count, 0);
	assert_int_equal(ret->good, ret->why[0] == '\0');
	problem_fini(&problems);
	free(text);
}

static void as_openssl_says(void **state)
{
	size_t size, lines = 0;
	(void)state;
	char *text = made_read("about", &size), *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) && line[0]; lines++) {
		char name[32], whole[TRUST_HASH_TEXT_SIZE], key[TRUST_HASH_TEXT_SIZE],
		        hash[TRUST_HASH_TEXT_SIZE];
		long long from, to;
		struct trust_about is;
		assert_int_equal(sscanf(line, "%31s %64s %64s %lld %lld", name, whole, key, &from, &to), 5);
		about(name, &is);
		assert_true(is.good && !is.is_key);
		assert_string_equal(trust_hash_print(is.whole, hash), whole);
		assert_string_equal(trust_hash_print(is.key, hash), key);
		assert_int_equal(is.valid_from, from);
		assert_int_equal(is.valid_to, to);
	}
	assert_int_equal(lines, 6);
	free(text);
}

static void kinds_of_anchors(void **state)
{
	static const struct {
		const char *name, *kind, *subject, *why;
		bool is_key;
	} cases[] = {
	        {"p256", "ECDSA P-256", "O=St. Anna, CN=p256 root", "", false},
	        {"rsa4096", "RSA 4096 bits", "O=St. Anna, CN=rsa4096 root", "", false},
	        {"p384-key.site", "ECDSA P-384", "", "", true},
	        {"rsa-key.site", "RSA 3072 bits", "", "", true},
	        {"bad-leaf", "ECDSA P-256", "O=St. Anna, CN=desk", "it is no CA's certificate", false},
	        {"bad-server-ca", "ECDSA P-256", "O=St. Anna, CN=web root",
	         "it is a CA for other usages than code signing", false},
	        {"bad-name", "ECDSA P-256", "O=St. Anna, CN=e?[2Je",
	         "its name holds characters that cannot be shown", false},
	        {"p-521-root", "ECDSA P-521", "O=St. Anna, CN=weak root", "its key is ECDSA P-521", false},
	        {"key-rsa-2048", "", "", "its key is RSA 2048 bits", true},
	        {"bad-text", "", "", "it holds neither a CERTIFICATE nor a PUBLIC KEY in PEM", false},
	        {"bad-empty", "", "", "its file is empty, or over 16 KiB", false},
	        {"bad-junk", "", "", "it is no X.509 certificate, or a damaged one", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trust_about is;
		about(cases[i].name, &is);
		assert_string_equal(is.kind, cases[i].kind);
		assert_string_equal(is.subject, cases[i].subject);
		assert_string_equal(is.why, cases[i].why);
		assert_int_equal(is.is_key, cases[i].is_key);
		if (is.is_key && is.good)
			assert_true(is.valid_from == 0 && is.valid_to == INT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_field),      cmocka_unit_test(noise),
	                                   cmocka_unit_test(unchecked),       cmocka_unit_test(names),
	                                   cmocka_unit_test(dates),           cmocka_unit_test(as_openssl_says),
	                                   cmocka_unit_test(kinds_of_anchors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
