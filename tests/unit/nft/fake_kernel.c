// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_kernel.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nft/nft_attribute.h"

struct fake_object {
	struct nlmsghdr *message;
};

struct fake_reply {
	void *data;
	size_t size;
};

#define ATTRIBUTES 32
#define HANDLE_ROOM 16

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

void fake_init(struct fake_kernel *kernel)
{
	*kernel = (struct fake_kernel){.generation = 7, .next_handle = 100};
}

static void drop(struct fake_kernel *kernel, size_t i)
{
	free(kernel->objects[i].message);
	memmove(&kernel->objects[i], &kernel->objects[i + 1], (--kernel->count - i) * sizeof *kernel->objects);
}

static void drop_replies(struct fake_kernel *kernel)
{
	for (size_t i = kernel->reply_at; i < kernel->reply_count; i++)
		free(kernel->replies[i].data);
	kernel->reply_count = kernel->reply_at = 0;
}

void fake_fini(struct fake_kernel *kernel)
{
	while (kernel->count)
		drop(kernel, kernel->count - 1);
	drop_replies(kernel);
	free(kernel->objects);
	free(kernel->replies);
}

static uint16_t type_of(const struct nlmsghdr *message)
{
	return message->nlmsg_type & 0xff;
}

static uint8_t family_of(const struct nlmsghdr *message)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	return head->nfgen_family;
}

static const struct nlattr *attribute(const struct nlmsghdr *message, unsigned type)
{
	const struct nlattr *table[ATTRIBUTES];
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), table, ATTRIBUTES);
	return table[type];
}

static bool same_attribute(const struct nlmsghdr *a, unsigned a_type, const struct nlmsghdr *b, unsigned b_type)
{
	const struct nlattr *x = attribute(a, a_type), *y = attribute(b, b_type);
	return x && y && x->nla_len == y->nla_len &&
	       memcmp(mnl_attr_get_payload(x), mnl_attr_get_payload(y), mnl_attr_get_payload_len(x)) == 0;
}

// ---- what is kept ----

static void keep(struct fake_kernel *kernel, const struct nlmsghdr *message, unsigned handle_type)
{
	struct nlmsghdr *copy = must(calloc(1, message->nlmsg_len + HANDLE_ROOM));
	memcpy(copy, message, message->nlmsg_len);
	if (handle_type)
		mnl_attr_put_u64(copy, (uint16_t)handle_type, htobe64(kernel->next_handle++));
	if (kernel->count == kernel->capacity) {
		kernel->capacity = kernel->capacity * 2 + 16;
		kernel->objects = must(realloc(kernel->objects, kernel->capacity * sizeof *kernel->objects));
	}
	kernel->objects[kernel->count++].message = copy;
}

// The kept message of the same kind, family and name; NULL when there is none.
static struct nlmsghdr *find(struct fake_kernel *kernel, const struct nlmsghdr *like, unsigned name)
{
	for (size_t i = 0; i < kernel->count; i++) {
		struct nlmsghdr *m = kernel->objects[i].message;
		if (type_of(m) == type_of(like) && family_of(m) == family_of(like) &&
		    same_attribute(m, name, like, name))
			return m;
	}
	return NULL;
}

static void overwrite(struct nlmsghdr *kept, const struct nlmsghdr *with, unsigned type)
{
	const struct nlattr *from = attribute(with, type), *to = attribute(kept, type);
	if (from && to)
		memcpy(mnl_attr_get_payload(to), mnl_attr_get_payload(from), mnl_attr_get_payload_len(to));
}

static void drop_where(struct fake_kernel *kernel, uint16_t type, const struct nlmsghdr *like,
                       unsigned kept_type, unsigned like_type)
{
	for (size_t i = kernel->count; i-- > 0;) {
		const struct nlmsghdr *m = kernel->objects[i].message;
		if (type_of(m) == type && family_of(m) == family_of(like) &&
		    (kept_type == 0 || same_attribute(m, kept_type, like, like_type)))
			drop(kernel, i);
	}
}

