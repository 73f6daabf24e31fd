// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes the elements of an interval set disjoint. The kernel finds some overlaps of concatenated intervals and
// refuses them, does not find others, and which it is depends on the order they come in; policies overlap all
// the time (a network and a part of it, a port and a range around it). Overlapping ranges of the same addresses
// are joined. Addresses are prefixes, so two of them are nested or apart; port ranges that still overlap are
// cut at each other's ends, and then an element is either apart from another or inside it, and those inside go.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/ruleset_compile.h"

// Offsets of the parts of a key. The last part is the ports (or the ICMP type).
struct layout {
	const struct ruleset_set *set;
	size_t unit;
	size_t parts;
	size_t offset[RULESET_FIELDS_MAX], size[RULESET_FIELDS_MAX];
	size_t order[RULESET_FIELDS_MAX]; // parts in the order the sweep compares them: ports, exact ones, the
	                                  // network
};

static const uint8_t *first_key(const struct layout *l, size_t element)
{
	return l->set->keys + element * l->unit;
}

static const uint8_t *last_key(const struct layout *l, size_t element)
{
	return first_key(l, element) + l->set->key_size;
}

static bool part_is_exact(const struct layout *l, size_t part)
{
	for (size_t i = 0; i < l->set->count; i++)
		if (memcmp(first_key(l, i) + l->offset[part], last_key(l, i) + l->offset[part],
		           l->size[part]) != 0)
			return false;
	return true;
}

// 0, or -EINVAL when more than one part besides the ports is not exact: the sweep could not order that, and no
// policy makes it.
static int lay_out(struct layout *l, const struct ruleset_set *set)
{
	*l = (struct layout){.set = set, .unit = (size_t)set->key_size * 2, .parts = set->type_count};
	size_t offset = 0, networks = 0, at = 0;
	for (size_t i = 0; i < l->parts; i++) {
		l->offset[i] = offset;
		l->size[i] = ruleset_type_size(set->types[i]);
		offset += (l->size[i] + 3) / 4 * 4;
	}
	l->order[at++] = l->parts - 1;
	for (size_t i = 0; i + 1 < l->parts; i++) {
		if (part_is_exact(l, i))
			l->order[at++] = i;
		else if (networks++)
			return -EINVAL;
		else
			l->order[l->parts - 1] = i;
	}
	return 0;
}

static unsigned ports_of(const struct layout *l, const uint8_t *key)
{
	const uint8_t *p = key + l->offset[l->parts - 1];
	return l->size[l->parts - 1] == 1 ? p[0] : (unsigned)p[0] << 8 | p[1];
}

static bool addresses_overlap(const struct layout *l, size_t a, size_t b)
{
	for (size_t i = 0; i + 1 < l->parts; i++) {
		size_t at = l->offset[i], size = l->size[i];
		if (memcmp(first_key(l, a) + at, last_key(l, b) + at, size) > 0 ||
		    memcmp(first_key(l, b) + at, last_key(l, a) + at, size) > 0)
			return false;
	}
	return true;
}

// The lowest port after the element's first at which it has to be cut because a range that shares addresses
// with it begins or ends there; 0: none.
static unsigned cut_of(const struct layout *l, size_t element)
{
	unsigned first = ports_of(l, first_key(l, element)), last = ports_of(l, last_key(l, element)), cut = 0;
	for (size_t i = 0; first < last && i < l->set->count; i++) {
		unsigned ends[2] = {ports_of(l, first_key(l, i)), ports_of(l, last_key(l, i)) + 1};
		if (i == element || !addresses_overlap(l, element, i))
			continue;
		for (size_t k = 0; k < 2; k++)
			if (ends[k] > first && ends[k] <= last && (cut == 0 || ends[k] < cut))
				cut = ends[k];
	}
	return cut;
}

static void set_ports(const struct layout *l, uint8_t *key, unsigned port)
{
	uint8_t *p = key + l->offset[l->parts - 1];
	p[0] = (uint8_t)(port >> 8);
	p[1] = (uint8_t)port;
}

