// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sentences of leadglass-policy(5) about what crosses a bridge.
#include <netinet/in.h>

#include "prove/prove_reading.h"

#define EAPOL 0x888e
#define LLDP 0x88cc

static const struct prove_relation arp_format = {
        .rows = packet_arp_format, .count = 1, .parts = 1, .sizes = {6}};

// A packet or ARP message with one of the device's addresses from another card.
static void say_other_card(const struct prove_reading *r, enum address_family family, enum prove_variable mac,
                           struct prove_question *q)
{
	const enum prove_variable tie[] = {mac, PROVE_SOURCE};
	prove_ask_rows(q, &r->tied_addresses[family], PROVE_SOURCE, PROVE_ABSENT, PROVE_ABSENT);
	prove_ask(q, &r->ties[family].relation, tie, true);
	prove_sentence_end(q, false, "a device's address from another card");
}

static void ask_arp(struct prove_question *q)
{
	static const enum prove_variable format = PROVE_ARP_FORMAT;
	prove_rule_begin(q);
	prove_ask(q, &arp_format, &format, false);
}

// ARP about IPv4 and Ethernet (RFC 826), asking (1) or answering (2), crosses for device addresses only.
static void say_arp(const struct prove_reading *r, struct prove_question *q)
{
	static const uint8_t operations[] = {0, 1, 0, 2};
	static const struct prove_relation asks_or_answers = {
	        .rows = operations, .count = 2, .stride = 2, .parts = 1, .sizes = {2}};
	static const enum prove_variable operation = PROVE_ARP_OPERATION;
	ask_arp(q);
	say_other_card(r, ADDRESS_IPV4, PROVE_ARP_SENDER, q);
	for (int target = 0; target < 2; target++) {
		ask_arp(q);
		prove_ask(q, &asks_or_answers, &operation, false);
		prove_ask_rows(q, &r->addresses[ADDRESS_IPV4], target ? PROVE_DESTINATION : PROVE_SOURCE,
		               PROVE_ABSENT, PROVE_ABSENT);
		prove_sentence_end(q, true, target ? "ARP to a device" : "ARP from a device");
	}
}

static void say_pass(const struct prove_reading *r, const struct prove_shape *shape, struct prove_question *q)
{
	static const uint8_t bridges[] = {0x01, 0x80, 0xc2, 0, 0, 0}, bpdu[] = {0x42, 0x42, 0x03};
	uint32_t pass = r->policy->pass;
	prove_rule_begin(q);
	if (shape->ether_type == EAPOL && pass & 1u << POLICY_EAPOL) {
		prove_sentence_end(q, true, "pass eapol");
	} else if (shape->ether_type == LLDP && pass & 1u << POLICY_LLDP) {
		prove_sentence_end(q, true, "pass lldp");
	} else if (shape->ether_type == PACKET_802_2 && pass & 1u << POLICY_STP) {
		prove_ask_value(q, PROVE_ETHER_DESTINATION, bridges, sizeof bridges, false);
		prove_ask_value(q, PROVE_LLC, bpdu, sizeof bpdu, false);
		prove_sentence_end(q, true, "pass stp");
	}
}

// ---- IPv6 neighbour discovery: for devices only ----

static void ask_discovery(struct prove_question *q, const uint8_t *types, size_t count)
{
	prove_rule_begin(q);
	prove_ask_octet(q, PROVE_HOP_LIMIT, 255);
	prove_ask_types(q, types, count);
}

static void say_concerns(struct prove_question *q, const struct prove_rows *rows, enum prove_variable variable)
{
	static const uint8_t all[] = {133, 134, 135, 136};
	ask_discovery(q, all, sizeof all);
	prove_ask_rows(q, rows, variable, PROVE_ABSENT, PROVE_ABSENT);
	prove_sentence_end(q, true, "neighbour discovery from or to a device");
}

