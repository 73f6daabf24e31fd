// SPDX-License-Identifier: GPL-2.0-or-later
//
// The scfg reader: takes a text apart into directives (a name, parameters, perhaps the opening of a block) and
// closing braces. Two conveniences beyond scfg: a block may open and close on one line, and `;` ends a
// directive as a line end does. A `#` where a word could begin starts a comment. Knows no directive by name.
#ifndef LEADGLASS_POLICY_LEX_H
#define LEADGLASS_POLICY_LEX_H

#include "policy/policy.h"

enum policy_lex_kind {
	POLICY_LEX_DIRECTIVE,
	POLICY_LEX_CLOSE, // a `}` of its own
	POLICY_LEX_END,   // of the text
};

struct policy_directive {
	struct word words[POLICY_WORDS_MAX]; // words[0] is the name
	uint32_t count;                      // 0 only when broken
	bool opens;                          // a `{` follows the words; it has been read
	bool broken;         // what is wrong with its text was said already: judge no word of it
	source_pos brace_at; // of the `{` or `}` read last
};

struct policy_lex {
	struct policy *policy; // keeps the copies of words written with escapes
	struct problems *problems;
	const char *text, *end, *next;
	source_pos start;                // of text[0]
	bool after_close;                // a `}` was read on this line
	bool said_encoding, said_return; // one complaint a file, not one a line
	bool cut;                        // the rest of the text was given up
	int error;                       // sticky: -ENOMEM
};

// Begins to read text[0] ... text[size - 1]. After it comes a NUL, or, where it ends after a line feed or is
// empty, whatever is not to be read.
void policy_lex_begin(struct policy_lex *lex, struct policy *policy, struct problems *problems,
                      const char *text, size_t size, source_pos start);

// Reads on to the next directive, `}` or the end. What cannot be read is said in `problems` and passed over.
enum policy_lex_kind policy_lex_next(struct policy_lex *lex, struct policy_directive *d);

// Whether the next thing, on whatever line, is a `{`; if so it is read and its place returned, else 0.
source_pos policy_lex_late_brace(struct policy_lex *lex);

// Octets a word takes in the text it was read from, quotes and escapes included. `text` is where it begins.
uint32_t policy_lex_word_length(const char *text);

#endif
