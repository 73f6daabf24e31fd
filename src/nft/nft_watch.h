// SPDX-License-Identifier: GPL-2.0-or-later
//
// Hears of changes to the kernel's rules, ours and others', as they happen (netlink group NFNLGRP_NFTABLES).
#ifndef LEADGLASS_NFT_NFT_WATCH_H
#define LEADGLASS_NFT_NFT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"

struct nft_watch;

// One transaction of somebody's, or what is known of several.
struct nft_seen {
	bool ours;    // something of a table named leadglass was changed, added or deleted
	bool foreign; // something of other tables: tables, chains, rules or flowtables (elements do not count)
	bool lost;    // more happened than the socket could hold: anything may have changed
	uint32_t generation; // after it; 0: not said, or lost
	uint32_t pid;        // of the process that committed it; 0: not said
	char process[16];    // its name, fit to be printed; "" when not said
};

// 0, or -errno with a problem.
int nft_watch_open(struct nft_watch **ret, struct problems *problems);
void nft_watch_close(struct nft_watch *watch);
int nft_watch_fd(const struct nft_watch *watch); // readable when there is something to hear

// Hears the next transaction, without waiting. 0; -EAGAIN there is none (the part of one that was heard is
// kept); else -errno.
int nft_watch_read(struct nft_watch *watch, struct nft_seen *ret);

// Stops and begins to listen: the kernel spends three times as long on a transaction that somebody listens to,
// so nobody listens to our own. What others did meanwhile is found by comparing generations (struct nft_state).
void nft_watch_pause(struct nft_watch *watch);
int nft_watch_resume(struct nft_watch *watch); // forgets what is queued

#endif
