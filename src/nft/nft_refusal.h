// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel refused, said in the policy's words: which line, which rule or element, what it may lack.
#ifndef LEADGLASS_NFT_REFUSAL_H
#define LEADGLASS_NFT_REFUSAL_H

#include "nft/nft_batch.h"
#include "nft/nft_talk.h"

void nft_refusal_report(const struct nft_batch *batch, const struct nft_refusal *refusal,
                        struct problems *problems);

// The table belongs to another process.
void nft_owner_report(const struct nft_table_state *state, enum ruleset_family family,
                      struct problems *problems);

#endif