static bool has_key(const struct nlattr *list, const struct nlattr *element)
{
	const struct nlattr *other, *a[NFTA_SET_ELEM_KEY + 1], *b[NFTA_SET_ELEM_KEY + 1];
	nft_attributes_nested(element, a, NFTA_SET_ELEM_KEY + 1);
	mnl_attr_for_each_nested(other, list)
	{
		nft_attributes_nested(other, b, NFTA_SET_ELEM_KEY + 1);
		if (a[NFTA_SET_ELEM_KEY]->nla_len == b[NFTA_SET_ELEM_KEY]->nla_len &&
		    memcmp(a[NFTA_SET_ELEM_KEY], b[NFTA_SET_ELEM_KEY], a[NFTA_SET_ELEM_KEY]->nla_len) == 0)
			return true;
	}
	return false;
}

// Writes the kept element message anew without the listed ones.
static void cut_elements(struct fake_object *object, const struct nlattr *list)
{
	struct nlmsghdr *old = object->message, *now = must(calloc(1, old->nlmsg_len + HANDLE_ROOM));
	const struct nlattr *element, *elements = attribute(old, NFTA_SET_ELEM_LIST_ELEMENTS);
	memcpy(now, old, sizeof *old + sizeof(struct nfgenmsg));
	now->nlmsg_len = sizeof *old + sizeof(struct nfgenmsg);
	mnl_attr_put_strz(now, NFTA_SET_ELEM_LIST_TABLE,
	                  mnl_attr_get_str(attribute(old, NFTA_SET_ELEM_LIST_TABLE)));
	mnl_attr_put_strz(now, NFTA_SET_ELEM_LIST_SET,
	                  mnl_attr_get_str(attribute(old, NFTA_SET_ELEM_LIST_SET)));
	struct nlattr *nest = mnl_attr_nest_start(now, NFTA_SET_ELEM_LIST_ELEMENTS);
	mnl_attr_for_each_nested(element, elements)
	{
		if (!has_key(list, element))
			mnl_attr_put(now, element->nla_type, mnl_attr_get_payload_len(element),
			             mnl_attr_get_payload(element));
	}
	mnl_attr_nest_end(now, nest);
	object->message = now;
	free(old);
}

static void remove_elements(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	const struct nlattr *list = attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	if (!list) {
		drop_where(kernel, NFT_MSG_NEWSETELEM, message, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_SET);
		return;
	}
	for (size_t i = 0; i < kernel->count; i++) {
		struct nlmsghdr *m = kernel->objects[i].message;
		if (type_of(m) == NFT_MSG_NEWSETELEM && family_of(m) == family_of(message) &&
		    same_attribute(m, NFTA_SET_ELEM_LIST_SET, message, NFTA_SET_ELEM_LIST_SET))
			cut_elements(&kernel->objects[i], list);
	}
}

static int delete_set(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	for (size_t i = 0; i < kernel->count; i++) {
		struct nlmsghdr *m = kernel->objects[i].message;
		if (type_of(m) != NFT_MSG_NEWSET || family_of(m) != family_of(message) ||
		    !same_attribute(m, NFTA_SET_HANDLE, message, NFTA_SET_HANDLE))
			continue;
		drop_where(kernel, NFT_MSG_NEWSETELEM, m, NFTA_SET_ELEM_LIST_SET, NFTA_SET_NAME);
		for (size_t k = 0; k < kernel->count; k++)
			if (kernel->objects[k].message == m)
				drop(kernel, k--);
		return 0;
	}
	return ENOENT;
}

