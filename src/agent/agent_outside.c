// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keeper's side of the outside process: gives birth to it, hands it sockets and log messages, believes what
// it says only after looking at it, and starts it again when it dies.
#include "agent/agent_outside.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_outside_child.h"
#include "agent/agent_outside_keeper.h"
#include "agent/agent_outside_message.h"
#include "agent/agent_outside_netlink.h"

#define ALARM "outside"
#define RESTART_EVERY AGENT_MINUTE
#define TELL_EVERY 10000
#define RETRY_FIRST 1000 // ms: for what could not be opened
#define RETRY_LAST AGENT_MINUTE
#define HEAR_MAX 64           // messages at a time
#define MESSAGES_A_SECOND 200 // a process that means well sends some 30 at most
#define STOP_WAIT 1000        // ms
#define LOCAL_PATH "/dev/log"

static void retry_soon(struct retry *retry, int64_t now)
{
	if (retry->wait == 0)
		retry->wait = RETRY_FIRST;
	retry->at = now + retry->wait;
	retry->wait = retry->wait * 2 < RETRY_LAST ? retry->wait * 2 : RETRY_LAST;
}

static void retry_over(struct retry *retry)
{
	*retry = (struct retry){.at = AGENT_NEVER};
}

static bool wants(const struct agent_outside *o, enum outside_transport transport)
{
	for (size_t i = 0; i < o->target_count; i++)
		if (o->targets[i].transport == transport)
			return true;
	return false;
}

static int open_local(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = LOCAL_PATH};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

// The socket, or -1 and another attempt later. What it says of the group is kept for the alarm.
static int open_nflog(struct agent_outside *o, int64_t now)
{
	int fd = outside_open_nflog(o->group);
	o->nflog_error = fd < 0 ? fd : 0;
	if (fd >= 0)
		retry_over(&o->nflog);
	else
		retry_soon(&o->nflog, now);
	return fd < 0 ? -1 : fd;
}

// An alarm as long as something is wrong, or was a moment ago.
static void tell_alarm(struct agent *agent)
{
	const struct agent_outside *o = agent->outside;
	if (o->pid == 0 || o->calm_at != AGENT_NEVER)
		return; // the alarm about its end stands
	if (o->nflog_error == -EBUSY)
		agent_alarm(agent, ALARM,
		            "another program reads NFLOG group %u: who is turned away is not known", o->group);
	else if (o->nflog_error != 0)
		agent_alarm(agent, ALARM, "NFLOG group %u cannot be read (%s): who is turned away is not known",
		            o->group, strerror(-o->nflog_error));
	else
		agent_alarm_lift(agent, ALARM);
}

// ---- its life ----

static void close_socket(int fd)
{
	if (fd >= 0)
		close(fd);
}

