// SPDX-License-Identifier: GPL-2.0-or-later
//
// Warnings about addresses: broad, public, the device's own, or shared between peers. Everything that compares
// addresses with each other sorts them first: a list of 100,000 peers is judged too.
#include "policy/policy_lint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// An address that belongs to peer or device `owner`.
struct owned {
	const struct policy_prefix *address;
	uint32_t owner;
	uint32_t covers; // addresses of other peers inside this one
	const struct owned *first_covered;
};

struct list {
	struct owned *items;
	size_t count;
};

static int by_address(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int order = prefix_compare(&x->address->prefix, &y->address->prefix);
	if (order != 0)
		return order;
	return x->address->at < y->address->at ? -1 : x->address->at > y->address->at;
}

static bool list_room(struct list *list, size_t count)
{
	*list = (struct list){.items = malloc((count + 1) * sizeof *list->items)};
	return list->items;
}

static void list_add(struct list *list, const struct policy *policy, const struct span *addresses, size_t owner)
{
	for (uint32_t i = 0; i < addresses->count; i++)
		list->items[list->count++] = (struct owned){.address = &policy->prefixes[addresses->first + i],
		                                            .owner = (uint32_t)owner};
}

#define OWNER_BOX UINT32_MAX

// The addresses of the devices and the box.
static bool own_addresses(const struct policy *policy, struct list *ret)
{
	size_t count = policy->box.addresses.count;
	for (size_t i = 0; i < policy->device_count; i++)
		count += policy->devices[i].addresses.count;
	if (!list_room(ret, count))
		return false;
	for (size_t i = 0; i < policy->device_count; i++)
		list_add(ret, policy, &policy->devices[i].addresses, i);
	list_add(ret, policy, &policy->box.addresses, OWNER_BOX);
	qsort(ret->items, ret->count, sizeof *ret->items, by_address);
	return true;
}

