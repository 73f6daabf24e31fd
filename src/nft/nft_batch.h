// SPDX-License-Identifier: GPL-2.0-or-later
//
// One transaction being written: messages end to end in one buffer, and for each message what it is about, so
// that a refusal can be told in the policy's words. Sticky: after the first failure every call is a no-op and
// nft_batch_end returns it, so nothing is ever sent with a part left out.
#ifndef LEADGLASS_NFT_BATCH_H
#define LEADGLASS_NFT_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "ruleset/ruleset.h"

struct nlmsghdr;

enum nft_subject {
	NFT_SUBJECT_BATCH, // its begin and end
	NFT_SUBJECT_TABLE,
	NFT_SUBJECT_TABLE_DELETE,
	NFT_SUBJECT_CHAIN,
	NFT_SUBJECT_CHAIN_DELETE,
	NFT_SUBJECT_RULES_DELETE, // all of the table's
	NFT_SUBJECT_SET,
	NFT_SUBJECT_SET_DELETE,
	NFT_SUBJECT_ELEMENTS, // which one an error means is found by its key, in the message itself
	NFT_SUBJECT_ELEMENTS_DELETE,
	NFT_SUBJECT_RULE,
	NFT_SUBJECT_FLOWTABLE, // anything of nft_flowtable.c
};

// What a message is about. The pointers lead into the rulesets the batch was made from.
struct nft_message {
	enum nft_subject subject;
	size_t offset; // of the message in the batch
	const struct ruleset_table *table;
	const struct ruleset_chain *chain;
	const struct ruleset_rule *rule;
	const struct ruleset_set *set;
};

struct nft_batch {
	struct buffer data;
	struct nft_message *messages;
	size_t count, capacity;
	uint32_t first; // sequence number of the first message; the others follow one by one
	int error;
};

// Starts a transaction that the kernel is to refuse (ERESTART) unless its rules are of this generation; 0:
// whatever they are.
void nft_batch_begin(struct nft_batch *batch, uint32_t first, uint32_t generation);
int nft_batch_end(struct nft_batch *batch); // 0 or the first error
void nft_batch_fini(struct nft_batch *batch);

// A new message with at most `room` octets of attributes to follow: `type` an NFT_MSG_*. NULL after a failure.
// nft_batch_add takes it in once its attributes are there; until then the batch is as it was.
struct nlmsghdr *nft_batch_message(struct nft_batch *batch, uint8_t type, uint16_t flags,
                                   const struct ruleset_table *table, size_t room);
void nft_batch_add(struct nft_batch *batch, const struct nlmsghdr *header, const struct nft_message *about);

void nft_batch_fail(struct nft_batch *batch, int error); // the first one stays

// The message of a sequence number; NULL when it is none of this batch.
const struct nft_message *nft_batch_find(const struct nft_batch *batch, uint32_t sequence);

#endif
