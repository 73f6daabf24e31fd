// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_server: places, who has to go for whom, who may change something, who follows. The socket is a
// stand-in.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_outside.h"

#define ROOT 0
#define USER 1000

static struct {
	int64_t now;
	uid_t uid; // of who connects
	pid_t pid, outside;
	unsigned waiting;               // so many
	struct control_request request; // what the next client says
	int receive, send;              // what these answer
	struct control_answer answer;   // the last one sent
	unsigned answers, requests, lines, discarded;
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

void agent_request(struct agent *agent, int client, const struct control_request *request, char *payload,
                   size_t size)
{
	(void)agent, (void)client, (void)request, (void)size;
	free(payload);
	world.requests++;
}

pid_t agent_outside_pid(const struct agent *agent)
{
	(void)agent;
	return world.outside;
}

int control_listen(const char *path, gid_t group)
{
	(void)group;
	return strcmp(path, "/bad") == 0 ? -EACCES : 99;
}

int control_accept(int listener, struct control_peer_id *ret)
{
	(void)listener;
	if (!world.waiting)
		return -EAGAIN;
	world.waiting--;
	*ret = (struct control_peer_id){.uid = world.uid, .pid = world.pid};
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int control_receive(int fd, struct control_request *ret, char **ret_payload, size_t *ret_size,
                    const char **ret_why)
{
	(void)fd;
	*ret = world.request;
	*ret_payload = NULL;
	*ret_size = 0;
	*ret_why = "nonsense";
	if (world.receive == 0 && world.request.kind == CONTROL_APPLY) {
		*ret_payload = strdup("bundle");
		*ret_size = 6;
	}
	return world.receive;
}

int control_send(int fd, struct control_answer *answer, const void *payload, size_t size)
{
	(void)fd, (void)payload, (void)size;
	world.answer = *answer;
	world.answers++;
	return world.send;
}

int control_send_shared(int fd, struct control_answer *answer, int payload, size_t size)
{
	(void)payload;
	return control_send(fd, answer, NULL, size);
}

void agent_discard(struct agent *agent, int fd, const struct control_peer_id *id)
{
	(void)agent, (void)id;
	world.discarded++;
	close(fd);
}

static int begin(void **state)
{
	struct agent *agent = calloc(1, sizeof *agent);

	assert_non_null(agent);
	memset(&world, 0, sizeof world);
	agent->applicant = -1;
	agent->nonsense = (struct agent_pace){.every = AGENT_MINUTE, .burst = 5};
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		agent->clients[i].fd = -1;
	*state = agent;
	return 0;
}

static int end(void **state)
{
	struct agent *agent = *state;

	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		agent_drop_client(agent, i);
	free(agent);
	return 0;
}

static int connected(const struct agent *agent, uid_t uid)
{
	int count = 0;

	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		count += agent->clients[i].fd >= 0 && agent->clients[i].id.uid == uid;
	return count;
}

static void connect_as(struct agent *agent, uid_t uid)
{
	world.uid = uid;
	world.waiting = 1;
	world.receive = -EAGAIN; // nobody says anything meanwhile
	agent_server_accept(agent);
	world.receive = 0;
}

static void say(struct agent *agent, int client, enum control_kind kind)
{
	world.request = (struct control_request){.kind = (uint16_t)kind};
	agent_server_receive(agent, client);
}

static void test_open(void **state)
{
	struct agent *agent = *state;

	agent->options.run = "/bad";
	assert_int_equal(agent_server_open(agent), -EACCES);
	agent->options.run = "/run";
	assert_int_equal(agent_server_open(agent), 0);
	assert_int_equal(agent->listener, 99);
}

static void test_places(void **state)
{
	struct agent *agent = *state;

	for (int i = 0; i < AGENT_CLIENTS_MAX + 3; i++)
		connect_as(agent, USER);
	assert_int_equal(connected(agent, USER), AGENT_CLIENTS_MAX);
	assert_int_equal(world.discarded, 3); // not simply closed
	assert_int_equal(world.answers, 3);   // who finds none is told
	assert_int_equal(world.answer.error, -EBUSY);
	assert_int_equal(world.answer.last, 1);
	assert_non_null(strstr(world.answer.text, "the agent is busy"));
	connect_as(agent, ROOT); // always finds one
	assert_int_equal(connected(agent, ROOT), 1);
	assert_int_equal(connected(agent, USER), AGENT_CLIENTS_MAX - 1);
	assert_int_equal(world.answers, 3);
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		connect_as(agent, ROOT);
	assert_int_equal(connected(agent, ROOT), AGENT_CLIENTS_MAX); // and does not take root's own
	world.now += AGENT_MINUTE + 1;
	connect_as(agent, USER); // silent for a minute
	assert_int_equal(connected(agent, USER), 1);
	assert_int_equal(connected(agent, ROOT), AGENT_CLIENTS_MAX - 1);
}

// What is given away stays in memory for as long as they like: of the memory of strangers there is an end, of
// root's and of errors there is none.
static void test_budget(void **state)
{
	struct control_answer answer = {.kind = CONTROL_PEERS};
	struct agent *agent = *state;
	static char text[1 << 20];
	unsigned given = 0;

	world.now = 1000000;
	connect_as(agent, USER);
	connect_as(agent, ROOT);
	do {
		agent_answer(agent, 0, &answer, text, sizeof text);
		given++;
	} while (!world.answer.error && given < 200);
	assert_in_range(given, 60, 65);
	assert_int_equal(world.answer.error, -EAGAIN);
	assert_int_equal(world.answer.kind, CONTROL_PEERS);
	agent_answer(agent, 1, &answer, text, sizeof text);
	assert_int_equal(world.answer.error, 0);
	answer.error = -ENOENT;
	agent_answer(agent, 0, &answer, NULL, 0);
	assert_int_equal(world.answer.error, -ENOENT);
	answer.error = 0;
	world.now += 5000;
	agent_answer(agent, 0, &answer, text, sizeof text);
	assert_int_equal(world.answer.error, 0);
	agent_answer(agent, 0, &answer, text, sizeof text);
	assert_int_equal(world.answer.error, -EAGAIN);
}

static void test_gone_again(void **state)
{
	struct agent *agent = *state;

	world.uid = ROOT;
	world.waiting = AGENT_ACCEPT_MAX;
	world.receive = -ECONNRESET;
	agent_server_accept(agent);
	assert_int_equal(world.answers, 0); // nobody was turned away for one who has gone
	assert_int_equal(connected(agent, ROOT), AGENT_CLIENTS_MAX);
}

// All who wait are let in at once, within bounds.
static void test_many(void **state)
{
	struct agent *agent = *state;

	world.uid = USER;
	world.waiting = AGENT_ACCEPT_MAX + 10;
	world.receive = -EAGAIN;
	agent_server_accept(agent);
	assert_int_equal(world.waiting, 10);
	assert_int_equal(connected(agent, USER), AGENT_CLIENTS_MAX);
	assert_int_equal(world.discarded, AGENT_ACCEPT_MAX - AGENT_CLIENTS_MAX);
}

static void test_who_speaks_stays(void **state)
{
	struct agent *agent = *state;

	for (int i = 0; i < AGENT_CLIENTS_MAX; i++)
		connect_as(agent, USER);
	world.now += AGENT_MINUTE + 1;
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		if (i != 5)
			say(agent, i, CONTROL_STATUS);
	}
	assert_int_equal(agent->clients[5].silent_since, 0);
	connect_as(agent, USER);
	assert_int_equal(agent->clients[5].silent_since, world.now); // its place, and somebody else
	connect_as(agent, USER);
	assert_int_equal(connected(agent, USER), AGENT_CLIENTS_MAX);
}

static void test_changes_need_root(void **state)
{
	static const enum control_kind kinds[] = {CONTROL_APPLY, CONTROL_CONFIRM, CONTROL_ROLLBACK,
	                                          CONTROL_ALLOW, CONTROL_CLOSE,   CONTROL_JUDGE};
	struct agent *agent = *state;

	connect_as(agent, USER);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		say(agent, 0, kinds[i]);
		assert_int_equal(world.answer.error, -EPERM);
		assert_int_equal(world.answer.kind, kinds[i]);
		assert_int_equal(world.answer.last, 1);
	}
	assert_int_equal(world.requests, 0);
	say(agent, 0, CONTROL_STATUS);
	assert_int_equal(world.requests, 1);
	connect_as(agent, ROOT);
	say(agent, 1, CONTROL_APPLY);
	assert_int_equal(world.requests, 2);
}

