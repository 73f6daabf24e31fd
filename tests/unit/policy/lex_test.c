// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reader alone: what is a word, where it stands, and where directives and blocks end.
#include "policy_test.h"

#include "policy/policy_lex.h"

// The tokens of a text, written down: words in <>, a broken directive with !, { } and .
static char *tokens(const char *text, size_t size, size_t *ret_problems)
{
	struct policy policy;
	struct problems problems;
	struct policy_lex lex;
	struct policy_directive *d = malloc(sizeof *d);
	struct buffer out = BUFFER_EMPTY;
	char *copy = malloc(size + 1); // exactly as long as it is: a read beyond its end is seen
	memcpy(copy, text, size);
	copy[size] = '\0';
	policy_init(&policy);
	problem_init(&problems);
	policy_lex_begin(&lex, &policy, &problems, copy, size, 1000);
	for (enum policy_lex_kind kind; (kind = policy_lex_next(&lex, d)) != POLICY_LEX_END;) {
		if (kind == POLICY_LEX_CLOSE) {
			buffer_printf(&out, "}@%u", d->brace_at - 1000);
			continue;
		}
		buffer_text(&out, d->broken ? "!" : "");
		for (uint32_t i = 0; i < d->count; i++)
			buffer_printf(&out, "<%.*s>", (int)d->words[i].size, d->words[i].text);
		buffer_text(&out, d->opens ? "{" : ".");
	}
	*ret_problems = problems.count;
	problem_fini(&problems);
	policy_fini(&policy);
	free(copy);
	free(d);
	buffer_text(&out, "");
	return buffer_steal(&out);
}

static void assert_tokens(const char *text, size_t size, const char *wanted, size_t problems)
{
	size_t found;
	char *got = tokens(text, size, &found);
	if (strcmp(got, wanted) != 0 || found != problems)
		fail_msg("'%s' is read as %s with %zu problems, not as %s with %zu", text, got, found, wanted,
		         problems);
	free(got);
}

