// SPDX-License-Identifier: GPL-2.0-or-later
//
// One datagram a message to the socket that NOTIFY_SOCKET names.
#include "agent/agent_notify.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MAX 512

int agent_notify_open(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 1};
	const char *name = getenv("NOTIFY_SOCKET");
	const size_t length = name ? strlen(name) : 0;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	int notify;

	// A path or, with '@', an abstract name; systemd knows vsock: too, for containers' managers
	if (length < 2 || length >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
		return -1;
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify < 0)
		return -1;
	// Connected, so that it goes on working when the sandbox hides the socket's name.
	setsockopt(notify, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(notify, (const struct sockaddr *)&address, size) < 0) {
		close(notify);
		return -1;
	}
	return notify;
}

void agent_notify(int notify, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list arguments;
	int length;

	if (notify < 0)
		return;
	va_start(arguments, format);
	length = vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= sizeof message)
		length = sizeof message - 1; // the end of a STATUS line
	// A busy manager must not miss READY=1. For anything else one that does not read is not waited for.
	bool waits = strncmp(message, "READY=1", 7) == 0;
	(void)!send(notify, message, (size_t)length, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
}
