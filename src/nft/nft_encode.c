// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables, chains and sets as messages.
#include "nft/nft_encode.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_batch.h"

#define ROOM 1024 // for the attributes of anything but rules and elements

uint8_t nft_family(enum ruleset_family family)
{
	return family == RULESET_BRIDGE ? NFPROTO_BRIDGE : NFPROTO_INET;
}

// ---- messages of a few plain attributes ----

void nft_put_table(struct nft_batch *batch, const struct ruleset_table *table, uint32_t flags)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, table, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, RULESET_TABLE_NAME);
	mnl_attr_put_u32(header, NFTA_TABLE_FLAGS, htobe32(flags));
	nft_batch_add(batch, header, &(struct nft_message){.subject = NFT_SUBJECT_TABLE, .table = table});
}

void nft_put_table_delete(struct nft_batch *batch, const struct ruleset_table *table)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_DELTABLE, 0, table, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, RULESET_TABLE_NAME);
	nft_batch_add(batch, header,
	              &(struct nft_message){.subject = NFT_SUBJECT_TABLE_DELETE, .table = table});
}

void nft_put_rules_delete(struct nft_batch *batch, const struct ruleset_table *table)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_DELRULE, 0, table, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_RULE_TABLE, RULESET_TABLE_NAME);
	nft_batch_add(batch, header,
	              &(struct nft_message){.subject = NFT_SUBJECT_RULES_DELETE, .table = table});
}

void nft_put_chain_delete(struct nft_batch *batch, const struct ruleset_table *table,
                          const struct ruleset_chain *chain, uint64_t handle)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_DELCHAIN, 0, table, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, RULESET_TABLE_NAME);
	mnl_attr_put_u64(header, NFTA_CHAIN_HANDLE, htobe64(handle));
	nft_batch_add(
	        batch, header,
	        &(struct nft_message){.subject = NFT_SUBJECT_CHAIN_DELETE, .table = table, .chain = chain});
}

void nft_put_set_delete(struct nft_batch *batch, const struct ruleset_table *table,
                        const struct ruleset_set *set, uint64_t handle)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_DELSET, 0, table, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_SET_TABLE, RULESET_TABLE_NAME);
	mnl_attr_put_u64(header, NFTA_SET_HANDLE, htobe64(handle));
	nft_batch_add(batch, header,
	              &(struct nft_message){.subject = NFT_SUBJECT_SET_DELETE, .table = table, .set = set});
}

// ---- chains ----

static uint32_t policy_of(const struct ruleset_chain *chain)
{
	return chain->accepts ? NF_ACCEPT : NF_DROP;
}

void nft_put_chain_policy(struct nft_batch *batch, const struct ruleset_table *table,
                          const struct ruleset_chain *chain)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_NEWCHAIN, 0, table, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, RULESET_TABLE_NAME);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, chain->name);
	mnl_attr_put_u32(header, NFTA_CHAIN_POLICY, htobe32(policy_of(chain)));
	nft_batch_add(batch, header,
	              &(struct nft_message){.subject = NFT_SUBJECT_CHAIN, .table = table, .chain = chain});
}

// The numbers are the same in inet and bridge.
static bool hook_number(enum ruleset_hook hook, uint32_t *ret)
{
	switch (hook) {
	case HOOK_INPUT:
		*ret = NF_INET_LOCAL_IN;
		return true;
	case HOOK_FORWARD:
		*ret = NF_INET_FORWARD;
		return true;
	case HOOK_OUTPUT:
		*ret = NF_INET_LOCAL_OUT;
		return true;
	case HOOK_NONE:
	case HOOK_OTHER:
		break;
	}
	return false;
}

static int fill_chain(struct nftnl_chain *to, const struct ruleset_chain *chain)
{
	uint32_t hook = 0;
	if (nftnl_chain_set_str(to, NFTNL_CHAIN_TABLE, RULESET_TABLE_NAME) < 0 ||
	    nftnl_chain_set_str(to, NFTNL_CHAIN_NAME, chain->name) < 0)
		return -ENOMEM;
	if (chain->hook == HOOK_NONE)
		return 0;
	if (!hook_number(chain->hook, &hook))
		return -EINVAL;
	if (nftnl_chain_set_str(to, NFTNL_CHAIN_TYPE, "filter") < 0)
		return -ENOMEM;
	nftnl_chain_set_u32(to, NFTNL_CHAIN_HOOKNUM, hook);
	nftnl_chain_set_s32(to, NFTNL_CHAIN_PRIO, chain->priority);
	nftnl_chain_set_u32(to, NFTNL_CHAIN_POLICY, policy_of(chain));
	return 0;
}

void nft_put_chain(struct nft_batch *batch, const struct ruleset_table *table,
                   const struct ruleset_chain *chain)
{
	struct nftnl_chain *to = nftnl_chain_alloc();
	int r = to ? fill_chain(to, chain) : -ENOMEM;
	if (r < 0)
		nft_batch_fail(batch, r);
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, table, ROOM);
	if (header) {
		nftnl_chain_nlmsg_build_payload(header, to);
		nft_batch_add(
		        batch, header,
		        &(struct nft_message){.subject = NFT_SUBJECT_CHAIN, .table = table, .chain = chain});
	}
	if (to)
		nftnl_chain_free(to);
}

// ---- sets ----

// nft's own numbers of data types, and how many bits each takes in the number of a concatenation.
#define NFT_TYPE_BITS 6
static const uint8_t nft_types[TYPE_OTHER] = {
        [TYPE_IPV4_ADDR] = 7,    [TYPE_IPV6_ADDR] = 8, [TYPE_INET_SERVICE] = 13, [TYPE_ICMP_TYPE] = 14,
        [TYPE_ICMPV6_TYPE] = 29, [TYPE_IFNAME] = 41,   [TYPE_ETHER_ADDR] = 9,
};

