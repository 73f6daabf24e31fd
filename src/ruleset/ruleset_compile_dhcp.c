// SPDX-License-Identifier: GPL-2.0-or-later
//
// DHCP as a client (RFC 2131 4.1, RFC 8415 7.2). Its packets have no address yet, or go to all: conntrack
// cannot match answers to questions, so they are judged by ports and by who may be asked.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "ruleset/ruleset_compile.h"

enum { CLIENT4 = 68, SERVER4 = 67, CLIENT6 = 546, SERVER6 = 547 };

static const uint8_t broadcast4[4] = {255, 255, 255, 255};
static const uint8_t all_servers6[16] = {0xff, 0x02, [13] = 1, [15] = 2}; // ff02::1:2
static const struct prefix link_local6 = {{0xfe, 0x80}, ADDRESS_IPV6, 10};

static uint32_t find_set(struct compiler *c, const char *name)
{
	for (size_t i = 0; c->b.table && i < c->b.table->set_count; i++)
		if (strcmp(c->b.table->sets[i].name, name) == 0)
			return (uint32_t)i;
	return NO_SET;
}

static void add_server(struct compiler *c, uint32_t set, const struct prefix *server, uint16_t port,
                       struct ruleset_origin origin)
{
	uint8_t first[RULESET_KEY_MAX] = {0}, last[RULESET_KEY_MAX] = {0};
	size_t at = address_octets(server->family);
	prefix_range(server, first, last);
	first[at] = last[at] = (uint8_t)(port >> 8);
	first[at + 1] = last[at + 1] = (uint8_t)port;
	ruleset_build_element(&c->b, set, first, last, origin);
}

static bool names_server4(const struct policy *policy, const struct policy_service *service)
{
	for (uint32_t i = 0; i < service->openings.count; i++) {
		struct span remote = policy->openings[service->openings.first + i].remote;
		for (uint32_t k = 0; k < remote.count; k++)
			if (policy->prefixes[remote.first + k].prefix.family == ADDRESS_IPV4)
				return true;
	}
	return false;
}

void compile_dhcp_sets(struct compiler *c, const struct policy_service *service)
{
	const struct policy *policy = c->policy;
	enum ruleset_type types4[2] = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE};
	enum ruleset_type types6[2] = {TYPE_IPV6_ADDR, TYPE_INET_SERVICE};
	uint32_t owner = RULESET_OWNER(POLICY_OWNER_SERVICE, service - policy->services);
	uint32_t sets[2] = {NO_SET, NO_SET};
	if (names_server4(policy, service))
		sets[ADDRESS_IPV4] = ruleset_build_set(&c->b, "dhcp_servers4", types4, 2, true,
		                                       "who may hand out addresses");
	sets[ADDRESS_IPV6] =
	        ruleset_build_set(&c->b, "dhcp_servers6", types6, 2, true, "who may hand out addresses");
	for (uint32_t i = 0; i < service->openings.count; i++) {
		struct span remote = policy->openings[service->openings.first + i].remote;
		for (uint32_t k = 0; k < remote.count; k++) {
			const struct policy_prefix *server = &policy->prefixes[remote.first + k];
			bool four = server->prefix.family == ADDRESS_IPV4;
			add_server(c, sets[server->prefix.family], &server->prefix, four ? SERVER4 : SERVER6,
			           (struct ruleset_origin){server->at, owner});
		}
	}
	add_server(c, sets[ADDRESS_IPV6], &link_local6, SERVER6,
	           (struct ruleset_origin){service->name.at, owner});
	for (size_t family = 0; family < 2 && !c->b.error; family++) {
		if (sets[family] == NO_SET)
			continue;
		struct ruleset_set *set = &c->b.table->sets[sets[family]];
		c->b.error = ruleset_make_disjoint(set);
		if (!c->b.error)
			c->b.error = ruleset_finish_set(set);
	}
}

static void begin(struct compiler *c, const struct chain *chain, const struct policy_service *service,
                  const char *what)
{
	char place[PLACE_TEXT_MAX];
	struct ruleset_origin origin = {service->name.at,
	                                RULESET_OWNER(POLICY_OWNER_SERVICE, service - c->policy->services)};
	ruleset_build_rule(&c->b, chain->index, origin, "%s, %s", what,
	                   compile_place(c, service->name.at, place));
	ruleset_match_u8(&c->b, FIELD_L4PROTO, IPPROTO_UDP);
}

// udp sport 68 ip daddr 255.255.255.255 udp dport 67 accept
static void ask_all(struct compiler *c, const struct chain *chain, const struct policy_service *service,
                    enum address_family family)
{
	bool four = family == ADDRESS_IPV4;
	begin(c, chain, service, four ? "DHCP request" : "DHCPv6 request");
	ruleset_match_port(&c->b, FIELD_TH_SPORT, four ? CLIENT4 : CLIENT6);
	match_family(c, family);
	ruleset_match(&c->b, four ? FIELD_IP_DADDR : FIELD_IP6_DADDR, four ? broadcast4 : all_servers6);
	ruleset_match_port(&c->b, FIELD_TH_DPORT, four ? SERVER4 : SERVER6);
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

// udp sport 68 ip daddr . udp dport @dhcp_servers4 accept
// udp dport 68 ip saddr . udp sport @dhcp_servers4 accept
static void servers(struct compiler *c, const struct chain *chain, const struct policy_service *service,
                    enum address_family family, bool answer)
{
	bool four = family == ADDRESS_IPV4;
	uint32_t set = find_set(c, four ? "dhcp_servers4" : "dhcp_servers6");
	enum ruleset_field source[2] = {four ? FIELD_IP_SADDR : FIELD_IP6_SADDR, FIELD_TH_SPORT};
	enum ruleset_field destination[2] = {four ? FIELD_IP_DADDR : FIELD_IP6_DADDR, FIELD_TH_DPORT};
	begin(c, chain, service, answer ? "DHCP answer" : "DHCP renewal");
	ruleset_match_port(&c->b, answer ? FIELD_TH_DPORT : FIELD_TH_SPORT, four ? CLIENT4 : CLIENT6);
	match_family(c, family);
	ruleset_lookup(&c->b, set, answer ? source : destination, 2);
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

// udp sport 67 meta nfproto ipv4 udp dport 68 accept
static void answer_from_any(struct compiler *c, const struct chain *chain, const struct policy_service *service)
{
	begin(c, chain, service, "DHCP answer");
	ruleset_match_port(&c->b, FIELD_TH_SPORT, SERVER4);
	match_family(c, ADDRESS_IPV4);
	ruleset_match_port(&c->b, FIELD_TH_DPORT, CLIENT4);
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

void rules_dhcp(struct compiler *c, const struct chain *chain, const struct policy_service *service)
{
	bool servers4 = find_set(c, "dhcp_servers4") != NO_SET;
	if (chain->travel != TRAVEL_IN) {
		ask_all(c, chain, service, ADDRESS_IPV4);
		if (servers4)
			servers(c, chain, service, ADDRESS_IPV4, false);
		ask_all(c, chain, service, ADDRESS_IPV6);
		servers(c, chain, service, ADDRESS_IPV6, false);
	}
	if (chain->travel != TRAVEL_OUT) {
		if (servers4)
			servers(c, chain, service, ADDRESS_IPV4, true);
		else
			answer_from_any(c, chain, service);
		servers(c, chain, service, ADDRESS_IPV6, true);
	}
}
