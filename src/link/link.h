// SPDX-License-Identifier: GPL-2.0-or-later
//
// Network interfaces, by rtnetlink(7): which there are, a bridge and its ports, addresses. Everything is done
// at once and acknowledged by the kernel; what it refuses becomes a problem in words. Nothing here decides
// anything.
#ifndef LEADGLASS_LINK_LINK_H
#define LEADGLASS_LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/problem.h"

struct link; // two netlink sockets, one to ask and one to hear changes; and the folder of IPv6's settings

#define LINK_NAME_MAX 15 // octets in an interface's name

// As the kernel has it.
struct link_interface {
	uint32_t index;
	uint32_t master; // index of the bridge (bond, VRF) it is in; 0: none
	char name[LINK_NAME_MAX + 1];
	char kind[16];      // "bridge", "veth"; "" for hardware
	bool up;            // by whoever administers it
	bool carrier;       // a cable with somebody at its other end
	bool link_local;    // makes itself an IPv6 link-local address once it is up
	bool stp, snooping; // of a bridge; snooping: keeps multicast from ports where nobody asked for it
	uint16_t forwards;  // of a bridge: group_fwd_mask
};

// An address of an interface.
struct link_address {
	uint32_t index;
	struct prefix prefix; // the address, exact
	uint8_t length;       // of its network's prefix
	bool ours;            // set by link_address_add, whichever process did (Linux 5.18 on; before: false)
};

// 0, or -errno with a problem. Whoever uses it later may have no right to make sockets or to open files any
// more.
int link_open(struct link **ret, struct problems *problems);
void link_close(struct link *link);

// Readable when interfaces or addresses have changed. link_heard takes what there is: true when anything was.
int link_fd(const struct link *link);
bool link_heard(struct link *link);

// All interfaces, and all addresses, as an array (free it; NULL: none). 0 or -errno with a problem.
int link_interfaces(struct link *link, struct link_interface **ret, size_t *ret_count,
                    struct problems *problems);
int link_addresses(struct link *link, struct link_address **ret, size_t *ret_count, struct problems *problems);
// The interface of a name. 0, -ENODEV without a problem when there is none, or -errno with a problem.
int link_find(struct link *link, const char *name, struct link_interface *ret, struct problems *problems);

// ---- of one interface; 0 or -errno with a problem that names it ----

int link_up(struct link *link, const struct link_interface *interface, struct problems *problems);
int link_down(struct link *link, const struct link_interface *interface, struct problems *problems);
int link_delete(struct link *link, const struct link_interface *interface, struct problems *problems);
// Into a bridge, out of whatever it was in before; out of it.
int link_join(struct link *link, const struct link_interface *interface, const struct link_interface *bridge,
              struct problems *problems);
int link_leave(struct link *link, const struct link_interface *interface, struct problems *problems);
// Adds an address, marked as ours; one that is there already is no error. Removes one; one that is gone is
// none.
int link_address_add(struct link *link, const struct link_interface *interface, const struct prefix *address,
                     uint8_t length, struct problems *problems);
int link_address_remove(struct link *link, const struct link_interface *interface,
                        const struct link_address *address, struct problems *problems);

// ---- link_bridge.c ----

// Makes a bridge that is down: no spanning tree, no multicast snooping, no IPv6 link-local address, and
// `forwards` as its group_fwd_mask (which of the link-local groups 01:80:c2:00:00:0X it passes on, a bit each).
// The problem says so when the kernel has no bridges (-EOPNOTSUPP).
int link_bridge_make(struct link *link, const char *name, uint16_t forwards, struct problems *problems);
// Whether a bridge is as link_bridge_make leaves it; and makes it so.
bool link_bridge_is(const struct link_interface *bridge, uint16_t forwards);
int link_bridge_set(struct link *link, const struct link_interface *bridge, uint16_t forwards,
                    struct problems *problems);

// ---- link_ipv6.c ----

// IPv6 of an interface on (with the addresses it is given and a link-local one, none from router
// advertisements) or off (no address, nothing sent). Nothing to do where the kernel has no IPv6, and none when
// it is so already.
int link_ipv6(struct link *link, const struct link_interface *interface, bool on, struct problems *problems);
// The folder it writes to, for Landlock; -1: none.
int link_ipv6_folder(const struct link *link);

#endif
