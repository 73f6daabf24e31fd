// SPDX-License-Identifier: GPL-2.0-or-later
//
// The process that deals with the outside: it reads what the kernel logged of dropped packets (NFLOG), hears of
// new connections (conntrack), and sends log lines to their collectors. It holds no capability and may open no
// file. What it tells the keeper are fixed structures, each checked; were it taken over by a packet, it could
// lie about who was turned away, and nothing else.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "drops/drops.h"

struct agent;
struct agent_outside;

// ---- the keeper's side ----

// Opens the sockets for NFLOG group `group` and conntrack, and starts the process. 0 or -errno, with the alarm
// "outside" (-EBUSY: another program has the group; drops are then not read, the rest works). What failed is
// tried again now and then.
int agent_outside_start(struct agent *agent, uint16_t group);
void agent_outside_stop(struct agent *agent);    // ends it, waits for it
int agent_outside_fd(const struct agent *agent); // readable when it says something; -1: not running
// Takes what it says: calls agent_drops_row and agent_peers_connection. When the process has died: an alarm,
// and it is started again, at most once a minute.
void agent_outside_heard(struct agent *agent);
int64_t agent_outside_next(const struct agent *agent);
void agent_outside_tick(struct agent *agent, int64_t now);
// The policy's NFLOG group has changed.
void agent_outside_group(struct agent *agent, uint16_t group);
// Gives it a finished RFC 5424 message (without framing) for all collectors; dropped and counted when it is
// behind.
void agent_outside_log(struct agent *agent, const char *message, size_t size);
// Whether log lines go to this address, protocol and port. Dropped packets that go there are no news for it.
bool agent_outside_is_collector(const struct agent *agent, const struct prefix *address, uint8_t protocol,
                                uint16_t port);
// "local; udp 10.20.0.7:514 (12 lines lost)"; "" without --syslog.
void agent_outside_describe(const struct agent *agent, char *text, size_t size);
bool agent_outside_running(const struct agent *agent);
pid_t agent_outside_pid(const struct agent *agent); // 0: not running

// What escaped it since the agent started.
struct agent_outside_counts {
	uint64_t overruns;            // times the kernel had more records of drops than the socket could hold
	uint64_t connection_overruns; // the same for new connections
	uint64_t malformed;           // messages of the kernel that could not be read
	uint64_t forgotten;           // rows given up for others
	uint64_t heard;               // records of dropped packets that were read
};
void agent_outside_count(const struct agent *agent, struct agent_outside_counts *ret);

// Checks a --syslog TARGET: local, udp:ADDRESS[:PORT], tcp:ADDRESS[:PORT] (an IPv6 address with a port in
// brackets). NULL, or what is wrong.
const char *agent_outside_check_target(const char *target);

#endif