// The first of a sorted list inside `prefix`; NULL when there is none.
static const struct owned *first_inside(const struct list *list, const struct prefix *prefix)
{
	size_t low = 0, high = list->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (prefix_compare(&list->items[middle].address->prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == list->count || !prefix_contains(prefix, &list->items[low].address->prefix))
		return NULL;
	return &list->items[low];
}

// A site with public addresses of its own (usual with IPv6) is not the internet.
static bool is_strange(const struct list *own, const struct prefix *prefix)
{
	if (!prefix_is_public(prefix))
		return false;
	uint8_t length = prefix->family == ADDRESS_IPV4 ? 16 : 48;
	if (prefix->length < length)
		return true;
	struct prefix site = {.family = prefix->family, .length = length};
	memcpy(site.octets, prefix->octets, length / 8);
	return first_inside(own, &site) == NULL;
}

static const char *every(const struct prefix *prefix)
{
	return prefix->family == ADDRESS_IPV4 ? "every IPv4 address there is" : "every IPv6 address there is";
}

static bool wider_than(const struct prefix *prefix, unsigned four, unsigned six)
{
	return prefix->length < (prefix->family == ADDRESS_IPV4 ? four : six);
}

// What one address of a peer or of manage opens. True when it warned of a public address.
static bool broad(struct policy_lint *lint, const struct policy_prefix *item, const struct list *own,
                  bool said_public, const char *advice)
{
	const struct prefix *prefix = &item->prefix;
	char text[PREFIX_TEXT_MAX];
	if (prefix->length == 0) {
		policy_warn(lint, item->at, policy_lint_length(lint, item->at), advice, "%s is %s",
		            prefix_print(prefix, text), every(prefix));
	} else if (!said_public && is_strange(own, prefix)) {
		policy_warn(lint, item->at, policy_lint_length(lint, item->at),
		            "use the address inside the hospital or in a VPN, unless the site has public "
		            "addresses itself",
		            "%s is a public address, as on the internet", prefix_print(prefix, text));
		return true;
	} else if (wider_than(prefix, 24, 64) && prefix->family == ADDRESS_IPV4) {
		policy_warn(lint, item->at, policy_lint_length(lint, item->at), advice,
		            "%s is wider than /24: %u addresses", prefix_print(prefix, text),
		            1u << (32 - prefix->length));
	} else if (wider_than(prefix, 24, 64)) {
		policy_warn(lint, item->at, policy_lint_length(lint, item->at), advice, "%s is wider than /64",
		            prefix_print(prefix, text));
	}
	return said_public;
}

static void peer_addresses(struct policy_lint *lint, const struct policy_peer *peer, const struct list *own)
{
	const struct policy *policy = lint->policy;
	bool said_public = false;
	for (uint32_t i = 0; i < peer->addresses.count; i++) {
		const struct policy_prefix *item = &policy->prefixes[peer->addresses.first + i];
		char text[PREFIX_TEXT_MAX];
		said_public = broad(lint, item, own, said_public, "name the peer's own addresses");
		if (own->count == 0 || !prefix_is_exact(&item->prefix))
			continue;
		const struct owned *same = first_inside(own, &item->prefix);
		if (same)
			policy_warn(lint, item->at, policy_lint_length(lint, item->at),
			            "write the address of the peer", "%s is the address of %s itself",
			            prefix_print(&item->prefix, text),
			            same->owner == OWNER_BOX ? "the box"
			                                     : SHOW(&policy->devices[same->owner].name));
	}
}

static void service_addresses(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	for (size_t i = 0; i < policy->opening_count; i++) {
		const struct policy_opening *opening = &policy->openings[i];
		// dns has two openings for one line
		if (i > 0 && opening[-1].at == opening->at)
			continue;
		for (uint32_t k = 0; k < opening->remote.count; k++) {
			const struct policy_prefix *item = &policy->prefixes[opening->remote.first + k];
			bool echo = opening->protocol == POLICY_ICMP_ECHO;
			uint32_t length = policy_lint_length(lint, item->at);
			char text[PREFIX_TEXT_MAX];
			if (item->prefix.length == 0)
				policy_warn(lint, item->at, length, "name the addresses that are needed",
				            "%s is %s", prefix_print(&item->prefix, text),
				            every(&item->prefix));
			else if (!echo && wider_than(&item->prefix, 16, 48))
				policy_warn(lint, item->at, length, "name the addresses that are needed",
				            "%s is wider than /%d", prefix_print(&item->prefix, text),
				            item->prefix.family == ADDRESS_IPV4 ? 16 : 48);
		}
	}
}

// ---- peers compared with each other ----

struct sweep {
	struct policy_lint *lint;
	uint32_t *marks; // marks[d] == mark: device d is in the one peer's list
	uint32_t mark;
};

static bool devices_meet(struct sweep *sweep, const struct policy_peer *a, const struct policy_peer *b)
{
	const uint32_t *refs = sweep->lint->policy->device_refs;
	if (a->devices.count == 0 || b->devices.count == 0)
		return true;
	sweep->mark++;
	for (uint32_t i = 0; i < a->devices.count; i++)
		sweep->marks[refs[a->devices.first + i]] = sweep->mark;
	for (uint32_t i = 0; i < b->devices.count; i++)
		if (sweep->marks[refs[b->devices.first + i]] == sweep->mark)
			return true;
	return false;
}

static bool ports_meet(const struct policy *policy, const struct policy_peer *a, const struct policy_peer *b)
{
	for (uint32_t i = 0; i < a->ports.count; i++)
		for (uint32_t k = 0; k < b->ports.count; k++)
			if (policy->ports[a->ports.first + i].first == policy->ports[b->ports.first + k].first)
				return true;
	return false;
}

// Two peers of one address, of which the wall cannot tell which one a connection belongs to.
static bool alike(struct sweep *sweep, const struct owned *x, const struct owned *y)
{
	const struct policy *policy = sweep->lint->policy;
	const struct policy_peer *a = &policy->peers[x->owner], *b = &policy->peers[y->owner];
	bool both = (a->accepts && b->accepts) || (a->initiates && b->initiates && ports_meet(policy, a, b));
	return both && devices_meet(sweep, a, b);
}

static void shared(struct sweep *sweep, const struct owned *first, const struct owned *second)
{
	struct policy_lint *lint = sweep->lint;
	source_pos at = second->address->at;
	uint32_t length = policy_lint_length(lint, at);
	char text[PREFIX_TEXT_MAX];
	prefix_print(&second->address->prefix, text);
	if (first->owner == second->owner)
		policy_warn(lint, at, length, "leave one of them out", "%s is there twice, first in %s", text,
		            WHERE(lint, first->address->at, at));
	else if (alike(sweep, first, second))
		policy_warn(lint, at, length, "what one of them may do, both may",
		            "%s is the address of peer %s too, in %s: the wall cannot tell them apart", text,
		            SHOW(&lint->policy->peers[first->owner].name), WHERE(lint, first->address->at, at));
}

// A prefix with other peers inside: said once, where the prefix stands.
static void covering(struct policy_lint *lint, const struct owned *outer)
{
	const struct policy *policy = lint->policy;
	if (outer->covers == 0)
		return;
	const struct owned *inner = outer->first_covered;
	char wide[PREFIX_TEXT_MAX], narrow[PREFIX_TEXT_MAX], more[32] = "";
	if (outer->covers > 1)
		snprintf(more, sizeof more, " and %u more", outer->covers - 1);
	policy_warn(lint, outer->address->at, policy_lint_length(lint, outer->address->at),
	            "what this peer may do, they may too", "%s covers addresses of other peers: %s (%s, %s)%s",
	            prefix_print(&outer->address->prefix, wide), prefix_print(&inner->address->prefix, narrow),
	            SHOW(&policy->peers[inner->owner].name),
	            WHERE(lint, inner->address->at, outer->address->at), more);
}

#define NESTING_MAX 129 // lengths a prefix may have

// In sorted order a prefix comes right before all that lies inside it.
static void compare(struct sweep *sweep, struct list *list)
{
	const struct policy *policy = sweep->lint->policy;
	struct owned *open[NESTING_MAX];
	size_t depth = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct owned *item = &list->items[i];
		const struct prefix *prefix = &item->address->prefix;
		while (depth > 0 && !prefix_contains(&open[depth - 1]->address->prefix, prefix))
			covering(sweep->lint, open[--depth]);
		if (depth > 0 && prefix_equal(&open[depth - 1]->address->prefix, prefix)) {
			shared(sweep, &list->items[i - 1], item);
			continue;
		}
		for (size_t k = 0; k < depth; k++) {
			if (open[k]->owner == item->owner ||
			    !devices_meet(sweep, &policy->peers[open[k]->owner], &policy->peers[item->owner]))
				continue;
			if (open[k]->covers++ == 0)
				open[k]->first_covered = item;
		}
		open[depth++] = item;
	}
	while (depth > 0)
		covering(sweep->lint, open[--depth]);
}

static int peers_together(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	struct list list = {0};
	struct sweep sweep = {.lint = lint, .marks = calloc(policy->device_count + 1, sizeof *sweep.marks)};
	size_t count = 0;
	int r = -ENOMEM;
	for (size_t i = 0; i < policy->peer_count; i++)
		count += policy->peers[i].addresses.count;
	if (sweep.marks && list_room(&list, count)) {
		for (size_t i = 0; i < policy->peer_count; i++)
			list_add(&list, policy, &policy->peers[i].addresses, i);
		qsort(list.items, list.count, sizeof *list.items, by_address);
		compare(&sweep, &list);
		r = 0;
	}
	free(list.items);
	free(sweep.marks);
	return r;
}

int policy_lint_addresses(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	struct list own;
	if (!own_addresses(policy, &own))
		return -ENOMEM;
	for (size_t i = 0; i < policy->peer_count; i++)
		peer_addresses(lint, &policy->peers[i], &own);
	bool said_public = false;
	for (uint32_t i = 0; i < policy->manage.from.count; i++)
		said_public = broad(lint, &policy->prefixes[policy->manage.from.first + i], &own, said_public,
		                    "name the network of those who administer the box");
	free(own.items);
	service_addresses(lint);
	return peers_together(lint);
}
