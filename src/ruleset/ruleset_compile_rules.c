// SPDX-License-Identifier: GPL-2.0-or-later
//
// The skeleton of rules around the sets. Each function writes one paragraph of a chain; the nft lines it makes
// stand above it.
#include <netinet/in.h>
#include <stdio.h>

#include "ruleset/ruleset_compile.h"

#define NOWHERE ((struct ruleset_origin){0})

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define NFPROTO_V4 2 // NFPROTO_IPV4, NFPROTO_IPV6 of linux/netfilter.h
#define NFPROTO_V6 10
#define LOG_BURST 5

// meta nfproto ipv4; in family bridge that is always "bridge", and the frame's type tells
void match_family(struct compiler *c, enum address_family family)
{
	bool four = family == ADDRESS_IPV4;
	if (c->family == RULESET_BRIDGE)
		ruleset_match_port(&c->b, FIELD_ETHER_TYPE, four ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
	else
		ruleset_match_u8(&c->b, FIELD_NFPROTO, four ? NFPROTO_V4 : NFPROTO_V6);
}

static void match_loopback(struct compiler *c, enum ruleset_field field)
{
	uint32_t index = 1; // lo is interface 1 in every network namespace
	ruleset_match(&c->b, field, &index);
}

static void let_pass(struct compiler *c)
{
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

// iif "lo" accept
void rules_loopback(struct compiler *c, const struct chain *chain)
{
	ruleset_build_rule(&c->b, chain->index, NOWHERE, "loopback");
	match_loopback(c, chain->travel == TRAVEL_IN ? FIELD_IIF : FIELD_OIF);
	let_pass(c);
}

// ip6 hoplimit 255 icmpv6 type @neighbour_discovery_in
void rules_match_neighbour_discovery(struct compiler *c, const struct chain *chain, uint32_t types)
{
	enum ruleset_field field = FIELD_ICMPV6_TYPE;
	ruleset_build_rule(&c->b, chain->index, NOWHERE,
	                   "IPv6 neighbour discovery, on the link only (RFC 4861)");
	match_family(c, ADDRESS_IPV6);
	ruleset_match_u8(&c->b, FIELD_IP6_HOPLIMIT, 255);
	ruleset_match_u8(&c->b, FIELD_L4PROTO, IPPROTO_ICMPV6);
	ruleset_lookup(&c->b, types, &field, 1);
}

void rules_neighbour_discovery(struct compiler *c, const struct chain *chain, uint32_t types)
{
	rules_match_neighbour_discovery(c, chain, types);
	let_pass(c);
}

// limit rate 10/second burst 5 packets log prefix "leadglass input: " group 5
// counter drop
//
// What is matched before, `match` writes into both. Comments of rules name no line of the policy: a peer
// inserted above would change them, and rules would be exchanged for it. Elements carry the lines.
void rules_drop(struct compiler *c, uint32_t chain, const char *log_name, const char *comment,
                rules_match_fn match, const void *context)
{
	const struct policy_log *log = &c->policy->log;
	char prefix[44];
	snprintf(prefix, sizeof prefix, "leadglass %s: ", log_name);
	if (log->drops > 0) {
		ruleset_build_rule(&c->b, chain, (struct ruleset_origin){.at = log->at}, "%s: log", comment);
		if (match)
			match(c, context);
		ruleset_limit(&c->b, log->drops, log->seconds, LOG_BURST);
		ruleset_log(&c->b, log->group, prefix);
	}
	ruleset_build_rule(&c->b, chain, NOWHERE, "%s", comment);
	if (match)
		match(c, context);
	ruleset_counter(&c->b);
	ruleset_verdict(&c->b, VERDICT_DROP);
}

static void match_spoofed(struct compiler *c, const void *context)
{
	(void)context;
	ruleset_match_u8(&c->b, FIELD_FIB_REVERSE, 0);
}

static void match_invalid(struct compiler *c, const void *context)
{
	(void)context;
	ruleset_match_state(&c->b, CT_INVALID);
}

// fib saddr . iif oif missing ... drop
void rules_spoofed(struct compiler *c, const struct chain *chain)
{
	char name[44];
	snprintf(name, sizeof name, "%s spoofed", chain->name);
	rules_drop(c, chain->index, name, "spoofed: the way back to the source is not through this interface",
	           match_spoofed, NULL);
}

// ct state invalid ... drop
// ct state related goto input_errors
void rules_connections(struct compiler *c, const struct chain *chain)
{
	char name[44];
	snprintf(name, sizeof name, "%s invalid", chain->name);
	rules_drop(c, chain->index, name, "belongs to no connection and begins none", match_invalid, NULL);
	ruleset_build_rule(&c->b, chain->index, NOWHERE, "errors about known connections");
	ruleset_match_state(&c->b, CT_RELATED);
	ruleset_goto(&c->b, chain->errors);
}

void rules_end(struct compiler *c, uint32_t chain, const char *log_name, const char *comment)
{
	rules_drop(c, chain, log_name, comment, NULL, NULL);
}

// The fields of a lookup for a packet that travels with (original) or against (reply) the connection's opener.
static size_t flow_fields(const struct scope *scope, enum flow_kind kind, enum address_family family,
                          bool reply, enum ruleset_field fields[3])
{
	const struct flow_info *info = flow_info(kind);
	bool four = family == ADDRESS_IPV4;
	enum ruleset_field source = four ? FIELD_IP_SADDR : FIELD_IP6_SADDR;
	enum ruleset_field destination = four ? FIELD_IP_DADDR : FIELD_IP6_DADDR;
	enum ruleset_field client = reply ? destination : source, server = reply ? source : destination;
	size_t count = 0;
	if (scope->paired[kind] || info->inbound)
		fields[count++] = client;
	if (scope->paired[kind] || !info->inbound)
		fields[count++] = server;
	if (info->protocol == IPPROTO_ICMP)
		fields[count++] = four ? FIELD_ICMP_TYPE : FIELD_ICMPV6_TYPE;
	else
		fields[count++] = reply ? FIELD_TH_SPORT : FIELD_TH_DPORT;
	return count;
}

static uint8_t protocol_of(enum flow_kind kind, enum address_family family)
{
	uint8_t protocol = flow_info(kind)->protocol;
	return protocol == IPPROTO_ICMP && family == ADDRESS_IPV6 ? IPPROTO_ICMPV6 : protocol;
}

static uint32_t interface_set(struct compiler *c)
{
	for (size_t i = 0; c->b.table && i < c->b.table->set_count; i++)
		if (c->b.table->sets[i].types[0] == TYPE_IFNAME)
			return (uint32_t)i;
	return NO_SET;
}

// iifname "eth0"  or  iifname @manage_interfaces
static void match_interface(struct compiler *c, enum ruleset_field field)
{
	const struct policy *policy = c->policy;
	struct span interfaces = policy->manage.interfaces;
	if (interfaces.count == 1) {
		const struct word *word = &policy->interfaces[interfaces.first];
		char name[16];
		snprintf(name, sizeof name, "%.*s", (int)word->size, word->text);
		ruleset_match_name(&c->b, field, name);
	} else if (interfaces.count > 1) {
		ruleset_lookup(&c->b, interface_set(c), &field, 1);
	}
}

// ct direction original ip saddr . tcp dport @accepts4 accept
// ct direction reply ip saddr . tcp sport @initiates4 accept
//
// The set is asked for every packet, of established connections too: an element taken out ends its connections
// with the same transaction. Untracked packets have no direction and go on to the end.
static void flow_rule(struct compiler *c, const struct chain *chain, const struct scope *scope,
                      enum flow_kind kind, enum address_family family, bool reply)
{
	const struct flow_info *info = flow_info(kind);
	struct ruleset_origin origin = NOWHERE;
	enum ruleset_field fields[3];
	if (kind == FLOW_MANAGE)
		origin = (struct ruleset_origin){c->policy->manage.at, RULESET_OWNER(POLICY_OWNER_MANAGE, 0)};
	size_t count = flow_fields(scope, kind, family, reply, fields);
	ruleset_build_rule(&c->b, chain->index, origin, "%s%s", info->rule_comment, reply ? ", answers" : "");
	if (kind == FLOW_MANAGE)
		match_interface(c, reply ? FIELD_OIFNAME : FIELD_IIFNAME);
	ruleset_match_u8(&c->b, FIELD_CT_DIRECTION, reply);
	match_family(c, family);
	ruleset_match_u8(&c->b, FIELD_L4PROTO, protocol_of(kind, family));
	ruleset_lookup(&c->b, scope->sets[kind][family], fields, count);
	let_pass(c);
}

// Does a packet travelling this way belong to the kind in its first direction, or answer it? Across the box
// both.
static bool passes(enum travel travel, bool inbound, bool reply)
{
	switch (travel) {
	case TRAVEL_IN:
		return inbound != reply;
	case TRAVEL_OUT:
		return inbound == reply;
	case TRAVEL_THROUGH:
		break;
	}
	return true;
}

static void rules_kind(struct compiler *c, const struct chain *chain, enum flow_kind kind,
                       enum address_family family, bool reply)
{
	if (chain->scope->sets[kind][family] != NO_SET &&
	    passes(chain->travel, flow_info(kind)->inbound, reply))
		flow_rule(c, chain, chain->scope, kind, family, reply);
}

void rules_manage(struct compiler *c, const struct chain *chain)
{
	for (size_t family = 0; family < 2; family++)
		rules_kind(c, chain, FLOW_MANAGE, (enum address_family)family, false);
}

void rules_flows(struct compiler *c, const struct chain *chain)
{
	for (size_t family = 0; family < 2; family++)
		for (size_t kind = 0; kind < FLOW_KIND_COUNT; kind++)
			for (int reply = 0; reply < 2; reply++)
				if (kind != FLOW_ACCESS && (kind != FLOW_MANAGE || reply))
					rules_kind(c, chain, (enum flow_kind)kind, (enum address_family)family,
					           reply);
}

void rules_access(struct compiler *c, const struct chain *chain)
{
	for (size_t family = 0; family < 2; family++)
		for (int reply = 0; reply < 2; reply++)
			rules_kind(c, chain, FLOW_ACCESS, (enum address_family)family, reply);
}

// icmp type @icmp_errors ct protocol tcp ct original ip daddr . ct original proto-dst @initiates4 accept
//
// An error passes only when the packet it quotes belongs to a connection that is allowed now.
static void error_rule(struct compiler *c, const struct chain *chain, const struct scope *scope,
                       enum flow_kind kind, enum address_family family, uint32_t types)
{
	const struct flow_info *info = flow_info(kind);
	bool four = family == ADDRESS_IPV4;
	enum ruleset_field type = four ? FIELD_ICMP_TYPE : FIELD_ICMPV6_TYPE, fields[3];
	size_t count = 0;
	if (scope->paired[kind] || info->inbound)
		fields[count++] = four ? FIELD_CT_ORIGINAL_IP_SADDR : FIELD_CT_ORIGINAL_IP6_SADDR;
	if (scope->paired[kind] || !info->inbound)
		fields[count++] = four ? FIELD_CT_ORIGINAL_IP_DADDR : FIELD_CT_ORIGINAL_IP6_DADDR;
	fields[count++] = FIELD_CT_ORIGINAL_PROTO_DST;

	ruleset_build_rule(&c->b, chain->errors, NOWHERE, "errors about: %s", info->rule_comment);
	// An error about what the other side opened travels the way its first packet did; without that the
	// box's own address could pass for the far end that a key of one end holds.
	if (chain->travel != TRAVEL_THROUGH && scope == chain->scope)
		ruleset_match_u8(&c->b, FIELD_CT_DIRECTION, info->inbound == (chain->travel == TRAVEL_OUT));
	match_family(c, family);
	ruleset_match_u8(&c->b, FIELD_L4PROTO, four ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	ruleset_lookup(&c->b, types, &type, 1);
	ruleset_match_u8(&c->b, FIELD_CT_PROTOCOL, info->protocol);
	ruleset_lookup(&c->b, scope->sets[kind][family], fields, count);
	let_pass(c);
}

static void error_rules(struct compiler *c, const struct chain *chain, const struct scope *scope,
                        const uint32_t types[2])
{
	for (size_t family = 0; scope && family < 2; family++)
		for (size_t kind = 0; kind < FLOW_KIND_COUNT; kind++)
			if (scope->sets[kind][family] != NO_SET &&
			    flow_info((enum flow_kind)kind)->protocol != IPPROTO_ICMP)
				error_rule(c, chain, scope, (enum flow_kind)kind, (enum address_family)family,
				           types[family]);
}

void rules_errors(struct compiler *c, const struct chain *chain, const uint32_t error_types[2])
{
	error_rules(c, chain, chain->scope, error_types);
	error_rules(c, chain, chain->quoted, error_types);
	rules_end(c, chain->errors, chain->name, "an error about nothing that is allowed");
}
