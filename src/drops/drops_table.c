// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table of who was turned away: a hash index over a fixed number of rows, lists by age, and a small sample
// of ports in each row. Counting a packet costs the same whoever sends it.
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "drops/drops.h"

#define BUCKETS 512
#define NONE UINT16_MAX
#define SAMPLE_MAX 256
#define CLASSES 5

// A row of many packets counts as seen later than it was, so that a flood of strangers with a packet each
// drives out its own kind and not the one who has been knocking all day.
static const struct {
	uint64_t packets; // from so many on
	int64_t seconds;
} bonus[CLASSES] = {{0, 0}, {2, 600}, {8, 3600}, {64, 6 * 3600}, {1024, 24 * 3600}};

struct row {
	struct drops_row row;
	uint32_t hash;
	uint16_t next;         // in its bucket
	uint16_t older, newer; // in its class
	uint8_t class;
	// Distinct destination ports: those whose mixed number ends in `level` zeros. While there is room the
	// level is 0 and the sample is exact; then half of it is dropped at a time and each port left stands
	// for twice as many (Wegman's adaptive sampling).
	uint8_t level;
	uint16_t sample_count;
	uint16_t sample[SAMPLE_MAX];
};

struct drops_table {
	struct row rows[DROPS_ROWS_MAX];
	size_t used; // rows below it were in use once, and so are
	uint16_t buckets[BUCKETS];
	uint16_t oldest[CLASSES], newest[CLASSES];
	uint64_t changed[DROPS_ROWS_MAX / 64];
	uint64_t forgotten;
};

struct drops_table *drops_table_new(void)
{
	struct drops_table *table = calloc(1, sizeof *table);
	if (!table)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		table->buckets[i] = NONE;
	for (size_t i = 0; i < CLASSES; i++)
		table->oldest[i] = table->newest[i] = NONE;
	return table;
}

void drops_table_free(struct drops_table *table)
{
	free(table);
}

static bool is_ip(const struct drops_record *record)
{
	return record->ether_type == 0x0800 || record->ether_type == 0x86dd;
}

static uint32_t mix(uint32_t hash, const void *data, size_t size)
{
	const uint8_t *octets = data;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ octets[i]) * 16777619u; // FNV-1a
	return hash;
}

static uint32_t hash_prefix(uint32_t hash, const struct prefix *prefix)
{
	hash = mix(hash, &prefix->length, sizeof prefix->length);
	return mix(hash, prefix->octets, sizeof prefix->octets);
}

static uint32_t hash_record(const struct drops_record *record)
{
	uint32_t hash = mix(2166136261u, record->prefix, strnlen(record->prefix, sizeof record->prefix));
	hash = mix(hash, &record->ether_type, sizeof record->ether_type);
	hash = mix(hash, &record->protocol, sizeof record->protocol);
	hash = hash_prefix(hash, &record->source);
	hash = is_ip(record) ? hash_prefix(hash, &record->destination)
	                     : mix(hash, record->mac, sizeof record->mac);
	return hash ^ hash >> 16;
}

static bool same(const struct drops_record *a, const struct drops_record *b)
{
	return a->ether_type == b->ether_type && a->protocol == b->protocol &&
	       prefix_equal(&a->source, &b->source) &&
	       (is_ip(a) ? prefix_equal(&a->destination, &b->destination)
	                 : memcmp(a->mac, b->mac, sizeof a->mac) == 0) &&
	       strncmp(a->prefix, b->prefix, sizeof a->prefix) == 0;
}

// ---- lists by class: oldest ... newest ----

static uint8_t class_of(uint64_t count)
{
	uint8_t class = CLASSES - 1;
	while (count < bonus[class].packets)
		class --;
	return class;
}

static void class_add(struct drops_table *t, uint16_t index)
{
	struct row *row = &t->rows[index];
	row->class = class_of(row->row.count);
	row->newer = NONE;
	row->older = t->newest[row->class];
	if (row->older == NONE)
		t->oldest[row->class] = index;
	else
		t->rows[row->older].newer = index;
	t->newest[row->class] = index;
}

static void class_remove(struct drops_table *t, uint16_t index)
{
	struct row *row = &t->rows[index];
	if (row->older == NONE)
		t->oldest[row->class] = row->newer;
	else
		t->rows[row->older].newer = row->newer;
	if (row->newer == NONE)
		t->newest[row->class] = row->older;
	else
		t->rows[row->newer].older = row->older;
}

static uint16_t least_wanted(const struct drops_table *t)
{
	uint16_t found = NONE;
	int64_t found_at = 0;
	for (size_t i = 0; i < CLASSES; i++) {
		uint16_t index = t->oldest[i];
		if (index == NONE)
			continue;
		int64_t at = t->rows[index].row.last_seen + bonus[i].seconds;
		if (found == NONE || at < found_at) {
			found = index;
			found_at = at;
		}
	}
	return found;
}

