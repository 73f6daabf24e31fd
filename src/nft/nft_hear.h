// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the octets of the kernel's notifications about its rules to what was done to whose tables, a transaction
// at a time. No socket.
#ifndef LEADGLASS_NFT_HEAR_H
#define LEADGLASS_NFT_HEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/nft_watch.h"

// Takes messages from the front of what is left of a datagram (aligned as netlink has it), up to the end of a
// transaction: the kernel closes each with an NFT_MSG_NEWGEN. `part` holds what was heard of one that has not
// ended; it begins all zero. Returns how many octets were taken, all of them when *ret_ended stays false. True:
// *ret is the transaction, and `part` is empty again. What is no netlink message ends with `lost`.
size_t nft_hear(struct nft_seen *part, const void *data, size_t size, struct nft_seen *ret, bool *ret_ended);

// Adds a later transaction to what is known of earlier ones. Of two processes the one that touched our tables
// is kept, else the later one.
void nft_hear_merge(struct nft_seen *all, const struct nft_seen *later);

#endif
