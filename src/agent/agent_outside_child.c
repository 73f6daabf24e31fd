// SPDX-License-Identifier: GPL-2.0-or-later
//
// The outside process: reads what strangers send, holds nothing worth having. It has no capability, no file, no
// way to start anything; it has the two netlink sockets it was given, the collectors, and the keeper to report
// to. When the keeper goes it goes.
#include "agent/agent_outside_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "agent/agent_outside_collector.h"
#include "agent/agent_outside_talk.h"
#include "sandbox/sandbox.h"

#define DATAGRAM_MAX (32 * 1024) // twice what agent_outside_netlink.c asks the kernel to put into one
#define READS_MAX 64             // datagrams of one socket at a time
#define FAREWELL 500             // ms for the last log messages
#define OUR_PREFIX "leadglass "  // others may log into the same group

enum { KEEPER, NFLOG, CONNTRACK, COLLECTOR, FDS = COLLECTOR + OUTSIDE_COLLECTORS_MAX };

struct child {
	struct talk talk;
	struct collector collectors[OUTSIDE_COLLECTORS_MAX];
	size_t collector_count;
	struct pollfd fds[FDS]; // in the order above
	struct outside_order order;
	union {
		struct nlmsghdr align;
		uint8_t octets[DATAGRAM_MAX];
	} datagram;
	int64_t unix_now;
};

static int64_t milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- what the kernel says ----

static void drop_seen(void *context, const struct drops_record *record)
{
	struct child *child = context;
	if (strncmp(record->prefix, OUR_PREFIX, strlen(OUR_PREFIX)) == 0)
		talk_drop(&child->talk, record, child->unix_now);
}

static void connection_seen(void *context, const struct drops_connection *connection)
{
	struct child *child = context;
	talk_connection(&child->talk, connection);
}

// The next datagram of the kernel; 0: none, or none that counts.
static size_t next_datagram(struct child *child, int fd, uint64_t *overruns)
{
	struct sockaddr_nl from = {0};
	socklen_t from_size = sizeof from;
	ssize_t n = recvfrom(fd, child->datagram.octets, sizeof child->datagram, MSG_DONTWAIT | MSG_TRUNC,
	                     (struct sockaddr *)&from, &from_size);
	if (n < 0 && errno == ENOBUFS)
		(*overruns)++;
	if (n <= 0 || from.nl_pid != 0)
		return 0;
	if ((size_t)n > sizeof child->datagram) {
		(*overruns)++;
		return 0;
	}
	return (size_t)n;
}

static void read_kernel(struct child *child)
{
	struct outside_state *state = &child->talk.state;
	size_t bad = 0, size;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	child->unix_now = now.tv_sec > 0 ? now.tv_sec : 0;
	for (size_t i = 0; i < READS_MAX && child->fds[NFLOG].revents; i++) {
		size = next_datagram(child, child->fds[NFLOG].fd, &state->overruns);
		if (size == 0)
			break;
		drops_read(child->datagram.octets, size, drop_seen, child, &bad);
	}
	for (size_t i = 0; i < READS_MAX && child->fds[CONNTRACK].revents; i++) {
		size = next_datagram(child, child->fds[CONNTRACK].fd, &state->connection_overruns);
		if (size == 0)
			break;
		drops_read_connections(child->datagram.octets, size, connection_seen, child, &bad);
	}
	state->malformed += bad;
}

// ---- what the keeper says ----

