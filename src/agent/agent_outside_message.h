// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the keeper and the outside process say to each other: fixed structures, one to a datagram. Private to
// src/agent/agent_outside*.c.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_MESSAGE_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_MESSAGE_H

#include "agent/agent_syslog.h"
#include "drops/drops.h"

#define OUTSIDE_ROWS_MAX 16
#define OUTSIDE_CONNECTIONS_MAX 32
#define OUTSIDE_COLLECTORS_MAX 2

enum outside_kind {
	// To the outside process
	OUTSIDE_LOG = 1, // struct outside_order with a text
	OUTSIDE_GROUP,   // with the new NFLOG socket, or without: there is none
	OUTSIDE_LOCAL,   // with a socket connected to /dev/log
	// To the keeper
	OUTSIDE_ROWS,        // struct outside_rows
	OUTSIDE_CONNECTIONS, // struct outside_connections
	OUTSIDE_STATE,       // struct outside_state
};

struct outside_order {
	uint32_t kind;
	uint32_t lost; // log messages that could not be handed over before this one
	uint32_t size; // of the text; only so much of it is sent
	char text[AGENT_SYSLOG_MAX];
};

struct outside_rows {
	uint32_t kind, count;
	struct outside_row {
		uint32_t index, padding;
		struct drops_row row;
	} items[OUTSIDE_ROWS_MAX]; // only `count` of them are sent
};

struct outside_connections {
	uint32_t kind, count;
	struct outside_connection {
		struct prefix source, destination;
		uint8_t protocol, padding;
		uint16_t port;
		uint32_t count;
	} items[OUTSIDE_CONNECTIONS_MAX]; // only `count` of them are sent
};

enum outside_collector_state {
	OUTSIDE_DOWN,
	OUTSIDE_CONNECTING,
	OUTSIDE_UP,
};

// All counts since the process was started.
struct outside_state {
	uint32_t kind, count; // count: collectors
	uint64_t overruns;    // times the kernel had more to say of drops than the socket could hold
	uint64_t connection_overruns;
	uint64_t malformed; // messages of the kernel that could not be read
	uint64_t forgotten; // rows given up
	uint64_t heard;     // records of dropped packets
	struct outside_collector_report {
		uint8_t state;       // enum outside_collector_state
		uint8_t wants_local; // a socket connected to /dev/log
		uint16_t padding;
		int32_t error; // why it is down: errno, 0: no reason known
		uint64_t lost; // messages
	} collectors[OUTSIDE_COLLECTORS_MAX];
};

union outside_message {
	uint32_t kind;
	struct outside_rows rows;
	struct outside_connections connections;
	struct outside_state state;
};

// Judges what the outside process says: size, kind and every field. NULL: it may be acted upon; else what is
// wrong.
const char *outside_check(const union outside_message *message, size_t size, size_t collectors);

#endif
