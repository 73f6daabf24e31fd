// SPDX-License-Identifier: GPL-2.0-or-later
//
// The flow table's messages, and that no transaction that changes the wall leaves one behind.
#include "world.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "fake_answer.h"
#include "nft/nft_attribute.h"
#include "nft/nft_batch.h"
#include "nft/nft_flowtable.h"
#include "nft/nft_foreign.h"

static const struct fixture three = {.peers = 3, .size = 16, .detailed = true};
static const struct fixture four = {.peers = 4, .size = 16, .detailed = true};
static const struct nft_interface two[] = {{"device"}, {"hospital"}};
static const struct nft_interface other[] = {{"device"}, {"service"}};

static int put(struct world *w)
{
	return nft_flowtable_put(w->nft, two, 2, &w->problems);
}

static bool stands(const struct world *w)
{
	bool there = fake_count(&w->kernel, NFT_MSG_NEWFLOWTABLE) == 1;
	assert_int_equal(nft_flowtable_stands(w->nft), there);
	return there;
}

// The table's message, by its name.
static struct nlmsghdr *flow_message(const struct world *w, uint16_t type)
{
	struct nlmsghdr *message;
	for (size_t i = 0; (message = fake_message(&w->kernel, type, i)); i++)
		if (strcmp(nft_text(fake_attribute(message, NFTA_TABLE_NAME)), NFT_FLOWTABLE_TABLE) == 0)
			return message;
	fail_msg("no message of type %u", type);
	return NULL;
}

static void one_transaction_makes_it(void **state)
{
	struct world *w = *state;
	uint32_t flags = 0;
	assert_int_equal(put(w), 0);
	assert_true(stands(w));
	assert_int_equal(w->kernel.batches, 1);
	assert_true(nft_number(fake_attribute(flow_message(w, NFT_MSG_NEWTABLE), NFTA_TABLE_FLAGS), &flags));
	assert_int_equal(flags, 2); // owned, and gone with its owner
	assert_int_equal(nft_flowtable_is(w->nft, two, 2), 1);
	assert_int_equal(nft_flowtable_is(w->nft, two, 1), 0);
	assert_int_equal(nft_flowtable_is(w->nft, other, 2), 0);
	assert_int_equal(nft_flowtable_put(w->nft, two, 0, &w->problems), -EINVAL);
}

static void names_of(const struct nlmsghdr *rule, char *to, size_t size)
{
	const struct nlattr *list = fake_attribute(rule, NFTA_RULE_EXPRESSIONS), *part,
	                    *parts[NFTA_EXPR_DATA + 1];
	to[0] = '\0';
	mnl_attr_for_each_nested(part, list)
	{
		nft_attributes_nested(part, parts, NFTA_EXPR_DATA + 1);
		assert_true(strlen(to) + strlen(nft_text(parts[NFTA_EXPR_NAME])) + 2 < size);
		strcat(strcat(to, nft_text(parts[NFTA_EXPR_NAME])), " ");
	}
}

static int32_t priority_of(const struct nlattr *hook)
{
	const struct nlattr *parts[NFTA_HOOK_DEVS + 1];
	uint32_t priority = 0;
	nft_attributes_nested(hook, parts, NFTA_HOOK_DEVS + 1);
	assert_true(nft_number(parts[NFTA_HOOK_PRIORITY], &priority));
	return (int32_t)priority;
}

static void takes_what_everybody_let_through(void **state)
{
	struct world *w = *state;
	char names[160];
	uint32_t policy = 0;
	assert_int_equal(put(w), 0);
	names_of(flow_message(w, NFT_MSG_NEWRULE), names, sizeof names);
	assert_string_equal(names, "meta cmp ct bitwise cmp flow_offload ");
	const struct nlmsghdr *chain = flow_message(w, NFT_MSG_NEWCHAIN);
	assert_true(nft_number(fake_attribute(chain, NFTA_CHAIN_POLICY), &policy));
	assert_int_equal(policy, 1); // NF_ACCEPT
	assert_int_equal(priority_of(fake_attribute(chain, NFTA_CHAIN_HOOK)), INT32_MAX);
	assert_int_equal(
	        priority_of(fake_attribute(flow_message(w, NFT_MSG_NEWFLOWTABLE), NFTA_FLOWTABLE_HOOK)),
	        INT32_MAX);
}

static void each_change_of_the_wall_takes_it_along(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(put(w), 0);
	assert_int_equal(w->kernel.batches, 2);
	assert_int_equal(world_load(w, three, false), 0); // no change
	assert_true(stands(w));
	assert_int_equal(w->kernel.batches, 2);
	assert_int_equal(world_load(w, four, false), 0); // one element, in one transaction
	assert_false(stands(w));
	assert_int_equal(w->kernel.batches, 3);
	assert_int_equal(put(w), 0);
	assert_int_equal(world_differences(w, four), 0); // it is no part of the wall
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	assert_false(stands(w));
	assert_int_equal(w->kernel.count, 0);
	assert_int_equal(w->kernel.batches, 5);
}

