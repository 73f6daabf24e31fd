// SPDX-License-Identifier: GPL-2.0-or-later
//
// Traffic for the net tests and benches, faster and steadier than Python can make it. Each kind runs until
// SIGTERM or SIGINT, or for SECONDS, and then prints one line of numbers.
//
//   flood ADDRESS PORT RATE   sends RATE UDP datagrams a second: "sent N refused N"
//   sink PORT                 receives UDP datagrams: "received N"
//   serve PORT                accepts TCP connections, answers an octet that comes alone with an octet, and
//   swallows
//                             what comes in larger pieces: "served N swallowed N"
//   connect ADDRESS PORT      opens connection after connection, an octet there and back on each:
//                             "connections N failed N delayed N slowest_us N"; delayed: the opening SYN
//                             had to be sent again, that is, one was lost
//   rush ADDRESS PORT SECONDS the same as fast as it can: "connections N failed N us N cpu_us N"
//   knock ADDRESS PORT SOURCE RATE
//                             sends RATE SYNs a second from the address SOURCE: "sent N answered N"
//   pour ADDRESS PORT RATE SECONDS
//                             sends RATE MB a second, or with 0 as much as it can, over one connection, or the
//                             next when it breaks: "octets N us N broken N slowest_us N"; slowest: without
//                             progress
//   pingpong ADDRESS PORT     an octet there and back again and again, over one connection or the next when it
//                             breaks: "rounds N broken N slowest_us N"
//   packets ADDRESS PORT SECONDS
//                             opens a connection and sends its last ACK again and again, 40 octets that are
//                             valid, change nothing and get no answer: "packets N us N cpu_us N". What the
//                             kernel does with them up to the receiver's TCP it does on this processor, in this
//                             process's time
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_SIZE 64
#define BATCH 16
#define ANSWER_MS 10000 // no answer for that long is a failure
#define PIECE 131072    // octets that are sent or received at once
#define KNOCKING 64     // SYNs that wait for an answer
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

// Processor time that we have had.
static uint64_t cpu_us(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

// A signal ends what goes on in so many seconds, which may have decimals; 0: never.
static void end_after(const char *seconds)
{
	double time = strtod(seconds, NULL);
	struct itimerval timer = {
	        .it_value = {(time_t)time, (suseconds_t)((time - (double)(time_t)time) * 1e6)}};

	if (setitimer(ITIMER_REAL, &timer, NULL) != 0)
		fail("setitimer");
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

// What has come on a connection; false when it is over.
static bool serve_one(int fd, uint64_t *served, uint64_t *swallowed)
{
	static char data[PIECE];
	ssize_t size = recv(fd, data, sizeof data, MSG_DONTWAIT);

	if (size < 0)
		return errno == EAGAIN;
	if (size == 1 && send(fd, data, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		++*served;
	*swallowed += size > 1 ? (uint64_t)size : 0;
	return size > 0;
}

static int serve(char **arguments)
{
	int listener = bound(SOCK_STREAM, arguments[0]), group = epoll_create1(EPOLL_CLOEXEC);
	uint64_t served = 0, swallowed = 0;
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};

	if (listen(listener, 1024) != 0 || group < 0 || epoll_ctl(group, EPOLL_CTL_ADD, listener, &event) != 0)
		fail("listen");
	while (!ended) {
		if (epoll_wait(group, &event, 1, 100) <= 0)
			continue;
		if (event.data.fd != listener) {
			// The other side closes first and keeps the TIME_WAIT.
			if (!serve_one(event.data.fd, &served, &swallowed))
				close(event.data.fd);
			continue;
		}
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		event.data.fd = fd;
		if (fd >= 0 && epoll_ctl(group, EPOLL_CTL_ADD, fd, &event) != 0)
			fail("epoll_ctl");
	}
	printf("served %llu swallowed %llu\n", (unsigned long long)served, (unsigned long long)swallowed);
	return 0;
}

// Opens a connection; -1: it failed. delayed: the SYN was sent again.
static int connected(const struct sockaddr_storage *address, socklen_t size, bool *ret_delayed)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0, yes = 1;
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	struct tcp_info info = {0};
	socklen_t info_size = sizeof info, error_size = sizeof error;

	*ret_delayed = false;
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0)
		fail("socket");
	if ((connect(fd, (const struct sockaddr *)address, size) != 0 && errno != EINPROGRESS) ||
	    poll(&ready, 1, ANSWER_MS) <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0 ||
	    error) {
		close(fd);
		return -1;
	}
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0)
		*ret_delayed = info.tcpi_total_retrans > 0;
	return fd;
}

