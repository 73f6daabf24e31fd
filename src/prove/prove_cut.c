// SPDX-License-Identifier: GPL-2.0-or-later
//
// A sweep along one variable. Rows come and go at boundaries; between two of them lies a cell. What a row says
// of the variables still to come is a number (its id), found by comparing the octets: no hash decides alone.
#include "prove/prove_cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define NO_SLOT UINT32_MAX

// A row that is in question, and from where to where it reaches.
struct reach {
	const uint8_t *first, *last;
	struct prove_hit hit;
	uint32_t size; // octets of a value: for sorting
};

struct kin_list {
	struct prove_kin *first, **end;
	size_t count;
};

struct prove_cutter {
	struct reach *reaches;
	size_t reach_count, reach_capacity;
	uint32_t *active; // indices of reaches
	size_t active_count, active_capacity;
	struct prove_hit *hits; // of the cell at hand
	size_t hit_count, hit_capacity;
	// Open addressing; sizes are powers of two, at most the capacity. `ids` maps to reaches, `classes` to
	// kin.
	uint32_t *ids;
	size_t ids_size, ids_capacity;
	struct prove_kin **classes;
	size_t classes_size, classes_capacity;
	struct kin_list list; // of this cut
};

struct prove_cutter *prove_cutter_new(void)
{
	return calloc(1, sizeof(struct prove_cutter));
}

void prove_cutter_free(struct prove_cutter *cutter)
{
	if (!cutter)
		return;
	free(cutter->reaches);
	free(cutter->active);
	free(cutter->hits);
	free(cutter->ids);
	free(cutter->classes);
	free(cutter);
}

static uint64_t mix(uint64_t hash, const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3); // FNV-1a
	return hash;
}

// ---- which rows, from where to where ----

static bool concerns(const struct prove_cut *cut, size_t atom)
{
	return cut->needed[atom] && cut->left[atom].answer == PROVE_OPEN &&
	       cut->q->atoms[atom].mask & PROVE_BIT(cut->variable);
}

// A relation may be asked of one variable twice: it reaches where both its parts do. False: nowhere.
static bool reach_of(const struct prove_atom *atom, size_t row, enum prove_variable variable, struct reach *ret)
{
	ret->first = ret->last = NULL;
	for (size_t part = 0; part < atom->relation.parts; part++) {
		size_t size = atom->relation.sizes[part];
		if (atom->variables[part] != variable)
			continue;
		const uint8_t *first = prove_row_first(&atom->relation, row, part);
		const uint8_t *last = prove_row_last(&atom->relation, row, part);
		if (!ret->first || memcmp(first, ret->first, size) > 0)
			ret->first = first;
		if (!ret->last || memcmp(last, ret->last, size) < 0)
			ret->last = last;
		if (memcmp(ret->first, ret->last, size) > 0)
			return false;
	}
	return true;
}

// Two rows of one atom that say the same of all variables after this one.
static bool same_rest(const struct prove_atom *atom, size_t a, size_t b, enum prove_variable variable)
{
	const struct prove_relation *relation = &atom->relation;
	for (size_t part = 0; part < relation->parts; part++) {
		size_t size = relation->sizes[part];
		if (atom->variables[part] > variable &&
		    (memcmp(prove_row_first(relation, a, part), prove_row_first(relation, b, part), size) !=
		             0 ||
		     memcmp(prove_row_last(relation, a, part), prove_row_last(relation, b, part), size) != 0))
			return false;
	}
	return true;
}

static uint64_t hash_rest(const struct prove_atom *atom, size_t row, enum prove_variable variable)
{
	const struct prove_relation *relation = &atom->relation;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t part = 0; part < relation->parts; part++) {
		if (atom->variables[part] <= variable)
			continue;
		hash = mix(hash, prove_row_first(relation, row, part), relation->sizes[part]);
		hash = mix(hash, prove_row_last(relation, row, part), relation->sizes[part]);
	}
	return hash ^ hash >> 32;
}

// The id of a row: the number of the first reach that says the same.
static void give_id(struct prove_cutter *c, const struct prove_cut *cut, uint32_t index)
{
	struct prove_hit *hit = &c->reaches[index].hit;
	const struct prove_atom *atom = &cut->q->atoms[hit->atom];
	size_t slot = (hash_rest(atom, hit->row, cut->variable) + hit->atom) & (c->ids_size - 1);
	for (; c->ids[slot] != NO_SLOT; slot = (slot + 1) & (c->ids_size - 1)) {
		const struct prove_hit *other = &c->reaches[c->ids[slot]].hit;
		if (other->atom == hit->atom && same_rest(atom, other->row, hit->row, cut->variable)) {
			hit->id = other->id;
			return;
		}
	}
	c->ids[slot] = index;
	hit->id = index;
}

