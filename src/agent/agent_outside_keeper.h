// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the keeper knows of the outside process. Private to agent_outside.c, which deals with it, and
// agent_outside_shown.c, which tells people.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_KEEPER_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/agent.h"
#include "agent/agent_outside.h"
#include "agent/agent_outside_message.h"
#include "agent/agent_outside_target.h"

struct retry {
	int64_t at, wait; // ms; at AGENT_NEVER: nothing to try
};

struct agent_outside {
	pid_t pid; // 0: not running
	int fd;    // -1: the same
	int null;  // /dev/null: the sandbox lets nobody open it for a process that is started later
	uint16_t group;
	struct outside_target targets[OUTSIDE_COLLECTORS_MAX];
	size_t target_count;
	int64_t started; // ms, the last time
	int64_t calm_at; // when an alarm about its end is lifted; AGENT_NEVER: there is none
	struct retry start, nflog, local;
	int nflog_error;                    // why drops are not read; 0: they are
	uint32_t lost;                      // log messages it was not given
	struct outside_state state;         // as it last said
	struct agent_outside_counts before; // by those that died
	uint64_t lost_before[OUTSIDE_COLLECTORS_MAX];
	int told[OUTSIDE_COLLECTORS_MAX]; // error of the alarm that stands; 0: none does
	struct agent_pace telling;        // alarms and their ends
	int64_t second;                   // the current one, and how many messages came in it
	unsigned messages;
};

// Raises and lifts the alarms about collectors. One that comes and goes does not fill the log: what it is like
// when there is time again is told then, at outside_next_telling (ms; AGENT_NEVER: all is told).
void outside_tell_collectors(struct agent *agent, int64_t now);
int64_t outside_next_telling(const struct agent_outside *o);

#endif
