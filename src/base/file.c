// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole files.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, size_t limit, size_t capacity, char **ret_text, size_t *ret_size)
{
	char *text = malloc(capacity + 1);
	if (!text)
		return -ENOMEM;
	size_t size = 0;
	for (;;) {
		// One octet of room beyond the limit tells a file that fits from one that does not.
		if (size == capacity) {
			if (capacity > limit) {
				free(text);
				return -EFBIG;
			}
			capacity = capacity > limit / 2 ? limit + 1 : capacity * 2;
			char *more = realloc(text, capacity + 1);
			if (!more) {
				free(text);
				return -ENOMEM;
			}
			text = more;
		}
		ssize_t got = read(fd, text + size, capacity - size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int r = -errno;
			free(text);
			return r;
		}
		if (got == 0)
			break;
		size += (size_t)got;
	}
	if (size > limit) {
		free(text);
		return -EFBIG;
	}
	text[size] = '\0';
	*ret_text = text;
	*ret_size = size;
	return 0;
}

int file_read_open(int fd, size_t limit, char **ret_text, size_t *ret_size)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	// A regular file says its size, and one more octet of room lets the first read find the end.
	size_t capacity = 4096;
	if (S_ISREG(status.st_mode) && status.st_size > 0)
		capacity = (uint64_t)status.st_size > limit ? limit + 1 : (size_t)status.st_size + 1;
	return read_all(fd, limit, capacity, ret_text, ret_size);
}

int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_size)
{
	bool standard_input = strcmp(path, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int r = file_read_open(fd, limit, ret_text, ret_size);
	if (!standard_input)
		close(fd);
	return r;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t put = write(fd, data, size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		if (put == 0)
			return -ENOSPC; // POSIX leaves it open; going on would be for ever
		data += put;
		size -= (size_t)put;
	}
	return 0;
}

// The whole new file under its temporary name, on the disk when `durable`. What a crash left under that name
// goes first: its owner and mode are not to be inherited.
static int write_temporary(int folder, const char *name, const void *data, size_t size, mode_t mode,
                           bool durable)
{
	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return -errno;
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	int r = fchmod(fd, mode) < 0 ? -errno : 0;
	if (r == 0)
		r = write_all(fd, data, size);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0 && errno != EINTR)
		r = -errno;
	return r;
}

static int replace(int folder, const char *name, const char *dot, const void *data, size_t size, mode_t mode,
                   bool durable)
{
	char temporary[PATH_MAX];
	int length = snprintf(temporary, sizeof temporary, "%s%s.new", dot, name);
	if (length < 0 || (size_t)length >= sizeof temporary)
		return -ENAMETOOLONG;
	int r = write_temporary(folder, temporary, data, size, mode, durable);
	if (r == 0 && renameat(folder, temporary, folder, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(folder, temporary, 0);
		return r;
	}
	return durable && fsync(folder) < 0 ? -errno : 0;
}

int file_write_durable(int folder, const char *name, const void *data, size_t size, mode_t mode)
{
	return replace(folder, name, "", data, size, mode, true);
}

int file_write_hidden(int folder, const char *name, const void *data, size_t size, mode_t mode)
{
	return replace(folder, name, ".", data, size, mode, true);
}

int file_write_plain(int folder, const char *name, const void *data, size_t size, mode_t mode)
{
	return replace(folder, name, "", data, size, mode, false);
}
