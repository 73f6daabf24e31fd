// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reports of the outside process: at once after a quiet time, then once a second, and nothing wrong or lost
// when the keeper is slow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_outside_talk.h"

#define NOW 1700000000

struct bench {
	struct talk talk;
	int keeper;
	struct drops_row rows[DROPS_ROWS_MAX]; // as the keeper knows them
	uint64_t connections;
	struct outside_state state;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	int ends[2];
	assert_non_null(b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	b->keeper = ends[0];
	assert_int_equal(talk_init(&b->talk, ends[1]), 0);
	b->talk.told_state = b->talk.state;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	close(b->keeper);
	close(b->talk.fd);
	talk_fini(&b->talk);
	free(b);
	return 0;
}

static void drop(struct bench *b, uint8_t source, int64_t when)
{
	const struct drops_record record = {
	        .prefix = "leadglass input: ",
	        .ether_type = 0x0800,
	        .source = {.octets = {10, 0, 0, source}, .length = 32},
	        .destination = {.octets = {10, 0, 1, 1}, .length = 32},
	        .protocol = 6,
	        .ports_known = true,
	        .port = 104,
	};
	talk_drop(&b->talk, &record, when);
}

static void connection(struct bench *b, uint16_t port)
{
	const struct drops_connection c = {
	        .source = {.octets = {10, 0, 0, 1}, .length = 32},
	        .destination = {.octets = {10, 0, 1, 1}, .length = 32},
	        .protocol = 6,
	        .port = port,
	};
	talk_connection(&b->talk, &c);
}

// What the keeper does; how many messages there were.
static size_t listen_all(struct bench *b)
{
	union outside_message m;
	size_t count = 0;
	for (;; count++) {
		ssize_t n = recv(b->keeper, &m, sizeof m, 0);
		if (n < 0)
			return count;
		assert_null(outside_check(&m, (size_t)n, 0));
		for (size_t i = 0; m.kind == OUTSIDE_ROWS && i < m.rows.count; i++)
			b->rows[m.rows.items[i].index] = m.rows.items[i].row;
		for (size_t i = 0; m.kind == OUTSIDE_CONNECTIONS && i < m.connections.count; i++)
			b->connections += m.connections.items[i].count;
		if (m.kind == OUTSIDE_STATE)
			b->state = m.state;
	}
}

static void pace(void **state)
{
	struct bench *b = *state;
	int64_t now = 5000;
	assert_true(talk_run(&b->talk, now));
	assert_int_equal(listen_all(b), 0);
	assert_int_equal(talk_next(&b->talk), INT64_MAX);

	drop(b, 1, NOW);
	assert_true(talk_next(&b->talk) <= now);
	assert_true(talk_run(&b->talk, now));
	assert_int_equal(listen_all(b), 2); // the row, and how many were heard
	assert_int_equal(b->rows[0].count, 1);
	assert_int_equal(talk_next(&b->talk), INT64_MAX);

	drop(b, 1, NOW);
	drop(b, 2, NOW);
	connection(b, 104);
	assert_int_equal(talk_next(&b->talk), now + 1000);
	assert_true(talk_run(&b->talk, now + 999));
	assert_int_equal(listen_all(b), 0);
	assert_true(talk_run(&b->talk, now + 1000));
	assert_int_equal(listen_all(b), 3);
	assert_int_equal(b->rows[0].count, 2);
	assert_int_equal(b->rows[1].count, 1);
	assert_int_equal(b->connections, 1);
	assert_int_equal(talk_next(&b->talk), INT64_MAX);

	b->talk.state.overruns = 7;
	assert_true(talk_run(&b->talk, now + 2000));
	assert_int_equal(listen_all(b), 1);
	assert_int_equal(b->state.overruns, 7);
	assert_int_equal(b->state.heard, 3);
}

// A keeper that does not read: the socket fills, everything else waits, and what it reads in the end is right.
static void slow_keeper(void **state)
{
	struct bench *b = *state;
	const int small = 1;
	int64_t now = 0;
	bool blocked = false;
	setsockopt(b->talk.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	for (unsigned round = 0; round < 1000; round++) {
		for (unsigned i = 0; i < 200; i++)
			drop(b, (uint8_t)i, NOW + round);
		connection(b, (uint16_t)(round % 3));
		now += 1000;
		assert_true(talk_run(&b->talk, now));
		if (b->talk.blocked)
			assert_int_equal(talk_next(&b->talk), INT64_MAX); // not woken by time
		blocked |= b->talk.blocked;
	}
	assert_true(blocked);
	size_t messages = 0, more;
	do {
		more = listen_all(b);
		messages += more;
		assert_true(talk_run(&b->talk, ++now));
	} while (more > 0);
	now += 1000;
	assert_true(talk_run(&b->talk, now));
	messages += listen_all(b);
	assert_true(messages < 100);
	assert_false(b->talk.blocked);
	for (size_t i = 0; i < 200; i++) {
		assert_int_equal(b->rows[i].count, 1000);
		assert_int_equal(b->rows[i].last_seen, NOW + 999);
	}
	assert_int_equal(b->connections, 1000);
}

static void many_connections(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned port = 1; port <= 300; port++)
			connection(b, (uint16_t)port);
	assert_true(talk_run(&b->talk, 5000));
	listen_all(b);
	assert_int_equal(b->connections, 3 * (TALK_CONNECTIONS - 1));
	assert_int_equal(b->state.connection_overruns, 900 - 3 * (TALK_CONNECTIONS - 1));
	connection(b, 1); // the table is empty again
	assert_true(talk_run(&b->talk, 6000));
	listen_all(b);
	assert_int_equal(b->connections, 3 * (TALK_CONNECTIONS - 1) + 1);
}

static void keeper_gone(void **state)
{
	struct bench *b = *state;
	shutdown(b->keeper, SHUT_RDWR);
	drop(b, 1, NOW);
	assert_false(talk_run(&b->talk, 5000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(pace, setup, teardown),
	        cmocka_unit_test_setup_teardown(slow_keeper, setup, teardown),
	        cmocka_unit_test_setup_teardown(many_connections, setup, teardown),
	        cmocka_unit_test_setup_teardown(keeper_gone, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
