// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests, good ones and what else a client may send.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control_fixture.h"

static struct control_request good(enum control_kind kind)
{
	struct control_request request = {
	        .magic = CONTROL_MAGIC,
	        .kind = (uint16_t)kind,
	        .seconds = 120,
	        .number = 7,
	        .who = "alice from 10.20.9.77",
	        .window = {.from = {.octets = {10, 20, 9, 77}, .family = ADDRESS_IPV4, .length = 32},
	                   .box = 1,
	                   .port = 22,
	                   .seconds = 7200,
	                   .reason = "R\xc3\xb6hre tauschen"},
	};

	return request;
}

// What came of it; `why` must be there exactly for -EPROTO.
static int receive(struct world *world, struct control_request *ret)
{
	char *payload = (char *)1;
	size_t size = 99;
	const char *why = NULL;
	int error = control_receive(world->server, ret, &payload, &size, &why);

	assert_ptr_not_equal(payload, (char *)1);
	assert_null(payload); // no test that expects one asks here
	if (error)
		assert_int_equal(size, 0);
	if (error == -EPROTO)
		assert_true(why && why[0]);
	return error;
}

static void assert_refused(struct world *world, const void *data, size_t size, const int *descriptors,
                           size_t count)
{
	size_t before = open_descriptors();
	struct control_request request;

	assert_int_equal(send_raw(world->rude, data, size, descriptors, count), 0);
	assert_int_equal(receive(world, &request), -EPROTO);
	assert_int_equal(open_descriptors(), before);
}

static void every_kind(void **state)
{
	struct world *world = *state;

	for (unsigned kind = CONTROL_STATUS; kind <= CONTROL_JUDGE; kind++) {
		struct control_request sent = good(kind), got;

		if (kind == CONTROL_APPLY || kind == CONTROL_JUDGE)
			continue;
		assert_int_equal(send_raw(world->rude, &sent, sizeof(sent), NULL, 0), 0);
		assert_int_equal(receive(world, &got), 0);
		assert_memory_equal(&got, &sent, sizeof(sent));
		assert_int_equal(receive(world, &got), -EAGAIN);
	}
}

static void changing_kinds(void **state)
{
	(void)state;
	for (unsigned kind = CONTROL_STATUS; kind <= CONTROL_JUDGE; kind++)
		assert_int_equal(control_changes(kind), kind >= CONTROL_APPLY);
	assert_true(control_changes((enum control_kind)99));
	assert_string_equal(control_wall_name(CONTROL_WALL_NONE), "none");
	assert_string_equal(control_wall_name(CONTROL_WALL_CLOSED), "closed");
	assert_string_equal(control_wall_name(CONTROL_WALL_UP), "up");
	assert_string_equal(control_wall_name(CONTROL_WALL_UNVERIFIED), "unverified");
}

static void with_payload(void **state)
{
	static const size_t sizes[] = {1, 4095, 4096, 4097, 300000};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct control_request sent = good(CONTROL_APPLY), got;
		int memory = new_memfd(sizes[i], GOOD_SEALS | (i & 1 ? F_SEAL_SEAL : 0));
		size_t before = open_descriptors(), size;
		const char *why;
		char *payload;

		sent.payload = (uint32_t)sizes[i];
		assert_int_equal(send_raw(world->rude, &sent, sizeof(sent), &memory, 1), 0);
		// The sender's offset is ours too.
		assert_int_equal(lseek(memory, 1, SEEK_SET), 1);
		assert_int_equal(control_receive(world->server, &got, &payload, &size, &why), 0);
		assert_int_equal(size, sizes[i]);
		assert_int_equal(payload[0], 'x');
		assert_int_equal(payload[size - 1], 'x');
		assert_int_equal(payload[size], 0);
		assert_int_equal(strlen(payload), size);
		assert_int_equal(open_descriptors(), before);
		free(payload);
		close(memory);
	}
}

static void wrong_size(void **state)
{
	struct world *world = *state;
	char data[sizeof(struct control_request) + 4096] = {0};
	struct control_request request = good(CONTROL_STATUS);
	static const size_t sizes[] = {1, 4, sizeof(struct control_request) - 1,
	                               sizeof(struct control_request) + 1,
	                               sizeof(struct control_request) + 4096};

	memcpy(data, &request, sizeof(request));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_refused(world, data, sizes[i], NULL, 0);
}

static void empty_datagram(void **state)
{
	struct world *world = *state;
	struct control_request got;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	// Without anything it cannot be told from an end.
	assert_int_equal(send(world->rude, "", 0, MSG_NOSIGNAL), 0);
	assert_int_equal(receive(world, &got), -ECONNRESET);
	assert_refused(world, "", 0, &null, 1);
	close(null);
}

static void wrong_words(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_STATUS);

	request.magic++;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_STATUS);
	request.kind = 0;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request.kind = CONTROL_JUDGE + 1;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request.kind = 0xffff;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	memset(&request, 0xff, sizeof(request));
	assert_refused(world, &request, sizeof(request), NULL, 0);
	memset(&request, 0, sizeof(request));
	assert_refused(world, &request, sizeof(request), NULL, 0);
}

