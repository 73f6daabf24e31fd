// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sending log messages. UDP gives no answer but "nobody is there", so after a failure one message goes out
// alone and the others wait whether it comes back. Over TCP a message is given up only when the other side's
// kernel has it.
#include "agent/agent_outside_collector.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <linux/tcp.h>

#include "agent/agent.h"

#define BACKOFF_FIRST 1000
#define BACKOFF_LAST 60000
#define STEADY 10000       // ms: a connection that lasted so long was a good one
#define CONNECT_WAIT 10000 // ms
#define PROBE_WAIT 1000    // ms: in this time a machine without collector has said so
#define DEAD_AFTER 30000   // ms without an acknowledgement
#define FRAME_MAX 8        // "2047 " and a NUL
#define SEND_BUFFER (16 * 1024)
#define SENDS_MAX 64 // at a time, so that other work gets its turn

int collector_init(struct collector *c, const struct outside_target *target, const char *host, uint32_t pid)
{
	*c = (struct collector){.target = target, .host = host, .pid = pid, .fd = -1, .backoff = BACKOFF_FIRST};
	c->queue = malloc(COLLECTOR_QUEUE);
	return c->queue ? 0 : -ENOMEM;
}

// ---- the queue ----

static uint16_t size_at(const struct collector *c, size_t at)
{
	uint16_t size;
	memcpy(&size, c->queue + at, sizeof size);
	return size;
}

static size_t after(const struct collector *c, size_t at)
{
	return at + sizeof(uint16_t) + size_at(c, at);
}

// How far the other side has acknowledged: octets of this connection.
static uint64_t acknowledged(const struct collector *c)
{
	struct tcp_info info;
	socklen_t size = sizeof info;
	memset(&info, 0, sizeof info);
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
	    size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked)
		return UINT64_MAX; // this kernel does not say: what was sent is taken to have arrived
	return info.tcpi_bytes_acked;
}

// Lets go of what has arrived.
static void release(struct collector *c)
{
	uint64_t done = UINT64_MAX;
	if (c->start == c->next)
		return;
	if (c->target->transport == OUTSIDE_TO_TCP && c->fd >= 0) {
		done = acknowledged(c);
		if (done != UINT64_MAX)
			done -= c->acknowledged_at_start;
	}
	while (c->start < c->next && c->released + size_at(c, c->start) <= done) {
		c->released += size_at(c, c->start);
		c->start = after(c, c->start);
	}
	if (c->start == c->end)
		c->start = c->next = c->end = 0;
}

static bool make_room(struct collector *c, size_t size)
{
	size += sizeof(uint16_t);
	if (size <= COLLECTOR_QUEUE - c->end)
		return true;
	release(c);
	memmove(c->queue, c->queue + c->start, c->end - c->start);
	c->next -= c->start;
	c->end -= c->start;
	c->start = 0;
	return size <= COLLECTOR_QUEUE - c->end;
}

static void append(struct collector *c, const char *text, size_t size)
{
	uint16_t size16 = (uint16_t)size;
	memcpy(c->queue + c->end, &size16, sizeof size16);
	memcpy(c->queue + c->end + sizeof size16, text, size);
	c->end += sizeof size16 + size;
}

// A message with the framing of its transport. False: there is no room.
static bool enqueue(struct collector *c, const char *message, size_t size)
{
	char framed[AGENT_SYSLOG_MAX + FRAME_MAX];
	switch (c->target->transport) {
	case OUTSIDE_TO_LOCAL:
		size = agent_syslog_local(message, size, framed);
		break;
	case OUTSIDE_TO_UDP:
		memcpy(framed, message, size);
		break;
	case OUTSIDE_TO_TCP: {
		size_t head = (size_t)snprintf(framed, FRAME_MAX, "%zu ", size);
		memcpy(framed + head, message, size);
		size += head;
		break;
	}
	}
	if (size == 0 || !make_room(c, size))
		return false;
	append(c, framed, size);
	return true;
}

void collector_lose(struct collector *c, uint64_t messages)
{
	c->lost += messages;
	c->untold += messages;
}

