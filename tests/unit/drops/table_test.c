// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table of drops against a naive one that looks at every row, and what it does with floods and scans.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datagram.h"
#include "drops/drops.h"

#define NOW 1700000000

static struct drops_record record_from(uint32_t source, uint16_t port)
{
	struct drops_record record = {
	        .prefix = "leadglass input: ",
	        .ether_type = 0x0800,
	        .source = {.octets = {10, (uint8_t)(source >> 16), (uint8_t)(source >> 8), (uint8_t)source},
	                   .length = 32},
	        .destination = {.octets = {10, 1, 1, 10}, .length = 32},
	        .protocol = 6,
	        .ports_known = true,
	        .source_port = 40000,
	        .port = port,
	};
	return record;
}

static int setup(void **state)
{
	*state = drops_table_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	drops_table_free(*state);
	return 0;
}

static size_t rows_in_use(const struct drops_table *table)
{
	size_t count = 0;
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++)
		count += drops_table_row(table, i) != NULL;
	return count;
}

static void one_row(void **state)
{
	struct drops_table *table = *state;
	assert_null(drops_table_row(table, 0));
	assert_null(drops_table_row(table, DROPS_ROWS_MAX));
	assert_int_equal(drops_table_changed(table, 0), DROPS_ROWS_MAX);

	struct drops_record record = record_from(1, 11112);
	size_t index = drops_table_add(table, &record, NOW);
	record.source_port++; // another attempt
	assert_int_equal(drops_table_add(table, &record, NOW + 5), index);
	const struct drops_row *row = drops_table_row(table, index);
	assert_int_equal(row->count, 2);
	assert_int_equal(row->first.source_port, 40000);
	assert_int_equal(row->first_seen, NOW);
	assert_int_equal(row->last_seen, NOW + 5);
	assert_int_equal(row->ports[0], 11112);
	assert_int_equal(row->ports[1], 0);
	assert_int_equal(row->port_count, 1);
	assert_int_equal(drops_table_changed(table, 0), index);
	assert_int_equal(drops_table_changed(table, 0), DROPS_ROWS_MAX);
}

// What makes a row another one, and what does not.
static void keys(void **state)
{
	struct drops_table *table = *state;
	struct drops_record base = record_from(1, 104), other;
	size_t index = drops_table_add(table, &base, NOW);
#define another(change)                                                                                        \
	other = base;                                                                                          \
	change;                                                                                                \
	assert_int_not_equal(drops_table_add(table, &other, NOW), index)
#define the_same(change)                                                                                       \
	other = base;                                                                                          \
	change;                                                                                                \
	assert_int_equal(drops_table_add(table, &other, NOW), index)
	another(other.source.octets[3]++);
	another(other.destination.octets[3]++);
	another(other.protocol = 17);
	another(other.prefix[10] = 'o');
	another(other.ether_type = 0x86dd);
	the_same(other.port++);
	the_same(other.source_port++);
	the_same(other.ports_known = false);
	the_same(other.mac[0]++);
	the_same(other.in_interface++);

	// No IP: by ether type, source and MAC. Whoever asks for every address by ARP is one row.
	base.ether_type = 0x0806;
	base.ports_known = false;
	index = drops_table_add(table, &base, NOW);
	the_same(other.destination.octets[3]++);
	another(other.mac[5]++);
	another(other.source.octets[3]++);
#undef another
#undef the_same
}

static void scan(void **state)
{
	struct drops_table *table = *state;
	size_t index = 0;
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t port = 1; port <= 65535; port++) {
			struct drops_record record = record_from(1, (uint16_t)port);
			index = drops_table_add(table, &record, NOW);
		}
	}
	const struct drops_row *row = drops_table_row(table, index);
	assert_int_equal(rows_in_use(table), 1);
	assert_int_equal(row->count, 2 * 65535);
	assert_in_range(row->port_count, 64000, 65536);
	assert_int_equal(row->ports[0], 1);
	assert_int_equal(row->ports[3], 4);
}

