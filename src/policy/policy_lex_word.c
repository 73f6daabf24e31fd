// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reader's slow half: quotes, escapes, UTF-8, and what may not stand in a policy at all. Characters that
// make a text look other than it is are refused even in comments: a policy is read by people before it is
// loaded.
#include "policy/policy_lex_word.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

static bool is_odd_space(uint32_t c)
{
	return c == 0xa0 || (c >= 0x2000 && c <= 0x200d) || c == 0x202f || c == 0x205f || c == 0x2060 ||
	       c == 0x3000;
}

static const char *control(struct policy_lex *lex, const char *p)
{
	source_pos at = policy_lex_at(lex, p);
	if (*p == '\0') {
		problem_add(lex->problems, PROBLEM_ERROR, at, 1, "a NUL octet; this is not a text file",
		            "a policy is UTF-8 text");
		lex->cut = true;
		return lex->end;
	}
	problem_addf(lex->problems, PROBLEM_ERROR, at, 1, "remove it", "a control character (0x%02x)",
	             (unsigned char)*p);
	return p + 1;
}

const char *policy_lex_odd_character(struct policy_lex *lex, const char *p, bool free_text, bool *broken)
{
	if ((unsigned char)*p < 0x80) {
		*broken = true;
		return control(lex, p);
	}
	uint32_t c;
	size_t size = text_utf8(p, (size_t)(lex->end - p), &c);
	if (size == 0) {
		if (!lex->said_encoding)
			problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), 1,
			             "save the file as UTF-8", "this octet (0x%02x) is not UTF-8",
			             (unsigned char)*p);
		lex->said_encoding = *broken = true;
		return p + 1;
	}
	if (text_deceives(c)) {
		problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), (uint32_t)size, "remove it",
		             "an invisible control character (U+%04X)", c);
		*broken = true;
	} else if (!free_text && is_odd_space(c)) {
		problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), (uint32_t)size,
		             "write a plain space; text pasted from a document often brings these along",
		             "a special space character (U+%04X)", c);
		*broken = true;
	}
	return p + size;
}

// What to type in place of a character that word processors put for it; NULL for all others.
static const char *typed_as(uint32_t c)
{
	switch (c) {
	case 0x2013:
	case 0x2014:
		return "-";
	case 0x2018:
	case 0x2019:
		return "'";
	case 0x201c:
	case 0x201d:
	case 0x201e:
		return "\"";
	}
	return NULL;
}

// One character of a word that is not plain ASCII. A typographic one is said once a word.
static const char *odd_in_word(struct policy_lex *lex, const char *p, bool quoted, bool *broken)
{
	uint32_t c;
	size_t size = text_utf8(p, (size_t)(lex->end - p), &c);
	const char *typed = size > 0 ? typed_as(c) : NULL;
	if (!typed || (quoted && *typed == '-')) // a dash within quotes may be meant: "St. Anna – Nord"
		return policy_lex_odd_character(lex, p, quoted, broken);
	char instead[100];
	snprintf(instead, sizeof instead,
	         "write a plain %s; text pasted from a document often brings these along", typed);
	if (!*broken)
		problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), (uint32_t)size, instead,
		             "a typographic %s (U+%04X)", *typed == '-' ? "dash" : "quote", c);
	*broken = true;
	return p + size;
}

// Keeps a copy of text[0] ... text[size - 1] without the backslashes of its escapes.
static void unescape(struct policy_lex *lex, const char *text, size_t size, struct word *ret)
{
	struct policy *policy = lex->policy;
	char *copy = malloc(size + 1);
	if (!copy || array_room(&policy->unescaped, policy->unescaped_count, &policy->unescaped_capacity,
	                        sizeof *policy->unescaped) < 0) {
		free(copy);
		lex->error = -ENOMEM;
		return;
	}
	policy->unescaped[policy->unescaped_count++] = copy;
	uint32_t written = 0;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\\')
			i++;
		copy[written++] = text[i];
	}
	copy[written] = '\0';
	ret->text = copy;
	ret->size = written;
}