// A line that takes the place of what was lost.
static void tell_losses(struct collector *c)
{
	char number[24], text[96], line[AGENT_SYSLOG_MAX];
	struct timespec now;
	if (c->untold == 0 || c->state != OUTSIDE_UP)
		return;
	snprintf(number, sizeof number, "%llu", (unsigned long long)c->untold);
	snprintf(text, sizeof text, "%s log message%s could not be sent to this collector", number,
	         c->untold == 1 ? "" : "s");
	clock_gettime(CLOCK_REALTIME, &now);
	const struct agent_field field = {"lost", number};
	const struct agent_syslog message = {
	        .facility = LOG_DAEMON,
	        .severity = LOG_WARNING,
	        .seconds = now.tv_sec,
	        .microseconds = (uint32_t)now.tv_nsec / 1000,
	        .host = c->host,
	        .app = "leadglassd",
	        .pid = c->pid,
	        .id = "LOST",
	        .fields = &field,
	        .count = 1,
	        .text = text,
	};
	size_t size = agent_syslog_format(&message, line);
	if (enqueue(c, line, size))
		c->untold = 0;
}

void collector_push(struct collector *c, const char *message, size_t size, int64_t now)
{
	if (size == 0 || size >= AGENT_SYSLOG_MAX)
		return;
	tell_losses(c);
	if ((c->state == OUTSIDE_UP && c->untold > 0) || !enqueue(c, message, size))
		collector_lose(c, 1);
	else
		collector_run(c, 0, now);
}

// ---- the connection ----

static void go_down(struct collector *c, int error, int64_t now)
{
	release(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->state == OUTSIDE_UP && now - c->up_since >= STEADY)
		c->backoff = BACKOFF_FIRST;
	c->state = OUTSIDE_DOWN;
	c->error = error;
	c->at = now + c->backoff;
	c->backoff = c->backoff * 2 < BACKOFF_LAST ? c->backoff * 2 : BACKOFF_LAST;
	// What was not acknowledged is sent again, whole.
	c->next = c->start;
	c->partial = 0;
	c->sent = c->released = 0;
}

static void go_up(struct collector *c, int64_t now)
{
	c->state = OUTSIDE_UP;
	c->error = 0;
	c->up_since = now;
	c->at = COLLECTOR_NEVER;
	if (c->target->transport == OUTSIDE_TO_TCP) {
		c->acknowledged_at_start = acknowledged(c); // the handshake's octet is in it
		if (c->acknowledged_at_start == UINT64_MAX)
			c->acknowledged_at_start = 0;
	}
	tell_losses(c);
}

