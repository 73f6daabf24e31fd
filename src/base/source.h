// SPDX-License-Identifier: GPL-2.0-or-later
//
// The texts a policy was read from (the file and what it includes), laid end to end in one space of
// positions: a place in any of them is one 32-bit number, and file, line and column are worked out only when
// somebody is to read them. Everything that remembers where it came from (words, set elements, rules) keeps
// such a number.
#ifndef LEADGLASS_BASE_SOURCE_H
#define LEADGLASS_BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A place in a struct sources. 0 is "nowhere".
typedef uint32_t source_pos;

struct source {
	char *name;       // as the user wrote it, or "-" for standard input
	char *text;       // NUL-terminated for convenience; `size` does not count the NUL
	size_t size;      // octets
	source_pos start; // position of text[0]; text[i] is at start + i
	source_pos from;  // position of the `include` that named it; 0 for the first
	uint32_t *marks;  // private: lines counted so far, at regular octets
};

struct sources {
	struct source *items;
	size_t count;
};

struct source_place {
	const char *file;      // owned by the sources
	uint32_t line;         // from 1
	uint32_t column;       // from 1, in octets; a tab is one column
	const char *line_text; // the source line, not NUL-terminated, without its line end
	size_t line_size;
	source_pos from; // position of the include that brought the file in; 0 for the first file
};

// Sets up an empty collection; source_fini releases all texts and names.
void source_init(struct sources *sources);
void source_fini(struct sources *sources);

// Takes over `text` (malloc'ed, text[size] == 0) on success only; copies `name`.
// 0 and *ret_start, -ENOMEM, or -EFBIG when positions would pass 32 bits.
int source_add(struct sources *sources, const char *name, char *text, size_t size, source_pos from,
               source_pos *ret_start);

// Works out file, line and column. 0, or -ENOENT for position 0 or one in no text.
int source_locate(const struct sources *sources, source_pos at, struct source_place *ret);

// The text from `at` to the end of its file; NULL for a position in no text.
const char *source_text(const struct sources *sources, source_pos at);

#endif
