// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is written for people fits a terminal, whatever it was made from.
#ifndef LEADGLASS_TESTS_FUZZ_READABLE_H
#define LEADGLASS_TESTS_FUZZ_READABLE_H

#include "fuzz.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/text.h"

static inline void hold_characters(const char *text, size_t size, bool plain)
{
	for (size_t at = 0; at < size;) {
		uint32_t character;
		size_t octets = text_utf8(text + at, size - at, &character);
		FUZZ_HOLDS(octets > 0);
		FUZZ_HOLDS(character >= ' ' || character == '\n' || (plain && character == '\t'));
		FUZZ_HOLDS(!plain || (!text_deceives(character) && character != 0x7f));
		at += octets;
	}
}

// Nothing in it moves a cursor or turns a line round, and all of it is UTF-8.
static inline void hold_readable(const char *text, size_t size)
{
	hold_characters(text, size, true);
}

// RFC 8259: UTF-8, and control characters are escaped.
static inline void hold_json(const char *text, size_t size)
{
	hold_characters(text, size, false);
}

// `error`: what the function returned that found them.
static inline void hold_problems(const struct problems *problems, const struct sources *sources, int error)
{
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	FUZZ_HOLDS(problem_any_error(problems) == (error != 0));
	problem_print(problems, sources, &out);
	hold_readable(out.data, out.size);
	buffer_clear(&out);
	problem_json(problems, sources, &json);
	hold_json(out.data, out.size);
	buffer_fini(&out);
}

#endif