static void set_tcp_options(int fd)
{
	const int on = 1, room = SEND_BUFFER, idle = 60, patience = DEAD_AFTER;
	// Each makes a dead connection show earlier; without them it shows later.
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void connect_now(struct collector *c, int64_t now)
{
	const bool tcp = c->target->transport == OUTSIDE_TO_TCP;
	c->fd = socket(c->target->address.any.sa_family,
	               (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		go_down(c, errno, now);
		return;
	}
	if (tcp)
		set_tcp_options(c->fd);
	if (connect(c->fd, &c->target->address.any, c->target->size) < 0 && errno != EINPROGRESS) {
		go_down(c, errno, now);
		return;
	}
	c->state = OUTSIDE_CONNECTING;
	c->at = tcp ? now + CONNECT_WAIT : COLLECTOR_NEVER;
}

void collector_adopt(struct collector *c, int fd, int64_t now)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	go_up(c, now);
	collector_run(c, 0, now);
}

bool collector_wants_local(const struct collector *c)
{
	return c->target->transport == OUTSIDE_TO_LOCAL && c->state == OUTSIDE_DOWN && c->end > c->next;
}

// ---- sending ----

// Sends the message at `next`. False: not now; the state may have changed.
static bool send_one(struct collector *c, int64_t now)
{
	size_t size = size_at(c, c->next);
	ssize_t n = send(c->fd, c->queue + c->next + sizeof(uint16_t) + c->partial, size - c->partial,
	                 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) {
		// Over UDP a refusal is about the message before; this one has not left.
		if (errno == ECONNREFUSED && c->target->transport == OUTSIDE_TO_UDP)
			collector_lose(c, 1);
		go_down(c, errno, now);
		return false;
	}
	c->partial += (size_t)n;
	c->sent += (size_t)n;
	if (c->partial < size)
		return false;
	c->partial = 0;
	c->next = after(c, c->next);
	if (c->target->transport != OUTSIDE_TO_TCP)
		release(c);
	return true;
}

static void send_all(struct collector *c, int64_t now)
{
	for (size_t i = 0; i < SENDS_MAX && c->next < c->end; i++)
		if (!send_one(c, now))
			return;
	if (c->state == OUTSIDE_UP)
		tell_losses(c);
}

// The first message after a failure, or at all, over UDP.
static void probe(struct collector *c, int64_t now)
{
	if (c->at == COLLECTOR_NEVER && c->next < c->end && send_one(c, now))
		c->at = now + PROBE_WAIT;
}

// A socket that reports an error or its end. True: it is down now.
static bool broken(struct collector *c, short ready, int64_t now)
{
	int error = 0;
	socklen_t size = sizeof error;
	char octets[256];
	if (ready & (POLLERR | POLLHUP | POLLNVAL)) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			error = errno;
		if (error == 0 && c->target->transport != OUTSIDE_TO_TCP)
			return false;
		if (c->target->transport == OUTSIDE_TO_UDP)
			collector_lose(c, 1);
		go_down(c, error, now);
		return true;
	}
	if (!(ready & POLLIN))
		return false;
	// Collectors say nothing; what comes is thrown away.
	ssize_t n = recv(c->fd, octets, sizeof octets, MSG_DONTWAIT);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ||
	    (n == 0 && c->target->transport != OUTSIDE_TO_TCP))
		return false;
	go_down(c, n < 0 ? errno : ECONNRESET, now);
	return true;
}

static void run_connecting(struct collector *c, short ready, int64_t now)
{
	if (c->target->transport == OUTSIDE_TO_TCP) {
		if (ready & POLLOUT)
			go_up(c, now);
		else if (now >= c->at)
			go_down(c, ETIMEDOUT, now);
	} else if (c->at != COLLECTOR_NEVER && now >= c->at) {
		go_up(c, now);
	} else {
		probe(c, now);
	}
}

void collector_run(struct collector *c, short ready, int64_t now)
{
	if (c->fd >= 0 && broken(c, ready, now))
		return;
	// UDP connects when there is something to send, TCP always.
	if (c->state == OUTSIDE_DOWN && c->target->transport != OUTSIDE_TO_LOCAL && now >= c->at &&
	    (c->next < c->end || c->target->transport == OUTSIDE_TO_TCP))
		connect_now(c, now);
	if (c->state == OUTSIDE_CONNECTING)
		run_connecting(c, ready, now);
	if (c->state == OUTSIDE_UP)
		send_all(c, now);
}

short collector_events(const struct collector *c)
{
	switch (c->state) {
	case OUTSIDE_DOWN:
		return 0;
	case OUTSIDE_CONNECTING:
		if (c->target->transport == OUTSIDE_TO_TCP)
			return POLLOUT;
		return c->at == COLLECTOR_NEVER && c->next < c->end ? POLLIN | POLLOUT : POLLIN;
	case OUTSIDE_UP:
		return c->next < c->end ? POLLIN | POLLOUT : POLLIN;
	}
	return 0;
}

int64_t collector_next(const struct collector *c)
{
	switch (c->state) {
	case OUTSIDE_DOWN:
		if (c->target->transport == OUTSIDE_TO_LOCAL ||
		    (c->target->transport == OUTSIDE_TO_UDP && c->next == c->end))
			return COLLECTOR_NEVER;
		return c->at;
	case OUTSIDE_CONNECTING:
		return c->at;
	case OUTSIDE_UP:
		return COLLECTOR_NEVER;
	}
	return COLLECTOR_NEVER;
}

bool collector_idle(const struct collector *c)
{
	return c->state == OUTSIDE_DOWN || c->next == c->end;
}
