// SPDX-License-Identifier: GPL-2.0-or-later
//
// Errors as data. A function that finds something wrong in its input returns -errno and leaves the human
// detail here: where, what is wrong, what would be right. The list belongs to the caller, nothing is printed
// until the top prints it once.
#ifndef LEADGLASS_BASE_PROBLEM_H
#define LEADGLASS_BASE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"

struct buffer;

enum problem_level {
	PROBLEM_WARNING,
	PROBLEM_ERROR,
};

struct problem {
	enum problem_level level;
	source_pos at;   // 0 when it belongs to no line
	uint32_t length; // octets to underline; 0 is taken as 1
	char *what;      // what is wrong, no capital, no full stop
	char *instead;   // what would be right; NULL when there is nothing to add
};

struct problems {
	struct problem *items;
	size_t count;
	size_t errors;  // how many of them are errors
	size_t dropped; // found after the list was full
	bool lost;      // an allocation failed: the list is incomplete
};

// More than this many are counted in `dropped`, not kept: a binary file is not to fill a console.
#define PROBLEMS_MAX 100

void problem_init(struct problems *problems);
void problem_fini(struct problems *problems);

// Adds one; `instead` may be NULL. Both are copied. Never fails visibly: out of memory sets `lost`, which
// counts as an error.
void problem_add(struct problems *problems, enum problem_level level, source_pos at, uint32_t length,
                 const char *what, const char *instead);

// The same with `what` as a format; `instead` is plain text.
void problem_addf(struct problems *problems, enum problem_level level, source_pos at, uint32_t length,
                  const char *instead, const char *format, ...) __attribute__((format(printf, 6, 7)));

// True when there is at least one error (or the list was lost).
bool problem_any_error(const struct problems *problems);

// Writes all of them as
//   FILE:LINE:COLUMN: error: WHAT; INSTEAD
//       the source line
//       ^~~~
// in the order of their places; for a place in an included file followed by "  included from FILE:LINE".
// `sources` may be NULL when no problem has a place; then (and for position 0) a line is "error: WHAT;
// INSTEAD".
void problem_print(const struct problems *problems, const struct sources *sources, struct buffer *out);

// The same as a JSON array of {level, file, line, column, what, instead}, appended as one value.
struct json;
void problem_json(const struct problems *problems, const struct sources *sources, struct json *out);

#endif