static int work(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	struct nlmsghdr *kept;
	uint32_t flags = 0;
	switch (type_of(message)) {
	case NFT_MSG_NEWTABLE:
		nft_number(attribute(message, NFTA_TABLE_FLAGS), &flags);
		if (kernel->no_persist && flags & 0x4)
			return EOPNOTSUPP;
		kept = find(kernel, message, NFTA_TABLE_NAME);
		if (kept)
			overwrite(kept, message, NFTA_TABLE_FLAGS);
		else
			keep(kernel, message, 0);
		return 0;
	case NFT_MSG_NEWCHAIN:
		kept = find(kernel, message, NFTA_CHAIN_NAME);
		if (kept)
			overwrite(kept, message, NFTA_CHAIN_POLICY);
		else
			keep(kernel, message, NFTA_CHAIN_HANDLE);
		return 0;
	case NFT_MSG_NEWSET:
		if (find(kernel, message, NFTA_SET_NAME))
			return EEXIST;
		keep(kernel, message, NFTA_SET_HANDLE);
		return 0;
	case NFT_MSG_NEWRULE:
		keep(kernel, message, NFTA_RULE_HANDLE);
		return 0;
	case NFT_MSG_NEWSETELEM:
		keep(kernel, message, 0);
		return 0;
	case NFT_MSG_DELTABLE:
		for (size_t i = kernel->count; i-- > 0;)
			if (family_of(kernel->objects[i].message) == family_of(message))
				drop(kernel, i);
		return 0;
	case NFT_MSG_DELRULE:
		drop_where(kernel, NFT_MSG_NEWRULE, message, 0, 0);
		return 0;
	case NFT_MSG_DELCHAIN:
		drop_where(kernel, NFT_MSG_NEWCHAIN, message, NFTA_CHAIN_HANDLE, NFTA_CHAIN_HANDLE);
		return 0;
	case NFT_MSG_DELSET:
		return delete_set(kernel, message);
	case NFT_MSG_DELSETELEM:
		remove_elements(kernel, message);
		return 0;
	}
	return EINVAL;
}

// ---- answers ----

static void answer(struct fake_kernel *kernel, const void *data, size_t size)
{
	if (kernel->reply_count == kernel->reply_capacity) {
		kernel->reply_capacity = kernel->reply_capacity * 2 + 16;
		kernel->replies =
		        must(realloc(kernel->replies, kernel->reply_capacity * sizeof *kernel->replies));
	}
	void *copy = must(malloc(size));
	memcpy(copy, data, size);
	kernel->replies[kernel->reply_count++] = (struct fake_reply){copy, size};
}

static void answer_error(struct fake_kernel *kernel, const struct nlmsghdr *message, int error, bool extended)
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
	answer_error(kernel, request, 0, false);
}

static uint16_t shown_as(uint16_t get)
{
	return get - 1; // NFT_MSG_GETX follows NFT_MSG_NEWX
}

static bool is_asked(const struct nlmsghdr *request, const struct nlmsghdr *m)
{
	if (type_of(m) != shown_as(type_of(request)) || family_of(m) != family_of(request))
		return false;
	return type_of(m) != NFT_MSG_NEWSETELEM ||
	       same_attribute(m, NFTA_SET_ELEM_LIST_SET, request, NFTA_SET_ELEM_LIST_SET);
}

static void answer_objects(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
	bool dump = request->nlmsg_flags & NLM_F_DUMP, any = false;
	bool interrupted = dump && kernel->dumps_interrupted && kernel->dumps_interrupted--;
	if (type_of(request) == NFT_MSG_GETRULE && kernel->changes) {
		kernel->changes--;
		kernel->generation++;
	}
	for (size_t i = 0; i < kernel->count; i++) {
		const struct nlmsghdr *m = kernel->objects[i].message;
		if (!is_asked(request, m))
			continue;
		struct nlmsghdr *copy = must(calloc(1, m->nlmsg_len + 8));
		memcpy(copy, m, m->nlmsg_len);
		copy->nlmsg_seq = request->nlmsg_seq;
		copy->nlmsg_pid = FAKE_PORT;
		copy->nlmsg_flags = dump ? NLM_F_MULTI : 0;
		if (interrupted)
			copy->nlmsg_flags |= NLM_F_DUMP_INTR;
		if (type_of(m) == NFT_MSG_NEWTABLE)
			mnl_attr_put_u32(copy, NFTA_TABLE_OWNER,
			                 htobe32(kernel->owner ? kernel->owner : FAKE_PORT));
		answer(kernel, copy, copy->nlmsg_len);
		free(copy);
		any = true;
	}
	if (dump)
		answer_done(kernel, request);
	else
		answer_error(kernel, request, any ? 0 : ENOENT, false);
}

