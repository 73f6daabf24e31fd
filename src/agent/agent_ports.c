// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each time something may have changed the kernel's interfaces are listed, held against what should be, and put
// right. What was done before is not relied on: what the kernel says counts.
#include "agent/agent_ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/agent_ports_tell.h"

#define LOOK_EVERY 100  // ms between looks that others' changes ask for, ...
#define LOOK_BURST 50   // ... after so many
#define RETRY 10000     // ms until what did not succeed is tried again
#define GROUP_EAPOL 0x3 // last octet of 01:80:c2:00:00:03 (IEEE 802.1X) ...
#define GROUP_LLDP 0xe  // ... and ...:0e (IEEE 802.1AB): bits of group_fwd_mask
#define FRESH 2         // s: a wall that was compared longer ago is compared again before a port joins
#define LOG_EVERY 10000 // ms between lines about what others do to the ports ...
#define LOG_BURST 5     // ... after this many

// ---- what should be ----

static bool bridge_netfilter(void)
{
	return nft_bridge_netfilter_loaded(NFT_PROC_SYS_NET) != 0;
}

// Why the ports are to be out, into p->why; "" they are to join.
static void judge(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	const struct agent_wall *wall = agent->standing;
	p->why[0] = '\0';
	if (!wall)
		snprintf(p->why, sizeof p->why, "no wall stands");
	else if (!wall->number)
		snprintf(p->why, sizeof p->why, "the wall is closed");
	else if (wall->policy.role != POLICY_ROLE_BRIDGE)
		snprintf(p->why, sizeof p->why, "the policy's role is %s, and ports join in role bridge",
		         policy_role_name(wall->policy.role));
	else if (!agent->verified)
		snprintf(p->why, sizeof p->why, "the wall is not verified");
	else if (bridge_netfilter() && !ports_any_joined(p)) // loaded later it is an alarm of the guard's
		snprintf(p->why, sizeof p->why,
		         "the kernel module br_netfilter is loaded (modprobe -r br_netfilter)");
}

// ---- what is ----

static bool list(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	free(p->all);
	if (link_interfaces(p->link, &p->all, &p->all_count, &p->problems) < 0)
		return false; // nothing is found then
	p->bridge = (struct link_interface){0};
	for (size_t k = 0; k < p->count; k++)
		p->ports[k].found = (struct link_interface){0};
	for (size_t i = 0; i < p->all_count; i++) {
		if (strcmp(p->all[i].name, AGENT_PORTS_BRIDGE) == 0)
			p->bridge = p->all[i];
		for (size_t k = 0; k < p->count; k++)
			if (strcmp(p->all[i].name, p->ports[k].name) == 0)
				p->ports[k].found = p->all[i];
	}
	for (size_t k = 0; k < p->count; k++) {
		const struct link_interface *found = &p->ports[k].found;
		p->ports[k].joined =
		        found->index && p->bridge.index && found->master == p->bridge.index && found->up;
		if (p->ports[k].joined)
			p->used = p->bridge.index;
	}
	return true;
}

// ---- putting right ----

static bool take_out(struct agent_ports *p, struct agent_port *port)
{
	// Down first: on its way out a port is to hear and say nothing.
	int error = link_down(p->link, &port->found, &p->problems);
	int left = link_leave(p->link, &port->found, &p->problems);
	if (!left)
		port->joined = false;
	return !error && !left;
}

// All of them, also out of bridges of others: there they would be no better off.
static void take_all_out(struct agent_ports *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->ports[i].found.index && p->ports[i].found.master)
			(void)take_out(p, &p->ports[i]);
}

static void put_in(struct agent_ports *p, struct agent_port *port)
{
	int error = 0;
	(void)link_ipv6(p->link, &port->found, false, &p->ipv6);
	if (port->found.master != p->bridge.index)
		error = link_join(p->link, &port->found, &p->bridge, &p->problems);
	if (!error && !port->found.up)
		error = link_up(p->link, &port->found, &p->problems);
	port->joined = !error;
}

// Which link-local groups the bridge passes on, for the wall to judge. Of BPDUs the kernel asks nobody: a
// bridge without spanning tree passes them.
static uint16_t forwards(const struct policy *policy)
{
	return (uint16_t)((policy->pass & 1u << POLICY_EAPOL ? 1u << GROUP_EAPOL : 0) |
	                  (policy->pass & 1u << POLICY_LLDP ? 1u << GROUP_LLDP : 0));
}

