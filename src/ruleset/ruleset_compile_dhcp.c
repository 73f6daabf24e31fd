// SPDX-License-Identifier: GPL-2.0-or-later
//
// DHCP as a client (RFC 2131 4.1, RFC 8415 7.2). Its packets have no address yet, or go to all: conntrack
// cannot match answers to questions, so they are judged by ports and by who may be asked and may answer.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "ruleset/ruleset_compile.h"

static const struct {
	uint16_t client, server;
	struct prefix everybody; // where a question goes when no server is known
	struct prefix anybody;   // who may answer it when the policy names no server
	const char *to, *from;
} dhcp[2] = {
        [ADDRESS_IPV4] = {68,
                          67,
                          {{255, 255, 255, 255}, ADDRESS_IPV4, 32},
                          {{0}, ADDRESS_IPV4, 0},
                          "dhcp_to4",
                          "dhcp_from4"},
        // ff02::1:2; answers come from the link
        [ADDRESS_IPV6] = {546,
                          547,
                          {{0xff, 0x02, [13] = 1, [15] = 2}, ADDRESS_IPV6, 128},
                          {{0xfe, 0x80}, ADDRESS_IPV6, 10},
                          "dhcp_to6",
                          "dhcp_from6"},
};

static uint32_t find_set(struct compiler *c, const char *name)
{
	for (size_t i = 0; c->b.table && i < c->b.table->set_count; i++)
		if (strcmp(c->b.table->sets[i].name, name) == 0)
			return (uint32_t)i;
	return NO_SET;
}

static void add_server(struct compiler *c, uint32_t set, const struct prefix *server,
                       struct ruleset_origin origin)
{
	uint16_t port = dhcp[server->family].server;
	uint8_t first[RULESET_KEY_MAX] = {0}, last[RULESET_KEY_MAX] = {0};
	size_t at = address_octets(server->family);
	prefix_range(server, first, last);
	first[at] = last[at] = (uint8_t)(port >> 8);
	first[at + 1] = last[at + 1] = (uint8_t)port;
	ruleset_build_element(&c->b, set, first, last, origin);
}

// Adds the servers of one family that the policy names to both sets; false when it names none.
static bool add_named(struct compiler *c, const struct policy_service *service, enum address_family family,
                      const uint32_t sets[2], uint32_t owner)
{
	const struct policy *policy = c->policy;
	bool any = false;
	for (uint32_t i = 0; i < service->openings.count; i++) {
		struct span remote = policy->openings[service->openings.first + i].remote;
		for (uint32_t k = 0; k < remote.count; k++) {
			const struct policy_prefix *server = &policy->prefixes[remote.first + k];
			if (server->prefix.family != family)
				continue;
			any = true;
			for (size_t s = 0; s < 2; s++)
				add_server(c, sets[s], &server->prefix,
				           (struct ruleset_origin){server->at, owner});
		}
	}
	return any;
}

static void compile_family(struct compiler *c, const struct policy_service *service, enum address_family family)
{
	enum ruleset_type types[2] = {family == ADDRESS_IPV4 ? TYPE_IPV4_ADDR : TYPE_IPV6_ADDR,
	                              TYPE_INET_SERVICE};
	uint32_t owner = RULESET_OWNER(POLICY_OWNER_SERVICE, service - c->policy->services);
	struct ruleset_origin origin = {service->name.at, owner};
	uint32_t sets[2] = {
	        ruleset_build_set(&c->b, dhcp[family].to, types, 2, true, "who may be asked for an address"),
	        ruleset_build_set(&c->b, dhcp[family].from, types, 2, true, "who may hand out addresses"),
	};
	add_server(c, sets[0], &dhcp[family].everybody, origin);
	// A DHCPv6 server, or the relay before it, answers from its link-local address whatever it is called
	// by.
	if (!add_named(c, service, family, sets, owner) || family == ADDRESS_IPV6)
		add_server(c, sets[1], &dhcp[family].anybody, origin);
	for (size_t s = 0; s < 2 && !c->b.error; s++)
		c->b.error = compile_finish_set(c, &c->b.table->sets[sets[s]]);
}

void compile_dhcp_sets(struct compiler *c, const struct policy_service *service)
{
	compile_family(c, service, ADDRESS_IPV4);
	compile_family(c, service, ADDRESS_IPV6);
}

// udp sport 68 ip daddr . udp dport @dhcp_to4 accept
// udp dport 68 ip saddr . udp sport @dhcp_from4 accept
static void dhcp_rule(struct compiler *c, const struct chain *chain, const struct policy_service *service,
                      enum address_family family, bool answer)
{
	bool four = family == ADDRESS_IPV4;
	enum ruleset_field source[2] = {four ? FIELD_IP_SADDR : FIELD_IP6_SADDR, FIELD_TH_SPORT};
	enum ruleset_field destination[2] = {four ? FIELD_IP_DADDR : FIELD_IP6_DADDR, FIELD_TH_DPORT};
	struct ruleset_origin origin = {service->name.at,
	                                RULESET_OWNER(POLICY_OWNER_SERVICE, service - c->policy->services)};
	ruleset_build_rule(&c->b, chain->index, origin, "%s %s", four ? "DHCP" : "DHCPv6",
	                   answer ? "answer" : "request");
	ruleset_match_u8(&c->b, FIELD_L4PROTO, IPPROTO_UDP);
	ruleset_match_port(&c->b, answer ? FIELD_TH_DPORT : FIELD_TH_SPORT, dhcp[family].client);
	match_family(c, family);
	ruleset_lookup(&c->b, find_set(c, answer ? dhcp[family].from : dhcp[family].to),
	               answer ? source : destination, 2);
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

void rules_dhcp(struct compiler *c, const struct chain *chain, const struct policy_service *service)
{
	for (size_t family = 0; family < 2; family++) {
		if (chain->travel != TRAVEL_IN)
			dhcp_rule(c, chain, service, (enum address_family)family, false);
		if (chain->travel != TRAVEL_OUT)
			dhcp_rule(c, chain, service, (enum address_family)family, true);
	}
}
