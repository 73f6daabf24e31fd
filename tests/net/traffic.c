// SPDX-License-Identifier: GPL-2.0-or-later
//
// Traffic for the net tests, faster and steadier than Python can make it. Each kind runs until SIGTERM or
// SIGINT and then prints one line of numbers.
//
//   flood ADDRESS PORT RATE   sends RATE UDP datagrams a second: "sent N refused N"
//   sink PORT                 receives UDP datagrams: "received N"
//   serve PORT                accepts TCP connections and answers an octet with an octet: "served N"
//   connect ADDRESS PORT      opens connection after connection, an octet there and back on each:
//                             "connections N failed N delayed N slowest_us N"; delayed: the opening SYN
//                             had to be sent again, that is, one was lost
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_SIZE 64
#define BATCH 16
#define ANSWER_MS 10000 // no answer for that long is a failure
// Below 400 connections a second: a port is out of use for a minute after its connection, and there are 28,232.
#define PAUSE_NS 2500000

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static socklen_t address_of(const char *text, const char *port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	*ret = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)atoi(port));
		return sizeof *four;
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)atoi(port));
		return sizeof *six;
	}
	errno = EINVAL;
	fail(text);
	return 0;
}

// A socket for both families, bound to the port on every address.
static int bound(int type, const char *port)
{
	struct sockaddr_storage address;
	socklen_t size = address_of("::", port, &address);
	int yes = 1, no = 0, fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0 ||
	    bind(fd, (struct sockaddr *)&address, size) != 0)
		fail("bind");
	return fd;
}

static int flood(char **arguments)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	uint64_t rate = strtoull(arguments[2], NULL, 10), sent = 0, refused = 0, start = now_us();
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char data[DATAGRAM_SIZE] = "not allowed";

	if (fd < 0)
		fail("socket");
	// Not connected: an ICMP error must not stop it.
	while (!ended) {
		uint64_t due = (now_us() - start) * rate / 1000000;
		if (sent + refused + BATCH > due) {
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
			continue;
		}
		for (int i = 0; i < BATCH; i++) {
			if (sendto(fd, data, sizeof data, 0, (struct sockaddr *)&address, size) == sizeof data)
				sent++;
			else
				refused++;
		}
	}
	printf("sent %llu refused %llu\n", (unsigned long long)sent, (unsigned long long)refused);
	return sent > 0 ? 0 : 1;
}

static int sink(char **arguments)
{
	int fd = bound(SOCK_DGRAM, arguments[0]), room = 64 << 20;
	uint64_t received = 0;
	char data[2048];

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
		fail("SO_RCVBUFFORCE");
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	while (!ended || poll(&ready, 1, 0) > 0) { // what lies in the buffer counts, too
		if (poll(&ready, 1, 100) > 0 && recv(fd, data, sizeof data, MSG_DONTWAIT) >= 0)
			received++;
	}
	printf("received %llu\n", (unsigned long long)received);
	return 0;
}

static int serve(char **arguments)
{
	int listener = bound(SOCK_STREAM, arguments[0]);
	uint64_t served = 0;

	if (listen(listener, 1024) != 0)
		fail("listen");
	struct pollfd ready = {.fd = listener, .events = POLLIN};
	while (!ended) {
		if (poll(&ready, 1, 100) <= 0)
			continue;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct pollfd asked = {.fd = fd, .events = POLLIN};
		char octet;
		if (fd >= 0 && poll(&asked, 1, ANSWER_MS) > 0 && recv(fd, &octet, 1, 0) == 1 &&
		    send(fd, &octet, 1, MSG_NOSIGNAL) == 1)
			served++;
		if (fd >= 0) {
			poll(&asked, 1, ANSWER_MS); // the other side closes first and keeps the TIME_WAIT
			close(fd);
		}
	}
	printf("served %llu\n", (unsigned long long)served);
	return 0;
}

// Opens one connection and has one octet echoed. False: it failed.
static bool exchange(const struct sockaddr_storage *address, socklen_t size, bool *ret_delayed)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	struct tcp_info info = {0};
	socklen_t info_size = sizeof info, error_size = sizeof error;
	char octet = 'x';
	bool done = false;

	*ret_delayed = false;
	if (fd < 0)
		fail("socket");
	if (connect(fd, (const struct sockaddr *)address, size) != 0 && errno != EINPROGRESS)
		goto out;
	if (poll(&ready, 1, ANSWER_MS) <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0 ||
	    error)
		goto out;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0)
		*ret_delayed = info.tcpi_total_retrans > 0;
	ready.events = POLLIN;
	done = send(fd, &octet, 1, MSG_NOSIGNAL) == 1 && poll(&ready, 1, ANSWER_MS) > 0 &&
	       recv(fd, &octet, 1, 0) == 1;
out:
	close(fd);
	return done;
}

static int connect_again_and_again(char **arguments)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	uint64_t connections = 0, failed = 0, delayed_count = 0, slowest = 0;

	while (!ended) {
		uint64_t start = now_us();
		bool delayed;
		bool done = exchange(&address, size, &delayed);
		if (!done && ended)
			break; // cut short by the end, not by the wall
		uint64_t took = now_us() - start;
		connections += done;
		failed += !done;
		delayed_count += delayed;
		slowest = took > slowest ? took : slowest;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	printf("connections %llu failed %llu delayed %llu slowest_us %llu\n", (unsigned long long)connections,
	       (unsigned long long)failed, (unsigned long long)delayed_count, (unsigned long long)slowest);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **arguments);
	} kinds[] = {
	        {"flood", 3, flood},
	        {"sink", 1, sink},
	        {"serve", 1, serve},
	        {"connect", 2, connect_again_and_again},
	};
	struct sigaction action = {.sa_handler = end};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (argc >= 2 && strcmp(argv[1], kinds[i].name) == 0 && argc == 2 + kinds[i].arguments)
			return kinds[i].run(argv + 2);
	fprintf(stderr,
	        "usage: traffic flood ADDRESS PORT RATE | sink PORT | serve PORT | connect ADDRESS PORT\n");
	return 2;
}