static void wrong_texts(void **state)
{
	static const char *const bad[] = {
	        "alice\nAPPLIED policy 9",
	        "alice\x1b[2J",
	        "alice\r",
	        "\x7f",
	        "alice\x80",
	        "\xc3",
	        "\xc0\xaf",
	        "\xed\xa0\x80",
	        "\xc2\x85" /* next line */,
	        "\xe2\x80\xae" /* right to left */,
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct control_request request = good(CONTROL_ALLOW);

		memcpy(request.who, bad[i], strlen(bad[i]) + 1);
		assert_refused(world, &request, sizeof(request), NULL, 0);
		request = good(CONTROL_ALLOW);
		memcpy(request.window.reason, bad[i], strlen(bad[i]) + 1);
		assert_refused(world, &request, sizeof(request), NULL, 0);
		request = good(CONTROL_STATUS);
		memcpy(request.window.who, bad[i], strlen(bad[i]) + 1);
		assert_refused(world, &request, sizeof(request), NULL, 0);
	}
}

static void unterminated(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_ALLOW), got;

	memset(request.who, 'a', sizeof(request.who));
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_ALLOW);
	memset(request.window.reason, 'a', sizeof(request.window.reason));
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_ALLOW);
	memset(request.window.who, 'a', sizeof(request.window.who));
	assert_refused(world, &request, sizeof(request), NULL, 0);

	// The longest that fits; and what stands behind the end does not come along.
	request = good(CONTROL_ALLOW);
	memset(request.who, 'a', sizeof(request.who) - 1);
	memcpy(request.window.reason, "why\0\x1b\xff", 6);
	assert_int_equal(send_raw(world->rude, &request, sizeof(request), NULL, 0), 0);
	assert_int_equal(receive(world, &got), 0);
	assert_int_equal(strlen(got.who), CONTROL_WHO_MAX - 1);
	for (size_t i = 3; i < sizeof(got.window.reason); i++)
		assert_int_equal(got.window.reason[i], 0);
}

static void wrong_addresses(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_ALLOW);

	request.window.from.family = 2;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_ALLOW);
	request.window.from.length = 33;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_ALLOW);
	request.window.from.octets[4] = 1; // of an IPv4 address
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_ALLOW);
	request.window.to = (struct prefix){.family = ADDRESS_IPV6, .length = 129};
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request = good(CONTROL_ALLOW);
	request.window.box = 2;
	assert_refused(world, &request, sizeof(request), NULL, 0);
}

static void descriptors_where_none_belong(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_STATUS);
	int many[20];

	for (size_t i = 0; i < 20; i++)
		many[i] = new_memfd(10, GOOD_SEALS);
	for (size_t count = 1; count <= 20; count++)
		assert_refused(world, &request, sizeof(request), many, count);
	request = good(CONTROL_APPLY);
	request.payload = 10;
	for (size_t count = 2; count <= 20; count++)
		assert_refused(world, &request, sizeof(request), many, count);
	assert_refused(world, "x", 1, many, 20);
	for (size_t i = 0; i < 20; i++)
		close(many[i]);
}

static void payload_said_but_not_sent(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_APPLY);
	int memory = new_memfd(10, GOOD_SEALS);

	assert_refused(world, &request, sizeof(request), NULL, 0);
	request.payload = 10;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	request.payload = 0;
	assert_refused(world, &request, sizeof(request), &memory, 1);
	request = good(CONTROL_CONFIRM);
	request.payload = 10;
	assert_refused(world, &request, sizeof(request), NULL, 0);
	close(memory);
}

static void payload_of_another_size(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_APPLY);
	int memory = new_memfd(10, GOOD_SEALS), empty = new_memfd(0, GOOD_SEALS);
	static const uint32_t said[] = {9, 11, CONTROL_PAYLOAD_MAX, CONTROL_PAYLOAD_MAX + 1, UINT32_MAX};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		request.payload = said[i];
		assert_refused(world, &request, sizeof(request), &memory, 1);
	}
	request.payload = 10;
	assert_refused(world, &request, sizeof(request), &empty, 1);
	close(memory);
	close(empty);
}

// A file of a terabyte costs whoever reads it to find that out.
static void huge(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_APPLY);
	int memory = new_memfd(0, 0);

	assert_int_equal(ftruncate(memory, (off_t)1 << 40), 0);
	assert_int_equal(fcntl(memory, F_ADD_SEALS, GOOD_SEALS), 0);
	request.payload = CONTROL_PAYLOAD_MAX;
	assert_refused(world, &request, sizeof(request), &memory, 1);
	close(memory);
}

