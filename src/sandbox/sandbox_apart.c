// SPDX-License-Identifier: GPL-2.0-or-later
//
// Work that reads what strangers wrote, in a process that holds nothing worth having.
#include "sandbox/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

enum { ANSWERED = 0, NOT_WRITTEN = 1, NOT_APART = 3 }; // exit status

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Only a kernel that lacks one of these is an excuse.
static bool excused(int error)
{
	return error == 0 || error == -ENOSYS || error == -EOPNOTSUPP;
}

static bool give_up_everything(int *fds, size_t count)
{
	sigset_t none;

	// When the caller is killed nobody waits for the answer.
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return sandbox_keep_only(-1, fds, count) == 0 && sandbox_drop_all() == 0 &&
	       excused(sandbox_files(NULL, 0, false)) && excused(sandbox_calls_apart());
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t put = write(fd, data, size);

		if (put <= 0 && errno != EINTR)
			return false;
		if (put > 0) {
			data += put;
			size -= (size_t)put;
		}
	}
	return true;
}

// Reads until the other side has closed its end, at most `size` octets, and then one more shows that there are
// too many. 0, -EPROTO, -ETIMEDOUT.
static int read_answer(int fd, char *ret, size_t size)
{
	const int64_t end = milliseconds() + SANDBOX_APART_PATIENCE;
	size_t done = 0;
	char more;

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int64_t left = end - milliseconds();
		ssize_t got;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		got = read(fd, done < size ? ret + done : &more, done < size ? size - done : 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 && done == size)
			return 0;
		if (got <= 0 || done == size)
			return -EPROTO;
		done += (size_t)got;
	}
}

static int bury(pid_t child, int error)
{
	int status = 0;
	pid_t r;

	if (error)
		kill(child, SIGKILL);
	do
		r = waitpid(child, &status, 0);
	while (r < 0 && errno == EINTR);
	if (error == -ETIMEDOUT)
		return error;
	if (r == child && WIFEXITED(status) && WEXITSTATUS(status) == NOT_APART)
		return -EPERM;
	if (r != child || !WIFEXITED(status) || WEXITSTATUS(status) != ANSWERED)
		return -EPROTO;
	return error;
}

int sandbox_apart(void (*work)(const void *context, int fd, void *ret), const void *context, int fd, void *ret,
                  size_t size)
{
	int ends[2], error;
	pid_t child;

	memset(ret, 0, size);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		int fds[] = {ends[1], fd};

		if (!give_up_everything(fds, 2))
			_exit(NOT_APART);
		work(context, fds[1], ret);
		_exit(write_all(fds[0], ret, size) ? ANSWERED : NOT_WRITTEN);
	}
	error = child < 0 ? -errno : 0;
	close(ends[1]);
	if (!error)
		error = bury(child, read_answer(ends[0], ret, size));
	close(ends[0]);
	if (error)
		memset(ret, 0, size);
	return error;
}
