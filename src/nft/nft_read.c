// SPDX-License-Identifier: GPL-2.0-or-later
//
// Dumps of our tables.
#include "nft/nft_read.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/problem.h"
#include "nft/nft_attribute.h"
#include "nft/nft_element.h"
#include "nft/nft_encode.h"
#include "nft/nft_flowtable.h"
#include "nft/nft_talk.h"

#define ATTEMPTS 16

static int take_generation(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *a[NFTA_GEN_ID + 1];
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), a, NFTA_GEN_ID + 1);
	return nft_number(a[NFTA_GEN_ID], context) ? 0 : -EBADMSG;
}

static int read_generation(struct nft *nft, uint32_t *ret)
{
	struct nft_request request;
	return nft_ask(nft, nft_request(nft, &request, NFT_MSG_GETGEN, NLM_F_ACK, AF_UNSPEC), take_generation,
	               ret);
}

struct reading {
	struct nft *nft;
	struct nft_found *found;
	const struct ruleset *skip;
	const struct ruleset *known; // and when it was so
	uint32_t known_at;
	bool windows;            // timed sets only, no chains and rules
	struct ruleset_set *set; // whose elements are read
};

static int take_table(void *context, const struct nlmsghdr *message)
{
	struct reading *reading = context;
	return nft_decode_table(reading->found, message, reading->nft->io.port(reading->nft->io.context));
}

static int take_set(void *context, const struct nlmsghdr *message)
{
	return nft_decode_set(((struct reading *)context)->found, message);
}

static int take_chain(void *context, const struct nlmsghdr *message)
{
	return nft_decode_chain(((struct reading *)context)->found, message);
}

static int take_rule(void *context, const struct nlmsghdr *message)
{
	return nft_decode_rule(((struct reading *)context)->found, message);
}

static int take_elements(void *context, const struct nlmsghdr *message)
{
	return nft_read_elements(((struct reading *)context)->set, message);
}

static int dump(struct reading *reading, uint8_t type, uint8_t family, nft_reply_fn reply)
{
	struct nft_request request;
	return nft_ask(reading->nft, nft_request(reading->nft, &request, type, NLM_F_DUMP, family), reply,
	               reading);
}

// The set of the same table and name in a ruleset, which may be NULL; NULL when it has none.
static const struct ruleset_set *find_set(const struct ruleset *ruleset, enum ruleset_family family,
                                          const struct ruleset_set *set)
{
	for (size_t t = 0; ruleset && t < ruleset->table_count; t++)
		for (size_t i = 0; ruleset->tables[t].family == family && i < ruleset->tables[t].set_count; i++)
			if (strcmp(ruleset->tables[t].sets[i].name, set->name) == 0)
				return &ruleset->tables[t].sets[i];
	return NULL;
}

static bool is_skipped(const struct ruleset *skip, enum ruleset_family family, const struct ruleset_set *set)
{
	const struct ruleset_set *same = find_set(skip, family, set);
	return same && same->count > NFT_READ_ELEMENTS_MAX;
}

// The set, when its elements need not be read; else NULL.
static const struct ruleset_set *known_set(const struct reading *reading, enum ruleset_family family,
                                           const struct ruleset_set *set)
{
	if (!reading->known || reading->found->state.generation != reading->known_at || set->timed ||
	    set->detailed)
		return NULL;
	const struct ruleset_set *same = find_set(reading->known, family, set);
	return same && ruleset_set_same_kind(same, set) ? same : NULL;
}

static int read_set(struct reading *reading, uint8_t family, struct ruleset_set *set)
{
	struct nft_request request;
	// Nothing can be told about the elements of a set of a foreign kind, and its name may be cut.
	if (set->foreign)
		return 0;
	reading->set = set;
	struct nlmsghdr *header = nft_request(reading->nft, &request, NFT_MSG_GETSETELEM, NLM_F_DUMP, family);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set->name);
	int r = nft_ask(reading->nft, header, take_elements, reading);
	return r < 0 ? r : ruleset_finish_set(set);
}

