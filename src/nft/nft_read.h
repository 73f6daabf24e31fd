// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading our tables consistently: all of it from one generation of the kernel's rules.
#ifndef LEADGLASS_NFT_READ_H
#define LEADGLASS_NFT_READ_H

#include "nft/nft_decode.h"

struct nft;

// The kernel walks a hash set from its start for each part of a dump: what reading costs grows with the square
// of the elements. From about here on, writing a list anew is cheaper than reading it to find what has changed
// (measured, see docs/architecture.md).
#define NFT_READ_ELEMENTS_MAX 8192

// 0 and *ret (for nft_found_fini), or -errno with a problem. Of sets that have more than NFT_READ_ELEMENTS_MAX
// elements in `skip` the elements are not read; `skip` may be NULL.
int nft_read_all(struct nft *nft, const struct ruleset *skip, struct nft_found *ret, struct problems *problems);

// The same, all of it, but without the elements that `known` has while the rules are still those of generation
// `known_at`: who has read them then knows them, because whatever changes an element of a set without timeouts
// makes another generation. Sets with comments are read: they are short, and their elements' counters are the
// kernel's.
int nft_read_known(struct nft *nft, const struct ruleset *known, uint32_t known_at, struct nft_found *ret,
                   struct problems *problems);

// The same, but no chains and rules, and of the sets only the timed ones with their elements: costs little,
// however long the lists of peers are.
int nft_read_windows(struct nft *nft, struct nft_found *ret, struct problems *problems);

#endif