// Where it stays root's: the process that reads what strangers send is not root.
static void test_the_outside_process_changes_nothing(void **state)
{
	struct agent *agent = *state;

	world.outside = world.pid = 77;
	connect_as(agent, ROOT);
	say(agent, 0, CONTROL_ALLOW);
	assert_int_equal(world.answer.error, -EPERM);
	assert_int_equal(world.requests, 0);
	world.pid = 78;
	connect_as(agent, ROOT);
	say(agent, 1, CONTROL_ALLOW);
	world.outside = world.pid = 0; // it does not run; a client of another pid namespace
	connect_as(agent, ROOT);
	say(agent, 2, CONTROL_ALLOW);
	assert_int_equal(world.requests, 2);
}

static void test_rude(void **state)
{
	struct agent *agent = *state;

	for (int i = 0; i < 20; i++) {
		connect_as(agent, USER);
		world.receive = -EPROTO;
		agent_server_receive(agent, 0);
		assert_int_equal(connected(agent, USER), 0);
	}
	assert_int_equal(world.lines, 5); // the log is not theirs to fill
	connect_as(agent, USER);
	world.receive = -EAGAIN;
	agent_server_receive(agent, 0);
	assert_int_equal(connected(agent, USER), 1);
	world.receive = 0;
	world.send = -EAGAIN; // asks and does not read
	say(agent, 0, CONTROL_ALLOW);
	assert_int_equal(connected(agent, USER), 0);
	connect_as(agent, ROOT);
	agent->applicant = 0;
	world.receive = -ECONNRESET; // gone in the middle of its apply
	agent_server_receive(agent, 0);
	assert_int_equal(agent->applicant, -1);
	agent_answer(agent, 0, &world.answer, NULL, 0); // nobody there
}

