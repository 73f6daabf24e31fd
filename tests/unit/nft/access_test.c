// SPDX-License-Identifier: GPL-2.0-or-later
//
// Service windows: opened, changed, closed and listed, and left alone by everything else.
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/nft_access.h"

#define HOUR (3600 * 1000u)

static const struct fixture wall = {.peers = 3, .size = 16, .detailed = true, .timed = true};
static const struct fixture wider = {
        .peers = 3, .size = 16, .detailed = true, .timed = true, .extra = "time, policy.conf:40"};
static const struct fixture bridge = {.peers = 3, .size = 16, .detailed = true, .timed = true, .bridge = true};

static struct prefix address(const char *text)
{
	struct prefix prefix;
	assert_int_equal(prefix_parse(text, strlen(text), &prefix), PREFIX_OK);
	return prefix;
}

static struct nft_access window(const char *from, const char *to, uint16_t port, uint64_t ms)
{
	struct nft_access access = {.from = address(from), .box = !to, .port = port, .ms = ms};
	if (to)
		access.to = address(to);
	snprintf(access.comment, sizeof access.comment, "alice: tube %u", port);
	return access;
}

static int change_in(struct world *w, struct fixture fixture, struct nft_access access, bool open)
{
	struct ruleset meant;
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	int r = open ? nft_access_open(w->nft, &meant, &access, &w->problems)
	             : nft_access_close(w->nft, &meant, &access, &w->problems);
	assert_int_equal(r == 0, w->problems.count == 0);
	ruleset_fini(&meant);
	return r;
}

static int open_in(struct world *w, struct fixture fixture, struct nft_access access)
{
	return change_in(w, fixture, access, true);
}

static int close_in(struct world *w, struct fixture fixture, struct nft_access access)
{
	return change_in(w, fixture, access, false);
}

static void assert_told(struct world *w, const char *part)
{
	assert_int_equal(w->problems.count, 1);
	if (!strstr(w->problems.items[0].what, part))
		fail_msg("\"%s\" is not in \"%s\"", part, w->problems.items[0].what);
	problem_fini(&w->problems);
	problem_init(&w->problems);
}

static size_t list(struct world *w, struct nft_access to[NFT_ACCESS_MAX])
{
	struct nft_access *found;
	size_t count;
	assert_int_equal(nft_access_list(w->nft, &found, &count, &w->problems), 0);
	assert_true(count <= NFT_ACCESS_MAX);
	if (count)
		memcpy(to, found, count * sizeof *to);
	else
		assert_null(found);
	free(found);
	return count;
}

static void assert_open(const struct nft_access *found, struct nft_access wanted)
{
	assert_true(prefix_equal(&found->from, &wanted.from));
	assert_int_equal(found->box, wanted.box);
	if (!wanted.box)
		assert_true(prefix_equal(&found->to, &wanted.to));
	assert_int_equal(found->port, wanted.port);
	assert_int_equal(found->ms, wanted.ms);
	assert_string_equal(found->comment, wanted.comment);
}

// Only this one is open.
static void assert_only(struct world *w, struct nft_access wanted)
{
	struct nft_access found[NFT_ACCESS_MAX];
	assert_int_equal(list(w, found), 1);
	assert_open(found, wanted);
}

// An element of access4 as somebody else would put it in; 0 ms: for good.
static void add_by_hand(struct world *w, uint8_t last, uint64_t ms)
{
	_Alignas(struct nlmsghdr) char data[256] = {0};
	const uint8_t key[8] = {10, 66, 0, last, 0, 22};
	struct nlmsghdr *header = mnl_nlmsg_put_header(data);
	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM;
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(header, sizeof *head);
	head->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE_NAME);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, "access4");
	struct nlattr *elements = mnl_attr_nest_start(header, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	struct nlattr *nest = mnl_attr_nest_start(header, NFTA_SET_ELEM_KEY);
	mnl_attr_put(header, NFTA_DATA_VALUE, sizeof key, key);
	mnl_attr_nest_end(header, nest);
	if (ms) {
		mnl_attr_put_u64(header, NFTA_SET_ELEM_TIMEOUT, __builtin_bswap64(ms));
		mnl_attr_put_u64(header, NFTA_SET_ELEM_EXPIRATION, __builtin_bswap64(ms));
	}
	mnl_attr_nest_end(header, element);
	mnl_attr_nest_end(header, elements);
	fake_add(&w->kernel, header);
}

