// SPDX-License-Identifier: GPL-2.0-or-later
#include "ruleset/ruleset_spell.h"

#include <netinet/in.h>
#include <string.h>

#include "base/address.h"
#include "base/buffer.h"

const char *ruleset_spell_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	}
	return NULL;
}

static const struct {
	bool icmp6;
	uint8_t type;
	const char *name;
} icmp_names[] = {
        {false, 0, "echo-reply"},
        {false, 3, "destination-unreachable"},
        {false, 5, "redirect"},
        {false, 8, "echo-request"},
        {false, 11, "time-exceeded"},
        {false, 12, "parameter-problem"},
        {true, 1, "destination-unreachable"},
        {true, 2, "packet-too-big"},
        {true, 3, "time-exceeded"},
        {true, 4, "parameter-problem"},
        {true, 128, "echo-request"},
        {true, 129, "echo-reply"},
        {true, 133, "nd-router-solicit"},
        {true, 134, "nd-router-advert"},
        {true, 135, "nd-neighbor-solicit"},
        {true, 136, "nd-neighbor-advert"},
        {true, 137, "nd-redirect"},
};

const char *ruleset_spell_icmp(bool icmp6, uint8_t type)
{
	for (size_t i = 0; i < sizeof icmp_names / sizeof *icmp_names; i++)
		if (icmp_names[i].icmp6 == icmp6 && icmp_names[i].type == type)
			return icmp_names[i].name;
	return NULL;
}

static void spell_name_or_number(const char *name, unsigned number, struct buffer *out)
{
	if (name)
		buffer_text(out, name);
	else
		buffer_printf(out, "%u", number);
}

static unsigned read_u16(const uint8_t *octets)
{
	return (unsigned)octets[0] << 8 | octets[1];
}

static void spell_address(enum address_family family, const uint8_t *octets, uint8_t length, struct buffer *out)
{
	struct prefix prefix = {.family = (uint8_t)family, .length = length};
	char text[PREFIX_TEXT_MAX];
	memcpy(prefix.octets, octets, address_octets(family));
	buffer_text(out, prefix_print(&prefix, text));
}

void ruleset_spell_quoted(const char *text, size_t size, struct buffer *out)
{
	char *to = buffer_reserve(out, size + 2);
	if (!to)
		return;
	*to++ = '"';
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		*to++ = c == '"' ? '\'' : c < ' ' || c == 0x7f ? '?' : text[i];
	}
	*to++ = '"';
	*to = '\0';
	out->size += size + 2;
}

// A name that ends in * is a prefix to nft unless it is escaped.
static void spell_interface(const uint8_t *name, struct buffer *out)
{
	size_t size = strnlen((const char *)name, 16);
	char text[17];
	memcpy(text, name, size);
	if (size && text[size - 1] == '*') {
		text[size - 1] = '\\';
		text[size++] = '*';
	}
	ruleset_spell_quoted(text, size, out);
}

static void spell_single(enum ruleset_type type, const uint8_t *value, struct buffer *out)
{
	struct mac mac;
	char text[MAC_TEXT_MAX];
	switch (type) {
	case TYPE_IPV4_ADDR:
		spell_address(ADDRESS_IPV4, value, 32, out);
		return;
	case TYPE_IPV6_ADDR:
		spell_address(ADDRESS_IPV6, value, 128, out);
		return;
	case TYPE_INET_SERVICE:
		buffer_printf(out, "%u", read_u16(value));
		return;
	case TYPE_ICMP_TYPE:
	case TYPE_ICMPV6_TYPE:
		spell_name_or_number(ruleset_spell_icmp(type == TYPE_ICMPV6_TYPE, *value), *value, out);
		return;
	case TYPE_IFNAME:
		spell_interface(value, out);
		return;
	case TYPE_ETHER_ADDR:
		memcpy(mac.octets, value, sizeof mac.octets);
		buffer_text(out, mac_print(&mac, text));
		return;
	case TYPE_OTHER:
		return;
	}
}

// The length of the prefix that has exactly these ends; -1 when there is none.
static int prefix_length(const uint8_t *first, const uint8_t *last, size_t octets)
{
	size_t bits = 0;
	while (bits < octets * 8 && !((first[bits / 8] ^ last[bits / 8]) >> (7 - bits % 8) & 1))
		bits++;
	for (size_t i = bits; i < octets * 8; i++)
		if ((first[i / 8] >> (7 - i % 8) & 1) != 0 || (last[i / 8] >> (7 - i % 8) & 1) != 1)
			return -1;
	return (int)bits;
}

