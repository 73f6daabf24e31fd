// SPDX-License-Identifier: GPL-2.0-or-later
//
// The space of packets that prove() covers: what varies from packet to packet, and which values there are.
// Private to src/prove.
//
// It holds more than what can occur (a datagram of any protocol in any state) but not less, with what Linux
// guarantees taken for granted:
//  - a packet that is no ICMP error belongs to the connection of its own addresses, protocol and ports; `reply`
//    is what travels against the connection's first packet (nf_conntrack_core.c)
//  - an ICMP error that is `related` goes to one end of the connection it quotes (nf_conntrack_inet_error);
//  what
//    is `related` and no ICMP is the first packet of a connection that some conntrack helper expects
//  - ICMP of tracked connections is a question one way and its answer the other (nf_conntrack_proto_icmp*.c)
//  - only what comes in or is routed can be forged (`fib saddr . iif`), and nothing is routed or bridged over
//  lo
// Interfaces are told apart by name: those that are named somewhere, and one that stands for all others.
#ifndef LEADGLASS_PROVE_PROVE_SPACE_H
#define LEADGLASS_PROVE_PROVE_SPACE_H

#include "policy/policy.h"
#include "ruleset/packet.h"

// In the order in which they are cut. Values are in network order.
enum prove_variable {
	PROVE_ICMP_TYPE,
	PROVE_HOP_LIMIT, // IPv6
	PROVE_REVERSE,   // 0: no way back to the source through where it came by
	PROVE_IN_INTERFACE,
	PROVE_OUT_INTERFACE,
	PROVE_ARP_FORMAT,
	PROVE_ARP_OPERATION,
	PROVE_LLC,
	PROVE_QUOTED_PROTOCOL, // of the connection that an ICMP error is about, and so on
	PROVE_SOURCE,          // of IP, or of an ARP message
	PROVE_DESTINATION,
	PROVE_QUOTED_CLIENT,
	PROVE_QUOTED_SERVER,
	PROVE_ETHER_SOURCE,
	PROVE_ETHER_DESTINATION,
	PROVE_ARP_SENDER, // its MAC, as the message says
	PROVE_SOURCE_PORT,
	PROVE_DESTINATION_PORT,
	PROVE_QUOTED_PORT,
	PROVE_VARIABLE_COUNT,
	PROVE_ABSENT = PROVE_VARIABLE_COUNT, // the packet has no such thing
};

#define PROVE_VALUE_MAX 16
#define PROVE_BIT(variable) (UINT32_C(1) << (variable))

enum prove_state {
	PROVE_NEW,
	PROVE_ESTABLISHED, // in the direction of its connection's first packet
	PROVE_REPLY,
	PROVE_UNTRACKED,
	PROVE_INVALID,
	PROVE_RELATED, // an error to whom the connection's first packet went to; or an expected connection
	PROVE_RELATED_REPLY, // an error to whom it came from
	PROVE_STATE_COUNT,
};

struct prove_shape {
	enum ruleset_family table;
	enum ruleset_hook hook;
	uint16_t ether_type; // host order
	bool ip;
	enum address_family family;
	uint8_t protocol;
	enum prove_state state;
	uint32_t present; // PROVE_BIT of each variable that it has
	// Which variable is what; PROVE_ABSENT when it has none. The ends and the called port are those of the
	// connection the packet belongs to or is about.
	enum prove_variable destination, client, server, called;
};

struct prove_interval {
	uint8_t first[PROVE_VALUE_MAX], last[PROVE_VALUE_MAX];
};

struct prove_domain {
	size_t size; // octets of a value
	size_t count;
	const struct prove_interval *intervals; // ascending, disjoint
};

// Names of interfaces, ascending: those named, "lo", and one more. `wired`: without lo.
struct prove_space {
	struct prove_interval *interfaces, *wired;
	size_t interface_count, wired_count;
	char other[PROVE_VALUE_MAX]; // the one that stands for the rest
};

typedef uint8_t prove_values[PROVE_VARIABLE_COUNT][PROVE_VALUE_MAX];

// `names`: `count` names of PROVE_VALUE_MAX octets; sorted in place. 0 or -ENOMEM.
int prove_space_init(struct prove_space *space, uint8_t (*names)[PROVE_VALUE_MAX], size_t count);
void prove_space_fini(struct prove_space *space);

// Fills in what follows from hook, table, ether_type, protocol and state.
void prove_shape_finish(struct prove_shape *shape);
bool prove_state_tracked(enum prove_state state);
bool prove_state_related(enum prove_state state);
bool prove_state_reply(enum prove_state state);

struct prove_domain prove_domain(const struct prove_space *space, const struct prove_shape *shape,
                                 enum prove_variable variable);

// A value that is nothing special, in view of those chosen before; it need not lie in the domain.
void prove_usual(const struct prove_space *space, const struct prove_shape *shape, enum prove_variable variable,
                 prove_values values, uint8_t ret[static PROVE_VALUE_MAX]);

void prove_packet(const struct prove_shape *shape, prove_values values, struct packet *ret);

#endif