// An octet there and back.
static bool echoed(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char octet = 'x';

	return send(fd, &octet, 1, MSG_NOSIGNAL) == 1 && poll(&ready, 1, ANSWER_MS) > 0 &&
	       recv(fd, &octet, 1, 0) == 1;
}

// Opens one connection and has one octet echoed. False: it failed.
static bool exchange(const struct sockaddr_storage *address, socklen_t size, bool reset, bool *ret_delayed)
{
	int fd = connected(address, size, ret_delayed);
	bool done = fd >= 0 && echoed(fd);

	// No TIME_WAIT: there are ports for 28,232 of them only.
	if (reset && fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger)) != 0)
		fail("SO_LINGER");
	if (fd >= 0)
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
		bool done = exchange(&address, size, false, &delayed);
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

static int rush(char **arguments)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	uint64_t connections = 0, failed = 0, cpu = cpu_us(), start = now_us();

	end_after(arguments[2]);
	while (!ended) {
		bool delayed, done = exchange(&address, size, true, &delayed);
		connections += done;
		failed += !done && !ended;
	}
	printf("connections %llu failed %llu us %llu cpu_us %llu\n", (unsigned long long)connections,
	       (unsigned long long)failed, (unsigned long long)(now_us() - start),
	       (unsigned long long)(cpu_us() - cpu));
	return 0;
}

static int knock(char **arguments)
{
	struct sockaddr_storage address, source;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	uint64_t rate = strtoull(arguments[3], NULL, 10), sent = 0, answered = 0, start = now_us();
	struct pollfd waiting[KNOCKING];

	address_of(arguments[2], "0", &source);
	for (size_t i = 0; i < KNOCKING; i++)
		waiting[i].fd = -1;
	while (!ended) {
		struct pollfd *oldest = &waiting[sent % KNOCKING];
		if (sent >= (now_us() - start) * rate / 1000000) {
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
			continue;
		}
		if (oldest->fd >= 0) {
			int error = 0;
			socklen_t error_size = sizeof error;
			// A reset is an answer, too.
			if (poll(oldest, 1, 0) > 0 &&
			    getsockopt(oldest->fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 &&
			    (error == 0 || error == ECONNREFUSED))
				answered++;
			close(oldest->fd);
		}
		*oldest = (struct pollfd){
		        .fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
		        .events = POLLOUT};
		if (oldest->fd < 0 || bind(oldest->fd, (struct sockaddr *)&source, size) != 0 ||
		    (connect(oldest->fd, (struct sockaddr *)&address, size) != 0 && errno != EINPROGRESS))
			fail("knock");
		sent++;
	}
	printf("sent %llu answered %llu\n", (unsigned long long)sent, (unsigned long long)answered);
	return sent > 0 ? 0 : 1;
}

// Opens a connection, again and again until there is one; -1: the end has come.
static int insist(const struct sockaddr_storage *address, socklen_t size)
{
	bool delayed;
	int fd = -1;

	while (!ended && (fd = connected(address, size, &delayed)) < 0)
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	return fd;
}

static int pour(char **arguments)
{
	static char data[PIECE];
	struct sockaddr_storage address;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	uint64_t rate = strtoull(arguments[2], NULL, 10), octets = 0, broken = 0, slowest = 0;
	int fd = insist(&address, size);
	uint64_t start = now_us(), last = start;

	end_after(arguments[3]);
	while (!ended) {
		if (rate && octets > (now_us() - start) * rate) {
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
			last = now_us();
			continue;
		}
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		int found = poll(&ready, 1, ANSWER_MS);
		if (found < 0)
			continue; // the end
		ssize_t sent = found == 0 ? -1 : send(fd, data, sizeof data, MSG_NOSIGNAL | MSG_DONTWAIT);
		uint64_t now = now_us();
		slowest = now - last > slowest ? now - last : slowest;
		last = now;
		octets += sent > 0 ? (uint64_t)sent : 0;
		if (found == 0 || (sent < 0 && errno != EAGAIN)) {
			broken++;
			close(fd);
			fd = insist(&address, size);
		}
	}
	// Until the other side has swallowed all of it and closes.
	if (fd >= 0 && shutdown(fd, SHUT_WR) == 0)
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, ANSWER_MS);
	printf("octets %llu us %llu broken %llu slowest_us %llu\n", (unsigned long long)octets,
	       (unsigned long long)(now_us() - start), (unsigned long long)broken, (unsigned long long)slowest);
	return 0;
}

