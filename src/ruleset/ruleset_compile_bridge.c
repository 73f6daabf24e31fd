// SPDX-License-Identifier: GPL-2.0-or-later
//
// What role bridge adds below IP: a device whose MAC address the policy gives uses that MAC with its own
// addresses and no others. For ARP see ruleset_compile_frames.c.
#include <stdio.h>
#include <string.h>

#include "ruleset/ruleset_compile.h"

static void put_mac(uint8_t *key, const struct mac *mac)
{
	memcpy(key, mac->octets, sizeof mac->octets); // padded to 8 by the zeros already there
}

// RFC 4291 2.7.1: the solicited-node group, in which an address is asked for: ff02::1:ff and its last three
// octets.
static void add_group(struct compiler *c, uint32_t set, const uint8_t *address, struct ruleset_origin origin)
{
	uint8_t key[RULESET_KEY_MAX] = {0xff, 0x02, [11] = 1, [12] = 0xff};
	memcpy(key + 13, address + 13, 3);
	ruleset_build_element(&c->b, set, key, NULL, origin);
}

static void add_device(struct compiler *c, const struct policy_device *device, uint32_t owner,
                       const struct layer2 *sets)
{
	bool six = false;
	for (uint32_t i = 0; i < device->addresses.count; i++) {
		const struct policy_prefix *address = &c->policy->prefixes[device->addresses.first + i];
		enum address_family family = address->prefix.family;
		six = six || family == ADDRESS_IPV6;
		struct ruleset_origin origin = {address->at, owner};
		uint8_t key[RULESET_KEY_MAX] = {0}, mac_key[RULESET_KEY_MAX] = {0};
		memcpy(key, address->prefix.octets, address_octets(family));
		ruleset_build_element(&c->b, family == ADDRESS_IPV4 ? sets->devices4 : sets->devices6, key,
		                      NULL, origin);
		if (family == ADDRESS_IPV6)
			add_group(c, sets->groups6, key, origin);
		if (!device->mac_at)
			continue;
		ruleset_build_element(&c->b, sets->tied[family], key, NULL, origin);
		put_mac(mac_key, &device->mac);
		memcpy(mac_key + 8, address->prefix.octets, address_octets(family));
		ruleset_build_element(&c->b, sets->macs[family], mac_key, NULL, origin);
	}
	if (device->mac_at) {
		uint8_t key[RULESET_KEY_MAX] = {0};
		put_mac(key, &device->mac);
		struct ruleset_origin origin = {device->mac_at, owner};
		ruleset_build_element(&c->b, sets->tied_macs, key, NULL, origin);
		if (six)
			ruleset_build_element(&c->b, sets->discovery_macs, key, NULL, origin);
	}
}

// Whether a device has an address of the family, with a MAC address (`tied`) or without.
static bool has_device(const struct policy *policy, enum address_family family, bool tied)
{
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];
		for (uint32_t a = 0; (device->mac_at != 0) == tied && a < device->addresses.count; a++)
			if (policy->prefixes[device->addresses.first + a].prefix.family == family)
				return true;
	}
	return false;
}

static uint32_t hash_set(struct compiler *c, const char *name, enum ruleset_type type, const char *comment)
{
	return ruleset_build_set(&c->b, name, &type, 1, false, comment);
}

