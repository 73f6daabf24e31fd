// SPDX-License-Identifier: GPL-2.0-or-later
//
// Dates as seconds since 1970 in UTC, from 1970 to the end of 9999, with no library whose range depends on the
// machine's time_t. A leap second is the first second of the next minute.
#ifndef LEADGLASS_BASE_DATE_H
#define LEADGLASS_BASE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATE_LATEST INT64_C(253402300799) // 9999-12-31T23:59:59Z
#define DATE_TEXT_MAX 21                  // "2026-11-21T23:50:36Z" and a NUL

struct date {
	unsigned year, month, day, hour, minute, second; // month and day from 1
};

// False when there is no such moment, or it is not in the range above.
bool date_seconds(const struct date *date, int64_t *ret);

// What a date without a time of day stands for.
enum date_day {
	DATE_DAY_BEGINS, // 00:00:00Z
	DATE_DAY_ENDS,   // 23:59:59Z
};

// Reads RFC 3339's full-date (2026-11-21) or date-time (2026-11-21T10:00:00Z, 2026-11-21T11:00:00.5+01:00;
// parts of a second do not count). False, and nothing in *ret, for anything else. `text` need not be
// NUL-terminated.
bool date_parse(const char *text, size_t size, enum date_day day, int64_t *ret);

// Writes it as 2026-11-21T23:50:36Z; what is out of the range becomes the nearest that is in it. Returns
// `text`.
char *date_print(int64_t seconds, char text[static DATE_TEXT_MAX]);

#endif