static void good(void **state)
{
	static const struct {
		const char *text, *tokens;
	} cases[] = {
	        {"", ""},
	        {"\n\n \t\n", ""},
	        {";;;", ""},
	        {"# only a comment", ""},
	        {"a", "<a>."},
	        {"a b\tc\n", "<a><b><c>."},
	        {"a b # c\nd", "<a><b>.<d>."},
	        {"a#b c#", "<a#b><c#>."},
	        {"a;b;;c", "<a>.<b>.<c>."},
	        {"a{b}", "<a>{<b>.}@3"},
	        {"a { b c; d }\n", "<a>{<b><c>.<d>.}@11"},
	        {"a { b { c } }", "<a>{<b>{<c>.}@10}@12"},
	        {"a {\n# }\n}", "<a>{}@8"},
	        {"a { }\nb", "<a>{}@4<b>."},
	        {"a { };b", "<a>{}@4<b>."},
	        {"\"a b\" 'c d'", "<a b><c d>."},
	        {"\"\" ''", "<><>."},
	        {"\"a#b;{}\"", "<a#b;{}>."},
	        {"\"a\\\"b\\\\c\"", "<a\"b\\c>."},
	        {"'a\\b\"c'", "<a\\b\"c>."},
	        {"a\\ b\\{ \\#c \\\"", "<a b{><#c><\">."},
	        {"\\n", "<n>."}, // no C escapes: the character itself
	        {"\"a'b\"", "<a'b>."},
	        {"\xc3\xa4 \"\xe2\x82\xac\" # \xf0\x9f\x98\x80", "<\xc3\xa4><\xe2\x82\xac>."},
	        {"\\\xc3\xa4", "<\xc3\xa4>."},
	        {"a\r\nb\r\n", "<a>.<b>."},
	        {"a # c\r\nb", "<a>.<b>."},
	        {"a {\r\n b\r\n}\r\n", "<a>{<b>.}@9"},
	        {"\"a\tb\"", "<a\tb>."},
	        {"\"a\xc2\xa0"
	         "b\"",
	         "<a\xc2\xa0"
	         "b>."}, // in quotes an odd space is somebody's wish
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_tokens(cases[i].text, strlen(cases[i].text), cases[i].tokens, 0);
}

// Each is one complaint, and what stands before and after is still read.
static void bad(void **state)
{
	static const struct {
		const char *text, *tokens;
	} cases[] = {
	        {"a \"b\nc", "!<a>.<c>."},
	        {"a 'b", "!<a>."},
	        {"a \"b\\", "!<a>."},
	        {"a \"b\\\"\nc", "!<a>.<c>."},
	        {"a \"b {\nc\n}", "!<a>{<c>.}@9"},
	        {"a \"{", "!<a>{"},
	        {"a b\"c\" d\ne", "!<a><d>.<e>."},
	        {"a \"b\"c d\ne", "!<a><d>.<e>."},
	        {"a \\\nb", "!<a>.<b>."},
	        {"a \\", "!<a>."},
	        {"a \x01 b\nc", "!<a><b>.<c>."},
	        {"a b\x7f"
	         "c d",
	         "!<a><d>."},
	        {"a \"b\x1b[2J\" c", "!<a><c>."},
	        {"# \x07\na", "<a>."},
	        {"a \xff\nb \xfe", "!<a>.!<b>."}, // said once a file
	        {"a \xc0\xaf", "!<a>."},
	        {"a \xed\xa0\x80", "!<a>."},
	        {"a \xf5\x80\x80\x80", "!<a>."},
	        {"a \xe2\x82", "!<a>."},
	        {"a \xc2\x85", "!<a>."},
	        {"a \xe2\x80\xae", "!<a>."},
	        {"a \xe2\x81\xa6", "!<a>."},
	        {"# \xe2\x80\xae", ""},
	        {"a\xc2\xa0"
	         "b c",
	         "!<c>."},
	        {"\xef\xbb\xbf"
	         "a",
	         "<a>."},
	        {"a \xef\xbb\xbf", "!<a>."},
	        {"\xff\xfe"
	         "a\n",
	         ""},
	        {"a\rb\rc", "<a>.<b>.<c>."}, // said once a file
	        {"{ a }", "!{<a>.}@4"},
	        {"a { b } c", "<a>{<b>.}@6<c>."},
	        {"a { } b { }", "<a>{}@4<b>{}@10"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_tokens(cases[i].text, strlen(cases[i].text), cases[i].tokens, 1);
	assert_tokens("a\nb \0 c\nd", 9, "<a>.!<b>.", 1); // nothing is read after a NUL
	assert_tokens("# \0\nd", 5, "", 1);
	assert_tokens("\"\0\"", 3, "!.", 1);
}

static void lengths(void **state)
{
	char text[POLICY_WORD_MAX + 4];
	size_t problems;
	(void)state;
	memset(text, 'a', sizeof text);
	char *got = tokens(text, POLICY_WORD_MAX, &problems);
	assert_int_equal(problems, 0);
	assert_int_equal(strlen(got), POLICY_WORD_MAX + 3);
	free(got);
	assert_tokens(text, POLICY_WORD_MAX + 1, "!.", 1);
	text[0] = text[POLICY_WORD_MAX + 1] = '"';
	got = tokens(text, POLICY_WORD_MAX + 2, &problems);
	assert_int_equal(problems, 0);
	free(got);
	text[POLICY_WORD_MAX + 1] = 'a';
	text[POLICY_WORD_MAX + 2] = '"';
	assert_tokens(text, POLICY_WORD_MAX + 3, "!.", 1);
}

static void word_counts(void **state)
{
	char text[2 * POLICY_WORDS_MAX + 3];
	size_t problems;
	(void)state;
	for (size_t i = 0; i < sizeof text; i += 2)
		memcpy(text + i, "a ", i + 1 < sizeof text ? 2 : 1);
	free(tokens(text, 2 * POLICY_WORDS_MAX, &problems));
	assert_int_equal(problems, 0);
	char *got = tokens(text, 2 * POLICY_WORDS_MAX + 2, &problems);
	assert_int_equal(problems, 1);
	assert_int_equal(got[0], '!');
	free(got);
}

static void places(void **state)
{
	struct policy policy;
	struct problems problems;
	struct policy_lex lex;
	struct policy_directive d;
	char text[] = "one  'two' t\\hree {";
	(void)state;
	policy_init(&policy);
	problem_init(&problems);
	policy_lex_begin(&lex, &policy, &problems, text, strlen(text), 100);
	assert_int_equal(policy_lex_next(&lex, &d), POLICY_LEX_DIRECTIVE);
	assert_int_equal(d.words[0].at, 100);
	assert_int_equal(d.words[1].at, 105); // its quote
	assert_int_equal(d.words[2].at, 111);
	assert_int_equal(d.brace_at, 118);
	assert_ptr_equal(d.words[1].text, text + 6); // only what has escapes is copied
	assert_int_equal(policy.unescaped_count, 1);
	assert_ptr_equal(d.words[2].text, policy.unescaped[0]);
	assert_int_equal(policy_lex_word_length(text), 3);
	assert_int_equal(policy_lex_word_length(text + 5), 5);
	assert_int_equal(policy_lex_word_length(text + 11), 6);
	assert_int_equal(policy_lex_word_length("\"a\\\"b\" c"), 6);
	assert_int_equal(policy_lex_word_length("\"a"), 2);
	assert_int_equal(policy_lex_word_length(""), 0);
	policy_fini(&policy);
	problem_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(good),        cmocka_unit_test(bad),    cmocka_unit_test(lengths),
	        cmocka_unit_test(word_counts), cmocka_unit_test(places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