static bool make_bridge(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	const struct policy *policy = &agent->standing->policy;
	const uint16_t mask = forwards(policy);
	int error = 0;
	if (!p->bridge.index) {
		error = link_bridge_make(p->link, AGENT_PORTS_BRIDGE, mask, &p->problems);
		if (!error)
			error = link_find(p->link, AGENT_PORTS_BRIDGE, &p->bridge, &p->problems);
	}
	if (!error && strcmp(p->bridge.kind, "bridge") != 0) {
		problem_add(&p->problems, PROBLEM_ERROR, 0, 0,
		            "there is an interface named " AGENT_PORTS_BRIDGE " that is no bridge",
		            "give it another name");
		return false;
	}
	if (!error && !link_bridge_is(&p->bridge, mask))
		error = link_bridge_set(p->link, &p->bridge, mask, &p->problems);
	if (!error)
		(void)link_ipv6(p->link, &p->bridge, agent_box_bridges_ipv6(policy), &p->ipv6);
	if (!error && !p->bridge.up)
		error = link_up(p->link, &p->bridge, &p->problems);
	return !error;
}

// A wall that was found good a while ago is looked at once more before anybody stands behind it.
static bool still_stands(struct agent *agent)
{
	size_t differences = 0;
	if (agent_unix() - agent->verified_at <= FRESH && agent_unix() >= agent->verified_at)
		return true;
	if (agent_guard_verify(agent, NULL, &differences) < 0)
		agent->verified = false;
	judge(agent);
	return !agent->ports->why[0];
}

static void put_all_in(struct agent *agent, const bool *before)
{
	struct agent_ports *p = agent->ports;
	bool some = false;
	for (size_t i = 0; i < p->count; i++)
		some = some || (p->ports[i].found.index && !p->ports[i].joined);
	if (some && !still_stands(agent)) {
		take_all_out(p);
		return;
	}
	if (!make_bridge(agent))
		return;
	for (size_t i = 0; i < p->count; i++) {
		struct agent_port *port = &p->ports[i];
		if (!port->found.index || port->joined)
			continue;
		if (before[i])
			ports_log_taken(agent, port);
		put_in(p, port);
	}
}

// In another role the bridge that our ports were in is nobody's.
static void remove_bridge(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	if (!p->bridge.index || p->bridge.index != p->used || strcmp(p->bridge.kind, "bridge") != 0 ||
	    !agent->standing || agent->standing->policy.role == POLICY_ROLE_BRIDGE)
		return;
	for (size_t i = 0; i < p->all_count; i++)
		if (p->all[i].master == p->bridge.index)
			return; // of somebody else's
	if (link_delete(p->link, &p->bridge, &p->problems) == 0)
		p->bridge.index = 0;
}

static void settle(struct agent *agent, int64_t now)
{
	struct agent_ports *p = agent->ports;
	bool before[AGENT_PORTS_MAX] = {false};
	for (size_t i = 0; i < p->count; i++)
		before[i] = p->ports[i].joined;
	problem_init(&p->problems);
	problem_init(&p->ipv6);
	p->look_at = AGENT_NEVER;
	if (list(agent)) {
		judge(agent);
		if (p->why[0]) {
			take_all_out(p);
			remove_bridge(agent);
		} else {
			put_all_in(agent, before);
		}
		agent_box_settle(agent);
		ports_look_for_strangers(agent);
	}
	ports_log_changes(agent, before);
	ports_complain(agent);
	p->wall = agent->standing;
	p->number = agent->standing ? agent->standing->number : 0;
	p->verified = agent->verified;
	// The module may be unloaded, and nobody tells us.
	if (problem_any_error(&p->problems) || problem_any_error(&p->ipv6) ||
	    (p->why[0] && p->verified && bridge_netfilter()))
		p->look_at = now + RETRY;
	problem_fini(&p->problems);
	problem_fini(&p->ipv6);
}

// ---- for agent.h's sake ----

// A chain that all bridged frames go through, and that drops by itself.
static bool drops_forwarded(const struct ruleset_table *table)
{
	for (size_t i = 0; table->family == RULESET_BRIDGE && i < table->chain_count; i++)
		if (table->chains[i].hook == HOOK_FORWARD && !table->chains[i].accepts)
			return true;
	return false;
}

