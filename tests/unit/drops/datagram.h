// SPDX-License-Identifier: GPL-2.0-or-later
//
// Netlink datagrams made by hand, and ways to spoil them.
#ifndef LEADGLASS_TESTS_DROPS_DATAGRAM_H
#define LEADGLASS_TESTS_DROPS_DATAGRAM_H

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

struct datagram {
	uint8_t octets[8192];
	size_t size;
	size_t message; // where the last one begins
	bool open;      // there is one; else these are attributes to be nested
};

static inline void datagram_octets(struct datagram *d, const void *data, size_t size)
{
	memcpy(d->octets + d->size, data, size);
	d->size += size;
	while (d->size % 4 != 0)
		d->octets[d->size++] = 0;
}

static inline void datagram_close(struct datagram *d)
{
	uint32_t size = (uint32_t)(d->size - d->message);
	if (d->open)
		memcpy(d->octets + d->message, &size, sizeof size);
}

static inline void datagram_message(struct datagram *d, uint16_t type, uint8_t family)
{
	const struct nlmsghdr header = {.nlmsg_type = type};
	const struct nfgenmsg generic = {.nfgen_family = family};
	d->message = d->size;
	d->open = true;
	datagram_octets(d, &header, sizeof header);
	datagram_octets(d, &generic, sizeof generic);
	datagram_close(d);
}

static inline void datagram_attribute(struct datagram *d, uint16_t type, const void *data, size_t size)
{
	const struct nlattr header = {.nla_len = (uint16_t)(sizeof header + size), .nla_type = type};
	datagram_octets(d, &header, sizeof header);
	datagram_octets(d, data, size);
	datagram_close(d);
}

static inline void datagram_number(struct datagram *d, uint16_t type, uint32_t value)
{
	value = htonl(value);
	datagram_attribute(d, type, &value, sizeof value);
}

// A copy of exactly this size on the heap: a reader that goes one octet too far is found out.
static inline void *exact_copy(const void *data, size_t size)
{
	void *copy = malloc(size > 0 ? size : 1);
	if (copy && size > 0)
		memcpy(copy, data, size);
	return copy;
}

// The same numbers every time.
static inline uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

#endif
