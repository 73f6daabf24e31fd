// SPDX-License-Identifier: GPL-2.0-or-later
//
// Service windows: one element of a timed set each. What is open is read first, in every case: the kernel adds
// an element that is there already without a word and without a change, so a window that is changed is one
// element deleted and one added in the same transaction, which no packet sees the middle of.
#include "nft/nft_access.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/problem.h"
#include "nft/nft_element.h"
#include "nft/nft_read.h"
#include "nft/nft_refusal.h"
#include "nft/nft_talk.h"

#define ATTEMPTS 8
#define AGAIN 1 // no error: read and decide again

// ---- which set, which key ----

static void set_name(const struct nft_access *access, char name[static RULESET_NAME_MAX + 1])
{
	snprintf(name, RULESET_NAME_MAX + 1, "%s%c", access->box ? RULESET_ACCESS : RULESET_ACCESS_DEVICES,
	         access->from.family == ADDRESS_IPV4 ? '4' : '6');
}

static const struct ruleset_set *find_set(const struct ruleset_table *table, const char *name)
{
	for (size_t i = 0; i < table->set_count; i++)
		if (strcmp(table->sets[i].name, name) == 0)
			return &table->sets[i];
	return NULL;
}

static void make_key(const struct nft_access *access, uint8_t key[static RULESET_KEY_MAX])
{
	size_t octets = address_octets((enum address_family)access->from.family), at = octets;
	memset(key, 0, RULESET_KEY_MAX);
	memcpy(key, access->from.octets, octets);
	if (!access->box) {
		memcpy(key + at, access->to.octets, octets);
		at += octets;
	}
	key[at] = (uint8_t)(access->port >> 8);
	key[at + 1] = (uint8_t)access->port;
}

static void read_prefix(const uint8_t *octets, enum address_family family, struct prefix *ret)
{
	size_t size = address_octets(family);
	*ret = (struct prefix){.family = (uint8_t)family, .length = (uint8_t)(size * 8)};
	memcpy(ret->octets, octets, size);
}

// False: the set is none of those windows are in.
static bool read_layout(const struct ruleset_set *set, enum address_family *ret_family, bool *ret_box)
{
	struct nft_access like = {0};
	char name[RULESET_NAME_MAX + 1];
	*ret_box = set->type_count == 2;
	*ret_family = set->types[0] == TYPE_IPV4_ADDR ? ADDRESS_IPV4 : ADDRESS_IPV6;
	like.box = *ret_box;
	like.from.family = (uint8_t)*ret_family;
	set_name(&like, name);
	size_t size = address_octets(*ret_family) * (*ret_box ? 1 : 2) + 4;
	return set->timed && !set->interval && !set->foreign && set->key_size == size &&
	       set->types[set->type_count - 1] == TYPE_INET_SERVICE && strcmp(set->name, name) == 0;
}

// ---- words ----

// "10.20.9.77 to 10.20.1.10 on 22"
#define WINDOW_TEXT_MAX (2 * PREFIX_TEXT_MAX + 32)
static const char *describe(const struct nft_access *access, char text[static WINDOW_TEXT_MAX])
{
	char from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];
	prefix_print(&access->from, from);
	snprintf(text, WINDOW_TEXT_MAX, "%s to %s on %u", from,
	         access->box ? "this box" : prefix_print(&access->to, to), access->port);
	return text;
}

static int say(struct problems *problems, int error, const struct nft_access *access, const char *what,
               const char *instead)
{
	char text[WINDOW_TEXT_MAX];
	problem_addf(problems, PROBLEM_ERROR, 0, 0, instead, "a service window for %s: %s",
	             describe(access, text), what);
	return error;
}

// It is shown on terminals, by nft too.
static bool is_comment(const char text[static RULESET_COMMENT_MAX + 1])
{
	size_t i = 0;
	while (i <= RULESET_COMMENT_MAX && (unsigned char)text[i] >= ' ' && text[i] != 0x7f)
		i++;
	return i <= RULESET_COMMENT_MAX && text[i] == '\0';
}

static int check(const struct nft_access *access, bool open, struct problems *problems)
{
	if (!prefix_is_exact(&access->from) || (!access->box && !prefix_is_exact(&access->to)))
		return say(problems, -EINVAL, access, "networks cannot be let in",
		           "give the one address of who is to come in, and the device's");
	if (!access->box && access->from.family != access->to.family)
		return say(problems, -EINVAL, access, "one address is IPv4 and the other is IPv6", NULL);
	if (access->port == 0)
		return say(problems, -EINVAL, access, "there is no such port", NULL);
	if (!open)
		return 0;
	if (access->ms < NFT_ACCESS_MS_MIN || access->ms > NFT_ACCESS_SECONDS_MAX * UINT64_C(1000))
		return say(problems, -EINVAL, access, "it can be open for one second to one week",
		           "what lasts longer belongs into the policy");
	if (!is_comment(access->comment))
		return say(problems, -EINVAL, access, "its comment is not one line of text", NULL);
	return 0;
}

