// SPDX-License-Identifier: GPL-2.0-or-later
//
// What differs between the wall that was meant and the one that was found. Names tie sets and chains together,
// order ties rules: one rule put in between is one difference, not a change of all that follow.
#include "ruleset/ruleset.h"

#include <string.h>

#include "base/buffer.h"

struct comparison {
	ruleset_difference_fn report;
	void *context;
	size_t count;
	bool stopped;
	struct ruleset_difference at; // where we are; filled on the way down
};

static void tell(struct comparison *c, enum ruleset_difference_kind kind)
{
	if (c->stopped)
		return;
	c->count++;
	c->at.kind = kind;
	if (c->report && !c->report(c->context, &c->at))
		c->stopped = true;
}

static bool text_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool lookup_equal(const struct ruleset_table *a_table, const struct ruleset_statement *a,
                         const struct ruleset_table *b_table, const struct ruleset_statement *b)
{
	if (a->lookup.absent != b->lookup.absent || a->lookup.field_count != b->lookup.field_count ||
	    memcmp(a->lookup.fields, b->lookup.fields, a->lookup.field_count) != 0)
		return false;
	return a->lookup.set < a_table->set_count && b->lookup.set < b_table->set_count &&
	       strcmp(a_table->sets[a->lookup.set].name, b_table->sets[b->lookup.set].name) == 0;
}

static bool verdict_equal(const struct ruleset_table *a_table, const struct ruleset_statement *a,
                          const struct ruleset_table *b_table, const struct ruleset_statement *b)
{
	if (a->verdict.verdict != b->verdict.verdict)
		return false;
	if (a->verdict.verdict != VERDICT_GOTO)
		return true;
	return a->verdict.chain < a_table->chain_count && b->verdict.chain < b_table->chain_count &&
	       strcmp(a_table->chains[a->verdict.chain].name, b_table->chains[b->verdict.chain].name) == 0;
}

bool ruleset_statement_equal(const struct ruleset_table *a_table, const struct ruleset_statement *a,
                             const struct ruleset_table *b_table, const struct ruleset_statement *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case STATEMENT_COMPARE:
		return a->compare.field == b->compare.field && a->compare.differs == b->compare.differs &&
		       memcmp(a->compare.value, b->compare.value, ruleset_field_info(a->compare.field)->size) ==
		               0;
	case STATEMENT_LOOKUP:
		return lookup_equal(a_table, a, b_table, b);
	case STATEMENT_LIMIT:
		return a->limit.rate == b->limit.rate && a->limit.seconds == b->limit.seconds &&
		       a->limit.burst == b->limit.burst;
	case STATEMENT_COUNTER:
		return true;
	case STATEMENT_LOG:
		return a->log.group == b->log.group && strcmp(a->log.prefix, b->log.prefix) == 0;
	case STATEMENT_VERDICT:
		return verdict_equal(a_table, a, b_table, b);
	}
	return false;
}

static bool rule_equal(const struct comparison *c, const struct ruleset_rule *a, const struct ruleset_rule *b)
{
	if (a->count != b->count || !text_equal(a->comment, b->comment) || !text_equal(a->foreign, b->foreign))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!ruleset_statement_equal(c->at.meant_table, &a->statements[i], c->at.found_table,
		                             &b->statements[i]))
			return false;
	return true;
}

// ---- rules ----

// What lies between two rules that are the same in both: what is left pairs up as changed, the rest is missing
// or extra.
static void tell_gap(struct comparison *c, const struct ruleset_rule *meant, size_t meant_count,
                     const struct ruleset_rule *found, size_t found_count)
{
	size_t i = 0;
	for (; i < meant_count && i < found_count; i++) {
		c->at.meant_rule = &meant[i];
		c->at.found_rule = &found[i];
		tell(c, DIFFERENCE_RULE_CHANGED);
	}
	for (size_t k = i; k < meant_count; k++) {
		c->at.meant_rule = &meant[k];
		c->at.found_rule = NULL;
		tell(c, DIFFERENCE_RULE_MISSING);
	}
	for (size_t k = i; k < found_count; k++) {
		c->at.meant_rule = NULL;
		c->at.found_rule = &found[k];
		tell(c, DIFFERENCE_RULE_EXTRA);
	}
	c->at.meant_rule = c->at.found_rule = NULL;
}

