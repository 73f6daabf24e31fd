// SPDX-License-Identifier: GPL-2.0-or-later
//
// Getting rid of connections. A client may send descriptors along, and the last to close one of those can be
// made to wait: a TCP socket with SO_LINGER, for as long as its owner says. A process that is ending does not
// linger, so such a connection is closed by us while a child still has it, and the child does nothing but end.
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define LOOK_FIRST 20 // ms until the child has probably ended
#define FORK_AGAIN 1000
#define OWN_MAX 256 // the keeper's own descriptors are among the first

static bool among(const int *fds, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] == fd)
			return true;
	}
	return false;
}

// The child. Should its end take long after all, it is not to keep what is the keeper's (the lock of the state
// folder, the socket that owns the table): first it lets go of that, which closes nothing as the keeper has it
// too. Then it waits until the keeper has closed its own copies.
static _Noreturn void end(const int *fds, size_t count, int go)
{
	char octet;
	ssize_t got;

	for (int fd = 0; fd < OWN_MAX; fd++) {
		if (fd != go && !among(fds, count, fd))
			close(fd);
	}
	do
		got = read(go, &octet, 1);
	while (got < 0 && errno == EINTR);
	_exit(0);
}

static int bury(struct agent *agent, int64_t now)
{
	struct agent_doomed *doomed = &agent->doomed;
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		end(doomed->fds, doomed->count, go[0]);
	}
	close(go[0]);
	if (pid < 0) {
		int error = -errno;

		close(go[1]);
		return error;
	}
	for (size_t i = 0; i < doomed->count; i++)
		close(doomed->fds[i]);
	close(go[1]);
	doomed->count = 0;
	doomed->children[doomed->child_count++] = pid;
	doomed->look_after = LOOK_FIRST;
	doomed->look_at = now + LOOK_FIRST;
	return 0;
}

void agent_discard(struct agent *agent, int fd, const struct control_peer_id *id)
{
	if (control_hang_up(fd)) {
		close(fd);
		return;
	}
	if (agent_pace_take(&agent->nonsense, agent_now()))
		agent_log(agent, LOG_WARNING, "DESCRIPTOR", NULL, 0,
		          "a client (pid %d, uid %u) sent descriptors, which it may not; they are closed by a "
		          "process of their own",
		          (int)id->pid, (unsigned)id->uid);
	agent_discard_unseen(agent, fd);
}

void agent_discard_unseen(struct agent *agent, int fd)
{
	struct agent_doomed *doomed = &agent->doomed;

	// There is room: agent_discard_full. If not, it stays open rather than that the wall is without a
	// keeper.
	if (doomed->count < AGENT_DOOMED_MAX)
		doomed->fds[doomed->count++] = fd;
}

bool agent_discard_full(const struct agent *agent)
{
	return agent->doomed.count > AGENT_DOOMED_MAX - AGENT_ACCEPT_MAX - AGENT_CLIENTS_MAX;
}

int64_t agent_discard_next(const struct agent *agent)
{
	const struct agent_doomed *doomed = &agent->doomed;
	int64_t next = AGENT_NEVER;

	if (doomed->child_count)
		next = doomed->look_at;
	if (doomed->count && doomed->child_count < AGENT_DOOMED_CHILDREN_MAX && doomed->fork_at < next)
		next = doomed->fork_at;
	return next;
}

static void reap(struct agent_doomed *doomed, int64_t now)
{
	size_t left = 0;

	for (size_t i = 0; i < doomed->child_count; i++) {
		if (waitpid(doomed->children[i], NULL, WNOHANG) == 0)
			doomed->children[left++] = doomed->children[i];
	}
	doomed->child_count = left;
	if (doomed->look_after < AGENT_MINUTE / 2)
		doomed->look_after *= 2;
	doomed->look_at = now + doomed->look_after;
}

void agent_discard_tick(struct agent *agent, int64_t now)
{
	struct agent_doomed *doomed = &agent->doomed;

	if (doomed->child_count && now >= doomed->look_at)
		reap(doomed, now);
	if (!doomed->count || doomed->child_count >= AGENT_DOOMED_CHILDREN_MAX || now < doomed->fork_at)
		return;
	// One child for all that wait, and not many a second.
	doomed->fork_at = now + (bury(agent, now) < 0 ? FORK_AGAIN : AGENT_DOOMED_EVERY);
}
