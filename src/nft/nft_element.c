// SPDX-License-Identifier: GPL-2.0-or-later
//
// Set elements to and from the kernel.
#include "nft/nft_element.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>

#include "base/array.h"
#include "nft/nft_attribute.h"
#include "nft/nft_batch.h"
#include "nft/nft_encode.h"

#define NEST_MAX 65535u // an attribute's length is 16 bits
#define HEAD_ROOM 256   // a message's names
#define USERDATA_MAX (2 + RULESET_COMMENT_MAX + 1)
#define ATTRIBUTE(size) (MNL_ATTR_HDRLEN + MNL_ALIGN(size))

static const uint8_t *key_of(const struct ruleset_set *set, size_t element)
{
	return set->keys + element * set->key_size * (set->interval ? 2 : 1);
}

static const char *comment_of(const struct ruleset_set *set, size_t element)
{
	return set->detailed && set->details ? set->details[element].comment : NULL;
}

static uint64_t timeout_of(const struct ruleset_set *set, size_t element)
{
	return set->timed && set->details && set->details[element].expires ? set->details[element].left_ms : 0;
}

static size_t element_size(const struct ruleset_set *set, const char *comment, uint64_t timeout)
{
	size_t key = MNL_ATTR_HDRLEN + ATTRIBUTE(nft_key_length(set));
	return MNL_ATTR_HDRLEN + key * (set->interval ? 2 : 1) +
	       (comment ? ATTRIBUTE(2 + strlen(comment) + 1) : 0) + (timeout ? ATTRIBUTE(sizeof timeout) : 0);
}

// ---- writing ----

void nft_elements_begin(struct nft_elements *e, struct nft_batch *batch, const struct ruleset_table *table,
                        const struct ruleset_set *set, size_t expected, bool remove)
{
	*e = (struct nft_elements){
	        .batch = batch, .table = table, .set = set, .expected = expected, .remove = remove};
}

static struct nlmsghdr *start_message(struct nft_batch *batch, const struct ruleset_table *table,
                                      const struct ruleset_set *set, bool remove, size_t room)
{
	struct nlmsghdr *header = nft_batch_message(batch, remove ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
	                                            remove ? 0 : NLM_F_CREATE, table, HEAD_ROOM + room);
	if (!header)
		return NULL;
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE_NAME);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set->name);
	return header;
}

static void end_message(struct nft_batch *batch, struct nlmsghdr *header, const struct ruleset_table *table,
                        const struct ruleset_set *set, bool remove)
{
	const struct nft_message about = {.subject =
	                                          remove ? NFT_SUBJECT_ELEMENTS_DELETE : NFT_SUBJECT_ELEMENTS,
	                                  .table = table,
	                                  .set = set};
	nft_batch_add(batch, header, &about);
}

static void put_key(struct nlmsghdr *header, uint16_t type, const uint8_t *key, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(header, type);
	mnl_attr_put(header, NFTA_DATA_VALUE, size, key);
	mnl_attr_nest_end(header, nest);
}

static void put_element(struct nlmsghdr *header, const struct ruleset_set *set, size_t element,
                        const char *comment, uint64_t timeout)
{
	const uint8_t *key = key_of(set, element);
	struct nlattr *nest = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	put_key(header, NFTA_SET_ELEM_KEY, key, nft_key_length(set));
	if (set->interval)
		put_key(header, NFTA_SET_ELEM_KEY_END, key + set->key_size, nft_key_length(set));
	if (timeout)
		mnl_attr_put_u64(header, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout));
	if (comment) {
		// nft's userdata: type, length, text with its NUL
		uint8_t userdata[USERDATA_MAX];
		size_t size = strlen(comment) + 1;
		userdata[0] = NFTNL_UDATA_SET_ELEM_COMMENT;
		userdata[1] = (uint8_t)size;
		memcpy(userdata + 2, comment, size);
		mnl_attr_put(header, NFTA_SET_ELEM_USERDATA, 2 + size, userdata);
	}
	mnl_attr_nest_end(header, nest);
}

static void finish_message(struct nft_elements *e)
{
	if (!e->header)
		return;
	mnl_attr_nest_end(e->header, e->nest);
	end_message(e->batch, e->header, e->table, e->set, e->remove);
	e->header = NULL;
}

static bool start_elements(struct nft_elements *e)
{
	size_t room = MNL_ATTR_HDRLEN +
	              e->expected * (element_size(e->set, NULL, e->set->timed && !e->remove) +
	                             (e->set->detailed && !e->remove ? ATTRIBUTE(USERDATA_MAX) : 0));
	e->room = room > NEST_MAX || e->expected == 0 ? NEST_MAX : room;
	e->header = start_message(e->batch, e->table, e->set, e->remove, e->room);
	if (!e->header)
		return false;
	e->nest = mnl_attr_nest_start(e->header, NFTA_SET_ELEM_LIST_ELEMENTS);
	e->used = MNL_ATTR_HDRLEN;
	return true;
}

