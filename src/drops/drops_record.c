// SPDX-License-Identifier: GPL-2.0-or-later
//
// NFLOG messages (linux/netfilter/nfnetlink_log.h) to records.
#include <net/ethernet.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "drops/drops.h"
#include "drops/drops_netlink.h"
#include "drops/drops_packet.h"

#define PACKET_MESSAGE (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)
#define HARDWARE_MAX 8 // octets the kernel makes room for

// The rule's text: any program may log into our group, so it is not taken to be ours.
static bool read_prefix(struct drops_cursor text, struct drops_record *record)
{
	if (!text.at)
		return true;
	const uint8_t *end = text.left ? memchr(text.at, '\0', text.left) : NULL;
	if (!end)
		return false;
	size_t size = (size_t)(end - text.at);
	if (size >= sizeof record->prefix)
		size = sizeof record->prefix - 1;
	for (size_t i = 0; i < size; i++)
		record->prefix[i] = text.at[i] >= ' ' && text.at[i] < 0x7f ? (char)text.at[i] : '?';
	return true;
}

static bool read_interface(struct drops_cursor number, uint32_t *ret)
{
	if (!number.at)
		return true;
	*ret = drops_take32(&number);
	return !number.over;
}

// struct nfulnl_msg_packet_hw
static bool read_mac(struct drops_cursor address, struct drops_record *record)
{
	if (!address.at)
		return true;
	uint16_t size = drops_take16(&address);
	drops_take16(&address);
	const uint8_t *octets = drops_take(&address, HARDWARE_MAX);
	if (!octets || size > HARDWARE_MAX)
		return false;
	if (size == sizeof record->mac) {
		memcpy(record->mac, octets, sizeof record->mac);
		record->mac_known = true;
	}
	return true;
}

// struct nfulnl_msg_packet_hdr. A packet that this host has just made may not carry its type yet.
static bool read_type(struct drops_cursor header, uint8_t family, struct drops_record *record)
{
	record->ether_type = drops_take16(&header);
	drops_take16(&header);
	if (record->ether_type == 0 && family == NFPROTO_IPV4)
		record->ether_type = ETHERTYPE_IP;
	if (record->ether_type == 0 && family == NFPROTO_IPV6)
		record->ether_type = ETHERTYPE_IPV6;
	return !header.over;
}

static bool read_record(const struct drops_message *message, struct drops_record *record)
{
	struct drops_cursor table[NFULA_MAX + 1];
	memset(record, 0, sizeof *record);
	if (!drops_attributes(message->body, table, NFULA_MAX + 1))
		return false;
	// Of a frame that crosses a bridge the kernel gives the bridge and, as "physical", the port.
	bool port = message->family == NFPROTO_BRIDGE;
	int in = port && table[NFULA_IFINDEX_PHYSINDEV].at ? NFULA_IFINDEX_PHYSINDEV : NFULA_IFINDEX_INDEV;
	int out = port && table[NFULA_IFINDEX_PHYSOUTDEV].at ? NFULA_IFINDEX_PHYSOUTDEV : NFULA_IFINDEX_OUTDEV;
	if (!read_type(table[NFULA_PACKET_HDR], message->family, record) ||
	    !read_prefix(table[NFULA_PREFIX], record) || !read_interface(table[in], &record->in_interface) ||
	    !read_interface(table[out], &record->out_interface) || !read_mac(table[NFULA_HWADDR], record))
		return false;
	drops_read_packet(table[NFULA_PAYLOAD], record);
	return true;
}

void drops_read(const void *datagram, size_t size,
                void (*report)(void *context, const struct drops_record *record), void *context,
                size_t *ret_bad)
{
	struct drops_cursor c = drops_cursor(datagram, size);
	struct drops_message message;
	while (drops_next_message(&c, &message, ret_bad)) {
		struct drops_record record;
		if (message.type != PACKET_MESSAGE)
			continue;
		if (read_record(&message, &record))
			report(context, &record);
		else
			(*ret_bad)++;
	}
}