static size_t copy_objects(const struct fake_kernel *from, struct fake_object **ret)
{
	*ret = must(calloc(from->capacity + 1, sizeof **ret));
	for (size_t i = 0; i < from->count; i++) {
		size_t size = from->objects[i].message->nlmsg_len;
		(*ret)[i].message = must(calloc(1, size + HANDLE_ROOM));
		memcpy((*ret)[i].message, from->objects[i].message, size);
	}
	return from->count;
}

static void lose_last_rule(struct fake_kernel *kernel)
{
	for (size_t i = kernel->count; i-- > 0;)
		if (type_of(kernel->objects[i].message) == NFT_MSG_NEWRULE) {
			drop(kernel, i);
			return;
		}
}

static void take_batch(struct fake_kernel *kernel, const struct nlmsghdr *begin, int left)
{
	uint32_t generation = 0;
	kernel->batches++;
	if (kernel->silent)
		return;
	if (kernel->races) {
		kernel->races--;
		kernel->generation++;
	}
	if (nft_number(attribute(begin, NFNL_BATCH_GENID), &generation) && generation != kernel->generation) {
		answer_error(kernel, begin, ERESTART, false);
		return;
	}
	struct fake_object *before;
	size_t count = copy_objects(kernel, &before), capacity = kernel->capacity;
	bool failed = false, ended = false;
	unsigned nth = 0;
	const struct nlmsghdr *m = mnl_nlmsg_next(begin, &left);
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
		if (m->nlmsg_type == NFNL_MSG_BATCH_END) {
			ended = true;
			break;
		}
		bool wanted =
		        kernel->refuse && type_of(m) == kernel->refuse_type && nth++ == kernel->refuse_nth;
		int error = wanted ? kernel->refuse_error : work(kernel, m);
		failed = failed || error;
		if (error || m->nlmsg_flags & NLM_F_ACK)
			answer_error(kernel, m, error, wanted && kernel->refuse_text);
	}
	struct fake_object *gone = before;
	size_t gone_count = count;
	if (failed || !ended) {
		gone = kernel->objects;
		gone_count = kernel->count;
		kernel->objects = before;
		kernel->count = count;
		kernel->capacity = capacity;
	} else {
		kernel->commits++;
		kernel->generation++;
		if (kernel->alter)
			lose_last_rule(kernel);
	}
	for (size_t i = 0; i < gone_count; i++)
		free(gone[i].message);
	free(gone);
	if (kernel->lose_answer) {
		drop_replies(kernel);
		kernel->lose_answer = false;
		kernel->receive_fail_at = kernel->receives + 1;
		kernel->receive_error = ENOBUFS;
	}
}

// Gives out the entries it was given, and writes down what is then asked for.
static void answer_conntrack(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
	unsigned type = type_of(request);
	if (type == IPCTNL_MSG_CT_GET && kernel->entries_error) {
		answer_error(kernel, request, kernel->entries_error, false);
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
		answer_error(kernel, request, deletes ? kernel->ct_delete_error : kernel->ct_new_error, false);
		return;
	}
	for (size_t i = 0; i < kernel->entry_count; i++) {
		struct nlmsghdr *copy = must(malloc(kernel->entries[i]->nlmsg_len));
		memcpy(copy, kernel->entries[i], kernel->entries[i]->nlmsg_len);
		copy->nlmsg_seq = request->nlmsg_seq;
		copy->nlmsg_pid = FAKE_PORT;
		answer(kernel, copy, copy->nlmsg_len);
		free(copy);
	}
	answer_done(kernel, request);
}