// The descriptor that came with a message; -1: none.
static int passed(struct msghdr *message)
{
	int fd = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void obey(struct child *child, size_t size, int fd, int64_t now)
{
	const struct outside_order *order = &child->order;
	const size_t head = offsetof(struct outside_order, text);
	switch (size >= head ? order->kind : 0) {
	case OUTSIDE_LOG:
		for (size_t i = 0; i < child->collector_count; i++) {
			collector_lose(&child->collectors[i], order->lost);
			if (order->size == size - head)
				collector_push(&child->collectors[i], order->text, order->size, now);
		}
		break;
	case OUTSIDE_GROUP:
		if (child->fds[NFLOG].fd >= 0)
			close(child->fds[NFLOG].fd);
		child->fds[NFLOG].fd = fd;
		fd = -1;
		break;
	case OUTSIDE_LOCAL:
		for (size_t i = 0; i < child->collector_count && fd >= 0; i++) {
			if (!collector_wants_local(&child->collectors[i]))
				continue;
			collector_adopt(&child->collectors[i], fd, now);
			fd = -1;
		}
		break;
	default:
		break;
	}
	if (fd >= 0)
		close(fd);
}

// False: the keeper has gone.
static bool hear_keeper(struct child *child, int64_t now)
{
	for (size_t i = 0; i < READS_MAX; i++) {
		union {
			struct cmsghdr align;
			char octets[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec part = {.iov_base = &child->order, .iov_len = sizeof child->order};
		struct msghdr message = {.msg_iov = &part,
		                         .msg_iovlen = 1,
		                         .msg_control = &control,
		                         .msg_controllen = sizeof control};
		ssize_t n = recvmsg(child->fds[KEEPER].fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		obey(child, (size_t)n, passed(&message), now);
	}
	return true;
}

// ---- the loop ----

static void run_collectors(struct child *child, int64_t now)
{
	for (size_t i = 0; i < child->collector_count; i++) {
		struct collector *c = &child->collectors[i];
		struct outside_collector_report *report = &child->talk.state.collectors[i];
		collector_run(c, child->fds[COLLECTOR + i].fd == c->fd ? child->fds[COLLECTOR + i].revents : 0,
		              now);
		report->state = (uint8_t)c->state;
		report->wants_local = collector_wants_local(c);
		report->error = c->error;
		report->lost = c->lost;
	}
}

static int wait_for(struct child *child, int64_t now, int64_t until)
{
	child->fds[KEEPER].events = child->talk.blocked ? POLLIN | POLLOUT : POLLIN;
	child->fds[NFLOG].events = child->fds[CONNTRACK].events = POLLIN;
	for (size_t i = 0; i < child->collector_count; i++) {
		const struct collector *c = &child->collectors[i];
		child->fds[COLLECTOR + i].fd = c->fd;
		child->fds[COLLECTOR + i].events = collector_events(c);
		if (collector_next(c) < until)
			until = collector_next(c);
	}
	int64_t wait = until == INT64_MAX ? -1 : until <= now ? 0 : until - now < 60000 ? until - now : 60000;
	return poll(child->fds, FDS, (int)wait);
}

// Until the keeper has gone.
static void work(struct child *child)
{
	for (;;) {
		int64_t now = milliseconds();
		run_collectors(child, now);
		if (!talk_run(&child->talk, now))
			return;
		for (size_t i = 0; i < FDS; i++)
			child->fds[i].revents = 0;
		if (wait_for(child, now, talk_next(&child->talk)) < 0 && errno != EINTR)
			return;
		now = milliseconds();
		read_kernel(child);
		if (child->fds[KEEPER].revents && !hear_keeper(child, now))
			return;
	}
}

// The keeper's last words still go out, where the collectors take them quickly.
static void say_farewell(struct child *child)
{
	int64_t now = milliseconds(), end = now + FAREWELL;
	for (size_t i = 0; i < COLLECTOR; i++)
		child->fds[i].fd = -1;
	for (; now < end; now = milliseconds()) {
		bool idle = true;
		run_collectors(child, now);
		for (size_t i = 0; i < child->collector_count; i++)
			idle &= collector_idle(&child->collectors[i]);
		if (idle)
			return;
		for (size_t i = 0; i < FDS; i++)
			child->fds[i].revents = 0;
		if (wait_for(child, now, end) < 0 && errno != EINTR)
			return;
	}
}

// ---- birth ----

static void set_signals(void)
{
	// A service manager sends SIGTERM to every process of the service; this one goes when the keeper has
	// finished talking.
	static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
	sigset_t none;
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

// Only a kernel that lacks one of these is an excuse.
static bool excused(int error)
{
	return error == 0 || error == -ENOSYS || error == -EOPNOTSUPP;
}

static bool give_up_everything(const struct outside_birth *birth)
{
	bool tcp = false, connect = false;
	for (size_t i = 0; i < birth->target_count; i++) {
		tcp |= birth->targets[i].transport == OUTSIDE_TO_TCP;
		connect |= birth->targets[i].transport != OUTSIDE_TO_LOCAL;
	}
	return sandbox_drop_all() == 0 && excused(sandbox_files(NULL, 0, tcp)) &&
	       excused(sandbox_calls_outside(connect));
}

static int live(struct child *child, const struct outside_birth *birth)
{
	int fds[] = {birth->keeper, birth->nflog, birth->conntrack, birth->local};
	if (sandbox_keep_only(birth->null, fds, sizeof fds / sizeof fds[0]) < 0 ||
	    talk_init(&child->talk, fds[0]) < 0)
		return 2;
	for (size_t i = 0; i < FDS; i++)
		child->fds[i].fd = i < COLLECTOR ? fds[i] : -1;
	for (size_t i = 0; i < birth->target_count; i++, child->collector_count++)
		if (collector_init(&child->collectors[i], &birth->targets[i], birth->host, birth->pid) < 0)
			return 2;
	child->talk.state.count = child->talk.told_state.count = (uint32_t)child->collector_count;
	child->talk.told_state.kind = OUTSIDE_STATE;
	if (!give_up_everything(birth))
		return 3;
	for (size_t i = 0; i < child->collector_count; i++) {
		if (fds[3] < 0 || birth->targets[i].transport != OUTSIDE_TO_LOCAL)
			continue;
		collector_adopt(&child->collectors[i], fds[3], milliseconds());
		fds[3] = -1;
	}
	work(child);
	say_farewell(child);
	return 0;
}

int outside_child(const struct outside_birth *birth)
{
	struct child *child = calloc(1, sizeof *child);
	prctl(PR_SET_NAME, "leadglassd-out", 0, 0, 0);
	set_signals();
	int status = child ? live(child, birth) : 2;
	free(child);
	return status;
}
