// SPDX-License-Identifier: GPL-2.0-or-later
//
// Verifying in a process that holds nothing: the same verdicts from memory, from a bundle and from a file.
#include "made.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *const cases[] = {"p256-root-signer", "p384-root-signer", "rsa-root-signer", "intermediate"};
static const char anchors[] = "p256,p384,rsa,root";

static void assert_same(const struct trust_verdict *verdict, const struct trust_verdict *wanted)
{
	assert_int_equal(verdict->code, wanted->code);
	assert_int_equal(verdict->size, wanted->size);
	assert_int_equal(verdict->scope, wanted->scope);
	assert_int_equal(verdict->valid_from, wanted->valid_from);
	assert_int_equal(verdict->valid_to, wanted->valid_to);
	assert_string_equal(verdict->signer, wanted->signer);
	assert_string_equal(verdict->anchor, wanted->anchor);
	assert_string_equal(verdict->detail, wanted->detail);
	assert_memory_equal(verdict->content, wanted->content, sizeof verdict->content);
	assert_memory_equal(verdict->key, wanted->key, sizeof verdict->key);
}

static FILE *file_of(const char *text, size_t size)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fflush(file), 0);
	return file;
}

static void three_ways(const char *text, size_t size, const struct trust *trust, uint32_t code)
{
	struct trust_verdict wanted, verdict;
	struct problems problems;
	struct buffer bundle = BUFFER_EMPTY;
	FILE *file = file_of(text, size);
	problem_init(&problems);
	made_verify(text, size, trust, &wanted);
	assert_int_equal(wanted.code, code);
	assert_int_equal(trust_verify_apart(text, size, trust, &verdict, &problems), 0);
	assert_same(&verdict, &wanted);
	buffer_printf(&bundle, "leadglass-bundle 1\nfile %zu p.signed\n", size);
	buffer_add(&bundle, text, size);
	buffer_text(&bundle, "\nend\n");
	assert_int_equal(trust_verify_bundle_apart(bundle.data, bundle.size, trust, &verdict, &problems), 0);
	assert_same(&verdict, &wanted);
	assert_int_equal(trust_verify_file_apart(fileno(file), trust, &verdict, &problems), 0);
	assert_same(&verdict, &wanted);
	assert_int_equal(problems.count, 0);
	buffer_fini(&bundle);
	problem_fini(&problems);
	fclose(file);
}

static void good_ones(void **state)
{
	struct trust trust;
	(void)state;
	made_trust(&trust, anchors);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char name[64];
		size_t size;
		snprintf(name, sizeof name, "signed/%s", cases[i]);
		char *text = made_read(name, &size);
		three_ways(text, size, &trust, TRUST_GOOD);
		text[0] ^= 1;
		three_ways(text, size, &trust, TRUST_WRONG_SIGNATURE);
		text[0] ^= 1;
		three_ways(text, size - 100, &trust, TRUST_CERTIFICATE_FORM);
		three_ways(text, 100, &trust, TRUST_NOT_SIGNED);
		three_ways(text, 0, &trust, TRUST_NOT_SIGNED);
		free(text);
	}
	made_trust_fini(&trust);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(good_ones)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
