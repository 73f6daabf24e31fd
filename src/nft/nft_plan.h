// SPDX-License-Identifier: GPL-2.0-or-later
//
// From what the kernel holds to what is meant, as one transaction that changes no more than it has to: nothing,
// elements of standing sets, or rules and sets inside standing chains. A base chain is deleted only when its
// hook, priority or kind is not the one meant.
#ifndef LEADGLASS_NFT_PLAN_H
#define LEADGLASS_NFT_PLAN_H

#include <stdbool.h>

#include "nft/nft_batch.h"
#include "nft/nft_decode.h"

struct nft_plan {
	enum nft_change change;
	bool claims; // takes a table over, or switches it on: something to send even when nothing else differs
	bool claims_only; // that has to be committed by itself first, and then planned again
	size_t added, removed;
};

// Writes the messages into a batch that has begun. `persist`: ask for tables that others cannot change and that
// outlive this process. `found` is only marked with what stays.
void nft_plan(struct nft_batch *batch, struct nft_found *found, const struct ruleset *meant, bool persist,
              struct nft_plan *ret);

#endif
