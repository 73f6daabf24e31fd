// SPDX-License-Identifier: GPL-2.0-or-later
//
// Parts of a ruleset as messages of a transaction. Every function is a no-op once the batch has failed, and
// fails it when it cannot write all of its part.
#ifndef LEADGLASS_NFT_ENCODE_H
#define LEADGLASS_NFT_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ruleset/ruleset.h"

struct nft_batch;
struct nft_rule_writer;

// Linux 6.9 on; not in older headers. The table outlives its owner.
#define NFT_PERSIST 0x4

uint8_t nft_family(enum ruleset_family family); // NFPROTO_INET, NFPROTO_BRIDGE

void nft_put_table(struct nft_batch *batch, const struct ruleset_table *table, uint32_t flags);
void nft_put_table_delete(struct nft_batch *batch, const struct ruleset_table *table);
void nft_put_chain(struct nft_batch *batch, const struct ruleset_table *table,
                   const struct ruleset_chain *chain);
void nft_put_chain_policy(struct nft_batch *batch, const struct ruleset_table *table,
                          const struct ruleset_chain *chain); // of a base chain that stands
void nft_put_set(struct nft_batch *batch, const struct ruleset_table *table, const struct ruleset_set *set,
                 uint32_t id);
void nft_put_rule(struct nft_batch *batch, const struct ruleset_table *table, const struct ruleset_chain *chain,
                  const struct ruleset_rule *rule);

// A STATEMENT_COMPARE of a rule (nft_rule_encode.c).
void nft_write_compare(struct nft_rule_writer *w, const struct ruleset_statement *s);

// By handle, because a name that somebody else chose may be longer than we keep.
void nft_put_chain_delete(struct nft_batch *batch, const struct ruleset_table *table,
                          const struct ruleset_chain *chain, uint64_t handle);
void nft_put_set_delete(struct nft_batch *batch, const struct ruleset_table *table,
                        const struct ruleset_set *set, uint64_t handle);
void nft_put_rules_delete(struct nft_batch *batch, const struct ruleset_table *table); // all of the table's

// nft's number for a set key of these types, and what can be read from it. False for one that we do not write.
uint32_t nft_key_type(const struct ruleset_set *set);
bool nft_key_type_read(uint32_t key_type, enum ruleset_type types[static RULESET_FIELDS_MAX],
                       size_t *ret_count);
// Octets of a key as the kernel has it: padded parts when there are several, the bare value when there is one.
size_t nft_key_length(const struct ruleset_set *set);
uint32_t nft_set_flags(const struct ruleset_set *set);

#endif
