// SPDX-License-Identifier: GPL-2.0-or-later
//
// Set elements as octets, written and read without an object for each: a list of 100,000 costs 20 octets an
// element on its way to the kernel and its keys' length on the way back.
#ifndef LEADGLASS_NFT_ELEMENT_H
#define LEADGLASS_NFT_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ruleset/ruleset.h"

struct nft_batch;
struct nlattr;
struct nlmsghdr;

#define NFT_TIMEOUT_MIN 1000 // milliseconds; an element of a timed set with less fails the batch

// Writes elements of one set into as many messages as they need (65,535 octets of elements each).
struct nft_elements {
	struct nft_batch *batch;
	const struct ruleset_table *table;
	const struct ruleset_set *set;
	bool remove;
	size_t expected;         // how many are still to come, for the room
	struct nlmsghdr *header; // of the message being filled; NULL between messages
	struct nlattr *nest;
	size_t used, room; // octets in the nest, and how many it may have
};

void nft_elements_begin(struct nft_elements *e, struct nft_batch *batch, const struct ruleset_table *table,
                        const struct ruleset_set *set, size_t expected, bool remove);
void nft_elements_put(struct nft_elements *e, size_t element);
void nft_elements_end(struct nft_elements *e);

void nft_put_all_elements(struct nft_batch *batch, const struct ruleset_table *table,
                          const struct ruleset_set *set);
void nft_put_flush(struct nft_batch *batch, const struct ruleset_table *table, const struct ruleset_set *set);

// Takes the elements of one message of a dump into `set`. What is in the kernel and not in our vocabulary (a
// catch-all element, a verdict, a timeout but in a timed set) makes the set foreign. 0 or -ENOMEM.
int nft_read_elements(struct ruleset_set *set, const struct nlmsghdr *message);

// Gives `set`, which has no elements yet, those of `from`: of the same kind, without comments. 0 or -ENOMEM.
int nft_copy_elements(struct ruleset_set *set, const struct ruleset_set *from);

// The element that octet `offset` of a message of ours lies in; -1 when it is in none.
ptrdiff_t nft_element_at(const struct ruleset_set *set, const struct nlmsghdr *message, uint32_t offset);

#endif