// A quote that is not closed on its line. What follows it is lost, but not a `{` at the line's end.
static const char *unclosed(struct policy_lex *lex, const char *start, const char *line_end, bool said)
{
	if (!said)
		problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, start),
		             (uint32_t)(line_end - start), "a quoted word ends on the line it began on",
		             "this %c is not closed", *start);
	const char *p = line_end;
	while (p > start + 1 && strchr(" \t", p[-1]))
		p--;
	return p > start + 1 && p[-1] == '{' ? p - 1 : line_end;
}

// The character after a backslash; true when there is one on this line.
static bool escaped(struct policy_lex *lex, const char *p, bool *broken)
{
	enum policy_lex_class class = policy_lex_class_of(p[1]);
	if (class != LEX_LINE && class != LEX_RETURN && class != LEX_CONTROL)
		return true;
	problem_add(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), 1, "a backslash with nothing after it",
	            "a directive cannot go on in the next line; for a backslash itself write \\\\");
	*broken = true;
	return false;
}

struct scan {
	const char *body, *body_end;
	bool escapes, broken;
};

static const char *scan_quoted(struct policy_lex *lex, const char *start, struct scan *scan)
{
	const char *p = start + 1;
	scan->body = p;
	while (*p != *start) {
		enum policy_lex_class class = policy_lex_class_of(*p);
		if (class == LEX_LINE || class == LEX_RETURN || p == lex->end) {
			p = unclosed(lex, start, p, scan->broken);
			scan->broken = true;
			return p;
		}
		if (class == LEX_ESCAPE && *start == '"') {
			scan->escapes = true;
			p++;
			if (policy_lex_class_of(*p) == LEX_PLAIN || *p == '"' || *p == '\\')
				p++;
		} else if (class == LEX_HIGH || class == LEX_CONTROL) {
			p = odd_in_word(lex, p, true, &scan->broken);
		} else {
			p++;
		}
	}
	scan->body_end = p++;
	if (!policy_lex_ends_word(lex, p) && !scan->broken) {
		problem_add(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), 1,
		            "a quoted word goes on after its closing quote",
		            "put a space after the quote, or the whole word in quotes");
		scan->broken = true;
	}
	while (!policy_lex_ends_word(lex, p) && policy_lex_class_of(*p) != LEX_CONTROL)
		p++;
	return p;
}

static const char *scan_bare(struct policy_lex *lex, const char *start, struct scan *scan)
{
	const char *p = start;
	scan->body = p;
	while (!policy_lex_ends_word(lex, p)) {
		enum policy_lex_class class = policy_lex_class_of(*p);
		if (class == LEX_HIGH || class == LEX_CONTROL) {
			p = odd_in_word(lex, p, false, &scan->broken);
		} else if (class == LEX_ESCAPE) {
			scan->escapes = true;
			if (escaped(lex, p++, &scan->broken) && policy_lex_class_of(*p) != LEX_HIGH)
				p++;
		} else {
			if (class == LEX_QUOTE && !scan->broken) {
				problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), 1,
				             "put the whole word in quotes", "a %c in the middle of a word",
				             *p);
				scan->broken = true;
			}
			p++;
		}
	}
	scan->body_end = p;
	return p;
}

const char *policy_lex_odd_word(struct policy_lex *lex, const char *start, struct word *ret, bool *ret_broken)
{
	struct scan scan = {0};
	bool quoted = policy_lex_class_of(*start) == LEX_QUOTE;
	const char *p = quoted ? scan_quoted(lex, start, &scan) : scan_bare(lex, start, &scan);

	if (!scan.broken && scan.body_end - scan.body > POLICY_WORD_MAX) {
		problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, start), (uint32_t)(p - start),
		             NULL, "a word of %td octets; the limit is %d", scan.body_end - scan.body,
		             POLICY_WORD_MAX);
		scan.broken = true;
	}
	*ret_broken = scan.broken;
	if (scan.broken)
		return p;
	*ret = (struct word){.text = scan.body,
	                     .size = (uint32_t)(scan.body_end - scan.body),
	                     .at = policy_lex_at(lex, start)};
	if (scan.escapes)
		unescape(lex, scan.body, (size_t)ret->size, ret);
	return p;
}
