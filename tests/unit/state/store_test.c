// SPDX-License-Identifier: GPL-2.0-or-later
//
// The state folder: who may use it, and that no damage to any of its files goes unseen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "state/state.h"

static char top[] = "/tmp/leadglass-state-XXXXXX";
static char path[64];
static struct state_store *store;

static int begin(void **state)
{
	struct problems problems;
	(void)state;
	problem_init(&problems);
	snprintf(path, sizeof path, "%s/state", top);
	return state_open(path, &store, &problems); // which makes the folder
}

static int end(void **state)
{
	char command[128];
	(void)state;
	state_close(store);
	store = NULL;
	snprintf(command, sizeof command, "rm -rf %s", path);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char text[128];
	snprintf(text, sizeof text, "%s/%s", path, name);
	return text;
}

// The problem must say so, in one error.
static void assert_said(struct problems *problems, const char *what)
{
	struct buffer out = BUFFER_EMPTY;
	problem_print(problems, NULL, &out);
	buffer_text(&out, "");
	if (problems->errors != (*what ? 1u : 0u) || !strstr(out.data, what))
		fail_msg("not '%s' but: %s", what, out.data);
	buffer_fini(&out);
	problem_fini(problems);
}

static struct state_record example(void)
{
	struct state_record record = {.confirmed = 1, .next = 3, .count = 2};
	record.entries[0] =
	        (struct state_entry){.number = 1, .outcome = STATE_APPLIED, .decided_at = 5, .who = "alice"};
	record.entries[1] =
	        (struct state_entry){.number = 2, .outcome = STATE_EXPIRED, .decided_at = 9, .who = "bob"};
	return record;
}

static struct trust_floor example_floor(void)
{
	struct trust_floor floor = {.any = true, .serial = 7, .not_before = 1763769036, .parts = true};
	memset(floor.content, 0xc0, sizeof floor.content);
	memset(floor.frame, 0xf0, sizeof floor.frame);
	memset(floor.rest, 0x0e, sizeof floor.rest);
	return floor;
}

static void write_all(void)
{
	struct problems problems;
	struct state_record record = example();
	struct trust_floor floor = example_floor();
	problem_init(&problems);
	assert_int_equal(state_write_accepted(store, &floor, &problems), 0);
	assert_int_equal(state_write_policy(store, 1, "one\n", 4, &problems), 0);
	assert_int_equal(state_write_policy(store, 2, "two", 3, &problems), 0);
	assert_int_equal(state_write_closed(store, "role host\n", 10, &problems), 0);
	assert_int_equal(state_write_record(store, &record, &problems), 0);
	assert_said(&problems, "");
}

static int read_record(struct state_record *ret, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	int r = state_read_record(store, ret, &problems);
	assert_said(&problems, said);
	return r;
}

static int read_policy(uint64_t number, char **ret, const char *said)
{
	struct problems problems;
	size_t size;
	problem_init(&problems);
	int r = state_read_policy(store, number, ret, &size, &problems);
	assert_said(&problems, said);
	if (r == 0)
		assert_int_equal(strlen(*ret), size);
	else
		assert_null(*ret);
	return r;
}

static int read_closed(char **ret, const char *said)
{
	struct problems problems;
	size_t size;
	problem_init(&problems);
	int r = state_read_closed(store, ret, &size, &problems);
	assert_said(&problems, said);
	return r;
}

static int read_accepted(struct trust_floor *ret, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	memset(ret, 0x55, sizeof *ret);
	int r = state_read_accepted(store, ret, &problems);
	assert_said(&problems, said);
	assert_int_equal(ret->any, r == 0);
	if (r < 0)
		assert_true(ret->serial == 0 && ret->not_before == 0);
	return r;
}

