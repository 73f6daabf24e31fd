// SPDX-License-Identifier: GPL-2.0-or-later
//
// Answers: to who reads, to who has gone, to who never reads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_fixture.h"

// Takes one answer as anybody could; the descriptor that came with it, -1: none.
static int take(int fd, struct control_answer *ret)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int))];
	} room;
	struct iovec part = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr header = {
	        .msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = room.octets,
	        .msg_controllen = sizeof(room.octets),
	};
	struct cmsghdr *control;
	int got = -1;

	assert_int_equal(recvmsg(fd, &header, MSG_CMSG_CLOEXEC), sizeof(*ret));
	assert_int_equal(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	control = CMSG_FIRSTHDR(&header);
	if (control)
		memcpy(&got, CMSG_DATA(control), sizeof(int));
	return got;
}

static void plain(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_CONFIRM, .last = 1, .number = 12, .text = "done"}, got;

	assert_int_equal(control_send(world->server, &answer, NULL, 0), 0);
	assert_int_equal(take(world->rude, &got), -1);
	assert_int_equal(got.magic, CONTROL_MAGIC);
	assert_int_equal(got.payload, 0);
	assert_int_equal(got.number, 12);
	assert_string_equal(got.text, "done");
}

// A text that was made by snprintf may end inside a character, and quote anything.
static void text_is_mended(void **state)
{
	static const struct {
		const char *given, *sent;
	} texts[] = {
	        {"policy.conf\nline 2\t.", "policy.conf line 2 ."},
	        {"\x1b[2J", "?[2J"},
	        {"R\xc3\xb6ntgen", "R\xc3\xb6ntgen"},
	        {"R\xc3", "R"},
	        {"\xe2\x82", ""},
	        {"\xf0\x9f\x9a", ""},
	        {"\xf0\x9f\x9a\xa7", "\xf0\x9f\x9a\xa7"},
	        {"a\xffz", "a?z"},
	        {"a\xe2\x80\xaez", "a???z"},
	        {"\x80\x80\x80\x80", "????"},
	        {"", ""},
	};
	struct world *world = *state;
	struct control_answer answer, got;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		answer = (struct control_answer){.kind = CONTROL_SHOW};
		memcpy(answer.text, texts[i].given, strlen(texts[i].given) + 1);
		assert_int_equal(control_send(world->server, &answer, NULL, 0), 0);
		assert_int_equal(take(world->rude, &got), -1);
		assert_string_equal(got.text, texts[i].sent);
	}
	memset(answer.text, 'a', sizeof(answer.text));
	assert_int_equal(control_send(world->server, &answer, NULL, 0), 0);
	assert_int_equal(take(world->rude, &got), -1);
	assert_int_equal(strnlen(got.text, sizeof(got.text)), sizeof(got.text) - 1);
}

static void payload_is_sealed(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_METRICS, .last = 1}, got;
	size_t before = open_descriptors();
	char text[16] = "";
	int fd;

	assert_int_equal(control_send(world->server, &answer, "leadglass_up 1\n", 15), 0);
	assert_int_equal(open_descriptors(), before);
	fd = take(world->rude, &got);
	assert_true(fd >= 0);
	assert_int_equal(got.payload, 15);
	assert_int_equal(pread(fd, text, 15, 0), 15);
	assert_string_equal(text, "leadglass_up 1\n");
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	assert_ptr_equal(mmap(NULL, 15, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
}

static void too_large(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_SHOW};

	assert_int_equal(control_send(world->server, &answer, "", CONTROL_PAYLOAD_MAX + 1), -EMSGSIZE);
}

static void peer_gone(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_STATUS};

	close(world->rude);
	world->rude = -1;
	(void)signal(SIGPIPE, SIG_DFL); // it would end the agent
	assert_int_equal(control_send(world->server, &answer, NULL, 0), -EPIPE);
	assert_int_equal(control_send(world->server, &answer, "text", 4), -EPIPE);
}

static void peer_never_reads(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_FOLLOW};
	size_t before = open_descriptors();
	int error = 0, sent;

	for (sent = 0; sent < 100000 && !error; sent++)
		error = control_send(world->server, &answer, "text", 4);
	assert_int_equal(error, -EAGAIN);
	assert_true(sent > 1);
	assert_int_equal(open_descriptors(), before);
}

// Large answers do not pile up in memory.
static void large_ones_wait(void **state)
{
	struct world *world = *state;
	struct control_answer answer = {.kind = CONTROL_SHOW}, got;
	size_t size = 1 << 20;
	char *policy = calloc(1, size);

	assert_non_null(policy);
	assert_int_equal(control_send(world->server, &answer, policy, size), 0);
	assert_int_equal(control_send(world->server, &answer, policy, size), -EAGAIN);
	assert_int_equal(control_send(world->server, &answer, policy, 10), 0);
	close(take(world->rude, &got));
	assert_int_equal(control_send(world->server, &answer, policy, size), -EAGAIN);
	close(take(world->rude, &got));
	assert_int_equal(control_send(world->server, &answer, policy, size), 0);
	free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(plain, world_open, world_close),
	        cmocka_unit_test_setup_teardown(text_is_mended, world_open, world_close),
	        cmocka_unit_test_setup_teardown(payload_is_sealed, world_open, world_close),
	        cmocka_unit_test_setup_teardown(too_large, world_open, world_close),
	        cmocka_unit_test_setup_teardown(peer_gone, world_open, world_close),
	        cmocka_unit_test_setup_teardown(peer_never_reads, world_open, world_close),
	        cmocka_unit_test_setup_teardown(large_ones_wait, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
