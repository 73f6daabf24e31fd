// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names to indices: a hash table over an array of structs that begin with their name. Made once, asked, freed.
#ifndef LEADGLASS_POLICY_INDEX_H
#define LEADGLASS_POLICY_INDEX_H

#include "policy/policy.h"

struct policy_index {
	uint64_t *slots; // hash's upper half and index + 1; 0: empty
	size_t mask;
	const char *items;
	size_t stride;
};

// Room for `count` of the structs at `items`, `stride` octets each. 0 or -ENOMEM.
int policy_index_init(struct policy_index *index, const void *items, size_t stride, size_t count);
void policy_index_fini(struct policy_index *index);

// Adds the items 0 ... count - 1. Calls `twice` for each whose name an earlier one has; only the first is kept.
void policy_index_fill(struct policy_index *index, size_t count,
                       void (*twice)(void *context, size_t first, size_t second), void *context);

// The index of the item of that name; SIZE_MAX when there is none.
size_t policy_index_find(const struct policy_index *index, const struct word *name);

#endif
