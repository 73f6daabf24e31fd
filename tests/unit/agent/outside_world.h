// SPDX-License-Identifier: GPL-2.0-or-later
//
// What agent_outside.c uses of the rest of the agent, remembered for the test to look at, in a time that it
// sets.
#ifndef LEADGLASS_TESTS_UNIT_AGENT_OUTSIDE_WORLD_H
#define LEADGLASS_TESTS_UNIT_AGENT_OUTSIDE_WORLD_H

#include "agent/agent.h"
#include "agent/agent_outside.h"

struct outside_world {
	struct agent agent;
	int64_t now; // ms
	bool real_time;
	size_t rows, connections; // calls
	size_t last_index;
	struct drops_row last_row;
	uint64_t connection_count;
	uint16_t connection_port;
	char alarm[256]; // "" none
	char collector_alarm[256];
	unsigned alarms; // raised
	unsigned lifted, discarded;
};

extern struct outside_world outside_world; // the functions of agent.h are given no place for it

// Waits for what it says until `done` is true, 20 s at most. Whether it is.
bool outside_world_until(bool (*done)(void));

#endif
