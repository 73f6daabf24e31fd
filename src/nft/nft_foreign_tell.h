// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inside nft_foreign: what was found in the tables of others, and which of it is worth telling beside our wall.
#ifndef LEADGLASS_NFT_FOREIGN_TELL_H
#define LEADGLASS_NFT_FOREIGN_TELL_H

#include "nft/nft_foreign.h"

enum foreign_sort {
	FOREIGN_DORMANT, // a table that is switched off: no name
	FOREIGN_BASE,    // a chain that packets come to by themselves
	FOREIGN_CHAIN,   // one that others go to, kept for what its rules do
	FOREIGN_FLOWTABLE,
};

struct foreign_place {
	enum foreign_sort sort;
	uint8_t family; // NFPROTO_*
	char *table, *name;
	uint32_t hook; // FOREIGN_BASE only
	int32_t priority;
	unsigned kinds; // bit 1 << enum nft_foreign_kind for each that its rules do
};

#define FOREIGN_HOOKS 5 // NF_INET_PRE_ROUTING to NF_INET_POST_ROUTING; the bridge's have the same numbers

struct foreign_search {
	struct foreign_place *places;
	size_t count, capacity;
	size_t last;    // place found last
	uint32_t port;  // of our socket
	bool flowtable; // table inet leadglass-flow is that socket's
	struct foreign_wall {
		bool stands;
		int32_t priority;
	} wall[2][FOREIGN_HOOKS]; // inet, bridge: our own chains
};

// One of our own chains was seen.
void nft_foreign_wall_is(struct foreign_search *search, uint8_t family, uint32_t hook, int32_t priority);

void nft_foreign_tell(const struct foreign_search *search, nft_foreign_fn report, void *context);

#endif
