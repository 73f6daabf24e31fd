// SPDX-License-Identifier: GPL-2.0-or-later
//
// A packet as a person would ask `leadglass explain` about it.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "prove/prove.h"
#include "ruleset/packet.h"

#define WORDS_MAX 32

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static void add_end(struct buffer *out, const struct prefix *address, uint8_t protocol, uint16_t port)
{
	char text[PREFIX_TEXT_MAX];
	bool six = address->family == ADDRESS_IPV6;
	prefix_print(address, text);
	if (!has_ports(protocol))
		buffer_printf(out, " %s", text);
	else
		buffer_printf(out, six ? " [%s]:%u" : " %s:%u", text, port);
}

static void add_protocol(struct buffer *out, uint8_t protocol)
{
	if (protocol == IPPROTO_TCP)
		buffer_text(out, " tcp");
	else if (protocol == IPPROTO_UDP)
		buffer_text(out, " udp");
	else
		buffer_printf(out, " %u", protocol);
}

static void add_frame(struct buffer *out, const struct packet *p)
{
	char text[PREFIX_TEXT_MAX];
	switch (p->ether_type) {
	case 0x888e:
		buffer_text(out, " eapol");
		return;
	case 0x88cc:
		buffer_text(out, " lldp");
		return;
	case PACKET_802_2:
		buffer_text(out, " stp");
		return;
	case 0x0806:
		buffer_text(out, p->arp_operation == 2 ? " arp/reply" : " arp/request");
		buffer_printf(out, " %s", prefix_print(&p->source, text));
		buffer_printf(out, " %s", prefix_print(&p->destination, text));
		return;
	}
	buffer_printf(out, " frame/0x%04x", p->ether_type);
}

static void add_flow(struct buffer *out, const struct packet *p)
{
	bool icmp = p->protocol == IPPROTO_ICMP, icmp6 = p->protocol == IPPROTO_ICMPV6;
	if (icmp || icmp6)
		buffer_printf(out, " %s/%u", icmp ? "icmp" : "icmpv6", p->icmp_type);
	else
		add_protocol(out, p->protocol);
	add_end(out, &p->source, p->protocol, p->source_port);
	add_end(out, &p->destination, p->protocol, p->destination_port);
}

static void add_state(struct buffer *out, const struct packet *p)
{
	bool icmp = p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
	if (p->spoofed)
		buffer_text(out, " spoofed");
	if (p->ct_state == CT_ESTABLISHED)
		buffer_text(out, p->ct_reply ? " reply" : " established");
	if (p->ct_state == CT_INVALID)
		buffer_text(out, " invalid");
	if (p->ct_state == CT_RELATED)
		buffer_text(out, " related");
	if (p->ct_state == CT_RELATED && icmp) {
		add_protocol(out, p->ct_protocol);
		add_end(out, &p->ct_source, IPPROTO_NONE, 0);
		add_end(out, &p->ct_destination, p->ct_protocol, p->ct_destination_port);
	}
}

static void add_words(const struct packet *p, struct buffer *out)
{
	bool ip = p->ether_type == 0x0800 || p->ether_type == 0x86dd;
	char mac[MAC_TEXT_MAX];
	buffer_text(out, p->hook == HOOK_INPUT ? "in" : p->hook == HOOK_OUTPUT ? "out" : "forward");
	if (ip)
		add_flow(out, p);
	else
		add_frame(out, p);
	if (p->in_interface[0])
		buffer_printf(out, " iif %s", p->in_interface);
	if (p->out_interface[0])
		buffer_printf(out, " oif %s", p->out_interface);
	if (p->table == RULESET_BRIDGE)
		buffer_printf(out, " mac %s", mac_print(&p->ether_source, mac));
	if (ip)
		add_state(out, p);
}

// ---- what the words leave out ----

static void unsaid(struct buffer *out, const char *text)
{
	buffer_printf(out, "%s%s", out->size ? ", " : "", text);
}

static bool differs(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) != 0;
}

static void compare_frames(const struct packet *p, const struct packet *said, struct buffer *out)
{
	char text[96], mac[MAC_TEXT_MAX];
	if (differs(&p->ether_destination, &said->ether_destination, sizeof p->ether_destination)) {
		snprintf(text, sizeof text, "it is for %s", mac_print(&p->ether_destination, mac));
		unsaid(out, text);
	}
	if (p->ether_type == PACKET_802_2 && differs(p->llc, said->llc, sizeof p->llc)) {
		snprintf(text, sizeof text, "its LLC header is %02x %02x %02x", p->llc[0], p->llc[1],
		         p->llc[2]);
		unsaid(out, text);
	}
	if (p->ether_type != 0x0806)
		return;
	if (differs(&p->arp_source, &said->arp_source, sizeof p->arp_source)) {
		snprintf(text, sizeof text, "the message names %s as its sender",
		         mac_print(&p->arp_source, mac));
		unsaid(out, text);
	}
	if (p->arp_operation != said->arp_operation) {
		snprintf(text, sizeof text, "its operation is %u", p->arp_operation);
		unsaid(out, text);
	}
	if (differs(p->arp_format, said->arp_format, sizeof p->arp_format))
		unsaid(out, "it is not about Ethernet and IPv4");
}

static void compare_connections(const struct packet *p, const struct packet *said, struct buffer *out)
{
	char text[64];
	if (p->ether_type == 0x86dd && p->hop_limit != said->hop_limit) {
		snprintf(text, sizeof text, "its hop limit is %u", p->hop_limit);
		unsaid(out, text);
	}
	if (p->ct_state == CT_UNTRACKED && said->ct_state != CT_UNTRACKED)
		unsaid(out, "conntrack does not track it");
	else if (p->ct_state == CT_NEW && said->ct_state != CT_NEW)
		unsaid(out, "conntrack takes it for the begin of a connection");
	else if (p->ct_state != said->ct_state || p->ct_reply != said->ct_reply)
		unsaid(out, "conntrack takes it for something else");
	bool tracked = p->ct_state != CT_INVALID && p->ct_state != CT_UNTRACKED;
	if (tracked &&
	    (!prefix_equal(&p->ct_source, &said->ct_source) ||
	     !prefix_equal(&p->ct_destination, &said->ct_destination) || p->ct_protocol != said->ct_protocol ||
	     (has_ports(p->ct_protocol) && p->ct_destination_port != said->ct_destination_port)))
		unsaid(out, "it is about another connection");
}

// A copy in words, which packet_parse takes.
static size_t split(char *text, char *words[static WORDS_MAX])
{
	size_t count = 0;
	char *rest = NULL;
	for (char *word = strtok_r(text, " ", &rest); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	return count;
}

void prove_words(const struct policy *policy, const struct packet *packet, struct buffer *words,
                 struct buffer *ret_unsaid)
{
	struct buffer copy = BUFFER_EMPTY;
	struct packet said;
	char *items[WORDS_MAX], message[256];
	size_t at;
	add_words(packet, &copy);
	if (buffer_failed(&copy)) {
		words->failed = true;
		buffer_fini(&copy);
		return;
	}
	buffer_text(words, copy.data);
	size_t count = split(copy.data, items);
	if (packet_parse(policy, items, count, &said, message, sizeof message, &at) < 0) {
		unsaid(ret_unsaid, "explain has no words for such a packet");
	} else if (said.table != packet->table) {
		unsaid(ret_unsaid, "it is routed by the gateway itself");
	} else {
		compare_frames(packet, &said, ret_unsaid);
		if (packet->ether_type == 0x0800 || packet->ether_type == 0x86dd)
			compare_connections(packet, &said, ret_unsaid);
	}
	buffer_fini(&copy);
}
