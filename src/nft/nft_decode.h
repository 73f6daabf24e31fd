// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel shows of our table, as a ruleset. Exactly the expression sequences that nft_put_rule writes
// become statements; anything else stays as `foreign` text in its place, so that it can be reported and
// removed.
#ifndef LEADGLASS_NFT_DECODE_H
#define LEADGLASS_NFT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/nft.h"
#include "ruleset/ruleset.h"

struct nlmsghdr;

struct nft_found_set {
	uint64_t handle;
	bool unread; // its elements were not asked for
	bool keep;   // it stays, and only its elements are exchanged (nft_plan decides)
};

// What a ruleset does not say about a table but changing it needs to know. One for each of ruleset.tables.
struct nft_found_table {
	struct nft_found_set *sets; // as many as the table has sets
	uint64_t *chain_handles;    // as many as it has chains
	size_t set_capacity, chain_capacity;
	uint32_t flags;
	bool dormant; // switched off: no chain of it is asked
};

// The kernel's side, as read.
struct nft_found {
	struct ruleset ruleset;
	struct nft_found_table tables[2];
	struct nft_state state;
	bool borrowed; // elements of some sets are of what was known (nft_read_known)
};

void nft_found_fini(struct nft_found *found);

// Each takes one message of a dump about the last table of `found`. 0 or -errno; what belongs to another table
// is left out.
int nft_decode_table(struct nft_found *found, const struct nlmsghdr *message, uint32_t port);
int nft_decode_set(struct nft_found *found, const struct nlmsghdr *message);
int nft_decode_chain(struct nft_found *found, const struct nlmsghdr *message);
int nft_decode_rule(struct nft_found *found, const struct nlmsghdr *message); // after sets and chains

// The statements of a rule (nft_rule_decode.c): the attributes NFTA_RULE_EXPRESSIONS and NFTA_RULE_USERDATA,
// either may be NULL. Adds one rule to chain `chain` of the builder's table.
struct nlattr;
int nft_decode_statements(struct ruleset_builder *b, uint32_t chain, const struct nlattr *expressions,
                          const struct nlattr *userdata);

#endif
