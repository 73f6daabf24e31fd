// SPDX-License-Identifier: GPL-2.0-or-later
//
// Timed access: elements with a timeout in the `access` sets of the standing wall. The kernel itself closes them.
#ifndef LEADGLASS_NFT_NFT_ACCESS_H
#define LEADGLASS_NFT_NFT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/nft.h"

#define NFT_ACCESS_MAX 64                    // open at once
#define NFT_ACCESS_SECONDS_MAX (7 * 24 * 3600) // one week: what lasts longer belongs into the policy

struct nft_access {
	struct prefix from; // exact
	struct prefix to;   // exact: a device behind the gateway; `box` then false
	bool box;           // to this host or gateway itself; `to` does not count
	uint16_t port;      // TCP, host order
	uint64_t ms;        // how long still
	char comment[RULESET_COMMENT_MAX + 1]; // "alice: replace the tube, ticket 4711"
	uint64_t packets, octets; // read from the kernel
};

// Opens one, or changes how long it stays open. `meant` is the standing wall (it names the sets). 0; -ENOENT when
// this wall has no place for it (a device address in role host, ...); -ENOSPC too many; else -errno; with a
// problem.
int nft_access_open(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                    struct problems *problems);
// 0; -ENOENT it is not open; else -errno; with a problem.
int nft_access_close(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                     struct problems *problems);
// All that are open now: *ret malloc'ed, *ret_count at most NFT_ACCESS_MAX.
int nft_access_list(struct nft *nft, struct nft_access **ret, size_t *ret_count, struct problems *problems);

#endif
