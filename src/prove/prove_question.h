// SPDX-License-Identifier: GPL-2.0-or-later
//
// The form that policy and ruleset are both brought into, in one shape of packets: chains of rules, each a list
// of questions whether variables are in a relation. Private to src/prove.
//
// Sticky, as ruleset_builder is: after the first failure each call is a no-op and `error` says why.
#ifndef LEADGLASS_PROVE_PROVE_QUESTION_H
#define LEADGLASS_PROVE_PROVE_QUESTION_H

#include "prove/prove_space.h"
#include "ruleset/ruleset.h"

#define PROVE_PARTS_MAX RULESET_FIELDS_MAX

// Rows, each with a first and a last value for every part; the octets belong to somebody else.
struct prove_relation {
	const uint8_t *rows;
	size_t count, stride;
	size_t last; // where in a row the last values are; 0: each part is a single value
	uint8_t parts;
	uint8_t at[PROVE_PARTS_MAX], sizes[PROVE_PARTS_MAX];
	const source_pos *places; // the line of each row; NULL: not known
	// Where rows are sorted by the first value of their first part: which row up to each reaches furthest
	// with it. NULL: they are not. Only prove_judge looks at it.
	const uint32_t *furthest;
};

const uint8_t *prove_row_first(const struct prove_relation *relation, size_t row, size_t part);
const uint8_t *prove_row_last(const struct prove_relation *relation, size_t row, size_t part);

// One relation asked of certain variables.
struct prove_atom {
	struct prove_relation relation;
	uint8_t variables[PROVE_PARTS_MAX]; // enum prove_variable
	uint32_t mask;                      // PROVE_BIT of them
};

struct prove_literal {
	uint32_t atom;
	bool absent; // holds when the variables are not in it
};

struct prove_rule {
	size_t literals, count;
	enum ruleset_verdict verdict;
	uint32_t chain;                  // VERDICT_GOTO
	const char *sentence;            // the policy's side
	const struct ruleset_rule *rule; // the ruleset's
};

struct prove_chain {
	size_t rules, count;
	bool base;    // packets begin here; they have to pass all such chains
	bool accepts; // what happens at the end of the base chain they began in
};

// One side: chains first ... first + count - 1.
struct prove_side {
	size_t first, count;
};

struct prove_question {
	struct prove_atom *atoms;
	size_t atom_count, atom_capacity;
	struct prove_literal *literals;
	size_t literal_count, literal_capacity;
	struct prove_rule *rules;
	size_t rule_count, rule_capacity;
	struct prove_chain *chains;
	size_t chain_count, chain_capacity;
	struct prove_side sides[2]; // PROVE_POLICY, PROVE_RULESET
	unsigned side;              // the one being made
	bool never;                 // the rule being made cannot match
	int error;
};

enum { PROVE_POLICY, PROVE_RULESET };

void prove_question_clear(struct prove_question *q); // keeps its memory
void prove_question_fini(struct prove_question *q);

// Chains are numbered from 0 in each side; all rules of a chain are added while it is the last.
void prove_side_begin(struct prove_question *q, unsigned side);
void prove_chain_add(struct prove_question *q, bool base, bool accepts);

// A rule: begun, questions, verdict.
void prove_rule_begin(struct prove_question *q);
void prove_ask(struct prove_question *q, const struct prove_relation *relation,
               const enum prove_variable *variables, bool absent);
// The variable has this value; `value` outlives the question.
void prove_ask_value(struct prove_question *q, enum prove_variable variable, const uint8_t *value, size_t size,
                     bool absent);
void prove_ask_never(struct prove_question *q); // a question whose answer is no in this shape
void prove_rule_end(struct prove_question *q, enum ruleset_verdict verdict, uint32_t chain);

// ---- what is certain already (prove_settle.c) ----

enum prove_answer {
	PROVE_OPEN,
	PROVE_YES,
	PROVE_NO,
};

#define PROVE_DROPS 1u
#define PROVE_ACCEPTS 2u

// Which verdicts a side may still come to, as PROVE_DROPS | PROVE_ACCEPTS, given the answers known to its
// atoms. Where there are two, sets `needed` for each open atom that they may depend on.
unsigned prove_settle(const struct prove_question *q, unsigned side, const enum prove_answer *answers,
                      bool *needed);

// The rule that decides about a packet, by asking everything of its values; NULL: a chain ended. The verdict is
// in *ret_accepts; the row through which the rule matched, when its relation knows places, in *ret_at.
const struct prove_rule *prove_judge(const struct prove_question *q, unsigned side, prove_values values,
                                     bool *ret_accepts, source_pos *ret_at);

#endif
