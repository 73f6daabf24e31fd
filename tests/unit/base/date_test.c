// SPDX-License-Identifier: GPL-2.0-or-later
//
// Dates, against what `date -u +%s` says, and what is no date.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/date.h"

static int64_t parsed(const char *text, enum date_day day)
{
	int64_t seconds = -1;
	const bool good = date_parse(text, strlen(text), day, &seconds);
	assert_int_equal(good, seconds != -1);
	return seconds;
}

static void known(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} dates[] = {
	        {"1970-01-01", 0},
	        {"2000-02-29", 951782400},
	        {"2026-11-21", 1795219200},
	        {"2026-11-21T10:00:00Z", 1795255200},
	        {"2026-11-21t10:00:00z", 1795255200},
	        {"2026-11-21T11:00:00.987+01:00", 1795255200},
	        {"2026-11-20T22:30:00-11:30", 1795255200},
	        {"2038-01-19T03:14:08Z", INT64_C(2147483648)},
	        {"9999-12-31T23:59:59Z", DATE_LATEST},
	        {"1970-01-01T00:59:00+00:59", 0},
	        {"2016-12-31T23:59:60Z", 1483228800},
	};
	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
		assert_int_equal(parsed(dates[i].text, DATE_DAY_BEGINS), dates[i].seconds);
	assert_int_equal(parsed("2026-11-21", DATE_DAY_ENDS), 1795219200 + 86399);
	assert_int_equal(parsed("2026-11-21T10:00:00Z", DATE_DAY_ENDS), 1795255200);
}

static void no_dates(void **state)
{
	static const char *const texts[] = {
	        "",
	        "2026",
	        "2026-11",
	        "2026-11-2",
	        "2026-11-021",
	        "2026-00-10",
	        "2026-13-10",
	        "2026-11-00",
	        "2026-11-31",
	        "2025-02-29",
	        "2100-02-29",
	        "1969-12-31",
	        "1970-01-01T00:00:00+01:00",
	        "9999-12-31T23:59:59-01:00",
	        "2026-11-21 10:00:00Z",
	        "2026-11-21T10:00Z",
	        "2026-11-21T24:00:00Z",
	        "2026-11-21T10:60:00Z",
	        "2026-11-21T10:00:61Z",
	        "2026-11-21T10:00:00",
	        "2026-11-21T10:00:00.Z",
	        "2026-11-21T10:00:00Zulu",
	        "2026-11-21T10:00:00+1:00",
	        "2026-11-21T10:00:00+24:00",
	        "2026-11-21T10:00:00+01:60",
	        "26-11-21",
	        "2026/11/21",
	        " 2026-11-21",
	};
	int64_t seconds = -1;
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (parsed(texts[i], DATE_DAY_BEGINS) != -1)
			fail_msg("'%s' is taken for a date", texts[i]);
	}
	assert_false(date_parse("2026-11-21\0Z", 12, DATE_DAY_BEGINS, &seconds));
	assert_true(date_parse("2026-11-21T", 10, DATE_DAY_BEGINS, &seconds)); // only so much is looked at
}

static void printed(void **state)
{
	char text[DATE_TEXT_MAX];
	int64_t seconds;
	(void)state;
	assert_string_equal(date_print(1795255200, text), "2026-11-21T10:00:00Z");
	assert_string_equal(date_print(-5, text), "1970-01-01T00:00:00Z");
	assert_string_equal(date_print(INT64_MAX, text), "9999-12-31T23:59:59Z");
	for (int64_t i = 0; i < DATE_LATEST; i += INT64_C(98765432)) {
		assert_true(date_parse(date_print(i, text), DATE_TEXT_MAX - 1, DATE_DAY_BEGINS, &seconds));
		assert_int_equal(seconds, i);
	}
}

static void from_parts(void **state)
{
	const struct date good = {2026, 11, 21, 10, 0, 0}, bad = {2026, 2, 30, 0, 0, 0},
	                  early = {1950, 1, 1, 0, 0, 0};
	int64_t seconds = 0;
	(void)state;
	assert_true(date_seconds(&good, &seconds));
	assert_int_equal(seconds, 1795255200);
	assert_false(date_seconds(&bad, &seconds));
	assert_false(date_seconds(&early, &seconds));
	assert_int_equal(seconds, 1795255200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(known),
	        cmocka_unit_test(no_dates),
	        cmocka_unit_test(printed),
	        cmocka_unit_test(from_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
