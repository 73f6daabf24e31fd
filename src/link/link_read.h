// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the octets of the kernel's answers to what they say. No socket.
#ifndef LEADGLASS_LINK_LINK_READ_H
#define LEADGLASS_LINK_LINK_READ_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/netlink.h>

#include "link/link.h"

// False: it is no message about an interface (about an address of one), or not all of it is there.
bool link_read_interface(const struct nlmsghdr *message, struct link_interface *ret);
bool link_read_address(const struct nlmsghdr *message, struct link_address *ret);

// A refusal's errno, made positive (0: none; EBADMSG: too short to hold one), and the kernel's own words
// for it, "" when it has none.
int link_read_refusal(const struct nlmsghdr *message, char *ret, size_t size);

// Whether a whole message stands at the front of `left` octets: mnl_nlmsg_ok, and long enough to be one.
// (libmnl takes a length of 2 GiB for a negative one.)
bool link_message_ok(const struct nlmsghdr *message, int left);

#endif
