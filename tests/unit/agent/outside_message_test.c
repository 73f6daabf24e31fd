// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the keeper believes of the outside process: every field out of its bounds, every size, octets at random.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/agent_outside_message.h"

static size_t rows_size(size_t count)
{
	return offsetof(struct outside_rows, items) + count * sizeof(struct outside_row);
}

static size_t connections_size(size_t count)
{
	return offsetof(struct outside_connections, items) + count * sizeof(struct outside_connection);
}

static union outside_message good_rows(uint32_t count)
{
	union outside_message m;
	memset(&m, 0, sizeof m);
	m.rows.kind = OUTSIDE_ROWS;
	m.rows.count = count;
	for (size_t i = 0; i < count; i++) {
		struct drops_row *row = &m.rows.items[i].row;
		m.rows.items[i].index = (uint32_t)i;
		row->count = 1;
		row->first_seen = row->last_seen = 1700000000;
		strcpy(row->first.prefix, "leadglass input: ");
		row->first.source = (struct prefix){.octets = {10, 0, 0, 1}, .length = 32};
		row->first.destination = (struct prefix){.octets = {10, 0, 0, 2}, .length = 32};
	}
	return m;
}

static void good(void **state)
{
	(void)state;
	union outside_message m = good_rows(OUTSIDE_ROWS_MAX);
	assert_null(outside_check(&m, rows_size(OUTSIDE_ROWS_MAX), 0));
	m = good_rows(1);
	assert_null(outside_check(&m, rows_size(1), 0));
	m.rows.items[0].row.first.source.length = m.rows.items[0].row.first.destination.length = 0;
	memset(m.rows.items[0].row.first.source.octets, 0, 16);
	memset(m.rows.items[0].row.first.destination.octets, 0, 16);
	assert_null(outside_check(&m, rows_size(1), 0)); // a frame that was no IP packet
}

static void wrong_rows(void **state)
{
	(void)state;
	union outside_message m;
#define wrong(change)                                                                                          \
	m = good_rows(2);                                                                                      \
	change;                                                                                                \
	assert_non_null(outside_check(&m, rows_size(2), 0))
#define item m.rows.items[1]
	wrong(item.index = DROPS_ROWS_MAX);
	wrong(item.index = UINT32_MAX);
	wrong(memset(item.row.first.prefix, 'x', DROPS_PREFIX_MAX));
	wrong(item.row.first.prefix[3] = '\n');
	wrong(item.row.first.prefix[3] = '\x1b');
	wrong(item.row.first.prefix[3] = (char)0xc3);
	wrong(item.row.first.source.family = 2);
	wrong(item.row.first.source.length = 31);
	wrong(item.row.first.source.length = 128);
	wrong(item.row.first.destination.octets[4] = 1);
	wrong(item.row.first.destination.length = 0);
	wrong(item.row.count = 0);
	wrong(item.row.port_count = 65537);
	wrong(item.row.first_seen = -1);
	wrong(item.row.last_seen = INT64_MAX);
	wrong(item.row.first.in_interface = UINT32_MAX);
	wrong(item.row.first.out_interface = 0x80000000);
	wrong(memset(&item.row.first.ports_known, 2, 1));
	wrong(memset(&item.row.first.mac_known, 255, 1));
	wrong(m.rows.count = 0);
	wrong(m.rows.count = 1);
	wrong(m.rows.count = 3);
	wrong(m.rows.count = UINT32_MAX);
	wrong(m.rows.kind = 0);
	wrong(m.rows.kind = OUTSIDE_LOG);
	wrong(m.rows.kind = 7);
#undef wrong
#undef item
}

static void sizes(void **state)
{
	(void)state;
	union outside_message m = good_rows(3);
	for (size_t size = 0; size <= sizeof m; size++)
		assert_true((outside_check(&m, size, 0) == NULL) == (size == rows_size(3)));
}

static void connections(void **state)
{
	(void)state;
	union outside_message m;
	const struct outside_connection one = {
	        .source = {.octets = {10, 0, 0, 1}, .length = 32},
	        .destination = {.octets = {10, 0, 0, 2}, .length = 32},
	        .protocol = 6,
	        .port = 104,
	        .count = 1,
	};
#define attempt(wanted, change)                                                                                \
	memset(&m, 0, sizeof m);                                                                               \
	m.connections.kind = OUTSIDE_CONNECTIONS;                                                              \
	m.connections.count = 2;                                                                               \
	m.connections.items[0] = m.connections.items[1] = one;                                                 \
	change;                                                                                                \
	assert_true((outside_check(&m, connections_size(2), 0) == NULL) == (wanted))
	attempt(true, (void)0);
	attempt(false, m.connections.items[1].count = 0);
	attempt(false, m.connections.items[1].source.length = 0);
	attempt(false, m.connections.items[1].destination.length = 24);
	attempt(false, (m.connections.items[1].destination = (struct prefix){.family = 1, .length = 128}));
	attempt(false, m.connections.count = 0);
	attempt(false, m.connections.count = OUTSIDE_CONNECTIONS_MAX + 1);
#undef attempt
}

static void states(void **state)
{
	(void)state;
	union outside_message m;
#define attempt(wanted, change)                                                                                \
	memset(&m, 0, sizeof m);                                                                               \
	m.state.kind = OUTSIDE_STATE;                                                                          \
	m.state.count = 2;                                                                                     \
	change;                                                                                                \
	assert_true((outside_check(&m, sizeof m.state, 2) == NULL) == (wanted))
	attempt(true, (void)0);
	attempt(true, m.state.collectors[1].state = OUTSIDE_UP);
	attempt(false, m.state.count = 1);
	attempt(false, m.state.collectors[1].state = OUTSIDE_UP + 1);
	attempt(false, m.state.collectors[1].wants_local = 2);
	attempt(false, m.state.collectors[1].error = -1);
	attempt(false, m.state.collectors[1].error = 5000);
#undef attempt
	assert_non_null(outside_check(&m, sizeof m.state - 1, 2));
}

static void random_octets(void **state)
{
	uint64_t seed = 5;
	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		union outside_message m = good_rows(2);
		for (size_t n = i % 16 + 1; n > 0; n--) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			((unsigned char *)&m)[(seed >> 40) % rows_size(2)] = (unsigned char)(seed >> 32);
		}
		if (outside_check(&m, rows_size(2), 0))
			continue;
		for (size_t j = 0; j < 2; j++) {
			assert_true(m.rows.items[j].index < DROPS_ROWS_MAX);
			assert_true(strlen(m.rows.items[j].row.first.prefix) < DROPS_PREFIX_MAX);
			assert_true(m.rows.items[j].row.first.ports_known +
			                    m.rows.items[j].row.first.mac_known <=
			            2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(good),        cmocka_unit_test(wrong_rows), cmocka_unit_test(sizes),
	        cmocka_unit_test(connections), cmocka_unit_test(states),     cmocka_unit_test(random_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
