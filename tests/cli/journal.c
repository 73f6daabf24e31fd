// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before the C library by update.py: writes down what a program writes to devices, and when it has asked
// for that to be durable, so that the test can tell what a power cut may have left of it.
//
//	JOURNAL=FILE   each pwrite as "W PATH OFFSET SIZE\n" and its octets, each fsync as "S PATH\n"
//	FAIL_OP=N      the Nth of them is not done, and fails with EIO
//	KILL_OP=N      the program ends (SIGKILL) in place of the Nth
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at);
int fsync(int fd);

static long done;

static long wanted(const char *name)
{
	const char *text = getenv(name);
	return text ? strtol(text, NULL, 10) : 0;
}

static void note(const char *line, int size, const void *data, size_t more)
{
	const char *name = getenv("JOURNAL");
	int fd = name ? open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	if (write(fd, line, (size_t)size) != size || (more && write(fd, data, more) != (ssize_t)more))
		abort();
	close(fd);
}

static const char *path_of(int fd, char path[static PATH_MAX])
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, PATH_MAX - 1);
	path[size < 0 ? 0 : size] = '\0';
	return path;
}

// Whether this one is to fail.
static int comes(void)
{
	done++;
	if (done == wanted("KILL_OP"))
		raise(SIGKILL);
	if (done != wanted("FAIL_OP"))
		return 0;
	errno = EIO;
	return 1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	char line[PATH_MAX + 64], path[PATH_MAX];
	if (comes())
		return -1;
	ssize_t put = syscall(SYS_pwrite64, fd, data, size, at);
	if (put > 0)
		note(line,
		     snprintf(line, sizeof line, "W %s %lld %zd\n", path_of(fd, path), (long long)at, put),
		     data, (size_t)put);
	return put;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at)
{
	return pwrite(fd, data, size, at);
}

int fsync(int fd)
{
	char line[PATH_MAX + 64], path[PATH_MAX];
	if (comes())
		return -1;
	int r = (int)syscall(SYS_fsync, fd);
	if (r == 0)
		note(line, snprintf(line, sizeof line, "S %s\n", path_of(fd, path)), NULL, 0);
	return r;
}
