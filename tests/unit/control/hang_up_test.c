// SPDX-License-Identifier: GPL-2.0-or-later
//
// Connections whose client left something in them: descriptors of a stranger are found and left where they are.
// Strangers are made by root, which takes another user's id for a moment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_fixture.h"

#define STRANGER 12345

struct stranger {
	int client, server;
	int other; // end of a socket pair whose first end was sent along
};

static int stranger_begin(struct world *world, bool early, struct stranger *ret)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct control_peer_id id;
	int error;

	if (geteuid() != 0)
		skip();
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET, world->folder);
	assert_int_equal(chmod(world->folder, 0755), 0);
	assert_int_equal(chmod(address.sun_path, 0666), 0);
	ret->client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ret->other = -1;
	assert_int_equal(seteuid(STRANGER), 0);
	error = connect(ret->client, (struct sockaddr *)&address, sizeof(address));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(error, 0);
	ret->server = -1;
	if (early)
		return 0;
	ret->server = control_accept(world->listener, &id);
	assert_true(ret->server >= 0);
	assert_int_equal(id.uid, STRANGER);
	return ret->server;
}

// What came before the connection was accepted comes with any kernel.
static void send_descriptor(struct stranger *stranger, const void *data, size_t size)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(send_raw(stranger->client, data, size, ends, 1), 0);
	close(ends[0]);
	stranger->other = ends[1];
}

static bool still_there(const struct stranger *stranger)
{
	return send(stranger->other, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static void accept_it(struct world *world, struct stranger *stranger)
{
	struct control_peer_id id;

	stranger->server = control_accept(world->listener, &id);
	assert_true(stranger->server >= 0);
}

static void stranger_end(struct stranger *stranger)
{
	close(stranger->server);
	if (stranger->other >= 0)
		assert_false(still_there(stranger));
	close(stranger->client);
	if (stranger->other >= 0)
		close(stranger->other);
}

// Receiving it would be the first step to having to close it.
static void not_received(void **state)
{
	struct world *world = *state;
	struct control_request request = {.magic = CONTROL_MAGIC, .kind = CONTROL_STATUS}, got;
	struct stranger stranger;
	size_t size;
	char *payload;
	const char *why;

	stranger_begin(world, true, &stranger);
	assert_int_equal(send_raw(stranger.client, &request, sizeof(request), NULL, 0), 0);
	send_descriptor(&stranger, &request, sizeof(request));
	accept_it(world, &stranger);
	assert_int_equal(control_receive(stranger.server, &got, &payload, &size, &why), 0);
	assert_int_equal(control_receive(stranger.server, &got, &payload, &size, &why), -EPERM);
	assert_string_equal(why, "a descriptor from who may send none");
	assert_null(payload);
	assert_true(still_there(&stranger));
	assert_false(control_hang_up(stranger.server));
	assert_true(still_there(&stranger));
	stranger_end(&stranger);
}

static void found_behind_others(void **state)
{
	struct world *world = *state;
	struct stranger stranger;

	stranger_begin(world, true, &stranger);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_raw(stranger.client, "x", 1, NULL, 0), 0);
		assert_int_equal(send_raw(stranger.client, "", 0, NULL, 0), 0); // looks like the end
	}
	send_descriptor(&stranger, "", 0);
	accept_it(world, &stranger);
	assert_false(control_hang_up(stranger.server));
	assert_true(still_there(&stranger));
	stranger_end(&stranger);
}

static void nothing_in_it(void **state)
{
	struct world *world = *state;
	struct stranger stranger;
	char octet;

	stranger_begin(world, false, &stranger);
	for (int i = 0; i < 5; i++)
		assert_int_equal(send_raw(stranger.client, "x", i & 1, NULL, 0), 0);
	assert_true(control_hang_up(stranger.server));
	// It was hung up: nothing comes any more that nobody has looked at.
	assert_int_equal(send_raw(stranger.client, "x", 1, NULL, 0), -EPIPE);
	assert_int_equal(recv(stranger.client, &octet, 1, 0), 0);
	stranger_end(&stranger);
	stranger_begin(world, false, &stranger);
	close(stranger.client);
	stranger.client = -1;
	assert_true(control_hang_up(stranger.server));
	close(stranger.server);
}

static void of_the_trusted(void **state)
{
	struct world *world = *state;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(send_raw(world->rude, "x", 1, ends, 1), 0);
	assert_true(control_hang_up(world->server));
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(not_received, world_open, world_close),
	        cmocka_unit_test_setup_teardown(found_behind_others, world_open, world_close),
	        cmocka_unit_test_setup_teardown(nothing_in_it, world_open, world_close),
	        cmocka_unit_test_setup_teardown(of_the_trusted, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
