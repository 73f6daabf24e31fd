// SPDX-License-Identifier: GPL-2.0-or-later
//
// The flow table of role router (`flowtable` of the policy): a second table of ours, which takes established
// TCP connections over once the wall has let a packet of theirs through. Their packets then go from interface
// to interface before any chain of the forward hook. So it may stand only beside a wall that was verified and
// is not changed: every transaction of nft_load and nft_remove that changes the wall deletes it in the same
// transaction, and with it all that it has taken over. It is owned by the socket that made it and does not
// outlive it: without an agent there is none.
#ifndef LEADGLASS_NFT_NFT_FLOWTABLE_H
#define LEADGLASS_NFT_NFT_FLOWTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/nft.h"

struct nft_batch;

#define NFT_FLOWTABLE_TABLE "leadglass-flow" // family inet
#define NFT_FLOWTABLE_NAME "flow"            // the one flow table in it
#define NFT_FLOWTABLE_INTERFACE_MAX 15       // octets in an interface's name

// By its name; NUL-terminated.
struct nft_interface {
	char name[NFT_FLOWTABLE_INTERFACE_MAX + 1];
};

// Puts it up over these interfaces, in place of one of that name that is ours or nobody's. 0; -EPERM the table
// is another process's (a problem names it); -errno of the kernel with a problem, among them those of
// nft_flowtable_lacks. Before Linux 6.16 an interface that is not there is -ENOENT too.
int nft_flowtable_put(struct nft *nft, const struct nft_interface *interfaces, size_t count,
                      struct problems *problems);
// Takes it down, and every connection with it. 0, also when there is none of ours; or -errno with a problem.
int nft_flowtable_remove(struct nft *nft, struct problems *problems);
// Whether that is what an error of nft_flowtable_put means, once the interfaces are known to be there: the
// kernel has no flow tables.
bool nft_flowtable_lacks(int error);

// Whether this socket has put one up that was not taken down since, as far as it knows without asking.
bool nft_flowtable_stands(const struct nft *nft);
// Asks: whether the kernel holds ours over exactly these interfaces. One that goes away takes its place in it
// along. Whoever owns a table is the only one who changes it, so nothing else of it can differ. 1, 0 or -errno.
int nft_flowtable_is(struct nft *nft, const struct nft_interface *interfaces, size_t count);

// ---- inside src/nft ----

// How the table stands; *ret is left all 0 when there is none. 0 or -errno.
int nft_flowtable_read(struct nft *nft, struct nft_table_state *ret);
// Whether a transaction of ours can and has to delete it, by what nft_flowtable_read said: not what another
// process owns, which would have the whole transaction refused.
bool nft_flowtable_goes(const struct nft_table_state *state);
void nft_put_flowtable_delete(struct nft_batch *batch);

#endif
