// SPDX-License-Identifier: GPL-2.0-or-later
//
// Is there an agent that keeps the wall of this network namespace? Asked by the commands that would otherwise
// change the rules under its hands: where the kernel does not keep them out, it takes them for tampering.
#include "cli/cli_agent.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"

// Of another namespace, when both can be told.
static bool lives_elsewhere(pid_t pid)
{
	struct stat its, ours;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return pid > 0 && stat(path, &its) == 0 && stat("/proc/self/ns/net", &ours) == 0 &&
	       (its.st_ino != ours.st_ino || its.st_dev != ours.st_dev);
}

// The process behind the control socket of a run folder; 0: none that keeps our wall; -1: one that cannot be
// told.
static pid_t agent_of(const char *run)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	pid_t found = 0;
	int fd;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET, run) >=
	    (int)sizeof(address.sun_path))
		return 0;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return 0;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
			found = -1;
		else if (!lives_elsewhere(peer.pid))
			found = peer.pid;
	}
	close(fd);
	return found;
}

pid_t cli_agent_beside(const char *run)
{
	pid_t found = agent_of(run);

	return found || strcmp(run, CONTROL_FOLDER) == 0 ? found : agent_of(CONTROL_FOLDER);
}

int cli_refuse_beside(const char *run)
{
	pid_t pid = cli_agent_beside(run);
	char name[32] = "";

	if (!pid)
		return CLI_GO_ON;
	if (pid > 0)
		(void)snprintf(name, sizeof(name), "process %d ", (int)pid);
	cli_message("table inet leadglass belongs to %s(leadglassd); the agent keeps this wall: use leadglass "
	            "apply; or end the agent first, and the wall stays as it is",
	            pid > 0 ? name : "another process ");
	return CLI_KERNEL;
}
