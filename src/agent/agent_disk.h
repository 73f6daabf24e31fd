// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the agent keeps in its two folders: the state folder's policies and record, the run folder's copy. What
// goes wrong is an alarm, and is added to agent->said for whoever waits for an answer.
#ifndef LEADGLASS_AGENT_AGENT_DISK_H
#define LEADGLASS_AGENT_AGENT_DISK_H

#include <stdbool.h>

#include "agent/agent.h"

int agent_disk_store_policy(struct agent *agent, const struct agent_wall *wall);
// A failure is the alarm "record", which agent_run_commit lifts.
int agent_disk_store_record(struct agent *agent);

// Reads a policy from the state folder; when it is damaged there, from the copy in the run folder, which then
// also mends it. 0, or -errno with text.
int agent_disk_read_wall(struct agent *agent, uint64_t number, struct agent_wall **ret, struct buffer *text);
// The closed wall of the last confirmed policy; NULL: it is not known.
struct agent_wall *agent_disk_read_closed(struct agent *agent);

// The record, at the start. Where it is damaged or lost and the run folder has a copy, one of that policy
// alone, and *ret_wall is that policy. 0: it is the disk's; else -errno, why not. *ret is empty when nothing is
// known.
int agent_disk_read_record(struct agent *agent, struct state_record *ret, struct agent_wall **ret_wall);
// Makes the state folder what it should be after a start from the copy, which `error` was the cause of.
void agent_disk_mend(struct agent *agent, int error);

// Writes what goes with the confirmed policy, when it is not there yet: its closed wall, and the copy.
void agent_disk_keep_confirmed(struct agent *agent);

#endif
