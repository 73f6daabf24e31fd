// SPDX-License-Identifier: GPL-2.0-or-later
//
// UTF-8 at its edges (RFC 3629), and what deceives.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void edges(void **state)
{
	static const struct {
		const char *text;
		uint32_t character; // 0: not well-formed
	} cases[] = {
	        {"a", 'a'},
	        {"\x7f", 0x7f},
	        {"\xc2\x80", 0x80},
	        {"\xdf\xbf", 0x7ff},
	        {"\xe0\xa0\x80", 0x800},
	        {"\xed\x9f\xbf", 0xd7ff},
	        {"\xee\x80\x80", 0xe000},
	        {"\xef\xbf\xbf", 0xffff},
	        {"\xf0\x90\x80\x80", 0x10000},
	        {"\xf4\x8f\xbf\xbf", 0x10ffff},
	        {"\x80", 0},
	        {"\xc0\x80", 0},
	        {"\xc1\xbf", 0},
	        {"\xe0\x9f\xbf", 0},
	        {"\xed\xa0\x80", 0},
	        {"\xf0\x8f\xbf\xbf", 0},
	        {"\xf4\x90\x80\x80", 0},
	        {"\xf5\x80\x80\x80", 0},
	        {"\xc3", 0},
	        {"\xe2\x82", 0},
	        {"\xc3(", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t character = 0;
		size_t size = strlen(cases[i].text), octets = text_utf8(cases[i].text, size, &character);
		assert_int_equal(octets, cases[i].character ? size : 0);
		assert_int_equal(character, cases[i].character);
		// never more octets than there are
		if (octets > 1)
			assert_int_equal(text_utf8(cases[i].text, octets - 1, &character), 0);
	}
	assert_int_equal(text_utf8("", 0, &(uint32_t){0}), 0);
}

static void deceiving(void **state)
{
	(void)state;
	assert_true(text_deceives(0x202e));
	assert_true(text_deceives(0x85));
	assert_true(text_deceives(0xfeff));
	assert_false(text_deceives('a'));
	assert_false(text_deceives(0xe9));
	assert_false(text_deceives(0x1fa7b));
}

static void cut(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	        {"short", "short"},
	        {"exactly nineteen o.", "exactly nineteen o."},
	        {"one word more than there", "one word more ..."},
	        {"the table of another", "the table of ..."},
	        {"averylongwordofaprogram", "averylongwordof ..."},
	        {"aaaaaaaaaaaaaa\xc3\xa9\xc3\xa9\xc3\xa9", "aaaaaaaaaaaaaa ..."},
	};
	char text[20];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		text_cut(text, sizeof text, snprintf(text, sizeof text, "%s", cases[i].text));
		assert_string_equal(text, cases[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(edges), cmocka_unit_test(deceiving),
	                                   cmocka_unit_test(cut)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
