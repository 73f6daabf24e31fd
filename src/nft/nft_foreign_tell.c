// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the rules of others mean for the wall. Packets pass all base chains of a hook in the order of their
// priorities: an accept ends one of them, a drop ends them all. So nobody ahead can accept on our behalf; but
// what never comes to our hook, or comes with other addresses or without its connection, is another matter.
#include "nft/nft_foreign_tell.h"

#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#define NAME_MAX_SHOWN 28

const char *nft_foreign_kind_name(enum nft_foreign_kind kind)
{
	switch (kind) {
	case NFT_FOREIGN_FLOWTABLE:
		return "flowtable";
	case NFT_FOREIGN_INGRESS:
		return "ingress";
	case NFT_FOREIGN_QUEUE:
		return "queue";
	case NFT_FOREIGN_NOTRACK:
		return "notrack";
	case NFT_FOREIGN_NAT:
		return "nat";
	case NFT_FOREIGN_ACCEPT:
		return "accept";
	}
	return "?";
}

bool nft_foreign_is_bypass(enum nft_foreign_kind kind)
{
	return kind == NFT_FOREIGN_FLOWTABLE || kind == NFT_FOREIGN_INGRESS || kind == NFT_FOREIGN_QUEUE;
}

static bool is_inet(uint8_t family)
{
	return family == NFPROTO_INET || family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
}

void nft_foreign_wall_is(struct foreign_search *search, uint8_t family, uint32_t hook, int32_t priority)
{
	if (hook < FOREIGN_HOOKS)
		search->wall[family == NFPROTO_BRIDGE][hook] =
		        (struct foreign_wall){.stands = true, .priority = priority};
}

// Our chain at the hook of a base chain; NULL when we have none there.
static const struct foreign_wall *wall_at(const struct foreign_search *search,
                                          const struct foreign_place *place)
{
	if (place->hook >= FOREIGN_HOOKS || (!is_inet(place->family) && place->family != NFPROTO_BRIDGE))
		return NULL;
	const struct foreign_wall *wall = &search->wall[place->family == NFPROTO_BRIDGE][place->hook];
	return wall->stands ? wall : NULL;
}

// Of chains of the same priority the one made last comes first, so that one counts as ahead too.
static bool is_ahead(const struct foreign_search *search, const struct foreign_place *place)
{
	const struct foreign_wall *wall = wall_at(search, place);
	return wall && place->priority <= wall->priority;
}

// Conntrack would see the packets after this chain.
static bool is_before_tracking(const struct foreign_place *place)
{
	if (place->family == NFPROTO_NETDEV ||
	    (place->family == NFPROTO_INET && place->hook == NF_INET_INGRESS))
		return true;
	return (place->hook == NF_INET_PRE_ROUTING || place->hook == NF_INET_LOCAL_OUT) &&
	       place->priority < NF_IP_PRI_CONNTRACK;
}

static bool base_matters(const struct foreign_search *search, const struct foreign_place *base,
                         enum nft_foreign_kind kind)
{
	switch (kind) {
	case NFT_FOREIGN_FLOWTABLE:
	case NFT_FOREIGN_QUEUE:
	case NFT_FOREIGN_NAT:
		return true;
	case NFT_FOREIGN_INGRESS:
		// In the other families `dup` makes a copy that starts at the output hook, where we are.
		return base->family == NFPROTO_NETDEV ||
		       (base->family == NFPROTO_INET && base->hook == NF_INET_INGRESS);
	case NFT_FOREIGN_NOTRACK:
		return is_before_tracking(base);
	case NFT_FOREIGN_ACCEPT:
		return is_ahead(search, base);
	}
	return false;
}

// The base chain through which this kind comes to matter in a place: itself, or for a chain that others go to
// the worst of its table. NULL: it does not.
static const struct foreign_place *base_of(const struct foreign_search *search,
                                           const struct foreign_place *place, enum nft_foreign_kind kind)
{
	const struct foreign_place *found = NULL;
	if (place->sort != FOREIGN_CHAIN)
		return base_matters(search, place, kind) ? place : NULL;
	for (size_t i = 0; i < search->count; i++) {
		const struct foreign_place *base = &search->places[i];
		if (base->sort == FOREIGN_BASE && base->family == place->family &&
		    strcmp(base->table, place->table) == 0 && base_matters(search, base, kind) &&
		    (!found || is_ahead(search, base)))
			found = base;
	}
	return found;
}

