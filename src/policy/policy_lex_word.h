// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the two halves of the reader share: the classes of octets, and the way into the slower half.
#ifndef LEADGLASS_POLICY_LEX_WORD_H
#define LEADGLASS_POLICY_LEX_WORD_H

#include "policy/policy_lex.h"

enum policy_lex_class {
	LEX_PLAIN, // part of a word
	LEX_COMMENT,
	LEX_BLANK,
	LEX_LINE,
	LEX_SEMICOLON,
	LEX_OPEN,
	LEX_CLOSE,
	LEX_RETURN,
	LEX_CONTROL, // also the NUL after the text
	LEX_QUOTE,
	LEX_ESCAPE,
	LEX_HIGH, // part of a UTF-8 sequence
};
extern const uint8_t policy_lex_class[256];

static inline enum policy_lex_class policy_lex_class_of(char c)
{
	return (enum policy_lex_class)policy_lex_class[(unsigned char)c];
}

// A blank, a line end, a mark of the syntax or the end of the text: a word cannot go on here.
static inline bool policy_lex_ends_word(const struct policy_lex *lex, const char *p)
{
	enum policy_lex_class class = policy_lex_class_of(*p);
	return (class >= LEX_BLANK && class <= LEX_RETURN) || p == lex->end;
}

// Reads the word at `start` that is more than plain octets, up to what ends it. Sets *ret_broken and says why
// when it is no word.
const char *policy_lex_odd_word(struct policy_lex *lex, const char *start, struct word *ret, bool *ret_broken);

// Looks at one character that is not plain ASCII and returns where the next one begins. Says so and sets
// *broken when it may not stand there; in a comment or in quotes odd spaces may.
const char *policy_lex_odd_character(struct policy_lex *lex, const char *p, bool free_text, bool *broken);

source_pos policy_lex_at(const struct policy_lex *lex, const char *p);

#endif
