// SPDX-License-Identifier: GPL-2.0-or-later
//
// A dropped packet in a line.
#include "control/control.h"

#include <netinet/in.h>

#include "base/buffer.h"

#define ETHER_IPV4 0x0800
#define ETHER_ARP 0x0806
#define ETHER_IPV6 0x86dd

static void write_transport(const struct control_drop *drop, struct buffer *out)
{
	const size_t named = sizeof(drop->ports) / sizeof(drop->ports[0]);

	switch (drop->protocol) {
	case IPPROTO_TCP:
		buffer_text(out, "tcp");
		break;
	case IPPROTO_UDP:
		buffer_text(out, "udp");
		break;
	case IPPROTO_ICMP:
		buffer_printf(out, "icmp type %u", drop->icmp_type);
		return;
	case IPPROTO_ICMPV6:
		buffer_printf(out, "icmpv6 type %u", drop->icmp_type);
		return;
	default:
		buffer_printf(out, "protocol %u%s", drop->protocol, drop->port_count ? " port" : "");
	}
	for (size_t i = 0; i < named && i < drop->port_count; i++)
		buffer_printf(out, "%s %u", i ? "," : "", drop->ports[i]);
	if (drop->port_count > named)
		buffer_printf(out, " and %zu more", drop->port_count - named);
}

void control_drop_print(const struct control_drop *drop, struct buffer *out)
{
	char text[PREFIX_TEXT_MAX];

	if (drop->source.length || drop->destination.length) {
		buffer_printf(out, "%s -> ", prefix_print(&drop->source, text));
		buffer_printf(out, "%s ", prefix_print(&drop->destination, text));
	} else if (drop->mac[0]) {
		buffer_printf(out, "%s ", drop->mac);
	}
	if (drop->ether_type == ETHER_ARP)
		buffer_text(out, "arp");
	else if (drop->ether_type && drop->ether_type != ETHER_IPV4 && drop->ether_type != ETHER_IPV6)
		buffer_printf(out, "ethernet type %04x", drop->ether_type);
	else
		write_transport(drop, out);
}
