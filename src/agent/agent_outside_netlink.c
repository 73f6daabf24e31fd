// SPDX-License-Identifier: GPL-2.0-or-later
//
// NFLOG and conntrack by hand: one message each way is no work for a library.
#include "agent/agent_outside_netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#define COPY_OCTETS 128 // of each packet: IPv6 with some extension headers and the ports
#define DATAGRAM_OCTETS (16 * 1024)
#define TOGETHER 48        // records in one datagram, at most
#define WAIT_HUNDREDTHS 10 // and until they are sent
#define RECEIVE_ROOM (256 * 1024)

static void set_room(int fd)
{
	const int room = RECEIVE_ROOM;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

static int open_netlink(uint32_t groups)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	set_room(fd);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int outside_open_conntrack(void)
{
	return open_netlink(1u << (NFNLGRP_CONNTRACK_NEW - 1));
}

// struct nlattr, nfulnl_msg_config_mode and the rest, laid out as the kernel wants to read them.
struct bind_message {
	struct nlmsghdr header;
	struct nfgenmsg generic;
	struct {
		struct nlattr head;
		uint8_t command, padding[3];
	} command;
	struct {
		struct nlattr head;
		uint8_t range[4], mode, padding[3];
	} mode;
	struct number {
		struct nlattr head;
		uint32_t value;
	} size, threshold, timeout;
};

static struct number number(uint16_t type, uint32_t value)
{
	return (struct number){.head = {.nla_len = sizeof(struct number), .nla_type = type},
	                       .value = htonl(value)};
}

static struct bind_message bind_message(uint16_t group)
{
	const uint32_t range = htonl(COPY_OCTETS);
	struct bind_message m = {
	        .header = {.nlmsg_len = sizeof m,
	                   .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
	                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	                   .nlmsg_seq = 1},
	        .generic = {.version = NFNETLINK_V0, .res_id = htons(group)},
	        .command = {.head = {.nla_len = sizeof m.command.head + 1, .nla_type = NFULA_CFG_CMD},
	                    .command = NFULNL_CFG_CMD_BIND},
	        .mode = {.head = {.nla_len = sizeof m.mode.head + sizeof(struct nfulnl_msg_config_mode),
	                          .nla_type = NFULA_CFG_MODE},
	                 .mode = NFULNL_COPY_PACKET},
	        .size = number(NFULA_CFG_NLBUFSIZ, DATAGRAM_OCTETS),
	        .threshold = number(NFULA_CFG_QTHRESH, TOGETHER),
	        .timeout = number(NFULA_CFG_TIMEOUT, WAIT_HUNDREDTHS),
	};
	memcpy(m.mode.range, &range, sizeof range);
	return m;
}

// The kernel has answered before sendto returns; records of the group may lie before its answer.
static int read_answer(int fd)
{
	union {
		struct nlmsghdr header;
		uint8_t octets[DATAGRAM_OCTETS];
	} answer;
	for (;;) {
		ssize_t n = recv(fd, &answer, sizeof answer, MSG_DONTWAIT);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -EIO : -errno;
		if (n < (ssize_t)(sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr)) ||
		    answer.header.nlmsg_type != NLMSG_ERROR)
			continue;
		struct nlmsgerr error;
		memcpy(&error, answer.octets + sizeof(struct nlmsghdr), sizeof error);
		return error.error;
	}
}

// "Not permitted" is what the kernel says when somebody else has the group, and when we may not ask at all.
static bool may_administer(void)
{
	int fd = outside_open_conntrack();
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int outside_open_nflog(uint16_t group)
{
	const struct bind_message message = bind_message(group);
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int r, fd = open_netlink(0);
	if (fd < 0)
		return fd;
	if (sendto(fd, &message, sizeof message, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
		r = -errno;
	else
		r = read_answer(fd);
	if (r == 0)
		return fd;
	close(fd);
	if (r == -EPERM && may_administer())
		return -EBUSY;
	return r == -EINVAL ? -EOPNOTSUPP : r; // no such subsystem
}
