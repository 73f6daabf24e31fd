// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ruleset in one shape of packets: each field is a variable, a constant, or absent.
#include "prove/prove_ruleset.h"

#include <netinet/in.h>
#include <string.h>

#define NFPROTO_V4 2
#define NFPROTO_V6 10

static uint32_t state_bit(const struct prove_shape *shape)
{
	struct packet packet;
	prove_values none = {{0}};
	prove_packet(shape, none, &packet);
	return packet.ct_state;
}

static enum prove_variable present(const struct prove_shape *shape, enum prove_variable variable, bool is)
{
	return is && variable != PROVE_ABSENT && shape->present & PROVE_BIT(variable) ? variable : PROVE_ABSENT;
}

// The variable that a field is; PROVE_ABSENT also for those that are constants, which are asked before.
static enum prove_variable variable_of(const struct prove_shape *shape, enum ruleset_field field)
{
	bool ip = shape->ip, four = ip && shape->family == ADDRESS_IPV4, six = ip && !four;
	bool arp = shape->ether_type == 0x0806, tracked = ip && prove_state_tracked(shape->state);
	switch (field) {
	case FIELD_IIF:
	case FIELD_IIFNAME:
		return present(shape, PROVE_IN_INTERFACE, true);
	case FIELD_OIF:
	case FIELD_OIFNAME:
		return present(shape, PROVE_OUT_INTERFACE, true);
	case FIELD_ETHER_SADDR:
		return present(shape, PROVE_ETHER_SOURCE, true);
	case FIELD_ETHER_DADDR:
		return present(shape, PROVE_ETHER_DESTINATION, true);
	case FIELD_LLC:
		return present(shape, PROVE_LLC, true);
	case FIELD_ARP_FORMAT:
		return present(shape, PROVE_ARP_FORMAT, true);
	case FIELD_ARP_OPERATION:
		return present(shape, PROVE_ARP_OPERATION, true);
	case FIELD_ARP_SADDR_ETHER:
		return present(shape, PROVE_ARP_SENDER, true);
	case FIELD_ARP_SADDR_IP:
		return present(shape, PROVE_SOURCE, arp);
	case FIELD_ARP_DADDR_IP:
		return present(shape, PROVE_DESTINATION, arp);
	case FIELD_IP_SADDR:
		return present(shape, PROVE_SOURCE, four);
	case FIELD_IP_DADDR:
		return present(shape, shape->destination, four);
	case FIELD_IP6_SADDR:
		return present(shape, PROVE_SOURCE, six);
	case FIELD_IP6_DADDR:
		return present(shape, shape->destination, six);
	case FIELD_IP6_HOPLIMIT:
		return present(shape, PROVE_HOP_LIMIT, true);
	case FIELD_TH_SPORT:
		return present(shape, PROVE_SOURCE_PORT, true);
	case FIELD_TH_DPORT:
		return present(shape, PROVE_DESTINATION_PORT, true);
	case FIELD_ICMP_TYPE:
		return present(shape, PROVE_ICMP_TYPE, shape->protocol == IPPROTO_ICMP);
	case FIELD_ICMPV6_TYPE:
		return present(shape, PROVE_ICMP_TYPE, shape->protocol == IPPROTO_ICMPV6);
	case FIELD_CT_PROTOCOL:
		return present(shape, PROVE_QUOTED_PROTOCOL, true);
	case FIELD_CT_ORIGINAL_IP_SADDR:
		return present(shape, shape->client, tracked && four);
	case FIELD_CT_ORIGINAL_IP_DADDR:
		return present(shape, shape->server, tracked && four);
	case FIELD_CT_ORIGINAL_IP6_SADDR:
		return present(shape, shape->client, tracked && six);
	case FIELD_CT_ORIGINAL_IP6_DADDR:
		return present(shape, shape->server, tracked && six);
	case FIELD_CT_ORIGINAL_PROTO_DST:
		return present(shape, shape->called, tracked);
	case FIELD_FIB_REVERSE:
		return present(shape, PROVE_REVERSE, true);
	case FIELD_NONE:
	case FIELD_NFPROTO:
	case FIELD_L4PROTO:
	case FIELD_ETHER_TYPE:
	case FIELD_CT_STATE:
	case FIELD_CT_DIRECTION:
	case FIELD_COUNT:
		break;
	}
	return PROVE_ABSENT;
}

// What every packet of the shape has in this field; the octets that it is long, 0 when it is no constant.
static size_t constant_of(const struct prove_shape *shape, enum ruleset_field field, uint8_t ret[static 2])
{
	bool tracked = shape->ip && prove_state_tracked(shape->state);
	switch ((unsigned)field) {
	case FIELD_NFPROTO:
		ret[0] = shape->family == ADDRESS_IPV6 ? NFPROTO_V6 : NFPROTO_V4;
		return shape->ip ? 1 : 0;
	case FIELD_L4PROTO:
		ret[0] = shape->protocol;
		return shape->ip ? 1 : 0;
	case FIELD_ETHER_TYPE:
		ret[0] = (uint8_t)(shape->ether_type >> 8);
		ret[1] = (uint8_t)shape->ether_type;
		return 2;
	case FIELD_CT_DIRECTION:
		ret[0] = prove_state_reply(shape->state);
		return tracked ? 1 : 0;
	case FIELD_CT_PROTOCOL:
		ret[0] = shape->protocol;
		return tracked && !(shape->present & PROVE_BIT(PROVE_QUOTED_PROTOCOL)) ? 1 : 0;
	}
	return 0;
}