// One table, when there is one.
static int read_table(struct reading *reading, enum ruleset_family family)
{
	struct nft_request request;
	struct ruleset_builder b;
	uint8_t number = nft_family(family);
	struct ruleset *ruleset = &reading->found->ruleset;

	ruleset_build(&b, ruleset);
	ruleset_build_table(&b, family);
	int r = ruleset_build_end(&b);
	if (r < 0)
		return r;
	struct nlmsghdr *header = nft_request(reading->nft, &request, NFT_MSG_GETTABLE, NLM_F_ACK, number);
	r = nft_ask(reading->nft, header, take_table, reading);
	if (r == -ENOENT) {
		ruleset->table_count--; // nothing has been added to it
		return 0;
	}
	// Of a table that was not shown nobody knows whether it is switched off.
	const struct nft_state *state = &reading->found->state;
	if (r == 0 && !(family == RULESET_BRIDGE ? state->bridge.present : state->inet.present))
		r = -EBADMSG;
	if (r < 0 || (r = dump(reading, NFT_MSG_GETSET, number, take_set)) < 0)
		return r;
	if (!reading->windows && ((r = dump(reading, NFT_MSG_GETCHAIN, number, take_chain)) < 0 ||
	                          (r = dump(reading, NFT_MSG_GETRULE, number, take_rule)) < 0))
		return r;
	struct ruleset_table *table = &ruleset->tables[ruleset->table_count - 1];
	struct nft_found_table *kept = &reading->found->tables[ruleset->table_count - 1];
	for (size_t i = 0; r == 0 && i < table->set_count; i++) {
		kept->sets[i].unread = reading->windows ? !table->sets[i].timed
		                                        : is_skipped(reading->skip, family, &table->sets[i]);
		const struct ruleset_set *known = known_set(reading, family, &table->sets[i]);
		if (known)
			r = nft_copy_elements(&table->sets[i], known);
		else if (!kept->sets[i].unread)
			r = read_set(reading, number, &table->sets[i]);
		reading->found->borrowed = reading->found->borrowed || known;
	}
	return r;
}

// -EINTR when the rules changed meanwhile.
static int read_once(struct reading *reading)
{
	struct nft *nft = reading->nft;
	struct nft_found *found = reading->found;
	uint32_t after = 0;
	int again, r = read_generation(nft, &found->state.generation);
	if (r < 0)
		return r;
	r = read_table(reading, RULESET_INET);
	if (r == 0)
		r = read_table(reading, RULESET_BRIDGE);
	if (r == 0 && !reading->windows)
		r = nft_flowtable_read(nft, &found->state.flow);
	// An error may be what a change in between looks like: a set that is gone.
	if (r == -ENOMEM || (again = read_generation(nft, &after)) < 0)
		return r < 0 ? r : again;
	return after != found->state.generation ? -EINTR : r;
}

static void explain(int error, struct problems *problems)
{
	const char *instead = NULL;
	if (error == -EINTR)
		instead = "another program changes the rules faster than they can be read";
	else if (error == -EPERM)
		instead = "this needs CAP_NET_ADMIN: run it as root";
	else if (error == -EINVAL || error == -EOPNOTSUPP)
		instead = "this kernel may lack nf_tables (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)";
	else if (error == -EBADMSG)
		instead = "its answer was not what netlink allows";
	problem_addf(problems, PROBLEM_ERROR, 0, 0, instead, "cannot read the kernel's rules: %s",
	             strerror(-error));
}

static int read_some(struct reading *reading, struct problems *problems)
{
	struct nft_found *ret = reading->found;
	int r = -EINTR;
	for (unsigned i = 0; r == -EINTR && i < ATTEMPTS; i++) {
		*ret = (struct nft_found){0};
		ruleset_init(&ret->ruleset);
		r = read_once(reading);
		if (r < 0)
			nft_found_fini(ret);
	}
	if (r < 0)
		explain(r, problems);
	return r;
}

int nft_read_all(struct nft *nft, const struct ruleset *skip, struct nft_found *ret, struct problems *problems)
{
	struct reading reading = {.nft = nft, .found = ret, .skip = skip};
	return read_some(&reading, problems);
}

int nft_read_known(struct nft *nft, const struct ruleset *known, uint32_t known_at, struct nft_found *ret,
                   struct problems *problems)
{
	struct reading reading = {.nft = nft, .found = ret, .known = known, .known_at = known_at};
	return read_some(&reading, problems);
}

int nft_read_windows(struct nft *nft, struct nft_found *ret, struct problems *problems)
{
	struct reading reading = {.nft = nft, .found = ret, .windows = true};
	return read_some(&reading, problems);
}

int nft_read(struct nft *nft, struct ruleset *ret, struct nft_state *ret_state, struct problems *problems)
{
	struct nft_found found;
	int r = nft_read_all(nft, NULL, &found, problems);
	if (r < 0)
		return r;
	*ret = found.ruleset;
	*ret_state = found.state;
	ruleset_init(&found.ruleset);
	nft_found_fini(&found);
	return 0;
}
