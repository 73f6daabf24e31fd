// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trying features on a kernel behind the seam: what is refused lacks, what is altered lacks, and nothing stays.
#include "world.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "nft/nft_probe.h"

static void try_all(struct world *w, enum nft_feature feature, int result)
{
	problem_fini(&w->problems);
	problem_init(&w->problems);
	assert_int_equal(nft_probe(w->nft, feature, &w->problems), result);
	assert_int_equal(w->problems.count > 0, result != 0);
	assert_int_equal(w->kernel.count, 0);
}

static bool loads(enum nft_feature feature)
{
	return feature != NFT_FEATURE_TABLES && feature != NFT_FEATURE_CONNECTIONS;
}

static void everything_is_there(void **state)
{
	struct world *w = *state;
	for (enum nft_feature feature = 0; feature < NFT_FEATURE_COUNT; feature++) {
		unsigned commits = w->kernel.commits;
		try_all(w, feature, 0);
		assert_int_equal(w->kernel.commits - commits, loads(feature) ? 2 : 0); // up and down
	}
}

static void what_is_refused_lacks(void **state)
{
	struct world *w = *state;
	w->kernel.refuse = true;
	w->kernel.refuse_type = NFT_MSG_NEWRULE;
	w->kernel.refuse_error = ENOENT;
	for (enum nft_feature feature = 0; feature < NFT_FEATURE_COUNT; feature++)
		try_all(w, feature, loads(feature) ? -ENOENT : 0);
	assert_int_equal(w->kernel.commits, 0);
}

// A kernel that takes what it does not know, and leaves it out.
static void what_does_not_come_back_lacks(void **state)
{
	struct world *w = *state;
	w->kernel.alter = true;
	try_all(w, NFT_FEATURE_FIB, -EBADE);
	w->kernel.alter = false;
	try_all(w, NFT_FEATURE_FIB, 0);
}

static void a_table_that_goes_with_its_owner_is_none_that_stays(void **state)
{
	struct world *w = *state;
	w->kernel.no_persist = true;
	try_all(w, NFT_FEATURE_INET, 0);
	try_all(w, NFT_FEATURE_PERSIST, -EOPNOTSUPP);
}

static void connections_are_asked_for(void **state)
{
	struct world *w = *state;
	w->kernel.send_error = EINVAL;
	try_all(w, NFT_FEATURE_CONNECTIONS, -EINVAL);
	assert_int_equal(w->kernel.batches, 0);
}

// Whatever is asked, what it needs was asked before, and there is an end to it.
static void needs_come_first(void **state)
{
	(void)state;
	for (enum nft_feature feature = 0; feature < NFT_FEATURE_COUNT; feature++) {
		assert_true(nft_probe_needs(feature) <= feature);
		assert_true(nft_feature_info(feature)->name && nft_feature_info(feature)->about);
		assert_non_null(strstr(nft_feature_info(feature)->option, "CONFIG_"));
	}
}

static void expressions_have_a_feature(void **state)
{
	(void)state;
	assert_int_equal(nft_feature_of("ct", RULESET_INET), NFT_FEATURE_CT);
	assert_int_equal(nft_feature_of("ct", RULESET_BRIDGE), NFT_FEATURE_CT_BRIDGE);
	assert_int_equal(nft_feature_of("fib", RULESET_BRIDGE), NFT_FEATURE_FIB);
	assert_int_equal(nft_feature_of("cmp", RULESET_INET), NFT_FEATURE_COUNT);
	assert_int_equal(nft_feature_of(NULL, RULESET_INET), NFT_FEATURE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        world_test(everything_is_there),
	        world_test(what_is_refused_lacks),
	        world_test(what_does_not_come_back_lacks),
	        world_test(a_table_that_goes_with_its_owner_is_none_that_stays),
	        world_test(connections_are_asked_for),
	        cmocka_unit_test(needs_come_first),
	        cmocka_unit_test(expressions_have_a_feature),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
