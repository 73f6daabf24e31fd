// SPDX-License-Identifier: GPL-2.0-or-later
//
// What role bridge does with frames that are not IP. ARP is passed for the devices' addresses only, and from a
// device whose MAC address the policy gives only with that MAC; of the rest passes what the policy says
// (`pass`). A frame with one VLAN tag is seen without it and judged by what is inside; one with two is of type
// VLAN, and as any other type not passed.
#include <stdio.h>
#include <string.h>

#include "ruleset/packet.h"
#include "ruleset/ruleset_compile.h"

#define NOWHERE ((struct ruleset_origin){0})

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_EAPOL 0x888e
#define ETHERTYPE_LLDP 0x88cc

void compile_frame_chains(struct compiler *c, struct frame_chains *ret)
{
	ret->frames = ruleset_build_chain(&c->b, "frames", HOOK_NONE, 0);
	ret->arp = ruleset_build_chain(&c->b, "arp_frames", HOOK_NONE, 0); // `arp` is a word of nft's
}

static void match_not_type(struct compiler *c, uint16_t type)
{
	ruleset_match_not(&c->b, FIELD_ETHER_TYPE, (const uint8_t[2]){(uint8_t)(type >> 8), (uint8_t)type});
}

// ---- ARP ----

// arp saddr ip @tied4 arp saddr ether . arp saddr ip != @device_macs4
static void match_impostor(struct compiler *c, const void *context)
{
	const struct layer2 *l = context;
	enum ruleset_field sender = FIELD_ARP_SADDR_IP, both[2] = {FIELD_ARP_SADDR_ETHER, FIELD_ARP_SADDR_IP};
	ruleset_match_port(&c->b, FIELD_ETHER_TYPE, ETHERTYPE_ARP);
	ruleset_lookup(&c->b, l->tied[ADDRESS_IPV4], &sender, 1);
	ruleset_lookup_absent(&c->b, l->macs[ADDRESS_IPV4], both, 2);
}

// arp operation != request arp operation != reply
static void match_operation(struct compiler *c, const void *context)
{
	(void)context;
	ruleset_match_port(&c->b, FIELD_ETHER_TYPE, ETHERTYPE_ARP);
	ruleset_match_not(&c->b, FIELD_ARP_OPERATION, (const uint8_t[2]){0, 1});
	ruleset_match_not(&c->b, FIELD_ARP_OPERATION, (const uint8_t[2]){0, 2});
}

// arp saddr ip @devices4 accept
static void arp_rule(struct compiler *c, uint32_t chain, const char *comment, enum ruleset_field field,
                     const struct layer2 *l)
{
	ruleset_build_rule(&c->b, chain, NOWHERE, "%s", comment);
	ruleset_match_port(&c->b, FIELD_ETHER_TYPE, ETHERTYPE_ARP);
	ruleset_lookup(&c->b, l->devices4, &field, 1);
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

static void rules_arp(struct compiler *c, const struct chain *chain, const struct layer2 *l, uint32_t arp)
{
	char name[44];
	snprintf(name, sizeof name, "%s spoofed", chain->name);
	if (l->tied[ADDRESS_IPV4] != NO_SET)
		rules_drop(c, arp, name, "ARP for a device's address from another MAC", match_impostor, l);
	rules_drop(c, arp, chain->name, "ARP that neither asks nor answers", match_operation, NULL);
	arp_rule(c, arp, "ARP from a device", FIELD_ARP_SADDR_IP, l);
	arp_rule(c, arp, "ARP to a device", FIELD_ARP_DADDR_IP, l);
	rules_end(c, arp, chain->name, "ARP that concerns no device");
}

// ---- what `pass` names ----

// meta protocol 0x888e accept
static void match_frame(struct compiler *c, enum policy_frame frame)
{
	switch (frame) {
	case POLICY_EAPOL:
		ruleset_match_port(&c->b, FIELD_ETHER_TYPE, ETHERTYPE_EAPOL);
		return;
	case POLICY_LLDP:
		ruleset_match_port(&c->b, FIELD_ETHER_TYPE, ETHERTYPE_LLDP);
		return;
	case POLICY_STP:
		// IEEE 802.1D 7.12, 9.2: the group address of bridges, and LLC 42 42 03
		ruleset_match_port(&c->b, FIELD_ETHER_TYPE, PACKET_802_2);
		ruleset_match(&c->b, FIELD_ETHER_DADDR, (const uint8_t[6]){0x01, 0x80, 0xc2});
		ruleset_match(&c->b, FIELD_LLC, (const uint8_t[3]){0x42, 0x42, 0x03});
		return;
	case POLICY_FRAME_COUNT:
		break;
	}
}

static void rules_pass(struct compiler *c, uint32_t chain)
{
	const struct policy *policy = c->policy;
	for (enum policy_frame frame = 0; frame < POLICY_FRAME_COUNT; frame++) {
		if (!(policy->pass & 1u << frame))
			continue;
		ruleset_build_rule(&c->b, chain, (struct ruleset_origin){.at = policy->pass_at[frame]},
		                   "pass %s", policy_frame_name(frame));
		match_frame(c, frame);
		ruleset_verdict(&c->b, VERDICT_ACCEPT);
	}
}

// meta protocol != ip meta protocol != ip6 goto frames
// meta protocol arp @nh,0,48 0x000108000604 goto arp_frames
void rules_frames(struct compiler *c, const struct chain *chain, const struct layer2 *l,
                  const struct frame_chains *to)
{
	ruleset_build_rule(&c->b, chain->index, NOWHERE, "frames that are not IP");
	match_not_type(c, ETHERTYPE_IPV4);
	match_not_type(c, ETHERTYPE_IPV6);
	ruleset_goto(&c->b, to->frames);

	ruleset_build_rule(&c->b, to->frames, NOWHERE, "ARP about IPv4 and Ethernet (RFC 826)");
	ruleset_match_port(&c->b, FIELD_ETHER_TYPE, ETHERTYPE_ARP);
	ruleset_match(&c->b, FIELD_ARP_FORMAT, (const uint8_t[6]){0, 1, 8, 0, 6, 4});
	ruleset_goto(&c->b, to->arp);
	rules_pass(c, to->frames);
	rules_end(c, to->frames, chain->name, "neither IP nor ARP");

	rules_arp(c, chain, l, to->arp);
}
