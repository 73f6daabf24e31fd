// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

static const struct ruleset_origin rule_origin = {.at = FIXTURE_RULE_AT};

#define TYPES(...) ((const enum ruleset_type[]){__VA_ARGS__}), (sizeof((int[]){__VA_ARGS__}) / sizeof(int))
#define FIELDS(...) ((const enum ruleset_field[]){__VA_ARGS__}), (sizeof((int[]){__VA_ARGS__}) / sizeof(int))

struct sets {
	uint32_t accepts4, accepts6, nets4, nets6, ping4, discovery, interfaces, macs, access4;
};

static struct ruleset_origin element_origin(size_t i)
{
	return (struct ruleset_origin){.at = FIXTURE_ELEMENT_AT + (source_pos)i};
}

static int add_details(struct ruleset_set *set)
{
	struct ruleset_detail *details = calloc(set->count ? set->count : 1, sizeof *details);
	if (!details)
		return -ENOMEM;
	set->details = details;
	set->detailed = true;
	for (size_t i = 0; i < set->count; i++) {
		char text[64];
		snprintf(text, sizeof text, "main-pacs policy.conf:%zu", 14 + i);
		details[i].comment = strdup(text);
		if (!details[i].comment)
			return -ENOMEM;
	}
	return 0;
}

static void peers(struct ruleset_builder *b, const struct fixture *f, uint32_t set)
{
	for (size_t i = 0; i < f->peers; i++) {
		uint32_t n = f->skip + (uint32_t)i;
		const uint8_t key[8] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0, 104};
		ruleset_build_element(b, set, key, NULL, element_origin(i));
	}
	if (b->error)
		return;
	b->table->sets[set].size = f->size ? f->size : (uint32_t)(f->peers ? f->peers : 1);
	b->error = ruleset_finish_set(&b->table->sets[set]);
	if (!b->error && f->detailed)
		b->error = add_details(&b->table->sets[set]);
}

static uint32_t timed_set(struct ruleset_builder *b, const char *name, enum ruleset_type address,
                          size_t addresses)
{
	enum ruleset_type types[3] = {address, address, TYPE_INET_SERVICE};
	uint32_t set =
	        ruleset_build_set(b, name, types + 2 - addresses, addresses + 1, false, "service windows");
	if (!b->error) {
		b->table->sets[set].timed = b->table->sets[set].detailed = true;
		b->table->sets[set].size = RULESET_TIMED_SIZE;
	}
	return set;
}