static void nothing_yet(void **state)
{
	struct trust_floor floor;
	struct state_record record;
	struct stat status;
	char *text;
	(void)state;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(read_record(&record, ""), -ENOENT);
	assert_int_equal(record.next, 1);
	assert_int_equal(record.count, 0);
	assert_int_equal(read_policy(1, &text, ""), -ENOENT);
	assert_int_equal(read_closed(&text, ""), -ENOENT);
	assert_int_equal(read_accepted(&floor, ""), -ENOENT);
	state_remove_policy(store, 1);
	assert_true(fcntl(state_folder(store), F_GETFD) & FD_CLOEXEC);
}

static void kept(void **state)
{
	struct state_record record;
	struct stat status;
	char *text;
	size_t size;
	(void)state;
	write_all();
	assert_int_equal(read_record(&record, ""), 0);
	assert_int_equal(record.count, 2);
	assert_int_equal(record.next, 3);
	assert_string_equal(record.entries[1].who, "bob");
	assert_int_equal(read_policy(1, &text, ""), 0);
	assert_string_equal(text, "one\n");
	free(text);
	assert_int_equal(read_closed(&text, ""), 0);
	assert_string_equal(text, "role host\n");
	free(text);
	struct trust_floor floor, wanted = example_floor();
	assert_int_equal(read_accepted(&floor, ""), 0);
	assert_int_equal(floor.serial, 7);
	assert_int_equal(floor.not_before, 1763769036);
	assert_true(floor.parts);
	assert_memory_equal(floor.content, wanted.content, sizeof floor.content);
	assert_memory_equal(floor.frame, wanted.frame, sizeof floor.frame);
	assert_memory_equal(floor.rest, wanted.rest, sizeof floor.rest);
	assert_int_equal(stat(in_folder("record"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	// For a person's eyes.
	assert_int_equal(file_read(in_folder("policy.2"), 1000, &text, &size), 0);
	assert_memory_equal(text, "leadglass-state 1 policy.2\ntwosha256 ", 37);
	assert_int_equal(text[size - 1], '\n');
	free(text);
	state_remove_policy(store, 1);
	assert_int_equal(read_policy(1, &text, ""), -ENOENT);
}

static void put(const char *name, const char *text, size_t size)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(close(fd), 0);
}

static void assert_damaged(const char *name)
{
	struct state_record record;
	struct trust_floor floor;
	char *text;
	if (strcmp(name, "accepted") == 0) {
		assert_int_equal(read_accepted(&floor, "accepted is damaged and is not used"), -EBADMSG);
	} else if (strcmp(name, "record") == 0) {
		assert_int_equal(read_record(&record, "record is damaged and is not used"), -EBADMSG);
		assert_int_equal(record.count, 0);
		assert_int_equal(record.confirmed, 0);
		assert_int_equal(record.next, 3); // the policies tell
	} else if (strcmp(name, "closed") == 0) {
		assert_int_equal(read_closed(&text, "closed is damaged and is not used"), -EBADMSG);
	} else {
		assert_int_equal(read_policy(2, &text, "policy.2 is damaged and is not used"), -EBADMSG);
	}
}

// Each bit of each file, each truncation, and one octet more.
static void damage(void **state)
{
	static const char *const names[] = {"record", "policy.2", "closed", "accepted"};
	struct state_record record;
	(void)state;
	write_all();
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *text;
		size_t size;
		assert_int_equal(file_read(in_folder(names[i]), 10000, &text, &size), 0);
		for (size_t cut = 0; cut < size; cut++) {
			put(names[i], text, cut);
			assert_damaged(names[i]);
		}
		for (size_t bit = 0; bit < 8 * size; bit++) {
			text[bit / 8] ^= (char)(1 << bit % 8);
			put(names[i], text, size);
			assert_damaged(names[i]);
			text[bit / 8] ^= (char)(1 << bit % 8);
		}
		put(names[i], text, size + 1);
		assert_damaged(names[i]);
		put(names[i], text, size);
		free(text);
	}
	assert_int_equal(read_record(&record, ""), 0);
}

// A whole file in another's place, and one that is whole but makes no sense.
static void exchanged(void **state)
{
	char from[128];
	struct buffer file = BUFFER_EMPTY;
	(void)state;
	write_all();
	snprintf(from, sizeof from, "%s", in_folder("policy.1"));
	assert_int_equal(rename(from, in_folder("policy.2")), 0);
	assert_damaged("policy.2");
	write_all();
	state_seal("record", "confirmed 0\n", 12, &file);
	put("record", file.data, file.size);
	assert_damaged("record");
	buffer_clear(&file);
	state_seal("accepted", "serial 8\n", 9, &file);
	put("accepted", file.data, file.size);
	assert_damaged("accepted");
	buffer_fini(&file);
	write_all();
	unlink(in_folder("policy.2"));
	assert_int_equal(mkdir(in_folder("policy.2"), 0700), 0);
	assert_damaged("policy.2");
}

static void untrusted(void **state)
{
	char *text;
	struct state_record record;
	(void)state;
	write_all();
	assert_int_equal(chmod(in_folder("policy.1"), 0620), 0);
	assert_int_equal(read_policy(1, &text, "policy.1 can be written by others"), -EPERM);
	assert_int_equal(chmod(in_folder("policy.1"), 0602), 0);
	assert_int_equal(read_policy(1, &text, "policy.1 can be written by others"), -EPERM);
	char real[128];
	snprintf(real, sizeof real, "%s", in_folder("real"));
	assert_int_equal(rename(in_folder("record"), real), 0);
	assert_int_equal(symlink(real, in_folder("record")), 0);
	assert_int_equal(read_record(&record, "record is a symbolic link"), -EPERM);
	assert_int_equal(record.next, 3);
	struct trust_floor floor;
	assert_int_equal(chmod(in_folder("accepted"), 0620), 0);
	assert_int_equal(read_accepted(&floor, "accepted can be written by others"), -EPERM);
	assert_int_equal(unlink(in_folder("accepted")), 0);
	assert_int_equal(symlink(real, in_folder("accepted")), 0);
	assert_int_equal(read_accepted(&floor, "accepted is a symbolic link"), -EPERM);
	assert_int_equal(unlink(in_folder("closed")), 0);
	assert_int_equal(mkfifo(in_folder("closed"), 0600), 0); // nobody writes: must not wait
	assert_int_equal(read_closed(&text, "closed is damaged"), -EBADMSG);
	if (geteuid() == 0) {
		assert_int_equal(chown(in_folder("policy.2"), 65534, 0), 0);
		assert_int_equal(read_policy(2, &text, "policy.2 belongs to user 65534"), -EPERM);
	}
}

static int opened(const char *folder, const char *said)
{
	struct problems problems;
	struct state_store *other;
	problem_init(&problems);
	int r = state_open(folder, &other, &problems);
	assert_said(&problems, said);
	if (r == 0)
		state_close(other);
	else
		assert_null(other);
	return r;
}

static void folders(void **state)
{
	char link[80];
	struct stat status;
	(void)state;
	assert_int_equal(opened("/nowhere/at/all", "cannot open the folder /nowhere/at/all"), -ENOENT);
	assert_int_equal(opened("/dev/null", "cannot open the folder /dev/null"), -ENOTDIR);
	state_close(store);
	store = NULL;
	snprintf(link, sizeof link, "%s/link", top);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(opened(link, "is a symbolic link"), -EPERM);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(opened(path, "can be written by others"), -EPERM);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(opened(path, ""), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700); // who cannot open it cannot hold its lock
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 0), 0);
		assert_int_equal(opened(path, "belongs to user 65534"), -EPERM);
	}
}