static ssize_t take(struct fake_kernel *kernel, const struct nlmsghdr *message, size_t size)
{
	kernel->sends++;
	if (kernel->send_interrupted) {
		kernel->send_interrupted--;
		errno = EINTR;
		return -1;
	}
	if (kernel->send_error) {
		errno = kernel->send_error;
		return -1;
	}
	if (message->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		take_batch(kernel, message, (int)size);
	else if (message->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK)
		answer_conntrack(kernel, message);
	else if (type_of(message) == NFT_MSG_GETGEN)
		answer_number(kernel, message, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, NFTA_GEN_ID,
		              kernel->generation);
	else
		answer_objects(kernel, message);
	return (ssize_t)size;
}

static ssize_t fake_send(void *context, const void *data, size_t size)
{
	struct fake_kernel *kernel = context;
	if (kernel->inside)
		*kernel->inside = true;
	ssize_t r = take(kernel, data, size);
	if (kernel->inside)
		*kernel->inside = false;
	return r;
}

static ssize_t give(struct fake_kernel *kernel, void *data, size_t size)
{
	kernel->receives++;
	if (kernel->receive_interrupted) {
		kernel->receive_interrupted--;
		kernel->receives--;
		errno = EINTR;
		return -1;
	}
	if (kernel->receive_fail_at == kernel->receives && kernel->receive_error) {
		errno = kernel->receive_error;
		return -1;
	}
	if (kernel->reply_at == kernel->reply_count) {
		errno = EAGAIN;
		return -1;
	}
	struct fake_reply *reply = &kernel->replies[kernel->reply_at++];
	const void *from = reply->data;
	size_t length = reply->size;
	if (kernel->receive_fail_at == kernel->receives && kernel->garbage) {
		from = kernel->garbage;
		length = kernel->garbage_size;
	}
	memcpy(data, from, length < size ? length : size);
	free(reply->data);
	return (ssize_t)length;
}

static ssize_t fake_receive(void *context, void *data, size_t size, bool wait)
{
	struct fake_kernel *kernel = context;
	(void)wait;
	if (kernel->inside)
		*kernel->inside = true;
	ssize_t r = give(kernel, data, size);
	if (kernel->inside)
		*kernel->inside = false;
	return r;
}

static int fake_room(void *context, size_t size)
{
	struct fake_kernel *kernel = context;
	kernel->room_asked = size;
	return kernel->room_error;
}

static uint32_t fake_port(void *context)
{
	(void)context;
	return FAKE_PORT;
}

static void fake_close(void *context)
{
	((struct fake_kernel *)context)->closed = true;
}

struct nft_io fake_io(struct fake_kernel *kernel)
{
	return (struct nft_io){.send = fake_send,
	                       .receive = fake_receive,
	                       .room = fake_room,
	                       .port = fake_port,
	                       .close = fake_close,
	                       .context = kernel};
}

size_t fake_count(const struct fake_kernel *kernel, uint16_t type)
{
	size_t count = 0;
	for (size_t i = 0; i < kernel->count; i++)
		count += type_of(kernel->objects[i].message) == type;
	return count;
}

struct nlmsghdr *fake_message(const struct fake_kernel *kernel, uint16_t type, size_t nth)
{
	for (size_t i = 0; i < kernel->count; i++)
		if (type_of(kernel->objects[i].message) == type && nth-- == 0)
			return kernel->objects[i].message;
	return NULL;
}

void fake_add(struct fake_kernel *kernel, const void *message)
{
	keep(kernel, message, 0);
	kernel->generation++;
}

void fake_set_table_flags(struct fake_kernel *kernel, uint32_t flags)
{
	uint32_t value = htobe32(flags);
	for (size_t i = 0; i < kernel->count; i++)
		if (type_of(kernel->objects[i].message) == NFT_MSG_NEWTABLE)
			memcpy(mnl_attr_get_payload(attribute(kernel->objects[i].message, NFTA_TABLE_FLAGS)),
			       &value, sizeof value);
}