void nft_elements_put(struct nft_elements *e, size_t element)
{
	if (e->batch->error)
		return;
	const char *comment = e->remove ? NULL : comment_of(e->set, element);
	if (comment && strlen(comment) > RULESET_COMMENT_MAX) {
		nft_batch_fail(e->batch, -EINVAL);
		return;
	}
	uint64_t timeout = e->remove ? 0 : timeout_of(e->set, element);
	// Never to be open without an end, which is what the kernel makes of less than one of its ticks.
	if (e->set->timed && !e->remove && timeout < NFT_TIMEOUT_MIN) {
		nft_batch_fail(e->batch, -EINVAL);
		return;
	}
	size_t size = element_size(e->set, comment, timeout);
	if (e->header && e->used + size > e->room)
		finish_message(e);
	if (!e->header && !start_elements(e))
		return;
	put_element(e->header, e->set, element, comment, timeout);
	e->used += size;
	if (e->expected)
		e->expected--;
}

void nft_elements_end(struct nft_elements *e)
{
	finish_message(e);
}

void nft_put_all_elements(struct nft_batch *batch, const struct ruleset_table *table,
                          const struct ruleset_set *set)
{
	struct nft_elements e;
	nft_elements_begin(&e, batch, table, set, set->count, false);
	for (size_t i = 0; i < set->count; i++)
		nft_elements_put(&e, i);
	nft_elements_end(&e);
}

// A removal that names no element means all of them.
void nft_put_flush(struct nft_batch *batch, const struct ruleset_table *table, const struct ruleset_set *set)
{
	struct nlmsghdr *header = start_message(batch, table, set, true, 0);
	if (header)
		end_message(batch, header, table, set, true);
}

// ---- reading ----

static int make_foreign(struct ruleset_set *set, const char *why)
{
	if (!set->foreign)
		set->foreign = strdup(why);
	return set->foreign ? 0 : -ENOMEM;
}

// Keys and details grow together; origins there are none.
static int element_room(struct ruleset_set *set)
{
	if (set->count < set->capacity)
		return 0;
	size_t capacity = set->capacity, unit = (size_t)set->key_size * (set->interval ? 2 : 1);
	int r = array_room(&set->keys, set->count, &capacity, unit);
	if (r < 0)
		return r;
	if (set->detailed) {
		struct ruleset_detail *details = realloc(set->details, capacity * sizeof *details);
		if (!details)
			return -ENOMEM;
		set->details = details;
	}
	set->capacity = capacity;
	return 0;
}

int nft_copy_elements(struct ruleset_set *set, const struct ruleset_set *from)
{
	size_t unit = (size_t)from->key_size * (from->interval ? 2 : 1);
	if (from->count == 0)
		return 0;
	set->keys = malloc(from->count * unit);
	if (!set->keys)
		return -ENOMEM;
	memcpy(set->keys, from->keys, from->count * unit);
	set->count = set->capacity = from->count;
	return 0;
}

static bool read_key(const struct ruleset_set *set, const struct nlattr *nest, uint8_t *to)
{
	size_t size;
	const uint8_t *data = nft_data(nest, &size);
	if (!data || size != nft_key_length(set))
		return false;
	memcpy(to, data, size);
	memset(to + size, 0, set->key_size - size);
	return true;
}

static bool is_counter(const struct nlattr *expression, struct ruleset_detail *detail)
{
	const struct nlattr *parts[NFTA_EXPR_DATA + 1], *counter[NFTA_COUNTER_PAD + 1];
	if (!nft_attributes_nested(expression, parts, NFTA_EXPR_DATA + 1))
		return false;
	const char *name = nft_text(parts[NFTA_EXPR_NAME]);
	if (!name || strcmp(name, "counter") != 0)
		return false;
	nft_attributes_nested(parts[NFTA_EXPR_DATA], counter, NFTA_COUNTER_PAD + 1);
	nft_number64(counter[NFTA_COUNTER_PACKETS], &detail->packets);
	nft_number64(counter[NFTA_COUNTER_BYTES], &detail->octets);
	return true;
}

// The comment nft would show: *ret NULL when there is none. 0 or -ENOMEM.
static int read_comment(const struct nlattr *userdata, char **ret)
{
	const uint8_t *at = mnl_attr_get_payload(userdata);
	size_t left = mnl_attr_get_payload_len(userdata);
	*ret = NULL;
	for (; left >= 2 && left - 2 >= at[1]; left -= 2u + at[1], at += 2 + at[1]) {
		if (at[0] != NFTNL_UDATA_SET_ELEM_COMMENT || at[1] == 0 || at[1 + at[1]] != '\0')
			continue;
		*ret = strdup((const char *)at + 2);
		return *ret ? 0 : -ENOMEM;
	}
	return 0;
}

