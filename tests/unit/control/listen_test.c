// SPDX-License-Identifier: GPL-2.0-or-later
//
// The socket itself: who may connect, what happens to an old one, who is there.
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

static void mode_and_flags(void **state)
{
	struct world *world = *state;
	struct stat status;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, world->folder);
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0660);
	for (int i = 0; i < 2; i++) {
		int fd = i ? world->server : world->listener;

		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
}

static void mask_is_restored(void **state)
{
	mode_t before = umask(022);
	struct world *world = *state;
	int fd = control_listen(world->folder, (gid_t)-1);

	assert_true(fd >= 0);
	assert_int_equal(umask(before), 022);
	close(fd);
}

static void group(void **state)
{
	struct world *world = *state;
	struct stat status;
	char path[128];
	gid_t wanted = geteuid() == 0 ? 12345 : getegid();
	int fd = control_listen(world->folder, wanted);

	assert_true(fd >= 0);
	(void)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, world->folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_gid, wanted);
	assert_int_equal(status.st_mode & 07777, 0660);
	close(fd);
}

// The agent that had it was killed: its file lies there and nobody listens.
static void replaces_an_old_one(void **state)
{
	struct world *world = *state;
	struct control_peer_id id;
	int fd = control_listen(world->folder, (gid_t)-1), client, server;

	assert_true(fd >= 0);
	close(world->listener);
	world->listener = fd;
	client = world_connect(world, &server);
	assert_int_equal(control_accept(world->listener, &id), -EAGAIN);
	close(client);
	close(server);
}

// A restart that was interrupted left the new socket's file under its first name.
static void leftover(void **state)
{
	struct world *world = *state;
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET ".new", world->folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	fd = control_listen(world->folder, (gid_t)-1);
	assert_true(fd >= 0);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
}

static void cannot(void **state)
{
	char path[256];
	size_t before = open_descriptors();

	(void)state;
	assert_int_equal(control_listen("/nowhere/at/all", (gid_t)-1), -ENOENT);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_listen(path, (gid_t)-1), -ENAMETOOLONG);
	path[100] = '\0'; // fits, but not with the name of the socket
	assert_int_equal(control_listen(path, (gid_t)-1), -ENAMETOOLONG);
	assert_int_equal(open_descriptors(), before);
}

static void credentials(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct problems problems;
	struct control_peer_id id;
	int fd;

	problem_init(&problems);
	assert_int_equal(control_connect(world->folder, &control, &problems), 0);
	fd = control_accept(world->listener, &id);
	assert_true(fd >= 0);
	assert_int_equal(id.pid, getpid());
	assert_int_equal(id.uid, geteuid());
	assert_int_equal(id.gid, getegid());
	close(fd);
	control_disconnect(control);
	problem_fini(&problems);
}

// Somebody who connected and left before we looked.
static void gone_before_accepted(void **state)
{
	struct world *world = *state;
	struct control *control;
	struct problems problems;
	struct control_request request;
	struct control_peer_id id;
	const char *why;
	char *payload;
	size_t size;
	int fd;

	problem_init(&problems);
	assert_int_equal(control_connect(world->folder, &control, &problems), 0);
	control_disconnect(control);
	fd = control_accept(world->listener, &id);
	assert_true(fd >= 0);
	assert_int_equal(id.pid, getpid());
	assert_int_equal(control_receive(fd, &request, &payload, &size, &why), -ECONNRESET);
	close(fd);
	problem_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(mode_and_flags, world_open, world_close),
	        cmocka_unit_test_setup_teardown(mask_is_restored, world_open, world_close),
	        cmocka_unit_test_setup_teardown(group, world_open, world_close),
	        cmocka_unit_test_setup_teardown(replaces_an_old_one, world_open, world_close),
	        cmocka_unit_test_setup_teardown(leftover, world_open, world_close),
	        cmocka_unit_test(cannot),
	        cmocka_unit_test_setup_teardown(credentials, world_open, world_close),
	        cmocka_unit_test_setup_teardown(gone_before_accepted, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
