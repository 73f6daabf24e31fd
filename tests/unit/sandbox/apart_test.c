// SPDX-License-Identifier: GPL-2.0-or-later
//
// Work in a process of its own: its answer arrives whole or not at all, and it holds nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

struct answer {
	uint32_t sum;
	uint8_t octets[100000]; // more than a pipe holds
	uint32_t end;
};

static const struct answer zero;

static void add_up(const void *context, int fd, void *ret)
{
	const uint32_t *numbers = context;
	struct answer *answer = ret;
	char *memory = malloc(1 << 20);

	(void)fd;
	if (!memory)
		return;
	memset(memory, 7, 1 << 20);
	memcpy(answer->octets, memory, sizeof answer->octets);
	free(memory);
	answer->sum = numbers[0] + numbers[1];
	answer->end = 4711;
}

static void an_answer_arrives_whole(void **state)
{
	static const uint32_t numbers[] = {40, 2};
	struct answer *answer = malloc(sizeof *answer);

	(void)state;
	assert_non_null(answer);
	memset(answer, 0xff, sizeof *answer);
	assert_int_equal(sandbox_apart(add_up, numbers, -1, answer, sizeof *answer), 0);
	assert_int_equal(answer->sum, 42);
	assert_int_equal(answer->octets[99999], 7);
	assert_int_equal(answer->end, 4711);
	free(answer);
}

static void read_it(const void *context, int fd, void *ret)
{
	char *text = ret;

	(void)context;
	if (pread(fd, text, 4, 1) != 4)
		strcpy(text, "not read");
}

static void an_open_file_can_be_read(void **state)
{
	FILE *file = tmpfile();
	char text[16];

	(void)state;
	assert_non_null(file);
	assert_true(fputs("policy", file) >= 0 && fflush(file) == 0);
	assert_int_equal(sandbox_apart(read_it, NULL, fileno(file), text, sizeof text), 0);
	assert_string_equal(text, "olic");
	fclose(file);
}

// ---- what is no answer ----

static void die(const void *context, int fd, void *ret)
{
	(void)fd;
	memset(ret, 1, 4);
	kill(getpid(), *(const int *)context);
}

static void leave(const void *context, int fd, void *ret)
{
	(void)fd;
	memset(ret, 1, 4);
	_exit(*(const int *)context);
}

static void wait_for_ever(const void *context, int fd, void *ret)
{
	volatile bool for_ever = true;

	(void)context;
	(void)fd;
	memset(ret, 1, 4);
	while (for_ever)
		continue;
}

static void expect_none(int error, void (*work)(const void *, int, void *), int how)
{
	struct answer answer;

	memset(&answer, 0xff, sizeof answer);
	assert_int_equal(sandbox_apart(work, &how, -1, &answer, sizeof answer), error);
	assert_memory_equal(&answer, &zero, sizeof answer);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // nobody is left behind
}

static void a_death_is_no_answer(void **state)
{
	(void)state;
	expect_none(-EPROTO, die, SIGKILL);
	expect_none(-EPROTO, die, SIGABRT);
	expect_none(-EPROTO, leave, 0); // before it was written
	expect_none(-EPROTO, leave, 1);
}

static void nobody_is_waited_for_for_ever(void **state)
{
	struct timespec begin, end;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	expect_none(-ETIMEDOUT, wait_for_ever, 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec >= SANDBOX_APART_PATIENCE / 1000 - 1);
}

// ---- what it holds ----

struct holdings {
	bool keeps[64];
};

static void look_around(const void *context, int fd, void *ret)
{
	struct holdings *holdings = ret;

	(void)context;
	(void)fd;
	for (int i = 0; i < 64; i++) {
		char octet = 0;

		holdings->keeps[i] = write(i, &octet, 0) == 0 || read(i, &octet, 1) >= 0;
	}
}

// Of descriptors its end of the pipe and, where there is one, the file. (A sanitised one is not kept from
// calling.)
static void nothing_is_open(void **state)
{
	struct holdings holdings;
	FILE *file = tmpfile(), *other = tmpfile();

	(void)state;
	assert_true(file && other);
	assert_int_equal(sandbox_apart(look_around, NULL, fileno(file), &holdings, sizeof holdings), 0);
	for (int i = 0; i < 64; i++) {
		if (holdings.keeps[i] != (i == 3 || i == 4))
			fail_msg("descriptor %d: %d", i, holdings.keeps[i]);
	}
	fclose(file);
	fclose(other);
}

#ifndef __SANITIZE_ADDRESS__
static void open_one(const void *context, int fd, void *ret)
{
	(void)fd;
	*(int *)ret = open(context, O_RDONLY);
}

static void connect_one(const void *context, int fd, void *ret)
{
	(void)context;
	(void)fd;
	*(int *)ret = socket(AF_UNIX, SOCK_STREAM, 0);
}

static void start_one(const void *context, int fd, void *ret)
{
	(void)context;
	(void)fd;
	*(int *)ret = fork();
}

static void end_another(const void *context, int fd, void *ret)
{
	(void)fd;
	*(int *)ret = kill(*(const pid_t *)context, 0);
}

static void nothing_can_be_reached(void **state)
{
	const pid_t us = getpid();
	int done;

	(void)state;
	assert_int_equal(sandbox_apart(open_one, "/etc/passwd", -1, &done, sizeof done), -EPROTO);
	assert_int_equal(sandbox_apart(connect_one, NULL, -1, &done, sizeof done), -EPROTO);
	assert_int_equal(sandbox_apart(start_one, NULL, -1, &done, sizeof done), -EPROTO);
	assert_int_equal(sandbox_apart(end_another, &us, -1, &done, sizeof done), -EPROTO);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_answer_arrives_whole), cmocka_unit_test(an_open_file_can_be_read),
	        cmocka_unit_test(a_death_is_no_answer),    cmocka_unit_test(nobody_is_waited_for_for_ever),
	        cmocka_unit_test(nothing_is_open),
#ifndef __SANITIZE_ADDRESS__
	        cmocka_unit_test(nothing_can_be_reached),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
