// SPDX-License-Identifier: GPL-2.0-or-later
//
// Table inet leadglass-flow: made, asked for, deleted.
//
//	table inet leadglass-flow {
//		flags owner
//		flowtable flow { hook ingress priority 2147483647; devices = { eth0, eth1 }; }
//		chain forward {
//			type filter hook forward priority 2147483647; policy accept;
//			meta l4proto tcp ct state established flow add @flow
//		}
//	}
//
// Both hooks come last of all, so that nothing is taken over that anybody's chain has dropped.
#include "nft/nft_flowtable.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/problem.h"
#include "nft/nft_attribute.h"
#include "nft/nft_batch.h"
#include "nft/nft_encode.h"
#include "nft/nft_field.h"
#include "nft/nft_refusal.h"
#include "nft/nft_talk.h"

#define ATTEMPTS 8
#define ROOM 1024
#define CHAIN "forward"
#define PROTOCOL_TCP 6
#define LAST INT32_MAX // NF_IP_PRI_LAST

// nft_batch_message takes the family from a table.
static const struct ruleset_table family_inet = {.family = RULESET_INET};
static const struct nft_message subject = {.subject = NFT_SUBJECT_FLOWTABLE, .table = &family_inet};

// ---- as messages ----

void nft_put_flowtable_delete(struct nft_batch *batch)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_DELTABLE, 0, &family_inet, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, NFT_FLOWTABLE_TABLE);
	nft_batch_add(batch, header, &subject);
}

static void put_table(struct nft_batch *batch)
{
	struct nlmsghdr *header =
	        nft_batch_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, &family_inet, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, NFT_FLOWTABLE_TABLE);
	mnl_attr_put_u32(header, NFTA_TABLE_FLAGS, htobe32(NFT_TABLE_F_OWNER));
	nft_batch_add(batch, header, &subject);
}

static void put_hook(struct nlmsghdr *header, uint32_t hook)
{
	mnl_attr_put_u32(header, NFTA_HOOK_HOOKNUM, htobe32(hook));
	mnl_attr_put_u32(header, NFTA_HOOK_PRIORITY, htobe32((uint32_t)LAST));
}

// flowtable flow { hook ingress priority ...; devices = { ... }; }
static void put_flowtable(struct nft_batch *batch, const struct nft_interface *interfaces, size_t count)
{
	// The two have one number, and so have the priorities.
	_Static_assert((int)NFTA_FLOWTABLE_HOOK_NUM == (int)NFTA_HOOK_HOOKNUM &&
	                       (int)NFTA_FLOWTABLE_HOOK_PRIORITY == (int)NFTA_HOOK_PRIORITY,
	               "put_hook serves both");
	const size_t room = ROOM + count * (MNL_ATTR_HDRLEN + sizeof *interfaces);
	struct nlmsghdr *header =
	        nft_batch_message(batch, NFT_MSG_NEWFLOWTABLE, NLM_F_CREATE, &family_inet, room);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_FLOWTABLE_TABLE, NFT_FLOWTABLE_TABLE);
	mnl_attr_put_strz(header, NFTA_FLOWTABLE_NAME, NFT_FLOWTABLE_NAME);
	struct nlattr *hook = mnl_attr_nest_start(header, NFTA_FLOWTABLE_HOOK);
	put_hook(header, NF_NETDEV_INGRESS);
	struct nlattr *devices = mnl_attr_nest_start(header, NFTA_FLOWTABLE_HOOK_DEVS);
	for (size_t i = 0; i < count; i++)
		mnl_attr_put_strz(header, NFTA_DEVICE_NAME, interfaces[i].name);
	mnl_attr_nest_end(header, devices);
	mnl_attr_nest_end(header, hook);
	nft_batch_add(batch, header, &subject);
}

// type filter hook forward priority ...; policy accept;
static void put_chain(struct nft_batch *batch)
{
	struct nlmsghdr *header = nft_batch_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE, &family_inet, ROOM);
	if (!header)
		return;
	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, NFT_FLOWTABLE_TABLE);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, CHAIN);
	mnl_attr_put_u32(header, NFTA_CHAIN_POLICY, htobe32(NF_ACCEPT));
	mnl_attr_put_strz(header, NFTA_CHAIN_TYPE, "filter");
	struct nlattr *hook = mnl_attr_nest_start(header, NFTA_CHAIN_HOOK);
	put_hook(header, NF_INET_FORWARD);
	mnl_attr_nest_end(header, hook);
	nft_batch_add(batch, header, &subject);
}

