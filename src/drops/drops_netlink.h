// SPDX-License-Identifier: GPL-2.0-or-later
//
// A netlink datagram taken apart: messages, and their attributes. Private to src/drops.
#ifndef LEADGLASS_DROPS_DROPS_NETLINK_H
#define LEADGLASS_DROPS_DROPS_NETLINK_H

#include "drops/drops_cursor.h"

struct drops_message {
	uint16_t type;            // subsystem << 8 | message
	uint8_t family;           // of the nfgenmsg
	struct drops_cursor body; // attributes
};

// The next message of NETLINK_NETFILTER in the datagram. False: no more; *ret_bad is counted up when it ends in
// garbage or a message is too short for its headers (it is left out).
bool drops_next_message(struct drops_cursor *datagram, struct drops_message *ret, size_t *ret_bad);

// Sorts attributes by number into `table` (of `count`), `at` NULL where there is none; those of higher numbers
// are left out. False: garbage.
bool drops_attributes(struct drops_cursor body, struct drops_cursor *table, size_t count);

#endif
