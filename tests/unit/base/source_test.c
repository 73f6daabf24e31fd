// SPDX-License-Identifier: GPL-2.0-or-later
//
// Positions: file, line and column at every edge.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/source.h"

static void places(void **state)
{
	struct sources sources;
	struct source_place place;
	source_pos a, b;
	(void)state;
	source_init(&sources);
	assert_int_equal(source_add(&sources, "a", strdup("x\r\nyz\n"), 6, 0, &a), 0);
	assert_int_equal(source_add(&sources, "b", strdup(""), 0, a + 3, &b), 0);
	assert_int_equal(source_locate(&sources, a, &place), 0);
	assert_int_equal(place.line, 1);
	assert_int_equal(place.column, 1);
	assert_int_equal(place.line_size, 1); // the carriage return belongs to the line end
	assert_int_equal(source_locate(&sources, a + 4, &place), 0);
	assert_int_equal(place.line, 2);
	assert_int_equal(place.column, 2);
	assert_int_equal(place.line_size, 2);
	// the end of the text is a place, one further is in no text
	assert_int_equal(source_locate(&sources, a + 6, &place), 0);
	assert_int_equal(place.line, 3);
	assert_string_equal(place.file, "a");
	assert_int_equal(source_locate(&sources, b, &place), 0);
	assert_string_equal(place.file, "b");
	assert_int_equal(place.from, a + 3);
	assert_int_equal(source_locate(&sources, b + 1, &place), -ENOENT);
	assert_int_equal(source_locate(&sources, 0, &place), -ENOENT);
	assert_int_equal(source_locate(NULL, 1, &place), -ENOENT);
	assert_string_equal(source_text(&sources, a + 3), "yz\n");
	assert_null(source_text(&sources, 0));
	source_fini(&sources);
	source_fini(NULL);
}

// Counted by hand at every position, in texts with lines shorter and longer than what lies between two marks.
static void every_position(void **state)
{
	char longs[2000];
	const char *const texts[] = {"a\n\nbc\n", "", "x", "\n", longs};
	struct sources sources;
	source_pos start = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(longs) - 1; i++)
		longs[i] = i % 255 == 0 || i % 7 == 3 ? '\n' : 'x';
	memset(longs + 300, 'y', 900);
	longs[sizeof(longs) - 1] = '\0';
	source_init(&sources);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(source_add(&sources, texts[i], strdup(texts[i]), strlen(texts[i]), 0, &start),
		                 0);
	for (size_t i = 0; i < sources.count; i++) {
		const struct source *source = &sources.items[i];
		uint32_t line = 1, column = 1;
		for (size_t at = 0; at <= source->size; at++, column++) {
			struct source_place place;
			assert_int_equal(source_locate(&sources, source->start + (source_pos)at, &place), 0);
			assert_string_equal(place.file, source->name);
			assert_int_equal(place.line, line);
			assert_int_equal(place.column, column);
			assert_ptr_equal(place.line_text, source->text + at + 1 - column);
			if (source->text[at] == '\n') {
				line++;
				column = 0;
			}
		}
	}
	source_fini(&sources);
}

static void positions_end_somewhere(void **state)
{
	struct sources sources;
	source_pos start;
	(void)state;
	source_init(&sources);
	// refused before the text is looked at
	assert_int_equal(source_add(&sources, "a", NULL, UINT32_MAX, 0, &start), -EFBIG);
	assert_int_equal(sources.count, 0);
	source_fini(&sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(places), cmocka_unit_test(every_position),
	                                   cmocka_unit_test(positions_end_somewhere)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