static void a_refused_change_leaves_both(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(put(w), 0);
	w->kernel.refuse = true;
	w->kernel.refuse_type = NFT_MSG_NEWSETELEM;
	w->kernel.refuse_error = ENOMEM;
	assert_int_equal(world_load(w, four, false), -ENOMEM);
	assert_true(stands(w));
	assert_int_equal(world_differences(w, three), 0);
}

static void an_answer_that_is_lost(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(put(w), 0);
	w->kernel.lose_answer = true;
	assert_int_equal(world_load(w, four, false), 0);
	assert_false(stands(w));
	w->kernel.lose_answer = true;
	assert_int_equal(put(w), 0);
	assert_true(stands(w));
	w->kernel.lose_answer = true;
	assert_int_equal(nft_flowtable_remove(w->nft, &w->problems), 0);
	assert_false(stands(w));
	assert_int_equal(nft_flowtable_remove(w->nft, &w->problems), 0); // there is none
}

static void anew_over_other_interfaces(void **state)
{
	struct world *w = *state;
	assert_int_equal(put(w), 0);
	assert_int_equal(nft_flowtable_put(w->nft, other, 2, &w->problems), 0);
	assert_true(stands(w));
	assert_int_equal(w->kernel.batches, 2);
	assert_int_equal(nft_flowtable_is(w->nft, other, 2), 1);
	assert_int_equal(nft_flowtable_is(w->nft, two, 2), 0);
}

// Nobody's is replaced; what another process owns keeps neither the wall from being loaded nor is it deleted.
static void one_of_others(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(put(w), 0);
	uint32_t none = 0;
	const struct nlattr *flags = fake_attribute(flow_message(w, NFT_MSG_NEWTABLE), NFTA_TABLE_FLAGS);
	memcpy(mnl_attr_get_payload(flags), &none, sizeof none);
	assert_int_equal(nft_flowtable_is(w->nft, two, 2), 0);
	assert_int_equal(put(w), 0);
	assert_true(stands(w));
	w->kernel.owner_of_flow = 4712;
	assert_int_equal(put(w), -EPERM);
	assert_non_null(strstr(w->problems.items[0].what, "leadglass-flow belongs to another process"));
	assert_int_equal(nft_flowtable_remove(w->nft, &w->problems), 0);
	assert_int_equal(world_load(w, four, false), 0);
	assert_int_equal(fake_count(&w->kernel, NFT_MSG_NEWFLOWTABLE), 1);
	assert_false(nft_flowtable_stands(w->nft));
}

static void count_bypass(void *context, const struct nft_foreign *found)
{
	if (nft_foreign_is_bypass(found->kind) && found->kind == NFT_FOREIGN_FLOWTABLE)
		(*(unsigned *)context)++;
}

static unsigned found_past_the_wall(struct world *w)
{
	unsigned count = 0;
	assert_int_equal(nft_foreign_find(w->nft, count_bypass, &count, &w->problems), 0);
	return count;
}

// What this very socket keeps is no way around the wall; the same of another owner, or of none, is.
static void is_no_foreign_one(void **state)
{
	struct world *w = *state;
	uint32_t none = 0;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(put(w), 0);
	assert_int_equal(found_past_the_wall(w), 0);
	w->kernel.owner_of_flow = 4712;
	assert_int_equal(found_past_the_wall(w), 1);
	w->kernel.owner_of_flow = 0;
	const struct nlattr *flags = fake_attribute(flow_message(w, NFT_MSG_NEWTABLE), NFTA_TABLE_FLAGS);
	memcpy(mnl_attr_get_payload(flags), &none, sizeof none);
	assert_int_equal(found_past_the_wall(w), 1);
}

static void a_kernel_without(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	w->kernel.refuse = true;
	w->kernel.refuse_type = NFT_MSG_NEWFLOWTABLE;
	w->kernel.refuse_error = ENOENT;
	assert_int_equal(put(w), -ENOENT);
	assert_true(nft_flowtable_lacks(-ENOENT));
	assert_false(nft_flowtable_lacks(-EBUSY));
	assert_string_equal(
	        w->problems.items[0].what,
	        "the kernel refused the flow table (table inet leadglass-flow): No such file or directory");
	assert_non_null(strstr(w->problems.items[0].instead, "CONFIG_NFT_FLOW_OFFLOAD"));
	assert_false(stands(w));
	assert_int_equal(world_differences(w, three), 0);
}

static void somebody_is_always_faster(void **state)
{
	struct world *w = *state;
	w->kernel.refuse = true;
	w->kernel.refuse_type = NFT_MSG_NEWTABLE;
	w->kernel.refuse_error = EEXIST;
	assert_int_equal(put(w), -EBUSY);
	w->kernel.refuse = false;
	w->kernel.send_error = EPERM;
	assert_int_equal(put(w), -EPERM);
	assert_int_equal(nft_flowtable_is(w->nft, two, 2), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        world_test(one_transaction_makes_it),
	        world_test(takes_what_everybody_let_through),
	        world_test(each_change_of_the_wall_takes_it_along),
	        world_test(a_refused_change_leaves_both),
	        world_test(an_answer_that_is_lost),
	        world_test(anew_over_other_interfaces),
	        world_test(one_of_others),
	        world_test(is_no_foreign_one),
	        world_test(a_kernel_without),
	        world_test(somebody_is_always_faster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
