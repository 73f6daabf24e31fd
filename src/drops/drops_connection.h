// SPDX-License-Identifier: GPL-2.0-or-later
//
// New connections, as conntrack tells of them (netlink group NFNLGRP_CONNTRACK_NEW). It does so when a
// connection's first packet has been accepted: what was dropped makes none.
#ifndef LEADGLASS_DROPS_DROPS_CONNECTION_H
#define LEADGLASS_DROPS_DROPS_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct drops_connection {
	struct prefix source, destination; // exact, of the first packet
	uint8_t protocol;
	uint16_t port; // the destination's, host order; 0 without ports
};

// Reads every new connection of a netlink datagram and gives it to `report`. Malformed messages are counted in
// *ret_bad.
void drops_read_connections(const void *datagram, size_t size,
                            void (*report)(void *context, const struct drops_connection *connection),
                            void *context, size_t *ret_bad);

#endif
