// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables, sets and chains as the kernel shows them.
#include "nft/nft_decode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/array.h"
#include "nft/nft_attribute.h"
#include "nft/nft_encode.h"

// What newer kernels tell besides is passed over: what changes how a set or chain works comes with a flag, and
// flags are compared. Expressions are read strictly.
#define TABLE_ATTRIBUTES (NFTA_TABLE_OWNER + 1)
#define CHAIN_ATTRIBUTES (NFTA_CHAIN_USERDATA + 1)
#define SET_ATTRIBUTES (NFTA_SET_EXPRESSIONS + 1)
#define RULE_ATTRIBUTES (NFTA_RULE_CHAIN_ID + 1)

void nft_found_fini(struct nft_found *found)
{
	ruleset_fini(&found->ruleset);
	for (size_t i = 0; i < 2; i++) {
		free(found->tables[i].sets);
		free(found->tables[i].chain_handles);
	}
	*found = (struct nft_found){0};
}

// Goes on with the last table.
static struct ruleset_builder builder(struct nft_found *found)
{
	struct ruleset_builder b;
	ruleset_build(&b, &found->ruleset);
	b.table = &found->ruleset.tables[found->ruleset.table_count - 1];
	return b;
}

static struct nft_found_table *side(struct nft_found *found)
{
	return &found->tables[found->ruleset.table_count - 1];
}

static void attributes_of(const struct nlmsghdr *message, const struct nlattr **table, size_t count)
{
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), table, count);
}

// A dump shows the tables of everybody.
static bool ours(const struct nlmsghdr *message, const struct nlattr *table_name, enum ruleset_family family)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	const char *name = nft_text(table_name);
	return mnl_nlmsg_get_payload_len(message) >= sizeof *head && head->nfgen_family == nft_family(family) &&
	       name && strcmp(name, RULESET_TABLE_NAME) == 0;
}