// ---- texts ----

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_ARP:
		return "arp";
	}
	return "?";
}

// Packets of this chain come from the network or a program, and go to the wall.
static bool is_before_wall(const struct foreign_search *search, const struct foreign_place *base)
{
	return base->hook == NF_INET_PRE_ROUTING || is_ahead(search, base);
}

static const char *meaning(const struct foreign_search *search, const struct foreign_place *base,
                           enum nft_foreign_kind kind)
{
	switch (kind) {
	case NFT_FOREIGN_FLOWTABLE:
		return "where this machine routes, the flows it takes over pass without the wall, also those "
		       "of "
		       "a peer removed since";
	case NFT_FOREIGN_INGRESS:
		return "packets are sent on or copied to another interface without the wall (fwd, dup)";
	case NFT_FOREIGN_QUEUE:
		if (is_ahead(search, base))
			return "a program decides on packets (queue): it can change them, and pass them around "
			       "the wall";
		return is_before_wall(search, base)
		               ? "a program can change packets before the wall judges them (queue)"
		               : "a program can change packets after the wall has judged them (queue)";
	case NFT_FOREIGN_NOTRACK:
		return "packets are not tracked: the wall drops them even where the policy allows them "
		       "(notrack)";
	case NFT_FOREIGN_NAT:
		return is_before_wall(search, base)
		               ? "addresses are translated before the wall judges them: it sees the new ones "
		                 "(nat)"
		               : "addresses are translated after the wall has judged them (nat)";
	case NFT_FOREIGN_ACCEPT:
		return "packets are accepted ahead of the wall: this opens nothing, the wall judges them too";
	}
	return "?";
}

static void show_name(char to[static NAME_MAX_SHOWN + 1], const char *name)
{
	size_t i;
	for (i = 0; name[i] && i < NAME_MAX_SHOWN; i++)
		to[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	to[i] = '\0';
}

static void tell(const struct foreign_search *search, const struct foreign_place *place,
                 enum nft_foreign_kind kind, nft_foreign_fn report, void *context)
{
	char table[NAME_MAX_SHOWN + 1], name[NAME_MAX_SHOWN + 1];
	const struct foreign_place *base = base_of(search, place, kind);
	if (!base)
		return;
	show_name(table, place->table);
	show_name(name, place->name);
	struct nft_foreign found = {
	        .kind = kind, .family = family_name(place->family), .table = table, .chain = name};
	snprintf(found.what, sizeof found.what, "%s %s of table %s %s: %s",
	         place->sort == FOREIGN_FLOWTABLE ? "flowtable" : "chain", name, found.family, table,
	         meaning(search, base, kind));
	report(context, &found);
}

static bool stands(const struct foreign_search *search)
{
	for (size_t i = 0; i < 2; i++)
		for (size_t hook = 0; hook < FOREIGN_HOOKS; hook++)
			if (search->wall[i][hook].stands)
				return true;
	return false;
}

void nft_foreign_tell(const struct foreign_search *search, nft_foreign_fn report, void *context)
{
	struct foreign_search beside = *search;
	if (!stands(search)) { // torn down at this moment: where it will be again
		nft_foreign_wall_is(&beside, NFPROTO_INET, NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
		nft_foreign_wall_is(&beside, NFPROTO_INET, NF_INET_FORWARD, NF_IP_PRI_FILTER);
		nft_foreign_wall_is(&beside, NFPROTO_INET, NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER);
	}
	for (size_t i = 0; i < beside.count; i++)
		for (enum nft_foreign_kind kind = 0; kind <= NFT_FOREIGN_ACCEPT; kind++)
			if (beside.places[i].kinds & (1u << kind))
				tell(&beside, &beside.places[i], kind, report, context);
}
