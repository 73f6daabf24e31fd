// SPDX-License-Identifier: GPL-2.0-or-later
//
// --syslog local | udp:ADDRESS[:PORT] | tcp:ADDRESS[:PORT]
#include "agent/agent_outside_target.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent_outside.h"
#include "base/address.h"

// A decimal port without sign or leading zero.
static bool read_port(const char *text, uint16_t *ret)
{
	uint32_t port = 0;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[digits] != '\0' || text[0] == '0')
		return false;
	for (size_t i = 0; i < digits; i++)
		port = port * 10 + (uint32_t)(text[i] - '0');
	*ret = (uint16_t)port;
	return port <= UINT16_MAX;
}

// Splits ADDRESS[:PORT], [ADDRESS]:PORT and a bare IPv6 address.
static const char *split(const char *text, const char **ret_address, size_t *ret_size, uint16_t *ret_port)
{
	const char *colon = strchr(text, ':');
	const char *port = NULL;
	if (text[0] == '[') {
		const char *end = strchr(text, ']');
		if (!end || (end[1] != '\0' && end[1] != ':'))
			return "a `[` needs its `]`, and after that `:` and the port";
		*ret_address = text + 1;
		*ret_size = (size_t)(end - text - 1);
		port = end[1] == ':' ? end + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		*ret_address = text;
		*ret_size = (size_t)(colon - text);
		port = colon + 1;
	} else {
		*ret_address = text;
		*ret_size = strlen(text);
	}
	if (port && !read_port(port, ret_port))
		return "the port is a number from 1 to 65535";
	return NULL;
}

static void fill(struct outside_target *target, const struct prefix *address, uint16_t port)
{
	char text[PREFIX_TEXT_MAX];
	const char *transport = target->transport == OUTSIDE_TO_UDP ? "udp" : "tcp";
	prefix_print(address, text);
	if (address->family == ADDRESS_IPV4) {
		target->address.ipv4.sin_family = AF_INET;
		target->address.ipv4.sin_port = htons(port);
		memcpy(&target->address.ipv4.sin_addr, address->octets, 4);
		target->size = sizeof target->address.ipv4;
		snprintf(target->text, sizeof target->text, "%s %s:%u", transport, text, port);
	} else {
		target->address.ipv6.sin6_family = AF_INET6;
		target->address.ipv6.sin6_port = htons(port);
		memcpy(&target->address.ipv6.sin6_addr, address->octets, 16);
		target->size = sizeof target->address.ipv6;
		snprintf(target->text, sizeof target->text, "%s [%s]:%u", transport, text, port);
	}
}

const char *outside_target_parse(const char *text, struct outside_target *ret)
{
	memset(ret, 0, sizeof *ret);
	if (strcmp(text, "local") == 0) {
		ret->transport = OUTSIDE_TO_LOCAL;
		strcpy(ret->text, "local");
		return NULL;
	}
	if (strncmp(text, "udp:", 4) == 0)
		ret->transport = OUTSIDE_TO_UDP;
	else if (strncmp(text, "tcp:", 4) == 0)
		ret->transport = OUTSIDE_TO_TCP;
	else
		return "the log goes to `local`, `udp:ADDRESS[:PORT]` or `tcp:ADDRESS[:PORT]`";

	const char *address = NULL;
	size_t size = 0;
	uint16_t port = OUTSIDE_SYSLOG_PORT;
	struct prefix prefix;
	const char *wrong = split(text + 4, &address, &size, &port);
	if (wrong)
		return wrong;
	if (prefix_parse(address, size, &prefix) != PREFIX_OK || !prefix_is_exact(&prefix))
		return "the collector's address is given in numbers (10.20.0.7 or 2001:db8::7): names are not "
		       "looked "
		       "up; an IPv6 address with a port stands in brackets";
	if (prefix_is_multicast(&prefix))
		return "the collector's address is that of one machine";
	fill(ret, &prefix, port);
	return NULL;
}

const char *agent_outside_check_target(const char *target)
{
	struct outside_target ignored;
	return outside_target_parse(target, &ignored);
}