// Longest common subsequence of what is left between equal ends. Chains we write have a few dozen rules; where
// somebody made one longer than this the middle is told as changed, which is true as well.
#define MIDDLE_MAX 128

static void compare_middle(struct comparison *c, const struct ruleset_rule *meant, size_t m,
                           const struct ruleset_rule *found, size_t n)
{
	uint8_t common[MIDDLE_MAX + 1][MIDDLE_MAX + 1]; // [i][k]: of meant[i..] and found[k..]
	if (m > MIDDLE_MAX || n > MIDDLE_MAX) {
		tell_gap(c, meant, m, found, n);
		return;
	}
	memset(common, 0, sizeof common);
	for (size_t i = m; i-- > 0;)
		for (size_t k = n; k-- > 0;) {
			uint8_t skip =
			        common[i + 1][k] > common[i][k + 1] ? common[i + 1][k] : common[i][k + 1];
			common[i][k] = rule_equal(c, &meant[i], &found[k]) ? (uint8_t)(common[i + 1][k + 1] + 1)
			                                                   : skip;
		}
	size_t i = 0, k = 0, gap_i = 0, gap_k = 0;
	while (i < m && k < n) {
		if (rule_equal(c, &meant[i], &found[k])) {
			tell_gap(c, meant + gap_i, i - gap_i, found + gap_k, k - gap_k);
			gap_i = ++i;
			gap_k = ++k;
		} else if (common[i + 1][k] >= common[i][k + 1]) {
			i++;
		} else {
			k++;
		}
	}
	tell_gap(c, meant + gap_i, m - gap_i, found + gap_k, n - gap_k);
}

static void compare_rules(struct comparison *c)
{
	const struct ruleset_rule *meant = c->at.meant_chain->rules, *found = c->at.found_chain->rules;
	size_t m = c->at.meant_chain->count, n = c->at.found_chain->count;
	while (m && n && rule_equal(c, meant, found)) {
		meant++, m--;
		found++, n--;
	}
	while (m && n && rule_equal(c, &meant[m - 1], &found[n - 1]))
		m--, n--;
	if (m || n)
		compare_middle(c, meant, m, found, n);
}

static bool chain_same(const struct ruleset_chain *a, const struct ruleset_chain *b)
{
	return a->hook == b->hook &&
	       (a->hook == HOOK_NONE || (a->priority == b->priority && a->accepts == b->accepts)) &&
	       text_equal(a->foreign, b->foreign);
}

// ---- elements ----

bool ruleset_set_same_kind(const struct ruleset_set *a, const struct ruleset_set *b)
{
	return strcmp(a->name, b->name) == 0 && a->type_count == b->type_count &&
	       memcmp(a->types, b->types, a->type_count) == 0 && a->key_size == b->key_size &&
	       a->interval == b->interval && a->constant == b->constant && a->detailed == b->detailed &&
	       a->timed == b->timed && text_equal(a->foreign, b->foreign);
}

static const char *element_comment(const struct ruleset_set *set, size_t element)
{
	return set->details ? set->details[element].comment : NULL;
}

// Service windows come and go without the policy; nothing else is to be in their sets.
static void compare_windows(struct comparison *c)
{
	for (size_t i = 0; i < c->at.found_set->count; i++) {
		c->at.found_element = i;
		if (!ruleset_is_window(c->at.found_set, i))
			tell(c, DIFFERENCE_ELEMENT_EXTRA);
	}
	c->at.found_element = 0;
}

static void compare_elements(struct comparison *c)
{
	const struct ruleset_set *meant = c->at.meant_set, *found = c->at.found_set;
	size_t size = (size_t)meant->key_size * (meant->interval ? 2 : 1);
	size_t i = 0, k = 0;
	while (!c->stopped && (i < meant->count || k < found->count)) {
		int order;
		if (i == meant->count)
			order = 1;
		else if (k == found->count)
			order = -1;
		else
			order = memcmp(meant->keys + i * size, found->keys + k * size, size);
		c->at.meant_element = i;
		c->at.found_element = k;
		if (order < 0)
			tell(c, DIFFERENCE_ELEMENT_MISSING);
		else if (order > 0)
			tell(c, DIFFERENCE_ELEMENT_EXTRA);
		else if (!text_equal(element_comment(meant, i), element_comment(found, k)))
			tell(c, DIFFERENCE_ELEMENT_CHANGED);
		i += order <= 0;
		k += order >= 0;
	}
	c->at.meant_element = c->at.found_element = 0;
}

