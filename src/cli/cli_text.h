// SPDX-License-Identifier: GPL-2.0-or-later
//
// Answers for people, in 80 columns: numbers, times, and text that is broken at its spaces.
#ifndef LEADGLASS_CLI_CLI_TEXT_H
#define LEADGLASS_CLI_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct json;
struct outcome;

#define CLI_COLUMNS 80

// Right-aligned in `width` columns; 99999999 is written out, then 100000k, ... 100000M: eight columns at most.
void cli_number(struct buffer *out, uint64_t number, int width);

// "12 s", "1 min 50 s", "2 h 5 min", "3 d 4 h".
void cli_span(struct buffer *out, uint64_t seconds);

// "12 s ago", "3 min ago", "2 h ago", "5 d ago"; "never" for 0. Ten columns at most.
void cli_ago(struct buffer *out, int64_t now, int64_t then);

// When it was, so that it can be found in a log: as cli_ago within the hour, else "11-21 23:40". Eleven columns
// at most.
void cli_when(struct buffer *out, int64_t now, int64_t then);

// "23:40:12", or "11-21 23:40" when that was not today.
void cli_clock(struct buffer *out, int64_t now, int64_t then);

// "2026-11-21 23:50", local time.
void cli_date(struct buffer *out, int64_t when);

// Adds text that begins in `column` (from 0) and goes on below `indent`, broken at spaces where it would pass
// column 80; ends the line.
void cli_wrap(struct buffer *out, size_t column, size_t indent, const char *text);

// A line of facts: a label of at most 12 columns, and the finished text, wrapped below itself; nothing when
// there is none. Releases the text.
void cli_line(struct buffer *out, const char *label, struct buffer *text);

// A name in `width` columns; one that is longer gets a line of its own and what follows it stands below.
void cli_name(struct buffer *out, const char *name, size_t width);

// Lines about what decided a packet: the rule, or the chain's policy, and the element.
void cli_outcome(struct buffer *out, const struct outcome *outcome);

// The first `octets` of a hash in hexadecimal.
void cli_hash(struct buffer *out, const uint8_t *hash, size_t octets);

// JSON: null for what there is none of (0); a hash of 32 octets, null when it is all zero.
void cli_json_number(struct json *json, const char *key, uint64_t number);
void cli_json_time(struct json *json, const char *key, int64_t when); // seconds since 1970
void cli_json_hash(struct json *json, const char *key, const uint8_t *hash);

#endif
