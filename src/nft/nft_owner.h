// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which process holds a netlink socket, as far as /proc tells.
#ifndef LEADGLASS_NFT_OWNER_H
#define LEADGLASS_NFT_OWNER_H

#include <stdbool.h>
#include <stdint.h>

struct nft_owner {
	int pid;
	char name[16]; // as in /proc/PID/comm
	bool sure;     // false: nobody was seen to hold the socket, but its port is this process's number
};

// The process with the NETLINK_NETFILTER socket of this port in the caller's network namespace. False when it
// cannot be seen: another namespace of processes, no permission, or it ended just now.
bool nft_owner_find(uint32_t port, struct nft_owner *ret);

#endif
