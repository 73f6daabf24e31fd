// SPDX-License-Identifier: GPL-2.0-or-later
//
// Netlink framing, every length checked against what is there.
#include "drops/drops_netlink.h"

#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

// The octets from `size` to the next multiple of four; the last message or attribute may come without them.
static void skip_padding(struct drops_cursor *c, size_t size)
{
	size_t padding = (4 - size % 4) % 4;
	drops_take(c, padding < c->left ? padding : c->left);
}

bool drops_next_message(struct drops_cursor *datagram, struct drops_message *ret, size_t *ret_bad)
{
	while (datagram->left > 0) {
		struct nlmsghdr header;
		struct nfgenmsg generic;
		const uint8_t *octets = drops_take(datagram, sizeof header);
		if (!octets)
			break;
		memcpy(&header, octets, sizeof header); // the machine's own byte order
		if (header.nlmsg_len < sizeof header)
			break;
		size_t size = header.nlmsg_len - sizeof header;
		octets = drops_take(datagram, size);
		if (!octets)
			break;
		skip_padding(datagram, size);
		if (header.nlmsg_type < NLMSG_MIN_TYPE)
			continue; // an acknowledgement or the end of a list
		if (size < sizeof generic) {
			(*ret_bad)++;
			continue;
		}
		memcpy(&generic, octets, sizeof generic);
		ret->type = header.nlmsg_type;
		ret->family = generic.nfgen_family;
		ret->body = drops_cursor(octets + sizeof generic, size - sizeof generic);
		return true;
	}
	if (datagram->left > 0 || datagram->over)
		(*ret_bad)++;
	*datagram = drops_cursor(NULL, 0);
	return false;
}

bool drops_attributes(struct drops_cursor body, struct drops_cursor *table, size_t count)
{
	memset(table, 0, count * sizeof *table);
	while (body.left > 0) {
		struct nlattr header;
		const uint8_t *octets = drops_take(&body, sizeof header);
		if (!octets)
			return false;
		memcpy(&header, octets, sizeof header);
		if (header.nla_len < sizeof header)
			return false;
		size_t size = header.nla_len - sizeof header, number = header.nla_type & NLA_TYPE_MASK;
		octets = drops_take(&body, size);
		if (!octets)
			return false;
		skip_padding(&body, size);
		if (number < count)
			table[number] = drops_cursor(octets, size);
	}
	return true;
}