static int add_reach(struct prove_cutter *c, const struct prove_cut *cut, size_t atom, size_t row)
{
	struct reach reach = {.hit = {.atom = (uint32_t)atom, .row = (uint32_t)row},
	                      .size = (uint32_t)cut->domain.size};
	if (!reach_of(&cut->q->atoms[atom], row, cut->variable, &reach))
		return 0;
	int r = array_room(&c->reaches, c->reach_count, &c->reach_capacity, sizeof *c->reaches);
	if (r == 0)
		c->reaches[c->reach_count++] = reach;
	return r;
}

static int room_for_ids(struct prove_cutter *c)
{
	c->ids_size = 16;
	while (c->ids_size < 2 * c->reach_count)
		c->ids_size *= 2;
	int r = array_room_for(&c->ids, 0, c->ids_size, &c->ids_capacity, sizeof *c->ids);
	if (r == 0)
		memset(c->ids, 0xff, c->ids_size * sizeof *c->ids);
	return r;
}

static int collect(struct prove_cutter *c, const struct prove_cut *cut)
{
	int r = 0;
	c->reach_count = 0;
	for (size_t atom = 0; atom < cut->q->atom_count; atom++) {
		const struct prove_left *left = &cut->left[atom];
		if (!concerns(cut, atom))
			continue;
		size_t count = left->all ? cut->q->atoms[atom].relation.count : left->count;
		for (size_t i = 0; r == 0 && i < count; i++)
			r = add_reach(c, cut, atom, left->all ? i : left->rows[i]);
	}
	if (r == 0)
		r = room_for_ids(c);
	for (size_t i = 0; r == 0 && i < c->reach_count; i++)
		give_id(c, cut, (uint32_t)i);
	return r;
}

static int by_first(const void *a, const void *b)
{
	const struct reach *x = a, *y = b;
	return memcmp(x->first, y->first, x->size);
}

// ---- cells and classes ----

static void step(uint8_t *value, size_t size, int by)
{
	for (size_t i = size; i-- > 0;) {
		value[i] = (uint8_t)(value[i] + by);
		if (value[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

uint64_t prove_times(uint64_t a, uint64_t b)
{
	return a * b % PROVE_PRIME;
}

static uint64_t value_modulo(const uint8_t *value, size_t size)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < size; i++)
		sum = (sum * 256 + value[i]) % PROVE_PRIME;
	return sum;
}

static uint64_t interval_size(const uint8_t *first, const uint8_t *last, size_t size)
{
	return (value_modulo(last, size) + PROVE_PRIME - value_modulo(first, size) + 1) % PROVE_PRIME;
}

uint64_t prove_domain_size(const struct prove_domain *domain)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < domain->count; i++)
		sum = (sum +
		       interval_size(domain->intervals[i].first, domain->intervals[i].last, domain->size)) %
		      PROVE_PRIME;
	return sum;
}

static int by_atom_and_id(const void *a, const void *b)
{
	const struct prove_hit *x = a, *y = b;
	if (x->atom != y->atom)
		return x->atom < y->atom ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

// The distinct ids of the rows that reach over the cell.
static int gather_hits(struct prove_cutter *c)
{
	int r = array_room_for(&c->hits, 0, c->active_count, &c->hit_capacity, sizeof *c->hits);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->active_count; i++)
		c->hits[i] = c->reaches[c->active[i]].hit;
	if (c->active_count > 1)
		qsort(c->hits, c->active_count, sizeof *c->hits, by_atom_and_id);
	c->hit_count = 0;
	for (size_t i = 0; i < c->active_count; i++)
		if (c->hit_count == 0 || by_atom_and_id(&c->hits[c->hit_count - 1], &c->hits[i]) != 0)
			c->hits[c->hit_count++] = c->hits[i];
	return 0;
}

static uint64_t hash_hits(const struct prove_hit *hits, size_t count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < count; i++)
		hash = ((hash ^ hits[i].id) * UINT64_C(0x100000001b3) ^ hits[i].atom) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static bool same_hits(const struct prove_kin *kin, const struct prove_cutter *c)
{
	if (kin->hit_count != c->hit_count)
		return false;
	for (size_t i = 0; i < c->hit_count; i++)
		if (by_atom_and_id(&kin->hits[i], &c->hits[i]) != 0)
			return false;
	return true;
}

static struct prove_kin **find_slot(struct prove_cutter *c, const struct prove_hit *hits, size_t count,
                                    bool compare)
{
	size_t slot = hash_hits(hits, count) & (c->classes_size - 1);
	while (c->classes[slot] && !(compare && same_hits(c->classes[slot], c)))
		slot = (slot + 1) & (c->classes_size - 1);
	return &c->classes[slot];
}

