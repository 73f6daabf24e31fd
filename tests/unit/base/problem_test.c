// SPDX-License-Identifier: GPL-2.0-or-later
//
// How a problem is shown: place, source line, caret, include chain, bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"

static void add_text(struct sources *sources, const char *name, const char *text, source_pos from,
                     source_pos *ret)
{
	assert_int_equal(source_add(sources, name, strdup(text), strlen(text), from, ret), 0);
}

static void shown_with_a_caret(void **state)
{
	struct sources sources;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	source_pos main_start, more_start;
	(void)state;
	source_init(&sources);
	problem_init(&problems);
	add_text(&sources, "policy.conf", "role host\n\tprot 104\ninclude more.conf\n", 0, &main_start);
	add_text(&sources, "more.conf", "peer x", main_start + 20, &more_start);
	problem_add(&problems, PROBLEM_ERROR, main_start + 11, 4, "\"prot\" is no directive",
	            "did you mean \"port\"?");
	problem_addf(&problems, PROBLEM_WARNING, more_start + 5, 1, NULL, "peer %s can never match", "x");
	problem_add(&problems, PROBLEM_ERROR, 0, 0, "no role", "write \"role host\"");
	assert_true(problem_any_error(&problems));
	problem_print(&problems, &sources, &out);
	assert_string_equal(out.data,
	                    "policy.conf:2:2: error: \"prot\" is no directive; did you mean \"port\"?\n"
	                    "    \tprot 104\n"
	                    "    \t^~~~\n"
	                    "more.conf:1:6: warning: peer x can never match\n"
	                    "    peer x\n"
	                    "         ^\n"
	                    "  included from policy.conf:3\n"
	                    "error: no role; write \"role host\"\n");
	buffer_fini(&out);
	struct json json = JSON_TO(&out);
	problem_json(&problems, &sources, &json);
	assert_non_null(strstr(out.data, "\"line\": 2"));
	assert_non_null(strstr(out.data, "\"level\": \"warning\""));
	buffer_fini(&out);
	problem_fini(&problems);
	source_fini(&sources);
}

static void long_and_hostile_lines(void **state)
{
	struct sources sources;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	source_pos start;
	char text[301];
	(void)state;
	source_init(&sources);
	problem_init(&problems);
	memset(text, 'a', 300);
	text[300] = '\0';
	text[195] = '\x1b';
	add_text(&sources, "p", text, 0, &start);
	problem_add(&problems, PROBLEM_ERROR, start + 200, 50, "x", NULL);
	problem_print(&problems, &sources, &out);
	assert_null(strchr(out.data, '\x1b'));
	const char *line = strchr(out.data, '\n') + 1, *caret = strchr(line, '\n') + 1;
	assert_int_equal(strncmp(line, "    ...aaa", 10), 0);
	assert_int_equal(strchr(caret, '^') - caret, 4 + 3 + 60);
	assert_true(strlen(caret) < 120);
	buffer_fini(&out);
	problem_fini(&problems);
	source_fini(&sources);
}

// Octets that are no text, and characters that turn it round, do not reach a terminal; the caret stays in its
// place.
static void deceiving_lines(void **state)
{
	struct sources sources;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	source_pos start;
	(void)state;
	source_init(&sources);
	problem_init(&problems);
	add_text(&sources, "p", "a\xff \xe2\x80\xae \xc3\xa9 x", 0, &start);
	problem_add(&problems, PROBLEM_ERROR, start + 7, 1, "later", NULL);
	problem_add(&problems, PROBLEM_ERROR, 0, 1, "nowhere", NULL);
	problem_add(&problems, PROBLEM_ERROR, start + 1, 1, "earlier", NULL);
	problem_print(&problems, &sources, &out);
	assert_string_equal(out.data, "p:1:2: error: earlier\n    a? ??? \xc3\xa9 x\n     ^\n"
	                              "p:1:8: error: later\n    a? ??? \xc3\xa9 x\n           ^\n"
	                              "error: nowhere\n");
	buffer_fini(&out);
	problem_fini(&problems);
	source_fini(&sources);
}

// What a message quotes is no safer than the line it is about: names of files, of signers.
static void deceiving_words(void **state)
{
	struct sources sources;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	source_pos start, inner;
	(void)state;
	source_init(&sources);
	problem_init(&problems);
	add_text(&sources, "p\n\x1b[2J", "a", 0, &start);
	add_text(&sources, "q\xe2\x80\xae", "b", start, &inner);
	problem_add(&problems, PROBLEM_ERROR, inner, 1, "no 'x\ny\x1b' \xc3\xa9", "\xff\x7f");
	problem_print(&problems, &sources, &out);
	assert_string_equal(out.data, "q???:1:1: error: no 'x?y?' \xc3\xa9; ??\n    b\n    ^\n"
	                              "  included from p??[2J:1\n");
	buffer_fini(&out);
	problem_fini(&problems);
	source_fini(&sources);
}

static void bounded(void **state)
{
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	problem_init(&problems);
	for (int i = 0; i < PROBLEMS_MAX + 7; i++)
		problem_add(&problems, PROBLEM_ERROR, 0, 0, "x", NULL);
	assert_int_equal(problems.count, PROBLEMS_MAX);
	assert_int_equal(problems.errors, PROBLEMS_MAX + 7);
	problem_print(&problems, NULL, &out);
	assert_non_null(strstr(out.data, "... and 7 more\n"));
	buffer_fini(&out);
	problem_fini(&problems);
	problem_fini(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shown_with_a_caret),
	                                   cmocka_unit_test(long_and_hostile_lines),
	                                   cmocka_unit_test(deceiving_lines), cmocka_unit_test(deceiving_words),
	                                   cmocka_unit_test(bounded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
