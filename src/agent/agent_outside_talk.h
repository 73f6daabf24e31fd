// SPDX-License-Identifier: GPL-2.0-or-later
//
// The outside process's reports to the keeper: collected, told at most once a second, and kept while the keeper
// is slow. Private to src/agent/agent_outside*.c.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_TALK_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent_outside_message.h"
#include "drops/drops_connection.h"

#define TALK_EVERY 1000      // ms
#define TALK_CONNECTIONS 256 // different ones in that time; more are not counted

struct talk {
	int fd; // the keeper
	struct drops_table *table;
	bool rows_changed;
	struct outside_connection connections[TALK_CONNECTIONS]; // by hash; count 0: free
	size_t connection_count;
	struct outside_state state, told_state;
	union outside_message message; // being sent
	size_t message_size;           // 0: none
	bool blocked;                  // the keeper does not read: wait for POLLOUT
	int64_t told_at;               // ms; the last time there was something to tell
};

int talk_init(struct talk *talk, int fd);
void talk_fini(struct talk *talk);
void talk_drop(struct talk *talk, const struct drops_record *record, int64_t unix_now);
void talk_connection(struct talk *talk, const struct drops_connection *connection);
// Tells what there is to tell when it is time, without waiting. False: the keeper has gone.
bool talk_run(struct talk *talk, int64_t now);
int64_t talk_next(const struct talk *talk); // when talk_run has something to do; INT64_MAX: nothing, or blocked

#endif