// ---- changing ----

struct change {
	struct nft *nft;
	const struct nft_access *access;
	bool open; // else close
	const struct ruleset_table *table;
	const struct ruleset_set *set; // as it is meant
	uint8_t key[RULESET_KEY_MAX];
	struct problems *problems;
};

static int find_meant(struct change *c, const struct ruleset *meant)
{
	char name[RULESET_NAME_MAX + 1];
	set_name(c->access, name);
	for (size_t t = 0; t < meant->table_count; t++) {
		c->table = &meant->tables[t];
		c->set = find_set(c->table, name);
		if (c->set)
			return 0;
	}
	return say(c->problems, -ENOENT, c->access, "this wall has no place for it",
	           "in role host windows are to the machine itself; devices stand behind a gateway");
}

// The table's side in the kernel; *ret the set in it.
static int find_found(const struct change *c, const struct nft_found *found, const struct ruleset_set **ret)
{
	const struct nft_table_state *state =
	        c->table->family == RULESET_BRIDGE ? &found->state.bridge : &found->state.inet;
	if (state->owned && !state->mine) {
		nft_owner_report(state, c->table->family, c->problems);
		return -EPERM;
	}
	for (size_t t = 0; t < found->ruleset.table_count; t++)
		if (found->ruleset.tables[t].family == c->table->family) {
			*ret = find_set(&found->ruleset.tables[t], c->set->name);
			if (*ret && ruleset_set_same_kind(c->set, *ret))
				return 0;
			return say(c->problems, -EBADE, c->access,
			           "the kernel does not hold the wall that is meant", "load the policy first");
		}
	return say(c->problems, -ENOENT, c->access, "there is no wall in the kernel", "load the policy first");
}

static size_t count_windows(const struct ruleset *ruleset)
{
	size_t count = 0;
	for (size_t t = 0; t < ruleset->table_count; t++)
		for (size_t i = 0; i < ruleset->tables[t].set_count; i++)
			if (ruleset->tables[t].sets[i].timed)
				count += ruleset->tables[t].sets[i].count;
	return count;
}

static void put_delete(const struct change *c, struct nft_batch *batch, const struct ruleset_set *found,
                       size_t element)
{
	struct nft_elements e;
	nft_elements_begin(&e, batch, c->table, found, 1, true);
	nft_elements_put(&e, element);
	nft_elements_end(&e);
}

// `one`: the set with this element alone; the batch points to it.
static void put_add(const struct change *c, struct nft_batch *batch, const struct ruleset_set *one)
{
	struct nft_elements e;
	nft_elements_begin(&e, batch, c->table, one, 1, false);
	nft_elements_put(&e, 0);
	nft_elements_end(&e);
}

static int refused(const struct change *c, const struct nft_batch *batch, const struct nft_refusal *refusal)
{
	const struct nft_message *message = nft_batch_find(batch, refusal->sequence);
	// Changed by somebody else, or it has ended, since it was read.
	if (refusal->error == ERESTART || refusal->error == EAGAIN ||
	    (refusal->error == ENOENT && message && message->subject == NFT_SUBJECT_ELEMENTS_DELETE))
		return AGAIN;
	if (refusal->error == ENFILE)
		return say(c->problems, -ENOSPC, c->access, "its set is full", "close one first");
	nft_refusal_report(batch, refusal, c->problems);
	return -refusal->error;
}

static int commit(const struct change *c, struct nft_batch *batch)
{
	struct nft_refusal refusal = {0};
	struct nft *nft = c->nft;
	int r = nft_batch_end(batch);
	if (r < 0)
		return say(c->problems, r, c->access, strerror(-r), NULL);
	// The last message but the batch's own end answers.
	r = nft_send(nft, batch->data.data, batch->data.size, batch->first,
	             batch->first + (uint32_t)batch->count - 2, &refusal);
	nft->sequence = batch->first + (uint32_t)batch->count - 1;
	if (r == -ENOBUFS)
		return AGAIN; // done or not: what is read next tells
	if (r == -EBADMSG)
		return refused(c, batch, &refusal);
	return r < 0 ? say(c->problems, r, c->access, strerror(-r), NULL) : 0;
}

