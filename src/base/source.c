// SPDX-License-Identifier: GPL-2.0-or-later
//
// Positions over several texts. Position 0 is kept for "nowhere", so the first text starts at 1; one position
// is left free after each text for its end.
#include "base/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A policy of 100,000 peers has as many places to be told: each is counted from the mark before it.
#define MARK_EVERY 256 // octets

void source_init(struct sources *sources)
{
	*sources = (struct sources){0};
}

void source_fini(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->items[i].name);
		free(sources->items[i].text);
		free(sources->items[i].marks);
	}
	free(sources->items);
	source_init(sources);
}

// The line that each MARK_EVERY octets of the text are on; NULL without memory.
static uint32_t *count_lines(const char *text, size_t size)
{
	size_t count = size / MARK_EVERY + 1;
	uint32_t *marks = malloc(count * sizeof *marks), line = 1;
	for (size_t i = 0; marks && i < count; i++) {
		marks[i] = line;
		for (size_t at = i * MARK_EVERY; at < size && at < (i + 1) * MARK_EVERY; at++)
			line += text[at] == '\n';
	}
	return marks;
}

int source_add(struct sources *sources, const char *name, char *text, size_t size, source_pos from,
               source_pos *ret_start)
{
	uint64_t start = 1;
	if (sources->count) {
		const struct source *last = &sources->items[sources->count - 1];
		start = (uint64_t)last->start + last->size + 1;
	}
	if (size > UINT32_MAX - 1 || start + size > UINT32_MAX - 1)
		return -EFBIG;

	// Policies have a handful of files: growing by one is simple and cheap enough.
	struct source *items = realloc(sources->items, (sources->count + 1) * sizeof *items);
	if (!items)
		return -ENOMEM;
	sources->items = items;
	char *copy = strdup(name);
	uint32_t *marks = count_lines(text, size);
	if (!copy || !marks) {
		free(copy);
		free(marks);
		return -ENOMEM;
	}
	items[sources->count++] = (struct source){.name = copy,
	                                          .text = text,
	                                          .size = size,
	                                          .start = (source_pos)start,
	                                          .from = from,
	                                          .marks = marks};
	*ret_start = (source_pos)start;
	return 0;
}

static const struct source *find(const struct sources *sources, source_pos at)
{
	if (!sources || at == 0)
		return NULL;
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->items[i];
		if (at >= source->start && at - source->start <= source->size)
			return source;
	}
	return NULL;
}

const char *source_text(const struct sources *sources, source_pos at)
{
	const struct source *source = find(sources, at);
	return source ? source->text + (at - source->start) : NULL;
}

int source_locate(const struct sources *sources, source_pos at, struct source_place *ret)
{
	const struct source *source = find(sources, at);
	if (!source)
		return -ENOENT;
	size_t offset = at - source->start, mark = offset / MARK_EVERY;
	uint32_t line = source->marks[mark];
	const char *there = source->text + offset, *line_text = NULL, *newline;
	for (const char *p = source->text + mark * MARK_EVERY;
	     (newline = memchr(p, '\n', (size_t)(there - p))) != NULL; p = line_text) {
		line++;
		line_text = newline + 1;
	}
	if (!line_text) {
		newline = memrchr(source->text, '\n', mark * MARK_EVERY);
		line_text = newline ? newline + 1 : source->text;
	}
	size_t rest = source->size - (size_t)(line_text - source->text);
	const char *line_end = memchr(line_text, '\n', rest);
	size_t line_size = line_end ? (size_t)(line_end - line_text) : rest;
	if (line_size && line_text[line_size - 1] == '\r')
		line_size--;
	*ret = (struct source_place){.file = source->name,
	                             .line = line,
	                             .column = (uint32_t)(there - line_text + 1),
	                             .line_text = line_text,
	                             .line_size = line_size,
	                             .from = source->from};
	return 0;
}
