// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keeper's side of the outside process: gives birth to it, hands it sockets and log messages, believes what
// it says only after looking at it, and starts it again when it dies.
#include "agent/agent_outside.h"

#include <errno.h>
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
#include "agent/agent_outside_message.h"
#include "agent/agent_outside_netlink.h"

#define ALARM "outside"
#define RESTART_EVERY AGENT_MINUTE
#define RETRY_FIRST 1000 // ms: for what could not be opened
#define RETRY_LAST AGENT_MINUTE
#define HEAR_MAX 64           // messages at a time
#define MESSAGES_A_SECOND 200 // a process that means well sends some 30 at most
#define STOP_WAIT 1000        // ms
#define LOCAL_PATH "/dev/log"

struct retry {
	int64_t at, wait; // ms; at AGENT_NEVER: nothing to try
};

struct agent_outside {
	pid_t pid; // 0: not running
	int fd;    // -1: the same
	uint16_t group;
	struct outside_target targets[OUTSIDE_COLLECTORS_MAX];
	size_t target_count;
	int64_t started; // ms, the last time
	int64_t calm_at; // when an alarm about its end is lifted; AGENT_NEVER: there is none
	struct retry start, nflog, local;
	int nflog_error;                    // why drops are not read; 0: they are
	uint32_t lost;                      // log messages it was not given
	struct outside_state state;         // as it last said
	struct agent_outside_counts before; // by those that died
	uint64_t lost_before[OUTSIDE_COLLECTORS_MAX];
	int64_t second; // the current one, and how many messages came in it
	unsigned messages;
};

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
	        .targets = o->targets,
	        .target_count = o->target_count,
	        .pid = (uint32_t)getpid(),
	        .host = agent->host,
	};
	pid_t pid = fork();
	int error = errno;
	if (pid == 0)
		_exit(outside_child(&birth));
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
	for (size_t i = 0; i < o->target_count; i++)
		o->lost_before[i] += o->state.collectors[i].lost;
	o->state = (struct outside_state){0};
}

// Ends it, if it has not ended, and gives what became of it. -1 as a status is no status.
static int bury(struct agent_outside *o)
{
	int status = -1;
	pid_t r;
	close_socket(o->fd);
	kill(o->pid, SIGKILL);
	do
		r = waitpid(o->pid, &status, 0);
	while (r < 0 && errno == EINTR);
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
	int status = bury(o);
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
	o->group = group;
	o->calm_at = AGENT_NEVER;
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
		bury(o);
	}
	free(o);
	agent->outside = NULL;
}

int agent_outside_fd(const struct agent *agent)
{
	return agent->outside ? agent->outside->fd : -1;
}

bool agent_outside_running(const struct agent *agent)
{
	return agent->outside && agent->outside->pid != 0;
}

// ---- what it says ----

static void take_state(struct agent *agent, const struct outside_state *state)
{
	struct agent_outside *o = agent->outside;
	bool wants_local = false;
	for (size_t i = 0; i < o->target_count; i++) {
		const struct outside_collector_report *old = &o->state.collectors[i],
		                                      *new = &state->collectors[i];
		char name[24];
		snprintf(name, sizeof name, "collector-%u", (unsigned)i + 1);
		wants_local |= new->wants_local;
		if (new->state == OUTSIDE_UP)
			agent_alarm_lift(agent, name);
		else if (new->state == OUTSIDE_DOWN &&new->error != 0 && old->error != new->error)
			agent_alarm(agent, name, "log lines do not reach %s: %s", o->targets[i].text,
			            strerror(new->error));
	}
	o->state = *state;
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

void agent_outside_heard(struct agent *agent)
{
	struct agent_outside *o = agent->outside;
	for (size_t i = 0; i < HEAR_MAX && o && o->pid != 0; i++) {
		union outside_message message;
		// Descriptors that it might send along are closed by the kernel: nothing takes them.
		ssize_t n = recv(o->fd, &message, sizeof message, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
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
	if (now >= o->calm_at) {
		o->calm_at = AGENT_NEVER;
		tell_alarm(agent);
	}
}

// ---- what is shown of it ----

static void describe_state(const struct outside_collector_report *report, uint64_t lost, char *text,
                           size_t size)
{
	char losses[48] = "";
	const char *state = "";
	if (lost > 0)
		snprintf(losses, sizeof losses, "%llu line%s lost", (unsigned long long)lost,
		         lost == 1 ? "" : "s");
	if (report->state == OUTSIDE_DOWN && report->error != 0)
		state = strerror(report->error);
	if (losses[0] == '\0' && state[0] == '\0')
		text[0] = '\0';
	else
		snprintf(text, size, " (%s%s%s)", state, losses[0] && state[0] ? ", " : "", losses);
}

void agent_outside_describe(const struct agent *agent, char *text, size_t size)
{
	const struct agent_outside *o = agent->outside;
	size_t at = 0;
	if (size == 0)
		return;
	text[0] = '\0';
	for (size_t i = 0; o && i < o->target_count && at < size; i++) {
		const struct outside_collector_report *report = &o->state.collectors[i];
		char state[128];
		describe_state(report, report->lost + o->lost_before[i] + o->lost, state, sizeof state);
		int n = snprintf(text + at, size - at, "%s%s%s", i ? "; " : "", o->targets[i].text, state);
		at += n > 0 ? (size_t)n : 0;
	}
}

void agent_outside_count(const struct agent *agent, struct agent_outside_counts *ret)
{
	const struct agent_outside *o = agent->outside;
	*ret = (struct agent_outside_counts){0};
	if (!o)
		return;
	ret->overruns = o->before.overruns + o->state.overruns;
	ret->connection_overruns = o->before.connection_overruns + o->state.connection_overruns;
	ret->malformed = o->before.malformed + o->state.malformed;
	ret->forgotten = o->before.forgotten + o->state.forgotten;
}
