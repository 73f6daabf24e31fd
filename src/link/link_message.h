// SPDX-License-Identifier: GPL-2.0-or-later
//
// The octets of what is asked of the kernel. No socket; whoever sends it gives it its number.
#ifndef LEADGLASS_LINK_LINK_MESSAGE_H
#define LEADGLASS_LINK_LINK_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "base/address.h"

#define LINK_MESSAGE_MAX 512
// What addresses of ours are marked with (IFA_PROTO): numbers from 4 on are for whoever wants one.
#define LINK_ADDRESS_PROTOCOL 0x4c

struct link_message {
	union {
		struct nlmsghdr header;
		char octets[LINK_MESSAGE_MAX];
	};
};

void link_message_interfaces(struct link_message *message); // ask for all of them
void link_message_addresses(struct link_message *message);
void link_message_bridge(struct link_message *message, const char *name, uint16_t forwards); // make one
void link_message_bridge_set(struct link_message *message, uint32_t index, uint16_t forwards);
void link_message_delete(struct link_message *message, uint32_t index);
void link_message_flags(struct link_message *message, uint32_t index, bool up);
void link_message_master(struct link_message *message, uint32_t index, uint32_t master); // 0: none
void link_message_link_local(struct link_message *message, uint32_t index, bool makes);
void link_message_address(struct link_message *message, bool add, uint32_t index, const struct prefix *address,
                          uint8_t length);

#endif
