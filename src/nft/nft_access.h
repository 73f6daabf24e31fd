// SPDX-License-Identifier: GPL-2.0-or-later
//
// Timed access: elements with a timeout in the `access` sets of the standing wall. The kernel itself closes
// them.
#ifndef LEADGLASS_NFT_NFT_ACCESS_H
#define LEADGLASS_NFT_NFT_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/nft.h"

#define NFT_ACCESS_MAX 64      // open at once
#define NFT_ACCESS_MS_MIN 1000 // the kernel would make a permanent one of less than a tick
#define NFT_ACCESS_SECONDS_MAX RULESET_TIMED_SECONDS_MAX

struct nft_access {
	struct prefix from; // exact
	struct prefix to;   // exact: a device behind the gateway; that it is one is for the caller to know
	bool box;           // to this host or gateway itself; `to` does not count
	uint16_t port;      // TCP, host order
	uint64_t ms;        // how long still, in time the machine is awake
	char comment[RULESET_COMMENT_MAX + 1]; // "alice: replace the tube, ticket 4711"
	uint64_t packets, octets; // read from the kernel; they begin again when the window is changed
};

// Opens one, or changes how long it stays open and its comment; its connections go on. `meant` is the standing
// wall (it names the sets). 0; -EINVAL not exact, no port, out of NFT_ACCESS_MS_MIN to NFT_ACCESS_SECONDS_MAX;
// -ENOENT when this wall has no place for it (a device address in role host, ...) or the kernel has no wall;
// -ENOSPC too many; -EPERM the table belongs to another process; -EBADE the set in the kernel is not the one
// meant; else -errno; with a problem.
int nft_access_open(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                    struct problems *problems);
// Its connections are cut. 0; -ENOENT it is not open; else as above; with a problem.
int nft_access_close(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                     struct problems *problems);
// All that are open now: *ret malloc'ed (NULL when there is none), *ret_count at most NFT_ACCESS_MAX. 0 also
// when there is no wall. What stands in the sets without an end is no window; nft_verify reports it.
int nft_access_list(struct nft *nft, struct nft_access **ret, size_t *ret_count, struct problems *problems);

#endif
