// SPDX-License-Identifier: GPL-2.0-or-later
//
// What leadglass would never write, and prove() therefore does not understand. Reading from the kernel keeps
// most of it as text (`foreign`); the rest is statements of ours put together in a way that ruleset_evaluate
// does not take as the kernel would.
#include <string.h>

#include "base/buffer.h"
#include "prove/prove.h"
#include "ruleset/ruleset.h"

struct strange {
	const struct ruleset_table *table;
	struct buffer *out;
	size_t count;
};

static void begin(struct strange *s)
{
	s->count++;
	buffer_printf(s->out, "table %s: ", s->table->family == RULESET_INET ? "inet" : "bridge");
}

static bool is_loopback(const struct ruleset_statement *statement)
{
	uint32_t index;
	memcpy(&index, statement->compare.value, sizeof index);
	return index == 1;
}

// NULL: nothing.
static const char *odd_statement(const struct strange *s, const struct ruleset_statement *statement)
{
	if (statement->kind == STATEMENT_COMPARE) {
		enum ruleset_field field = statement->compare.field;
		if ((field == FIELD_IIF || field == FIELD_OIF) && !is_loopback(statement))
			return "an interface is told by its number";
		if (field == FIELD_FIB_REVERSE && s->table->family == RULESET_BRIDGE)
			return "a bridge is asked for a route";
	}
	for (size_t i = 0; statement->kind == STATEMENT_LOOKUP && i < statement->lookup.field_count; i++)
		if (ruleset_field_info((enum ruleset_field)statement->lookup.fields[i])->type == TYPE_OTHER)
			return "something is looked up that is compared elsewhere";
	return NULL;
}

static const char *odd_rule(const struct strange *s, const struct ruleset_rule *rule)
{
	bool limited = false;
	if (rule->foreign)
		return rule->foreign;
	for (size_t i = 0; i < rule->count; i++) {
		const char *odd = odd_statement(s, &rule->statements[i]);
		if (odd)
			return odd;
		limited = limited || rule->statements[i].kind == STATEMENT_LIMIT;
		if (rule->statements[i].kind == STATEMENT_VERDICT && limited)
			return "its verdict depends on a rate";
	}
	return NULL;
}

static void look_at_chain(struct strange *s, const struct ruleset_chain *chain)
{
	if (chain->foreign || chain->hook == HOOK_OTHER) {
		begin(s);
		buffer_printf(s->out, "chain %s: %s\n", chain->name,
		              chain->foreign ? chain->foreign : "it stands where leadglass has none");
	}
	for (size_t i = 0; i < chain->count; i++) {
		const char *odd = odd_rule(s, &chain->rules[i]);
		if (!odd)
			continue;
		begin(s);
		buffer_printf(s->out, "chain %s: rule %zu (", chain->name, i + 1);
		ruleset_print_rule(s->table, &chain->rules[i], s->out);
		buffer_printf(s->out, "): %s\n", odd);
	}
}

size_t prove_strange(const struct ruleset *ruleset, struct buffer *out)
{
	struct strange s = {.out = out};
	for (size_t t = 0; t < ruleset->table_count; t++) {
		s.table = &ruleset->tables[t];
		for (size_t i = 0; i < s.table->set_count; i++) {
			if (!s.table->sets[i].foreign)
				continue;
			begin(&s);
			buffer_printf(out, "set %s: %s\n", s.table->sets[i].name, s.table->sets[i].foreign);
		}
		for (size_t i = 0; i < s.table->chain_count; i++)
			look_at_chain(&s, &s.table->chains[i]);
	}
	return s.count;
}
