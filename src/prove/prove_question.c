// SPDX-License-Identifier: GPL-2.0-or-later
//
// Building a question. Equal atoms are kept once: what is logged and then dropped is asked only once.
#include "prove/prove_question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

const uint8_t *prove_row_first(const struct prove_relation *relation, size_t row, size_t part)
{
	return relation->rows + row * relation->stride + relation->at[part];
}

const uint8_t *prove_row_last(const struct prove_relation *relation, size_t row, size_t part)
{
	return prove_row_first(relation, row, part) + relation->last;
}

void prove_question_clear(struct prove_question *q)
{
	q->atom_count = q->literal_count = q->rule_count = q->chain_count = 0;
	q->error = 0;
}

void prove_question_fini(struct prove_question *q)
{
	free(q->atoms);
	free(q->literals);
	free(q->rules);
	free(q->chains);
	*q = (struct prove_question){0};
}

void prove_side_begin(struct prove_question *q, unsigned side)
{
	q->side = side;
	q->sides[side] = (struct prove_side){.first = q->chain_count};
}

void prove_chain_add(struct prove_question *q, bool base, bool accepts)
{
	if (!q->error)
		q->error = array_room(&q->chains, q->chain_count, &q->chain_capacity, sizeof *q->chains);
	if (q->error)
		return;
	q->chains[q->chain_count++] =
	        (struct prove_chain){.rules = q->rule_count, .base = base, .accepts = accepts};
	q->sides[q->side].count++;
}

void prove_rule_begin(struct prove_question *q)
{
	q->never = false;
	if (!q->error)
		q->error = array_room(&q->rules, q->rule_count, &q->rule_capacity, sizeof *q->rules);
	if (!q->error)
		q->rules[q->rule_count] = (struct prove_rule){.literals = q->literal_count};
}

static bool same_relation(const struct prove_relation *a, const struct prove_relation *b)
{
	if (a->count != b->count || a->parts != b->parts || a->last != b->last ||
	    memcmp(a->sizes, b->sizes, sizeof a->sizes) != 0)
		return false;
	if (a->rows == b->rows)
		return true;
	return a->count == 1 && a->parts == 1 && a->last == 0 && memcmp(a->rows, b->rows, a->sizes[0]) == 0;
}

static size_t find_atom(struct prove_question *q, const struct prove_relation *relation,
                        const enum prove_variable *variables)
{
	struct prove_atom atom = {.relation = *relation};
	for (size_t part = 0; part < relation->parts; part++) {
		atom.variables[part] = (uint8_t)variables[part];
		atom.mask |= PROVE_BIT(variables[part]);
	}
	for (size_t i = 0; i < q->atom_count; i++)
		if (memcmp(q->atoms[i].variables, atom.variables, sizeof atom.variables) == 0 &&
		    same_relation(&q->atoms[i].relation, relation))
			return i;
	q->error = array_room(&q->atoms, q->atom_count, &q->atom_capacity, sizeof *q->atoms);
	if (!q->error)
		q->atoms[q->atom_count++] = atom;
	return q->atom_count - 1;
}

void prove_ask(struct prove_question *q, const struct prove_relation *relation,
               const enum prove_variable *variables, bool absent)
{
	for (size_t part = 0; part < relation->parts; part++)
		if (variables[part] == PROVE_ABSENT)
			prove_ask_never(q);
	if (q->error || q->never)
		return;
	if (relation->count == 0) {
		q->never = !absent;
		return;
	}
	size_t atom = find_atom(q, relation, variables);
	if (!q->error)
		q->error =
		        array_room(&q->literals, q->literal_count, &q->literal_capacity, sizeof *q->literals);
	if (q->error)
		return;
	q->literals[q->literal_count++] = (struct prove_literal){(uint32_t)atom, absent};
	q->rules[q->rule_count].count++;
}

void prove_ask_value(struct prove_question *q, enum prove_variable variable, const uint8_t *value, size_t size,
                     bool absent)
{
	struct prove_relation relation = {.rows = value, .count = 1, .parts = 1, .sizes = {(uint8_t)size}};
	prove_ask(q, &relation, &variable, absent);
}

void prove_ask_never(struct prove_question *q)
{
	q->never = true;
}

void prove_rule_end(struct prove_question *q, enum ruleset_verdict verdict, uint32_t chain)
{
	if (q->error || q->never)
		return;
	q->rules[q->rule_count].verdict = verdict;
	q->rules[q->rule_count++].chain = chain;
	q->chains[q->chain_count - 1].count++;
}
