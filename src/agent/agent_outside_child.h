// SPDX-License-Identifier: GPL-2.0-or-later
//
// The outside process itself. Private to src/agent/agent_outside*.c.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_CHILD_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "agent/agent_outside_target.h"

// What it is born with. Descriptors: -1 is none, but for `null`; every other one of the process is
// closed.
struct outside_birth {
	int keeper, nflog, conntrack;
	int local; // connected to /dev/log
	int null;  // /dev/null, open for reading and writing; from 3 on
	const struct outside_target *targets;
	size_t target_count;
	uint32_t pid;     // the keeper's, for log lines
	const char *host; // the same
};

// Gives up everything and works until the keeper has gone; returns the exit status.
int outside_child(const struct outside_birth *birth);

#endif