// Exact up to 256, then within a fifth, for scanners that go up, and for those that jump.
static void port_counts(void **state)
{
	static const uint32_t wanted[] = {1, 2, 4, 5, 50, 128, 256, 400, 1000, 5000, 30000};
	(void)state;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		for (uint32_t step = 1; step <= 40503; step += 40502) {
			struct drops_table *table = drops_table_new();
			assert_non_null(table);
			for (uint32_t n = 0; n < wanted[i]; n++) {
				struct drops_record record = record_from(1, (uint16_t)(1024 + n * step));
				drops_table_add(table, &record, NOW);
				drops_table_add(table, &record, NOW); // again: no other port
			}
			uint32_t found = drops_table_row(table, 0)->port_count;
			if (wanted[i] <= 256)
				assert_int_equal(found, wanted[i]);
			else
				assert_in_range(found, wanted[i] * 4 / 5, wanted[i] * 6 / 5);
			drops_table_free(table);
		}
	}
}

static void changed(void **state)
{
	struct drops_table *table = *state;
	for (uint32_t i = 0; i < 200; i++) {
		struct drops_record record = record_from(i, 104);
		assert_int_equal(drops_table_add(table, &record, NOW), i);
	}
	assert_int_equal(drops_table_changed(table, 63), 63);
	assert_int_equal(drops_table_changed(table, 63), 64);
	assert_int_equal(drops_table_changed(table, 199), 199);
	assert_int_equal(drops_table_changed(table, 199), DROPS_ROWS_MAX);
	size_t count = 0, last = 0;
	for (size_t i = drops_table_changed(table, 0); i < DROPS_ROWS_MAX; i = drops_table_changed(table, 0)) {
		assert_true(count == 0 || i > last);
		last = i;
		count++;
	}
	assert_int_equal(count, 197);
	struct drops_record record = record_from(100, 105);
	drops_table_add(table, &record, NOW);
	assert_int_equal(drops_table_changed(table, 101), DROPS_ROWS_MAX);
	assert_int_equal(drops_table_changed(table, 0), 100);
}

// ---- against a table that looks at every row ----

struct naive_row {
	uint32_t source;
	uint64_t count;
	int64_t first_seen, last_seen;
	uint64_t turn; // when it was last touched
};

struct naive {
	struct naive_row rows[DROPS_ROWS_MAX];
	size_t count;
	uint64_t turn, forgotten;
};

static int64_t worth(const struct naive_row *row)
{
	return row->last_seen + (row->count >= 1024 ? 86400
	                         : row->count >= 64 ? 21600
	                         : row->count >= 8  ? 3600
	                         : row->count >= 2  ? 600
	                                            : 0);
}

static int class_of(const struct naive_row *row)
{
	return (row->count >= 2) + (row->count >= 8) + (row->count >= 64) + (row->count >= 1024);
}

// Of equal worth the one with fewer packets, then the one touched longest ago.
static bool goes_before(const struct naive_row *a, const struct naive_row *b)
{
	if (worth(a) != worth(b))
		return worth(a) < worth(b);
	if (class_of(a) != class_of(b))
		return class_of(a) < class_of(b);
	return a->turn < b->turn;
}

static size_t naive_add(struct naive *n, uint32_t source, int64_t now)
{
	size_t at = 0;
	n->turn++;
	while (at < n->count && n->rows[at].source != source)
		at++;
	if (at == n->count) {
		if (n->count < DROPS_ROWS_MAX) {
			n->count++;
		} else {
			at = 0;
			for (size_t i = 1; i < n->count; i++)
				if (goes_before(&n->rows[i], &n->rows[at]))
					at = i;
			n->forgotten++;
		}
		n->rows[at] = (struct naive_row){.source = source, .first_seen = now};
	}
	n->rows[at].count++;
	n->rows[at].last_seen = now;
	n->rows[at].turn = n->turn;
	return at;
}

