// SPDX-License-Identifier: GPL-2.0-or-later
//
// Kills a process at a system call of its, for agent_kill.py.
//
//   killat PID N    lets PID make N - 1 system calls from now on and kills it (-9) as it enters the next:
//                   "killed at call N number NR" and exit status 0. Ended by SIGTERM before that, it lets go of
//                   the process: "made N calls" and exit status 1. Says "attached" on a line of its own first.
//   killat PID N exec    does not count before PID has become another program.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(2);
}

// The number of the system call that is being entered; -1: the process has stopped for something else.
static long entered(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (long)info.entry.nr;
}

static void let_go(pid_t pid, long calls)
{
	int status;

	// A process that is tracked can be let go of only while it stands still.
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0) {
		while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
			continue;
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	printf("made %ld calls\n", calls);
	exit(1);
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = end}; // without SA_RESTART: waitpid is to return
	long calls = 0, wanted;
	bool counting;
	pid_t pid;

	if (argc != 3 && (argc != 4 || strcmp(argv[3], "exec") != 0)) {
		fprintf(stderr, "usage: killat PID N [exec]\n");
		return 2;
	}
	counting = argc == 3;
	pid = (pid_t)atoi(argv[1]);
	wanted = atol(argv[2]);
	sigaction(SIGTERM, &action, NULL);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		fail("cannot attach");
	for (bool attached = false;;) {
		int status, deliver = 0;

		if (waitpid(pid, &status, __WALL) < 0) {
			if (errno == EINTR && ended)
				let_go(pid, calls);
			if (errno == EINTR)
				continue;
			fail("waitpid");
		}
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			printf("ended by itself after %ld calls\n", calls);
			return 2;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			long number = entered(pid);

			if (number >= 0 && counting && ++calls == wanted) {
				kill(pid, SIGKILL);
				waitpid(pid, &status, __WALL);
				printf("killed at call %ld number %ld\n", calls, number);
				return 0;
			}
			counting = counting || number == SYS_execve;
		} else if (status >> 16 == 0) {
			deliver = WSTOPSIG(status);
		}
		if (!attached) {
			attached = true;
			puts("attached");
			fflush(stdout);
		}
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0)
			fail("ptrace");
	}
}