static void compare(const struct prove_shape *shape, const struct ruleset_statement *s,
                    struct prove_question *q)
{
	static const uint8_t lo[PROVE_VALUE_MAX] = "lo";
	enum ruleset_field field = s->compare.field;
	uint8_t constant[2];
	size_t size = constant_of(shape, field, constant);
	if (field == FIELD_CT_STATE) {
		uint32_t wanted;
		memcpy(&wanted, s->compare.value, sizeof wanted);
		if (((state_bit(shape) & wanted) != 0) == s->compare.differs)
			prove_ask_never(q);
		return;
	}
	if (size) {
		if ((memcmp(constant, s->compare.value, size) == 0) == s->compare.differs)
			prove_ask_never(q);
		return;
	}
	// An index is only ever compared with that of lo (prove_strange).
	bool index = field == FIELD_IIF || field == FIELD_OIF;
	const uint8_t *value = index ? lo : s->compare.value;
	prove_ask_value(q, variable_of(shape, field), value,
	                index ? sizeof lo : ruleset_field_info(field)->size, s->compare.differs);
}

// A constant among the fields of a lookup is nothing leadglass writes (prove_strange).
static void lookup(const struct ruleset_table *table, const struct prove_shape *shape,
                   const struct ruleset_statement *s, struct prove_question *q)
{
	const struct ruleset_set *set = &table->sets[s->lookup.set];
	size_t size = set->key_size;
	struct prove_relation relation = {.rows = set->keys,
	                                  .count = set->count,
	                                  .stride = set->interval ? 2 * size : size,
	                                  .last = set->interval ? size : 0,
	                                  .parts = s->lookup.field_count};
	enum prove_variable variables[PROVE_PARTS_MAX];
	size_t at = 0;
	for (size_t i = 0; i < s->lookup.field_count; i++) {
		enum ruleset_field field = s->lookup.fields[i];
		uint8_t octets = ruleset_field_info(field)->size;
		variables[i] = variable_of(shape, field);
		relation.at[i] = (uint8_t)at;
		relation.sizes[i] = octets;
		at += ((size_t)octets + 3) / 4 * 4;
	}
	prove_ask(q, &relation, variables, s->lookup.absent);
}

static void add_rule(const struct ruleset_table *table, const struct prove_shape *shape,
                     const struct ruleset_rule *rule, struct prove_question *q)
{
	const struct ruleset_statement *last = rule->count ? &rule->statements[rule->count - 1] : NULL;
	if (!last || last->kind != STATEMENT_VERDICT)
		return; // it only counts or logs
	prove_rule_begin(q);
	for (size_t i = 0; i < rule->count; i++) {
		const struct ruleset_statement *s = &rule->statements[i];
		switch (s->kind) {
		case STATEMENT_COMPARE:
			compare(shape, s, q);
			break;
		case STATEMENT_LOOKUP:
			lookup(table, shape, s, q);
			break;
		case STATEMENT_LIMIT:
		case STATEMENT_COUNTER:
		case STATEMENT_LOG:
		case STATEMENT_VERDICT:
			break;
		}
	}
	if (!q->error && !q->never)
		q->rules[q->rule_count].rule = rule;
	prove_rule_end(q, last->verdict.verdict, last->verdict.chain);
}

void prove_rules(const struct ruleset *ruleset, const struct prove_shape *shape, struct prove_question *q)
{
	prove_side_begin(q, PROVE_RULESET);
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct ruleset_table *table = &ruleset->tables[t];
		for (size_t c = 0; table->family == shape->table && c < table->chain_count; c++) {
			const struct ruleset_chain *chain = &table->chains[c];
			prove_chain_add(q, chain->hook == shape->hook, chain->accepts);
			for (size_t i = 0; i < chain->count; i++)
				add_rule(table, shape, &chain->rules[i], q);
		}
	}
}

void prove_each_value(const struct ruleset *ruleset, enum ruleset_field field, prove_value_fn each,
                      void *context)
{
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct ruleset_table *table = &ruleset->tables[t];
		for (size_t c = 0; c < table->chain_count; c++) {
			for (size_t i = 0; i < table->chains[c].count; i++) {
				const struct ruleset_rule *rule = &table->chains[c].rules[i];
				for (size_t k = 0; k < rule->count; k++)
					if (rule->statements[k].kind == STATEMENT_COMPARE &&
					    rule->statements[k].compare.field == field)
						each(context, rule->statements[k].compare.value);
			}
		}
	}
}
