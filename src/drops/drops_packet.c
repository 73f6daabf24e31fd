// SPDX-License-Identifier: GPL-2.0-or-later
//
// IPv4 (RFC 791) and IPv6 with extension headers (RFC 8200).
#include "drops/drops_packet.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#define FRAGMENT_OFFSET 0x1fff // IPv4, in 8 octets
#define AUTHENTICATION 51      // RFC 4302: the only one that counts its length in 4 octets

static struct prefix exact(const uint8_t *octets, enum address_family family)
{
	struct prefix prefix = {.family = (uint8_t)family, .length = family == ADDRESS_IPV4 ? 32 : 128};
	memcpy(prefix.octets, octets, address_octets(family));
	return prefix;
}

static void read_transport(struct drops_cursor c, struct drops_record *record)
{
	switch (record->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		record->source_port = drops_take16(&c);
		record->port = drops_take16(&c);
		record->ports_known = !c.over;
		if (c.over)
			record->source_port = record->port = 0;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		record->icmp_type = drops_take8(&c);
		break;
	}
}

static void read_ipv4(struct drops_cursor c, struct drops_record *record)
{
	const uint8_t *header = drops_take(&c, 20);
	if (!header || header[0] >> 4 != 4 || (header[0] & 15) < 5)
		return;
	record->source = exact(header + 12, ADDRESS_IPV4);
	record->destination = exact(header + 16, ADDRESS_IPV4);
	record->protocol = header[9];
	bool first = ((header[6] << 8 | header[7]) & FRAGMENT_OFFSET) == 0;
	drops_take(&c, (size_t)(header[0] & 15) * 4 - 20);
	if (first && !c.over)
		read_transport(c, record);
}

// The header after the one at the cursor. False when `type` is none that is followed by another, or it is cut
// off.
static bool skip_extension(struct drops_cursor *c, uint8_t *type, bool *first)
{
	switch (*type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case AUTHENTICATION:
	case IPPROTO_FRAGMENT:
		break;
	default:
		return false;
	}
	uint8_t next = drops_take8(c), length = drops_take8(c);
	if (*type == IPPROTO_FRAGMENT) {
		if (drops_take16(c) & 0xfff8)
			*first = false;
		drops_take(c, 4);
	} else if (*type == AUTHENTICATION) {
		drops_take(c, (size_t)length * 4 + 6);
	} else {
		drops_take(c, (size_t)length * 8 + 6);
	}
	*type = next;
	return !c->over;
}

static void read_ipv6(struct drops_cursor c, struct drops_record *record)
{
	const uint8_t *header = drops_take(&c, 40);
	if (!header || header[0] >> 4 != 6)
		return;
	record->source = exact(header + 8, ADDRESS_IPV6);
	record->destination = exact(header + 24, ADDRESS_IPV6);
	uint8_t type = header[6];
	bool first = true;
	// Each turn takes eight octets at least. What follows a later fragment's header is data.
	while (first && skip_extension(&c, &type, &first))
		;
	if (c.over)
		return; // the transport was cut off: not known
	record->protocol = type;
	if (first)
		read_transport(c, record);
}

void drops_read_packet(struct drops_cursor packet, struct drops_record *record)
{
	switch (record->ether_type) {
	case ETHERTYPE_IP:
		read_ipv4(packet, record);
		break;
	case ETHERTYPE_IPV6:
		read_ipv6(packet, record);
		break;
	}
}
