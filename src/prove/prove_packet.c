// SPDX-License-Identifier: GPL-2.0-or-later
//
// From values of the variables to a packet, and which values are nothing special: they keep what is shown to
// people free of oddities that decide nothing.
#include <netinet/in.h>
#include <string.h>

#include "prove/prove_space.h"

static void usual_address(const struct prove_shape *shape, enum prove_variable variable, uint8_t *ret)
{
	uint8_t number = (uint8_t)(variable - PROVE_SOURCE + 1);
	if (shape->family == ADDRESS_IPV4)
		memcpy(ret, (const uint8_t[]){192, 0, 2, number}, 4); // RFC 5737
	else
		memcpy(ret, (const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = number}, 16); // RFC 3849
}

static uint8_t usual_type(const struct prove_shape *shape)
{
	bool four = shape->protocol == IPPROTO_ICMP;
	if (prove_state_related(shape->state))
		return four ? 3 : 1;
	if (shape->state == PROVE_REPLY)
		return four ? 0 : 129;
	return four ? 8 : 128;
}

void prove_usual(const struct prove_space *space, const struct prove_shape *shape, enum prove_variable variable,
                 prove_values values, uint8_t ret[static PROVE_VALUE_MAX])
{
	static const uint8_t discovery = 133, redirect = 137;
	uint8_t type = values[PROVE_ICMP_TYPE][0];
	memset(ret, 0, PROVE_VALUE_MAX);
	switch (variable) {
	case PROVE_ICMP_TYPE:
		ret[0] = usual_type(shape);
		return;
	case PROVE_HOP_LIMIT:
		// RFC 4861: discovery is sent with 255
		ret[0] = 64;
		if (shape->protocol == IPPROTO_ICMPV6 && type >= discovery && type <= redirect)
			ret[0] = 255;
		return;
	case PROVE_REVERSE:
		ret[0] = 1;
		return;
	case PROVE_IN_INTERFACE:
	case PROVE_OUT_INTERFACE:
		memcpy(ret, space->other, PROVE_VALUE_MAX);
		return;
	case PROVE_ARP_FORMAT:
		memcpy(ret, packet_arp_format, sizeof packet_arp_format);
		return;
	case PROVE_ARP_OPERATION:
		ret[1] = 1;
		return;
	case PROVE_LLC:
		memcpy(ret, "\x42\x42\x03", 3);
		return;
	case PROVE_QUOTED_PROTOCOL:
		ret[0] = IPPROTO_TCP;
		return;
	case PROVE_SOURCE:
	case PROVE_DESTINATION:
	case PROVE_QUOTED_CLIENT:
	case PROVE_QUOTED_SERVER:
		usual_address(shape, variable, ret);
		return;
	case PROVE_ETHER_SOURCE:
		memcpy(ret, "\x02\0\0\0\0\x01", 6);
		return;
	case PROVE_ARP_SENDER:
		memcpy(ret, values[PROVE_ETHER_SOURCE], 6);
		return;
	case PROVE_SOURCE_PORT:
	case PROVE_DESTINATION_PORT:
	case PROVE_QUOTED_PORT:
		ret[0] = 0xc0; // 49152, the first dynamic one
		return;
	case PROVE_ETHER_DESTINATION:
	case PROVE_VARIABLE_COUNT:
		return;
	}
}

static struct prefix address(const struct prove_shape *shape, prove_values values, enum prove_variable variable)
{
	struct prefix ret = {.family = shape->family, .length = shape->family == ADDRESS_IPV4 ? 32 : 128};
	if (variable != PROVE_ABSENT)
		memcpy(ret.octets, values[variable], address_octets(shape->family));
	return ret;
}

static uint16_t number(prove_values values, enum prove_variable variable)
{
	return variable == PROVE_ABSENT ? 0 : (uint16_t)(values[variable][0] << 8 | values[variable][1]);
}

static uint32_t state_bit(enum prove_state state)
{
	switch (state) {
	case PROVE_NEW:
		return CT_NEW;
	case PROVE_ESTABLISHED:
	case PROVE_REPLY:
		return CT_ESTABLISHED;
	case PROVE_RELATED:
	case PROVE_RELATED_REPLY:
		return CT_RELATED;
	case PROVE_UNTRACKED:
		return CT_UNTRACKED;
	case PROVE_INVALID:
	case PROVE_STATE_COUNT:
		break;
	}
	return CT_INVALID;
}

static void fill_connection(const struct prove_shape *shape, prove_values values, struct packet *ret)
{
	bool quotes = shape->present & PROVE_BIT(PROVE_QUOTED_PROTOCOL);
	ret->ct_state = state_bit(shape->state);
	ret->ct_reply = prove_state_reply(shape->state);
	ret->ct_source = address(shape, values, shape->client);
	ret->ct_destination = address(shape, values, shape->server);
	ret->ct_protocol = quotes ? values[PROVE_QUOTED_PROTOCOL][0] : shape->protocol;
	ret->ct_destination_port = number(values, shape->called);
}

void prove_packet(const struct prove_shape *shape, prove_values values, struct packet *ret)
{
	bool arp = shape->ether_type == 0x0806;
	*ret = (struct packet){.hook = shape->hook, .table = shape->table, .ether_type = shape->ether_type};
	memcpy(ret->in_interface, values[PROVE_IN_INTERFACE], sizeof ret->in_interface);
	memcpy(ret->out_interface, values[PROVE_OUT_INTERFACE], sizeof ret->out_interface);
	ret->loopback = strcmp(ret->in_interface, "lo") == 0 || strcmp(ret->out_interface, "lo") == 0;
	memcpy(ret->ether_source.octets, values[PROVE_ETHER_SOURCE], sizeof ret->ether_source.octets);
	memcpy(ret->ether_destination.octets, values[PROVE_ETHER_DESTINATION],
	       sizeof ret->ether_destination.octets);
	memcpy(ret->arp_source.octets, values[PROVE_ARP_SENDER], sizeof ret->arp_source.octets);
	memcpy(ret->arp_format, values[PROVE_ARP_FORMAT], sizeof ret->arp_format);
	memcpy(ret->llc, values[PROVE_LLC], sizeof ret->llc);
	ret->arp_operation = number(values, PROVE_ARP_OPERATION);
	if (arp || shape->ip) {
		ret->source = address(shape, values, PROVE_SOURCE);
		ret->destination = address(shape, values, shape->destination);
	}
	ret->ct_state = CT_INVALID;
	if (!shape->ip)
		return;
	ret->protocol = shape->protocol;
	ret->source_port = number(values, PROVE_SOURCE_PORT);
	ret->destination_port = number(values, PROVE_DESTINATION_PORT);
	ret->source_port_given = true;
	ret->icmp_type = values[PROVE_ICMP_TYPE][0];
	ret->hop_limit = shape->family == ADDRESS_IPV6 ? values[PROVE_HOP_LIMIT][0] : 64;
	ret->spoofed = shape->present & PROVE_BIT(PROVE_REVERSE) && values[PROVE_REVERSE][0] == 0;
	fill_connection(shape, values, ret);
}