// One at a time; the lock goes with the process, however it ends.
static void lock(void **state)
{
	int pipe_fds[2], status;
	char octet;
	(void)state;
	assert_int_equal(opened(path, "another process uses"), -EBUSY);
	state_close(store);
	store = NULL;
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();
	if (child == 0) {
		struct problems problems;
		struct state_store *other;
		problem_init(&problems);
		octet = state_open(path, &other, &problems) == 0;
		if (write(pipe_fds[1], &octet, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipe_fds[0], &octet, 1), 1);
	assert_int_equal(octet, 1);
	assert_int_equal(opened(path, "another process uses"), -EBUSY);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(opened(path, ""), 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void sweep(void **state)
{
	static const char *const kept_names[] = {"policy.1", "policy.2",  "policy.9",     "record",    "closed",
	                                         "accepted", "notes.new", "policy.x.new", "policy.007"};
	static const char *const gone_names[] = {"policy.5",   "policy.8",   "policy.9.new",
	                                         "record.new", "closed.new", "accepted.new"};
	struct state_record record = example(), read;
	struct problems problems;
	(void)state;
	write_all();
	problem_init(&problems);
	for (uint64_t number = 5; number <= 9; number++)
		assert_int_equal(state_write_policy(store, number, "x", 1, &problems), 0);
	for (size_t i = 6; i < sizeof kept_names / sizeof kept_names[0]; i++)
		put(kept_names[i], "x", 1);
	for (size_t i = 2; i < sizeof gone_names / sizeof gone_names[0]; i++)
		put(gone_names[i], "x", 1);
	assert_int_equal(read_record(&read, ""), 0);
	assert_int_equal(read.next, 10); // policy 9 was once, whatever the record says
	state_sweep(store, &record);
	for (size_t i = 0; i < sizeof kept_names / sizeof kept_names[0]; i++)
		if (access(in_folder(kept_names[i]), F_OK) != 0)
			fail_msg("%s is gone", kept_names[i]);
	for (size_t i = 0; i < sizeof gone_names / sizeof gone_names[0]; i++)
		if (access(in_folder(gone_names[i]), F_OK) == 0)
			fail_msg("%s is there", gone_names[i]);
	assert_int_equal(read_record(&read, ""), 0);
	assert_int_equal(read.next, 10);
}

static void cannot_write(void **state)
{
	struct state_record record = example();
	struct problems problems;
	(void)state;
	write_all();
	assert_int_equal(mkdir(in_folder("record.new"), 0700), 0); // in the way of the temporary file
	problem_init(&problems);
	record.next = 77;
	assert_int_equal(state_write_record(store, &record, &problems), -EISDIR);
	assert_said(&problems, "cannot write");
	assert_int_equal(read_record(&record, ""), 0);
	assert_int_equal(record.next, 3);

	struct trust_floor floor = example_floor();
	assert_int_equal(mkdir(in_folder("accepted.new"), 0700), 0);
	floor.serial = 8;
	assert_int_equal(state_write_accepted(store, &floor, &problems), -EISDIR);
	assert_said(&problems, "cannot write");
	floor.any = false; // no floor is nothing to keep
	assert_int_equal(state_write_accepted(store, &floor, &problems), -EINVAL);
	assert_int_equal(read_accepted(&floor, ""), 0);
	assert_int_equal(floor.serial, 7);
}

static void seal(void **state)
{
	struct buffer file = BUFFER_EMPTY;
	const char *name;
	char *text;
	size_t size;
	(void)state;
	buffer_text(&file, "before ");
	state_seal("policy.7", "a\0b", 3, &file);
	assert_int_equal(state_unseal(file.data + 7, file.size - 7, &name, &text, &size), 0);
	assert_string_equal(name, "policy.7");
	assert_int_equal(size, 3);
	assert_memory_equal(text, "a\0b", 4);
	buffer_fini(&file);
}

static int group_begin(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int group_end(void **state)
{
	(void)state;
	return rmdir(top);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(nothing_yet), TEST(kept), TEST(damage), TEST(exchanged),    TEST(untrusted),
	        TEST(folders),     TEST(lock), TEST(sweep),  TEST(cannot_write), TEST(seal),
	};
	return cmocka_run_group_tests(tests, group_begin, group_end);
}
