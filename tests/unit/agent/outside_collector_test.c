// SPDX-License-Identifier: GPL-2.0-or-later
//
// A collector over real sockets on the loopback interface, in a time that the test sets: framing, what is lost
// and what is not, and how often it is tried again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "agent/agent_outside_collector.h"

#define WAIT 10000 // ms; far more than the loopback interface needs
#define MESSAGE "<29>1 2023-11-14T22:13:20Z h leadglassd 7 ID - "

struct bench {
	struct outside_target target;
	struct collector c;
	int64_t now;
	int socket; // the collector's: bound, or listening
	int stream; // TCP: accepted
};

static uint16_t bind_socket(struct bench *b, int type, uint16_t port)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	const int on = 1, small = 2048;
	b->socket = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_true(b->socket >= 0);
	setsockopt(b->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (type == SOCK_STREAM)
		setsockopt(b->socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(bind(b->socket, (struct sockaddr *)&address, sizeof address), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(b->socket, 4), 0);
	assert_int_equal(getsockname(b->socket, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static void begin(struct bench *b, const char *transport, uint16_t port)
{
	char text[64];
	snprintf(text, sizeof text, "%s:127.0.0.1:%u", transport, port);
	assert_null(outside_target_parse(port ? text : transport, &b->target));
	assert_int_equal(collector_init(&b->c, &b->target, "h", 7), 0);
	b->now = 1000000;
	b->stream = -1;
}

static void end(struct bench *b)
{
	if (b->c.fd >= 0)
		close(b->c.fd);
	if (b->stream >= 0)
		close(b->stream);
	if (b->socket >= 0)
		close(b->socket);
	free(b->c.queue);
}

static void push(struct bench *b, unsigned number)
{
	char text[128];
	int size = snprintf(text, sizeof text, MESSAGE "message %u.",
	                    number); // the dot: a frame's length follows it
	collector_push(&b->c, text, (size_t)size, b->now);
}

// Waits for what the collector waits for, and lets it go on.
static void turn(struct bench *b)
{
	struct pollfd fd = {.fd = b->c.fd, .events = collector_events(&b->c)};
	assert_true(poll(&fd, 1, WAIT) == 1);
	collector_run(&b->c, fd.revents, b->now);
}

static void pass(struct bench *b, int64_t ms)
{
	b->now += ms;
	collector_run(&b->c, 0, b->now);
}

static void assert_received(struct bench *b, const char *wanted)
{
	char text[4096] = "";
	struct pollfd fd = {.fd = b->stream >= 0 ? b->stream : b->socket, .events = POLLIN};
	assert_true(poll(&fd, 1, WAIT) == 1);
	ssize_t n = recv(fd.fd, text, sizeof text - 1, 0);
	assert_true(n >= 0);
	assert_string_equal(text, wanted);
}

static void assert_silence(struct bench *b)
{
	char text[16];
	assert_int_equal(recv(b->socket, text, sizeof text, MSG_DONTWAIT), -1);
}

// The first goes out alone; when nobody complains the others follow.
static void udp(void **state)
{
	struct bench b;
	(void)state;
	uint16_t port = bind_socket(&b, SOCK_DGRAM, 0);
	begin(&b, "udp", port);
	assert_int_equal(collector_next(&b.c), COLLECTOR_NEVER);
	push(&b, 1);
	push(&b, 2);
	assert_received(&b, MESSAGE "message 1.");
	assert_silence(&b);
	assert_int_equal(b.c.state, OUTSIDE_CONNECTING);
	assert_int_equal(collector_next(&b.c), b.now + 1000);
	pass(&b, 999);
	assert_silence(&b);
	pass(&b, 1);
	assert_int_equal(b.c.state, OUTSIDE_UP);
	assert_received(&b, MESSAGE "message 2.");
	push(&b, 3);
	assert_received(&b, MESSAGE "message 3.");
	assert_int_equal(collector_next(&b.c), COLLECTOR_NEVER);
	assert_int_equal(b.c.lost, 0);
	end(&b);
}

static void udp_refused(void **state)
{
	struct bench b;
	(void)state;
	uint16_t port = bind_socket(&b, SOCK_DGRAM, 0);
	close(b.socket);
	b.socket = -1;
	begin(&b, "udp", port);
	push(&b, 1);
	turn(&b); // the refusal arrives
	assert_int_equal(b.c.state, OUTSIDE_DOWN);
	assert_int_equal(b.c.error, ECONNREFUSED);
	assert_int_equal(b.c.lost, 1);
	assert_int_equal(collector_next(&b.c), COLLECTOR_NEVER); // nothing to send: no wake-up
	push(&b, 2);
	push(&b, 3);
	assert_int_equal(collector_next(&b.c), b.now + 1000);
	pass(&b, 1000); // message 2 finds nobody either
	turn(&b);
	assert_int_equal(b.c.lost, 2);
	assert_int_equal(collector_next(&b.c), b.now + 2000);
	bind_socket(&b, SOCK_DGRAM, port);
	pass(&b, 2000);
	assert_received(&b, MESSAGE "message 3.");
	pass(&b, 1000);
	assert_int_equal(b.c.state, OUTSIDE_UP);
	char text[512] = "";
	assert_true(recv(b.socket, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, " h leadglassd 7 LOST [leadglass@32473 lost=\"2\"] "
	                             "2 log messages could not be sent to this collector"));
	assert_silence(&b);
	end(&b);
}

static void connect_tcp(struct bench *b)
{
	collector_run(&b->c, 0, b->now);
	assert_int_equal(b->c.state, OUTSIDE_CONNECTING);
	turn(b);
	assert_int_equal(b->c.state, OUTSIDE_UP);
	b->stream = accept4(b->socket, NULL, NULL, SOCK_CLOEXEC);
	assert_true(b->stream >= 0);
}

static void tcp(void **state)
{
	struct bench b;
	(void)state;
	uint16_t port = bind_socket(&b, SOCK_STREAM, 0);
	begin(&b, "tcp", port);
	push(&b, 1);
	turn(&b);
	assert_int_equal(b.c.state, OUTSIDE_UP);
	b.stream = accept4(b.socket, NULL, NULL, SOCK_CLOEXEC);
	assert_received(&b, "57 " MESSAGE "message 1.");
	push(&b, 2);
	assert_received(&b, "57 " MESSAGE "message 2.");
	assert_int_equal(collector_next(&b.c), COLLECTOR_NEVER);

	close(b.stream); // the collector is restarted
	b.stream = -1;
	turn(&b);
	assert_int_equal(b.c.state, OUTSIDE_DOWN);
	push(&b, 3);
	assert_int_equal(collector_next(&b.c), b.now + 1000);
	pass(&b, 1000);
	turn(&b);
	b.stream = accept4(b.socket, NULL, NULL, SOCK_CLOEXEC);
	assert_received(&b, "57 " MESSAGE "message 3."); // and not again what had arrived
	assert_int_equal(b.c.lost, 0);
	end(&b);
}

static void tcp_refused(void **state)
{
	static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct bench b;
	(void)state;
	uint16_t port = bind_socket(&b, SOCK_STREAM, 0);
	close(b.socket);
	b.socket = -1;
	begin(&b, "tcp", port);
	collector_run(&b.c, 0, b.now);
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		if (b.c.state == OUTSIDE_CONNECTING)
			turn(&b);
		assert_int_equal(b.c.state, OUTSIDE_DOWN);
		assert_int_equal(b.c.error, ECONNREFUSED);
		assert_int_equal(collector_next(&b.c), b.now + waits[i]);
		pass(&b, waits[i]);
	}
	if (b.c.state == OUTSIDE_CONNECTING)
		turn(&b);
	bind_socket(&b, SOCK_STREAM, port);
	pass(&b, 60000);
	turn(&b);
	assert_int_equal(b.c.state, OUTSIDE_UP);
	pass(&b, 10000); // it lasts: the next interruption is a first one
	b.stream = accept4(b.socket, NULL, NULL, SOCK_CLOEXEC);
	close(b.stream);
	b.stream = -1;
	turn(&b);
	assert_int_equal(collector_next(&b.c), b.now + 1000);
	end(&b);
}

// Reads framed messages until there are `wanted` of them or the stream pauses; marks the numbers in `seen`.
static size_t read_messages(int stream, bool *seen, size_t numbers, size_t wanted, struct bench *b)
{
	static char data[256 * 1024];
	size_t size = 0, at = 0, count = 0;
	struct pollfd fd = {.fd = stream, .events = POLLIN};
	while (count < wanted) {
		collector_run(&b->c, 0, b->now);
		if (poll(&fd, 1, WAIT) != 1)
			break;
		ssize_t n = recv(stream, data + size, sizeof data - 1 - size, 0);
		if (n <= 0)
			break;
		size += (size_t)n;
		data[size] = '\0';
		for (;;) {
			char *message;
			unsigned long length = strtoul(data + at, &message, 10);
			if (message == data + at || *message != ' ' ||
			    (size_t)(message + 1 - data) + length > size)
				break;
			unsigned number = 0;
			char *text = strstr(message, "message ");
			bool numbered =
			        text && text < message + length && sscanf(text, "message %u", &number) == 1;
			if (numbered && number < numbers)
				seen[number] = true;
			at = (size_t)(message + 1 - data) + length;
			count++;
		}
	}
	return count;
}

// A collector that stops reading, then resets the connection: what its kernel had not acknowledged is sent
// again.
static void tcp_sends_again(void **state)
{
	enum { NUMBERS = 1000 };
	static bool seen[NUMBERS];
	struct bench b;
	(void)state;
	uint16_t port = bind_socket(&b, SOCK_STREAM, 0);
	begin(&b, "tcp", port);
	connect_tcp(&b);
	for (unsigned i = 0; i < NUMBERS; i++)
		push(&b, i);
	assert_int_equal(b.c.lost, 0);
	assert_true(b.c.next < b.c.end); // it is full, on both sides
	size_t before = read_messages(b.stream, seen, NUMBERS, 20, &b);
	assert_in_range(before, 20, NUMBERS - 100);
	const struct linger reset = {.l_onoff = 1};
	setsockopt(b.stream, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(b.stream);
	turn(&b);
	assert_int_equal(b.c.state, OUTSIDE_DOWN);
	assert_int_equal(b.c.partial, 0);
	size_t kept = 0;
	for (size_t at = b.c.start; at < b.c.end; kept++) {
		uint16_t size;
		memcpy(&size, b.c.queue + at, sizeof size);
		at += sizeof size + size;
	}
	assert_in_range(kept, 100, NUMBERS - before);
	pass(&b, 1000);
	turn(&b);
	b.stream = accept4(b.socket, NULL, NULL, SOCK_CLOEXEC);
	memset(seen, 0, sizeof seen);
	assert_int_equal(read_messages(b.stream, seen, NUMBERS, kept, &b), kept);
	for (size_t i = NUMBERS - kept; i < NUMBERS; i++)
		assert_true(seen[i]);
	end(&b);
}

// Down for long: what fits is kept, the rest is counted, and the line about it comes after what was kept.
static void bounded(void **state)
{
	enum { NUMBERS = 3000 };
	static bool seen[NUMBERS];
	struct bench b;
	(void)state;
	uint16_t port = bind_socket(&b, SOCK_STREAM, 0);
	begin(&b, "tcp", port);
	b.c.at = b.now + 1000; // not yet
	for (unsigned i = 0; i < NUMBERS; i++)
		push(&b, i);
	collector_lose(&b.c, 5); // by the keeper
	assert_true(b.c.end <= COLLECTOR_QUEUE);
	assert_in_range(b.c.lost, NUMBERS / 2, NUMBERS);
	size_t kept = NUMBERS + 5 - b.c.lost;
	pass(&b, 1000);
	turn(&b);
	b.stream = accept4(b.socket, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(read_messages(b.stream, seen, NUMBERS, kept + 1, &b), kept + 1);
	for (size_t i = 0; i < NUMBERS; i++)
		assert_int_equal(seen[i], i < kept);
	assert_int_equal(b.c.untold, 0);
	assert_true(collector_idle(&b.c));
	end(&b);
}

static void local(void **state)
{
	struct bench b = {.socket = -1};
	int ends[2];
	(void)state;
	begin(&b, "local", 0);
	assert_false(collector_wants_local(&b.c));
	push(&b, 1);
	assert_true(collector_wants_local(&b.c));
	assert_int_equal(collector_next(&b.c), COLLECTOR_NEVER); // the keeper's business
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	b.stream = ends[1];
	collector_adopt(&b.c, ends[0], b.now);
	assert_false(collector_wants_local(&b.c));
	assert_received(&b, "<29>leadglassd[7]: ID message 1.");
	push(&b, 2);
	assert_received(&b, "<29>leadglassd[7]: ID message 2.");
	close(b.stream); // the daemon is restarted
	b.stream = -1;
	push(&b, 3);
	assert_int_equal(b.c.state, OUTSIDE_DOWN);
	assert_true(collector_wants_local(&b.c));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	b.stream = ends[1];
	collector_adopt(&b.c, ends[0], b.now);
	assert_received(&b, "<29>leadglassd[7]: ID message 3.");
	assert_int_equal(b.c.lost, 0);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(udp),         cmocka_unit_test(udp_refused),     cmocka_unit_test(tcp),
	        cmocka_unit_test(tcp_refused), cmocka_unit_test(tcp_sends_again), cmocka_unit_test(bounded),
	        cmocka_unit_test(local),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