static void one_element_opens_and_closes(void **state)
{
	struct world *w = *state;
	struct nft_access found[NFT_ACCESS_MAX];
	const struct nft_access ssh = window("10.20.9.77", NULL, 22, 2 * HOUR);
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(list(w, found), 0);
	assert_int_equal(open_in(w, wall, ssh), 0);
	assert_only(w, ssh);
	assert_int_equal(w->kernel.batches, 2);
	assert_int_equal(world_differences(w, wall), 0);
	assert_int_equal(close_in(w, wall, ssh), 0);
	assert_int_equal(list(w, found), 0);
	assert_int_equal(close_in(w, wall, ssh), -ENOENT);
	assert_told(w, "10.20.9.77 to this box on 22: it is not open");
	assert_int_equal(w->kernel.batches, 3);
}

static void each_kind_has_its_set(void **state)
{
	struct world *w = *state;
	struct nft_access found[NFT_ACCESS_MAX];
	const struct nft_access box4 = window("10.20.9.77", NULL, 22, HOUR);
	const struct nft_access box6 = window("2001:db8::77", NULL, 22, HOUR);
	const struct nft_access device = window("10.20.9.77", "10.0.0.1", 5900, HOUR);
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(open_in(w, wall, box4), 0);
	assert_int_equal(open_in(w, wall, box6), 0);
	assert_int_equal(open_in(w, wall, device), 0);
	assert_int_equal(list(w, found), 3);
	assert_open(&found[0], box4);
	assert_open(&found[1], box6);
	assert_open(&found[2], device);
	assert_int_equal(close_in(w, wall, device), 0);
	assert_int_equal(list(w, found), 2);
}

static void a_bridge_has_them_in_its_own_table(void **state)
{
	struct world *w = *state;
	const struct nft_access device = window("10.20.9.77", "10.0.0.1", 5900, HOUR);
	assert_int_equal(world_load(w, bridge, false), 0);
	assert_int_equal(open_in(w, bridge, device), 0);
	assert_only(w, device);
	const struct nlmsghdr *last =
	        fake_message(&w->kernel, NFT_MSG_NEWSETELEM, fake_count(&w->kernel, NFT_MSG_NEWSETELEM) - 1);
	assert_int_equal(((const struct nfgenmsg *)mnl_nlmsg_get_payload(last))->nfgen_family, NFPROTO_BRIDGE);
	assert_int_equal(world_differences(w, bridge), 0);
}

static void what_is_open_is_changed_in_one_transaction(void **state)
{
	struct world *w = *state;
	const struct nft_access first = window("10.20.9.77", NULL, 22, HOUR);
	struct nft_access longer = window("10.20.9.77", NULL, 22, 3 * HOUR), shorter = longer;
	snprintf(longer.comment, sizeof longer.comment, "bob: still at it");
	shorter.ms = NFT_ACCESS_MS_MIN;
	shorter.comment[0] = '\0';
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(open_in(w, wall, first), 0);
	assert_int_equal(open_in(w, wall, longer), 0);
	assert_only(w, longer);
	assert_int_equal(open_in(w, wall, shorter), 0);
	assert_only(w, shorter);
	assert_int_equal(w->kernel.batches, 4);
}

static void loads_leave_windows_alone(void **state)
{
	struct world *w = *state;
	const struct nft_access ssh = window("10.20.9.77", NULL, 22, 2 * HOUR);
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(open_in(w, wall, ssh), 0);
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(w->result.change, NFT_UNCHANGED);
	assert_int_equal(world_load(w, wider, false), 0);
	assert_int_equal(w->result.change, NFT_EXCHANGED);
	assert_true(w->result.verified);
	assert_int_equal(w->result.removed, 0);
	assert_only(w, ssh);
}

