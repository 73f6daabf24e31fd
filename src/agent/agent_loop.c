// SPDX-License-Identifier: GPL-2.0-or-later
//
// The loop: waits for whatever comes first, descriptor or time, and calls the part it belongs to.
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_flowtable.h"
#include "agent/agent_notify.h"
#include "agent/agent_outside.h"
#include "agent/agent_ports.h"

#define MEMORY_PATIENCE 50 // tenths of a second

enum agent_source {
	SOURCE_SIGNAL,
	SOURCE_LISTENER,
	SOURCE_WATCH,
	SOURCE_MODULES,
	SOURCE_OUTSIDE,
	SOURCE_PORTS,
	SOURCE_FLOWTABLE,
	SOURCE_CLIENTS, // and after it the others
	SOURCE_COUNT = SOURCE_CLIENTS + AGENT_CLIENTS_MAX,
};

int64_t agent_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t agent_unix(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

// poll leaves out what is negative.
static void collect(const struct agent *agent, int signals, struct pollfd *fds)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[SOURCE_SIGNAL].fd = signals;
	fds[SOURCE_LISTENER].fd = agent_discard_full(agent) ? -1 : agent->listener;
	fds[SOURCE_WATCH].fd = agent->watch ? nft_watch_fd(agent->watch) : -1;
	fds[SOURCE_MODULES].fd = agent_guard_modules_fd(agent);
	fds[SOURCE_OUTSIDE].fd = agent_outside_fd(agent);
	fds[SOURCE_PORTS].fd = agent_ports_fd(agent);
	fds[SOURCE_FLOWTABLE].fd = agent_flowtable_fd(agent);
	for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
		fds[SOURCE_CLIENTS + i].fd = agent->clients[i].fd;
}

static int64_t next_wake_up(const struct agent *agent, int64_t minute)
{
	const int64_t times[] = {
	        commit_next(&agent->commit), agent_guard_next(agent),   agent_drops_next(agent),
	        agent_access_next(agent),    agent_outside_next(agent), agent_discard_next(agent),
	        agent_trust_next(agent),     agent_ports_next(agent),   agent_flowtable_next(agent),
	};
	int64_t next = minute;

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		if (times[i] < next)
			next = times[i];
	}
	return next;
}

static int timeout(int64_t next, int64_t now)
{
	if (next <= now)
		return 0;
	return next - now < INT_MAX ? (int)(next - now) : INT_MAX;
}

static void take_signal(struct agent *agent, int signals)
{
	struct signalfd_siginfo signal;

	if (read(signals, &signal, sizeof signal) == (ssize_t)sizeof signal)
		agent->stop = true;
}

// Each is asked once: nobody keeps the others waiting, and root waits for none of them.
static void hear_clients(struct agent *agent, const struct pollfd *fds, bool root)
{
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		const struct agent_client *client = &agent->clients[i];

		// A place may have changed hands meanwhile; its descriptor then is another one, or has nothing
		// to say.
		if (fds[SOURCE_CLIENTS + i].revents && client->fd == fds[SOURCE_CLIENTS + i].fd &&
		    (client->id.uid == 0) == root)
			agent_server_receive(agent, i);
	}
}

static void hear(struct agent *agent, const struct pollfd *fds)
{
	if (fds[SOURCE_SIGNAL].revents)
		take_signal(agent, fds[SOURCE_SIGNAL].fd);
	if (fds[SOURCE_WATCH].revents)
		agent_guard_heard(agent);
	if (fds[SOURCE_MODULES].revents)
		agent_guard_modules_heard(agent);
	if (fds[SOURCE_OUTSIDE].revents)
		agent_outside_heard(agent);
	if (fds[SOURCE_PORTS].revents)
		agent_ports_heard(agent);
	if (fds[SOURCE_FLOWTABLE].revents)
		agent_flowtable_heard(agent);
	hear_clients(agent, fds, true);
	hear_clients(agent, fds, false);
	if (fds[SOURCE_LISTENER].revents)
		agent_server_accept(agent);
}

static void say_ready(struct agent *agent)
{
	if (agent->ready || !agent->commit.wall)
		return;
	agent->ready = true;
	if (agent->standing->number)
		agent_notify(agent->notify, "READY=1\nSTATUS=policy %" PRIu64 " stands",
		             agent->standing->number);
	else
		agent_notify(agent->notify, "READY=1\nSTATUS=the closed wall stands: %s", agent->reason);
}

static void look_for_state(struct agent *agent)
{
	// Not before the wall stands: the network would no longer wait for it.
	if (!agent->ready || !agent_start_state_moved(agent))
		return;
	agent_log(
	        agent, LOG_NOTICE, "STATE-MOVED", NULL, 0,
	        "there is a state folder %s now that was not there at the start: leadglassd has to be started "
	        "again to use it",
	        agent->options.state);
	agent->again = agent->stop = true;
}

static void tick(struct agent *agent, int64_t *minute)
{
	const int64_t now = agent_now();
	const bool regular = now >= *minute;

	commit_tick(&agent->commit, now, agent_unix());
	agent_run_commit(agent);
	if (regular) {
		*minute = now + AGENT_MINUTE;
		agent_peers_sample(agent);
		look_for_state(agent);
	}
	// They look for themselves whether their time has come.
	agent_guard_tick(agent, now);
	agent_drops_tick(agent, now);
	agent_access_tick(agent, now);
	agent_outside_tick(agent, now);
	agent_discard_tick(agent, now);
	agent_trust_tick(agent, regular);
	agent_ports_tick(agent, now, regular); // after what changes the wall or compares it, like the next one
	agent_flowtable_tick(agent, now, regular);
	if (regular) {
		agent_metrics_write(agent);
		agent_notify(agent->notify, "WATCHDOG=1");
	}
}

// As poll. A kernel short of memory is asked again: whoever leaves leaves the wall without its keeper.
static int wait_for_events(struct pollfd *fds, int timeout)
{
	static const struct timespec pause = {.tv_nsec = 100000000};
	int ready = poll(fds, SOURCE_COUNT, timeout);

	for (int i = 0; ready < 0 && (errno == ENOMEM || errno == EAGAIN) && i < MEMORY_PATIENCE; i++) {
		nanosleep(&pause, NULL);
		ready = poll(fds, SOURCE_COUNT, 0);
	}
	return ready;
}

int agent_loop(struct agent *agent)
{
	struct pollfd fds[SOURCE_COUNT];
	sigset_t ends;
	int64_t minute = agent_now(); // the first sample and the metrics file: at once
	int signals, error = 0;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	signals = signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals < 0)
		return -errno;
	while (!agent->stop) {
		say_ready(agent);
		tick(agent, &minute);
		collect(agent, signals, fds);
		const int64_t next = agent->stop ? 0 : next_wake_up(agent, minute);
		int ready = wait_for_events(fds, timeout(next, agent_now()));
		if (ready < 0 && errno != EINTR) {
			error = -errno;
			break;
		}
		if (ready > 0)
			hear(agent, fds);
	}
	close(signals);
	return error;
}
