// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command's side. Answers are put into the socket before the question is asked, so that one process can
// play both.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_fixture.h"

struct talk {
	struct control *control;
	int server;
	struct problems problems;
	struct control_answer answer;
	char *payload;
	size_t size;
};

static void begin(struct world *world, struct talk *talk)
{
	struct control_peer_id id;

	*talk = (struct talk){0};
	problem_init(&talk->problems);
	assert_int_equal(control_connect(world->folder, &talk->control, &talk->problems), 0);
	talk->server = control_accept(world->listener, &id);
	assert_true(talk->server >= 0);
}

static void end(struct talk *talk)
{
	control_disconnect(talk->control);
	if (talk->server >= 0)
		close(talk->server);
	free(talk->payload);
	problem_fini(&talk->problems);
}

static int ask(struct talk *talk, enum control_kind kind, const void *payload, size_t size)
{
	struct control_request request = {.number = 3, .who = "alice"};

	return control_ask(talk->control, kind, &request, payload, size, 0, &talk->answer, &talk->payload,
	                   &talk->size, &talk->problems);
}

// A failure of the talk itself: said once, with these words in it.
static void assert_failed(struct talk *talk, enum control_kind kind, int error, const char *words)
{
	size_t before = open_descriptors();

	assert_int_equal(ask(talk, kind, NULL, 0), error);
	assert_null(talk->payload);
	assert_int_equal(talk->size, 0);
	assert_int_equal(talk->problems.count, 1);
	assert_non_null(strstr(talk->problems.items[0].what, words));
	assert_int_equal(open_descriptors(), before);
}

static void question_and_answer(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_SHOW, .last = 1, .number = 3};
	struct control_request got;
	struct talk talk;
	const char *why;
	char *payload;
	size_t size;

	begin(world, &talk);
	assert_int_equal(control_send(talk.server, &answer, "role host\n", 10), 0);
	assert_int_equal(ask(&talk, CONTROL_SHOW, NULL, 0), 0);
	assert_int_equal(talk.answer.number, 3);
	assert_int_equal(talk.size, 10);
	assert_string_equal(talk.payload, "role host\n");
	assert_int_equal(control_receive(talk.server, &got, &payload, &size, &why), 0);
	assert_int_equal(got.kind, CONTROL_SHOW);
	assert_int_equal(got.number, 3);
	assert_string_equal(got.who, "alice");
	assert_int_equal(talk.problems.count, 0);
	end(&talk);
}

static void question_with_payload(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {
	        .kind = CONTROL_APPLY, .last = 1, .error = -EINVAL, .text = "not valid"};
	struct control_request got;
	struct talk talk;
	const char *why;
	char *payload;
	size_t size;

	begin(world, &talk);
	assert_int_equal(control_send(talk.server, &answer, "policy.conf:1:1: error\n", 23), 0);
	assert_int_equal(ask(&talk, CONTROL_APPLY, "bundle", 6), 0); // what it refuses is its answer
	assert_int_equal(talk.answer.error, -EINVAL);
	assert_string_equal(talk.answer.text, "not valid");
	assert_string_equal(talk.payload, "policy.conf:1:1: error\n");
	assert_int_equal(control_receive(talk.server, &got, &payload, &size, &why), 0);
	assert_int_equal(size, 6);
	assert_string_equal(payload, "bundle");
	free(payload);
	end(&talk);
}

static void several_answers(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_FOLLOW};
	struct talk talk;

	begin(world, &talk);
	assert_int_equal(control_send(talk.server, &answer, NULL, 0), 0);
	assert_int_equal(control_send(talk.server, &answer, "drop", 4), 0);
	assert_int_equal(ask(&talk, CONTROL_FOLLOW, NULL, 0), 0);
	assert_null(talk.payload);
	assert_int_equal(control_next(talk.control, 0, &talk.answer, &talk.payload, &talk.size, &talk.problems),
	                 0);
	assert_string_equal(talk.payload, "drop");
	free(talk.payload);
	assert_int_equal(control_next(talk.control, 0, &talk.answer, &talk.payload, &talk.size, &talk.problems),
	                 -ETIMEDOUT);
	assert_null(talk.payload);
	end(&talk);
}

static void nobody_there(void **state)
{
	struct problems problems;
	struct control *control = (struct control *)1;
	struct world *world = *state;
	char path[300];
	size_t before = open_descriptors();

	problem_init(&problems);
	assert_int_equal(control_connect("/nowhere/at/all", &control, &problems), -ENOENT);
	assert_null(control);
	assert_non_null(strstr(problems.items[0].what, "no agent runs"));
	assert_non_null(strstr(problems.items[0].instead, "start leadglassd"));
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_connect(path, &control, &problems), -ENAMETOOLONG);
	assert_int_equal(open_descriptors(), before);

	// A socket whose agent was killed.
	close(world->server);
	close(world->rude);
	close(world->listener);
	world->listener = world->server = world->rude = -1;
	assert_int_equal(control_connect(world->folder, &control, &problems), -ECONNREFUSED);
	assert_int_equal(problems.count, 3);
	assert_non_null(strstr(problems.items[2].what, "no agent runs"));
	problem_fini(&problems);
	control_disconnect(NULL);
}