static bool wall_in_kernel(struct agent *agent)
{
	struct nft_state state = {0};
	struct problems problems;
	struct ruleset found;
	bool stands = false;
	problem_init(&problems);
	if (nft_read(agent->nft, &found, &state, &problems) == 0) {
		for (size_t t = 0; t < found.table_count; t++)
			stands = stands || drops_forwarded(&found.tables[t]);
		ruleset_fini(&found);
	}
	problem_fini(&problems);
	return stands && !state.bridge.dormant;
}

static void take_out_left_behind(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	bool before[AGENT_PORTS_MAX] = {false}, any = false;
	problem_init(&p->problems);
	problem_init(&p->ipv6);
	if (list(agent)) {
		for (size_t i = 0; i < p->count; i++) {
			before[i] = p->ports[i].found.master != 0;
			any = any || before[i];
		}
		if (any && !wall_in_kernel(agent)) {
			snprintf(p->why, sizeof p->why, "the kernel holds no wall of role bridge");
			take_all_out(p);
			ports_log_changes(agent, before);
		}
	}
	if (problem_any_error(&p->problems))
		ports_complain(agent);
	problem_fini(&p->problems);
	problem_fini(&p->ipv6);
}

void agent_ports_open(struct agent *agent)
{
	struct problems problems;
	char text[PORTS_LINE_MAX];
	if (!agent->options.ports)
		return;
	agent->ports = calloc(1, sizeof *agent->ports);
	if (!agent->ports) {
		agent_alarm(agent, "ports", "the bridge cannot be made: out of memory");
		return;
	}
	*agent->ports = (struct agent_ports){
	        .looks = {.every = LOOK_EVERY, .burst = LOOK_BURST},
	        .lines = {.every = LOG_EVERY, .burst = LOG_BURST},
	};
	(void)agent_ports_parse(agent->options.ports, agent->ports->ports, &agent->ports->count);
	problem_init(&problems);
	if (link_open(&agent->ports->link, &problems) < 0) {
		agent->ports->link = NULL;
		agent_alarm(agent, "ports", "the bridge cannot be made: %s",
		            ports_first_problem(&problems, text));
		snprintf(agent->ports->why, sizeof agent->ports->why, "%.150s", text);
	} else {
		take_out_left_behind(agent);
	}
	problem_fini(&problems);
}

void agent_ports_close(struct agent *agent)
{
	if (!agent->ports)
		return;
	link_close(agent->ports->link);
	free(agent->ports->all);
	free(agent->ports);
	agent->ports = NULL;
}

static bool works(const struct agent *agent)
{
	return agent->ports && agent->ports->link;
}

int agent_ports_folder(const struct agent *agent)
{
	return works(agent) ? link_ipv6_folder(agent->ports->link) : -1;
}

int agent_ports_fd(const struct agent *agent)
{
	return works(agent) ? link_fd(agent->ports->link) : -1;
}

void agent_ports_heard(struct agent *agent)
{
	struct agent_ports *p = agent->ports;
	const int64_t now = agent_now(), at = agent_pace_next(&p->looks);
	if (link_heard(p->link) && (at > now ? at : now) < p->look_at)
		p->look_at = at > now ? at : now;
}

int64_t agent_ports_next(const struct agent *agent)
{
	return works(agent) ? agent->ports->look_at : AGENT_NEVER;
}

void agent_ports_tick(struct agent *agent, int64_t now, bool look)
{
	struct agent_ports *p = agent->ports;
	if (!works(agent))
		return;
	if (!look && p->look_at > now && p->wall == agent->standing &&
	    p->number == (agent->standing ? agent->standing->number : 0) && p->verified == agent->verified)
		return;
	(void)agent_pace_take(&p->looks, now);
	settle(agent, now);
}

void agent_ports_before(struct agent *agent, const struct agent_wall *wall)
{
	struct agent_ports *p = agent->ports;
	bool before[AGENT_PORTS_MAX] = {false};
	if (!works(agent) || wall->policy.role == POLICY_ROLE_BRIDGE)
		return;
	problem_init(&p->problems);
	problem_init(&p->ipv6);
	for (size_t i = 0; i < p->count; i++)
		before[i] = p->ports[i].joined;
	if (list(agent)) {
		if (wall->number)
			snprintf(p->why, sizeof p->why, "a policy of role %s comes",
			         policy_role_name(wall->policy.role));
		else
			snprintf(p->why, sizeof p->why, "the closed wall comes");
		take_all_out(p);
	}
	ports_log_changes(agent, before);
	p->wall = NULL; // looked at again once it is known what stands
	problem_fini(&p->problems);
	problem_fini(&p->ipv6);
}