static void test_followers(void **state)
{
	const struct control_drop drop = {0};
	struct agent *agent = *state;

	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		connect_as(agent, USER);
		say(agent, i, CONTROL_FOLLOW);
		assert_int_equal(world.answer.error, i < AGENT_CLIENTS_MAX / 2 ? 0 : -EBUSY);
		assert_int_equal(world.answer.last, i >= AGENT_CLIENTS_MAX / 2);
	}
	world.now += 10 * AGENT_MINUTE;
	connect_as(agent, USER); // of one that has nothing to say because it follows, no place is taken
	assert_int_equal(agent->clients[0].silent_since, 0);
	world.answers = 0;
	agent_tell_followers(agent, &drop);
	assert_int_equal(world.answers, AGENT_CLIENTS_MAX / 2);
	world.send = -EAGAIN; // behind: misses a line
	agent_tell_followers(agent, &drop);
	assert_int_equal(connected(agent, USER), AGENT_CLIENTS_MAX);
	world.send = -EPIPE;
	agent_tell_followers(agent, &drop);
	assert_int_equal(connected(agent, USER), AGENT_CLIENTS_MAX / 2);
	world.send = 0;
	world.answers = 0;
	agent_tell_followers(agent, &drop);
	assert_int_equal(world.answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_open, begin, end),
	        cmocka_unit_test_setup_teardown(test_places, begin, end),
	        cmocka_unit_test_setup_teardown(test_budget, begin, end),
	        cmocka_unit_test_setup_teardown(test_gone_again, begin, end),
	        cmocka_unit_test_setup_teardown(test_many, begin, end),
	        cmocka_unit_test_setup_teardown(test_who_speaks_stays, begin, end),
	        cmocka_unit_test_setup_teardown(test_changes_need_root, begin, end),
	        cmocka_unit_test_setup_teardown(test_the_outside_process_changes_nothing, begin, end),
	        cmocka_unit_test_setup_teardown(test_rude, begin, end),
	        cmocka_unit_test_setup_teardown(test_followers, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
