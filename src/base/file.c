// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading whole files with a bound.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
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

int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_size)
{
	bool standard_input = strcmp(path, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;

	// A regular file says its size, and one more octet of room lets the first read find the end.
	struct stat status;
	size_t capacity = 4096;
	int r = fstat(fd, &status) < 0 ? -errno : 0;
	if (r == 0 && S_ISDIR(status.st_mode))
		r = -EISDIR;
	if (r == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		capacity = (uint64_t)status.st_size > limit ? limit + 1 : (size_t)status.st_size + 1;
	if (r == 0)
		r = read_all(fd, limit, capacity, ret_text, ret_size);
	if (!standard_input)
		close(fd);
	return r;
}
