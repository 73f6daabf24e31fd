// SPDX-License-Identifier: GPL-2.0-or-later
//
// What stands around agent_apply and agent_change in their test: the rest of the agent, and a kernel that
// takes, refuses or garbles what it is told to.
#ifndef LEADGLASS_TESTS_CHANGE_WORLD_H
#define LEADGLASS_TESTS_CHANGE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/agent.h"

struct change_world {
	struct agent agent;
	char folder[40], state[64], run[64];
	int64_t now;
	uint64_t kernel;   // a number for what it holds: peers * 10 + tables
	bool no_bridges;   // refuses tables of family bridge
	unsigned refusals; // that many loads fail ...
	bool garbles;      // ... after the commit
	struct control_answer answer;
	unsigned answers;
	char said[512], log[8192], alarms[256];
	char lost[320]; // text of the alarm "state-lost"
	char by[64];    // field of the last line of the log
};
extern struct change_world world;

// A number for what a ruleset says, as in world.kernel.
uint64_t change_world_number(const struct ruleset *ruleset);

#endif
