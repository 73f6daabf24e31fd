// SPDX-License-Identifier: GPL-2.0-or-later
//
// Dumps of everybody's tables, of which only what is worth telling is kept.
#include "nft/nft_foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/array.h"
#include "base/problem.h"
#include "nft/nft_attribute.h"
#include "nft/nft_flowtable.h"
#include "nft/nft_foreign_tell.h"
#include "nft/nft_talk.h"

#define ATTEMPTS 16
#define BIT(kind) (1u << (kind))

static void search_fini(struct foreign_search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		free(search->places[i].table);
		free(search->places[i].name);
	}
	free(search->places);
	*search = (struct foreign_search){0};
}

// ---- what is kept ----

static int add_place(struct foreign_search *search, struct foreign_place place, const char *table,
                     const char *name)
{
	if (array_room(&search->places, search->count, &search->capacity, sizeof *search->places) < 0)
		return -ENOMEM;
	place.table = strdup(table);
	place.name = name ? strdup(name) : NULL;
	if (!place.table || (name && !place.name)) {
		free(place.table);
		free(place.name);
		return -ENOMEM;
	}
	search->places[search->count++] = place;
	return 0;
}

static bool of_table(const struct foreign_place *place, uint8_t family, const char *table)
{
	return place->family == family && strcmp(place->table, table) == 0;
}

static bool is_dormant(const struct foreign_search *search, uint8_t family, const char *table)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->places[i].sort == FOREIGN_DORMANT && of_table(&search->places[i], family, table))
			return true;
	return false;
}

// The kernel dumps rules in the order of their chains: the next one is the last one found, or comes after it.
static struct foreign_place *find_chain(struct foreign_search *search, uint8_t family, const char *table,
                                        const char *name)
{
	for (size_t n = 0; n < search->count; n++) {
		size_t i = (search->last + n) % search->count;
		struct foreign_place *place = &search->places[i];
		if ((place->sort == FOREIGN_BASE || place->sort == FOREIGN_CHAIN) &&
		    of_table(place, family, table) && strcmp(place->name, name) == 0) {
			search->last = i;
			return place;
		}
	}
	return NULL;
}

// ---- messages ----

static uint8_t family_of(const struct nlmsghdr *message)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	return mnl_nlmsg_get_payload_len(message) < sizeof *head ? NFPROTO_UNSPEC : head->nfgen_family;
}

static void attributes_of(const struct nlmsghdr *message, const struct nlattr **table, size_t count)
{
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), table, count);
}

static bool is_ours(uint8_t family, const char *table)
{
	return (family == NFPROTO_INET || family == NFPROTO_BRIDGE) && strcmp(table, RULESET_TABLE_NAME) == 0;
}

// The flow table that this process keeps. One of that name that anybody else may change, or does, is told of.
static bool is_our_flowtable(const struct foreign_search *search, uint8_t family, const char *table)
{
	return search->flowtable && family == NFPROTO_INET && strcmp(table, NFT_FLOWTABLE_TABLE) == 0;
}

static int take_table(void *context, const struct nlmsghdr *message)
{
	struct foreign_search *search = context;
	const struct nlattr *a[NFTA_TABLE_OWNER + 1];
	uint32_t flags = 0, owner = 0;
	attributes_of(message, a, NFTA_TABLE_OWNER + 1);
	const char *table = nft_text(a[NFTA_TABLE_NAME]);
	nft_number(a[NFTA_TABLE_FLAGS], &flags);
	if (table && family_of(message) == NFPROTO_INET && strcmp(table, NFT_FLOWTABLE_TABLE) == 0)
		search->flowtable = flags & NFT_TABLE_F_OWNER && nft_number(a[NFTA_TABLE_OWNER], &owner) &&
		                    owner == search->port;
	if (!table || !(flags & NFT_TABLE_F_DORMANT))
		return 0;
	return add_place(context, (struct foreign_place){.sort = FOREIGN_DORMANT, .family = family_of(message)},
	                 table, NULL);
}

