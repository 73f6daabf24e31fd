// SPDX-License-Identifier: GPL-2.0-or-later
//
// floor FILE: sends the netlink messages in a file to nf_tables as they are, with libmnl, and waits for the
// acknowledgement: the least that anybody pays who puts this ruleset into the kernel.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

static int fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	if (!file || fseek(file, 0, SEEK_END) != 0)
		return fail("FILE");
	long size = ftell(file);
	char *batch = malloc((size_t)size), answer[1 << 16];
	rewind(file);
	if (!batch || fread(batch, 1, (size_t)size, file) != (size_t)size)
		return fail(argv[1]);
	fclose(file);

	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return fail("netlink");
	const int room = (int)size + 4096;
	if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
		return fail("SO_SNDBUFFORCE");
	if (mnl_socket_sendto(socket, batch, (size_t)size) < 0)
		return fail("send");
	// One message, the last but the batch's end, asks for an answer; the kernel answers errors unasked.
	ssize_t got = mnl_socket_recvfrom(socket, answer, sizeof answer);
	if (got < 0)
		return fail("receive");
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
	if (header->nlmsg_type != NLMSG_ERROR || error->error != 0) {
		errno = header->nlmsg_type == NLMSG_ERROR ? -error->error : EPROTO;
		return fail("the kernel");
	}
	mnl_socket_close(socket);
	return 0;
}
