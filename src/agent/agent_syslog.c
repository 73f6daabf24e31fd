// SPDX-License-Identifier: GPL-2.0-or-later
//
// RFC 5424 messages, written into a fixed room.
#include "agent/agent_syslog.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "agent/agent.h"
#include "base/text.h"

#define BOM "\xef\xbb\xbf"
// Longest fields, RFC 5424, 6.
#define HOST_MAX 255
#define APP_MAX 48
#define ID_MAX 32
#define NAME_MAX 32
#define SECONDS_END INT64_C(253402300800) // the year 10000

struct writer {
	char *out;
	size_t at, room; // room without the NUL
	bool full;       // something did not fit
};

static void put(struct writer *w, const char *data, size_t size)
{
	if (w->full || size > w->room - w->at) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->at, data, size);
	w->at += size;
}

static void put_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_format(struct writer *w, const char *format, ...)
{
	char text[64];
	va_list arguments;
	va_start(arguments, format);
	int size = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put(w, text, size < 0 ? 0 : (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

// PRINTUSASCII of at most `most` octets, "-" for nothing. `forbidden` are characters that a name may not hold.
static void put_word(struct writer *w, const char *word, size_t most, const char *forbidden)
{
	size_t size = word ? strnlen(word, most) : 0;
	if (size == 0)
		put(w, "-", 1);
	for (size_t i = 0; i < size; i++) {
		bool good = word[i] > ' ' && word[i] < 0x7f && !strchr(forbidden, word[i]);
		put(w, good ? &word[i] : "?", 1);
	}
}

// RFC 3339 in UTC. Not by gmtime, which looks for a file of time zones first: the outside process may open
// none.
static void put_time(struct writer *w, int64_t seconds, uint32_t microseconds)
{
	if (seconds < 0 || seconds >= SECONDS_END) {
		put(w, "-", 1);
		return;
	}
	// Years that begin in March have their leap day at their end, and 400 of them always 146,097 days.
	const unsigned second = (unsigned)(seconds % 86400);
	const unsigned days = (unsigned)(seconds / 86400) + 719468; // since 1 March of the year 0
	const unsigned era = days / 146097, day_of_era = days % 146097;
	const unsigned year_of_era =
	        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const unsigned from_march = (5 * day_of_year + 2) / 153;
	const unsigned day = day_of_year - (153 * from_march + 2) / 5 + 1;
	const unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
	const unsigned year = era * 400 + year_of_era + (month <= 2);
	put_format(w, "%04u-%02u-%02uT%02u:%02u:%02u", year, month, day, second / 3600, second / 60 % 60,
	           second % 60);
	if (microseconds > 0 && microseconds < 1000000)
		put_format(w, ".%06u", microseconds);
	put(w, "Z", 1);
}

// One character of a text at `*text`, moved past it: what is no character, or turns a line into another, is
// '?'.
static size_t take_character(const char **text, const char **ret)
{
	uint32_t character = 0;
	size_t size = text_utf8(*text, strnlen(*text, 4), &character);
	bool bad = size == 0 || character < 0x20 || character == 0x7f || text_deceives(character);
	*ret = bad ? "?" : *text;
	*text += size == 0 ? 1 : size;
	return bad ? 1 : size;
}

static void put_parameter(struct writer *w, const struct agent_field *field)
{
	put(w, " ", 1);
	put_word(w, field->name, NAME_MAX, "=]\"");
	put(w, "=\"", 2);
	for (const char *value = field->value ? field->value : ""; *value != '\0';) {
		const char *character;
		size_t size = take_character(&value, &character);
		if (size == 1 && strchr("\"\\]", *character))
			put(w, "\\", 1);
		put(w, character, size);
	}
	put(w, "\"", 1);
}

// A parameter that does not fit is taken back whole. One octet stays for the closing bracket.
static void put_data(struct writer *w, const struct agent_field *fields, size_t count)
{
	if (count == 0) {
		put(w, "-", 1);
		return;
	}
	put(w, "[" AGENT_SYSLOG_ID, sizeof AGENT_SYSLOG_ID);
	w->room--;
	for (size_t i = 0; i < count; i++) {
		size_t before = w->at;
		put_parameter(w, &fields[i]);
		if (w->full)
			w->at = before;
		w->full = false;
	}
	w->room++;
	put(w, "]", 1);
}

static void put_text(struct writer *w, const char *text)
{
	bool ascii = true;
	for (const char *p = text; *p != '\0' && ascii; p++)
		ascii = (unsigned char)*p < 0x80;
	put(w, " ", 1);
	if (!ascii)
		put(w, BOM, strlen(BOM));
	while (*text != '\0' && !w->full) {
		const char *character;
		size_t size = take_character(&text, &character);
		put(w, character, size);
	}
}

size_t agent_syslog_format(const struct agent_syslog *message, char out[static AGENT_SYSLOG_MAX])
{
	struct writer w = {.out = out, .room = AGENT_SYSLOG_MAX - 1};
	put_format(&w, "<%d>1 ", (message->facility & LOG_FACMASK) | LOG_PRI(message->severity));
	put_time(&w, message->seconds, message->microseconds);
	put(&w, " ", 1);
	put_word(&w, message->host, HOST_MAX, "");
	put(&w, " ", 1);
	put_word(&w, message->app, APP_MAX, "");
	if (message->pid != 0)
		put_format(&w, " %u ", message->pid);
	else
		put(&w, " - ", 3);
	put_word(&w, message->id, ID_MAX, "");
	put(&w, " ", 1);
	put_data(&w, message->fields, message->count);
	if (message->text && message->text[0] != '\0')
		put_text(&w, message->text);
	out[w.at] = '\0';
	return w.at;
}

// The word at `*at` of `text`, moved past it and the blank behind it. False: there is none.
static bool take_word(const char *text, size_t size, size_t *at, const char **ret_word, size_t *ret_size)
{
	const char *end = memchr(text + *at, ' ', size - *at);
	if (!end)
		return false;
	*ret_word = text + *at;
	*ret_size = (size_t)(end - *ret_word);
	*at += *ret_size + 1;
	return *ret_size > 0;
}

size_t agent_syslog_local(const char *message, size_t size, char out[static AGENT_SYSLOG_MAX])
{
	struct writer w = {.out = out, .room = AGENT_SYSLOG_MAX - 1};
	enum { PRI, TIME, HOST, APP, PID, ID, WORDS };
	const char *word[WORDS];
	size_t length[WORDS], at = 0;
	out[0] = '\0';
	for (size_t i = 0; i < WORDS; i++)
		if (!take_word(message, size, &at, &word[i], &length[i]))
			return 0;
	if (length[PRI] < 4 || word[PRI][0] != '<' || memcmp(word[PRI] + length[PRI] - 2, ">1", 2) != 0)
		return 0;
	put(&w, word[PRI], length[PRI] - 1);
	put(&w, word[APP], length[APP]);
	put(&w, "[", 1);
	put(&w, word[PID], length[PID]);
	put(&w, "]: ", 3);
	put(&w, word[ID], length[ID]);
	const char *rest = message + at;
	size_t left = size - at;
	if (left >= 1 && rest[0] == '-') { // no structured data
		rest++;
		left--;
	} else {
		put(&w, " ", 1);
	}
	const char *mark = memmem(rest, left, " " BOM, 1 + strlen(BOM));
	if (mark) {
		put(&w, rest, (size_t)(mark - rest) + 1);
		left -= (size_t)(mark - rest) + 1 + strlen(BOM);
		rest = mark + 1 + strlen(BOM);
	}
	put(&w, rest, left);
	if (w.full)
		return 0;
	out[w.at] = '\0';
	return w.at;
}
