// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests of the agent's parts: an agent filled by hand, a clock that is set, and stand-ins for the kernel
// (what src/nft would say), the log, the control socket and the outside process.
#ifndef LEADGLASS_TESTS_PARTS_H
#define LEADGLASS_TESTS_PARTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "base/buffer.h"
#include "nft/nft_foreign.h"
#include "nft/nft_read.h"

#define PARTS_START 1000000   // ms of the clock when a test begins
#define PARTS_UNIX 1770000000 // the same moment, seconds since 1970

struct parts_foreign {
	enum nft_foreign_kind kind;
	const char *family, *table, *chain;
};

// The kernel and everybody around the agent. Tests set what they like.
struct parts {
	struct agent agent;
	int64_t now; // ms

	// the kernel's tables: those of `kernel`, altered by `tamper`
	const struct agent_wall *kernel;
	void (*tamper)(struct ruleset *ruleset);
	void (*count)(struct ruleset *ruleset); // sets counters
	struct nft_state state;
	int read_error, load_error, foreign_error, watch_error, resume_error, access_error;
	bool load_repairs; // a load takes `tamper` away
	unsigned reads, samples, loads, looks, pauses, resumes, lists, opens, closes;
	struct ruleset skipped; // names and counts only, of the last nft_read_all
	size_t skipped_long;    // sets it was told to leave out

	struct nft_seen heard[64]; // what nft_watch_read says, in order
	size_t heard_count, heard_next;

	struct parts_foreign foreign[16];
	size_t foreign_count;

	struct nft_access windows[NFT_ACCESS_MAX]; // `ms` is the end on the clock
	size_t window_count;
	int bridge_netfilter;        // what nft_bridge_netfilter_loaded says, ...
	bool bridge_netfilter_heard; // ... and nft_bridge_netfilter_heard

	unsigned flowtable_downs; // agent_flowtable_down was called, ...
	int flowtable_error;      // ... and says this

	struct prefix collector; // UDP 514

	struct control_status trusted; // what agent_trust_fill says
	unsigned trust_looks;

	const struct control_port *ports; // what agent_ports_answer says
	size_t port_count;

	struct buffer log; // "ID text" lines
	unsigned log_lines, alarms_raised, alarms_lifted;

	struct control_answer answer; // the last one
	unsigned answers, refusals;
	unsigned told; // followers
	struct control_drop told_drop;
};

extern struct parts *parts; // the one under test

void parts_begin(struct parts *made);
void parts_end(void);

// Compiles a policy and makes it the standing wall, in the kernel too. The wall before it is freed.
void parts_stand(uint64_t number, const char *policy);

// Runs what is due, as the agent's loop does, until `until`; returns how often it woke.
unsigned parts_run(int64_t until);

size_t parts_lines(const char *words); // lines of the log that hold them
bool parts_has_alarm(const char *name);
struct prefix parts_address(const char *text);

#endif
