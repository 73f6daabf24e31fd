// SPDX-License-Identifier: GPL-2.0-or-later
//
// Open addressing, at most half full. A slot keeps half of the hash, so that a name is nearly never compared
// with another one's.
#include "policy/policy_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash(const struct word *word)
{
	const uint64_t multiplier = 0x9e3779b97f4a7c15u;
	uint64_t h = word->size * multiplier;
	for (size_t i = 0; i < word->size; i += 8) {
		uint64_t part = 0;
		memcpy(&part, word->text + i, word->size - i < 8 ? word->size - i : 8);
		h = (h ^ part) * multiplier;
		h ^= h >> 32;
	}
	return h;
}

int policy_index_init(struct policy_index *index, const void *items, size_t stride, size_t count)
{
	size_t slots = 16;
	while (slots < 2 * count)
		slots *= 2;
	*index = (struct policy_index){.mask = slots - 1, .items = items, .stride = stride};
	index->slots = calloc(slots, sizeof *index->slots);
	return index->slots ? 0 : -ENOMEM;
}

void policy_index_fini(struct policy_index *index)
{
	free(index->slots);
	index->slots = NULL;
}

static const struct word *name_of(const struct policy_index *index, size_t i)
{
	return (const struct word *)(const void *)(index->items + i * index->stride);
}

// The slot that has the name, or the empty one where it would be.
static size_t locate(const struct policy_index *index, const struct word *name, uint64_t h)
{
	size_t slot = (size_t)h & index->mask;
	for (; index->slots[slot]; slot = (slot + 1) & index->mask) {
		uint64_t kept = index->slots[slot];
		if (kept >> 32 != h >> 32)
			continue;
		const struct word *other = name_of(index, (size_t)(kept & UINT32_MAX) - 1);
		if (other->size == name->size && memcmp(other->text, name->text, name->size) == 0)
			break;
	}
	return slot;
}

static size_t add(struct policy_index *index, size_t i, uint64_t h)
{
	uint64_t *slot = &index->slots[locate(index, name_of(index, i), h)];
	if (*slot)
		return (size_t)(*slot & UINT32_MAX) - 1;
	*slot = (h & ~(uint64_t)UINT32_MAX) | (uint64_t)(i + 1);
	return i;
}

// A large table is in no cache: asking for its slots some names ahead hides most of the wait.
#define AHEAD 16

void policy_index_fill(struct policy_index *index, size_t count,
                       void (*twice)(void *context, size_t first, size_t second), void *context)
{
	uint64_t hashes[AHEAD];
	for (size_t i = 0; i < count + AHEAD; i++) {
		if (i >= AHEAD) {
			size_t done = i - AHEAD, first = add(index, done, hashes[done % AHEAD]);
			if (first != done)
				twice(context, first, done);
		}
		if (i < count) {
			uint64_t h = hash(name_of(index, i));
			hashes[i % AHEAD] = h;
			__builtin_prefetch(&index->slots[h & index->mask], 1);
		}
	}
}

size_t policy_index_find(const struct policy_index *index, const struct word *name)
{
	uint64_t kept = index->slots[locate(index, name, hash(name))];
	return kept ? (size_t)(kept & UINT32_MAX) - 1 : SIZE_MAX;
}
