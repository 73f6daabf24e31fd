// SPDX-License-Identifier: GPL-2.0-or-later
//
// The flow table of role router (`flowtable` of the policy, nft_flowtable.h). It stands only beside the
// policy's wall as it was read back, while nobody else changes that, and while no service window leads through
// the gateway: what it has taken over would outlast the window. Whatever it waits for, the wall stands without
// it.
#ifndef LEADGLASS_AGENT_AGENT_FLOWTABLE_H
#define LEADGLASS_AGENT_AGENT_FLOWTABLE_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct control_status;

// Before the sandbox. Without it (out of memory, no socket) there is no flow table, and status says why.
void agent_flowtable_open(struct agent *agent);
void agent_flowtable_close(struct agent *agent);

int agent_flowtable_fd(const struct agent *agent); // readable when interfaces have changed; -1: none
void agent_flowtable_heard(struct agent *agent);
int64_t agent_flowtable_next(const struct agent *agent);
// Puts it up or takes it down, whichever is right. Called in each pass of the loop, after what changes or
// compares the wall. `look`: asks the kernel also where nothing seems to have changed.
void agent_flowtable_tick(struct agent *agent, int64_t now, bool look);

void agent_flowtable_fill(const struct agent *agent, struct control_status *ret);

#endif
