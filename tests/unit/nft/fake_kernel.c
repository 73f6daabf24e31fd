// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_kernel.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "fake_answer.h"
#include "nft/nft_attribute.h"

#define HANDLE_ROOM 16

void fake_init(struct fake_kernel *kernel)
{
	*kernel = (struct fake_kernel){.generation = 7, .next_handle = 100};
}

static void drop(struct fake_kernel *kernel, size_t i)
{
	free(kernel->objects[i].message);
	memmove(&kernel->objects[i], &kernel->objects[i + 1], (--kernel->count - i) * sizeof *kernel->objects);
}

void fake_fini(struct fake_kernel *kernel)
{
	while (kernel->count)
		drop(kernel, kernel->count - 1);
	fake_drop_replies(kernel);
	free(kernel->objects);
	free(kernel->replies);
}

// ---- what is kept ----

static void keep(struct fake_kernel *kernel, const struct nlmsghdr *message, unsigned handle_type)
{
	struct nlmsghdr *copy = fake_must(calloc(1, message->nlmsg_len + HANDLE_ROOM));
	memcpy(copy, message, message->nlmsg_len);
	if (handle_type)
		mnl_attr_put_u64(copy, (uint16_t)handle_type, htobe64(kernel->next_handle++));
	if (kernel->count == kernel->capacity) {
		kernel->capacity = kernel->capacity * 2 + 16;
		kernel->objects =
		        fake_must(realloc(kernel->objects, kernel->capacity * sizeof *kernel->objects));
	}
	kernel->objects[kernel->count++].message = copy;
}

// The kept message of the same kind, table and name; NULL when there is none.
static struct nlmsghdr *find(struct fake_kernel *kernel, const struct nlmsghdr *like, unsigned name)
{
	for (size_t i = 0; i < kernel->count; i++) {
		struct nlmsghdr *m = kernel->objects[i].message;
		if (fake_type(m) == fake_type(like) && fake_family(m) == fake_family(like) &&
		    fake_same_attribute(m, NFTA_TABLE_NAME, like, NFTA_TABLE_NAME) && // 1 in all of them
		    fake_same_attribute(m, name, like, name))
			return m;
	}
	return NULL;
}

static void overwrite(struct nlmsghdr *kept, const struct nlmsghdr *with, unsigned type)
{
	const struct nlattr *from = fake_attribute(with, type), *to = fake_attribute(kept, type);
	if (from && to)
		memcpy(mnl_attr_get_payload(to), mnl_attr_get_payload(from), mnl_attr_get_payload_len(to));
}

