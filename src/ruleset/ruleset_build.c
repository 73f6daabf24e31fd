// SPDX-License-Identifier: GPL-2.0-or-later
//
// Building a ruleset, by the compiler and by what reads the kernel. Sticky: after the first failure nothing is
// added any more and ruleset_build_end returns it, so that a rule can never lose a statement and become wider.
#include "ruleset/ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"

void ruleset_init(struct ruleset *ruleset)
{
	*ruleset = (struct ruleset){0};
}

static void rule_fini(struct ruleset_rule *rule)
{
	free(rule->statements);
	free(rule->comment);
	free(rule->foreign);
}

static void set_fini(struct ruleset_set *set)
{
	if (set->details)
		for (size_t i = 0; i < set->count; i++)
			free(set->details[i].comment);
	free(set->details);
	free(set->origins);
	free(set->keys);
	free(set->foreign);
	free(set->comment);
}

static void table_fini(struct ruleset_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++) {
		struct ruleset_chain *chain = &table->chains[i];
		for (size_t k = 0; k < chain->count; k++)
			rule_fini(&chain->rules[k]);
		free(chain->rules);
		free(chain->foreign);
	}
	free(table->chains);
	for (size_t i = 0; i < table->set_count; i++)
		set_fini(&table->sets[i]);
	free(table->sets);
}

void ruleset_fini(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (size_t i = 0; i < ruleset->table_count; i++)
		table_fini(&ruleset->tables[i]);
	ruleset_init(ruleset);
}

void ruleset_build(struct ruleset_builder *b, struct ruleset *ruleset)
{
	*b = (struct ruleset_builder){.ruleset = ruleset};
}

int ruleset_build_end(struct ruleset_builder *b)
{
	return b->error;
}

void ruleset_build_table(struct ruleset_builder *b, enum ruleset_family family)
{
	if (b->error)
		return;
	if (b->ruleset->table_count == 2) {
		b->error = -EINVAL;
		return;
	}
	b->table = &b->ruleset->tables[b->ruleset->table_count++];
	*b->table = (struct ruleset_table){.family = family};
	b->chain = NULL;
	b->rule = NULL;
}

static bool name_fits(struct ruleset_builder *b, const char *name)
{
	if (!b->error && (!b->table || name[0] == '\0' || strlen(name) > RULESET_NAME_MAX))
		b->error = -EINVAL;
	return !b->error;
}

uint32_t ruleset_build_set(struct ruleset_builder *b, const char *name, const enum ruleset_type *types,
                           size_t type_count, bool interval, const char *comment)
{
	if (!name_fits(b, name))
		return 0;
	struct ruleset_set set = {.interval = interval, .type_count = (uint8_t)type_count};
	snprintf(set.name, sizeof set.name, "%s", name);
	size_t key_size = 0;
	for (size_t i = 0; i < type_count && i < RULESET_FIELDS_MAX; i++) {
		set.types[i] = (uint8_t)types[i];
		key_size += (ruleset_type_size(types[i]) + 3) / 4 * 4;
	}
	if (type_count == 0 || type_count > RULESET_FIELDS_MAX || key_size > RULESET_KEY_MAX) {
		b->error = -EINVAL;
		return 0;
	}
	set.key_size = (uint8_t)key_size;
	if (comment && !(set.comment = strdup(comment))) {
		b->error = -ENOMEM;
		return 0;
	}
	struct ruleset_table *table = b->table;
	b->error = array_room(&table->sets, table->set_count, &table->set_capacity, sizeof *table->sets);
	if (b->error) {
		free(set.comment);
		return 0;
	}
	table->sets[table->set_count] = set;
	return (uint32_t)table->set_count++;
}

uint32_t ruleset_build_chain(struct ruleset_builder *b, const char *name, enum ruleset_hook hook,
                             int32_t priority)
{
	if (!name_fits(b, name))
		return 0;
	struct ruleset_table *table = b->table;
	b->error =
	        array_room(&table->chains, table->chain_count, &table->chain_capacity, sizeof *table->chains);
	if (b->error)
		return 0;
	struct ruleset_chain *chain = &table->chains[table->chain_count];
	*chain = (struct ruleset_chain){.hook = hook, .priority = priority};
	snprintf(chain->name, sizeof chain->name, "%s", name);
	return (uint32_t)table->chain_count++;
}