// Between link-local and other single addresses, where no MAC tells which link-local address is a device's.
static void say_link_local(const struct prove_shape *shape, struct prove_question *q, bool from)
{
	static const uint8_t link[2][16] = {{0xfe, 0x80}, {0xfe, 0xbf, [2 ... 15] = 0xff}};
	static const uint8_t single[2][16] = {{0}, {0xfe, [1 ... 15] = 0xff}};
	static const struct prove_relation
	        on_link = {.rows = link[0], .count = 1, .last = 16, .parts = 1, .sizes = {16}},
	        one = {.rows = single[0], .count = 1, .last = 16, .parts = 1, .sizes = {16}};
	static const uint8_t all[] = {133, 134, 135, 136};
	enum prove_variable here = from ? PROVE_SOURCE : shape->destination,
	                    there = from ? shape->destination : PROVE_SOURCE;
	ask_discovery(q, all, sizeof all);
	prove_ask(q, &on_link, &here, false);
	prove_ask(q, &one, &there, false);
	prove_sentence_end(q, true, "neighbour discovery of link-local addresses");
}

static void say_discovery(const struct prove_reading *r, const struct prove_shape *shape,
                          struct prove_question *q)
{
	static const uint8_t routers[] = {133, 134}, advertisement = 134, all[] = {133, 134, 135, 136};
	if (shape->family != ADDRESS_IPV6 || shape->protocol != IPPROTO_ICMPV6)
		return;
	if (r->addresses[ADDRESS_IPV6].relation.count) {
		ask_discovery(q, &advertisement, 1);
		prove_ask_rows(q, &r->macs, PROVE_ETHER_SOURCE, PROVE_ABSENT, PROVE_ABSENT);
		prove_sentence_end(q, false, "a device that says it is a router");
		ask_discovery(q, routers, sizeof routers);
		prove_sentence_end(q, true, "looking for routers");
		say_concerns(q, &r->addresses[ADDRESS_IPV6], PROVE_SOURCE);
		say_concerns(q, &r->addresses[ADDRESS_IPV6], shape->destination);
		say_concerns(q, &r->groups, shape->destination);
		say_concerns(q, &r->macs6, PROVE_ETHER_SOURCE);
		say_concerns(q, &r->macs6, PROVE_ETHER_DESTINATION);
	}
	if (r->untied6) {
		say_link_local(shape, q, true);
		say_link_local(shape, q, false);
	}
	ask_discovery(q, all, sizeof all);
	prove_sentence_end(q, false, "neighbour discovery that concerns no device");
}

static void say_other_address(const struct prove_reading *r, const struct prove_shape *shape,
                              struct prove_question *q)
{
	static const enum prove_variable tie[] = {PROVE_ETHER_SOURCE, PROVE_SOURCE};
	if (shape->family != ADDRESS_IPV4)
		return;
	prove_rule_begin(q);
	prove_ask_rows(q, &r->macs, PROVE_ETHER_SOURCE, PROVE_ABSENT, PROVE_ABSENT);
	prove_ask(q, &r->ties[ADDRESS_IPV4].relation, tie, true);
	prove_sentence_end(q, false, "a device's card with another address");
}

void prove_sentences_bridge(const struct prove_reading *r, const struct prove_shape *shape,
                            struct prove_question *q)
{
	if (shape->ether_type == 0x0806)
		say_arp(r, q);
	if (!shape->ip) {
		say_pass(r, shape, q);
		return;
	}
	prove_rule_begin(q);
	say_other_card(r, shape->family, PROVE_ETHER_SOURCE, q);
	say_discovery(r, shape, q);
	prove_sentences_dhcp(r, shape, PROVE_DEVICES, q);
	say_other_address(r, shape, q);
	if (prove_sentences_state(shape, q))
		return;
	prove_sentences_grants(r, shape, PROVE_DEVICES, false, q);
	prove_sentences_grants(r, shape, PROVE_DEVICES, true, q);
}
