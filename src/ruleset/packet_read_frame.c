// SPDX-License-Identifier: GPL-2.0-or-later
//
// Frames that are neither IP nor ARP, as a person writes them: eapol, lldp, stp, frame/0x88f7.
#include "ruleset/packet_read.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LENGTH_MAX 0x05ff // IEEE 802.3: below 0x0600 it is a length and no type

static bool read_type(const char *text, uint16_t *ret)
{
	char *end;
	if (!text || strncasecmp(text, "0x", 2) != 0 || !text[2] || strlen(text) > 6 ||
	    strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2))
		return false;
	*ret = (uint16_t)strtoul(text, &end, 16);
	return true;
}

static int read_frame(struct packet_reader *r, const char *type, struct packet_flow *flow)
{
	if (!read_type(type, &flow->ether_type) || flow->ether_type <= LENGTH_MAX)
		return packet_read_fail(r, flow->word,
		                        "frame needs the frame's type, 0x0600 to 0xffff, such as frame/0x88f7");
	if (flow->ether_type == 0x0800 || flow->ether_type == 0x86dd || flow->ether_type == 0x0806)
		return packet_read_fail(r, flow->word,
		                        "that is IPv4, IPv6 or ARP: write tcp, udp, icmp, icmpv6, arp or a "
		                        "number, and addresses");
	return 0;
}

bool packet_read_frame(struct packet_reader *r, const char *kind, const char *type, struct packet_flow *flow,
                       int *ret_result)
{
	static const struct {
		const char *name;
		uint16_t ether_type;
	} names[] = {{"eapol", 0x888e}, {"lldp", 0x88cc}, {"stp", PACKET_802_2}};
	*ret_result = 0;
	flow->frame = true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcasecmp(kind, names[i].name) == 0) {
			flow->ether_type = names[i].ether_type;
			if (type)
				*ret_result = packet_read_fail(r, flow->word, "%s has no type; write %s alone",
				                               names[i].name, names[i].name);
			return true;
		}
	if (strcasecmp(kind, "frame") == 0) {
		*ret_result = read_frame(r, type, flow);
		return true;
	}
	flow->frame = false;
	return false;
}
