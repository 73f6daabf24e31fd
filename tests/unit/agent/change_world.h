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
	char folder[40], state[64], run[64], trust[64]; // the last is not made
	int64_t now;
	uint64_t kernel;       // a number for what it holds: peers * 10 + tables
	bool no_bridges;       // refuses tables of family bridge
	bool bridge_netfilter; // is loaded
	unsigned refusals;     // that many loads fail ...
	bool garbles;          // ... after the commit
	struct control_answer answer;
	unsigned answers;
	char said[1024], log[8192], alarms[256];
	char alarm[320];  // text of the last one
	unsigned raised;  // how often any was
	char lost[320];   // text of the alarm "state-lost"
	char by[64];      // field of the last line of the log
	char fields[512]; // its MSGID and all its fields
};
extern struct change_world world;

// ---- a life of the agent, on a state folder of its own ----

int change_begin(void **state); // cmocka's setup: folders and a start
int change_end(void **state);
void change_start(void);
void change_stop(void); // as kill -9 would
void change_restart(void);
void change_apply(const char *text, uint32_t window); // by alice
void change_rollback(uint64_t number);                // by root from 10.20.9.77
void change_confirm_number(uint64_t number);          // by bob
void change_confirm(void);
uint64_t change_standing(void); // its number; the kernel holds it
void change_spoil(const char *folder, const char *name);
int change_lose(const char *name); // a file of the state folder
bool change_has_alarm(const char *name);

// A number for what a ruleset says, as in world.kernel.
uint64_t change_world_number(const struct ruleset *ruleset);

#endif
