// SPDX-License-Identifier: GPL-2.0-or-later
//
// TCP connections that ran before the wall was put up. Conntrack picks such a one up in the middle and takes
// whoever sent the first packet it saw for the client; when that was the server, the wall, which judges by
// direction, would cut a connection the policy allows, for as long as the two of them go on trying.
#ifndef LEADGLASS_NFT_CONNTRACK_H
#define LEADGLASS_NFT_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nft/nft.h"
#include "ruleset/packet.h"

struct nlmsghdr;

// One of conntrack's TCP connections, as its first packet.
struct nft_connection {
	struct prefix source, destination;
	uint16_t source_port, destination_port;       // host order
	const struct nlattr *attributes[CTA_MAX + 1]; // into the message
};

// Reads one message of conntrack's dump. False: not a TCP connection that was picked up in the middle, or its
// addresses are translated, or the message is garbage: nothing for us to touch.
bool nft_connection_read(const struct nlmsghdr *message, struct nft_connection *ret);

// Whether the wall lets nobody open the connection this way round, but the other way round it does.
bool nft_connection_is_reversed(const struct nft_connection *connection, const struct ruleset *ruleset);

// How many connections there are. Asked first, because a dump walks all of conntrack's buckets, some 12 ms of
// them on a large machine, also when they are empty, as they are at every boot. 0 or -errno of the kernel.
int nft_conntrack_count(struct nft *nft, uint32_t *ret);

// Turns round the entries of running connections that stand the wrong way. What fails is a warning: the wall
// stands.
void nft_conntrack_turn(struct nft *nft, const struct ruleset *ruleset, struct problems *problems);

#endif
