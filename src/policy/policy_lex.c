// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reader's fast half: plain words, blanks and comments cost one table lookup an octet. Everything else
// (quotes, escapes, octets over 127) goes through policy_lex_word.c.
#include "policy/policy_lex_word.h"

#include <string.h>

#include "base/signed_text.h"

#define P LEX_PLAIN
#define C LEX_CONTROL
#define H LEX_HIGH
#define HIGH_16 H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H
#define PLAIN_16 P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P
// clang-format off
const uint8_t policy_lex_class[256] = {
	C, C, C, C, C, C, C, C, C, LEX_BLANK, LEX_LINE, C, C, LEX_RETURN, C, C,
	C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
	LEX_BLANK, P, LEX_QUOTE, LEX_COMMENT, P, P, P, LEX_QUOTE, P, P, P, P, P, P, P, P,
	P, P, P, P, P, P, P, P, P, P, P, LEX_SEMICOLON, P, P, P, P,
	PLAIN_16,
	P, P, P, P, P, P, P, P, P, P, P, P, LEX_ESCAPE, P, P, P,
	PLAIN_16,
	P, P, P, P, P, P, P, P, P, P, P, LEX_OPEN, P, LEX_CLOSE, P, C,
	HIGH_16, HIGH_16, HIGH_16, HIGH_16, HIGH_16, HIGH_16, HIGH_16, HIGH_16,
};
// clang-format on

source_pos policy_lex_at(const struct policy_lex *lex, const char *p)
{
	return lex->start + (source_pos)(p - lex->text);
}

void policy_lex_begin(struct policy_lex *lex, struct policy *policy, struct problems *problems,
                      const char *text, size_t size, source_pos start)
{
	*lex = (struct policy_lex){.policy = policy,
	                           .problems = problems,
	                           .text = text,
	                           .end = text + size,
	                           .next = text,
	                           .start = start};
	if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		problem_add(problems, PROBLEM_ERROR, start, 1, "this file is UTF-16 text", "save it as UTF-8");
		lex->next = lex->end;
		lex->cut = true;
	} else if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		problem_add(problems, PROBLEM_ERROR, start, 3, "the file begins with a byte order mark (BOM)",
		            "save it as UTF-8 without BOM");
		lex->next = text + 3;
	}
}

static const char *comment(struct policy_lex *lex, const char *p)
{
	bool ignored = false;
	for (;;) {
		switch (policy_lex_class_of(*p)) {
		case LEX_LINE:
			return p;
		case LEX_RETURN:
		case LEX_CONTROL:
			// The caller knows what to make of them, a line end perhaps.
			if (p == lex->end || *p == '\r')
				return p;
			p = policy_lex_odd_character(lex, p, true, &ignored);
			if (p == lex->end)
				return p;
			break;
		case LEX_HIGH:
			p = policy_lex_odd_character(lex, p, true, &ignored);
			break;
		case LEX_PLAIN:
		case LEX_COMMENT:
		case LEX_BLANK:
		case LEX_SEMICOLON:
		case LEX_OPEN:
		case LEX_CLOSE:
		case LEX_QUOTE:
		case LEX_ESCAPE:
			p++;
			break;
		}
	}
}

// At a carriage return: the line end begins here whether or not its line feed follows.
static const char *carriage_return(struct policy_lex *lex, const char *p)
{
	if (p[1] == '\n')
		return p + 2;
	if (!lex->said_return)
		problem_add(
		        lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), 1,
		        "a carriage return without a line feed",
		        "end lines with LF (or CR LF); the file may have been saved with old Mac line ends");
	lex->said_return = true;
	return p + 1;
}

static void after_close(struct policy_lex *lex, const char *p)
{
	// A signature's marker is out of place here too, and that is said better.
	if (strncmp(p, SIGNED_TEXT_MARKER, sizeof SIGNED_TEXT_MARKER - 1) != 0)
		problem_add(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), policy_lex_word_length(p),
		            "another directive on the line of a '}'",
		            "begin a new line, or write ';' after the '}'");
	lex->after_close = false;
}

static void too_many(struct policy_lex *lex, const char *p, struct policy_directive *d)
{
	if (!d->broken)
		problem_addf(lex->problems, PROBLEM_ERROR, policy_lex_at(lex, p), policy_lex_word_length(p),
		             "go on with a second directive of the same name",
		             "more than %d words in one directive", POLICY_WORDS_MAX);
	d->broken = true;
}