// meta l4proto tcp ct state established flow add @flow
static int fill_rule(struct nftnl_rule *to)
{
	static const uint32_t established = CT_ESTABLISHED;
	struct ruleset_statement tcp = {.compare = {.field = FIELD_L4PROTO, .value = {PROTOCOL_TCP}}};
	struct ruleset_statement state = {.compare = {.field = FIELD_CT_STATE}};
	struct nft_rule_writer w = {.rule = to};
	memcpy(state.compare.value, &established, sizeof established);
	if (nftnl_rule_set_str(to, NFTNL_RULE_TABLE, NFT_FLOWTABLE_TABLE) < 0 ||
	    nftnl_rule_set_str(to, NFTNL_RULE_CHAIN, CHAIN) < 0)
		return -ENOMEM;
	nft_write_compare(&w, &tcp);
	nft_write_compare(&w, &state);
	struct nftnl_expr *e = nft_write(&w, "flow_offload");
	nft_write_data(&w, e, NFTNL_EXPR_FLOW_TABLE_NAME, NFT_FLOWTABLE_NAME, sizeof NFT_FLOWTABLE_NAME);
	return w.error;
}

static void put_rule(struct nft_batch *batch)
{
	struct nftnl_rule *to = nftnl_rule_alloc();
	int r = to ? fill_rule(to) : -ENOMEM;
	if (r < 0)
		nft_batch_fail(batch, r);
	struct nlmsghdr *header =
	        nft_batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, &family_inet, ROOM);
	if (header) {
		nftnl_rule_nlmsg_build_payload(header, to);
		nft_batch_add(batch, header, &subject);
	}
	if (to)
		nftnl_rule_free(to);
}

// ---- what the kernel has ----

static struct nlmsghdr *request_about(struct nft *nft, struct nft_request *request, uint8_t type)
{
	struct nlmsghdr *header = nft_request(nft, request, type, NLM_F_ACK, AF_UNSPEC);
	struct nfgenmsg *head = mnl_nlmsg_get_payload(header);
	head->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, NFT_FLOWTABLE_TABLE); // 1 in every kind of message
	return header;
}

static int take_table(void *context, const struct nlmsghdr *message)
{
	struct nft_table_state *state = context;
	const struct nlattr *a[NFTA_TABLE_OWNER + 1];
	uint32_t flags = 0;
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), a, NFTA_TABLE_OWNER + 1);
	const char *name = nft_text(a[NFTA_TABLE_NAME]);
	if (!name || strcmp(name, NFT_FLOWTABLE_TABLE) != 0)
		return 0;
	nft_number(a[NFTA_TABLE_FLAGS], &flags);
	*state = (struct nft_table_state){
	        .present = true,
	        .owned = flags & NFT_TABLE_F_OWNER,
	        .persistent = flags & NFT_PERSIST,
	        .dormant = flags & NFT_TABLE_F_DORMANT,
	};
	if (state->owned)
		nft_number(a[NFTA_TABLE_OWNER], &state->owner);
	return 0;
}

int nft_flowtable_read(struct nft *nft, struct nft_table_state *ret)
{
	struct nft_request request;
	*ret = (struct nft_table_state){0};
	int r = nft_ask(nft, request_about(nft, &request, NFT_MSG_GETTABLE), take_table, ret);
	if (r == -ENOENT)
		r = 0;
	ret->mine = ret->owned && ret->owner == nft->io.port(nft->io.context);
	if (r == 0)
		nft->flowtable = ret->mine;
	return r;
}

bool nft_flowtable_goes(const struct nft_table_state *state)
{
	return state->present && (state->mine || !state->owned);
}

bool nft_flowtable_stands(const struct nft *nft)
{
	return nft->flowtable;
}

struct hooks {
	const struct nft_interface *interfaces;
	size_t count, found;
	bool others;
};

static bool is_among(const struct hooks *hooks, const char *name)
{
	for (size_t i = 0; name && i < hooks->count; i++)
		if (strcmp(hooks->interfaces[i].name, name) == 0)
			return true;
	return false;
}