static int change_found(const struct change *c, const struct nft_found *found, bool again)
{
	const struct ruleset_set *set = NULL;
	int r = find_found(c, found, &set);
	if (r < 0)
		return r;
	ptrdiff_t element = ruleset_find(set, c->key);
	if (!c->open && element < 0)
		// Nothing is left to be closed when an answer was lost and it had been closed.
		return again ? 0 : say(c->problems, -ENOENT, c->access, "it is not open", NULL);
	if (c->open && element < 0 && count_windows(&found->ruleset) >= NFT_ACCESS_MAX)
		return say(c->problems, -ENOSPC, c->access, "too many are open", "close one first");

	struct nft_batch batch;
	struct ruleset_detail detail = {
	        .comment = c->access->comment[0] ? (char *)c->access->comment : NULL,
	        .expires = true,
	        .left_ms = c->access->ms,
	};
	struct ruleset_set one = *c->set;
	one.keys = (uint8_t *)c->key;
	one.details = &detail;
	one.origins = NULL;
	one.count = one.capacity = 1;
	nft_batch_begin(&batch, c->nft->sequence + 1, found->state.generation);
	if (element >= 0)
		put_delete(c, &batch, set, (size_t)element);
	if (c->open)
		put_add(c, &batch, &one);
	r = commit(c, &batch);
	nft_batch_fini(&batch);
	return r;
}

static int change(struct change *c, const struct ruleset *meant)
{
	int r = check(c->access, c->open, c->problems);
	if (r == 0)
		r = find_meant(c, meant);
	if (r < 0)
		return r;
	make_key(c->access, c->key);
	r = AGAIN;
	for (unsigned i = 0; r == AGAIN && i < ATTEMPTS; i++) {
		struct nft_found found;
		r = nft_read_windows(c->nft, &found, c->problems);
		if (r < 0)
			return r;
		r = change_found(c, &found, i > 0);
		nft_found_fini(&found);
	}
	if (r == AGAIN)
		return say(c->problems, -EBUSY, c->access, "others changed rules each time",
		           "another program keeps changing the rules of this namespace");
	return r;
}

int nft_access_open(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                    struct problems *problems)
{
	struct change c = {.nft = nft, .access = access, .open = true, .problems = problems};
	return change(&c, meant);
}

int nft_access_close(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                     struct problems *problems)
{
	struct change c = {.nft = nft, .access = access, .problems = problems};
	return change(&c, meant);
}

// ---- listing ----

struct windows {
	struct nft_access *items;
	size_t count, capacity;
};

static void fill(const struct ruleset_set *set, size_t element, enum address_family family, bool box,
                 struct nft_access *ret)
{
	const uint8_t *key = set->keys + element * set->key_size, *port = key + set->key_size - 4;
	const struct ruleset_detail *detail = &set->details[element];
	*ret = (struct nft_access){
	        .box = box,
	        .port = (uint16_t)(port[0] << 8 | port[1]),
	        .ms = detail->left_ms,
	        .packets = detail->packets,
	        .octets = detail->octets,
	};
	read_prefix(key, family, &ret->from);
	if (!box)
		read_prefix(key + address_octets(family), family, &ret->to);
	snprintf(ret->comment, sizeof ret->comment, "%s", detail->comment ? detail->comment : "");
}

static int list_set(const struct ruleset_set *set, struct windows *windows)
{
	enum address_family family;
	bool box;
	if (!read_layout(set, &family, &box))
		return 0;
	for (size_t i = 0; i < set->count && windows->count < NFT_ACCESS_MAX; i++) {
		if (!ruleset_is_window(set, i))
			continue;
		int r = array_room(&windows->items, windows->count, &windows->capacity, sizeof *windows->items);
		if (r < 0)
			return r;
		fill(set, i, family, box, &windows->items[windows->count++]);
	}
	return 0;
}

int nft_access_list(struct nft *nft, struct nft_access **ret, size_t *ret_count, struct problems *problems)
{
	struct nft_found found;
	struct windows windows = {0};
	int r = nft_read_windows(nft, &found, problems);
	if (r < 0)
		return r;
	for (size_t t = 0; r == 0 && t < found.ruleset.table_count; t++)
		for (size_t i = 0; r == 0 && i < found.ruleset.tables[t].set_count; i++)
			r = list_set(&found.ruleset.tables[t].sets[i], &windows);
	nft_found_fini(&found);
	if (r < 0) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "cannot list the service windows: out of memory",
		            NULL);
		free(windows.items);
		return r;
	}
	*ret = windows.items;
	*ret_count = windows.count;
	return 0;
}
