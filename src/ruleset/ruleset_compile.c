// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a policy to the wall. The order of a chain can be read here; what each paragraph of it says is in
// ruleset_compile_rules.c, and which openings become elements of which set in ruleset_compile_sets.c.
#include <netinet/in.h>
#include <stdio.h>

#include "ruleset/ruleset_compile.h"

#define PRIORITY_FILTER 0
// Below br_netfilter's, which on kernel 6.1 lets frames bypass a bridge chain at priority 0.
#define PRIORITY_BRIDGE (-200)

// RFC 4861: 133 router solicitation, 134 router advertisement, 135 neighbour solicitation, 136 neighbour
// advertisement. Redirects (137) are never passed.
static const uint8_t discovery_all[] = {133, 134, 135, 136};
// An end system asks for routers and is told of them; one that told others would be an attacker's router.
static const uint8_t discovery_in[] = {134, 135, 136};
static const uint8_t discovery_out[] = {133, 135, 136};
// RFC 792, RFC 4443: destination unreachable (with it path MTU), packet too big, time exceeded, parameter
// problem.
static const uint8_t errors4[] = {3, 11, 12};
static const uint8_t errors6[] = {1, 2, 3, 4};

struct constants {
	uint32_t discovery_in, discovery_out;
	uint32_t errors[2];
};

static void compile_constants(struct compiler *c, struct constants *ret)
{
	if (c->policy->role == POLICY_ROLE_HOST) {
		ret->discovery_in =
		        compile_type_set(c, "neighbour_discovery_in", TYPE_ICMPV6_TYPE, discovery_in,
		                         sizeof discovery_in, "what an end system hears");
		ret->discovery_out =
		        compile_type_set(c, "neighbour_discovery_out", TYPE_ICMPV6_TYPE, discovery_out,
		                         sizeof discovery_out, "what an end system says");
	} else {
		ret->discovery_in = compile_type_set(c, "neighbour_discovery", TYPE_ICMPV6_TYPE, discovery_all,
		                                     sizeof discovery_all, "RFC 4861, without redirects");
		ret->discovery_out = ret->discovery_in;
	}
	ret->errors[ADDRESS_IPV4] = compile_type_set(c, "icmp_errors", TYPE_ICMP_TYPE, errors4, sizeof errors4,
	                                             "errors that connections need, path MTU among them");
	ret->errors[ADDRESS_IPV6] =
	        compile_type_set(c, "icmpv6_errors", TYPE_ICMPV6_TYPE, errors6, sizeof errors6,
	                         "errors that connections need, path MTU among them");
}

static void compile_interfaces(struct compiler *c)
{
	enum ruleset_type type = TYPE_IFNAME;
	const struct policy *policy = c->policy;
	struct span interfaces = policy->manage.interfaces;
	if (interfaces.count < 2)
		return;
	uint32_t set = ruleset_build_set(&c->b, "manage_interfaces", &type, 1, false,
	                                 "where this machine is administered");
	for (uint32_t i = 0; i < interfaces.count; i++) {
		const struct word *name = &policy->interfaces[interfaces.first + i];
		uint8_t key[RULESET_KEY_MAX] = {0};
		snprintf((char *)key, 16, "%.*s", (int)name->size, name->text);
		ruleset_build_element(&c->b, set, key, NULL,
		                      (struct ruleset_origin){name->at, RULESET_OWNER(POLICY_OWNER_MANAGE, 0)});
	}
	if (!c->b.error)
		c->b.error = ruleset_finish_set(&c->b.table->sets[set]);
}

// The DHCP service of the box or of the devices; NULL: none.
static const struct policy_service *dhcp_for(const struct policy *policy, bool box)
{
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct policy_service *service = &policy->services[i];
		if (service->kind == POLICY_SERVICE_DHCP &&
		    (policy->role == POLICY_ROLE_HOST || service->for_box == box))
			return service;
	}
	return NULL;
}

static struct chain make_chain(struct compiler *c, const char *name, enum ruleset_hook hook, int priority,
                               enum travel travel, const struct scope *scope)
{
	struct chain chain = {.name = name, .travel = travel, .scope = scope};
	char errors[RULESET_NAME_MAX + 1];
	snprintf(errors, sizeof errors, "%s_errors", name);
	chain.index = ruleset_build_chain(&c->b, name, hook, priority);
	chain.errors = ruleset_build_chain(&c->b, errors, HOOK_NONE, 0);
	return chain;
}

// input and output of the box (in role host: of the device)
static void compile_box_chains(struct compiler *c, const struct constants *constants, const struct scope *scope)
{
	const struct policy_service *dhcp = dhcp_for(c->policy, true);
	struct chain chains[2] = {
	        make_chain(c, "input", HOOK_INPUT, PRIORITY_FILTER, TRAVEL_IN, scope),
	        make_chain(c, "output", HOOK_OUTPUT, PRIORITY_FILTER, TRAVEL_OUT, scope),
	};
	// A router tells senders that a packet is too big, or that there is no way on.
	if (c->policy->role == POLICY_ROLE_ROUTER)
		chains[1].quoted = &c->devices;
	for (size_t i = 0; i < 2; i++) {
		const struct chain *chain = &chains[i];
		bool in = chain->travel == TRAVEL_IN;
		rules_loopback(c, chain);
		rules_neighbour_discovery(c, chain, in ? constants->discovery_in : constants->discovery_out);
		if (dhcp)
			rules_dhcp(c, chain, dhcp);
		rules_manage(c, chain);
		if (in)
			rules_spoofed(c, chain);
		rules_connections(c, chain);
		rules_flows(c, chain);
		rules_access(c, chain);
		rules_end(c, chain->index, chain->name, "default deny");
		rules_errors(c, chain, constants->errors);
	}
}