static void not_sealed(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_APPLY);
	static const int seals[] = {0,
	                            F_SEAL_SEAL,
	                            F_SEAL_WRITE,
	                            F_SEAL_WRITE | F_SEAL_GROW,
	                            F_SEAL_WRITE | F_SEAL_SHRINK,
	                            F_SEAL_SHRINK | F_SEAL_GROW};

	request.payload = 10;
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		int memory = new_memfd(10, seals[i]);

		assert_refused(world, &request, sizeof(request), &memory, 1);
		close(memory);
	}
}

static void no_memfd(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_APPLY);
	char path[128];
	int descriptors[5], ends[2];

	(void)snprintf(path, sizeof(path), "%s/file", world->folder);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	descriptors[0] = ends[0];
	descriptors[1] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(descriptors[1], "0123456789", 10), 10);
	descriptors[2] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	descriptors[3] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	descriptors[4] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	request.payload = 10;
	for (size_t i = 0; i < 5; i++) {
		assert_true(descriptors[i] >= 0);
		assert_refused(world, &request, sizeof(request), &descriptors[i], 1);
		close(descriptors[i]);
	}
	close(ends[1]);
	unlink(path);
}

static void peer_gone(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_STATUS), got;

	assert_int_equal(send_raw(world->rude, &request, sizeof(request), NULL, 0), 0);
	close(world->rude);
	world->rude = -1;
	assert_int_equal(receive(world, &got), 0); // what it said before counts
	assert_int_equal(receive(world, &got), -ECONNRESET);
}

// Who may not change anything is not worth reading. From Linux 6.16 on no descriptor of theirs reaches us; else
// it is not taken.
static void payload_of_a_reader(void **state)
{
	struct world *world = *state;
	struct control_request request = good(CONTROL_APPLY), got;
	int memory = new_memfd(10, GOOD_SEALS), client, server, sent;
	char path[128];
	size_t before;

	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, world->folder);
	assert_int_equal(chmod(world->folder, 0755) | chmod(path, 0666), 0);
	assert_int_equal(seteuid(65534), 0);
	client = world_connect(world, &server);
	assert_int_equal(seteuid(0), 0);
	close(world->rude);
	close(world->server);
	world->rude = client;
	world->server = server;
	request.payload = 10;
	before = open_descriptors();
	sent = send_raw(client, &request, sizeof(request), &memory, 1);
	// Accepted as one of our own, so that the kernel lets it through as older ones do.
	assert_int_equal(sent, 0);
	assert_int_equal(receive(world, &got), -EPERM);
	assert_int_equal(open_descriptors(), before);
	assert_false(control_hang_up(server));
	close(memory);
}

static void thousand_rude_clients(void **state)
{
	struct world *world = *state;
	size_t before = open_descriptors();
	int memory = new_memfd(10, 0), pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct control_request request = good(CONTROL_APPLY), got;
		int descriptors[4] = {memory, pair[0], pair[1], memory};
		int server, client = world_connect(world, &server);
		const char *why;
		char *payload;
		size_t size;

		request.payload = 10;
		if (i % 7 == 0)
			request.kind = CONTROL_STATUS;
		assert_int_equal(
		        send_raw(client, &request, i % 5 ? sizeof(request) : i % 300, descriptors, i % 5), 0);
		if (i % 3 == 0)
			close(client);
		assert_true(control_receive(server, &got, &payload, &size, &why) < 0);
		// Some are left with more in the queue than anybody read.
		if (i % 3 != 0) {
			assert_int_equal(send_raw(client, &request, sizeof(request), descriptors, 4), 0);
			close(client);
		}
		close(server);
	}
	close(memory);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(every_kind, world_open, world_close),
	        cmocka_unit_test(changing_kinds),
	        cmocka_unit_test_setup_teardown(with_payload, world_open, world_close),
	        cmocka_unit_test_setup_teardown(wrong_size, world_open, world_close),
	        cmocka_unit_test_setup_teardown(empty_datagram, world_open, world_close),
	        cmocka_unit_test_setup_teardown(wrong_words, world_open, world_close),
	        cmocka_unit_test_setup_teardown(wrong_texts, world_open, world_close),
	        cmocka_unit_test_setup_teardown(unterminated, world_open, world_close),
	        cmocka_unit_test_setup_teardown(wrong_addresses, world_open, world_close),
	        cmocka_unit_test_setup_teardown(descriptors_where_none_belong, world_open, world_close),
	        cmocka_unit_test_setup_teardown(payload_said_but_not_sent, world_open, world_close),
	        cmocka_unit_test_setup_teardown(payload_of_another_size, world_open, world_close),
	        cmocka_unit_test_setup_teardown(huge, world_open, world_close),
	        cmocka_unit_test_setup_teardown(not_sealed, world_open, world_close),
	        cmocka_unit_test_setup_teardown(no_memfd, world_open, world_close),
	        cmocka_unit_test_setup_teardown(peer_gone, world_open, world_close),
	        cmocka_unit_test_setup_teardown(payload_of_a_reader, world_open, world_close),
	        cmocka_unit_test_setup_teardown(thousand_rude_clients, world_open, world_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
