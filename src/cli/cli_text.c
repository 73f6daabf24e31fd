// SPDX-License-Identifier: GPL-2.0-or-later
//
// Text for people; see cli_text.h.
#include "cli/cli_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/json.h"
#include "ruleset/packet.h"
#include "ruleset/ruleset.h"

#define LABEL 13 // columns

void cli_number(struct buffer *out, uint64_t number, int width)
{
	static const char units[] = "kMGTPE";
	size_t unit = 0;
	char text[24];

	if (number < 100000000) {
		buffer_printf(out, "%*llu", width, (unsigned long long)number);
		return;
	}
	for (number /= 1000; number >= 1000000; number /= 1000)
		unit++;
	(void)snprintf(text, sizeof(text), "%llu%c", (unsigned long long)number, units[unit]);
	buffer_printf(out, "%*s", width, text);
}

static const struct {
	uint64_t seconds;
	const char *name;
} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
#define UNITS (sizeof(units) / sizeof(units[0]))

// The largest unit there is at least one of.
static size_t unit_of(uint64_t seconds)
{
	size_t unit = 0;

	while (unit < UNITS - 1 && seconds < units[unit].seconds)
		unit++;
	return unit;
}

void cli_span(struct buffer *out, uint64_t seconds)
{
	size_t unit = unit_of(seconds);
	uint64_t rest = seconds % units[unit].seconds;

	buffer_printf(out, "%llu %s", (unsigned long long)(seconds / units[unit].seconds), units[unit].name);
	if (unit < UNITS - 1 && rest >= units[unit + 1].seconds)
		buffer_printf(out, " %llu %s", (unsigned long long)(rest / units[unit + 1].seconds),
		              units[unit + 1].name);
}

void cli_ago(struct buffer *out, int64_t now, int64_t then)
{
	uint64_t seconds = then > now ? 0 : (uint64_t)(now - then); // the clock may have been set back
	size_t unit = unit_of(seconds);

	if (then <= 0)
		buffer_text(out, "never");
	else
		buffer_printf(out, "%llu %s ago", (unsigned long long)(seconds / units[unit].seconds),
		              units[unit].name);
}

enum detail { WITH_YEAR, WITHOUT_YEAR, OF_DAY };

static size_t print_time(enum detail detail, const struct tm *parts, char text[static 32])
{
	switch (detail) {
	case WITH_YEAR:
		return strftime(text, 32, "%Y-%m-%d %H:%M", parts);
	case WITHOUT_YEAR:
		return strftime(text, 32, "%m-%d %H:%M", parts);
	case OF_DAY:
		return strftime(text, 32, "%H:%M:%S", parts);
	}
	return 0;
}

// In local time.
static void write_time(struct buffer *out, int64_t when, enum detail detail)
{
	time_t time = (time_t)when;
	struct tm parts;
	char text[32];

	if (localtime_r(&time, &parts) && print_time(detail, &parts, text))
		buffer_text(out, text);
	else
		buffer_printf(out, "%lld", (long long)when);
}

void cli_when(struct buffer *out, int64_t now, int64_t then)
{
	if (then > 0 && (then < now - 3599 || then > now + 3599))
		write_time(out, then, WITHOUT_YEAR);
	else
		cli_ago(out, now, then);
}

void cli_clock(struct buffer *out, int64_t now, int64_t then)
{
	time_t today = (time_t)now, time = (time_t)then;
	struct tm a, b;
	bool same = localtime_r(&today, &a) && localtime_r(&time, &b) && a.tm_yday == b.tm_yday &&
	            a.tm_year == b.tm_year;

	write_time(out, then, same ? OF_DAY : WITHOUT_YEAR);
}

void cli_date(struct buffer *out, int64_t when)
{
	write_time(out, when, WITH_YEAR);
}

void cli_wrap(struct buffer *out, size_t column, size_t indent, const char *text)
{
	size_t at = column;

	for (;;) {
		size_t size = strcspn(text, " ");

		if (at > column && at + 1 + size > CLI_COLUMNS) {
			buffer_printf(out, "\n%*s", (int)indent, "");
			at = column = indent;
		} else if (at > column) {
			buffer_text(out, " ");
			at++;
		}
		buffer_add(out, text, size);
		at += size;
		text += size;
		if (!*text)
			break;
		text++;
	}
	buffer_text(out, "\n");
}

void cli_line(struct buffer *out, const char *label, struct buffer *text)
{
	if (buffer_failed(text)) {
		out->failed = true;
	} else if (text->size) {
		buffer_printf(out, "%-*s", LABEL, label);
		cli_wrap(out, LABEL, LABEL, text->data);
	}
	buffer_fini(text);
}

void cli_name(struct buffer *out, const char *name, size_t width)
{
	size_t size = strlen(name);

	if (size > width)
		buffer_printf(out, "%s\n%*s", name, (int)width, "");
	else
		buffer_printf(out, "%s%*s", name, (int)(width - size), "");
}

void cli_outcome(struct buffer *out, const struct outcome *outcome)
{
	if (outcome->rule) {
		buffer_printf(out, "  rule: %s: ", outcome->chain->name);
		ruleset_print_rule(outcome->table, outcome->rule, out);
		buffer_text(out, "\n");
	} else if (outcome->chain) {
		buffer_printf(out, "  rule: %s: the chain's policy, %s\n", outcome->chain->name,
		              outcome->chain->accepts ? "accept" : "drop");
	}
	if (outcome->set) {
		buffer_printf(out, "  element: %s: ", outcome->set->name);
		ruleset_print_element(outcome->set, outcome->element, out);
		buffer_text(out, "\n");
	}
}

void cli_hash(struct buffer *out, const uint8_t *hash, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		buffer_printf(out, "%02x", hash[i]);
}

void cli_json_number(struct json *json, const char *key, uint64_t number)
{
	if (number)
		json_key_number(json, key, number);
	else
		json_key_text(json, key, NULL);
}

void cli_json_time(struct json *json, const char *key, int64_t when)
{
	cli_json_number(json, key, when > 0 ? (uint64_t)when : 0);
}

void cli_json_hash(struct json *json, const char *key, const uint8_t *hash)
{
	char text[2 * 32 + 1];
	bool any = false;

	for (size_t i = 0; i < 32; i++) {
		any = any || hash[i];
		(void)snprintf(text + 2 * i, 3, "%02x", hash[i]);
	}
	json_key_text(json, key, any ? text : NULL);
}
