// SPDX-License-Identifier: GPL-2.0-or-later
//
// Growing arrays, and sizes that would wrap.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "base/array.h"

static void grows_and_keeps(void **state)
{
	uint32_t *items = NULL;
	size_t count = 0, capacity = 0;
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(array_room(&items, count, &capacity, sizeof *items), 0);
		assert_true(count < capacity);
		items[count++] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	array_trim(&items, count, &capacity, sizeof *items);
	assert_int_equal(capacity, 1000);
	free(items);
}

static void refuses_what_would_wrap(void **state)
{
	uint64_t *items = NULL;
	size_t capacity = 0;
	(void)state;
	assert_int_equal(array_room_for(&items, 0, SIZE_MAX / 4, &capacity, sizeof *items), -ENOMEM);
	assert_null(items);
	assert_int_equal(capacity, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(grows_and_keeps),
	                                   cmocka_unit_test(refuses_what_would_wrap)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
