// SPDX-License-Identifier: GPL-2.0-or-later
//
// The Gregorian calendar; see date.h.
#include "base/date.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400

static unsigned month_days(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (unsigned)(month == 2 && leap);
}

static unsigned year_days(unsigned year)
{
	return 365 - 28 + month_days(year, 2);
}

static bool exists(const struct date *date)
{
	return date->year <= 9999 && date->month >= 1 && date->month <= 12 && date->day >= 1 &&
	       date->day <= month_days(date->year, date->month) && date->hour <= 23 && date->minute <= 59 &&
	       date->second <= 60;
}

static bool in_range(int64_t seconds)
{
	return seconds >= 0 && seconds <= DATE_LATEST;
}

// Of a date that exists.
static int64_t count_seconds(const struct date *date)
{
	int64_t days = date->day - 1;
	for (unsigned year = 1970; year < date->year; year++)
		days += year_days(year);
	for (unsigned year = date->year; year < 1970; year++)
		days -= year_days(year);
	for (unsigned month = 1; month < date->month; month++)
		days += month_days(date->year, month);
	return days * DAY + date->hour * 3600 + date->minute * 60 + date->second;
}

bool date_seconds(const struct date *date, int64_t *ret)
{
	int64_t seconds = exists(date) ? count_seconds(date) : -1;
	if (in_range(seconds))
		*ret = seconds;
	return in_range(seconds);
}

// Reads `count` digits at *text, and moves on.
static bool digits(const char **text, const char *end, int count, unsigned *ret)
{
	unsigned value = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (*text == end || **text < '0' || **text > '9')
			return false;
		value = value * 10 + (unsigned)(**text - '0');
	}
	*ret = value;
	return true;
}

static bool mark(const char **text, const char *end, const char *one_of)
{
	if (*text == end || **text == '\0' || !strchr(one_of, **text))
		return false;
	(*text)++;
	return true;
}

// "Z" or "+01:00", to the end.
static bool offset(const char **text, const char *end, int64_t *ret)
{
	unsigned hour, minute;
	*ret = 0;
	if (mark(text, end, "Zz"))
		return *text == end;
	bool east = *text < end && **text == '+';
	if (!mark(text, end, "+-") || !digits(text, end, 2, &hour) || !mark(text, end, ":") ||
	    !digits(text, end, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*ret = (int64_t)(hour * 3600 + minute * 60) * (east ? 1 : -1);
	return *text == end;
}

// RFC 3339 5.6, partial-time and time-offset.
static bool time_of_day(const char **text, const char *end, struct date *date, int64_t *ret_offset)
{
	unsigned part;
	if (!mark(text, end, "Tt") || !digits(text, end, 2, &date->hour) || !mark(text, end, ":") ||
	    !digits(text, end, 2, &date->minute) || !mark(text, end, ":") ||
	    !digits(text, end, 2, &date->second))
		return false;
	if (mark(text, end, ".")) {
		if (!digits(text, end, 1, &part))
			return false;
		while (*text < end && **text >= '0' && **text <= '9')
			(*text)++;
	}
	return offset(text, end, ret_offset);
}

bool date_parse(const char *text, size_t size, enum date_day day, int64_t *ret)
{
	const char *end = text + size;
	struct date date = {0};
	int64_t east = 0;
	if (!digits(&text, end, 4, &date.year) || !mark(&text, end, "-") ||
	    !digits(&text, end, 2, &date.month) || !mark(&text, end, "-") || !digits(&text, end, 2, &date.day))
		return false;
	if (text == end && day == DATE_DAY_ENDS) {
		date.hour = 23;
		date.minute = date.second = 59;
	} else if (text != end && !time_of_day(&text, end, &date, &east)) {
		return false;
	}
	if (!exists(&date))
		return false;
	int64_t seconds = count_seconds(&date) - east;
	if (in_range(seconds))
		*ret = seconds;
	return in_range(seconds);
}

char *date_print(int64_t seconds, char text[static DATE_TEXT_MAX])
{
	seconds = seconds < 0 ? 0 : seconds > DATE_LATEST ? DATE_LATEST : seconds;
	unsigned days = (unsigned)(seconds / DAY), second = (unsigned)(seconds % DAY), year = 1970, month = 1;
	for (; days >= year_days(year); year++)
		days -= year_days(year);
	for (; days >= month_days(year, month); month++)
		days -= month_days(year, month);
	snprintf(text, DATE_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000, month, (days + 1) % 100,
	         second / 3600, second / 60 % 60, second % 60);
	return text;
}