static void compile_forward_closed(struct compiler *c)
{
	uint32_t chain = ruleset_build_chain(&c->b, "forward", HOOK_FORWARD, PRIORITY_FILTER);
	rules_end(c, chain, "forward", "nothing is routed");
}

static void compile_forward_routed(struct compiler *c, const struct constants *constants)
{
	struct chain chain =
	        make_chain(c, "forward", HOOK_FORWARD, PRIORITY_FILTER, TRAVEL_THROUGH, &c->devices);
	rules_spoofed(c, &chain);
	rules_connections(c, &chain);
	rules_flows(c, &chain);
	rules_access(c, &chain);
	rules_end(c, chain.index, chain.name, "default deny");
	rules_errors(c, &chain, constants->errors);
}

static void begin_table(struct compiler *c, enum ruleset_family family)
{
	c->family = family;
	ruleset_build_table(&c->b, family);
}

static void compile_bridge(struct compiler *c)
{
	const struct policy_service *dhcp = dhcp_for(c->policy, false);
	struct constants constants = {0};
	struct layer2 layer2;
	struct frame_chains frame_chains;
	struct discovery discovery;
	begin_table(c, RULESET_BRIDGE);
	compile_constants(c, &constants);
	compile_layer2_sets(c, &layer2);
	compile_discovery(c, &layer2, &discovery);
	if (dhcp)
		compile_dhcp_sets(c, dhcp);
	compile_scope(c, &c->devices, false);

	struct chain chain =
	        make_chain(c, "forward", HOOK_FORWARD, PRIORITY_BRIDGE, TRAVEL_THROUGH, &c->devices);
	chain.name = "bridge"; // in log prefixes: what the box routes is "forward" in table inet
	compile_frame_chains(c, &frame_chains);
	rules_frames(c, &chain, &layer2, &frame_chains);
	rules_layer2(c, &chain, &layer2);
	rules_discovery(c, &chain, constants.discovery_in, &layer2, &discovery);
	if (dhcp)
		rules_dhcp(c, &chain, dhcp);
	rules_layer2_sources(c, &chain, &layer2);
	rules_connections(c, &chain);
	rules_flows(c, &chain);
	rules_access(c, &chain);
	rules_end(c, chain.index, chain.name, "default deny");
	rules_errors(c, &chain, constants.errors);
}

static void compile_inet(struct compiler *c)
{
	const struct policy *policy = c->policy;
	const struct policy_service *dhcp = dhcp_for(policy, true);
	bool host = policy->role == POLICY_ROLE_HOST;
	struct constants constants = {0};
	begin_table(c, RULESET_INET);
	compile_constants(c, &constants);
	compile_interfaces(c);
	if (dhcp)
		compile_dhcp_sets(c, dhcp);
	if (host || policy->role == POLICY_ROLE_ROUTER)
		compile_scope(c, &c->devices, false);
	if (!host)
		compile_scope(c, &c->box, true);

	compile_box_chains(c, &constants, host ? &c->devices : &c->box);
	if (policy->role == POLICY_ROLE_ROUTER)
		compile_forward_routed(c, &constants);
	else
		compile_forward_closed(c);
}

// A gateway's sets hold both ends of what passes for its devices. On a host the near end is the host itself,
// and only DICOM is tied to an address, when the policy gives one; manage never is, so that a wrong address
// locks nobody out.
static void init_scopes(struct compiler *c)
{
	const struct policy *policy = c->policy;
	bool host = policy->role == POLICY_ROLE_HOST;
	bool addressed = policy->device_count > 0 && policy->devices[0].addresses.count > 0;
	c->devices.prefix = "";
	c->box.prefix = "box_";
	for (size_t kind = 0; kind < FLOW_KIND_COUNT; kind++) {
		bool dicom = kind <= FLOW_ACCEPTS_NETS;
		c->devices.paired[kind] = host ? dicom && addressed : kind != FLOW_MANAGE;
		for (size_t family = 0; family < 2; family++)
			c->devices.sets[kind][family] = c->box.sets[kind][family] = NO_SET;
	}
}

int ruleset_compile(const struct policy *policy, struct problems *problems, struct ruleset *ret)
{
	struct compiler c = {.policy = policy, .problems = problems};
	ruleset_init(ret);
	ruleset_build(&c.b, ret);
	init_scopes(&c);
	compile_inet(&c);
	if (policy->role == POLICY_ROLE_BRIDGE)
		compile_bridge(&c);
	source_lines_fini(&c.lines);
	int r = ruleset_build_end(&c.b);
	if (r < 0)
		ruleset_fini(ret);
	return r;
}
