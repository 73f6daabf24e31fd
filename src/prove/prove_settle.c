// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is certain already: walks a side's chains as a packet would, with some answers not known yet.
#include <string.h>

#include "prove/prove_question.h"

struct walk {
	const struct prove_question *q;
	const struct prove_side *side;
	const enum prove_answer *answers;
	bool *needed;
	bool end; // what the base chain does at its end
};

static enum prove_answer holds(const struct walk *w, const struct prove_rule *rule)
{
	enum prove_answer all = PROVE_YES;
	for (size_t i = 0; i < rule->count; i++) {
		const struct prove_literal *literal = &w->q->literals[rule->literals + i];
		enum prove_answer answer = w->answers[literal->atom];
		if (answer == PROVE_OPEN)
			all = PROVE_OPEN;
		else if ((answer == PROVE_YES) == literal->absent)
			return PROVE_NO;
	}
	return all;
}

static void need(const struct walk *w, const struct prove_rule *rule)
{
	for (size_t i = 0; i < rule->count; i++) {
		uint32_t atom = w->q->literals[rule->literals + i].atom;
		w->needed[atom] = w->needed[atom] || w->answers[atom] == PROVE_OPEN;
	}
}

// `depth` ends loops, which the kernel refuses to load; as ruleset_evaluate does.
static unsigned walk_chain(const struct walk *w, size_t chain, size_t depth)
{
	unsigned end = w->end ? PROVE_ACCEPTS : PROVE_DROPS, verdicts = 0;
	if (depth > w->side->count)
		return end;
	const struct prove_chain *c = &w->q->chains[w->side->first + chain];
	for (size_t i = 0; i < c->count; i++) {
		const struct prove_rule *rule = &w->q->rules[c->rules + i];
		enum prove_answer answer = holds(w, rule);
		if (answer == PROVE_NO)
			continue;
		if (answer == PROVE_OPEN)
			need(w, rule);
		if (rule->verdict == VERDICT_GOTO)
			verdicts |= walk_chain(w, rule->chain, depth + 1);
		else
			verdicts |= rule->verdict == VERDICT_ACCEPT ? PROVE_ACCEPTS : PROVE_DROPS;
		if (answer == PROVE_YES)
			return verdicts;
	}
	return verdicts | end;
}

unsigned prove_settle(const struct prove_question *q, unsigned side, const enum prove_answer *answers,
                      bool *needed)
{
	struct walk w = {.q = q, .side = &q->sides[side], .answers = answers, .needed = needed};
	unsigned verdicts = PROVE_ACCEPTS;
	for (size_t i = 0; i < w.side->count; i++) {
		const struct prove_chain *chain = &q->chains[w.side->first + i];
		if (!chain->base)
			continue;
		w.end = chain->accepts;
		unsigned here = walk_chain(&w, i, 0);
		if (here == PROVE_DROPS)
			return PROVE_DROPS;
		verdicts |= here;
	}
	return verdicts;
}

// ---- one packet, everything known ----

static bool covers(const struct prove_atom *atom, size_t row, prove_values values)
{
	for (size_t part = 0; part < atom->relation.parts; part++) {
		const uint8_t *value = values[atom->variables[part]];
		size_t size = atom->relation.sizes[part];
		if (memcmp(value, prove_row_first(&atom->relation, row, part), size) < 0 ||
		    memcmp(value, prove_row_last(&atom->relation, row, part), size) > 0)
			return false;
	}
	return true;
}

// Rows that begin behind the value are left out, and so are those before the first that could reach it.
static bool contains(const struct prove_atom *atom, prove_values values, source_pos *ret_at)
{
	const struct prove_relation *relation = &atom->relation;
	const uint8_t *value = values[atom->variables[0]];
	size_t size = relation->sizes[0], low = 0, high = relation->count;
	while (relation->furthest && low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(prove_row_first(relation, middle, 0), value, size) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t row = high; row-- > 0;) {
		if (relation->furthest &&
		    memcmp(prove_row_last(relation, relation->furthest[row], 0), value, size) < 0)
			return false;
		if (!covers(atom, row, values))
			continue;
		if (relation->places && relation->places[row])
			*ret_at = relation->places[row];
		return true;
	}
	return false;
}

static bool applies(const struct prove_question *q, const struct prove_rule *rule, prove_values values,
                    source_pos *ret_at)
{
	*ret_at = 0;
	for (size_t i = 0; i < rule->count; i++) {
		const struct prove_literal *literal = &q->literals[rule->literals + i];
		source_pos at = *ret_at;
		if (contains(&q->atoms[literal->atom], values, literal->absent ? &at : ret_at) ==
		    literal->absent)
			return false;
	}
	return true;
}

const struct prove_rule *prove_judge(const struct prove_question *q, unsigned side, prove_values values,
                                     bool *ret_accepts, source_pos *ret_at)
{
	const struct prove_side *s = &q->sides[side];
	const struct prove_rule *decided = NULL;
	*ret_accepts = true;
	*ret_at = 0;
	for (size_t i = 0; i < s->count && *ret_accepts; i++) {
		const struct prove_chain *chain = &q->chains[s->first + i];
		if (!chain->base)
			continue;
		*ret_accepts = chain->accepts;
		decided = NULL;
		size_t hops = 0;
		for (size_t k = 0; k < chain->count; k++) {
			const struct prove_rule *rule = &q->rules[chain->rules + k];
			if (!applies(q, rule, values, ret_at))
				continue;
			if (rule->verdict != VERDICT_GOTO) {
				*ret_accepts = rule->verdict == VERDICT_ACCEPT;
				decided = rule;
				break;
			}
			if (++hops > s->count)
				break;
			chain = &q->chains[s->first + rule->chain];
			k = (size_t)-1;
		}
	}
	return decided;
}