// ---- tables ----

static const struct ruleset_set *find_set(const struct ruleset_table *table, const char *name)
{
	for (size_t i = 0; i < table->set_count; i++)
		if (strcmp(table->sets[i].name, name) == 0)
			return &table->sets[i];
	return NULL;
}

static const struct ruleset_chain *find_chain(const struct ruleset_table *table, const char *name)
{
	for (size_t i = 0; i < table->chain_count; i++)
		if (strcmp(table->chains[i].name, name) == 0)
			return &table->chains[i];
	return NULL;
}

static const struct ruleset_table *find_table(const struct ruleset *ruleset, enum ruleset_family family)
{
	for (size_t i = 0; i < ruleset->table_count; i++)
		if (ruleset->tables[i].family == family)
			return &ruleset->tables[i];
	return NULL;
}

static void compare_sets(struct comparison *c)
{
	const struct ruleset_table *meant = c->at.meant_table, *found = c->at.found_table;
	for (size_t i = 0; i < meant->set_count; i++) {
		c->at.meant_set = &meant->sets[i];
		c->at.found_set = find_set(found, meant->sets[i].name);
		if (!c->at.found_set) {
			tell(c, DIFFERENCE_SET_MISSING);
			continue;
		}
		bool same = ruleset_set_same_kind(c->at.meant_set, c->at.found_set);
		if (!same || (c->at.found_set->size && c->at.found_set->size < c->at.meant_set->count))
			tell(c, DIFFERENCE_SET_CHANGED);
		if (c->at.meant_set->key_size != c->at.found_set->key_size ||
		    c->at.meant_set->interval != c->at.found_set->interval)
			continue;
		if (c->at.meant_set->timed)
			compare_windows(c);
		else
			compare_elements(c);
	}
	c->at.meant_set = NULL;
	for (size_t i = 0; i < found->set_count; i++) {
		c->at.found_set = &found->sets[i];
		if (!find_set(meant, found->sets[i].name))
			tell(c, DIFFERENCE_SET_EXTRA);
	}
	c->at.found_set = NULL;
}

static void compare_chains(struct comparison *c)
{
	const struct ruleset_table *meant = c->at.meant_table, *found = c->at.found_table;
	for (size_t i = 0; i < meant->chain_count; i++) {
		c->at.meant_chain = &meant->chains[i];
		c->at.found_chain = find_chain(found, meant->chains[i].name);
		if (!c->at.found_chain) {
			tell(c, DIFFERENCE_CHAIN_MISSING);
			continue;
		}
		if (!chain_same(c->at.meant_chain, c->at.found_chain))
			tell(c, DIFFERENCE_CHAIN_CHANGED);
		compare_rules(c);
	}
	c->at.meant_chain = NULL;
	for (size_t i = 0; i < found->chain_count; i++) {
		c->at.found_chain = &found->chains[i];
		if (!find_chain(meant, found->chains[i].name))
			tell(c, DIFFERENCE_CHAIN_EXTRA);
	}
	c->at.found_chain = NULL;
}

size_t ruleset_compare(const struct ruleset *meant, const struct ruleset *found, ruleset_difference_fn report,
                       void *context)
{
	struct comparison c = {.report = report, .context = context};
	for (size_t i = 0; i < meant->table_count; i++) {
		c.at.meant_table = &meant->tables[i];
		c.at.found_table = find_table(found, meant->tables[i].family);
		if (!c.at.found_table) {
			tell(&c, DIFFERENCE_TABLE_MISSING);
			continue;
		}
		compare_sets(&c);
		compare_chains(&c);
	}
	c.at.meant_table = NULL;
	for (size_t i = 0; i < found->table_count; i++) {
		c.at.found_table = &found->tables[i];
		if (!find_table(meant, found->tables[i].family))
			tell(&c, DIFFERENCE_TABLE_EXTRA);
	}
	return c.count;
}
