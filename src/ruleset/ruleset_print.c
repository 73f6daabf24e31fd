// SPDX-License-Identifier: GPL-2.0-or-later
//
// The wall as nft text. Statements are explicit, as bytecode is, but a person writes `ip saddr . tcp dport @x`
// and leaves it to nft to ask for IPv4 and TCP first. So comparisons that nft would put there itself are left
// out of the text, and only those: loading it gives the same expressions one by one.
#include "ruleset/ruleset.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/address.h"
#include "base/buffer.h"
#include "ruleset/ruleset_spell.h"

// What the rule has made sure of so far, as nft keeps count of it to know what a header field still needs.
struct context {
	enum ruleset_family family;
	bool network_known;
	int transport; // IPPROTO_...; -1: not known
};

static bool is_network(const struct ruleset_statement *s)
{
	return s->kind == STATEMENT_COMPARE && !s->compare.differs &&
	       (s->compare.field == FIELD_NFPROTO || s->compare.field == FIELD_ETHER_TYPE);
}

static bool is_transport(const struct ruleset_statement *s)
{
	return s->kind == STATEMENT_COMPARE && !s->compare.differs && s->compare.field == FIELD_L4PROTO;
}

static void learn(struct context *context, const struct ruleset_statement *s)
{
	if (is_network(s))
		context->network_known = true;
	else if (is_transport(s))
		context->transport = s->compare.value[0];
}

static bool needs_ip(enum ruleset_field field)
{
	return field == FIELD_IP_SADDR || field == FIELD_IP_DADDR || field == FIELD_ICMP_TYPE;
}

static bool needs_ip6(enum ruleset_field field)
{
	return field == FIELD_IP6_SADDR || field == FIELD_IP6_DADDR || field == FIELD_IP6_HOPLIMIT ||
	       field == FIELD_ICMPV6_TYPE;
}

static bool is_port(enum ruleset_field field)
{
	return field == FIELD_TH_SPORT || field == FIELD_TH_DPORT;
}

