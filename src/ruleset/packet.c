// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel would know of a packet besides what a person writes of it.
#include <netinet/in.h>
#include <string.h>

#include "ruleset/packet_read.h"

const uint8_t packet_arp_format[6] = {0, 1, 8, 0, 6, 4};

static bool is_device_address(const struct policy *policy, const struct prefix *address)
{
	for (size_t i = 0; i < policy->device_count; i++) {
		struct span addresses = policy->devices[i].addresses;
		for (uint32_t k = 0; k < addresses.count; k++)
			if (prefix_equal(&policy->prefixes[addresses.first + k].prefix, address))
				return true;
	}
	return false;
}

static void fill_loopback(const struct policy *policy, struct packet *ret)
{
	const char *interface = ret->hook == HOOK_OUTPUT ? ret->out_interface : ret->in_interface;
	bool own = policy->role == POLICY_ROLE_HOST && is_device_address(policy, &ret->source) &&
	           is_device_address(policy, &ret->destination);
	// The kernel takes its own addresses over lo, whatever interface they are on.
	bool local = prefix_is_loopback(&ret->source) || prefix_is_loopback(&ret->destination) || own ||
	             prefix_equal(&ret->source, &ret->destination);
	if (ret->hook == HOOK_FORWARD)
		return;
	ret->loopback = interface[0] ? strcmp(interface, "lo") == 0 : local;
	if (ret->loopback)
		memcpy(ret->hook == HOOK_OUTPUT ? ret->out_interface : ret->in_interface, "lo", 3);
}

static void fill_macs(const struct policy *policy, bool source_given, struct packet *ret)
{
	for (size_t i = 0; i < policy->device_count && ret->table == RULESET_BRIDGE; i++) {
		const struct policy_device *device = &policy->devices[i];
		for (uint32_t k = 0; k < device->addresses.count && device->mac_at; k++) {
			const struct prefix *address = &policy->prefixes[device->addresses.first + k].prefix;
			if (!source_given && prefix_equal(address, &ret->source))
				ret->ether_source = device->mac;
			if (prefix_equal(address, &ret->destination))
				ret->ether_destination = device->mac;
		}
	}
	ret->arp_source = ret->ether_source;
}

// What conntrack makes of a packet it has no connection for (nf_conntrack_proto_icmp*.c): questions are new,
// discovery and multicast listening are not tracked, everything else in ICMP answers nothing and is invalid.
static uint32_t first_state(const struct packet *packet)
{
	uint8_t type = packet->icmp_type;
	if (packet->protocol == IPPROTO_ICMP)
		return type == 8 || type == 13 || type == 15 || type == 17 ? CT_NEW : CT_INVALID;
	if (packet->protocol != IPPROTO_ICMPV6)
		return CT_NEW;
	if ((type >= 130 && type <= 136) || type == 143)
		return CT_UNTRACKED;
	return type == 128 || type == 139 ? CT_NEW : CT_INVALID;
}

static void fill_connection(const struct packet_options *options, struct packet *ret)
{
	ret->ct_source = ret->source;
	ret->ct_destination = ret->destination;
	ret->ct_protocol = ret->protocol;
	ret->ct_destination_port = ret->destination_port;
	if (options->reply) {
		ret->ct_source = ret->destination;
		ret->ct_destination = ret->source;
		ret->ct_destination_port = ret->source_port;
	}
	if (options->about.source.word) {
		ret->ct_source = options->about.source.address;
		ret->ct_destination = options->about.destination.address;
		ret->ct_protocol = options->about.protocol;
		ret->ct_destination_port = options->about.destination.port;
		ret->ct_reply = prefix_equal(&ret->destination, &ret->ct_source);
	}
	ret->ct_reply = ret->ct_reply || options->reply;
	if (options->invalid)
		ret->ct_state = CT_INVALID;
	else if (options->related)
		ret->ct_state = CT_RELATED;
	else if (options->reply || options->established)
		ret->ct_state = CT_ESTABLISHED;
	else
		ret->ct_state = first_state(ret);
}

static void fill_packet(const struct policy *policy, const struct packet_flow *flow,
                        const struct packet_options *options, struct packet *ret)
{
	bool six = flow->source.address.family == ADDRESS_IPV6;
	ret->source = flow->source.address;
	ret->destination = flow->destination.address;
	ret->source_port = flow->source.port;
	ret->source_port_given = flow->source.has_port;
	ret->destination_port = flow->destination.port;
	ret->protocol = flow->protocol;
	ret->ether_type = flow->frame ? flow->ether_type : flow->arp ? PACKET_ARP_TYPE : six ? 0x86dd : 0x0800;
	if (flow->frame && flow->ether_type == PACKET_802_2) {
		ret->ether_destination = (struct mac){{0x01, 0x80, 0xc2}};
		memcpy(ret->llc, "\x42\x42\x03", sizeof ret->llc);
	}
	memcpy(ret->arp_format, packet_arp_format, sizeof ret->arp_format);
	ret->arp_operation = flow->arp_operation;
	ret->icmp_type = flow->type;
	if (!flow->has_type && flow->protocol == IPPROTO_ICMP)
		ret->icmp_type = options->reply ? 0 : 8;
	if (!flow->has_type && flow->protocol == IPPROTO_ICMPV6)
		ret->icmp_type = options->reply ? 129 : 128;
	// RFC 4861: discovery is sent with 255 so that no router can have passed it on.
	bool discovery = flow->protocol == IPPROTO_ICMPV6 && ret->icmp_type >= 133 && ret->icmp_type <= 137;
	ret->hop_limit = discovery ? 255 : 64;
	ret->spoofed = options->spoofed;
	fill_loopback(policy, ret);
	fill_macs(policy, options->mac, ret);
	fill_connection(options, ret);
}

int packet_parse(const struct policy *policy, char *const *words, size_t count, struct packet *ret,
                 char *message, size_t message_size, size_t *ret_word)
{
	struct packet_reader r = {policy, words, count, 0, message, message_size, ret_word};
	struct packet_flow flow = {0};
	struct packet_options options = {0};
	*ret = (struct packet){0};
	int result = packet_read(&r, &flow, &options, ret);
	if (result == 0)
		fill_packet(policy, &flow, &options, ret);
	return result;
}