static int copy_text(char **to, const char *text)
{
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

// A name as long as we keep. Longer ones are somebody else's, and known by their handle.
static bool cut_name(const char *name, char *to)
{
	snprintf(to, RULESET_NAME_MAX + 1, "%s", name && *name ? name : "?");
	return name && *name && strlen(name) <= RULESET_NAME_MAX;
}

int nft_decode_table(struct nft_found *found, const struct nlmsghdr *message, uint32_t port)
{
	const struct nlattr *a[TABLE_ATTRIBUTES];
	attributes_of(message, a, TABLE_ATTRIBUTES);
	const struct ruleset_table *table = builder(found).table;
	if (!ours(message, a[NFTA_TABLE_NAME], table->family))
		return 0;
	struct nft_table_state *state =
	        table->family == RULESET_BRIDGE ? &found->state.bridge : &found->state.inet;
	struct nft_found_table *kept = side(found);
	nft_number(a[NFTA_TABLE_FLAGS], &kept->flags);
	kept->dormant = kept->flags & NFT_TABLE_F_DORMANT;
	*state = (struct nft_table_state){
	        .present = true,
	        .owned = kept->flags & NFT_TABLE_F_OWNER,
	        .persistent = kept->flags & NFT_PERSIST,
	        .dormant = kept->dormant,
	};
	if (state->owned)
		nft_number(a[NFTA_TABLE_OWNER], &state->owner);
	state->mine = state->owned && state->owner == port;
	return 0;
}

// ---- sets ----

static bool same_lengths(const struct nlattr *concat, const enum ruleset_type *types, size_t count)
{
	const struct nlattr *field, *length[NFTA_SET_FIELD_LEN + 1];
	size_t i = 0;
	uint32_t octets;
	mnl_attr_for_each_nested(field, concat)
	{
		if (!nft_attributes_nested(field, length, NFTA_SET_FIELD_LEN + 1) || i == count ||
		    !nft_number(length[NFTA_SET_FIELD_LEN], &octets) || octets != ruleset_type_size(types[i++]))
			return false;
	}
	return i == count;
}

static bool is_plain_counter(const struct nlattr *expression)
{
	const struct nlattr *parts[NFTA_EXPR_DATA + 1];
	nft_attributes_nested(expression, parts, NFTA_EXPR_DATA + 1);
	const char *name = nft_text(parts[NFTA_EXPR_NAME]);
	return name && strcmp(name, "counter") == 0;
}

// Fills `set` as far as it is one of our kind. Returns why it is not; NULL when it is.
static const char *read_set(const struct nlattr *const *a, struct ruleset_set *set,
                            enum ruleset_type types[static RULESET_FIELDS_MAX], size_t *ret_count)
{
	uint32_t flags = 0, key_type = 0, key_length = 0;
	const struct nlattr *about[NFTA_SET_DESC_CONCAT + 1] = {0};
	nft_number(a[NFTA_SET_FLAGS], &flags);
	nft_number(a[NFTA_SET_KEY_TYPE], &key_type);
	nft_number(a[NFTA_SET_KEY_LEN], &key_length);
	if (!nft_key_type_read(key_type, types, ret_count)) {
		types[0] = TYPE_IPV4_ADDR;
		*ret_count = 1;
		return "keys of another type";
	}
	set->type_count = (uint8_t)*ret_count;
	for (size_t i = 0; i < *ret_count; i++) {
		set->types[i] = (uint8_t)types[i];
		set->key_size = (uint8_t)(set->key_size + (ruleset_type_size(types[i]) + 3) / 4 * 4);
	}
	// Longer than any of ours: a stand-in, so that the rest of the table is read and this set is told of.
	if (set->key_size > RULESET_KEY_MAX) {
		types[0] = TYPE_IPV4_ADDR;
		*ret_count = 1;
		return "keys of another length";
	}
	set->interval = flags & NFT_SET_INTERVAL;
	set->constant = flags & NFT_SET_CONSTANT;
	set->timed = flags & NFT_SET_TIMEOUT;
	set->detailed = a[NFTA_SET_EXPR];
	if (flags & NFT_SET_MAP)
		return "a map";
	if (flags != nft_set_flags(set))
		return "other flags";
	if (key_length != nft_key_length(set))
		return "keys of another length";
	if (a[NFTA_SET_EXPRESSIONS] || (a[NFTA_SET_EXPR] && !is_plain_counter(a[NFTA_SET_EXPR])))
		return "an expression on each element";
	if (a[NFTA_SET_TIMEOUT] || a[NFTA_SET_GC_INTERVAL])
		return "a timeout of the set's own";
	if (a[NFTA_SET_DESC])
		nft_attributes_nested(a[NFTA_SET_DESC], about, NFTA_SET_DESC_CONCAT + 1);
	nft_number(about[NFTA_SET_DESC_SIZE], &set->size);
	if (set->interval &&
	    (!about[NFTA_SET_DESC_CONCAT] || !same_lengths(about[NFTA_SET_DESC_CONCAT], types, *ret_count)))
		return "parts of other lengths";
	return NULL;
}

int nft_decode_set(struct nft_found *found, const struct nlmsghdr *message)
{
	const struct nlattr *a[SET_ATTRIBUTES];
	attributes_of(message, a, SET_ATTRIBUTES);
	struct ruleset_builder b = builder(found);
	struct nft_found_table *kept = side(found);
	uint32_t flags = 0;
	uint64_t handle = 0;
	if (!ours(message, a[NFTA_SET_TABLE], b.table->family))
		return 0;
	// A nameless set is part of a rule, goes with it, and makes the rule foreign.
	if (nft_number(a[NFTA_SET_FLAGS], &flags) && flags & NFT_SET_ANONYMOUS)
		return 0;
	nft_number64(a[NFTA_SET_HANDLE], &handle);

	struct ruleset_set read = {0};
	enum ruleset_type types[RULESET_FIELDS_MAX];
	size_t type_count;
	const char *why = read_set(a, &read, types, &type_count);
	char name[RULESET_NAME_MAX + 1];
	if (!cut_name(nft_text(a[NFTA_SET_NAME]), name))
		why = "a name too long";
	int r = array_room(&kept->sets, b.table->set_count, &kept->set_capacity, sizeof *kept->sets);
	if (r < 0)
		return r;
	uint32_t index = ruleset_build_set(&b, name, types, type_count, read.interval, NULL);
	if (b.error)
		return b.error;
	kept->sets[index] = (struct nft_found_set){.handle = handle};
	struct ruleset_set *set = &b.table->sets[index];
	set->constant = read.constant;
	set->detailed = read.detailed;
	set->timed = read.timed;
	set->size = read.size;
	return why ? copy_text(&set->foreign, why) : 0;
}

// ---- chains ----

static const struct {
	uint32_t number;
	enum ruleset_hook hook;
} hooks[] = {{NF_INET_LOCAL_IN, HOOK_INPUT}, {NF_INET_FORWARD, HOOK_FORWARD}, {NF_INET_LOCAL_OUT, HOOK_OUTPUT}};

static enum ruleset_hook hook_of(uint32_t number)
{
	for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
		if (hooks[i].number == number)
			return hooks[i].hook;
	return HOOK_OTHER;
}

// Returns what is not ours about the chain; NULL when nothing is.
static const char *read_chain(const struct nlattr *const *a, struct ruleset_chain *chain)
{
	uint32_t number, flags = 0;
	const struct nlattr *hook[NFTA_HOOK_PRIORITY + 1];
	nft_number(a[NFTA_CHAIN_FLAGS], &flags);
	if (!a[NFTA_CHAIN_HOOK])
		return flags ? "chain flags" : NULL;
	bool plain = nft_attributes_nested(a[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_PRIORITY + 1);
	chain->hook = nft_number(hook[NFTA_HOOK_HOOKNUM], &number) ? hook_of(number) : HOOK_OTHER;
	if (nft_number(hook[NFTA_HOOK_PRIORITY], &number))
		chain->priority = (int32_t)number;
	chain->accepts = nft_number(a[NFTA_CHAIN_POLICY], &number) && number == NF_ACCEPT;
	const char *type = nft_text(a[NFTA_CHAIN_TYPE]);
	if (!type || strcmp(type, "filter") != 0)
		return "another type than filter";
	if (!plain)
		return "bound to devices";
	if (chain->hook == HOOK_OTHER)
		return "another hook";
	if (flags & ~(uint32_t)NFT_CHAIN_BASE)
		return "chain flags";
	return NULL;
}

int nft_decode_chain(struct nft_found *found, const struct nlmsghdr *message)
{
	const struct nlattr *a[CHAIN_ATTRIBUTES];
	attributes_of(message, a, CHAIN_ATTRIBUTES);
	struct ruleset_builder b = builder(found);
	struct nft_found_table *kept = side(found);
	if (!ours(message, a[NFTA_CHAIN_TABLE], b.table->family))
		return 0;
	struct ruleset_chain read = {0};
	const char *why = read_chain(a, &read);
	char name[RULESET_NAME_MAX + 1];
	uint64_t handle = 0;
	if (!cut_name(nft_text(a[NFTA_CHAIN_NAME]), name))
		why = "a name too long";
	nft_number64(a[NFTA_CHAIN_HANDLE], &handle);
	if (kept->dormant && read.hook != HOOK_NONE && !why)
		why = "switched off: the table is dormant";
	int r = array_room(&kept->chain_handles, b.table->chain_count, &kept->chain_capacity, sizeof handle);
	if (r < 0)
		return r;
	uint32_t index = ruleset_build_chain(&b, name, read.hook, read.priority);
	if (b.error)
		return b.error;
	kept->chain_handles[index] = handle;
	struct ruleset_chain *chain = &b.table->chains[index];
	chain->accepts = read.accepts;
	return why ? copy_text(&chain->foreign, why) : 0;
}

// ---- rules ----

int nft_decode_rule(struct nft_found *found, const struct nlmsghdr *message)
{
	const struct nlattr *a[RULE_ATTRIBUTES];
	attributes_of(message, a, RULE_ATTRIBUTES);
	struct ruleset_builder b = builder(found);
	char name[RULESET_NAME_MAX + 1];
	if (!ours(message, a[NFTA_RULE_TABLE], b.table->family))
		return 0;
	cut_name(nft_text(a[NFTA_RULE_CHAIN]), name);
	for (uint32_t i = 0; i < b.table->chain_count; i++) {
		if (strcmp(b.table->chains[i].name, name) != 0)
			continue;
		int r = nft_decode_statements(&b, i, a[NFTA_RULE_EXPRESSIONS], a[NFTA_RULE_USERDATA]);
		if (r == 0)
			nft_number64(a[NFTA_RULE_HANDLE], &b.rule->handle);
		return r;
	}
	return -EINTR; // a rule of a chain that was not there a moment ago: read again
}
