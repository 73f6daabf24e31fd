// SPDX-License-Identifier: GPL-2.0-or-later
//
// See control_fixture.h.
#include "control_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 64

int world_connect(const struct world *world, int *ret_server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct control_peer_id id;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET, world->folder);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	*ret_server = control_accept(world->listener, &id);
	if (*ret_server < 0)
		abort();
	return fd;
}

int world_open(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/leadglass-control-XXXXXX");
	if (!mkdtemp(world->folder))
		return -1;
	world->listener = control_listen(world->folder, (gid_t)-1);
	if (world->listener < 0)
		return -1;
	world->rude = world_connect(world, &world->server);
	*state = world;
	return 0;
}

int world_close(void **state)
{
	struct world *world = *state;
	char path[128];

	if (world->rude >= 0)
		close(world->rude);
	if (world->server >= 0)
		close(world->server);
	close(world->listener);
	(void)snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, world->folder);
	unlink(path);
	if (rmdir(world->folder) < 0) // something stayed behind
		return -1;
	free(world);
	return 0;
}

size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	if (!folder)
		abort();
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 3; // ".", ".." and the folder itself
}

int send_raw(int fd, const void *data, size_t size, const int *descriptors, size_t count)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} room = {0};
	struct iovec part = {.iov_base = (void *)data, .iov_len = size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (count) {
		struct cmsghdr *control;

		if (count > DESCRIPTORS_MAX)
			abort();
		header.msg_control = room.octets;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(control), descriptors, count * sizeof(int));
	}
	return sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -errno;
}

int new_memfd(size_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char block[4096];

	memset(block, 'x', sizeof(block));
	if (fd < 0)
		abort();
	while (size) {
		size_t part = size < sizeof(block) ? size : sizeof(block);

		if (write(fd, block, part) != (ssize_t)part)
			abort();
		size -= part;
	}
	if (seals && fcntl(fd, F_ADD_SEALS, seals) < 0)
		abort();
	return fd;
}
