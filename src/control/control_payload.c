// SPDX-License-Identifier: GPL-2.0-or-later
//
// Payloads: memfds sealed against every change, so that what was checked is what is read.
#include "control/control_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u // Linux 6.3; vm.memfd_noexec=2 insists on it
#endif

int control_payload_new(const void *data, size_t size)
{
	const char *from = data;
	int fd = memfd_create("leadglass", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	int error = 0;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("leadglass", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	while (size && !error) {
		ssize_t written = write(fd, from, size);

		if (written > 0) {
			from += written;
			size -= (size_t)written;
		} else if (written == 0 || errno != EINTR) {
			error = written ? -errno : -EIO;
		}
	}
	if (!error && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int read_sealed(int payload, size_t size, char **ret, const char **ret_why)
{
	struct stat status;
	int seals = fcntl(payload, F_GET_SEALS);
	size_t at = 0;
	char *text;

	// Only memfds can be sealed like this: not pipes, whose reader would wait, nor files, which change.
	if (seals < 0 || (seals & SEALS) != SEALS) {
		*ret_why = seals < 0 ? "a descriptor that is no memfd" : "a payload that is not sealed";
		return -EPROTO;
	}
	if (fstat(payload, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size < 0 || (uint64_t)status.st_size != size) {
		*ret_why = "a payload of another size than it says";
		return -EPROTO;
	}
	text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	while (at < size) {
		// From the beginning, wherever the sender left the offset, which it still shares.
		ssize_t got = pread(payload, text + at, size - at, (off_t)at);

		if (got > 0) {
			at += (size_t)got;
		} else if (got == 0 || errno != EINTR) {
			int error = got ? -errno : -EIO;

			free(text);
			return error;
		}
	}
	text[size] = '\0';
	*ret = text;
	return 0;
}

int control_payload_take(int payload, size_t size, const char *wrong, char **ret, const char **ret_why)
{
	int error = wrong ? -EPROTO : 0;

	*ret_why = wrong ? wrong : "";
	if (!error && payload >= 0)
		error = read_sealed(payload, size, ret, ret_why);
	if (payload >= 0)
		close(payload);
	return error;
}