// Adds the words from `p` on as long as they are plain and nothing is to be said about them, which is the bulk
// of every policy. Returns where something else begins, or the word that is not so.
static const char *plain_words(const struct policy_lex *lex, const char *p, struct policy_directive *d)
{
	const char *const text = lex->text;
	const source_pos text_at = lex->start;
	uint32_t count = d->count;
	for (;;) {
		const char *start = p;
		enum policy_lex_class class = policy_lex_class_of(*p);
		if (class != LEX_PLAIN)
			break;
		while (class <= LEX_COMMENT)
			class = policy_lex_class_of(*++p);
		size_t size = (size_t)(p - start);
		if (class > LEX_RETURN || size > POLICY_WORD_MAX || count == POLICY_WORDS_MAX) {
			p = start;
			break;
		}
		// Each part straight to where it stays: a copy of the whole would wait for its parts.
		struct word *into = &d->words[count++];
		into->text = start;
		into->size = (uint32_t)size;
		into->at = text_at + (source_pos)(start - text);
		while (*p == ' ')
			p++;
	}
	d->count = count;
	return p;
}

// Adds the word at `start` and returns where it ends.
static const char *word(struct policy_lex *lex, const char *start, struct policy_directive *d)
{
	struct word read = {.text = start, .at = policy_lex_at(lex, start)};
	const char *p = start;
	bool broken = false;
	while (policy_lex_class_of(*p) <= LEX_COMMENT)
		p++;
	read.size = (uint32_t)(p - start);
	if (lex->after_close)
		after_close(lex, start);
	if (p - start > POLICY_WORD_MAX || !policy_lex_ends_word(lex, p))
		p = policy_lex_odd_word(lex, start, &read, &broken);
	if (broken)
		d->broken = true;
	else if (d->count == POLICY_WORDS_MAX)
		too_many(lex, start, d);
	else
		d->words[d->count++] = read;
	return p;
}

static void open_block(struct policy_lex *lex, const char *p, struct policy_directive *d)
{
	d->brace_at = policy_lex_at(lex, p);
	if (d->count == 0 && !d->broken) {
		problem_add(lex->problems, PROBLEM_ERROR, d->brace_at, 1, "'{' without a directive before it",
		            "a block begins with a name: peer main-pacs {");
		d->broken = true;
	}
	d->opens = true;
}

enum policy_lex_kind policy_lex_next(struct policy_lex *lex, struct policy_directive *d)
{
	const char *p = lex->next;
	bool more = true;
	d->count = 0;
	d->opens = d->broken = false;
	enum policy_lex_kind kind = POLICY_LEX_DIRECTIVE;

	while (more && p < lex->end) {
		switch (policy_lex_class_of(*p)) {
		case LEX_BLANK:
			p++;
			break;
		case LEX_PLAIN:
			if (!lex->after_close)
				p = plain_words(lex, p, d);
			if (policy_lex_class_of(*p) == LEX_PLAIN)
				p = word(lex, p, d);
			break;
		case LEX_QUOTE:
		case LEX_ESCAPE:
		case LEX_HIGH:
			p = word(lex, p, d);
			break;
		case LEX_COMMENT:
			p = comment(lex, p);
			break;
		case LEX_LINE:
		case LEX_SEMICOLON:
			p++;
			lex->after_close = false;
			more = d->count == 0 && !d->broken;
			break;
		case LEX_RETURN:
			p = carriage_return(lex, p);
			lex->after_close = false;
			more = d->count == 0 && !d->broken;
			break;
		case LEX_OPEN:
			open_block(lex, p++, d);
			more = false;
			break;
		case LEX_CLOSE:
			more = false;
			if (d->count > 0 || d->broken)
				break; // first the directive it ends, then it
			d->brace_at = policy_lex_at(lex, p++);
			lex->after_close = true;
			kind = POLICY_LEX_CLOSE;
			break;
		case LEX_CONTROL:
			p = policy_lex_odd_character(lex, p, false, &d->broken);
			break;
		}
	}
	if (more && d->count == 0 && !d->broken)
		kind = POLICY_LEX_END;
	lex->next = p;
	return kind;
}

source_pos policy_lex_late_brace(struct policy_lex *lex)
{
	const char *p = lex->next;
	for (;; p++) {
		while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
			p++;
		if (*p != '#')
			break;
		p += strcspn(p, "\n");
		if (*p == '\0')
			return 0;
	}
	if (*p != '{')
		return 0;
	lex->next = p + 1;
	return policy_lex_at(lex, p);
}

uint32_t policy_lex_word_length(const char *text)
{
	const char *p = text;
	if (policy_lex_class_of(*p) == LEX_QUOTE) {
		char quote = *p++;
		while (*p && *p != quote && *p != '\n')
			p += quote == '"' && p[0] == '\\' && p[1] != '\0' && p[1] != '\n' ? 2 : 1;
		if (*p == quote)
			p++;
	} else {
		while (*p && !strchr(" \t\r\n{};", *p))
			p += p[0] == '\\' && p[1] != '\0' && p[1] != '\n' ? 2 : 1;
	}
	return (uint32_t)(p - text);
}
