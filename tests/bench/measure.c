// SPDX-License-Identifier: GPL-2.0-or-later
//
// measure COMMAND...: runs a command and writes what the kernel says it cost to descriptor 3, as
//   wall_us user_us system_us peak_kib status
// Small, and a program of its own, because a child's peak memory begins with its parent's: one started from
// Python would never look smaller than Python.
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(struct timeval time)
{
	return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage usage;
	int status;

	if (argc < 2)
		return 2;
	if (fcntl(3, F_SETFD, FD_CLOEXEC) != 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid_t pid = vfork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &end);
	dprintf(3, "%lld %lld %lld %ld %d\n",
	        (end.tv_sec - start.tv_sec) * 1000000LL + (end.tv_nsec - start.tv_nsec) / 1000,
	        microseconds(usage.ru_utime), microseconds(usage.ru_stime), usage.ru_maxrss,
	        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
