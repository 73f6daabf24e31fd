// SPDX-License-Identifier: GPL-2.0-or-later
//
// The list of problems and how a person (or a machine) is shown it.
#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"

void problem_init(struct problems *problems)
{
	*problems = (struct problems){0};
}

void problem_fini(struct problems *problems)
{
	if (!problems)
		return;
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->items[i].what);
		free(problems->items[i].instead);
	}
	free(problems->items);
	problem_init(problems);
}

// Takes `what` over.
static void add(struct problems *problems, enum problem_level level, source_pos at, uint32_t length, char *what,
                const char *instead)
{
	if (problems->count == PROBLEMS_MAX) {
		problems->dropped++;
		if (level == PROBLEM_ERROR)
			problems->errors++;
		free(what);
		return;
	}
	char *copy = instead ? strdup(instead) : NULL;
	if (!problems->items)
		problems->items = calloc(PROBLEMS_MAX, sizeof *problems->items);
	if (!what || (instead && !copy) || !problems->items) {
		problems->lost = true;
		free(what);
		free(copy);
		return;
	}
	problems->items[problems->count++] =
	        (struct problem){.level = level, .at = at, .length = length, .what = what, .instead = copy};
	if (level == PROBLEM_ERROR)
		problems->errors++;
}

void problem_add(struct problems *problems, enum problem_level level, source_pos at, uint32_t length,
                 const char *what, const char *instead)
{
	add(problems, level, at, length, strdup(what), instead);
}

void problem_addf(struct problems *problems, enum problem_level level, source_pos at, uint32_t length,
                  const char *instead, const char *format, ...)
{
	struct buffer text = BUFFER_EMPTY;
	va_list arguments;
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	add(problems, level, at, length, buffer_steal(&text), instead);
}

bool problem_any_error(const struct problems *problems)
{
	return problems->errors > 0 || problems->lost;
}

static const char *level_name(enum problem_level level)
{
	return level == PROBLEM_ERROR ? "error" : "warning";
}

// Lines on a serial console are short; longer ones are shown from a little before the place.
#define LINE_SHOWN 100
#define LINE_BEFORE 60

// What could move the cursor, turn the text round or upset a terminal is shown as a question mark, one for each
// octet, so that the caret below stays where it belongs. Names of files and of signers are no safer than a
// policy.
static void print_safe(const char *text, size_t size, struct buffer *out)
{
	for (size_t i = 0; i < size;) {
		uint32_t character = 0;
		size_t octets = text_utf8(text + i, size - i, &character);
		bool control = character < 0x20 ? character != '\t' : character == 0x7f;
		if (octets && !control && !text_deceives(character)) {
			buffer_add(out, text + i, octets);
			i += octets;
			continue;
		}
		for (size_t k = 0; k < (octets ? octets : 1); k++, i++)
			buffer_text(out, "?");
	}
}

static void print_line(const struct source_place *place, uint32_t length, struct buffer *out)
{
	size_t column = place->column - 1, from = 0;
	if (place->line_size > LINE_SHOWN && column > LINE_BEFORE)
		from = column - LINE_BEFORE;
	size_t shown = place->line_size - from;
	if (shown > LINE_SHOWN)
		shown = LINE_SHOWN;

	buffer_text(out, from ? "    ..." : "    ");
	print_safe(place->line_text + from, shown, out);
	buffer_text(out, from + shown < place->line_size ? "...\n" : "\n");
	buffer_text(out, from ? "       " : "    ");
	for (size_t i = from; i < column; i++)
		buffer_text(out, i < place->line_size && place->line_text[i] == '\t' ? "\t" : " ");
	buffer_text(out, "^");
	for (size_t i = 1; i < length && column + i < from + shown; i++)
		buffer_text(out, "~");
	buffer_text(out, "\n");
}

static void print_place(const struct source_place *place, bool begins_line, struct buffer *out)
{
	print_safe(place->file, strlen(place->file), out);
	if (begins_line)
		buffer_printf(out, ":%u:%u: ", place->line, place->column);
	else
		buffer_printf(out, ":%u\n", place->line);
}

static void print_one(const struct problem *problem, const struct sources *sources, struct buffer *out)
{
	struct source_place place = {0};
	bool placed = source_locate(sources, problem->at, &place) == 0;
	if (placed)
		print_place(&place, true, out);
	buffer_printf(out, "%s: ", level_name(problem->level));
	print_safe(problem->what, strlen(problem->what), out);
	if (problem->instead) {
		buffer_text(out, "; ");
		print_safe(problem->instead, strlen(problem->instead), out);
	}
	buffer_text(out, "\n");
	if (!placed)
		return;
	print_line(&place, problem->length, out);
	while (place.from && source_locate(sources, place.from, &place) == 0) {
		buffer_text(out, "  included from ");
		print_place(&place, false, out);
	}
}

// Problems are found in passes; people read a file from top to bottom. What has no place comes last.
static void in_order(const struct problems *problems, const struct problem *ret[static PROBLEMS_MAX])
{
	for (size_t i = 0; i < problems->count; i++) {
		size_t at = i;
		for (; at > 0 && ret[at - 1]->at - 1 > problems->items[i].at - 1; at--)
			ret[at] = ret[at - 1];
		ret[at] = &problems->items[i];
	}
}

void problem_print(const struct problems *problems, const struct sources *sources, struct buffer *out)
{
	const struct problem *ordered[PROBLEMS_MAX];
	in_order(problems, ordered);
	for (size_t i = 0; i < problems->count; i++)
		print_one(ordered[i], sources, out);
	if (problems->dropped)
		buffer_printf(out, "... and %zu more\n", problems->dropped);
	if (problems->lost)
		buffer_text(out, "error: out of memory while collecting problems; this list is incomplete\n");
}

void problem_json(const struct problems *problems, const struct sources *sources, struct json *out)
{
	const struct problem *ordered[PROBLEMS_MAX];
	in_order(problems, ordered);
	json_array(out);
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = ordered[i];
		struct source_place place;
		json_object(out);
		json_key_text(out, "level", level_name(problem->level));
		if (source_locate(sources, problem->at, &place) == 0) {
			json_key_text(out, "file", place.file);
			json_key_number(out, "line", place.line);
			json_key_number(out, "column", place.column);
		}
		json_key_text(out, "what", problem->what);
		json_key_text(out, "instead", problem->instead);
		json_end(out);
	}
	json_end_array(out);
}