static int take_chain(void *context, const struct nlmsghdr *message)
{
	struct foreign_search *search = context;
	const struct nlattr *a[NFTA_CHAIN_HOOK + 1], *hook[NFTA_HOOK_PRIORITY + 1];
	struct foreign_place place = {.sort = FOREIGN_BASE, .family = family_of(message)};
	uint32_t priority = 0;
	attributes_of(message, a, NFTA_CHAIN_HOOK + 1);
	nft_attributes_nested(a[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_PRIORITY + 1);
	const char *table = nft_text(a[NFTA_CHAIN_TABLE]), *name = nft_text(a[NFTA_CHAIN_NAME]);
	if (!table || !name || !nft_number(hook[NFTA_HOOK_HOOKNUM], &place.hook) ||
	    !nft_number(hook[NFTA_HOOK_PRIORITY], &priority))
		return 0;
	place.priority = (int32_t)priority;
	if (is_ours(place.family, table)) {
		nft_foreign_wall_is(search, place.family, place.hook, place.priority);
		return 0;
	}
	if (is_dormant(search, place.family, table) || is_our_flowtable(search, place.family, table))
		return 0;
	return add_place(search, place, table, name);
}

static int take_flowtable(void *context, const struct nlmsghdr *message)
{
	struct foreign_search *search = context;
	const struct nlattr *a[NFTA_FLOWTABLE_NAME + 1];
	struct foreign_place place = {
	        .sort = FOREIGN_FLOWTABLE, .family = family_of(message), .kinds = BIT(NFT_FOREIGN_FLOWTABLE)};
	attributes_of(message, a, NFTA_FLOWTABLE_NAME + 1);
	const char *table = nft_text(a[NFTA_FLOWTABLE_TABLE]), *name = nft_text(a[NFTA_FLOWTABLE_NAME]);
	// One that was slipped into our own table counts as well: reading it as a wall takes no notice of it.
	if (!table || !name || is_our_flowtable(search, place.family, table))
		return 0;
	return add_place(search, place, table, name);
}

// ---- rules ----

static unsigned look_at_verdict(const struct nlattr *data)
{
	const struct nlattr *a[NFTA_IMMEDIATE_DATA + 1], *value[NFTA_DATA_VERDICT + 1],
	        *verdict[NFTA_VERDICT_CODE + 1];
	uint32_t code;
	nft_attributes_nested(data, a, NFTA_IMMEDIATE_DATA + 1);
	nft_attributes_nested(a[NFTA_IMMEDIATE_DATA], value, NFTA_DATA_VERDICT + 1);
	nft_attributes_nested(value[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_CODE + 1);
	if (!nft_number(verdict[NFTA_VERDICT_CODE], &code))
		return 0;
	code &= NF_VERDICT_MASK; // a queue has its number above; jump, goto and return (-3, -4, -5) are neither
	return code == NF_ACCEPT ? BIT(NFT_FOREIGN_ACCEPT) : code == NF_QUEUE ? BIT(NFT_FOREIGN_QUEUE) : 0;
}

struct known_name {
	const char *name;
	enum nft_foreign_kind kind;
};

static unsigned look_up(const struct known_name *names, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++)
		if (strcmp(names[i].name, name) == 0)
			return BIT(names[i].kind);
	return 0;
}

// What iptables-nft leaves to the older targets.
static unsigned look_at_target(const struct nlattr *data)
{
	static const struct known_name targets[] = {
	        {"NFQUEUE", NFT_FOREIGN_QUEUE}, {"NOTRACK", NFT_FOREIGN_NOTRACK}, {"DNAT", NFT_FOREIGN_NAT},
	        {"SNAT", NFT_FOREIGN_NAT},      {"MASQUERADE", NFT_FOREIGN_NAT},  {"REDIRECT", NFT_FOREIGN_NAT},
	        {"NETMAP", NFT_FOREIGN_NAT},
	};
	const struct nlattr *a[NFTA_TARGET_INFO + 1];
	nft_attributes_nested(data, a, NFTA_TARGET_INFO + 1);
	const char *name = nft_text(a[NFTA_TARGET_NAME]);
	uint16_t flags;
	// `-j CT --notrack`: flags come first (struct xt_ct_target_info), and 1 is XT_CT_NOTRACK.
	if (name && strcmp(name, "CT") == 0 && a[NFTA_TARGET_INFO] &&
	    mnl_attr_get_payload_len(a[NFTA_TARGET_INFO]) >= sizeof flags) {
		memcpy(&flags, mnl_attr_get_payload(a[NFTA_TARGET_INFO]), sizeof flags);
		return flags & 1 ? BIT(NFT_FOREIGN_NOTRACK) : 0;
	}
	return look_up(targets, sizeof targets / sizeof *targets, name);
}

static unsigned look_at_expression(const struct nlattr *expression)
{
	static const struct known_name names[] = {
	        {"queue", NFT_FOREIGN_QUEUE}, {"notrack", NFT_FOREIGN_NOTRACK}, {"nat", NFT_FOREIGN_NAT},
	        {"masq", NFT_FOREIGN_NAT},    {"redir", NFT_FOREIGN_NAT},       {"fwd", NFT_FOREIGN_INGRESS},
	        {"dup", NFT_FOREIGN_INGRESS},
	};
	const struct nlattr *a[NFTA_EXPR_DATA + 1];
	nft_attributes_nested(expression, a, NFTA_EXPR_DATA + 1);
	const char *name = nft_text(a[NFTA_EXPR_NAME]);
	if (name && strcmp(name, "immediate") == 0)
		return look_at_verdict(a[NFTA_EXPR_DATA]);
	if (name && strcmp(name, "target") == 0)
		return look_at_target(a[NFTA_EXPR_DATA]);
	return look_up(names, sizeof names / sizeof *names, name);
}

static int take_rule(void *context, const struct nlmsghdr *message)
{
	struct foreign_search *search = context;
	const struct nlattr *a[NFTA_RULE_EXPRESSIONS + 1], *expression;
	uint8_t family = family_of(message);
	unsigned kinds = 0;
	attributes_of(message, a, NFTA_RULE_EXPRESSIONS + 1);
	const char *table = nft_text(a[NFTA_RULE_TABLE]), *name = nft_text(a[NFTA_RULE_CHAIN]);
	if (!table || !name || !a[NFTA_RULE_EXPRESSIONS] || family == NFPROTO_ARP || is_ours(family, table) ||
	    is_our_flowtable(search, family, table))
		return 0;
	mnl_attr_for_each_nested(expression, a[NFTA_RULE_EXPRESSIONS]) kinds |= look_at_expression(expression);
	if (!kinds)
		return 0;
	struct foreign_place *place = find_chain(search, family, table, name);
	if (place) {
		place->kinds |= kinds;
		return 0;
	}
	// A chain that others go to. Which of them do is not worked out: an accept is told of all of its table.
	for (size_t i = 0; kinds & BIT(NFT_FOREIGN_ACCEPT) && i < search->count; i++)
		if (search->places[i].sort == FOREIGN_BASE && of_table(&search->places[i], family, table))
			search->places[i].kinds |= BIT(NFT_FOREIGN_ACCEPT);
	const struct foreign_place chain = {
	        .sort = FOREIGN_CHAIN, .family = family, .kinds = kinds & ~BIT(NFT_FOREIGN_ACCEPT)};
	return chain.kinds ? add_place(search, chain, table, name) : 0;
}

// ---- all of it ----

static int dump(struct foreign_search *search, struct nft *nft, uint8_t type, nft_reply_fn reply)
{
	struct nft_request request;
	return nft_ask(nft, nft_request(nft, &request, type, NLM_F_DUMP, AF_UNSPEC), reply, search);
}

// What changes between two dumps is another event, and looked at then.
static int search_all(struct foreign_search *search, struct nft *nft)
{
	int r = dump(search, nft, NFT_MSG_GETTABLE, take_table);
	if (r == 0)
		r = dump(search, nft, NFT_MSG_GETCHAIN, take_chain);
	if (r == 0)
		r = dump(search, nft, NFT_MSG_GETRULE, take_rule);
	if (r == 0)
		r = dump(search, nft, NFT_MSG_GETFLOWTABLE, take_flowtable);
	return r;
}

int nft_foreign_find(struct nft *nft, nft_foreign_fn report, void *context, struct problems *problems)
{
	struct foreign_search search = {0};
	int r = -EINTR;
	for (unsigned i = 0; r == -EINTR && i < ATTEMPTS; i++) {
		search_fini(&search);
		search.port = nft->io.port(nft->io.context);
		r = search_all(&search, nft);
	}
	if (r == 0)
		nft_foreign_tell(&search, report, context);
	else
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             r == -EINTR ? "another program changes the rules faster than they can be read"
		                         : NULL,
		             "cannot look at the tables of others: %s", strerror(-r));
	search_fini(&search);
	return r;
}
