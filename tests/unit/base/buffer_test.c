// SPDX-License-Identifier: GPL-2.0-or-later
//
// The buffer grows, prints, and stays failed after a failure.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

static void grows(void **state)
{
	struct buffer b = BUFFER_EMPTY;
	(void)state;
	for (int i = 0; i < 1000; i++)
		buffer_printf(&b, "%03d,", i);
	assert_int_equal(b.size, 4000);
	assert_string_equal(b.data + 3996, "999,");
	buffer_clear(&b);
	buffer_text(&b, "x");
	assert_string_equal(b.data, "x");
	char *text = buffer_steal(&b);
	assert_string_equal(text, "x");
	assert_null(b.data);
	free(text);
	text = buffer_steal(&b);
	assert_string_equal(text, "");
	free(text);
}

static void failure_is_sticky(void **state)
{
	struct buffer b = BUFFER_EMPTY;
	(void)state;
	buffer_text(&b, "kept");
	assert_null(buffer_reserve(&b, SIZE_MAX / 2));
	assert_true(buffer_failed(&b));
	buffer_text(&b, "more");
	assert_int_equal(b.size, 4);
	assert_null(buffer_steal(&b));
	assert_false(buffer_failed(&b));
	buffer_fini(&b);
	buffer_fini(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(grows), cmocka_unit_test(failure_is_sticky)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