// Cuts until nothing is left to cut: a part cut off may in turn cut another.
static int cut_ranges(struct ruleset_set *set, struct layout *l)
{
	struct ruleset whole = {.table_count = 1, .tables[0] = {.sets = set, .set_count = 1}};
	struct ruleset_builder b = {.ruleset = &whole, .table = &whole.tables[0]};
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < set->count; i++) {
			unsigned cut = cut_of(l, i);
			if (cut == 0)
				continue;
			uint8_t rest[2][RULESET_KEY_MAX];
			memcpy(rest[0], first_key(l, i), set->key_size);
			memcpy(rest[1], last_key(l, i), set->key_size);
			set_ports(l, rest[0], cut);
			set_ports(l, set->keys + i * l->unit + set->key_size, cut - 1);
			ruleset_build_element(&b, 0, rest[0], rest[1], set->origins[i]);
			if (b.error)
				return b.error;
			if (set->count > RULESET_ELEMENTS_MAX)
				return -E2BIG;
			again = true;
		}
	}
	return 0;
}

static int sweep_order(const void *a, const void *b, void *context)
{
	const struct layout *l = context;
	size_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	for (size_t part = 0; part < l->parts; part++) {
		size_t at = l->offset[l->order[part]], size = l->size[l->order[part]];
		int order = memcmp(first_key(l, i) + at, first_key(l, k) + at, size);
		if (order == 0) // the wider one first
			order = memcmp(last_key(l, k) + at, last_key(l, i) + at, size);
		if (order != 0)
			return order;
	}
	return i < k ? -1 : 1; // of equal ones the first written stays
}

static bool is_inside(const struct layout *l, size_t inner, size_t outer)
{
	for (size_t i = 0; i < l->parts; i++) {
		size_t at = l->offset[i], size = l->size[i];
		if (memcmp(first_key(l, inner) + at, first_key(l, outer) + at, size) < 0 ||
		    memcmp(last_key(l, inner) + at, last_key(l, outer) + at, size) > 0)
			return false;
	}
	return true;
}

typedef int (*order_fn)(const void *a, const void *b, void *layout);
typedef bool (*absorb_fn)(const struct layout *l, size_t element, size_t kept);

// Goes through the elements in order and takes out those that the last one kept absorbs.
static int sweep(struct ruleset_set *set, const struct layout *l, order_fn order_of, absorb_fn absorb)
{
	uint32_t *order = malloc(set->count * sizeof *order);
	bool *gone = calloc(set->count, sizeof *gone);
	if (!order || !gone) {
		free(order);
		free(gone);
		return -ENOMEM;
	}
	for (size_t i = 0; i < set->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, set->count, sizeof *order, order_of, (void *)l);
	for (size_t i = 1, kept = 0; i < set->count; i++) {
		gone[order[i]] = absorb(l, order[i], order[kept]);
		if (!gone[order[i]])
			kept = i;
	}
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (gone[i])
			continue;
		memmove(set->keys + kept * l->unit, set->keys + i * l->unit, l->unit);
		set->origins[kept++] = set->origins[i];
	}
	set->count = kept;
	free(order);
	free(gone);
	return 0;
}

static int compare_addresses(const struct layout *l, size_t a, size_t b)
{
	size_t size = l->offset[l->parts - 1];
	int order = memcmp(first_key(l, a), first_key(l, b), size);
	return order != 0 ? order : memcmp(last_key(l, a), last_key(l, b), size);
}

static int join_order(const void *a, const void *b, void *context)
{
	const struct layout *l = context;
	size_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	int order = compare_addresses(l, i, k);
	if (order == 0)
		order = (int)ports_of(l, first_key(l, i)) - (int)ports_of(l, first_key(l, k));
	if (order != 0)
		return order;
	return i < k ? -1 : 1;
}

// Ranges of the same addresses that share a port become one. (Without this n of them would be cut into n * n
// pieces.)
static bool join(const struct layout *l, size_t element, size_t kept)
{
	unsigned end = ports_of(l, last_key(l, kept)), more = ports_of(l, last_key(l, element));
	if (compare_addresses(l, element, kept) != 0 || ports_of(l, first_key(l, element)) > end)
		return false;
	if (more > end)
		memcpy(l->set->keys + kept * l->unit + l->set->key_size, last_key(l, element),
		       l->set->key_size);
	return true;
}

int ruleset_make_disjoint(struct ruleset_set *set)
{
	struct layout layout;
	if (set->count < 2)
		return 0;
	int r = lay_out(&layout, set);
	if (r == 0)
		r = sweep(set, &layout, join_order, join);
	if (r == 0)
		r = cut_ranges(set, &layout);
	if (r == 0)
		r = sweep(set, &layout, sweep_order, is_inside);
	return r;
}
