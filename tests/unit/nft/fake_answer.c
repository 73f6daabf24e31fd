// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_answer.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nft/nft_attribute.h"
#include "nft/nft_flowtable.h"

#define ATTRIBUTES 32

void *fake_must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

uint16_t fake_type(const struct nlmsghdr *message)
{
	return message->nlmsg_type & 0xff;
}

uint8_t fake_family(const struct nlmsghdr *message)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	return head->nfgen_family;
}

const struct nlattr *fake_attribute(const struct nlmsghdr *message, unsigned type)
{
	const struct nlattr *table[ATTRIBUTES];
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), table, ATTRIBUTES);
	return table[type];
}

bool fake_same_attribute(const struct nlmsghdr *a, unsigned a_type, const struct nlmsghdr *b, unsigned b_type)
{
	const struct nlattr *x = fake_attribute(a, a_type), *y = fake_attribute(b, b_type);
	return x && y && x->nla_len == y->nla_len &&
	       memcmp(mnl_attr_get_payload(x), mnl_attr_get_payload(y), mnl_attr_get_payload_len(x)) == 0;
}

void fake_drop_replies(struct fake_kernel *kernel)
{
	for (size_t i = kernel->reply_at; i < kernel->reply_count; i++)
		free(kernel->replies[i].data);
	kernel->reply_count = kernel->reply_at = 0;
}

static void answer(struct fake_kernel *kernel, const void *data, size_t size)
{
	if (kernel->reply_count == kernel->reply_capacity) {
		kernel->reply_capacity = kernel->reply_capacity * 2 + 16;
		kernel->replies =
		        fake_must(realloc(kernel->replies, kernel->reply_capacity * sizeof *kernel->replies));
	}
	void *copy = fake_must(malloc(size));
	memcpy(copy, data, size);
	kernel->replies[kernel->reply_count++] = (struct fake_reply){copy, size};
}

void fake_answer_error(struct fake_kernel *kernel, const struct nlmsghdr *message, int error, bool extended)
{
	_Alignas(struct nlmsghdr) char data[512] = {0};
	struct nlmsghdr *reply = mnl_nlmsg_put_header(data);
	reply->nlmsg_type = NLMSG_ERROR;
	reply->nlmsg_seq = message->nlmsg_seq;
	reply->nlmsg_pid = FAKE_PORT;
	reply->nlmsg_flags = NLM_F_CAPPED;
	struct nlmsgerr *body = mnl_nlmsg_put_extra_header(reply, sizeof *body);
	body->error = -error;
	body->msg = *message;
	if (extended) {
		reply->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(reply, NLMSGERR_ATTR_MSG, kernel->refuse_text);
		mnl_attr_put_u32(reply, NLMSGERR_ATTR_OFFS, kernel->refuse_offset);
	}
	answer(kernel, data, reply->nlmsg_len);
}

static void answer_done(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
	_Alignas(struct nlmsghdr) char data[64] = {0};
	struct nlmsghdr *reply = mnl_nlmsg_put_header(data);
	reply->nlmsg_type = NLMSG_DONE;
	reply->nlmsg_flags = NLM_F_MULTI;
	reply->nlmsg_seq = request->nlmsg_seq;
	reply->nlmsg_pid = FAKE_PORT;
	*(int32_t *)mnl_nlmsg_put_extra_header(reply, sizeof(int32_t)) = 0;
	answer(kernel, data, reply->nlmsg_len);
}

// A question that has one number for an answer.
static void answer_number(struct fake_kernel *kernel, const struct nlmsghdr *request, unsigned type,
                          uint16_t attribute, uint32_t number)
{
	_Alignas(struct nlmsghdr) char data[64] = {0};
	struct nlmsghdr *reply = mnl_nlmsg_put_header(data);
	reply->nlmsg_type = (uint16_t)type;
	reply->nlmsg_seq = request->nlmsg_seq;
	reply->nlmsg_pid = FAKE_PORT;
	mnl_nlmsg_put_extra_header(reply, sizeof(struct nfgenmsg));
	mnl_attr_put_u32(reply, attribute, htobe32(number));
	answer(kernel, data, reply->nlmsg_len);
	fake_answer_error(kernel, request, 0, false);
}