static int pingpong(char **arguments)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	uint64_t rounds = 0, broken = 0, slowest = 0;
	int fd = insist(&address, size);

	while (!ended) {
		uint64_t start = now_us();
		bool done = echoed(fd);
		if (!done && ended)
			break;
		uint64_t took = now_us() - start;
		slowest = took > slowest ? took : slowest;
		rounds += done;
		if (!done) {
			broken++;
			close(fd);
			fd = insist(&address, size);
		}
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	}
	printf("rounds %llu broken %llu slowest_us %llu\n", (unsigned long long)rounds,
	       (unsigned long long)broken, (unsigned long long)slowest);
	return 0;
}

// The next sequence number of a connection's queue, as TCP_REPAIR_QUEUE numbers them.
static uint32_t sequence(int fd, int queue)
{
	uint32_t number = 0;
	socklen_t size = sizeof number;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue) != 0 ||
	    getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &number, &size) != 0)
		fail("TCP_REPAIR_QUEUE");
	return number;
}

static uint16_t checksum(const void *data, size_t size, uint32_t sum)
{
	const uint8_t *octets = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)octets[i] << 8 | octets[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

// The ACK that the connection would send now.
static void last_ack(int fd, struct iphdr *ip, struct tcphdr *tcp)
{
	enum { RECEIVED = 1, SENT = 2 }; // TCP_RECV_QUEUE, TCP_SEND_QUEUE
	struct sockaddr_in here, there;
	socklen_t size = sizeof here;
	int on = 1, off = -1; // TCP_REPAIR_OFF_NO_WP: without a window probe

	if (getsockname(fd, (struct sockaddr *)&here, &size) != 0 ||
	    getpeername(fd, (struct sockaddr *)&there, &size) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) != 0)
		fail("TCP_REPAIR");
	*ip = (struct iphdr){.version = 4,
	                     .ihl = 5,
	                     .ttl = 64,
	                     .protocol = IPPROTO_TCP,
	                     .saddr = here.sin_addr.s_addr,
	                     .daddr = there.sin_addr.s_addr,
	                     .tot_len = htons(sizeof *ip + sizeof *tcp),
	                     .frag_off = htons(IP_DF)};
	*tcp = (struct tcphdr){.source = here.sin_port,
	                       .dest = there.sin_port,
	                       .seq = htonl(sequence(fd, SENT)),
	                       .ack_seq = htonl(sequence(fd, RECEIVED)),
	                       .doff = 5,
	                       .ack = 1,
	                       .window = htons(512)};
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof off) != 0)
		fail("TCP_REPAIR");
	uint32_t pseudo = IPPROTO_TCP + sizeof *tcp;
	const uint8_t *addresses = (const uint8_t *)&ip->saddr;
	for (size_t i = 0; i < 8; i += 2)
		pseudo += (uint32_t)addresses[i] << 8 | addresses[i + 1];
	tcp->check = checksum(tcp, sizeof *tcp, pseudo);
}

static int packets(char **arguments)
{
	struct sockaddr_storage address;
	socklen_t size = address_of(arguments[0], arguments[1], &address);
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} packet;
	uint64_t sent = 0;
	bool delayed;
	int fd = connected(&address, size, &delayed),
	    raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	// The octet's answer has come, and with it all that was on its way.
	if (fd < 0 || !echoed(fd) || raw < 0 || connect(raw, (struct sockaddr *)&address, size) != 0)
		fail("packets");
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); // the answer's own ACK has gone
	last_ack(fd, &packet.ip, &packet.tcp);
	end_after(arguments[2]);
	uint64_t cpu = cpu_us(), start = now_us();
	while (!ended) {
		if (send(raw, &packet, sizeof packet, 0) == sizeof packet)
			sent++;
		else if (errno != EINTR)
			fail("send");
	}
	uint64_t took = now_us() - start;
	cpu = cpu_us() - cpu;
	printf("packets %llu us %llu cpu_us %llu\n", (unsigned long long)sent, (unsigned long long)took,
	       (unsigned long long)cpu);
	if (!echoed(fd))
		fail("the connection has suffered");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **arguments);
	} kinds[] = {
	        {"flood", 3, flood},     {"sink", 1, sink},
	        {"serve", 1, serve},     {"connect", 2, connect_again_and_again},
	        {"rush", 3, rush},       {"knock", 4, knock},
	        {"pour", 4, pour},       {"pingpong", 2, pingpong},
	        {"packets", 3, packets},
	};
	struct sigaction action = {.sa_handler = end};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (argc >= 2 && strcmp(argv[1], kinds[i].name) == 0 && argc == 2 + kinds[i].arguments)
			return kinds[i].run(argv + 2);
	fprintf(stderr, "usage: traffic KIND ARGUMENT...; see the top of traffic.c\n");
	return 2;
}
