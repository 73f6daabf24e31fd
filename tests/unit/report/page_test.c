// SPDX-License-Identifier: GPL-2.0-or-later
//
// The document: what it makes of data that looks like markup, and how it breaks lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/page.h"

static void data(void **state)
{
	static const struct {
		const char *given, *text, *html;
	} cases[] = {
	        {"a b", "a b", "a b"},
	        {"<&>\"'", "<&>\"'", "&#60;&#38;&#62;&#34;&#39;"},
	        {"\x1b[31m\r\x7f", "\\x1b[31m\\x0d\\x7f", "\\x1b[31m\\x0d\\x7f"},
	        {"a\tb\n", "a\tb\n", "a\tb\n"},
	        {"\xe2\x80\xae", "\\u{202e}", "\\u{202e}"}, // turns the direction of writing
	        {"\xc2\x9b", "\\u{009b}", "\\u{009b}"},     // a terminal's other escape
	        {"\xff\xc3", "\\xff\\xc3", "\\xff\\xc3"},
	        {"M\xc3\xbcnchen", "M\xc3\xbcnchen", "M\xc3\xbcnchen"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int form = PAGE_TEXT; form <= PAGE_HTML; form++) {
			struct buffer out = BUFFER_EMPTY;
			page_data(&out, (enum page_form)form, cases[i].given, strlen(cases[i].given));
			assert_string_equal(out.data, form == PAGE_HTML ? cases[i].html : cases[i].text);
			buffer_fini(&out);
		}
	}
	struct buffer out = BUFFER_EMPTY;
	page_data(&out, PAGE_TEXT, "a\0b", 3);
	assert_string_equal(out.data, "a\\x00b");
	buffer_fini(&out);
}

// The host's name stands inside a CSS string inside the style element.
static void running(void **state)
{
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	page_style(&out, "a\"}</style>\\\n\xc3\xbc\xff");
	assert_non_null(strstr(
	        out.data, "content: \"a\\000022\\00007d\\00003c\\00002fstyle\\00003e\\00005c\\00000a\\0000fc"
	                  "\\00003f\";"));
	assert_null(strstr(out.data, "</style"));
	buffer_fini(&out);
}

static void title(void **state)
{
	struct buffer out = BUFFER_EMPTY;
	struct page page;
	(void)state;
	page_begin(&page, &out, PAGE_HTML, "<b>&", "");
	page_fact(&page, "Label", "%s", "<i>");
	page_end(&page);
	assert_non_null(strstr(out.data, "<title>&#60;b&#62;&#38;</title>"));
	assert_non_null(strstr(out.data, "<h1>&#60;b&#62;&#38;</h1>"));
	assert_non_null(strstr(out.data, "<dl>\n<dt>Label</dt><dd>&#60;i&#62;</dd>\n</dl>\n</main>"));
	buffer_fini(&out);
}

static void wrapping(void **state)
{
	struct buffer out = BUFFER_EMPTY;
	char word[101];
	(void)state;
	memset(word, 'x', 100);
	word[100] = '\0';
	page_text_wrap(&out, 0, 14, word); // longer than a line: cut where the line ends
	assert_string_equal(strchr(out.data, '\n'), "\n              xxxxxxxxxxxxxxxxxxxx\n");
	assert_int_equal(strcspn(out.data, "\n"), 80);
	buffer_clear(&out);
	page_text_wrap(&out, 14, 14, "one\ntwo");
	assert_string_equal(out.data, "one\n              two\n");
	buffer_clear(&out);
	page_text_wrap(&out, 0, 0, "");
	assert_string_equal(out.data, "\n");
	buffer_fini(&out);
}

static void tables(void **state)
{
	static const struct page_column columns[] = {
	        {"Name", 6, PAGE_TITLED}, {"No.", 4, PAGE_NUMBER}, {"What", 8, PAGE_WORDS}};
	struct buffer out = BUFFER_EMPTY;
	struct page page;
	(void)state;
	page_begin(&page, &out, PAGE_TEXT, "T", "");
	page_table(&page, columns, 3);
	page_cell(&page, "a\nb");
	page_cell(&page, "%d", 17);
	page_cell(&page, "one two three");
	page_cell(&page, "longerthanthat");
	page_cell(&page, "-");
	page_cell(&page, "M\xc3\xbcnchen!");
	page_end(&page);
	assert_string_equal(out.data, "T\n=\n\n"
	                              "Name     No.  What\n"
	                              "------  ----  --------\n"
	                              "a         17  one two\n"
	                              "b             three\n"
	                              "longer     -  M\xc3\xbcnchen!\n"
	                              "thanth\n"
	                              "at\n");
	buffer_clear(&out);
	page_begin(&page, &out, PAGE_HTML, "T", "");
	page_table(&page, columns, 3);
	page_cell(&page, "a\n<b>");
	page_cell(&page, "17");
	page_cell(&page, "x");
	page_end(&page);
	assert_non_null(strstr(out.data,
	                       "<tbody>\n<tr><td><b>a</b><br>&#60;b&#62;</td><td class=\"figure\">17</td>"
	                       "<td>x</td></tr>\n</tbody>\n</table>\n"));
	buffer_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(data),     cmocka_unit_test(running), cmocka_unit_test(title),
	        cmocka_unit_test(wrapping), cmocka_unit_test(tables),
	};
	return cmocka_run_group_tests_name("report-page", tests, NULL, NULL);
}
