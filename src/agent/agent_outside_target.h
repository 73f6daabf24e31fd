// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where log messages go: what --syslog says. Private to src/agent/agent_outside*.c.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_TARGET_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_TARGET_H

#include <netinet/in.h>
#include <sys/socket.h>

#define OUTSIDE_TARGET_TEXT_MAX 64
#define OUTSIDE_SYSLOG_PORT 514 // RFC 5426; what everybody uses for TCP too (RFC 6587, 3.1)

enum outside_transport {
	OUTSIDE_TO_LOCAL, // /dev/log
	OUTSIDE_TO_UDP,   // RFC 5426
	OUTSIDE_TO_TCP,   // RFC 6587, octet counting
};

struct outside_target {
	enum outside_transport transport;
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} address;
	socklen_t size;
	char text[OUTSIDE_TARGET_TEXT_MAX]; // "udp 10.20.0.7:514"
};

// Reads a TARGET. NULL, or what is wrong.
const char *outside_target_parse(const char *text, struct outside_target *ret);

#endif