static int take_hooks(void *context, const struct nlmsghdr *message)
{
	struct hooks *hooks = context;
	const struct nlattr *a[NFTA_FLOWTABLE_HOOK + 1], *hook[NFTA_FLOWTABLE_HOOK_DEVS + 1], *device;
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), a, NFTA_FLOWTABLE_HOOK + 1);
	nft_attributes_nested(a[NFTA_FLOWTABLE_HOOK], hook, NFTA_FLOWTABLE_HOOK_DEVS + 1);
	if (!hook[NFTA_FLOWTABLE_HOOK_DEVS])
		return 0;
	mnl_attr_for_each_nested(device, hook[NFTA_FLOWTABLE_HOOK_DEVS])
	{
		if (mnl_attr_get_type(device) != NFTA_DEVICE_NAME || !is_among(hooks, nft_text(device)))
			hooks->others = true;
		hooks->found++;
	}
	return 0;
}

int nft_flowtable_is(struct nft *nft, const struct nft_interface *interfaces, size_t count)
{
	struct hooks hooks = {.interfaces = interfaces, .count = count};
	struct nft_table_state state;
	struct nft_request request;
	int r = nft_flowtable_read(nft, &state);
	if (r < 0 || !state.mine)
		return r;
	struct nlmsghdr *header = request_about(nft, &request, NFT_MSG_GETFLOWTABLE);
	mnl_attr_put_strz(header, NFTA_FLOWTABLE_NAME, NFT_FLOWTABLE_NAME);
	r = nft_ask(nft, header, take_hooks, &hooks);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return hooks.found == count && !hooks.others;
}

// ---- transactions ----

#define AGAIN 1 // no error: ask and write again

static int send_batch(struct nft *nft, struct nft_batch *batch, struct problems *problems)
{
	struct nft_refusal refusal = {0};
	int r = nft_batch_end(batch);
	if (r == 0) {
		r = nft_send(nft, batch->data.data, batch->data.size, batch->first,
		             batch->first + (uint32_t)batch->count - 2, &refusal);
		nft->sequence = batch->first + (uint32_t)batch->count - 1;
	}
	// Done or not is asked; somebody's table of that name has come or gone.
	if (r == -ENOBUFS || (r == -EBADMSG && (refusal.error == ERESTART || refusal.error == EAGAIN ||
	                                        refusal.error == EEXIST)))
		return AGAIN;
	if (r == -EBADMSG) {
		nft_refusal_report(batch, &refusal, problems);
		return -refusal.error;
	}
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL,
		             "cannot send the flow table to the kernel: %s", strerror(-r));
	return r;
}

// Deletes what is there, and with interfaces makes it anew.
static int change_once(struct nft *nft, const struct nft_interface *interfaces, size_t count,
                       struct problems *problems)
{
	struct nft_table_state state;
	struct nft_batch batch;
	int r = nft_flowtable_read(nft, &state);
	if (r < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read the flow table: %s",
		             strerror(-r));
		return r;
	}
	if (state.owned && !state.mine && count) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "end that process",
		             "table inet " NFT_FLOWTABLE_TABLE " belongs to another process (netlink port %u)",
		             (unsigned)state.owner);
		return -EPERM;
	}
	if (!count && !nft_flowtable_goes(&state))
		return 0;
	nft_batch_begin(&batch, nft->sequence + 1, 0);
	if (nft_flowtable_goes(&state))
		nft_put_flowtable_delete(&batch);
	if (count) {
		put_table(&batch);
		put_flowtable(&batch, interfaces, count);
		put_chain(&batch);
		put_rule(&batch);
	}
	r = send_batch(nft, &batch, problems);
	nft_batch_fini(&batch);
	if (r == 0)
		nft->flowtable = count > 0;
	return r;
}

static int change(struct nft *nft, const struct nft_interface *interfaces, size_t count,
                  struct problems *problems)
{
	int r = AGAIN;
	for (unsigned i = 0; r == AGAIN && i < ATTEMPTS; i++)
		r = change_once(nft, interfaces, count, problems);
	if (r != AGAIN)
		return r;
	problem_add(problems, PROBLEM_ERROR, 0, 0, "another program keeps changing the flow table", NULL);
	return -EBUSY;
}

int nft_flowtable_put(struct nft *nft, const struct nft_interface *interfaces, size_t count,
                      struct problems *problems)
{
	return count ? change(nft, interfaces, count, problems) : -EINVAL;
}

int nft_flowtable_remove(struct nft *nft, struct problems *problems)
{
	return change(nft, NULL, 0, problems);
}

bool nft_flowtable_lacks(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP || error == -EPROTONOSUPPORT || error == -EAFNOSUPPORT;
}