static void what_has_no_end_is_a_difference_and_goes(void **state)
{
	struct world *w = *state;
	const struct nft_access ssh = window("10.20.9.77", NULL, 22, 2 * HOUR);
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(open_in(w, wall, ssh), 0);
	add_by_hand(w, 1, 0);
	add_by_hand(w, 2, NFT_ACCESS_SECONDS_MAX * UINT64_C(1000) + 1);
	assert_only(w, ssh);
	assert_int_equal(world_differences(w, wall), 2);
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_int_equal(w->result.removed, 2);
	assert_int_equal(w->result.added, 0);
	assert_true(w->result.verified);
	assert_int_equal(world_differences(w, wall), 0);
	assert_only(w, ssh);
	// Alone they go as well, whatever else is exchanged.
	assert_int_equal(close_in(w, wall, ssh), 0);
	add_by_hand(w, 1, 0);
	assert_int_equal(world_load(w, wider, false), 0);
	assert_int_equal(w->result.removed, 1);
	assert_int_equal(world_differences(w, wider), 0);
	// And opening one puts an end to it.
	add_by_hand(w, 1, 0);
	const struct nft_access ended = window("10.66.0.1", NULL, 22, HOUR);
	assert_int_equal(open_in(w, wider, ended), 0);
	assert_only(w, ended);
	assert_int_equal(world_differences(w, wider), 0);
}

static void nonsense_is_not_sent(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, wall, false), 0);
	struct nft_access bad[8];
	for (size_t i = 0; i < 8; i++)
		bad[i] = window("10.20.9.77", i == 1 || i == 2 ? "10.0.0.1" : NULL, 22, HOUR);
	bad[0].from = address("10.20.9.0/24");
	bad[1].to = address("10.0.0.0/24");
	bad[2].to = address("2001:db8::1");
	bad[3].port = 0;
	bad[4].ms = NFT_ACCESS_MS_MIN - 1;
	bad[5].ms = NFT_ACCESS_SECONDS_MAX * UINT64_C(1000) + 1;
	bad[6].comment[3] = '\033';
	memset(bad[7].comment, 'x', sizeof bad[7].comment);
	static const char *const why[] = {"networks", "networks", "IPv4",     "port",
	                                  "week",     "week",     "one line", "one line"};
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(open_in(w, wall, bad[i]), -EINVAL);
		assert_told(w, why[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(close_in(w, wall, bad[i]), -EINVAL);
		assert_told(w, why[i]);
	}
	assert_int_equal(w->kernel.batches, 1);
	bad[5].ms--; // a week
	assert_int_equal(open_in(w, wall, bad[5]), 0);
	assert_only(w, bad[5]);
}

static void there_must_be_a_place_for_it(void **state)
{
	struct world *w = *state;
	const struct fixture none = {.peers = 3, .size = 16, .detailed = true};
	const struct nft_access ssh = window("10.20.9.77", NULL, 22, HOUR);
	assert_int_equal(open_in(w, none, ssh), -ENOENT);
	assert_told(w, "no place");
	assert_int_equal(open_in(w, wall, window("2001:db8::77", "2001:db8::1", 22, HOUR)), -ENOENT);
	assert_told(w, "2001:db8::77 to 2001:db8::1 on 22: this wall has no place for it");
	assert_int_equal(open_in(w, wall, ssh), -ENOENT);
	assert_told(w, "no wall");
	struct nft_access found[NFT_ACCESS_MAX];
	assert_int_equal(list(w, found), 0);
	assert_int_equal(world_load(w, none, false), 0);
	assert_int_equal(open_in(w, wall, ssh), -EBADE);
	assert_told(w, "not hold the wall");
	assert_int_equal(list(w, found), 0);
}

