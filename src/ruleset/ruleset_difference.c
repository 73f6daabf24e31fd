// SPDX-License-Identifier: GPL-2.0-or-later
//
// A difference between what was meant and what was found, as one line for a person.
#include "ruleset/ruleset.h"

#include "base/buffer.h"

static const char *family_name(enum ruleset_family family)
{
	return family == RULESET_INET ? "inet" : "bridge";
}

static void say_place(const struct sources *sources, source_pos at, struct buffer *out)
{
	struct source_place place;
	if (sources && source_locate(sources, at, &place) == 0)
		buffer_printf(out, " (%s:%u)", place.file, place.line);
}

static const char *hook_name(enum ruleset_hook hook)
{
	switch (hook) {
	case HOOK_NONE:
		return "no hook";
	case HOOK_INPUT:
		return "hook input";
	case HOOK_FORWARD:
		return "hook forward";
	case HOOK_OUTPUT:
		return "hook output";
	case HOOK_OTHER:
		break;
	}
	return "another hook";
}

static void say_chain(const struct ruleset_chain *chain, struct buffer *out)
{
	buffer_text(out, hook_name(chain->hook));
	if (chain->hook != HOOK_NONE)
		buffer_printf(out, " priority %d policy %s", (int)chain->priority,
		              chain->accepts ? "accept" : "drop");
	if (chain->foreign)
		buffer_printf(out, " (%s)", chain->foreign);
}

static void say_set(const struct ruleset_set *set, struct buffer *out)
{
	for (size_t i = 0; i < set->type_count; i++)
		buffer_printf(out, "%s%s", i ? " . " : "", ruleset_type_name(set->types[i]));
	buffer_printf(out, "%s%s%s%s", set->interval ? " interval" : "", set->constant ? " constant" : "",
	              set->timed ? " timeout" : "", set->detailed ? " counter" : "");
	if (set->size)
		buffer_printf(out, " size %u", set->size);
	if (set->foreign)
		buffer_printf(out, " (%s)", set->foreign);
}

static void say_comment(const struct ruleset_set *set, size_t element, struct buffer *out)
{
	const char *comment = set->details ? set->details[element].comment : NULL;
	if (comment)
		buffer_printf(out, "\"%s\"", comment);
	else
		buffer_text(out, "none");
}

static void print_chain(const struct ruleset_difference *d, struct buffer *out)
{
	switch ((unsigned)d->kind) {
	case DIFFERENCE_CHAIN_MISSING:
		buffer_printf(out, "chain %s is missing", d->meant_chain->name);
		return;
	case DIFFERENCE_CHAIN_EXTRA:
		buffer_printf(out, "chain %s is not ours", d->found_chain->name);
		return;
	}
	buffer_printf(out, "chain %s is ", d->found_chain->name);
	say_chain(d->found_chain, out);
	buffer_text(out, ", not ");
	say_chain(d->meant_chain, out);
}

static void print_rule(const struct ruleset_difference *d, const struct sources *sources, struct buffer *out)
{
	buffer_printf(out, "chain %s: ", (d->meant_chain ? d->meant_chain : d->found_chain)->name);
	if (d->found_rule) {
		buffer_text(out, d->meant_rule ? "rule changed: " : "extra rule: ");
		ruleset_print_rule(d->found_table, d->found_rule, out);
	}
	if (d->meant_rule) {
		buffer_text(out, d->found_rule ? "; meant: " : "rule missing: ");
		ruleset_print_rule(d->meant_table, d->meant_rule, out);
		say_place(sources, d->meant_rule->origin.at, out);
	}
}

static void print_set(const struct ruleset_difference *d, struct buffer *out)
{
	switch ((unsigned)d->kind) {
	case DIFFERENCE_SET_MISSING:
		buffer_printf(out, "set %s is missing, with its %zu elements", d->meant_set->name,
		              d->meant_set->count);
		return;
	case DIFFERENCE_SET_EXTRA:
		buffer_printf(out, "set %s is not ours", d->found_set->name);
		return;
	}
	buffer_printf(out, "set %s is ", d->found_set->name);
	say_set(d->found_set, out);
	buffer_text(out, ", not ");
	say_set(d->meant_set, out);
}

static void print_element(const struct ruleset_difference *d, const struct sources *sources, struct buffer *out)
{
	bool missing = d->kind == DIFFERENCE_ELEMENT_MISSING, extra = d->kind == DIFFERENCE_ELEMENT_EXTRA;
	const struct ruleset_set *set = extra ? d->found_set : d->meant_set;
	size_t element = extra ? d->found_element : d->meant_element;
	buffer_printf(out, "set %s: %s", set->name, missing ? "missing " : extra ? "extra " : "");
	ruleset_print_element(set, element, out);
	if (!missing && !extra) {
		buffer_text(out, " has comment ");
		say_comment(d->found_set, d->found_element, out);
		buffer_text(out, ", not ");
		say_comment(d->meant_set, d->meant_element, out);
	} else {
		if (d->meant_set->timed)
			buffer_text(out, set->timed && set->details && set->details[element].expires
			                         ? ", open for longer than a service window may be"
			                         : ", open without an end");
		if (set->details && set->details[element].comment)
			buffer_printf(out, " \"%s\"", set->details[element].comment);
	}
	if (!extra && set->origins)
		say_place(sources, set->origins[element].at, out);
}

void ruleset_difference_print(const struct ruleset_difference *difference, const struct sources *sources,
                              struct buffer *out)
{
	const struct ruleset_difference *d = difference;
	const struct ruleset_table *table = d->meant_table ? d->meant_table : d->found_table;
	buffer_printf(out, "table %s " RULESET_TABLE_NAME, family_name(table->family));
	switch (d->kind) {
	case DIFFERENCE_TABLE_MISSING:
		buffer_text(out, " is missing");
		return;
	case DIFFERENCE_TABLE_EXTRA:
		buffer_text(out, " should not be there");
		return;
	case DIFFERENCE_CHAIN_MISSING:
	case DIFFERENCE_CHAIN_EXTRA:
	case DIFFERENCE_CHAIN_CHANGED:
		buffer_text(out, ": ");
		print_chain(d, out);
		return;
	case DIFFERENCE_RULE_MISSING:
	case DIFFERENCE_RULE_EXTRA:
	case DIFFERENCE_RULE_CHANGED:
		buffer_text(out, ": ");
		print_rule(d, sources, out);
		return;
	case DIFFERENCE_SET_MISSING:
	case DIFFERENCE_SET_EXTRA:
	case DIFFERENCE_SET_CHANGED:
		buffer_text(out, ": ");
		print_set(d, out);
		return;
	case DIFFERENCE_ELEMENT_MISSING:
	case DIFFERENCE_ELEMENT_EXTRA:
	case DIFFERENCE_ELEMENT_CHANGED:
		buffer_text(out, ": ");
		print_element(d, sources, out);
		return;
	}
}
