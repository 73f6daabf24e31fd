// SPDX-License-Identifier: GPL-2.0-or-later
//
// What went wrong, as text for whoever asked.
#ifndef LEADGLASS_AGENT_AGENT_TEXT_H
#define LEADGLASS_AGENT_AGENT_TEXT_H

#include <stddef.h>

#include "base/problem.h"

struct buffer;

// Appends the problems as `leadglass load` prints them; where there are none the name of `error` (0 or -errno).
// `out` may be NULL.
void agent_text_problems(const struct problems *problems, const struct sources *sources, int error,
                         struct buffer *out);

// The first error in one line, without its place, cut to `size` with its NUL; where there is none the name of
// `error`.
void agent_text_why(const struct problems *problems, int error, char *ret, size_t size);

// The first line of a text, without the command's "leadglass: ", cut to `size` with its NUL. "" for an empty
// one.
void agent_text_line(const struct buffer *text, char *ret, size_t size);

// "no such file or directory" for -ENOENT; "out of memory" for -ENOMEM.
const char *agent_text_error(int error);

#endif