// Keys, origins and details grow together; `capacity` is that of all three.
static int element_room(struct ruleset_set *set)
{
	if (set->count < set->capacity)
		return 0;
	size_t capacity = set->capacity, unit = (size_t)set->key_size * (set->interval ? 2 : 1);
	int r = array_room(&set->keys, set->count, &capacity, unit);
	if (r < 0)
		return r;
	struct ruleset_origin *origins = realloc(set->origins, capacity * sizeof *origins);
	if (!origins)
		return -ENOMEM;
	set->origins = origins;
	set->capacity = capacity;
	return 0;
}

void ruleset_build_element(struct ruleset_builder *b, uint32_t set_index, const uint8_t *key,
                           const uint8_t *key_last, struct ruleset_origin origin)
{
	if (b->error)
		return;
	if (!b->table || set_index >= b->table->set_count) {
		b->error = -EINVAL;
		return;
	}
	struct ruleset_set *set = &b->table->sets[set_index];
	// Details are allocated once, by whoever fills them, after the last element.
	if (set->interval != (key_last != NULL) || set->details) {
		b->error = -EINVAL;
		return;
	}
	b->error = element_room(set);
	if (b->error)
		return;
	size_t unit = (size_t)set->key_size * (set->interval ? 2 : 1);
	memcpy(set->keys + set->count * unit, key, set->key_size);
	if (key_last)
		memcpy(set->keys + set->count * unit + set->key_size, key_last, set->key_size);
	set->origins[set->count++] = origin;
}

void ruleset_build_rule(struct ruleset_builder *b, uint32_t chain_index, struct ruleset_origin origin,
                        const char *comment_format, ...)
{
	if (b->error)
		return;
	if (!b->table || chain_index >= b->table->chain_count) {
		b->error = -EINVAL;
		return;
	}
	struct buffer comment = BUFFER_EMPTY;
	va_list arguments;
	va_start(arguments, comment_format);
	buffer_vprintf(&comment, comment_format, arguments);
	va_end(arguments);
	char *text = buffer_steal(&comment);
	if (text && strlen(text) > RULESET_COMMENT_MAX)
		text[RULESET_COMMENT_MAX] = '\0';

	struct ruleset_chain *chain = &b->table->chains[chain_index];
	b->error = !text ? -ENOMEM
	                 : array_room(&chain->rules, chain->count, &chain->capacity, sizeof *chain->rules);
	if (b->error) {
		free(text);
		return;
	}
	b->chain = chain;
	b->rule = &chain->rules[chain->count++];
	*b->rule = (struct ruleset_rule){.origin = origin, .comment = text};
}

// The next statement of the rule being built; NULL after a failure, or when the rule has had its verdict.
static struct ruleset_statement *statement(struct ruleset_builder *b, enum ruleset_statement_kind kind)
{
	if (b->error)
		return NULL;
	struct ruleset_rule *rule = b->rule;
	if (!rule || (rule->count && rule->statements[rule->count - 1].kind == STATEMENT_VERDICT)) {
		b->error = -EINVAL;
		return NULL;
	}
	b->error = array_room(&rule->statements, rule->count, &rule->capacity, sizeof *rule->statements);
	if (b->error)
		return NULL;
	struct ruleset_statement *s = &rule->statements[rule->count++];
	memset(s, 0, sizeof *s); // padding too: statements are compared part by part, but printed bytes must be
	                         // stable
	s->kind = kind;
	return s;
}

static void compare(struct ruleset_builder *b, enum ruleset_field field, const void *value, bool differs)
{
	struct ruleset_statement *s = statement(b, STATEMENT_COMPARE);
	if (!s)
		return;
	s->compare.field = field;
	s->compare.differs = differs;
	memcpy(s->compare.value, value, ruleset_field_info(field)->size);
}