void ruleset_spell_range(enum ruleset_type type, const uint8_t *first, const uint8_t *last, struct buffer *out)
{
	size_t size = ruleset_type_size(type);
	if (memcmp(first, last, size) == 0) {
		spell_single(type, first, out);
		return;
	}
	int length = type == TYPE_IPV4_ADDR || type == TYPE_IPV6_ADDR ? prefix_length(first, last, size) : -1;
	if (length >= 0) {
		spell_address(type == TYPE_IPV6_ADDR ? ADDRESS_IPV6 : ADDRESS_IPV4, first, (uint8_t)length,
		              out);
		return;
	}
	if (type == TYPE_ICMP_TYPE || type == TYPE_ICMPV6_TYPE) { // their names have hyphens
		buffer_printf(out, "%u-%u", *first, *last);
		return;
	}
	spell_single(type, first, out);
	buffer_text(out, "-");
	spell_single(type, last, out);
}

static void spell_states(uint32_t states, struct buffer *out)
{
	static const struct {
		uint32_t state;
		const char *name;
	} names[] = {
	        {CT_INVALID, "invalid"}, {CT_ESTABLISHED, "established"}, {CT_RELATED, "related"},
	        {CT_NEW, "new"},         {CT_UNTRACKED, "untracked"},
	};
	const char *comma = "";
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (states & names[i].state) {
			buffer_printf(out, "%s%s", comma, names[i].name);
			comma = ",";
		}
}

static void spell_ether_type(unsigned type, struct buffer *out)
{
	if (type == 0x0800)
		buffer_text(out, "ip");
	else if (type == 0x86dd)
		buffer_text(out, "ip6");
	else if (type == 0x0806)
		buffer_text(out, "arp");
	else
		buffer_printf(out, "0x%04x", type);
}

static void spell_index(const uint8_t *value, struct buffer *out)
{
	uint32_t index;
	memcpy(&index, value, sizeof index);
	if (index == 1)
		buffer_text(out, "\"lo\"");
	else
		buffer_printf(out, "%u", index);
}

static void spell_state_value(const uint8_t *value, struct buffer *out)
{
	uint32_t states;
	memcpy(&states, value, sizeof states);
	spell_states(states, out);
}

void ruleset_spell_value(enum ruleset_field field, const uint8_t *value, struct buffer *out)
{
	switch (field) {
	case FIELD_IIF:
	case FIELD_OIF:
		spell_index(value, out);
		return;
	case FIELD_NFPROTO:
		spell_name_or_number(*value == NFPROTO_IPV4   ? "ipv4"
		                     : *value == NFPROTO_IPV6 ? "ipv6"
		                                              : NULL,
		                     *value, out);
		return;
	case FIELD_L4PROTO:
	case FIELD_CT_PROTOCOL:
		// nft knows 58 by the name of IANA's protocol registry
		spell_name_or_number(*value == IPPROTO_ICMPV6 ? "ipv6-icmp" : ruleset_spell_protocol(*value),
		                     *value, out);
		return;
	case FIELD_ETHER_TYPE:
		spell_ether_type(read_u16(value), out);
		return;
	case FIELD_ARP_OPERATION:
		spell_name_or_number(read_u16(value) == 1   ? "request"
		                     : read_u16(value) == 2 ? "reply"
		                                            : NULL,
		                     read_u16(value), out);
		return;
	case FIELD_LLC:
	case FIELD_ARP_FORMAT:
		buffer_text(out, "0x");
		for (size_t i = 0; i < ruleset_field_info(field)->size; i++)
			buffer_printf(out, "%02x", value[i]);
		return;
	case FIELD_IP6_HOPLIMIT:
		buffer_printf(out, "%u", *value);
		return;
	case FIELD_CT_STATE:
		spell_state_value(value, out);
		return;
	case FIELD_CT_DIRECTION:
		spell_name_or_number(*value == 0 ? "original" : *value == 1 ? "reply" : NULL, *value, out);
		return;
	case FIELD_FIB_REVERSE:
		spell_name_or_number(*value == 0 ? "missing" : *value == 1 ? "exists" : NULL, *value, out);
		return;
	case FIELD_IIFNAME:
	case FIELD_OIFNAME:
	case FIELD_ETHER_SADDR:
	case FIELD_ETHER_DADDR:
	case FIELD_ARP_SADDR_ETHER:
	case FIELD_ARP_SADDR_IP:
	case FIELD_ARP_DADDR_IP:
	case FIELD_IP_SADDR:
	case FIELD_IP_DADDR:
	case FIELD_IP6_SADDR:
	case FIELD_IP6_DADDR:
	case FIELD_TH_SPORT:
	case FIELD_TH_DPORT:
	case FIELD_ICMP_TYPE:
	case FIELD_ICMPV6_TYPE:
	case FIELD_CT_ORIGINAL_IP_SADDR:
	case FIELD_CT_ORIGINAL_IP_DADDR:
	case FIELD_CT_ORIGINAL_IP6_SADDR:
	case FIELD_CT_ORIGINAL_IP6_DADDR:
	case FIELD_CT_ORIGINAL_PROTO_DST:
		spell_single(ruleset_field_info(field)->type, value, out);
		return;
	case FIELD_NONE:
	case FIELD_COUNT:
		return;
	}
}