static void drop_where(struct fake_kernel *kernel, uint16_t type, const struct nlmsghdr *like,
                       unsigned kept_type, unsigned like_type)
{
	for (size_t i = kernel->count; i-- > 0;) {
		const struct nlmsghdr *m = kernel->objects[i].message;
		if (fake_type(m) == type && fake_family(m) == fake_family(like) &&
		    (kept_type == 0 || fake_same_attribute(m, kept_type, like, like_type)))
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

// A message of elements like `old`, with room for `room` octets more and the list of elements begun.
static struct nlmsghdr *start_elements(const struct nlmsghdr *old, size_t room, struct nlattr **ret_list)
{
	struct nlmsghdr *now = fake_must(calloc(1, old->nlmsg_len + HANDLE_ROOM + room));
	memcpy(now, old, sizeof *old + sizeof(struct nfgenmsg));
	now->nlmsg_len = sizeof *old + sizeof(struct nfgenmsg);
	mnl_attr_put_strz(now, NFTA_SET_ELEM_LIST_TABLE,
	                  mnl_attr_get_str(fake_attribute(old, NFTA_SET_ELEM_LIST_TABLE)));
	mnl_attr_put_strz(now, NFTA_SET_ELEM_LIST_SET,
	                  mnl_attr_get_str(fake_attribute(old, NFTA_SET_ELEM_LIST_SET)));
	*ret_list = mnl_attr_nest_start(now, NFTA_SET_ELEM_LIST_ELEMENTS);
	return now;
}

// Writes the kept element message anew without the listed ones; how many these are.
static size_t cut_elements(struct fake_object *object, const struct nlattr *list)
{
	struct nlmsghdr *old = object->message;
	const struct nlattr *element, *elements = fake_attribute(old, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *nest;
	struct nlmsghdr *now = start_elements(old, 0, &nest);
	size_t cut = 0;
	mnl_attr_for_each_nested(element, elements)
	{
		if (has_key(list, element))
			cut++;
		else
			mnl_attr_put(now, element->nla_type, mnl_attr_get_payload_len(element),
			             mnl_attr_get_payload(element));
	}
	mnl_attr_nest_end(now, nest);
	object->message = now;
	free(old);
	return cut;
}

static bool same_set(const struct nlmsghdr *kept, const struct nlmsghdr *message)
{
	return fake_type(kept) == NFT_MSG_NEWSETELEM && fake_family(kept) == fake_family(message) &&
	       fake_same_attribute(kept, NFTA_SET_ELEM_LIST_SET, message, NFTA_SET_ELEM_LIST_SET);
}

static int remove_elements(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	const struct nlattr *list = fake_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS), *element;
	size_t listed = 0, cut = 0;
	if (!list) {
		drop_where(kernel, NFT_MSG_NEWSETELEM, message, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_SET);
		return 0;
	}
	mnl_attr_for_each_nested(element, list)
	{
		listed++;
	}
	for (size_t i = 0; i < kernel->count; i++)
		if (same_set(kernel->objects[i].message, message))
			cut += cut_elements(&kernel->objects[i], list);
	return cut == listed ? 0 : ENOENT;
}

static bool is_kept(const struct fake_kernel *kernel, const struct nlmsghdr *message,
                    const struct nlattr *element)
{
	for (size_t i = 0; i < kernel->count; i++)
		if (same_set(kernel->objects[i].message, message) &&
		    has_key(fake_attribute(kernel->objects[i].message, NFTA_SET_ELEM_LIST_ELEMENTS), element))
			return true;
	return false;
}

// Elements with a timeout are shown with what is left of it; of one that is there already nothing is changed.
static void keep_timed(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	const struct nlattr *element, *list = fake_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *nest;
	struct nlmsghdr *now = start_elements(message, message->nlmsg_len, &nest);
	mnl_attr_for_each_nested(element, list)
	{
		const struct nlattr *part, *parts[NFTA_SET_ELEM_TIMEOUT + 1];
		uint64_t ms;
		nft_attributes_nested(element, parts, NFTA_SET_ELEM_TIMEOUT + 1);
		if (is_kept(kernel, message, element))
			continue;
		struct nlattr *copy = mnl_attr_nest_start(now, NFTA_LIST_ELEM);
		mnl_attr_for_each_nested(part, element)
		{
			mnl_attr_put(now, part->nla_type, mnl_attr_get_payload_len(part),
			             mnl_attr_get_payload(part));
		}
		if (nft_number64(parts[NFTA_SET_ELEM_TIMEOUT], &ms))
			mnl_attr_put_u64(now, NFTA_SET_ELEM_EXPIRATION, htobe64(ms));
		mnl_attr_nest_end(now, copy);
	}
	mnl_attr_nest_end(now, nest);
	keep(kernel, now, 0);
	free(now);
}

static void add_elements(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	const struct nlattr *parts[NFTA_SET_ELEM_TIMEOUT + 1];
	const struct nlattr *list = fake_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	nft_attributes_nested(list ? mnl_attr_get_payload(list) : NULL, parts, NFTA_SET_ELEM_TIMEOUT + 1);
	if (parts[NFTA_SET_ELEM_TIMEOUT])
		keep_timed(kernel, message);
	else
		keep(kernel, message, 0);
}

static int delete_set(struct fake_kernel *kernel, const struct nlmsghdr *message)
{
	for (size_t i = 0; i < kernel->count; i++) {
		struct nlmsghdr *m = kernel->objects[i].message;
		if (fake_type(m) != NFT_MSG_NEWSET || fake_family(m) != fake_family(message) ||
		    !fake_same_attribute(m, NFTA_SET_HANDLE, message, NFTA_SET_HANDLE))
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
	switch (fake_type(message)) {
	case NFT_MSG_NEWFLOWTABLE:
		keep(kernel, message, 0);
		return 0;
	case NFT_MSG_NEWTABLE:
		nft_number(fake_attribute(message, NFTA_TABLE_FLAGS), &flags);
		if (kernel->no_persist && flags & 0x4)
			return EOPNOTSUPP;
		kept = find(kernel, message, NFTA_TABLE_NAME);
		if (kept && message->nlmsg_flags & NLM_F_EXCL)
			return EEXIST;
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
		add_elements(kernel, message);
		return 0;
	case NFT_MSG_DELTABLE:
		for (size_t i = kernel->count; i-- > 0;)
			if (fake_family(kernel->objects[i].message) == fake_family(message) &&
			    fake_same_attribute(kernel->objects[i].message, NFTA_TABLE_NAME, message,
			                        NFTA_TABLE_NAME))
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
		return remove_elements(kernel, message);
	}
	return EINVAL;
}

// ---- transactions ----

static size_t copy_objects(const struct fake_kernel *from, struct fake_object **ret)
{
	*ret = fake_must(calloc(from->capacity + 1, sizeof **ret));
	for (size_t i = 0; i < from->count; i++) {
		size_t size = from->objects[i].message->nlmsg_len;
		(*ret)[i].message = fake_must(calloc(1, size + HANDLE_ROOM));
		memcpy((*ret)[i].message, from->objects[i].message, size);
	}
	return from->count;
}

static void lose_last_rule(struct fake_kernel *kernel)
{
	for (size_t i = kernel->count; i-- > 0;)
		if (fake_type(kernel->objects[i].message) == NFT_MSG_NEWRULE) {
			drop(kernel, i);
			return;
		}
}

static void lose_elements(struct fake_kernel *kernel)
{
	for (size_t i = kernel->count; i-- > 0;)
		if (fake_type(kernel->objects[i].message) == NFT_MSG_NEWSETELEM)
			drop(kernel, i);
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
	if (nft_number(fake_attribute(begin, NFNL_BATCH_GENID), &generation) && generation &&
	    generation != kernel->generation) {
		fake_answer_error(kernel, begin, ERESTART, false);
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
		        kernel->refuse && fake_type(m) == kernel->refuse_type && nth++ == kernel->refuse_nth;
		int error = wanted ? kernel->refuse_error : work(kernel, m);
		failed = failed || error;
		if (error || m->nlmsg_flags & NLM_F_ACK)
			fake_answer_error(kernel, m, error, wanted && kernel->refuse_text);
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
		kernel->generation += 1 + kernel->changes_after;
		kernel->changes_after = 0;
		if (kernel->alter)
			lose_last_rule(kernel);
		if (kernel->alter_elements)
			lose_elements(kernel);
	}
	for (size_t i = 0; i < gone_count; i++)
		free(gone[i].message);
	free(gone);
	if (kernel->lose_answer) {
		fake_drop_replies(kernel);
		kernel->lose_answer = false;
		kernel->receive_fail_at = kernel->receives + 1;
		kernel->receive_error = ENOBUFS;
	}
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
		fake_answer_conntrack(kernel, message);
	else if (fake_type(message) == NFT_MSG_GETGEN)
		fake_answer_generation(kernel, message);
	else
		fake_answer_objects(kernel, message);
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
		count += fake_type(kernel->objects[i].message) == type;
	return count;
}

struct nlmsghdr *fake_message(const struct fake_kernel *kernel, uint16_t type, size_t nth)
{
	for (size_t i = 0; i < kernel->count; i++)
		if (fake_type(kernel->objects[i].message) == type && nth-- == 0)
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
		if (fake_type(kernel->objects[i].message) == NFT_MSG_NEWTABLE)
			memcpy(mnl_attr_get_payload(
			               fake_attribute(kernel->objects[i].message, NFTA_TABLE_FLAGS)),
			       &value, sizeof value);
}