static void build_sets(struct ruleset_builder *b, const struct fixture *f, struct sets *sets)
{
	sets->accepts4 = ruleset_build_set(b, "accepts4", TYPES(TYPE_IPV4_ADDR, TYPE_INET_SERVICE), false,
	                                   "exact peers that may call the device");
	peers(b, f, sets->accepts4);

	sets->accepts6 = ruleset_build_set(b, "accepts6", TYPES(TYPE_IPV6_ADDR, TYPE_INET_SERVICE), false,
	                                   "the same, IPv6");
	const uint8_t key6[20] = {0x20, 0x01, 0x0d, 0xb8, [15] = 5, [16] = 0, 104};
	ruleset_build_element(b, sets->accepts6, key6, NULL, element_origin(0));
	if (!b->error)
		b->table->sets[sets->accepts6].size = 1;

	sets->nets4 =
	        ruleset_build_set(b, "accepts4_nets", TYPES(TYPE_IPV4_ADDR, TYPE_IPV4_ADDR, TYPE_INET_SERVICE),
	                          true, "peers given as prefixes");
	ruleset_build_element(b, sets->nets4, (const uint8_t[12]){10, 20, 0, 0, 10, 0, 0, 1, 0, 104},
	                      (const uint8_t[12]){10, 20, 0, 255, 10, 0, 0, 1, 0, 104}, element_origin(0));
	ruleset_build_element(b, sets->nets4, (const uint8_t[12]){10, 20, 3, 16, 10, 0, 0, 1, 0x2b, 0x67},
	                      (const uint8_t[12]){10, 20, 3, 31, 10, 0, 0, 1, 0x2b, 0x6a}, element_origin(1));

	sets->nets6 =
	        ruleset_build_set(b, "accepts6_nets", TYPES(TYPE_IPV6_ADDR, TYPE_INET_SERVICE), true, NULL);
	ruleset_build_element(
	        b, sets->nets6, (const uint8_t[20]){0xfe, 0x80, [17] = 104},
	        (const uint8_t[20]){0xfe, 0x80, [8] = 255, 255, 255, 255, 255, 255, 255, 255, 0, 104},
	        element_origin(0));

	sets->ping4 = ruleset_build_set(b, "ping_to4", TYPES(TYPE_IPV4_ADDR, TYPE_ICMP_TYPE), true, NULL);
	ruleset_build_element(b, sets->ping4, (const uint8_t[8]){10, 9, 0, 0, 8},
	                      (const uint8_t[8]){10, 9, 0, 255, 8}, element_origin(0));

	sets->discovery = ruleset_build_set(b, "neighbour_discovery", TYPES(TYPE_ICMPV6_TYPE), false,
	                                    "RFC 4861, without redirects");
	for (uint8_t type = 133; type <= 136; type++)
		ruleset_build_element(b, sets->discovery, (const uint8_t[4]){type}, NULL, element_origin(0));
	if (!b->error)
		b->table->sets[sets->discovery].constant = true;

	sets->interfaces = ruleset_build_set(b, "manage_interfaces", TYPES(TYPE_IFNAME), false, NULL);
	ruleset_build_element(b, sets->interfaces, (const uint8_t[16]){'e', 't', 'h', '0'}, NULL,
	                      element_origin(0));
	ruleset_build_element(b, sets->interfaces, (const uint8_t[16]){'e', 't', 'h', '1'}, NULL,
	                      element_origin(1));
	if (f->timed) {
		sets->access4 = timed_set(b, "access4", TYPE_IPV4_ADDR, 1);
		timed_set(b, "access6", TYPE_IPV6_ADDR, 1);
		if (!f->bridge)
			timed_set(b, "access_devices4", TYPE_IPV4_ADDR, 2);
	}
}

static void allow(struct ruleset_builder *b)
{
	ruleset_verdict(b, VERDICT_ACCEPT);
}

static void build_errors(struct ruleset_builder *b, uint32_t chain, const struct sets *sets, bool text)
{
	ruleset_build_rule(b, chain, rule_origin, "errors of allowed flows");
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV4);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_ICMP);
	ruleset_match_u8(b, FIELD_ICMP_TYPE, 3);
	ruleset_match_u8(b, FIELD_CT_PROTOCOL, IPPROTO_TCP);
	ruleset_lookup(b, sets->accepts4, FIELDS(FIELD_CT_ORIGINAL_IP_SADDR, FIELD_CT_ORIGINAL_PROTO_DST));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "errors of allowed flows, IPv6");
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV6);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_ICMPV6);
	ruleset_match_u8(b, FIELD_ICMPV6_TYPE, 2);
	ruleset_match(b, FIELD_CT_ORIGINAL_IP6_DADDR, (const uint8_t[16]){0xfd, [15] = 1});
	ruleset_lookup(b, sets->accepts6, FIELDS(FIELD_CT_ORIGINAL_IP6_SADDR, FIELD_CT_ORIGINAL_PROTO_DST));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "by device");
	ruleset_match(b, FIELD_CT_ORIGINAL_IP_DADDR, (const uint8_t[4]){10, 0, 0, 1});
	if (!text)
		ruleset_match_port(b, FIELD_CT_ORIGINAL_PROTO_DST, 104);
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "nothing else");
	ruleset_verdict(b, VERDICT_DROP);
}

