// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the box itself is reached, in role bridge: its addresses, on the interface that the policy names.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/agent_ports.h"

// Where the addresses go; NULL: nowhere.
static const struct word *interface_of(const struct policy *policy)
{
	return policy->role == POLICY_ROLE_BRIDGE && policy->box.interfaces.count
	               ? &policy->interfaces[policy->box.interfaces.first]
	               : NULL;
}

static const struct prefix *address_of(const struct policy *policy, uint32_t i)
{
	return &policy->prefixes[policy->box.addresses.first + i].prefix;
}

static uint8_t length_of(const struct policy *policy, uint32_t i)
{
	return policy->box_lengths[policy->box.lengths.first + i];
}

bool agent_box_bridges_ipv6(const struct policy *policy)
{
	const struct word *interface = interface_of(policy);
	if (!interface || !policy_word_equal(interface, AGENT_PORTS_BRIDGE))
		return false;
	for (uint32_t i = 0; i < policy->box.addresses.count; i++)
		if (address_of(policy, i)->family == ADDRESS_IPV6)
			return true;
	return false;
}

static bool same(const struct link_address *have, const struct prefix *address, uint8_t length)
{
	return have->prefix.family == address->family && have->length == length &&
	       memcmp(have->prefix.octets, address->octets, address_octets(address->family)) == 0;
}

static const struct link_interface *find(const struct agent_ports *p, const struct word *name)
{
	for (size_t i = 0; i < p->all_count; i++)
		if (policy_word_equal(name, p->all[i].name))
			return &p->all[i];
	// Made a moment ago
	return policy_word_equal(name, AGENT_PORTS_BRIDGE) && p->bridge.index ? &p->bridge : NULL;
}

static bool is_port(const struct agent_ports *p, const struct word *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (policy_word_equal(name, p->ports[i].name))
			return true;
	return false;
}

// Those that an agent has set, this one or one before it, and that are not wanted (any more).
static void remove_old(struct agent_ports *p, const struct policy *policy,
                       const struct link_interface *interface, const struct link_address *have, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool wanted = !have[i].ours;
		for (uint32_t k = 0; interface && k < policy->box.addresses.count && !wanted; k++)
			wanted = have[i].index == interface->index &&
			         same(&have[i], address_of(policy, k), length_of(policy, k));
		for (size_t n = 0; n < p->all_count && !wanted; n++)
			if (p->all[n].index == have[i].index)
				(void)link_address_remove(p->link, &p->all[n], &have[i], &p->problems);
	}
}

static void add_new(struct agent_ports *p, const struct policy *policy, const struct link_interface *interface,
                    const struct link_address *have, size_t count)
{
	for (uint32_t k = 0; k < policy->box.addresses.count; k++) {
		bool there = false;
		for (size_t i = 0; i < count; i++)
			there = there || (have[i].index == interface->index &&
			                  same(&have[i], address_of(policy, k), length_of(policy, k)));
		if (!there)
			(void)link_address_add(p->link, interface, address_of(policy, k), length_of(policy, k),
			                       &p->problems);
	}
}

// The interface, once it is sure that an address on it reaches anybody. NULL: it is not there, or is no good.
static const struct link_interface *usable(struct agent *agent, const struct word *name)
{
	struct agent_ports *p = agent->ports;
	const struct link_interface *interface = find(p, name);
	if (is_port(p, name)) {
		problem_addf(
		        &p->problems, PROBLEM_ERROR, 0, 0,
		        "name the service port, or the bridge itself (interface " AGENT_PORTS_BRIDGE ")",
		        "the box is reached through %.*s, says the policy, but that is a port of the bridge",
		        (int)name->size, name->text);
		return NULL;
	}
	// The bridge is there when the ports may join, and nobody is behind it before.
	if (!interface && !policy_word_equal(name, AGENT_PORTS_BRIDGE))
		problem_addf(&p->problems, PROBLEM_ERROR, 0, 0, "it gets its addresses when there is",
		             "there is no interface %.*s, through which the box is reached", (int)name->size,
		             name->text);
	return interface;
}

void agent_box_settle(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	const struct link_interface *interface = NULL;
	struct link_address *have;
	size_t count;
	if (!agent->standing)
		return;
	const struct policy *policy = &agent->standing->policy;
	const struct word *name = interface_of(policy);
	if (name)
		interface = usable(agent, name);
	if (link_addresses(p->link, &have, &count, &p->problems) < 0)
		return;
	remove_old(p, policy, interface, have, count);
	if (interface) {
		add_new(p, policy, interface, have, count);
		if (!interface->up && interface->index != p->bridge.index)
			(void)link_up(p->link, interface, &p->problems);
	}
	free(have);
	if (policy->role == POLICY_ROLE_BRIDGE && policy->box.addresses.count && !name)
		agent_note(agent, "box-interface",
		           "the policy gives the box addresses and no interface to set them on: box { ... "
		           "interface service }");
	else
		agent_alarm_lift(agent, "box-interface");
}