static bool network_is(enum ruleset_family family, const struct ruleset_statement *s, bool ip6)
{
	if (family == RULESET_INET)
		return s->compare.field == FIELD_NFPROTO &&
		       s->compare.value[0] == (ip6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	return s->compare.field == FIELD_ETHER_TYPE &&
	       memcmp(s->compare.value, ip6 ? "\x86\xdd" : "\x08\x00", 2) == 0;
}

static bool transport_is(const struct ruleset_statement *s, enum ruleset_field field)
{
	uint8_t value = s->compare.value[0];
	if (field == FIELD_ICMP_TYPE)
		return value == IPPROTO_ICMP;
	if (field == FIELD_ICMPV6_TYPE)
		return value == IPPROTO_ICMPV6;
	return value == IPPROTO_TCP || value == IPPROTO_UDP;
}

// Would nft 1.0 put `network` and `transport` (either may be NULL) before these fields by itself, in this
// order, and nothing else? A concatenation asks for what its parts need from left to right.
static bool implied(const struct context *context, const struct ruleset_statement *network,
                    const struct ruleset_statement *transport, const uint8_t *fields, size_t count)
{
	bool network_asked = false, transport_asked = false;
	for (size_t i = 0; i < count; i++) {
		bool ip6 = needs_ip6(fields[i]),
		     icmp = fields[i] == FIELD_ICMP_TYPE || fields[i] == FIELD_ICMPV6_TYPE;
		if ((needs_ip(fields[i]) || ip6) && !context->network_known && !network_asked) {
			// In family bridge nft asks for the frame's own type field before icmp, not for meta
			// protocol.
			if (!network || transport_asked || !network_is(context->family, network, ip6) ||
			    (icmp && context->family == RULESET_BRIDGE))
				return false;
			network_asked = true;
		}
		if ((icmp || is_port(fields[i])) && context->transport < 0 && !transport_asked) {
			if (!transport || !transport_is(transport, fields[i]))
				return false;
			transport_asked = true;
		}
	}
	return network_asked == (network != NULL) && transport_asked == (transport != NULL);
}

static void print_field(const struct context *context, enum ruleset_field field, struct buffer *out)
{
	const char *name = ruleset_field_info(field)->nft;
	if (is_port(field) && context->transport == IPPROTO_TCP)
		buffer_printf(out, "tcp %s", name + strlen("th "));
	else if (is_port(field) && context->transport == IPPROTO_UDP)
		buffer_printf(out, "udp %s", name + strlen("th "));
	else
		buffer_text(out, name);
}

static void print_limit(const struct ruleset_statement *s, struct buffer *out)
{
	const char *unit = s->limit.seconds == 1      ? "second"
	                   : s->limit.seconds == 60   ? "minute"
	                   : s->limit.seconds == 3600 ? "hour"
	                                              : "day";
	buffer_printf(out, "limit rate %u/%s burst %u packets", s->limit.rate, unit, s->limit.burst);
}

static void print_verdict(const struct ruleset_table *table, const struct ruleset_statement *s,
                          struct buffer *out)
{
	switch (s->verdict.verdict) {
	case VERDICT_DROP:
		buffer_text(out, "drop");
		return;
	case VERDICT_ACCEPT:
		buffer_text(out, "accept");
		return;
	case VERDICT_GOTO:
		buffer_printf(out, "goto %s",
		              s->verdict.chain < table->chain_count ? table->chains[s->verdict.chain].name
		                                                    : "?");
		return;
	}
}

static void print_statement(const struct ruleset_table *table, const struct context *context,
                            const struct ruleset_statement *s, struct buffer *out)
{
	switch (s->kind) {
	case STATEMENT_COMPARE:
		print_field(context, s->compare.field, out);
		buffer_text(out, s->compare.differs ? " != " : " ");
		ruleset_spell_value(s->compare.field, s->compare.value, out);
		return;
	case STATEMENT_LOOKUP:
		for (size_t i = 0; i < s->lookup.field_count; i++) {
			buffer_text(out, i ? " . " : "");
			print_field(context, s->lookup.fields[i], out);
		}
		buffer_printf(out, " %s@%s", s->lookup.absent ? "!= " : "",
		              s->lookup.set < table->set_count ? table->sets[s->lookup.set].name : "?");
		return;
	case STATEMENT_LIMIT:
		print_limit(s, out);
		return;
	case STATEMENT_COUNTER:
		buffer_text(out, "counter");
		return;
	case STATEMENT_LOG:
		buffer_text(out, "log prefix ");
		ruleset_spell_quoted(s->log.prefix, strlen(s->log.prefix), out);
		buffer_printf(out, " group %u", s->log.group);
		return;
	case STATEMENT_VERDICT:
		print_verdict(table, s, out);
		return;
	}
}

// How many of the statements from `i` on go without saying: 0, 1 or 2.
static size_t unsaid(const struct context *context, const struct ruleset_rule *rule, size_t i)
{
	const struct ruleset_statement *network = NULL, *transport = NULL;
	size_t n = i;
	if (n < rule->count && is_network(&rule->statements[n]))
		network = &rule->statements[n++];
	if (n < rule->count && is_transport(&rule->statements[n]))
		transport = &rule->statements[n++];
	if (n == i || n == rule->count)
		return 0;
	const struct ruleset_statement *next = &rule->statements[n];
	uint8_t field = (uint8_t)next->compare.field;
	if (next->kind == STATEMENT_COMPARE && implied(context, network, transport, &field, 1))
		return n - i;
	if (next->kind == STATEMENT_LOOKUP &&
	    implied(context, network, transport, next->lookup.fields, next->lookup.field_count))
		return n - i;
	return 0;
}

void ruleset_print_rule(const struct ruleset_table *table, const struct ruleset_rule *rule, struct buffer *out)
{
	struct context context = {.family = table->family, .transport = -1};
	const char *space = "";
	for (size_t i = 0; i < rule->count; i++) {
		for (size_t skip = unsaid(&context, rule, i); skip; skip--)
			learn(&context, &rule->statements[i++]);
		buffer_text(out, space);
		print_statement(table, &context, &rule->statements[i], out);
		learn(&context, &rule->statements[i]);
		space = " ";
	}
	if (rule->foreign)
		buffer_printf(out, "%s(%s)", space, rule->foreign);
	if (rule->comment) {
		buffer_printf(out, "%scomment ", *space || rule->foreign ? " " : "");
		ruleset_spell_quoted(rule->comment, strlen(rule->comment), out);
	}
}

void ruleset_print_element(const struct ruleset_set *set, size_t element, struct buffer *out)
{
	const uint8_t *first = set->keys + element * set->key_size * (set->interval ? 2 : 1);
	const uint8_t *last = set->interval ? first + set->key_size : first;
	for (size_t i = 0; i < set->type_count; i++) {
		if (i)
			buffer_add(out, " . ", 3);
		ruleset_spell_range(set->types[i], first, last, out);
		size_t padded = (ruleset_type_size(set->types[i]) + 3) / 4 * 4;
		first += padded;
		last += padded;
	}
}

static void print_set_flags(const struct ruleset_set *set, struct buffer *out)
{
	const char *before = "\t\tflags ";
	const struct {
		bool set;
		const char *name;
	} flags[] = {{set->constant, "constant"}, {set->interval, "interval"}, {set->timed, "timeout"}};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (flags[i].set) {
			buffer_printf(out, "%s%s", before, flags[i].name);
			before = ", ";
		}
	if (set->constant || set->interval || set->timed)
		buffer_text(out, "\n");
}

static void print_set(const struct ruleset_set *set, struct buffer *out)
{
	buffer_printf(out, "\tset %s {\n\t\ttype ", set->name);
	for (size_t i = 0; i < set->type_count; i++)
		buffer_printf(out, "%s%s", i ? " . " : "", ruleset_type_name(set->types[i]));
	buffer_text(out, "\n");
	print_set_flags(set, out);
	if (set->size)
		buffer_printf(out, "\t\tsize %u\n", set->size);
	if (set->detailed)
		buffer_text(out, "\t\tcounter\n");
	if (set->comment) {
		buffer_text(out, "\t\tcomment ");
		ruleset_spell_quoted(set->comment, strlen(set->comment), out);
		buffer_text(out, "\n");
	}
	if (set->count)
		buffer_text(out, "\t\telements = {\n");
	for (size_t i = 0; i < set->count; i++) {
		buffer_text(out, "\t\t\t");
		ruleset_print_element(set, i, out);
		if (set->details && set->details[i].expires)
			buffer_printf(out, " timeout %" PRIu64 "ms", set->details[i].left_ms);
		if (set->details && set->details[i].comment) {
			buffer_text(out, " comment ");
			ruleset_spell_quoted(set->details[i].comment, strlen(set->details[i].comment), out);
		}
		buffer_text(out, i + 1 < set->count ? ",\n" : "\n");
	}
	buffer_text(out, set->count ? "\t\t}\n\t}\n\n" : "\t}\n\n");
}

static const char *hook_name(enum ruleset_hook hook)
{
	switch (hook) {
	case HOOK_INPUT:
		return "input";
	case HOOK_FORWARD:
		return "forward";
	case HOOK_OUTPUT:
		return "output";
	case HOOK_NONE:
	case HOOK_OTHER:
		break;
	}
	return NULL;
}

static void print_chain(const struct ruleset_table *table, const struct ruleset_chain *chain,
                        struct buffer *out)
{
	buffer_printf(out, "\tchain %s {\n", chain->name);
	if (hook_name(chain->hook))
		buffer_printf(out, "\t\ttype filter hook %s priority %d; policy %s;\n", hook_name(chain->hook),
		              (int)chain->priority, chain->accepts ? "accept" : "drop");
	for (size_t i = 0; i < chain->count; i++) {
		buffer_text(out, "\t\t");
		ruleset_print_rule(table, &chain->rules[i], out);
		buffer_text(out, "\n");
	}
	buffer_text(out, "\t}\n\n");
}

static void print_table(const struct ruleset_table *table, struct buffer *out)
{
	const char *family = table->family == RULESET_INET ? "inet" : "bridge";
	buffer_printf(out, "\ntable %s " RULESET_TABLE_NAME " {\n", family);
	for (size_t i = 0; i < table->set_count; i++)
		print_set(&table->sets[i], out);
	for (size_t i = 0; i < table->chain_count; i++)
		print_chain(table, &table->chains[i], out);
	if (out->size && !buffer_failed(out))
		out->data[--out->size] = '\0'; // the blank line after the last part
	buffer_text(out, "}\n");
}

void ruleset_print(const struct ruleset *ruleset, struct buffer *out)
{
	buffer_text(out, "# The wall as nft text, for reading, review, and use without leadglass. `nft -f` "
	                 "makes the table, or\n"
	                 "# replaces it in one transaction; no other table is touched. `leadglass load` does "
	                 "more: it exchanges the\n"
	                 "# rules inside the standing chains, never remaking one, cuts nothing that stays "
	                 "allowed, and reads back.\n"
	                 "# Where leadglass itself put up the wall on Linux 6.9 or later, the table is "
	                 "persistent and nft cannot\n"
	                 "# replace it (\"Operation not supported\"): first `leadglass remove --yes`, which "
	                 "leaves no wall for\n"
	                 "# that moment. Service windows that are open (the `access` sets) end with the old "
	                 "table.\n");
	for (size_t i = 0; i < ruleset->table_count; i++) {
		const char *family = ruleset->tables[i].family == RULESET_INET ? "inet" : "bridge";
		buffer_printf(out,
		              "add table %s " RULESET_TABLE_NAME "\ndelete table %s " RULESET_TABLE_NAME "\n",
		              family, family);
	}
	for (size_t i = 0; i < ruleset->table_count; i++)
		print_table(&ruleset->tables[i], out);
}