static void build_state(struct ruleset_builder *b, uint32_t chain, uint32_t errors)
{
	const uint32_t one = 1;
	ruleset_build_rule(b, chain, rule_origin, "loopback");
	ruleset_match(b, FIELD_IIF, &one);
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "forged source");
	ruleset_match_u8(b, FIELD_FIB_REVERSE, 0);
	ruleset_limit(b, 10, 1, 5);
	ruleset_log(b, 5, "leadglass input spoofed: ");

	ruleset_build_rule(b, chain, rule_origin, "forged source");
	ruleset_match_u8(b, FIELD_FIB_REVERSE, 0);
	ruleset_counter(b);
	ruleset_verdict(b, VERDICT_DROP);

	ruleset_build_rule(b, chain, rule_origin, "part of no connection");
	ruleset_match_state(b, CT_INVALID | CT_UNTRACKED);
	ruleset_counter(b);
	ruleset_verdict(b, VERDICT_DROP);

	ruleset_build_rule(b, chain, rule_origin, "ICMP errors");
	ruleset_match_state(b, CT_RELATED);
	ruleset_goto(b, errors);
}

static void build_input(struct ruleset_builder *b, uint32_t chain, const struct sets *sets,
                        const struct fixture *fixture)
{
	const char *extra = fixture->extra;
	ruleset_build_rule(b, chain, rule_origin, "IPv6 neighbours");
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV6);
	ruleset_match_u8(b, FIELD_IP6_HOPLIMIT, 255);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_ICMPV6);
	ruleset_lookup(b, sets->discovery, FIELDS(FIELD_ICMPV6_TYPE));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "peers call the device");
	ruleset_match_u8(b, FIELD_CT_DIRECTION, 0);
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV4);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_TCP);
	ruleset_lookup(b, sets->accepts4, FIELDS(FIELD_IP_SADDR, FIELD_TH_DPORT));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "prefixes of peers call the device");
	ruleset_match_u8(b, FIELD_CT_DIRECTION, 1);
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV4);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_TCP);
	ruleset_lookup(b, sets->nets4, FIELDS(FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_TH_SPORT));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "IPv6 peers call the device");
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV6);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_TCP);
	ruleset_lookup(b, sets->nets6, FIELDS(FIELD_IP6_SADDR, FIELD_TH_DPORT));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "ping");
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV4);
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_ICMP);
	ruleset_lookup(b, sets->ping4, FIELDS(FIELD_IP_SADDR, FIELD_ICMP_TYPE));
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "manage, policy.conf:31");
	ruleset_match_name(b, FIELD_IIFNAME, "eth0");
	ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_TCP);
	ruleset_match_port(b, FIELD_TH_DPORT, 22);
	allow(b);

	if (extra) {
		ruleset_build_rule(b, chain, rule_origin, "%s", extra);
		ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_UDP);
		ruleset_match_port(b, FIELD_TH_DPORT, 123);
		allow(b);
	}

	if (fixture->timed) {
		ruleset_build_rule(b, chain, rule_origin, "service window");
		ruleset_match_u8(b, FIELD_CT_DIRECTION, 0);
		ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV4);
		ruleset_match_u8(b, FIELD_L4PROTO, IPPROTO_TCP);
		ruleset_lookup(b, sets->access4, FIELDS(FIELD_IP_SADDR, FIELD_TH_DPORT));
		allow(b);
	}

	ruleset_build_rule(b, chain, rule_origin, "everything else");
	ruleset_counter(b);
	ruleset_verdict(b, VERDICT_DROP);
}

static void build_output(struct ruleset_builder *b, uint32_t chain, const struct sets *sets, bool text)
{
	const uint32_t one = 1, states = CT_INVALID;
	ruleset_build_rule(b, chain, rule_origin, "loopback");
	ruleset_match(b, FIELD_OIF, &one);
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "to the managers");
	if (!text)
		ruleset_match_not(b, FIELD_CT_STATE, &states);
	ruleset_lookup(b, sets->interfaces, FIELDS(FIELD_OIFNAME));
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV6);
	ruleset_match(b, FIELD_IP6_DADDR, (const uint8_t[16]){0xfd, [15] = 9});
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "no interface of ours");
	ruleset_lookup_absent(b, sets->interfaces, FIELDS(FIELD_OIFNAME));
	ruleset_match_name(b, FIELD_OIFNAME, "eth2");
	ruleset_verdict(b, VERDICT_DROP);

	ruleset_build_rule(b, chain, rule_origin, "everything else");
	ruleset_verdict(b, VERDICT_DROP);
}

