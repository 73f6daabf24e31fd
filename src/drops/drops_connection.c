// SPDX-License-Identifier: GPL-2.0-or-later
//
// ctnetlink messages (linux/netfilter/nfnetlink_conntrack.h): the tuple of the original direction.
#include "drops/drops_connection.h"

#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "drops/drops_netlink.h"

#define NEW_MESSAGE (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW)

static bool read_address(struct drops_cursor octets, enum address_family family, struct prefix *ret)
{
	if (octets.left != address_octets(family))
		return false;
	*ret = (struct prefix){.family = (uint8_t)family, .length = (uint8_t)(octets.left * 8)};
	memcpy(ret->octets, octets.at, octets.left);
	return true;
}

static bool read_addresses(struct drops_cursor nest, struct drops_connection *ret)
{
	struct drops_cursor table[CTA_IP_MAX + 1];
	if (!drops_attributes(nest, table, CTA_IP_MAX + 1))
		return false;
	if (table[CTA_IP_V4_SRC].at)
		return read_address(table[CTA_IP_V4_SRC], ADDRESS_IPV4, &ret->source) &&
		       read_address(table[CTA_IP_V4_DST], ADDRESS_IPV4, &ret->destination);
	return read_address(table[CTA_IP_V6_SRC], ADDRESS_IPV6, &ret->source) &&
	       read_address(table[CTA_IP_V6_DST], ADDRESS_IPV6, &ret->destination);
}

static bool read_protocol(struct drops_cursor nest, struct drops_connection *ret)
{
	struct drops_cursor table[CTA_PROTO_MAX + 1];
	if (!drops_attributes(nest, table, CTA_PROTO_MAX + 1))
		return false;
	ret->protocol = drops_take8(&table[CTA_PROTO_NUM]);
	if (table[CTA_PROTO_DST_PORT].at)
		ret->port = drops_take16(&table[CTA_PROTO_DST_PORT]);
	return !table[CTA_PROTO_NUM].over && !table[CTA_PROTO_DST_PORT].over;
}

static bool read_connection(const struct drops_message *message, struct drops_connection *ret)
{
	struct drops_cursor table[CTA_TUPLE_ORIG + 1], tuple[CTA_TUPLE_MAX + 1];
	memset(ret, 0, sizeof *ret);
	return drops_attributes(message->body, table, CTA_TUPLE_ORIG + 1) &&
	       drops_attributes(table[CTA_TUPLE_ORIG], tuple, CTA_TUPLE_MAX + 1) &&
	       read_addresses(tuple[CTA_TUPLE_IP], ret) && read_protocol(tuple[CTA_TUPLE_PROTO], ret);
}

void drops_read_connections(const void *datagram, size_t size,
                            void (*report)(void *context, const struct drops_connection *connection),
                            void *context, size_t *ret_bad)
{
	struct drops_cursor c = drops_cursor(datagram, size);
	struct drops_message message;
	while (drops_next_message(&c, &message, ret_bad)) {
		struct drops_connection connection;
		if (message.type != NEW_MESSAGE)
			continue;
		if (read_connection(&message, &connection))
			report(context, &connection);
		else
			(*ret_bad)++;
	}
}