void compile_layer2_sets(struct compiler *c, struct layer2 *ret)
{
	const struct policy *policy = c->policy;
	enum ruleset_type types4[2] = {TYPE_ETHER_ADDR, TYPE_IPV4_ADDR},
	                  types6[2] = {TYPE_ETHER_ADDR, TYPE_IPV6_ADDR};
	bool four = has_device(policy, ADDRESS_IPV4, true), six = has_device(policy, ADDRESS_IPV6, true);
	size_t from = c->b.table ? c->b.table->set_count : 0;

	*ret = (struct layer2){.devices6 = NO_SET,
	                       .groups6 = NO_SET,
	                       .tied = {NO_SET, NO_SET},
	                       .macs = {NO_SET, NO_SET},
	                       .tied_macs = NO_SET,
	                       .discovery_macs = NO_SET,
	                       .untied6 = has_device(policy, ADDRESS_IPV6, false)};
	ret->devices4 = hash_set(c, "devices4", TYPE_IPV4_ADDR, "device addresses, which ARP is passed for");
	if (six || ret->untied6) {
		ret->devices6 = hash_set(c, "devices6", TYPE_IPV6_ADDR,
		                         "device addresses, which neighbour discovery is passed for");
		ret->groups6 = hash_set(c, "groups6", TYPE_IPV6_ADDR, "groups that devices are asked for in");
	}
	if (four || six)
		ret->tied_macs = hash_set(c, "tied_macs", TYPE_ETHER_ADDR, "MAC addresses the policy gives");
	if (four) {
		ret->tied[ADDRESS_IPV4] =
		        hash_set(c, "tied4", TYPE_IPV4_ADDR, "addresses that belong to one MAC");
		ret->macs[ADDRESS_IPV4] =
		        ruleset_build_set(&c->b, "device_macs4", types4, 2, false, "which MAC");
	}
	if (six) {
		ret->discovery_macs =
		        hash_set(c, "discovery_macs", TYPE_ETHER_ADDR, "those of devices with an IPv6 address");
		ret->tied[ADDRESS_IPV6] =
		        hash_set(c, "tied6", TYPE_IPV6_ADDR, "addresses that belong to one MAC");
		ret->macs[ADDRESS_IPV6] =
		        ruleset_build_set(&c->b, "device_macs6", types6, 2, false, "which MAC");
	}
	for (size_t i = 0; i < policy->device_count; i++)
		add_device(c, &policy->devices[i], RULESET_OWNER(POLICY_OWNER_DEVICE, i), ret);
	for (size_t i = from; !c->b.error && i < c->b.table->set_count; i++)
		c->b.error = ruleset_finish_set(&c->b.table->sets[i]);
}

struct tie {
	const struct layer2 *sets;
	enum address_family family;
};

// ip saddr @tied4 ether saddr . ip saddr != @device_macs4
static void match_other_mac(struct compiler *c, const void *context)
{
	const struct tie *tie = context;
	enum ruleset_field address = tie->family == ADDRESS_IPV4 ? FIELD_IP_SADDR : FIELD_IP6_SADDR;
	enum ruleset_field both[2] = {FIELD_ETHER_SADDR, address};
	match_family(c, tie->family);
	ruleset_lookup(&c->b, tie->sets->tied[tie->family], &address, 1);
	ruleset_lookup_absent(&c->b, tie->sets->macs[tie->family], both, 2);
}

// ether saddr @tied_macs ether saddr . ip saddr != @device_macs4
//
// IPv4 only: every IPv6 interface has a link-local address besides those the policy gives. Where no tied device
// has an IPv4 address, any is another one.
static void match_other_address(struct compiler *c, const void *context)
{
	const struct tie *tie = context;
	enum ruleset_field ether = FIELD_ETHER_SADDR, both[2] = {FIELD_ETHER_SADDR, FIELD_IP_SADDR};
	ruleset_lookup(&c->b, tie->sets->tied_macs, &ether, 1);
	match_family(c, ADDRESS_IPV4);
	if (tie->sets->macs[ADDRESS_IPV4] != NO_SET)
		ruleset_lookup_absent(&c->b, tie->sets->macs[ADDRESS_IPV4], both, 2);
}

static void drop_impostor(struct compiler *c, const struct chain *chain, const struct tie *tie,
                          rules_match_fn match, const char *comment)
{
	char name[44];
	snprintf(name, sizeof name, "%s spoofed", chain->name);
	rules_drop(c, chain->index, name, comment, match, tie);
}

void rules_layer2(struct compiler *c, const struct chain *chain, const struct layer2 *l)
{
	struct tie ties[2] = {{l, ADDRESS_IPV4}, {l, ADDRESS_IPV6}};
	for (size_t family = 0; family < 2; family++)
		if (l->tied[family] != NO_SET)
			drop_impostor(c, chain, &ties[family], match_other_mac,
			              "a device's address from another MAC");
}

void rules_layer2_sources(struct compiler *c, const struct chain *chain, const struct layer2 *l)
{
	struct tie tie = {l, ADDRESS_IPV4};
	if (l->tied_macs != NO_SET)
		drop_impostor(c, chain, &tie, match_other_address, "a device's MAC with another address");
}
