// SPDX-License-Identifier: GPL-2.0-or-later
//
// The run folder's copy of the policy that stands: should the state folder turn out to be damaged when the
// agent is started again, it goes on with the wall it had. Gone with the next start of the machine. In the form
// of the state folder's policy.N (state_seal), which says the number.
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/policy_bundle.h"

#define COPY_NAME "standing"
#define COPY_SEAL_MAX 256 // octets around the bundle
#define COPY_POLICY "policy."

int agent_copy_write(int run, const struct agent_wall *wall)
{
	struct buffer out = BUFFER_EMPTY;
	char name[32];
	int error;

	snprintf(name, sizeof name, COPY_POLICY "%" PRIu64, wall->number);
	state_seal(name, wall->bundle, wall->bundle_size, &out);
	error = buffer_failed(&out) ? -ENOMEM : file_write_durable(run, COPY_NAME, out.data, out.size, 0600);
	buffer_fini(&out);
	return error;
}

// Only root and this process's own user are believed.
static int open_copy(int run, size_t *ret_size)
{
	int fd = openat(run, COPY_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat about;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) < 0)
		error = -errno;
	else if (!S_ISREG(about.st_mode) || (about.st_uid != 0 && about.st_uid != geteuid()) ||
	         (about.st_mode & (S_IWGRP | S_IWOTH)))
		error = -EPERM;
	else if (about.st_size < 0 || about.st_size > (off_t)(POLICY_BUNDLE_MAX + COPY_SEAL_MAX))
		error = -EFBIG;
	if (error) {
		close(fd);
		return error;
	}
	*ret_size = (size_t)about.st_size;
	return fd;
}

static int read_all(int fd, size_t size, char **ret)
{
	char *text = malloc(size + 1);
	size_t done = 0;

	if (!text)
		return -ENOMEM;
	while (done < size) {
		ssize_t got = read(fd, text + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(text);
			return got < 0 ? -errno : -EBADMSG;
		}
		done += (size_t)got;
	}
	text[size] = '\0';
	*ret = text;
	return 0;
}

int agent_copy_read(int run, uint64_t *ret_number, char **ret_bundle, size_t *ret_size)
{
	const char *name;
	char *file = NULL, *text;
	size_t size = 0, text_size;
	int fd = open_copy(run, &size);
	int error;

	if (fd < 0)
		return fd;
	error = read_all(fd, size, &file);
	close(fd);
	if (!file)
		return error;
	error = state_unseal(file, size, &name, &text, &text_size);
	if (!error && strncmp(name, COPY_POLICY, sizeof COPY_POLICY - 1) != 0)
		error = -EBADMSG;
	if (!error)
		*ret_number = strtoull(name + sizeof COPY_POLICY - 1, NULL, 10);
	if (!error && *ret_number == 0)
		error = -EBADMSG;
	if (error) {
		free(file);
		return error;
	}
	memmove(file, text, text_size);
	file[text_size] = '\0';
	*ret_bundle = file;
	*ret_size = text_size;
	return 0;
}
