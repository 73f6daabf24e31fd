// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_discard: a connection that another process has to close is closed by one that ends, and by no other.
// The connections are pipes here: the write end of one that nobody has any more ends it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"

static struct {
	int64_t now;
	bool clean;
	unsigned lines;
} world;

int64_t agent_now(void)
{
	return world.now;
}

void agent_log(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
               size_t count, const char *format, ...)
{
	(void)agent, (void)severity, (void)id, (void)fields, (void)count, (void)format;
	world.lines++;
}

bool control_hang_up(int fd)
{
	(void)fd;
	return world.clean;
}

static int begin(void **state)
{
	struct agent *agent = calloc(1, sizeof *agent);

	assert_non_null(agent);
	memset(&world, 0, sizeof world);
	agent->nonsense = (struct agent_pace){.every = AGENT_MINUTE, .burst = 5};
	*state = agent;
	return 0;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

// Discards the write end of a new pipe; the read end.
static int discard(struct agent *agent)
{
	const struct control_peer_id id = {.uid = 1000};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	agent_discard(agent, ends[1], &id);
	return ends[0];
}

static bool ended(int fd, int wait)
{
	struct pollfd end = {.fd = fd, .events = POLLIN};

	return poll(&end, 1, wait) == 1 && (end.revents & POLLHUP);
}

// Until its children have ended and are known to have.
static void settle(struct agent *agent)
{
	for (int i = 0; i < 1000 && agent_discard_next(agent) != AGENT_NEVER; i++) {
		world.now = agent_discard_next(agent);
		agent_discard_tick(agent, world.now);
		poll(NULL, 0, 5);
	}
	assert_true(agent_discard_next(agent) == AGENT_NEVER);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // no child is left
	assert_int_equal(errno, ECHILD);
}

static void test_clean(void **state)
{
	struct agent *agent = *state;
	int fd;

	world.clean = true;
	fd = discard(agent);
	assert_true(ended(fd, 0));
	assert_true(agent_discard_next(agent) == AGENT_NEVER);
	assert_int_equal(world.lines, 0);
	close(fd);
}

static void test_by_a_child(void **state)
{
	struct agent *agent = *state;
	int fds[20];

	for (int i = 0; i < 20; i++)
		fds[i] = discard(agent);
	assert_false(ended(fds[0], 0));
	assert_int_equal(agent->doomed.count, 20);
	assert_int_equal(world.lines, 5);
	assert_true(agent_discard_next(agent) <= world.now);
	agent_discard_tick(agent, world.now);
	assert_int_equal(agent->doomed.child_count, 1); // for all of them
	assert_int_equal(agent->doomed.count, 0);
	for (int i = 0; i < 20; i++) {
		assert_true(ended(fds[i], 10000));
		close(fds[i]);
	}
	settle(agent);
}

// So many at once, so many a second; and then nobody new is let in.
static void test_bounds(void **state)
{
	struct agent *agent = *state;
	int fds[AGENT_DOOMED_MAX], count = 0;

	for (int i = 0; i < AGENT_DOOMED_CHILDREN_MAX + 3; i++) {
		fds[count++] = discard(agent);
		agent_discard_tick(agent, world.now); // time stands still: one child
	}
	assert_int_equal(agent->doomed.child_count, 1);
	agent->doomed.look_at = AGENT_NEVER; // as if they took long
	for (int i = 0; i < 2 * AGENT_DOOMED_CHILDREN_MAX; i++) {
		fds[count++] = discard(agent);
		world.now += AGENT_DOOMED_EVERY;
		agent_discard_tick(agent, world.now);
		agent->doomed.look_at = AGENT_NEVER;
	}
	assert_int_equal(agent->doomed.child_count, AGENT_DOOMED_CHILDREN_MAX);
	assert_true(agent_discard_next(agent) == AGENT_NEVER); // nothing to do but wait for one to end
	assert_false(agent_discard_full(agent));
	while (!agent_discard_full(agent))
		fds[count++] = discard(agent);
	assert_true(agent->doomed.count + AGENT_ACCEPT_MAX + AGENT_CLIENTS_MAX <= AGENT_DOOMED_MAX + 1);
	agent->doomed.look_at = world.now;
	settle(agent);
	for (int i = 0; i < count; i++) {
		assert_true(ended(fds[i], 10000));
		close(fds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_clean, begin, end),
	        cmocka_unit_test_setup_teardown(test_by_a_child, begin, end),
	        cmocka_unit_test_setup_teardown(test_bounds, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
