// SPDX-License-Identifier: GPL-2.0-or-later
//
// Looks at the tables of others for what could carry packets around the wall. They are not ours to change; the
// administrator is told. What the kernel keeps outside of nf_tables cannot be seen this way: rules of
// iptables-legacy and ebtables-legacy (those of iptables-nft are tables like any other), tc, XDP and other BPF
// programs, IPVS. Nor are verdict maps looked into: what a `vmap` accepts is not reported.
#ifndef LEADGLASS_NFT_NFT_FOREIGN_H
#define LEADGLASS_NFT_NFT_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/nft.h"

enum nft_foreign_kind {
	NFT_FOREIGN_FLOWTABLE, // packets of offloaded flows see no forward chain at all: a bypass in role
	                       // router
	NFT_FOREIGN_INGRESS,   // a netdev (ingress or egress) chain that redirects: `fwd` or `dup` rules
	NFT_FOREIGN_QUEUE,   // a program decides on packets of a queue and can change them; where it gets them
	                     // at our hook and ahead of us, its verdict NF_STOP passes them around the wall
	NFT_FOREIGN_NOTRACK, // what is not tracked has no direction: allowed DICOM would be dropped
	NFT_FOREIGN_NAT,     // addresses change before or after the wall judges them
	NFT_FOREIGN_ACCEPT,  // an accept ahead of ours: does not overrule the wall, but somebody thinks it does
};
const char *nft_foreign_kind_name(enum nft_foreign_kind kind); // "flowtable"
bool nft_foreign_is_bypass(enum nft_foreign_kind kind);        // false: worth knowing, not dangerous

// Names are cut to 28 octets, and hold no control characters.
struct nft_foreign {
	enum nft_foreign_kind kind;
	const char *family; // "inet"
	const char *table;
	const char *chain; // or the flowtable
	char what[200];    // one line of English, with the names in it
};
typedef void (*nft_foreign_fn)(void *context, const struct nft_foreign *found);

// Reports each, at most one of a kind for each chain or flowtable; an accept for the base chain that leads to
// it. Tables that are switched off (dormant) and chains that no packet comes to are left out. 0, or -errno with
// a problem.
int nft_foreign_find(struct nft *nft, nft_foreign_fn report, void *context, struct problems *problems);

#endif