static void not_more_than_there_may_be(void **state)
{
	struct world *w = *state;
	struct nft_access found[NFT_ACCESS_MAX];
	assert_int_equal(world_load(w, wall, false), 0);
	for (uint16_t i = 1; i <= NFT_ACCESS_MAX; i++)
		assert_int_equal(open_in(w, wall, window("10.20.9.77", i % 2 ? "10.0.0.1" : NULL, i, HOUR)), 0);
	assert_int_equal(list(w, found), NFT_ACCESS_MAX);
	assert_int_equal(open_in(w, wall, window("2001:db8::77", NULL, 22, HOUR)), -ENOSPC);
	assert_told(w, "too many");
	assert_int_equal(open_in(w, wall, window("10.20.9.77", NULL, 2, 2 * HOUR)), 0);
	assert_int_equal(close_in(w, wall, window("10.20.9.77", NULL, 2, 0)), 0);
	assert_int_equal(open_in(w, wall, window("2001:db8::77", NULL, 22, HOUR)), 0);
}

static void anothers_table_is_not_touched(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, wall, false), 0);
	w->kernel.owner = FAKE_PORT + 1;
	assert_int_equal(open_in(w, wall, window("10.20.9.77", NULL, 22, HOUR)), -EPERM);
	assert_told(w, "belongs to");
	assert_int_equal(w->kernel.batches, 1);
	fake_set_table_flags(&w->kernel, 4); // it has ended: anybody's
	assert_int_equal(open_in(w, wall, window("10.20.9.77", NULL, 22, HOUR)), 0);
}

static void races_and_lost_answers(void **state)
{
	struct world *w = *state;
	const struct nft_access ssh = window("10.20.9.77", NULL, 22, HOUR);
	assert_int_equal(world_load(w, wall, false), 0);
	w->kernel.races = 2;
	assert_int_equal(open_in(w, wall, ssh), 0);
	assert_only(w, ssh);
	w->kernel.lose_answer = true;
	assert_int_equal(open_in(w, wall, ssh), 0);
	assert_only(w, ssh);
	w->kernel.lose_answer = true;
	assert_int_equal(close_in(w, wall, ssh), 0);
	struct nft_access found[NFT_ACCESS_MAX];
	assert_int_equal(list(w, found), 0);
	w->kernel.races = 1000;
	assert_int_equal(open_in(w, wall, ssh), -EBUSY);
	assert_told(w, "each time");
	w->kernel.races = 0;
	w->kernel.send_error = EPERM;
	assert_int_equal(open_in(w, wall, ssh), -EPERM);
	assert_told(w, "Operation not permitted");
}

static void what_the_kernel_refuses_is_told(void **state)
{
	struct world *w = *state;
	const struct nft_access ssh = window("10.20.9.77", NULL, 22, HOUR);
	struct nft_access longer = ssh;
	longer.ms = 2 * HOUR;
	assert_int_equal(world_load(w, wall, false), 0);
	assert_int_equal(open_in(w, wall, ssh), 0);
	w->kernel.refuse = true;
	w->kernel.refuse_type = NFT_MSG_NEWSETELEM;
	w->kernel.refuse_error = ENFILE;
	assert_int_equal(open_in(w, wall, longer), -ENOSPC);
	assert_told(w, "full");
	w->kernel.refuse_error = ENOMEM;
	assert_int_equal(open_in(w, wall, longer), -ENOMEM);
	assert_told(w, "the kernel refused elements of set access4");
	w->kernel.refuse_type = NFT_MSG_DELSETELEM;
	w->kernel.refuse_error = ENOENT; // ended since it was read, each time
	assert_int_equal(open_in(w, wall, longer), -EBUSY);
	assert_told(w, "each time");
	w->kernel.refuse = false;
	assert_only(w, ssh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        world_test(one_element_opens_and_closes),
	        world_test(each_kind_has_its_set),
	        world_test(a_bridge_has_them_in_its_own_table),
	        world_test(what_is_open_is_changed_in_one_transaction),
	        world_test(loads_leave_windows_alone),
	        world_test(what_has_no_end_is_a_difference_and_goes),
	        world_test(nonsense_is_not_sent),
	        world_test(there_must_be_a_place_for_it),
	        world_test(not_more_than_there_may_be),
	        world_test(anothers_table_is_not_touched),
	        world_test(races_and_lost_answers),
	        world_test(what_the_kernel_refuses_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
