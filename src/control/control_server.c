// SPDX-License-Identifier: GPL-2.0-or-later
//
// The agent's side of the control socket. Whoever may connect may send anything: nothing here waits, and
// nothing is believed before it was checked.
#include "control/control.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control_wire.h"

#define BACKLOG 64
#define DATAGRAMS_MAX 256 // taken from one connection; the kernel keeps some ten (net.unix.max_dgram_qlen)
#define LARGE (64u << 10) // octets: of an answer that waits for the one before it to be read

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 // Linux 6.16
#endif

// Where the socket gets its mode before anybody can connect to it.
static int bind_as(int fd, const char *path, gid_t group)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int result;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	mask = umask(0177);
	result = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (result)
		return result;
	if ((group != (gid_t)-1 && lchown(path, (uid_t)-1, group) < 0) || chmod(path, 0660) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		result = -errno;
		unlink(path);
	}
	return result;
}

int control_listen(const char *path, gid_t group)
{
	char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)], new_path[sizeof(socket_path)];
	int fd, error;

	if (snprintf(new_path, sizeof(new_path), "%s/" CONTROL_SOCKET ".new", path) >= (int)sizeof(new_path) ||
	    snprintf(socket_path, sizeof(socket_path), "%s/" CONTROL_SOCKET, path) >= (int)sizeof(socket_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = bind_as(fd, new_path, group);
	if (!error && rename(new_path, socket_path) < 0) {
		error = -errno;
		unlink(new_path);
	}
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int identify(int fd, struct control_peer_id *ret)
{
	struct ucred credentials = {.pid = -1, .uid = (uid_t)-1, .gid = (gid_t)-1}; // nobody's
	socklen_t size = sizeof(credentials);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		error = -errno;
	*ret = (struct control_peer_id){
	        .pid = credentials.pid,
	        .uid = credentials.uid,
	        .gid = credentials.gid,
	};
	return error;
}

// Whose payloads are worth reading. Others may not change anything, and the agent refuses them.
static bool trusted(const struct control_peer_id *id)
{
	return id->uid == 0 || id->uid == geteuid();
}

int control_accept(int listener, struct control_peer_id *ret)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int error, none = 0;

	if (fd < 0)
		return -errno;
	error = identify(fd, ret);
	if (error) {
		close(fd);
		return error;
	}
	// Who has no payload to send needs no descriptors. Older kernels have no way to keep them away, and
	// none keeps away what was sent before we accepted: see control_hang_up.
	if (!trusted(ret))
		(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof(none));
	return fd;
}

static bool prefix_good(const struct prefix *prefix)
{
	static const uint8_t zero[12];

	if (prefix->family == ADDRESS_IPV6)
		return prefix->length <= 128;
	return prefix->family == ADDRESS_IPV4 && prefix->length <= 32 &&
	       memcmp(prefix->octets + 4, zero, 12) == 0;
}

// What is wrong with a request, NULL: nothing.
static const char *examine(struct control_request *request, bool descriptor)
{
	struct control_window *window = &request->window;

	if (request->magic != CONTROL_MAGIC)
		return "not our magic number: another version, or not leadglass";
	if (!control_known(request->kind))
		return "an unknown kind of request";
	if (!control_text_good(request->who, sizeof(request->who)) ||
	    !control_text_good(window->reason, sizeof(window->reason)) ||
	    !control_text_good(window->who, sizeof(window->who)))
		return "a text that is no line of text";
	if (!prefix_good(&window->from) || !prefix_good(&window->to) || window->box > 1)
		return "an address that is none";
	if (!control_takes_payload(request->kind))
		return request->payload || descriptor ? "a payload where none belongs" : NULL;
	if (!request->payload || !descriptor)
		return "no payload where one belongs";
	return request->payload > CONTROL_PAYLOAD_MAX ? "a payload that is too large" : NULL;
}

// Whether the next datagram carries descriptors; it stays where it is.
static bool carries_descriptors(int fd)
{
	char octet;
	struct iovec part = {.iov_base = &octet, .iov_len = 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t got;

	do
		got = recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got >= 0 && (header.msg_flags & MSG_CTRUNC);
}

int control_receive(int fd, struct control_request *ret, char **ret_payload, size_t *ret_size,
                    const char **ret_why)
{
	struct control_request request;
	struct control_peer_id id;
	char *text = NULL;
	int payload = -1, error;

	*ret_payload = NULL;
	*ret_size = 0;
	error = identify(fd, &id);
	if (error)
		return error;
	if (!trusted(&id) && carries_descriptors(fd)) {
		*ret_why = "a descriptor from who may send none";
		return -EPERM;
	}
	error = control_wire_receive(fd, &request, sizeof(request), MSG_DONTWAIT, &payload, ret_why);
	if (error)
		return error;
	error = control_payload_take(payload, request.payload, examine(&request, payload >= 0), &text, ret_why);
	if (error)
		return error;
	*ret = request;
	*ret_payload = text;
	*ret_size = text ? request.payload : 0;
	return 0;
}

// Whether the other side still has something of ours to read.
static bool behind(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(memory);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0 && memory[SK_MEMINFO_WMEM_ALLOC] > 0;
}

int control_send_shared(int fd, struct control_answer *answer, int payload, size_t size)
{
	answer->magic = CONTROL_MAGIC;
	answer->payload = (uint32_t)size;
	control_text_mend(answer->text, sizeof(answer->text));
	return control_wire_send(fd, answer, sizeof(*answer), payload, MSG_DONTWAIT);
}

int control_send(int fd, struct control_answer *answer, const void *payload, size_t size)
{
	int memory = -1, error;

	if (size > CONTROL_PAYLOAD_MAX)
		return -EMSGSIZE;
	// What is sent and not read stays in memory, and asking costs nothing.
	if (size > LARGE && behind(fd))
		return -EAGAIN;
	if (size) {
		memory = control_payload_new(payload, size);
		if (memory < 0)
			return memory;
	}
	error = control_send_shared(fd, answer, memory, size);
	if (memory >= 0)
		close(memory);
	return error;
}

enum waiting { WAITING_NOTHING, WAITING_DATAGRAM, WAITING_DESCRIPTORS };

// The next datagram of a connection that tells who sent each (SO_PASSCRED): an empty one otherwise looks like
// the end. There is room for that and nothing else, so descriptors show as what was cut off.
static enum waiting look(int fd, int flags)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(struct ucred))];
	} room;
	char octet;

	for (unsigned attempt = 0; attempt < 4; attempt++) {
		struct iovec part = {.iov_base = &octet, .iov_len = 1};
		struct msghdr header = {
		        .msg_iov = &part,
		        .msg_iovlen = 1,
		        .msg_control = room.octets,
		        .msg_controllen = sizeof(room.octets),
		};
		ssize_t got = recvmsg(fd, &header, flags | MSG_DONTWAIT);

		if (got < 0 &&
		    (errno == EINTR || errno == ECONNRESET)) // the latter is told once, before the rest
			continue;
		if (got < 0)
			break;
		if (header.msg_flags & MSG_CTRUNC)
			return WAITING_DESCRIPTORS;
		return got || header.msg_controllen ? WAITING_DATAGRAM : WAITING_NOTHING;
	}
	return WAITING_NOTHING;
}

bool control_hang_up(int fd)
{
	struct control_peer_id id;
	int yes = 1;

	if (identify(fd, &id) == 0 && trusted(&id))
		return true;
	// From here on nothing more comes.
	(void)shutdown(fd, SHUT_RDWR);
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
		return false;
	for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
		switch (look(fd, MSG_PEEK)) {
		case WAITING_NOTHING:
			return true;
		case WAITING_DESCRIPTORS:
			return false;
		case WAITING_DATAGRAM:
			(void)look(fd, 0);
		}
	}
	return false;
}