static void build_bridge(struct ruleset_builder *b, bool timed)
{
	static const uint8_t mac[6] = {0, 0x1b, 0x21, 0xaa, 0, 3};
	ruleset_build_table(b, RULESET_BRIDGE);
	uint32_t macs = ruleset_build_set(b, "devices", TYPES(TYPE_IPV4_ADDR, TYPE_ETHER_ADDR), false, NULL);
	ruleset_build_element(b, macs, (const uint8_t[12]){10, 0, 0, 1, 0, 0x1b, 0x21, 0xaa, 0, 3}, NULL,
	                      element_origin(0));
	if (!b->error)
		b->table->sets[macs].size = 1;
	if (timed)
		timed_set(b, "access_devices4", TYPE_IPV4_ADDR, 2);
	uint32_t chain = ruleset_build_chain(b, "forward", HOOK_FORWARD, -200);

	ruleset_build_rule(b, chain, rule_origin, "ARP of the device");
	ruleset_match(b, FIELD_ETHER_TYPE, "\x08\x06");
	ruleset_match(b, FIELD_ARP_OPERATION, (const uint8_t[2]){0, 1});
	ruleset_match(b, FIELD_ARP_SADDR_IP, (const uint8_t[4]){10, 0, 0, 1});
	ruleset_match(b, FIELD_ETHER_SADDR, mac);
	ruleset_match(b, FIELD_ARP_SADDR_ETHER, mac);
	ruleset_match(b, FIELD_ARP_DADDR_IP, (const uint8_t[4]){10, 0, 0, 2});
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "the device's frames");
	ruleset_match(b, FIELD_ETHER_TYPE, "\x08\x00");
	ruleset_lookup(b, macs, FIELDS(FIELD_IP_SADDR, FIELD_ETHER_SADDR));
	ruleset_match_not(b, FIELD_ETHER_DADDR, mac);
	allow(b);

	ruleset_build_rule(b, chain, rule_origin, "everything else");
	ruleset_verdict(b, VERDICT_DROP);
}

int fixture_build(const struct fixture *fixture, struct ruleset *ret)
{
	struct ruleset_builder b;
	struct sets sets = {0};
	ruleset_init(ret);
	ruleset_build(&b, ret);
	ruleset_build_table(&b, RULESET_INET);
	build_sets(&b, fixture, &sets);
	uint32_t errors = ruleset_build_chain(&b, "input_errors", HOOK_NONE, 0);
	uint32_t input = ruleset_build_chain(&b, "input", HOOK_INPUT, 0);
	uint32_t forward = ruleset_build_chain(&b, "forward", HOOK_FORWARD, 0);
	uint32_t output = ruleset_build_chain(&b, "output", HOOK_OUTPUT, 0);
	build_errors(&b, errors, &sets, fixture->text);
	build_state(&b, input, errors);
	build_input(&b, input, &sets, fixture);
	ruleset_build_rule(&b, forward, rule_origin, "not a router");
	ruleset_verdict(&b, VERDICT_DROP);
	build_output(&b, output, &sets, fixture->text);
	if (fixture->bridge)
		build_bridge(&b, fixture->timed);
	for (size_t t = 0; !b.error && t < ret->table_count; t++)
		for (size_t i = 0; !b.error && i < ret->tables[t].set_count; i++)
			b.error = ruleset_finish_set(&ret->tables[t].sets[i]);
	return ruleset_build_end(&b);
}

struct ruleset_set *fixture_set(struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->tables[0].set_count; i++)
		if (strcmp(ruleset->tables[0].sets[i].name, name) == 0)
			return &ruleset->tables[0].sets[i];
	return NULL;
}

struct ruleset_chain *fixture_chain(struct ruleset *ruleset, const char *name)
{
	for (size_t i = 0; i < ruleset->tables[0].chain_count; i++)
		if (strcmp(ruleset->tables[0].chains[i].name, name) == 0)
			return &ruleset->tables[0].chains[i];
	return NULL;
}
