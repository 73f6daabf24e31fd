// SPDX-License-Identifier: GPL-2.0-or-later
//
// The two sockets.
#include "link/link_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "link/link_read.h"

#define IPV6_FOLDER "/proc/sys/net/ipv6/conf"
#define WAIT_SECONDS 30       // the kernel answers at once; this only keeps a bug from hanging a boot
#define HEARD_MAX 1024        // datagrams taken at once
#define WATCH_ROOM (64 << 10) // when it is full it says so, and that is a change too

static int open_socket(uint32_t groups, int flags, uint32_t *ret_port)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	socklen_t size = sizeof address;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
	int error = 0;
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		error = -errno;
	if (error)
		close(fd);
	else if (ret_port)
		*ret_port = address.nl_pid;
	return error ? error : fd;
}

static int open_all(struct link *link)
{
	const struct timeval wait = {.tv_sec = WAIT_SECONDS};
	const int on = 1, room = WATCH_ROOM;
	link->datagram = malloc(LINK_DATAGRAM_MAX);
	if (!link->datagram)
		return -ENOMEM;
	link->ask = open_socket(0, 0, &link->port);
	if (link->ask < 0)
		return link->ask;
	link->watch = open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, SOCK_NONBLOCK, NULL);
	if (link->watch < 0)
		return link->watch;
	// Without these the messages get poorer, the work is the same: a failure is no error.
	setsockopt(link->ask, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	setsockopt(link->ask, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	setsockopt(link->ask, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(link->watch, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	link->ipv6 = open(IPV6_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

int link_open(struct link **ret, struct problems *problems)
{
	struct link *link = malloc(sizeof *link);
	if (!link)
		return -ENOMEM;
	*link = (struct link){.ask = -1, .watch = -1, .ipv6 = -1};
	int error = open_all(link);
	if (error) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot open a netlink socket: %s",
		             strerror(-error));
		link_close(link);
		return error;
	}
	*ret = link;
	return 0;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	const int fds[] = {link->ask, link->watch, link->ipv6};
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(link->datagram);
	free(link);
}

// One datagram of the kernel's: its size, or -errno.
static ssize_t receive(const struct link *link, int fd)
{
	struct sockaddr_nl from;
	ssize_t got;
	do {
		socklen_t from_size = sizeof from;
		memset(&from, 0, sizeof from);
		got = recvfrom(fd, link->datagram, LINK_DATAGRAM_MAX, MSG_TRUNC, (struct sockaddr *)&from,
		               &from_size);
		// Any process may send to this socket; only the kernel, port 0, is listened to.
	} while ((got < 0 && errno == EINTR) || (got >= 0 && from.nl_pid != 0));
	if (got < 0)
		return errno == EAGAIN && fd == link->ask ? -ETIMEDOUT : -errno;
	return got > (ssize_t)LINK_DATAGRAM_MAX ? -EMSGSIZE : got;
}

int link_fd(const struct link *link)
{
	return link->watch;
}

bool link_heard(struct link *link)
{
	bool heard = false;
	for (size_t i = 0; i < HEARD_MAX; i++) {
		ssize_t got = receive(link, link->watch);
		if (got < 0 && got != -ENOBUFS && got != -EMSGSIZE)
			break;
		heard = true;
	}
	return heard;
}

// What an answer in several datagrams has come to.
struct answer {
	link_reply_fn reply;
	void *context;
	bool done, interrupted;
	int error;
};

static void take(struct link *link, struct answer *answer, const struct nlmsghdr *message)
{
	if (message->nlmsg_seq != link->sequence || message->nlmsg_pid != link->port || answer->done)
		return;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
		answer->done = true;
		answer->error = -link_read_refusal(message, link->said, sizeof link->said);
	} else if (answer->reply) {
		answer->reply(answer->context, message);
	}
}

int link_ask(struct link *link, struct link_message *request, link_reply_fn reply, void *context)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct answer answer = {.reply = reply, .context = context};
	ssize_t sent;
	link->said[0] = '\0';
	request->header.nlmsg_seq = ++link->sequence;
	do
		sent = sendto(link->ask, request, request->header.nlmsg_len, 0,
		              (const struct sockaddr *)&kernel, sizeof kernel);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	while (!answer.done) {
		const struct nlmsghdr *message = (const void *)link->datagram;
		ssize_t got = receive(link, link->ask);
		if (got < 0)
			return (int)got;
		int left = (int)got;
		for (; link_message_ok(message, left); message = mnl_nlmsg_next(message, &left))
			take(link, &answer, message);
		if (left > 0)
			return -EBADMSG;
	}
	return answer.interrupted && !answer.error ? -EINTR : answer.error;
}

void link_complain(const struct link *link, struct problems *problems, int error, const char *what,
                   const char *name, const char *instead)
{
	if (!instead && error == -EPERM)
		instead = "this needs CAP_NET_ADMIN";
	problem_addf(problems, PROBLEM_ERROR, 0, 0, instead, "cannot %s %s: %s%s%s%s", what, name,
	             strerror(-error), link->said[0] ? " (" : "", link->said, link->said[0] ? ")" : "");
}

int link_do(struct link *link, struct link_message *request, struct problems *problems, const char *what,
            const char *name)
{
	int error = link_ask(link, request, NULL, NULL);
	if (error)
		link_complain(link, problems, error, what, name, NULL);
	return error;
}