// Why an element is none of ours; NULL when it is one.
static const char *strange(const struct ruleset_set *set, const struct nlattr *const *parts)
{
	static const struct {
		uint16_t attribute;
		bool in_timed; // belongs there
		const char *what;
	} others[] = {
	        {NFTA_SET_ELEM_DATA, false, "an element with a value (a map)"},
	        {NFTA_SET_ELEM_TIMEOUT, true, "an element with a timeout"},
	        {NFTA_SET_ELEM_EXPIRATION, true, "an element that expires"},
	        {NFTA_SET_ELEM_OBJREF, false, "an element with an object"},
	        {NFTA_SET_ELEM_EXPRESSIONS, false, "an element with several expressions"},
	};
	uint32_t flags = 0;
	nft_number(parts[NFTA_SET_ELEM_FLAGS], &flags);
	if (flags & NFT_SET_ELEM_CATCHALL)
		return "a catch-all element";
	if (flags)
		return "an element with flags";
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (parts[others[i].attribute] && !(set->timed && others[i].in_timed))
			return others[i].what;
	if (!set->interval && parts[NFTA_SET_ELEM_KEY_END])
		return "an interval";
	return NULL;
}

static int read_element(struct ruleset_set *set, const struct nlattr *element)
{
	const struct nlattr *parts[NFTA_SET_ELEM_EXPRESSIONS + 1];
	nft_attributes_nested(element, parts, NFTA_SET_ELEM_EXPRESSIONS + 1);
	const char *why = strange(set, parts);
	if (why)
		return make_foreign(set, why);

	int r = element_room(set);
	if (r < 0)
		return r;
	uint8_t *key = set->keys + set->count * set->key_size * (set->interval ? 2 : 1);
	if (!read_key(set, parts[NFTA_SET_ELEM_KEY], key))
		return make_foreign(set, "an element without a key of the set's length");
	// An element of a set of intervals that is a single value may come without its end.
	const struct nlattr *end = parts[NFTA_SET_ELEM_KEY_END];
	if (set->interval && !read_key(set, end ? end : parts[NFTA_SET_ELEM_KEY], key + set->key_size))
		return make_foreign(set, "an interval without an end of the set's length");

	struct ruleset_detail detail = {0};
	if (parts[NFTA_SET_ELEM_EXPR] && !is_counter(parts[NFTA_SET_ELEM_EXPR], &detail))
		return make_foreign(set, "an element with an expression of its own");
	// In milliseconds. An element without it stays for good.
	detail.expires = nft_number64(parts[NFTA_SET_ELEM_EXPIRATION], &detail.left_ms);
	if (set->detailed) {
		if (parts[NFTA_SET_ELEM_USERDATA] &&
		    (r = read_comment(parts[NFTA_SET_ELEM_USERDATA], &detail.comment)) < 0)
			return r;
		set->details[set->count] = detail;
	}
	set->count++;
	return 0;
}

static bool names_set(const struct nlattr *attribute, const struct ruleset_set *set)
{
	const char *name = nft_text(attribute);
	return name && strcmp(name, set->name) == 0;
}

int nft_read_elements(struct ruleset_set *set, const struct nlmsghdr *message)
{
	const struct nlattr *parts[NFTA_SET_ELEM_LIST_SET_ID + 1];
	nft_attributes_message(message, MNL_ALIGN(4), parts, NFTA_SET_ELEM_LIST_SET_ID + 1);
	if (!names_set(parts[NFTA_SET_ELEM_LIST_SET], set))
		return 0;
	const struct nlattr *list = parts[NFTA_SET_ELEM_LIST_ELEMENTS], *element;
	if (!list)
		return 0; // an empty set
	mnl_attr_for_each_nested(element, list)
	{
		int r = read_element(set, element);
		if (r < 0)
			return r;
	}
	return 0;
}

static ptrdiff_t find_key(const struct ruleset_set *set, const uint8_t *keys)
{
	size_t unit = (size_t)set->key_size * (set->interval ? 2 : 1);
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(set->keys + i * unit, keys, unit) == 0)
			return (ptrdiff_t)i;
	return -1;
}

ptrdiff_t nft_element_at(const struct ruleset_set *set, const struct nlmsghdr *message, uint32_t offset)
{
	const struct nlattr *parts[NFTA_SET_ELEM_LIST_SET_ID + 1], *element;
	nft_attributes_message(message, MNL_ALIGN(4), parts, NFTA_SET_ELEM_LIST_SET_ID + 1);
	if (!parts[NFTA_SET_ELEM_LIST_ELEMENTS])
		return -1;
	mnl_attr_for_each_nested(element, parts[NFTA_SET_ELEM_LIST_ELEMENTS])
	{
		size_t start = (size_t)((const char *)element - (const char *)message);
		if (offset < start || offset >= start + element->nla_len)
			continue;
		const struct nlattr *of[NFTA_SET_ELEM_EXPRESSIONS + 1];
		uint8_t keys[2 * RULESET_KEY_MAX];
		nft_attributes_nested(element, of, NFTA_SET_ELEM_EXPRESSIONS + 1);
		if (!read_key(set, of[NFTA_SET_ELEM_KEY], keys) ||
		    (set->interval && !read_key(set, of[NFTA_SET_ELEM_KEY_END], keys + set->key_size)))
			return -1;
		return find_key(set, keys);
	}
	return -1;
}