// ---- rows ----

static uint16_t find(const struct drops_table *t, const struct drops_record *record, uint32_t hash)
{
	uint16_t index = t->buckets[hash % BUCKETS];
	while (index != NONE && (t->rows[index].hash != hash || !same(&t->rows[index].row.first, record)))
		index = t->rows[index].next;
	return index;
}

static void give_up(struct drops_table *t, uint16_t index)
{
	uint16_t *link = &t->buckets[t->rows[index].hash % BUCKETS];
	while (*link != index)
		link = &t->rows[*link].next;
	*link = t->rows[index].next;
	class_remove(t, index);
	t->forgotten++;
}

static uint16_t new_row(struct drops_table *t, const struct drops_record *record, uint32_t hash, int64_t now)
{
	uint16_t index;
	if (t->used < DROPS_ROWS_MAX) {
		index = (uint16_t)t->used++;
	} else {
		index = least_wanted(t);
		give_up(t, index);
	}
	struct row *row = &t->rows[index];
	memset(row, 0, sizeof *row);
	row->row.first = *record;
	row->row.first_seen = now;
	row->hash = hash;
	row->next = t->buckets[hash % BUCKETS];
	t->buckets[hash % BUCKETS] = index;
	return index;
}

// ---- ports ----

// A permutation of the port numbers that leaves no pattern of a scanner's in the low bits: of all 65,536
// exactly one in 2^level passes each level, so a scan of everything is counted almost exactly.
static uint16_t mix_port(uint16_t port)
{
	uint32_t x = port;
	x = (x ^ x >> 8) * 0x88b5u & 0xffff;
	x = (x ^ x >> 7) * 0xdb2du & 0xffff;
	return (uint16_t)(x ^ x >> 9);
}

static bool passes(uint16_t mixed, uint8_t level)
{
	return (mixed & ((1u << level) - 1)) == 0;
}

static void thin_out(struct row *row)
{
	uint16_t kept = 0;
	row->level++;
	for (uint16_t i = 0; i < row->sample_count; i++)
		if (passes(row->sample[i], row->level))
			row->sample[kept++] = row->sample[i];
	row->sample_count = kept;
}

static void count_port(struct row *row, uint16_t port)
{
	uint16_t mixed = mix_port(port);
	if (!passes(mixed, row->level))
		return;
	for (uint16_t i = 0; i < row->sample_count; i++)
		if (row->sample[i] == mixed)
			return;
	// Exact so far, so this port has not been seen before.
	if (row->level == 0 && row->sample_count < DROPS_PORTS_KEPT)
		row->row.ports[row->sample_count] = port;
	while (row->sample_count == SAMPLE_MAX && passes(mixed, row->level))
		thin_out(row);
	if (!passes(mixed, row->level))
		return;
	row->sample[row->sample_count++] = mixed;
	uint32_t estimate = (uint32_t)row->sample_count << row->level;
	if (estimate > row->row.count)
		estimate = (uint32_t)row->row.count; // a port took a packet
	if (estimate > row->row.port_count)          // an estimate that goes down would only puzzle
		row->row.port_count = estimate;
}

size_t drops_table_add(struct drops_table *table, const struct drops_record *record, int64_t now)
{
	uint32_t hash = hash_record(record);
	uint16_t index = find(table, record, hash);
	if (index == NONE)
		index = new_row(table, record, hash, now);
	else
		class_remove(table, index);
	struct row *row = &table->rows[index];
	row->row.count++;
	row->row.last_seen = now;
	if (record->ports_known)
		count_port(row, record->port);
	class_add(table, index);
	table->changed[index / 64] |= UINT64_C(1) << index % 64;
	return index;
}

const struct drops_row *drops_table_row(const struct drops_table *table, size_t index)
{
	return index < table->used ? &table->rows[index].row : NULL;
}

size_t drops_table_changed(struct drops_table *table, size_t from)
{
	for (size_t word = from / 64; word < DROPS_ROWS_MAX / 64; word++) {
		uint64_t bits = table->changed[word];
		if (word == from / 64)
			bits &= ~UINT64_C(0) << from % 64;
		if (bits == 0)
			continue;
		unsigned bit = (unsigned)__builtin_ctzll(bits);
		table->changed[word] &= ~(UINT64_C(1) << bit);
		return word * 64 + bit;
	}
	return DROPS_ROWS_MAX;
}

uint64_t drops_table_forgotten(const struct drops_table *table)
{
	return table->forgotten;
}
