// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reasons for what stays on its link: neighbour discovery, ARP, and which MAC address may use which IP address.
#include "ruleset/ruleset_reason.h"

#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"
#include "ruleset/ruleset_spell.h"

// Where no tied device has an IPv4 address, the rule asks for the MAC alone.
static bool rule_ties_macs(const struct packet *p, const struct outcome *outcome)
{
	const struct ruleset_rule *rule = outcome->rule;
	for (size_t i = 0; rule && i < rule->count; i++) {
		const struct ruleset_statement *s = &rule->statements[i];
		if (s->kind == STATEMENT_LOOKUP && (s->lookup.absent || p->ether_type == 0x0800) &&
		    (s->lookup.fields[0] == FIELD_ETHER_SADDR || s->lookup.fields[0] == FIELD_ARP_SADDR_ETHER))
			return true;
	}
	return false;
}

static void reason_tie(const struct question *q)
{
	const struct policy *policy = q->policy;
	const struct packet *p = q->packet;
	const struct policy_device *device = reason_find_device(policy, &p->source);
	const struct mac *sender = p->ether_type == 0x0806 ? &p->arp_source : &p->ether_source;
	char text[MAC_TEXT_MAX];
	if (device && device->mac_at) {
		reason_address(&p->source, q->out);
		buffer_text(q->out, " is ");
		reason_word(&device->name, q->out);
		buffer_printf(q->out, "'s, which is at %s", mac_print(&device->mac, text));
		buffer_printf(q->out, ", not at %s", mac_print(sender, text));
		reason_place(policy, device->mac_at, q->out);
		return;
	}
	for (size_t i = 0; i < policy->device_count; i++) {
		device = &policy->devices[i];
		if (!device->mac_at || memcmp(&device->mac, sender, sizeof *sender) != 0)
			continue;
		buffer_printf(q->out, "%s is ", mac_print(sender, text));
		reason_word(&device->name, q->out);
		buffer_text(q->out, "'s, which has no address ");
		reason_address(&p->source, q->out);
		reason_place(policy, device->mac_at, q->out);
		return;
	}
	buffer_text(q->out, "the sender's MAC address and IP address do not belong together");
}

static bool has_address(const struct policy *policy, enum address_family family)
{
	for (size_t i = 0; i < policy->device_count; i++)
		for (uint32_t k = 0; k < policy->devices[i].addresses.count; k++)
			if (policy->prefixes[policy->devices[i].addresses.first + k].prefix.family == family)
				return true;
	return false;
}

static void reason_no_neighbour(const struct question *q)
{
	const struct packet *p = q->packet;
	char text[MAC_TEXT_MAX];
	if (p->icmp_type == 134) {
		buffer_printf(q->out, "a router advertisement from %s, which is a device's",
		              mac_print(&p->ether_source, text));
		return;
	}
	buffer_text(q->out, "neighbour discovery is passed for the devices' addresses only, and neither ");
	reason_address(&p->source, q->out);
	buffer_text(q->out, " nor ");
	reason_address(&p->destination, q->out);
	buffer_text(q->out, " is one");
}

static void reason_discovery(const struct question *q)
{
	const struct packet *p = q->packet;
	const char *name = ruleset_spell_icmp(true, p->icmp_type);
	if (p->icmp_type == 137)
		buffer_text(q->out, "redirects are never accepted");
	else if (p->table == RULESET_INET && p->hook == HOOK_FORWARD)
		buffer_text(q->out, "neighbour discovery stays on its link and is never routed");
	else if (p->hop_limit != 255)
		buffer_printf(q->out,
		              "neighbour discovery comes from the link itself, with hop limit 255, not %u",
		              p->hop_limit);
	else if (q->policy->role == POLICY_ROLE_HOST)
		buffer_printf(q->out, "%s does not go %s an end system", name ? name : "it",
		              p->hook == HOOK_OUTPUT ? "out of" : "to");
	else if (has_address(q->policy, ADDRESS_IPV6))
		reason_no_neighbour(q);
	else
		buffer_text(q->out, "neighbour discovery is passed for the devices' addresses only, and none "
		                    "has an IPv6 address");
}

static void reason_frame(const struct question *q)
{
	const uint16_t type = q->packet->ether_type;
	if (type == 0x888e)
		buffer_text(q->out, "802.1X (EAPOL) is passed only where the policy says: pass eapol");
	else if (type == 0x88cc)
		buffer_text(q->out, "LLDP is passed only where the policy says: pass lldp");
	else if (type == PACKET_802_2)
		buffer_text(q->out, "of 802.2 frames only spanning tree is passed, and only where the policy "
		                    "says: pass stp");
	else if (type == 0x8100 || type == 0x88a8)
		buffer_text(q->out, "a frame with a second VLAN tag is never passed; one with a single tag is "
		                    "judged by what is inside");
	else
		buffer_printf(q->out,
		              "frames of type 0x%04x are never passed: only IPv4, IPv6, ARP and what `pass` "
		              "names can be allowed",
		              type);
}

bool reason_link(const struct question *q, const struct outcome *outcome)
{
	const struct packet *p = q->packet;
	bool ip = p->ether_type == 0x0800 || p->ether_type == 0x86dd;
	if (rule_ties_macs(p, outcome)) {
		reason_tie(q);
		return true;
	}
	if (p->ether_type == 0x0806) {
		buffer_text(q->out, "ARP is passed for the devices' addresses only, and neither ");
		reason_address(&p->source, q->out);
		buffer_text(q->out, " nor ");
		reason_address(&p->destination, q->out);
		buffer_text(q->out, " is one");
		return true;
	}
	if (!ip) {
		reason_frame(q);
		return true;
	}
	if (p->protocol == IPPROTO_ICMPV6 && p->icmp_type >= 133 && p->icmp_type <= 137) {
		reason_discovery(q);
		return true;
	}
	return false;
}