void ruleset_match(struct ruleset_builder *b, enum ruleset_field field, const void *value)
{
	compare(b, field, value, false);
}

void ruleset_match_not(struct ruleset_builder *b, enum ruleset_field field, const void *value)
{
	compare(b, field, value, true);
}

void ruleset_match_u8(struct ruleset_builder *b, enum ruleset_field field, uint8_t value)
{
	if (!b->error && ruleset_field_info(field)->size != 1)
		b->error = -EINVAL;
	compare(b, field, &value, false);
}

void ruleset_match_port(struct ruleset_builder *b, enum ruleset_field field, uint16_t port)
{
	if (!b->error && ruleset_field_info(field)->size != 2)
		b->error = -EINVAL;
	compare(b, field, (uint8_t[2]){(uint8_t)(port >> 8), (uint8_t)port}, false);
}

void ruleset_match_name(struct ruleset_builder *b, enum ruleset_field field, const char *interface)
{
	uint8_t name[16] = {0};
	size_t size = strlen(interface);
	if (!b->error && (size >= sizeof name || ruleset_field_info(field)->size != sizeof name))
		b->error = -EINVAL;
	if (!b->error)
		memcpy(name, interface, size);
	compare(b, field, name, false);
}

void ruleset_match_state(struct ruleset_builder *b, uint32_t states)
{
	compare(b, FIELD_CT_STATE, &states, false);
}

static void lookup(struct ruleset_builder *b, uint32_t set, const enum ruleset_field *fields, size_t count,
                   bool absent)
{
	if (!b->error && (set >= b->table->set_count || count != b->table->sets[set].type_count))
		b->error = -EINVAL;
	for (size_t i = 0; !b->error && i < count; i++)
		if (ruleset_field_info(fields[i])->type != b->table->sets[set].types[i])
			b->error = -EINVAL;
	struct ruleset_statement *s = statement(b, STATEMENT_LOOKUP);
	if (!s)
		return;
	s->lookup.set = set;
	s->lookup.absent = absent;
	s->lookup.field_count = (uint8_t)count;
	for (size_t i = 0; i < count; i++)
		s->lookup.fields[i] = (uint8_t)fields[i];
}

void ruleset_lookup(struct ruleset_builder *b, uint32_t set, const enum ruleset_field *fields, size_t count)
{
	lookup(b, set, fields, count, false);
}

void ruleset_lookup_absent(struct ruleset_builder *b, uint32_t set, const enum ruleset_field *fields,
                           size_t count)
{
	lookup(b, set, fields, count, true);
}

void ruleset_limit(struct ruleset_builder *b, uint32_t rate, uint32_t seconds, uint32_t burst)
{
	struct ruleset_statement *s = statement(b, STATEMENT_LIMIT);
	if (!s)
		return;
	s->limit.rate = rate;
	s->limit.seconds = seconds;
	s->limit.burst = burst;
}

void ruleset_counter(struct ruleset_builder *b)
{
	statement(b, STATEMENT_COUNTER);
}

void ruleset_log(struct ruleset_builder *b, uint16_t group, const char *prefix)
{
	struct ruleset_statement *s = statement(b, STATEMENT_LOG);
	if (!s)
		return;
	s->log.group = group;
	if (strlen(prefix) >= sizeof s->log.prefix) {
		b->error = -EINVAL;
		return;
	}
	memcpy(s->log.prefix, prefix, strlen(prefix));
}

void ruleset_verdict(struct ruleset_builder *b, enum ruleset_verdict verdict)
{
	struct ruleset_statement *s = statement(b, STATEMENT_VERDICT);
	if (s)
		s->verdict.verdict = verdict;
}

void ruleset_goto(struct ruleset_builder *b, uint32_t chain)
{
	if (!b->error && chain >= b->table->chain_count)
		b->error = -EINVAL;
	struct ruleset_statement *s = statement(b, STATEMENT_VERDICT);
	if (!s)
		return;
	s->verdict.verdict = VERDICT_GOTO;
	s->verdict.chain = chain;
}
