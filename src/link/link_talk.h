// SPDX-License-Identifier: GPL-2.0-or-later
//
// One request and its answers.
#ifndef LEADGLASS_LINK_LINK_TALK_H
#define LEADGLASS_LINK_LINK_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "link/link.h"
#include "link/link_message.h"

#define LINK_DATAGRAM_MAX (64u << 10) // the kernel's largest for a dump is 32 KiB

struct link {
	int ask, watch;
	int ipv6; // /proc/sys/net/ipv6/conf; -1: there is none
	uint32_t port, sequence;
	uint8_t *datagram; // LINK_DATAGRAM_MAX octets
	char said[128];    // the kernel's words for the last refusal; "" none
};

typedef void (*link_reply_fn)(void *context, const struct nlmsghdr *message);

// Sends a request and waits for the end of its answer; `reply` (NULL: nobody) gets its messages. 0; -EINTR the
// kernel said that something changed in between: ask again; else -errno of the kernel or the socket.
int link_ask(struct link *link, struct link_message *request, link_reply_fn reply, void *context);

// The same for what is done to an interface: a refusal becomes "cannot WHAT NAME: why".
int link_do(struct link *link, struct link_message *request, struct problems *problems, const char *what,
            const char *name);
// The problem alone, of an error (-errno). `instead` may be NULL.
void link_complain(const struct link *link, struct problems *problems, int error, const char *what,
                   const char *name, const char *instead);

#endif
