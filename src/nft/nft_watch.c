// SPDX-License-Identifier: GPL-2.0-or-later
//
// The socket on which the kernel tells of changes.
#include "nft/nft_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "nft/nft_hear.h"

#define DATAGRAM_MAX (16u << 10) // the kernel gathers notifications to 8 KiB at most
// The kernel's memory, taken only while something waits to be heard. It holds some hundred rules; when a rival
// loads more than that at once the socket says so, and everything is looked at.
#define RECEIVE_ROOM (256 << 10)
#define CATCH_UP_MAX 4096 // datagrams heard at once after a loss, should they come faster than they are heard

struct nft_watch {
	int fd;
	struct nft_seen part; // of a transaction that has not ended
	size_t size, at;      // octets in the datagram, and how many of them were heard
	_Alignas(struct nlmsghdr) char datagram[DATAGRAM_MAX];
};

int nft_watch_fd(const struct nft_watch *watch)
{
	return watch->fd;
}

// One datagram of the kernel, without waiting. 0 or -errno; -ENOBUFS: some were lost.
static int receive(struct nft_watch *watch)
{
	struct sockaddr_nl from;
	ssize_t got;
	watch->size = watch->at = 0;
	do {
		socklen_t from_size = sizeof from;
		memset(&from, 0, sizeof from);
		got = recvfrom(watch->fd, watch->datagram, sizeof watch->datagram, MSG_TRUNC | MSG_DONTWAIT,
		               (struct sockaddr *)&from, &from_size);
		// Only the kernel, port 0, is listened to.
	} while ((got < 0 && errno == EINTR) || (got >= 0 && from.nl_pid != 0));
	if (got < 0)
		return errno ? -errno : -EIO;
	if ((size_t)got > sizeof watch->datagram)
		return -ENOBUFS;
	watch->size = (size_t)got;
	return 0;
}

// The next transaction in the datagram at hand. False: there is none that ends in it.
static bool hear(struct nft_watch *watch, struct nft_seen *ret)
{
	bool ended = false;
	if (watch->at < watch->size)
		watch->at += nft_hear(&watch->part, watch->datagram + watch->at, watch->size - watch->at, ret,
		                      &ended);
	return ended;
}

// After a loss everything has to be looked at anyway: what still waits is part of the same news.
static void catch_up(struct nft_watch *watch, struct nft_seen *ret)
{
	struct nft_seen all = {0}, next;
	for (unsigned i = 0; i < CATCH_UP_MAX; i++) {
		int r = receive(watch);
		if (r < 0 && r != -ENOBUFS)
			break; // the next read says it again
		while (hear(watch, &next))
			nft_hear_merge(&all, &next);
	}
	nft_hear_merge(&all, &watch->part);
	watch->part = (struct nft_seen){0};
	all.lost = true;
	all.generation = 0;
	*ret = all;
}

int nft_watch_read(struct nft_watch *watch, struct nft_seen *ret)
{
	while (!hear(watch, ret)) {
		int r = receive(watch);
		if (r == -ENOBUFS) {
			catch_up(watch, ret);
			return 0;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void forget(struct nft_watch *watch)
{
	int r;
	do
		r = receive(watch);
	while (r == 0 || r == -ENOBUFS);
	watch->part = (struct nft_seen){0};
}

void nft_watch_pause(struct nft_watch *watch)
{
	const int group = NFNLGRP_NFTABLES;
	setsockopt(watch->fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof group);
	forget(watch);
}

int nft_watch_resume(struct nft_watch *watch)
{
	const int group = NFNLGRP_NFTABLES;
	forget(watch);
	return setsockopt(watch->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 ? -errno
	                                                                                            : 0;
}

static int open_socket(struct nft_watch *watch)
{
	// Bound to a port of its own: the kernel tells an unbound socket, port 0 like itself, of no change.
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
	const int room = RECEIVE_ROOM;
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (watch->fd < 0 || bind(watch->fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	// Less room is no error: it says so when it is full.
	if (setsockopt(watch->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(watch->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	return nft_watch_resume(watch);
}

int nft_watch_open(struct nft_watch **ret, struct problems *problems)
{
	struct nft_watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return -ENOMEM;
	int r = open_socket(watch);
	if (r < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             r == -EPERM ? "this needs CAP_NET_ADMIN: run it as root" : NULL,
		             "cannot listen to changes of the kernel's rules: %s", strerror(-r));
		nft_watch_close(watch);
		return r;
	}
	*ret = watch;
	return 0;
}

void nft_watch_close(struct nft_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch);
}
