// SPDX-License-Identifier: GPL-2.0-or-later
//
// Asks the wall about one packet, statement by statement as the kernel does. What a packet has not got (ports
// of an ARP frame, a connection when conntrack refused it) ends the rule there, as a failed load does in the
// kernel, also where the rule asks for "not equal".
#include <netinet/in.h>
#include <string.h>

#include "ruleset/packet.h"
#include "ruleset/ruleset_spell.h"

static void put_u16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static bool copy_address(uint8_t *to, const struct prefix *address, enum address_family family)
{
	memcpy(to, address->octets, address_octets(family));
	return address->family == family;
}

static bool copy_interface(uint8_t *to, const char *name)
{
	memcpy(to, name, strnlen(name, 15));
	return name[0] != '\0';
}

// Only ever compared with 1, the loopback interface; another one is taken as 2.
static bool copy_index(uint8_t *to, bool loopback)
{
	uint32_t index = loopback ? 1 : 2;
	memcpy(to, &index, sizeof index);
	return true;
}

static bool is_ip(const struct packet *p)
{
	return p->ether_type == 0x0800 || p->ether_type == 0x86dd;
}

static bool has_ports(const struct packet *p)
{
	return is_ip(p) && (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP);
}

static bool tracked(const struct packet *p)
{
	return is_ip(p) && !(p->ct_state & (CT_INVALID | CT_UNTRACKED));
}

// False: the packet has no such field.
static bool load_header(const struct packet *p, enum ruleset_field field, uint8_t *to)
{
	bool arp = p->ether_type == 0x0806, ip = p->ether_type == 0x0800, ip6 = p->ether_type == 0x86dd;
	switch (field) {
	case FIELD_IIF:
		return p->hook != HOOK_OUTPUT && copy_index(to, p->loopback);
	case FIELD_OIF:
		return p->hook != HOOK_INPUT && copy_index(to, p->loopback);
	case FIELD_IIFNAME:
		return p->hook != HOOK_OUTPUT && copy_interface(to, p->in_interface);
	case FIELD_OIFNAME:
		return p->hook != HOOK_INPUT && copy_interface(to, p->out_interface);
	case FIELD_NFPROTO:
		*to = ip6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
		return is_ip(p);
	case FIELD_L4PROTO:
		*to = p->protocol;
		return is_ip(p);
	case FIELD_ETHER_TYPE:
		put_u16(to, p->ether_type);
		return true;
	case FIELD_ETHER_SADDR:
		memcpy(to, p->ether_source.octets, sizeof p->ether_source.octets);
		return p->table == RULESET_BRIDGE;
	case FIELD_ETHER_DADDR:
		memcpy(to, p->ether_destination.octets, sizeof p->ether_destination.octets);
		return p->table == RULESET_BRIDGE;
	case FIELD_LLC:
		memcpy(to, p->llc, sizeof p->llc);
		return p->ether_type == PACKET_802_2;
	case FIELD_ARP_FORMAT:
		memcpy(to, p->arp_format, sizeof p->arp_format);
		return arp;
	case FIELD_ARP_OPERATION:
		put_u16(to, p->arp_operation);
		return arp;
	case FIELD_ARP_SADDR_ETHER:
		memcpy(to, p->arp_source.octets, sizeof p->arp_source.octets);
		return arp;
	case FIELD_ARP_SADDR_IP:
		return copy_address(to, &p->source, ADDRESS_IPV4) && arp;
	case FIELD_ARP_DADDR_IP:
		return copy_address(to, &p->destination, ADDRESS_IPV4) && arp;
	case FIELD_IP_SADDR:
		return copy_address(to, &p->source, ADDRESS_IPV4) && ip;
	case FIELD_IP_DADDR:
		return copy_address(to, &p->destination, ADDRESS_IPV4) && ip;
	case FIELD_IP6_SADDR:
		return copy_address(to, &p->source, ADDRESS_IPV6) && ip6;
	case FIELD_IP6_DADDR:
		return copy_address(to, &p->destination, ADDRESS_IPV6) && ip6;
	case FIELD_IP6_HOPLIMIT:
		*to = p->hop_limit;
		return ip6;
	case FIELD_TH_SPORT:
		put_u16(to, p->source_port);
		return has_ports(p);
	case FIELD_TH_DPORT:
		put_u16(to, p->destination_port);
		return has_ports(p);
	case FIELD_ICMP_TYPE:
		*to = p->icmp_type;
		return is_ip(p) && p->protocol == IPPROTO_ICMP;
	case FIELD_ICMPV6_TYPE:
		*to = p->icmp_type;
		return is_ip(p) && p->protocol == IPPROTO_ICMPV6;
	case FIELD_FIB_REVERSE:
		*to = !p->spoofed;
		return is_ip(p) && p->hook != HOOK_OUTPUT;
	case FIELD_CT_STATE:
	case FIELD_CT_DIRECTION:
	case FIELD_CT_PROTOCOL:
	case FIELD_CT_ORIGINAL_IP_SADDR:
	case FIELD_CT_ORIGINAL_IP_DADDR:
	case FIELD_CT_ORIGINAL_IP6_SADDR:
	case FIELD_CT_ORIGINAL_IP6_DADDR:
	case FIELD_CT_ORIGINAL_PROTO_DST:
	case FIELD_NONE:
	case FIELD_COUNT:
		break;
	}
	return false;
}

