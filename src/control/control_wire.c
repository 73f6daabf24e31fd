// SPDX-License-Identifier: GPL-2.0-or-later
//
// Datagrams over the socket.
#include "control/control_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/text.h"

int control_wire_send(int fd, const void *message, size_t size, int payload, int flags)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int))];
	} room = {0};
	struct iovec part = {.iov_base = (void *)message, .iov_len = size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	if (payload >= 0) {
		struct cmsghdr *control;

		header.msg_control = room.octets;
		header.msg_controllen = sizeof(room.octets);
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(control), &payload, sizeof(int));
	}
	do
		sent = sendmsg(fd, &header, flags | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == size ? 0 : -EMSGSIZE;
}

// Takes the descriptors out of a received message. How many there were; the first is left open in *ret_first,
// the others are closed.
static size_t take_descriptors(struct msghdr *header, int *ret_first)
{
	size_t count = 0;

	*ret_first = -1;
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= control->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(control) + at, sizeof(int));
			if (count++)
				close(fd);
			else
				*ret_first = fd;
		}
	}
	return count;
}

int control_wire_receive(int fd, void *message, size_t size, int flags, int *ret_payload, const char **ret_why)
{
	// Alignment leaves room for a second descriptor; of more than two the kernel closes the rest and says
	// MSG_CTRUNC.
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(int))];
	} room;
	struct iovec part = {.iov_base = message, .iov_len = size};
	struct msghdr header = {
	        .msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = room.octets,
	        .msg_controllen = sizeof(room.octets),
	};
	size_t descriptors;
	ssize_t got;
	int first;

	*ret_payload = -1;
	*ret_why = "";
	do
		got = recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	descriptors = take_descriptors(&header, &first);
	if (descriptors > 1 || (header.msg_flags & MSG_CTRUNC))
		*ret_why = "more than one descriptor";
	else if ((size_t)got < size && (got || descriptors))
		*ret_why = "too short";
	else if (header.msg_flags & MSG_TRUNC)
		*ret_why = "too long";
	else if (!got)
		return -ECONNRESET;
	if (!(*ret_why)[0]) {
		*ret_payload = first;
		return 0;
	}
	if (first >= 0)
		close(first);
	return -EPROTO;
}

static bool plain(uint32_t character)
{
	return character >= 0x20 && (character < 0x7f || character >= 0xa0) && !text_deceives(character);
}

bool control_text_good(char *text, size_t room)
{
	size_t size = strnlen(text, room), at = 0;

	if (size == room)
		return false;
	while (at < size) {
		uint32_t character;
		size_t octets = text_utf8(text + at, size - at, &character);

		if (!octets || !plain(character))
			return false;
		at += octets;
	}
	memset(text + size, 0, room - size);
	return true;
}

void control_text_mend(char *text, size_t room)
{
	size_t size = strnlen(text, room - 1), at = 0;

	// The beginning of a character whose rest was cut off
	for (size_t back = 1; back <= 3 && back <= size; back++) {
		unsigned char octet = (unsigned char)text[size - back];
		uint32_t character;

		if (octet >= 0xc0 && !text_utf8(text + size - back, back, &character))
			size -= back;
		if (octet < 0x80 || octet >= 0xc0)
			break;
	}
	while (at < size) {
		uint32_t character;
		size_t octets = text_utf8(text + at, size - at, &character);

		if (!octets || !plain(character)) {
			octets = octets ? octets : 1;
			memset(text + at, text[at] == '\n' || text[at] == '\t' ? ' ' : '?', octets);
		}
		at += octets;
	}
	memset(text + size, 0, room - size);
}
