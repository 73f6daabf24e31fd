// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bridge and its ports (--ports), in role bridge. A port is in a bridge only behind a wall that is this
// role's and was read back; whenever that is not so, it is out of every bridge.
#ifndef LEADGLASS_AGENT_AGENT_PORTS_H
#define LEADGLASS_AGENT_AGENT_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent_pace.h"
#include "base/problem.h"
#include "link/link.h"

struct agent;
struct agent_wall;
struct buffer;
struct policy;

#define AGENT_PORTS_MAX 8
#define AGENT_PORTS_BRIDGE "bridge" // what the bridge is called

// Before the first wall and before the sandbox. Where the kernel holds no wall of role bridge, ports that are
// in a bridge, left there by an agent before this one, are taken out at once. An alarm says what does not work.
void agent_ports_open(struct agent *agent);
void agent_ports_close(struct agent *agent);       // everything stays as it is
int agent_ports_folder(const struct agent *agent); // that Landlock has to leave writable; -1: none

// `wall` is about to be loaded: where it is not role bridge's, the ports leave before.
void agent_ports_before(struct agent *agent, const struct agent_wall *wall);

int agent_ports_fd(const struct agent *agent); // -1: none
void agent_ports_heard(struct agent *agent);
int64_t agent_ports_next(const struct agent *agent);
// Makes everything as it should be, where something may have changed. Called in each pass of the loop, after
// what changes or compares the wall. `look`: also where nothing seems to have changed.
void agent_ports_tick(struct agent *agent, int64_t now, bool look);

// struct control_port each: the bridge, then the ports. Nothing without --ports.
void agent_ports_answer(const struct agent *agent, struct buffer *out);

// ---- agent_ports_names.c ----

struct agent_port {
	char name[LINK_NAME_MAX + 1];
	struct link_interface found; // as last listed; index 0: there is none
	bool joined;                 // in our bridge, and up
};

// Takes a list apart: "device,hospital". NULL, or what is wrong with it; `ret` has AGENT_PORTS_MAX places.
const char *agent_ports_parse(const char *names, struct agent_port *ret, size_t *ret_count);

// ---- the rest is between agent_ports*.c and agent_box.c ----

struct agent_ports {
	struct link *link; // NULL: it could not be opened
	struct agent_port ports[AGENT_PORTS_MAX];
	size_t count;
	struct link_interface *all; // as last listed
	size_t all_count;
	struct link_interface bridge;  // index 0: there is none
	uint32_t used;                 // index of the bridge that a port of ours was in; 0: none
	char why[160];                 // why no port may join; "" they may
	const struct agent_wall *wall; // for which everything was made so, ...
	uint64_t number;               // ... its number, ...
	bool verified;                 // ... and whether it was
	int64_t look_at;               // ms
	struct agent_pace looks, lines;
	// of the look under way
	struct problems problems; // what keeps things from being as they should
	struct problems ipv6;     // what is not as quiet as it should be
};

// Gives the box's interface the addresses that the standing policy gives the box, and takes from all interfaces
// what an agent gave them and this policy does not. In role bridge only; without a wall nothing is changed.
void agent_box_settle(struct agent *agent);
// Whether the policy gives the bridge itself an IPv6 address.
bool agent_box_bridges_ipv6(const struct policy *policy);

#endif