// nft's byte orders, which it keeps in a set's userdata to print keys right.
enum {
	NFT_BYTEORDER_MIXED, // a concatenation
	NFT_BYTEORDER_HOST,
	NFT_BYTEORDER_NETWORK,
};

uint32_t nft_key_type(const struct ruleset_set *set)
{
	uint32_t type = 0;
	for (size_t i = 0; i < set->type_count; i++)
		type = type << NFT_TYPE_BITS | (set->types[i] < TYPE_OTHER ? nft_types[set->types[i]] : 0);
	return type;
}

bool nft_key_type_read(uint32_t key_type, enum ruleset_type types[static RULESET_FIELDS_MAX], size_t *ret_count)
{
	size_t count = 0;
	for (uint32_t rest = key_type; rest; rest >>= NFT_TYPE_BITS)
		count++;
	if (count == 0 || count > RULESET_FIELDS_MAX)
		return false;
	*ret_count = count;
	for (size_t i = count; i-- > 0; key_type >>= NFT_TYPE_BITS) {
		types[i] = TYPE_OTHER;
		for (unsigned type = 0; type < TYPE_OTHER; type++)
			if (nft_types[type] == (key_type & ((1u << NFT_TYPE_BITS) - 1)))
				types[i] = (enum ruleset_type)type;
		if (types[i] == TYPE_OTHER)
			return false;
	}
	return true;
}

size_t nft_key_length(const struct ruleset_set *set)
{
	return set->type_count == 1 ? ruleset_type_size(set->types[0]) : set->key_size;
}

uint32_t nft_set_flags(const struct ruleset_set *set)
{
	return (set->constant ? (uint32_t)NFT_SET_CONSTANT : 0) |
	       (set->interval ? (uint32_t)NFT_SET_INTERVAL | NFT_SET_CONCAT : 0) |
	       (set->timed ? (uint32_t)NFT_SET_TIMEOUT : 0);
}

static int put_set_userdata(struct nftnl_set *to, const struct ruleset_set *set)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	if (!userdata)
		return -ENOMEM;
	uint32_t order = set->type_count > 1            ? NFT_BYTEORDER_MIXED
	                 : set->types[0] == TYPE_IFNAME ? NFT_BYTEORDER_HOST
	                                                : NFT_BYTEORDER_NETWORK;
	bool fits = nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_KEYBYTEORDER, order) &&
	            nftnl_udata_put_u32(userdata, NFTNL_UDATA_SET_MERGE_ELEMENTS, 0);
	if (fits && set->comment)
		fits = nftnl_udata_put_strz(userdata, NFTNL_UDATA_SET_COMMENT, set->comment);
	int r = fits ? 0 : -EINVAL;
	if (fits && nftnl_set_set_data(to, NFTNL_SET_USERDATA, nftnl_udata_buf_data(userdata),
	                               nftnl_udata_buf_len(userdata)) < 0)
		r = -ENOMEM;
	nftnl_udata_buf_free(userdata);
	return r;
}

static int fill_set(struct nftnl_set *to, const struct ruleset_set *set, uint32_t id)
{
	// One part alone is a tree of interval ends in the kernel; nothing in the wall is of that kind.
	if (set->interval && set->type_count < 2)
		return -EINVAL;
	if (set->comment && strlen(set->comment) > RULESET_COMMENT_MAX)
		return -EINVAL;
	if (nftnl_set_set_str(to, NFTNL_SET_TABLE, RULESET_TABLE_NAME) < 0 ||
	    nftnl_set_set_str(to, NFTNL_SET_NAME, set->name) < 0)
		return -ENOMEM;
	nftnl_set_set_u32(to, NFTNL_SET_FLAGS, nft_set_flags(set));
	nftnl_set_set_u32(to, NFTNL_SET_KEY_TYPE, nft_key_type(set));
	nftnl_set_set_u32(to, NFTNL_SET_KEY_LEN, (uint32_t)nft_key_length(set));
	nftnl_set_set_u32(to, NFTNL_SET_ID, id);
	if (set->constant || set->size)
		nftnl_set_set_u32(to, NFTNL_SET_DESC_SIZE, set->size ? set->size : (uint32_t)set->count);
	if (set->interval) {
		uint8_t lengths[RULESET_FIELDS_MAX];
		for (size_t i = 0; i < set->type_count; i++)
			lengths[i] = (uint8_t)ruleset_type_size(set->types[i]);
		if (nftnl_set_set_data(to, NFTNL_SET_DESC_CONCAT, lengths, set->type_count) < 0)
			return -ENOMEM;
	}
	if (set->detailed) {
		struct nftnl_expr *counter = nftnl_expr_alloc("counter");
		if (!counter)
			return -ENOMEM;
		nftnl_set_add_expr(to, counter); // for each element one of its own
	}
	return put_set_userdata(to, set);
}

void nft_put_set(struct nft_batch *batch, const struct ruleset_table *table, const struct ruleset_set *set,
                 uint32_t id)
{
	struct nftnl_set *to = nftnl_set_alloc();
	int r = to ? fill_set(to, set, id) : -ENOMEM;
	if (r < 0)
		nft_batch_fail(batch, r);
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE, table, ROOM);
	if (header) {
		nftnl_set_nlmsg_build_payload(header, to);
		nft_batch_add(batch, header,
		              &(struct nft_message){.subject = NFT_SUBJECT_SET, .table = table, .set = set});
	}
	if (to)
		nftnl_set_free(to);
}