static void not_for_this_user(void **state)
{
	struct world *world = *state;
	struct problems problems;
	struct control *control;
	char path[128];

	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, world->folder);
	assert_int_equal(chmod(world->folder, 0755), 0);
	assert_int_equal(chown(path, 0, 0), 0);
	problem_init(&problems);
	assert_int_equal(setegid(65534), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(control_connect(world->folder, &control, &problems), -EACCES);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_non_null(strstr(problems.items[0].what, "does not talk to this user"));
	problem_fini(&problems);
}

static void no_answer(void **state)
{
	struct world *world = *state;
	struct talk talk;

	begin(world, &talk);
	assert_failed(&talk, CONTROL_STATUS, -ETIMEDOUT, "has not answered");
	end(&talk);
	begin(world, &talk);
	close(talk.server);
	talk.server = -1;
	assert_failed(&talk, CONTROL_STATUS, -ECONNRESET, "closed the connection");
	end(&talk);
}

// Too many are connected: the agent says so and closes, before it has read anything.
static void refused_before_asking(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.last = 1, .error = -EBUSY, .text = "too many are connected"};
	struct talk talk;

	begin(world, &talk);
	assert_int_equal(control_send(talk.server, &answer, NULL, 0), 0);
	close(talk.server);
	talk.server = -1;
	assert_int_equal(ask(&talk, CONTROL_STATUS, NULL, 0), 0);
	assert_int_equal(talk.answer.error, -EBUSY);
	assert_string_equal(talk.answer.text, "too many are connected");
	end(&talk);
}

// The other side has closed with our request unread: of that the kernel tells before it gives the answer.
static void refused_unread(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.last = 1, .error = -EBUSY, .text = "the agent is busy"};
	struct talk talk;

	begin(world, &talk);
	assert_int_equal(ask(&talk, CONTROL_STATUS, NULL, 0), -ETIMEDOUT);
	assert_int_equal(control_send(talk.server, &answer, NULL, 0), 0);
	close(talk.server);
	talk.server = -1;
	assert_int_equal(control_next(talk.control, 0, &talk.answer, &talk.payload, &talk.size, &talk.problems),
	                 0);
	assert_int_equal(talk.answer.error, -EBUSY);
	assert_string_equal(talk.answer.text, "the agent is busy");
	assert_int_equal(control_next(talk.control, 0, &talk.answer, &talk.payload, &talk.size, &talk.problems),
	                 -ECONNRESET);
	end(&talk);
}

// A datagram of no octets looks like the end of the connection, and nothing follows it.
static void an_empty_answer(void **state)
{
	struct world *world = *state;
	struct talk talk;

	begin(world, &talk);
	assert_int_equal(send_raw(talk.server, "", 0, NULL, 0), 0);
	alarm(10); // it is not to wait for ever
	assert_failed(&talk, CONTROL_STATUS, -ECONNRESET, "closed the connection");
	alarm(0);
	end(&talk);
}

static void another_version(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.magic = CONTROL_MAGIC, .kind = CONTROL_STATUS};
	char data[sizeof(answer) + 8] = {0};
	int memory = new_memfd(10, GOOD_SEALS), unsealed = new_memfd(10, 0);
	struct talk talk;

	memcpy(data, &answer, sizeof(answer));
	for (int i = 0; i < 10; i++) {
		struct control_answer bad = answer;
		size_t size = sizeof(bad);
		const int *descriptor = NULL;

		begin(world, &talk);
		if (i == 0)
			bad.magic++;
		else if (i == 1)
			bad.kind = CONTROL_SHOW;
		else if (i == 2)
			size--;
		else if (i == 3)
			size += 8;
		else if (i == 4)
			memset(bad.text, 'a', sizeof(bad.text));
		else if (i == 5)
			bad.payload = 10; // and no descriptor
		else if (i == 6)
			descriptor = &memory; // and no payload
		else if (i == 7)
			bad.payload = 10, descriptor = &unsealed;
		else if (i == 8)
			bad.error = INT32_MIN; // no errno, and there is no positive number of it
		else
			bad.payload = 11, descriptor = &memory;
		memcpy(data, &bad, sizeof(bad));
		assert_int_equal(send_raw(talk.server, data, size, descriptor, descriptor ? 1 : 0), 0);
		assert_failed(&talk, CONTROL_STATUS, -EPROTO, "do not understand each other");
		end(&talk);
	}
	close(memory);
	close(unsealed);
}

static void too_large(void **state)
{
	struct world *world = *state;
	struct talk talk;

	begin(world, &talk);
	assert_int_equal(ask(&talk, CONTROL_APPLY, "", CONTROL_PAYLOAD_MAX + 1), -EFBIG);
	assert_int_equal(talk.problems.count, 1);
	end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(question_and_answer, world_open, world_close),
	        cmocka_unit_test_setup_teardown(question_with_payload, world_open, world_close),
	        cmocka_unit_test_setup_teardown(several_answers, world_open, world_close),
	        cmocka_unit_test_setup_teardown(nobody_there, world_open, world_close),
	        cmocka_unit_test_setup_teardown(not_for_this_user, world_open, world_close),
	        cmocka_unit_test_setup_teardown(no_answer, world_open, world_close),
	        cmocka_unit_test_setup_teardown(refused_before_asking, world_open, world_close),
	        cmocka_unit_test_setup_teardown(refused_unread, world_open, world_close),
	        cmocka_unit_test_setup_teardown(an_empty_answer, world_open, world_close),
	        cmocka_unit_test_setup_teardown(another_version, world_open, world_close),
	        cmocka_unit_test_setup_teardown(too_large, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
