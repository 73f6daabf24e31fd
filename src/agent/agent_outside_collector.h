// SPDX-License-Identifier: GPL-2.0-or-later
//
// One collector of log messages, in the outside process: a bounded queue, a connection that comes and goes, and
// a count of what was lost. Nothing here waits. Private to src/agent/agent_outside*.c.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_COLLECTOR_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent_outside_message.h"
#include "agent/agent_outside_target.h"

#define COLLECTOR_QUEUE (64 * 1024) // octets
#define COLLECTOR_NEVER INT64_MAX

struct collector {
	const struct outside_target *target;
	const char *host; // for the line that tells of losses
	uint32_t pid;
	enum outside_collector_state state;
	int fd;          // -1: none
	int error;       // why it is down; 0: no reason known
	int64_t at;      // DOWN: try again; CONNECTING: given up, or for UDP taken to be there; ms
	int64_t backoff; // ms, before the next attempt but one
	int64_t up_since;
	uint64_t lost, untold; // messages in all, and since the collector was last told

	// Messages, each with its size before it, ready to be sent: [start, next) were sent and, over TCP, are
	// kept until the other side has acknowledged them, [next, end) wait.
	char *queue;
	size_t start, next, end;
	size_t partial;          // octets of the message at `next` that were sent
	uint64_t sent, released; // TCP: octets of this connection up to `next` and `start`
	uint64_t acknowledged_at_start;
};

int collector_init(struct collector *c, const struct outside_target *target, const char *host, uint32_t pid);
// Takes a socket connected to /dev/log (target local).
void collector_adopt(struct collector *c, int fd, int64_t now);
bool collector_wants_local(const struct collector *c);
// A message as agent_syslog_format made it. What does not fit is lost and counted.
void collector_push(struct collector *c, const char *message, size_t size, int64_t now);
void collector_lose(struct collector *c, uint64_t messages);
// What to wait for (poll's events), until when (ms, COLLECTOR_NEVER), and what came of it. `ready` may be 0.
short collector_events(const struct collector *c);
int64_t collector_next(const struct collector *c);
void collector_run(struct collector *c, short ready, int64_t now);
bool collector_idle(const struct collector *c); // nothing waits that could be sent

#endif
