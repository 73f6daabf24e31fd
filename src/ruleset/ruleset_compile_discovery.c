// SPDX-License-Identifier: GPL-2.0-or-later
//
// IPv6 neighbour discovery (RFC 4861) across a bridge: for the devices' addresses only, as ARP is. Besides the
// addresses that the policy gives each interface has a link-local one that it does not. Where the policy gives
// the device's MAC address that tells it; where it does not, discovery from one link-local address to one other
// address (no group: nobody is searched for by it) has to pass for all. The target of a question is not looked
// at: it is asked in the group that belongs to the address, or at the address itself.
#include <netinet/in.h>
#include <string.h>

#include "ruleset/ruleset_compile.h"

#define NOWHERE ((struct ruleset_origin){0})
#define ROUTER_ADVERTISEMENT 134

static const uint8_t router_types[] = {133, ROUTER_ADVERTISEMENT};

// From a link-local address to one that is no group, and back. The latter leave out what is in the first.
static void compile_link_local(struct compiler *c, struct discovery *ret)
{
	static const struct {
		uint8_t first[2], last[2];
	} link_local = {{0xfe, 0x80}, {0xfe, 0xbf}}, single = {{0, 0}, {0xfe, 0xff}},
	  below = {{0, 0}, {0xfe, 0x7f}}, above = {{0xfe, 0xc0}, {0xfe, 0xff}};
	enum ruleset_type types[2] = {TYPE_IPV6_ADDR, TYPE_IPV6_ADDR};
	uint8_t first[RULESET_KEY_MAX] = {0}, last[RULESET_KEY_MAX];
	ret->link_local = ruleset_build_set(&c->b, "link_local6", types, 2, true,
	                                    "from and to link-local addresses, groups left out");
	memset(last, 0xff, sizeof last);
	memcpy(first, link_local.first, 2);
	memcpy(last, link_local.last, 2);
	memcpy(first + 16, single.first, 2);
	memcpy(last + 16, single.last, 2);
	ruleset_build_element(&c->b, ret->link_local, first, last, NOWHERE);
	memcpy(first, below.first, 2);
	memcpy(last, below.last, 2);
	memcpy(first + 16, link_local.first, 2);
	memcpy(last + 16, link_local.last, 2);
	ruleset_build_element(&c->b, ret->link_local, first, last, NOWHERE);
	memcpy(first, above.first, 2);
	memcpy(last, above.last, 2);
	ruleset_build_element(&c->b, ret->link_local, first, last, NOWHERE);
	if (!c->b.error)
		c->b.error = ruleset_finish_set(&c->b.table->sets[ret->link_local]);
}

void compile_discovery(struct compiler *c, const struct layer2 *l, struct discovery *ret)
{
	*ret = (struct discovery){.routers = NO_SET, .link_local = NO_SET};
	if (l->devices6 != NO_SET)
		ret->routers = compile_type_set(c, "router_discovery", TYPE_ICMPV6_TYPE, router_types,
		                                sizeof router_types, "looking for routers");
	if (l->untied6)
		compile_link_local(c, ret);
}

// icmpv6 type nd-router-advert ether saddr @tied_macs
static void match_device_as_router(struct compiler *c, const void *context)
{
	const struct layer2 *l = context;
	enum ruleset_field ether = FIELD_ETHER_SADDR;
	match_family(c, ADDRESS_IPV6);
	ruleset_match_u8(&c->b, FIELD_L4PROTO, IPPROTO_ICMPV6);
	ruleset_match_u8(&c->b, FIELD_ICMPV6_TYPE, ROUTER_ADVERTISEMENT);
	ruleset_lookup(&c->b, l->tied_macs, &ether, 1);
}

static void accept_in(struct compiler *c, const struct discovery *d, const char *comment, uint32_t set,
                      const enum ruleset_field *fields, size_t count)
{
	ruleset_build_rule(&c->b, d->chain, NOWHERE, "%s", comment);
	match_family(c, ADDRESS_IPV6);
	if (fields[0] == FIELD_ICMPV6_TYPE)
		ruleset_match_u8(&c->b, FIELD_L4PROTO, IPPROTO_ICMPV6);
	ruleset_lookup(&c->b, set, fields, count);
	ruleset_verdict(&c->b, VERDICT_ACCEPT);
}

static void rules_allowed(struct compiler *c, const struct chain *chain, const struct layer2 *l,
                          const struct discovery *d)
{
	enum ruleset_field type = FIELD_ICMPV6_TYPE, ends[2] = {FIELD_IP6_SADDR, FIELD_IP6_DADDR},
	                   ether[2] = {FIELD_ETHER_SADDR, FIELD_ETHER_DADDR};
	if (l->tied_macs != NO_SET)
		rules_drop(c, d->chain, chain->name, "a device that says it is a router",
		           match_device_as_router, l);
	accept_in(c, d, "looking for routers", d->routers, &type, 1);
	accept_in(c, d, "neighbour discovery from a device", l->devices6, &ends[0], 1);
	accept_in(c, d, "neighbour discovery to a device", l->devices6, &ends[1], 1);
	accept_in(c, d, "neighbour discovery to a device's group", l->groups6, &ends[1], 1);
	if (l->discovery_macs != NO_SET) {
		accept_in(c, d, "neighbour discovery from a device's MAC", l->discovery_macs, &ether[0], 1);
		accept_in(c, d, "neighbour discovery to a device's MAC", l->discovery_macs, &ether[1], 1);
	}
	if (d->link_local != NO_SET)
		accept_in(c, d, "neighbour discovery of link-local addresses, for devices without a mac",
		          d->link_local, ends, 2);
}

// ip6 hoplimit 255 icmpv6 type @neighbour_discovery goto discovery
void rules_discovery(struct compiler *c, const struct chain *chain, uint32_t types, const struct layer2 *l,
                     struct discovery *d)
{
	d->chain = ruleset_build_chain(&c->b, "discovery", HOOK_NONE, 0);
	rules_match_neighbour_discovery(c, chain, types);
	ruleset_goto(&c->b, d->chain);
	if (l->devices6 != NO_SET)
		rules_allowed(c, chain, l, d);
	rules_end(c, d->chain, chain->name,
	          l->devices6 != NO_SET ? "neighbour discovery that concerns no device"
	                                : "neighbour discovery, and no device has an IPv6 address");
}