static bool load_connection(const struct packet *p, enum ruleset_field field, uint8_t *to)
{
	if (field == FIELD_CT_STATE) {
		// A frame conntrack never looks at has no connection and counts as invalid.
		uint32_t state = is_ip(p) ? p->ct_state : (uint32_t)CT_INVALID;
		memcpy(to, &state, sizeof state);
		return true;
	}
	if (!tracked(p))
		return false;
	switch ((unsigned)field) {
	case FIELD_CT_DIRECTION:
		*to = p->ct_reply;
		return true;
	case FIELD_CT_PROTOCOL:
		*to = p->ct_protocol;
		return true;
	case FIELD_CT_ORIGINAL_IP_SADDR:
		return copy_address(to, &p->ct_source, ADDRESS_IPV4);
	case FIELD_CT_ORIGINAL_IP_DADDR:
		return copy_address(to, &p->ct_destination, ADDRESS_IPV4);
	case FIELD_CT_ORIGINAL_IP6_SADDR:
		return copy_address(to, &p->ct_source, ADDRESS_IPV6);
	case FIELD_CT_ORIGINAL_IP6_DADDR:
		return copy_address(to, &p->ct_destination, ADDRESS_IPV6);
	case FIELD_CT_ORIGINAL_PROTO_DST:
		put_u16(to, p->ct_destination_port);
		return true;
	}
	return false;
}

static bool load(const struct packet *p, enum ruleset_field field, uint8_t *to)
{
	if (field >= FIELD_CT_STATE && field <= FIELD_CT_ORIGINAL_PROTO_DST)
		return load_connection(p, field, to);
	return load_header(p, field, to);
}

static bool compare_matches(const struct ruleset_statement *s, const struct packet *p)
{
	uint8_t value[16] = {0};
	if (!load(p, s->compare.field, value))
		return false;
	if (s->compare.field == FIELD_CT_STATE) {
		uint32_t have, want;
		memcpy(&have, value, sizeof have);
		memcpy(&want, s->compare.value, sizeof want);
		return ((have & want) != 0) != s->compare.differs;
	}
	bool equal = memcmp(value, s->compare.value, ruleset_field_info(s->compare.field)->size) == 0;
	return equal != s->compare.differs;
}

static bool lookup_matches(const struct ruleset_table *table, const struct ruleset_statement *s,
                           const struct packet *p, struct outcome *through)
{
	uint8_t key[RULESET_FIELDS_MAX * 16] = {0};
	size_t at = 0;
	for (size_t i = 0; i < s->lookup.field_count; i++) {
		enum ruleset_field field = s->lookup.fields[i];
		if (!load(p, field, key + at))
			return false;
		at += ((size_t)ruleset_field_info(field)->size + 3) / 4 * 4;
	}
	const struct ruleset_set *set = &table->sets[s->lookup.set];
	ptrdiff_t element = ruleset_find(set, key);
	if (element >= 0 && !s->lookup.absent) {
		through->set = set;
		through->element = (size_t)element;
	}
	return (element >= 0) != s->lookup.absent;
}

// The verdict of the rule, NULL when it does not apply or has none. Limits only guard what is logged: they
// pass.
static const struct ruleset_statement *rule_verdict(const struct ruleset_table *table,
                                                    const struct ruleset_rule *rule, const struct packet *p,
                                                    struct outcome *through)
{
	through->set = NULL;
	through->element = 0;
	for (size_t i = 0; i < rule->count; i++) {
		const struct ruleset_statement *s = &rule->statements[i];
		switch (s->kind) {
		case STATEMENT_COMPARE:
			if (!compare_matches(s, p))
				return NULL;
			break;
		case STATEMENT_LOOKUP:
			if (!lookup_matches(table, s, p, through))
				return NULL;
			break;
		case STATEMENT_LIMIT:
		case STATEMENT_COUNTER:
		case STATEMENT_LOG:
			break;
		case STATEMENT_VERDICT:
			return s;
		}
	}
	return NULL;
}

// A chain that was gone to does not come back: where it ends, the base chain's policy decides.
static void walk(const struct ruleset_table *table, const struct ruleset_chain *base, const struct packet *p,
                 struct outcome *ret)
{
	*ret = (struct outcome){.accepted = base->accepts, .table = table, .chain = base};
	struct outcome through = {0};
	const struct ruleset_chain *chain = base;
	size_t hops = 0;
	for (size_t i = 0; i < chain->count; i++) {
		const struct ruleset_statement *s = rule_verdict(table, &chain->rules[i], p, &through);
		if (!s)
			continue;
		if (s->verdict.verdict == VERDICT_GOTO) {
			if (++hops > table->chain_count)
				return; // a loop; the kernel refuses to load one
			chain = &table->chains[s->verdict.chain];
			i = (size_t)-1;
			continue;
		}
		ret->accepted = s->verdict.verdict == VERDICT_ACCEPT;
		ret->chain = chain;
		ret->rule = &chain->rules[i];
		ret->set = through.set;
		ret->element = through.element;
		return;
	}
}

void ruleset_evaluate(const struct ruleset *ruleset, const struct packet *packet, struct outcome *ret)
{
	*ret = (struct outcome){.accepted = true};
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct ruleset_table *table = &ruleset->tables[t];
		for (size_t c = 0; table->family == packet->table && c < table->chain_count; c++) {
			if (table->chains[c].hook != packet->hook)
				continue;
			walk(table, &table->chains[c], packet, ret);
			if (!ret->accepted)
				return; // a drop is final, an accept only for its chain
		}
	}
}