static int room_for_classes(struct prove_cutter *c)
{
	if (c->classes_size >= 2 * (c->list.count + 1))
		return 0;
	size_t size = c->classes_size ? 2 * c->classes_size : 16;
	int r = array_room_for(&c->classes, 0, size, &c->classes_capacity, sizeof *c->classes);
	if (r < 0)
		return r;
	c->classes_size = size;
	memset(c->classes, 0, size * sizeof *c->classes);
	for (struct prove_kin *kin = c->list.first; kin; kin = kin->next)
		*find_slot(c, kin->hits, kin->hit_count, false) = kin;
	return 0;
}

static struct prove_kin *new_kin(struct prove_cutter *c, struct prove_stack *stack)
{
	struct prove_kin *kin = prove_stack_take(stack, sizeof *kin);
	struct prove_hit *hits = prove_stack_take(stack, c->hit_count * sizeof *hits);
	if (!kin || !hits)
		return NULL;
	*kin = (struct prove_kin){.hits = hits, .hit_count = c->hit_count};
	if (c->hit_count)
		memcpy(hits, c->hits, c->hit_count * sizeof *hits);
	*c->list.end = kin;
	c->list.end = &kin->next;
	c->list.count++;
	return kin;
}

// A class shows itself by its second cell where there is one: the first often begins at 0.0.0.0, the next right
// behind somebody's address.
static void choose(const struct prove_cut *cut, struct prove_kin *kin, const uint8_t *first,
                   const uint8_t *last, size_t cell_of_kin)
{
	size_t size = cut->domain.size;
	bool usual = memcmp(cut->usual, first, size) >= 0 && memcmp(cut->usual, last, size) <= 0;
	if (cell_of_kin == 0 || (cut->neighbours && cell_of_kin == 1))
		memcpy(kin->value, first, size);
	if (usual && !cut->neighbours)
		memcpy(kin->value, cut->usual, size);
}

static int add_cell(struct prove_cutter *c, struct prove_stack *stack, const struct prove_cut *cut,
                    const uint8_t *first, const uint8_t *last)
{
	int r = gather_hits(c);
	if (r == 0)
		r = room_for_classes(c);
	if (r < 0)
		return r;
	struct prove_kin **slot = find_slot(c, c->hits, c->hit_count, true), *kin = *slot;
	if (!kin)
		kin = *slot = new_kin(c, stack);
	if (!kin)
		return -ENOMEM;
	choose(cut, kin, first, last, kin->cells++);
	kin->size = (kin->size + interval_size(first, last, cut->domain.size)) % PROVE_PRIME;
	return 0;
}

// Rows that reach over `at` become active, those that end before it no longer are. *ret_last, the cell's last
// value, is brought down to the next boundary.
static int sweep_to(struct prove_cutter *c, size_t size, const uint8_t *at, size_t *next, uint8_t *ret_last)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->active_count; i++)
		if (memcmp(c->reaches[c->active[i]].last, at, size) >= 0)
			c->active[kept++] = c->active[i];
	c->active_count = kept;
	for (; *next < c->reach_count && memcmp(c->reaches[*next].first, at, size) <= 0; ++*next) {
		if (memcmp(c->reaches[*next].last, at, size) < 0)
			continue;
		int r = array_room(&c->active, c->active_count, &c->active_capacity, sizeof *c->active);
		if (r < 0)
			return r;
		c->active[c->active_count++] = (uint32_t)*next;
	}
	for (size_t i = 0; i < c->active_count; i++)
		if (memcmp(c->reaches[c->active[i]].last, ret_last, size) < 0)
			memcpy(ret_last, c->reaches[c->active[i]].last, size);
	if (*next < c->reach_count && memcmp(c->reaches[*next].first, ret_last, size) <= 0) {
		memcpy(ret_last, c->reaches[*next].first, size);
		step(ret_last, size, -1);
	}
	return 0;
}

int prove_cut(struct prove_cutter *c, struct prove_stack *stack, const struct prove_cut *cut,
              const struct prove_kin **ret_first, size_t *ret_cells)
{
	size_t size = cut->domain.size, next = 0, cells = 0;
	int r = collect(c, cut);
	if (r < 0)
		return r;
	if (c->reach_count > 1)
		qsort(c->reaches, c->reach_count, sizeof *c->reaches, by_first);
	c->active_count = 0;
	c->list = (struct kin_list){.end = &c->list.first};
	c->classes_size = 0;
	for (size_t i = 0; r == 0 && i < cut->domain.count; i++) {
		const struct prove_interval *interval = &cut->domain.intervals[i];
		uint8_t at[PROVE_VALUE_MAX], last[PROVE_VALUE_MAX];
		memcpy(at, interval->first, size);
		do {
			memcpy(last, interval->last, size);
			r = sweep_to(c, size, at, &next, last);
			if (r == 0)
				r = add_cell(c, stack, cut, at, last);
			cells++;
			memcpy(at, last, size);
			step(at, size, 1);
		} while (r == 0 && memcmp(last, interval->last, size) != 0);
	}
	*ret_first = c->list.first;
	*ret_cells = cells;
	return r;
}