void fake_answer_generation(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
	answer_number(kernel, request, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, NFTA_GEN_ID,
	              kernel->generation);
}

static uint16_t shown_as(uint16_t get)
{
	return get - 1; // NFT_MSG_GETX follows NFT_MSG_NEWX
}

static bool is_asked(const struct nlmsghdr *request, const struct nlmsghdr *m)
{
	bool everybody = fake_family(request) == NFPROTO_UNSPEC;
	if (fake_type(m) != shown_as(fake_type(request)) ||
	    (!everybody && fake_family(m) != fake_family(request)))
		return false;
	return fake_type(m) != NFT_MSG_NEWSETELEM ||
	       fake_same_attribute(m, NFTA_SET_ELEM_LIST_SET, request, NFTA_SET_ELEM_LIST_SET);
}

static uint32_t owner_of(const struct fake_kernel *kernel, const struct nlmsghdr *table)
{
	const char *name = nft_text(fake_attribute(table, NFTA_TABLE_NAME));
	uint32_t owner = name && strcmp(name, NFT_FLOWTABLE_TABLE) == 0 ? kernel->owner_of_flow : kernel->owner;
	return owner ? owner : FAKE_PORT;
}

void fake_answer_objects(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
	bool dump = request->nlmsg_flags & NLM_F_DUMP, any = false;
	bool interrupted = dump && kernel->dumps_interrupted && kernel->dumps_interrupted--;
	if (fake_type(request) == NFT_MSG_GETRULE && kernel->changes) {
		kernel->changes--;
		kernel->generation++;
	}
	for (size_t i = 0; i < kernel->count; i++) {
		const struct nlmsghdr *m = kernel->objects[i].message;
		if (!is_asked(request, m))
			continue;
		struct nlmsghdr *copy = fake_must(calloc(1, m->nlmsg_len + 8));
		memcpy(copy, m, m->nlmsg_len);
		copy->nlmsg_seq = request->nlmsg_seq;
		copy->nlmsg_pid = FAKE_PORT;
		copy->nlmsg_flags = dump ? NLM_F_MULTI : 0;
		if (interrupted)
			copy->nlmsg_flags |= NLM_F_DUMP_INTR;
		if (fake_type(m) == NFT_MSG_NEWTABLE)
			mnl_attr_put_u32(copy, NFTA_TABLE_OWNER, htobe32(owner_of(kernel, m)));
		answer(kernel, copy, copy->nlmsg_len);
		free(copy);
		any = true;
	}
	if (dump)
		answer_done(kernel, request);
	else
		fake_answer_error(kernel, request, any ? 0 : ENOENT, false);
}

// Gives out the entries it was given, and writes down what is then asked for.
void fake_answer_conntrack(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
	unsigned type = fake_type(request);
	if (type == IPCTNL_MSG_CT_GET && kernel->entries_error) {
		fake_answer_error(kernel, request, kernel->entries_error, false);
		return;
	}
	if (type == IPCTNL_MSG_CT_GET_STATS) {
		answer_number(kernel, request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS,
		              CTA_STATS_GLOBAL_ENTRIES,
		              kernel->entries_error ? 1 : (uint32_t)kernel->entry_count);
		return;
	}
	if (type != IPCTNL_MSG_CT_GET) {
		if (kernel->ct_request_count < FAKE_CT_REQUESTS)
			memcpy(kernel->ct_requests[kernel->ct_request_count], request, request->nlmsg_len);
		kernel->ct_request_count++;
		bool deletes = type == IPCTNL_MSG_CT_DELETE;
		fake_answer_error(kernel, request, deletes ? kernel->ct_delete_error : kernel->ct_new_error,
		                  false);
		return;
	}
	for (size_t i = 0; i < kernel->entry_count; i++) {
		struct nlmsghdr *copy = fake_must(malloc(kernel->entries[i]->nlmsg_len));
		memcpy(copy, kernel->entries[i], kernel->entries[i]->nlmsg_len);
		copy->nlmsg_seq = request->nlmsg_seq;
		copy->nlmsg_pid = FAKE_PORT;
		answer(kernel, copy, copy->nlmsg_len);
		free(copy);
	}
	answer_done(kernel, request);
}
