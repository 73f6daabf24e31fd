// SPDX-License-Identifier: GPL-2.0-or-later
//
// Positions over several texts. Position 0 is kept for "nowhere", so the first text starts at 1; one position
// is left free after each text for its end.
#include "base/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

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
	}
	free(sources->items);
	source_init(sources);
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
	if (!copy)
		return -ENOMEM;
	items[sources->count++] = (struct source){
	        .name = copy, .text = text, .size = size, .start = (source_pos)start, .from = from};
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
	size_t offset = at - source->start, line_start = 0;
	uint32_t line = 1;
	for (const char *p = source->text, *end = source->text + offset; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			break;
		line++;
		p = newline + 1;
		line_start = (size_t)(p - source->text);
	}
	const char *line_text = source->text + line_start;
	const char *line_end = memchr(line_text, '\n', source->size - line_start);
	size_t line_size = line_end ? (size_t)(line_end - line_text) : source->size - line_start;
	if (line_size && line_text[line_size - 1] == '\r')
		line_size--;
	*ret = (struct source_place){.file = source->name,
	                             .line = line,
	                             .column = (uint32_t)(offset - line_start + 1),
	                             .line_text = line_text,
	                             .line_size = line_size,
	                             .from = source->from};
	return 0;
}

static int add_line(struct source_lines *lines, source_pos start)
{
	int r = array_room(&lines->starts, lines->count, &lines->capacity, sizeof *lines->starts);
	if (r == 0)
		lines->starts[lines->count++] = start;
	return r;
}

int source_lines_init(struct source_lines *lines, const struct sources *sources)
{
	*lines = (struct source_lines){0};
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->items[i];
		const char *p = source->text, *end = p + source->size;
		for (;;) {
			int r = add_line(lines, source->start + (source_pos)(p - source->text));
			if (r < 0)
				return r;
			const char *newline = memchr(p, '\n', (size_t)(end - p));
			if (!newline)
				break;
			p = newline + 1;
		}
	}
	return 0;
}

void source_lines_fini(struct source_lines *lines)
{
	if (!lines)
		return;
	free(lines->starts);
	*lines = (struct source_lines){0};
}

// The last line that begins at or before `at`.
static size_t line_index(const struct source_lines *lines, source_pos at)
{
	size_t low = 0, high = lines->count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (lines->starts[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool source_line(const struct sources *sources, const struct source_lines *lines, source_pos at,
                 const char **ret_file, uint32_t *ret_line)
{
	const struct source *source = find(sources, at);
	if (!source || lines->count == 0)
		return false;
	*ret_file = source->name;
	*ret_line = (uint32_t)(line_index(lines, at) - line_index(lines, source->start) + 1);
	return true;
}
