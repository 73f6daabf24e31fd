// SPDX-License-Identifier: GPL-2.0-or-later
//
// The seam's real side: one NETLINK_NETFILTER socket.
#include "nft/nft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "base/problem.h"

#define WAIT_SECONDS 30        // the kernel answers at once; this only keeps a bug from hanging a boot
#define RECEIVE_ROOM (1 << 20) // a refused batch of many rules makes one answer for each
#define SEND_OVERHEAD 4096     // the kernel keeps some of the send buffer for itself

struct socket {
	int fd;
	uint32_t port;
};

static ssize_t socket_send(void *context, const void *data, size_t size)
{
	const struct socket *socket = context;
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	return sendto(socket->fd, data, size, 0, (const struct sockaddr *)&kernel, sizeof kernel);
}

static ssize_t socket_receive(void *context, void *data, size_t size, bool wait)
{
	const struct socket *socket = context;
	struct sockaddr_nl from;
	ssize_t got;
	do {
		socklen_t from_size = sizeof from;
		memset(&from, 0, sizeof from);
		got = recvfrom(socket->fd, data, size, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT),
		               (struct sockaddr *)&from, &from_size);
		// Any process may send to this socket; only the kernel, port 0, is listened to.
	} while (got >= 0 && from.nl_pid != 0);
	if (got < 0 && wait && errno == EAGAIN)
		errno = ETIMEDOUT;
	if (got > (ssize_t)size) {
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}

static int socket_room(void *context, size_t size)
{
	const struct socket *socket = context;
	int wanted = 0, have = 0;
	socklen_t have_size = sizeof have;
	if (size > INT32_MAX / 4)
		return -EMSGSIZE;
	wanted = (int)(size + SEND_OVERHEAD);
	if (getsockopt(socket->fd, SOL_SOCKET, SO_SNDBUF, &have, &have_size) == 0 && have >= wanted)
		return 0;
	// Beyond net.core.wmem_max only with CAP_NET_ADMIN, on older kernels in the first user namespace.
	if (setsockopt(socket->fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) < 0)
		setsockopt(socket->fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
	if (getsockopt(socket->fd, SOL_SOCKET, SO_SNDBUF, &have, &have_size) < 0)
		return -errno;
	return have >= wanted ? 0 : -EMSGSIZE;
}

static uint32_t socket_port(void *context)
{
	const struct socket *socket = context;
	return socket->port;
}

static void socket_close(void *context)
{
	struct socket *socket = context;
	close(socket->fd);
	free(socket);
}

static int socket_bind(struct socket *s)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof address;
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (s->fd < 0)
		return -errno;
	if (bind(s->fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	s->port = address.nl_pid;

	const int on = 1, room = RECEIVE_ROOM;
	const struct timeval wait = {.tv_sec = WAIT_SECONDS};
	// Without these the messages get poorer, the work is the same: a failure is no error.
	setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return 0;
}

int nft_open(struct nft **ret, struct problems *problems)
{
	struct socket *s = malloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	s->fd = -1;
	int r = socket_bind(s);
	if (r < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             r == -EPROTONOSUPPORT
		                     ? "this kernel lacks NETLINK_NETFILTER (CONFIG_NETFILTER_NETLINK, "
		                       "module nfnetlink)"
		                     : NULL,
		             "cannot open a netlink socket: %s", strerror(-r));
	} else {
		const struct nft_io io = {
		        .send = socket_send,
		        .receive = socket_receive,
		        .room = socket_room,
		        .port = socket_port,
		        .close = socket_close,
		        .context = s,
		};
		r = nft_open_io(&io, ret);
	}
	if (r < 0) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
	}
	return r;
}