// In the child: the copy of all that the keeper knows, which is megabytes with a large policy, and none of the
// child's business. Its descriptors, the folders and their lock among them, are closed by outside_child.
static void forget_keeper(struct agent *agent)
{
	agent_access_close(agent);
	agent_drops_close(agent);
	agent_peers_close(agent);
	agent_wall_free(agent->coming);
	agent_wall_free(agent->old);
	agent_wall_free(agent->standing);
	agent->coming = agent->old = agent->standing = NULL;
	buffer_fini(&agent->said);
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static int start(struct agent *agent, int64_t now)
{
	struct agent_outside *o = agent->outside;
	int ends[2];
	o->started = now;
	retry_over(&o->start);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	struct outside_birth birth = {
	        .keeper = ends[1],
	        .nflog = open_nflog(o, now),
	        .conntrack = outside_open_conntrack(), // without it nobody counts connections
	        .local = wants(o, OUTSIDE_TO_LOCAL) ? open_local() : -1,
	        .null = o->null,
	        .targets = o->targets,
	        .target_count = o->target_count,
	        .pid = (uint32_t)getpid(),
	        .host = agent->host,
	};
	pid_t pid = fork();
	int error = errno;
	if (pid == 0) {
		forget_keeper(agent);
		_exit(outside_child(&birth));
	}
	close_socket(birth.keeper);
	close_socket(birth.nflog);
	close_socket(birth.conntrack);
	close_socket(birth.local);
	if (pid < 0) {
		close(ends[0]);
		return -error;
	}
	o->pid = pid;
	o->fd = ends[0];
	o->state = (struct outside_state){0};
	retry_over(&o->local);
	return 0;
}

static void remember_counts(struct agent_outside *o)
{
	o->before.overruns += o->state.overruns;
	o->before.connection_overruns += o->state.connection_overruns;
	o->before.malformed += o->state.malformed;
	o->before.forgotten += o->state.forgotten;
	o->before.heard += o->state.heard;
	for (size_t i = 0; i < o->target_count; i++)
		o->lost_before[i] += o->state.collectors[i].lost;
	o->state = (struct outside_state){0};
}

// Ends it, if it has not ended, and gives what became of it. -1 as a status is no status.
static int bury(struct agent *agent)
{
	struct agent_outside *o = agent->outside;
	int status = -1;
	pid_t r;
	kill(o->pid, SIGKILL);
	do
		r = waitpid(o->pid, &status, 0);
	while (r < 0 && errno == EINTR);
	// Whatever it has sent along is not ours to close (agent_discard.c).
	if (o->fd >= 0)
		agent_discard_unseen(agent, o->fd);
	o->pid = 0;
	o->fd = -1;
	remember_counts(o);
	return r < 0 ? -1 : status;
}

static void has_died(struct agent *agent, const char *nonsense)
{
	struct agent_outside *o = agent->outside;
	char how[96];
	const int64_t now = agent_now();
	int status = bury(agent);
	if (nonsense)
		snprintf(how, sizeof how, "talked nonsense (%s) and was ended", nonsense);
	else if (status >= 0 && WIFSIGNALED(status))
		snprintf(how, sizeof how, "was ended by signal %d (%s)", WTERMSIG(status),
		         strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof how, "ended with status %d", status < 0 ? status : WEXITSTATUS(status));
	o->start.at = o->started + RESTART_EVERY > now ? o->started + RESTART_EVERY : now;
	o->calm_at = AGENT_NEVER;
	agent_alarm(agent, ALARM, "the process that reads what is dropped %s; it is started again %s", how,
	            o->start.at > now ? "within a minute" : "at once");
	agent_outside_tick(agent, now);
}

int agent_outside_start(struct agent *agent, uint16_t group)
{
	struct agent_outside *o = calloc(1, sizeof *o);
	if (!o)
		return -ENOMEM;
	o->fd = -1;
	o->null = open("/dev/null", O_RDWR | O_CLOEXEC); // without it no process is started
	o->group = group;
	o->calm_at = AGENT_NEVER;
	o->telling = (struct agent_pace){.every = TELL_EVERY, .burst = 6};
	retry_over(&o->start);
	retry_over(&o->nflog);
	retry_over(&o->local);
	for (size_t i = 0; i < OUTSIDE_COLLECTORS_MAX && agent->options.syslog[i]; i++)
		if (!outside_target_parse(agent->options.syslog[i], &o->targets[o->target_count]))
			o->target_count++;
	agent->outside = o;
	int r = start(agent, agent_now());
	if (r < 0) {
		retry_soon(&o->start, agent_now());
		agent_alarm(agent, ALARM, "the process that reads what is dropped cannot be started: %s",
		            strerror(-r));
		return r;
	}
	tell_alarm(agent);
	return o->nflog_error;
}

// It has a moment for its last log messages; that it is done shows when it closes the other end.
void agent_outside_stop(struct agent *agent)
{
	struct agent_outside *o = agent->outside;
	if (!o)
		return;
	if (o->pid != 0) {
		const int64_t end = agent_now() + STOP_WAIT;
		struct pollfd fd = {.fd = o->fd};
		shutdown(o->fd, SHUT_WR);
		for (int64_t now = agent_now(); now < end && !(fd.revents & POLLHUP); now = agent_now())
			if (poll(&fd, 1, (int)(end - now)) < 0 && errno != EINTR)
				break;
		bury(agent);
	}
	close_socket(o->null);
	free(o);
	agent->outside = NULL;
}

int agent_outside_fd(const struct agent *agent)
{
	return agent->outside ? agent->outside->fd : -1;
}

bool agent_outside_running(const struct agent *agent)
{
	return agent_outside_pid(agent) != 0;
}

pid_t agent_outside_pid(const struct agent *agent)
{
	return agent->outside ? agent->outside->pid : 0;
}

// ---- what it says ----

static void take_state(struct agent *agent, const struct outside_state *state)
{
	struct agent_outside *o = agent->outside;
	bool wants_local = false;
	for (size_t i = 0; i < o->target_count; i++)
		wants_local |= state->collectors[i].wants_local;
	o->state = *state;
	outside_tell_collectors(agent, agent_now());
	if (!wants_local)
		retry_over(&o->local);
	else if (o->local.at == AGENT_NEVER)
		o->local = (struct retry){.at = agent_now(), .wait = RETRY_FIRST};
}

static void take(struct agent *agent, const union outside_message *message)
{
	switch (message->kind) {
	case OUTSIDE_ROWS:
		for (size_t i = 0; i < message->rows.count; i++)
			agent_drops_row(agent, message->rows.items[i].index, &message->rows.items[i].row);
		break;
	case OUTSIDE_CONNECTIONS:
		for (size_t i = 0; i < message->connections.count; i++) {
			const struct outside_connection *c = &message->connections.items[i];
			agent_peers_connection(agent, &c->source, &c->destination, c->protocol, c->port,
			                       c->count);
		}
		break;
	case OUTSIDE_STATE:
		take_state(agent, &message->state);
		break;
	}
}

static bool too_many(struct agent_outside *o)
{
	const int64_t second = agent_now() / 1000;
	if (second != o->second) {
		o->second = second;
		o->messages = 0;
	}
	return ++o->messages > MESSAGES_A_SECOND;
}

// Whether the next message does: it means no good. To take it would be to have to close them.
static bool carries_descriptors(int fd)
{
	char octet;
	struct iovec part = {.iov_base = &octet, .iov_len = 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	return recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT) >= 0 && (header.msg_flags & MSG_CTRUNC);
}

void agent_outside_heard(struct agent *agent)
{
	struct agent_outside *o = agent->outside;
	for (size_t i = 0; i < HEAR_MAX && o && o->pid != 0; i++) {
		union outside_message message;
		if (carries_descriptors(o->fd)) {
			has_died(agent, "descriptors");
			return;
		}
		ssize_t n = recv(o->fd, &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == 0) { // all was read: there is nothing in it
			close(o->fd);
			o->fd = -1;
		}
		if (n <= 0) {
			has_died(agent, NULL);
			return;
		}
		const char *wrong = too_many(o) ? "too many messages"
		                    : (size_t)n > sizeof message
		                            ? "a message too long"
		                            : outside_check(&message, (size_t)n, o->target_count);
		if (wrong) {
			has_died(agent, wrong);
			return;
		}
		take(agent, &message);
	}
}

// ---- what it is told ----

// True: it has it.
static bool order(struct agent_outside *o, enum outside_kind kind, const char *text, size_t size, int fd)
{
	const size_t head = offsetof(struct outside_order, text);
	struct outside_order message = {.kind = kind, .lost = o->lost, .size = (uint32_t)size};
	struct iovec parts[] = {{.iov_base = &message, .iov_len = head},
	                        {.iov_base = (void *)(uintptr_t)text, .iov_len = size}};
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof fd)];
	} control = {0};
	struct msghdr envelope = {.msg_iov = parts, .msg_iovlen = 2};
	if (o->pid == 0)
		return false;
	if (fd >= 0) {
		envelope.msg_control = &control;
		envelope.msg_controllen = sizeof control;
		control.header = (struct cmsghdr){
		        .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	}
	return sendmsg(o->fd, &envelope, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void agent_outside_log(struct agent *agent, const char *message, size_t size)
{
	struct agent_outside *o = agent->outside;
	if (!o || o->target_count == 0 || size == 0 || size >= AGENT_SYSLOG_MAX)
		return;
	if (order(o, OUTSIDE_LOG, message, size, -1))
		o->lost = 0;
	else if (o->lost < UINT32_MAX)
		o->lost++;
}

static void hand_nflog(struct agent *agent, int64_t now)
{
	struct agent_outside *o = agent->outside;
	int fd = open_nflog(o, now);
	if (!order(o, OUTSIDE_GROUP, NULL, 0, fd) && o->nflog.at == AGENT_NEVER)
		retry_soon(&o->nflog, now);
	close_socket(fd);
	tell_alarm(agent);
}

void agent_outside_group(struct agent *agent, uint16_t group)
{
	struct agent_outside *o = agent->outside;
	if (!o || o->group == group)
		return;
	o->group = group;
	retry_over(&o->nflog);
	if (o->pid != 0)
		hand_nflog(agent, agent_now());
}

static void hand_local(struct agent_outside *o, int64_t now)
{
	int fd = open_local();
	if (fd >= 0 && order(o, OUTSIDE_LOCAL, NULL, 0, fd))
		retry_over(&o->local); // should it not do, the process asks again
	else
		retry_soon(&o->local, now);
	close_socket(fd);
}

// ---- time ----

int64_t agent_outside_next(const struct agent *agent)
{
	const struct agent_outside *o = agent->outside;
	if (!o)
		return AGENT_NEVER;
	if (o->pid == 0)
		return o->start.at;
	int64_t next = o->calm_at;
	if (o->nflog.at < next)
		next = o->nflog.at;
	if (outside_next_telling(o) < next)
		next = outside_next_telling(o);
	return o->local.at < next ? o->local.at : next;
}

void agent_outside_tick(struct agent *agent, int64_t now)
{
	struct agent_outside *o = agent->outside;
	if (!o)
		return;
	if (o->pid == 0 && now >= o->start.at) {
		int r = start(agent, now);
		if (r < 0)
			o->start.at = now + RESTART_EVERY;
		else
			o->calm_at = now + RESTART_EVERY;
	}
	if (o->pid == 0)
		return;
	if (now >= o->nflog.at)
		hand_nflog(agent, now);
	if (now >= o->local.at)
		hand_local(o, now);
	outside_tell_collectors(agent, now);
	if (now >= o->calm_at) {
		o->calm_at = AGENT_NEVER;
		tell_alarm(agent);
	}
}
