// SPDX-License-Identifier: GPL-2.0-or-later
//
// Verifying in a process that holds nothing: the same verdicts from memory, from a bundle and from a file.
#include "made.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

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

// In a process that has asked for no date yet: the C library's first one opens a file, which nobody can over
// there.
static void the_first_date(void **state)
{
	struct trust trust;
	struct trust_verdict verdict;
	struct problems problems;
	size_t size;
	(void)state;
	problem_init(&problems);
	made_trust(&trust, anchors);
	char *text = made_read("signed/intermediate", &size);
	assert_int_equal(trust_verify_apart(text, size, &trust, &verdict, &problems), 0);
	assert_int_equal(verdict.code, TRUST_GOOD);
	problem_fini(&problems);
	made_trust_fini(&trust);
	free(text);
}

// ---- no verdict ----

static void expect_none(int result, int wanted, const struct trust_verdict *verdict, struct problems *problems,
                        const char *words)
{
	struct buffer said = BUFFER_EMPTY;
	assert_int_equal(result, wanted);
	assert_int_equal(verdict->code, TRUST_UNCHECKED);
	problem_print(problems, NULL, &said);
	assert_string_equal(said.data, words);
	buffer_fini(&said);
	problem_fini(problems);
	problem_init(problems);
}

static void bundles(void **state)
{
	static const char several[] = "leadglass-bundle 1\nfile 1 a\nx\nfile 1 b\ny\nend\n";
	static const char damaged[] = "leadglass-bundle 1\nfile 9 a\nx\nend\n";
	struct trust trust;
	struct trust_verdict verdict;
	struct problems problems;
	(void)state;
	problem_init(&problems);
	made_trust(&trust, anchors);
	assert_int_equal(trust_verify_bundle_apart(several, sizeof several - 1, &trust, &verdict, &problems),
	                 0);
	assert_int_equal(verdict.code, TRUST_NOT_SIGNED);
	expect_none(
	        trust_verify_bundle_apart(damaged, sizeof damaged - 1, &trust, &verdict, &problems), -EBADMSG,
	        &verdict, &problems,
	        "error: the signature cannot be checked: this is no policy in one piece, or it is damaged\n");
	made_trust_fini(&trust);
}

// What comes back names an anchor that nobody here would name so.
static void no_sense(void **state)
{
	struct trust trust;
	struct trust_verdict verdict;
	struct problems problems;
	size_t size;
	(void)state;
	problem_init(&problems);
	made_trust(&trust, "root");
	char *text = made_read("signed/intermediate", &size);
	strcpy(trust.anchors[0].name, "ro\not");
	expect_none(trust_verify_apart(text, size, &trust, &verdict, &problems), -EREMOTEIO, &verdict,
	            &problems, "error: the signature cannot be checked: the answer makes no sense\n");
	made_trust_fini(&trust);
	free(text);
}

// An anchor whose text cannot be read: whoever reads it dies, over there, and nobody else.
static void a_death_over_there(void **state)
{
	struct trust trust = {.count = 1};
	struct trust_verdict verdict;
	struct problems problems;
	size_t size;
	(void)state;
	problem_init(&problems);
	char *text = made_read("signed/intermediate", &size);
	strcpy(trust.anchors[0].name, "a");
	trust.anchors[0].text = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(trust.anchors[0].text != MAP_FAILED);
	trust.anchors[0].size = 4096;
	expect_none(
	        trust_verify_apart(text, size, &trust, &verdict, &problems), -EPROTO, &verdict, &problems,
	        "error: the signature cannot be checked: the process that does it ended without an answer\n");
	munmap(trust.anchors[0].text, 4096);
	free(text);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_date), cmocka_unit_test(good_ones),
	                                   cmocka_unit_test(bundles), cmocka_unit_test(a_death_over_there),
	                                   cmocka_unit_test(no_sense)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
