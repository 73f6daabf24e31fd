// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the parser words its complaints.
#include "policy/policy_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 5, 0))) static void complain(struct policy_parser *p, source_pos at,
                                                           uint32_t length, const char *instead,
                                                           const char *format, va_list arguments)
{
	char what[1024];
	vsnprintf(what, sizeof what, format, arguments);
	problem_add(p->problems, PROBLEM_ERROR, at, length, what, instead);
}

void policy_error(struct policy_parser *p, source_pos at, uint32_t length, const char *instead,
                  const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	complain(p, at, length, instead, format, arguments);
	va_end(arguments);
}

void policy_complain(struct policy_parser *p, const struct word *word, const char *instead, const char *format,
                     ...)
{
	const char *text = source_text(&p->policy->sources, word->at);
	va_list arguments;
	va_start(arguments, format);
	complain(p, word->at, text ? policy_lex_word_length(text) : 1, instead, format, arguments);
	va_end(arguments);
}

const char *policy_show(const struct word *word, char text[static POLICY_SHOW_MAX])
{
	size_t size = word->size;
	bool cut = size > POLICY_SHOW_MAX - 1;
	if (cut) {
		size = POLICY_SHOW_MAX - 4;
		while (size > 0 && ((unsigned char)word->text[size] & 0xc0) == 0x80)
			size--; // not within a UTF-8 sequence
	}
	memcpy(text, word->text, size);
	memcpy(text + size, cut ? "..." : "", cut ? 4 : 1);
	return text;
}

const char *policy_where(const struct policy *policy, const struct problems *problems, source_pos at,
                         source_pos here, char text[static POLICY_WHERE_MAX])
{
	struct source_place there, mine;
	if (problems->count == PROBLEMS_MAX)
		text[0] = '\0';
	else if (source_locate(&policy->sources, at, &there) < 0)
		snprintf(text, POLICY_WHERE_MAX, "elsewhere");
	else if (source_locate(&policy->sources, here, &mine) == 0 && mine.file == there.file)
		snprintf(text, POLICY_WHERE_MAX, "line %u", there.line);
	else
		snprintf(text, POLICY_WHERE_MAX, "%s:%u", there.file, there.line);
	return text;
}

const char *policy_advice(char text[static POLICY_ADVICE_MAX], const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, POLICY_ADVICE_MAX, format, arguments);
	va_end(arguments);
	return text;
}
