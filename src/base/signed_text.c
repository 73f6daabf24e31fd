// SPDX-License-Identifier: GPL-2.0-or-later
//
// The search for the marker. It holds no line feed, and begins nowhere but after one: a match that fails can
// only begin anew after the next line feed.
#include "base/signed_text.h"

#include <string.h>

#define MARKER_SIZE (sizeof SIGNED_TEXT_MARKER - 1)

bool signed_text_search(struct signed_text_search *search, const char *text, size_t size, uint64_t *ret_end)
{
	size_t at = 0;
	while (at < size && !search->found) {
		if (!search->line_begins) {
			const char *feed = memchr(text + at, '\n', size - at);
			at = feed ? (size_t)(feed - text) + 1 : size;
			search->line_begins = feed != NULL;
			search->matched = 0;
		} else if (text[at] == SIGNED_TEXT_MARKER[search->matched]) {
			at++;
			search->found = ++search->matched == MARKER_SIZE;
		} else {
			search->line_begins = false;
		}
	}
	search->position += at;
	if (search->found)
		*ret_end = search->position - MARKER_SIZE;
	return search->found;
}

size_t signed_text_end(const char *text, size_t size)
{
	struct signed_text_search search = SIGNED_TEXT_SEARCH;
	uint64_t end;
	return signed_text_search(&search, text, size, &end) ? (size_t)end : size;
}