static void assert_same_table(const struct drops_table *table, const struct naive *n)
{
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++) {
		const struct drops_row *row = drops_table_row(table, i);
		assert_int_equal(row != NULL, i < n->count);
		if (!row)
			continue;
		struct drops_record wanted = record_from(n->rows[i].source, 104);
		assert_true(prefix_equal(&row->first.source, &wanted.source));
		assert_int_equal(row->count, n->rows[i].count);
		assert_int_equal(row->first_seen, n->rows[i].first_seen);
		assert_int_equal(row->last_seen, n->rows[i].last_seen);
	}
}

static void against_naive(void **state)
{
	struct drops_table *table = *state;
	struct naive *n = calloc(1, sizeof *n);
	uint64_t seed = 3;
	int64_t now = NOW;
	assert_non_null(n);
	for (size_t i = 0; i < 60000; i++) {
		// Some who knock all day, many who come once, and phases of each.
		uint32_t kind = next_random(&seed) % 16, source = next_random(&seed);
		source = kind < 4 ? source % 8 : kind < 10 ? 100 + source % 300 : 1000 + source % 100000;
		if (i / 10000 % 2 == 1)
			source = 1000000 + next_random(&seed) % 5000;
		now += next_random(&seed) % 3 == 0 ? next_random(&seed) % 40 : 0;
		struct drops_record record = record_from(source, 104);
		size_t wanted = naive_add(n, source, now);
		assert_int_equal(drops_table_add(table, &record, now), wanted);
		if (i % 997 == 0)
			assert_same_table(table, n);
	}
	assert_same_table(table, n);
	assert_int_equal(drops_table_forgotten(table), n->forgotten);
	assert_true(n->forgotten > 10000);
	free(n);
}

// A million strangers with a packet each: one who knocked before them is still there.
static void flood(void **state)
{
	struct drops_table *table = *state;
	uint64_t seed = 9;
	struct drops_record persistent = record_from(1, 104);
	size_t index = 0;
	for (int i = 0; i < 10; i++)
		index = drops_table_add(table, &persistent, NOW);
	for (uint32_t i = 0; i < 1000000; i++) {
		struct drops_record record = record_from(0x100 + i, (uint16_t)next_random(&seed));
		size_t at = drops_table_add(table, &record, NOW + i / 1000);
		assert_true(at < DROPS_ROWS_MAX && at != index);
	}
	assert_int_equal(rows_in_use(table), DROPS_ROWS_MAX);
	assert_int_equal(drops_table_forgotten(table), 1000001 - DROPS_ROWS_MAX);
	assert_int_equal(drops_table_row(table, index)->count, 10);
	assert_true(prefix_equal(&drops_table_row(table, index)->first.source, &persistent.source));
}

// A clock that jumps, as one without a battery does when the time server answers, harms nothing.
static void clock_jumps(void **state)
{
	struct drops_table *table = *state;
	static const int64_t times[] = {0, NOW, 5, NOW + 86400, INT64_C(1) << 40, 1};
	for (uint32_t i = 0; i < 3000; i++) {
		struct drops_record record = record_from(i % 700, 104);
		assert_true(drops_table_add(table, &record, times[i % 6]) < DROPS_ROWS_MAX);
	}
	assert_int_equal(rows_in_use(table), DROPS_ROWS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(one_row, setup, teardown),
	        cmocka_unit_test_setup_teardown(keys, setup, teardown),
	        cmocka_unit_test_setup_teardown(scan, setup, teardown),
	        cmocka_unit_test(port_counts),
	        cmocka_unit_test_setup_teardown(changed, setup, teardown),
	        cmocka_unit_test_setup_teardown(against_naive, setup, teardown),
	        cmocka_unit_test_setup_teardown(flood, setup, teardown),
	        cmocka_unit_test_setup_teardown(clock_jumps, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
