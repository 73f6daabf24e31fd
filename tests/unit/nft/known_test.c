// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loading by somebody who knows what stands: what is then not read beforehand, and that it is read back all the
// same.
#include "world.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/netfilter/nf_tables.h>

static const struct fixture plain_three = {.peers = 3, .size = 16};
static const struct fixture plain_four = {.peers = 4, .size = 16};

// Loads `then` while `now` is said to stand since `known_at`; how often was sent.
static unsigned load_knowing(struct world *w, struct fixture now, uint32_t known_at, struct fixture then)
{
	struct ruleset known, meant;
	assert_int_equal(fixture_build(&now, &known), 0);
	assert_int_equal(fixture_build(&then, &meant), 0);
	const struct nft_load_options options = {.known = &known, .known_at = known_at};
	unsigned before = w->kernel.sends;
	assert_int_equal(nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result), 0);
	ruleset_fini(&known);
	ruleset_fini(&meant);
	return w->kernel.sends - before;
}

// Another peer in the kernel than was loaded, and the same generation: what cannot be.
static void tamper_unnoticed(struct world *w)
{
	struct nlmsghdr *message;
	for (size_t i = 0; (message = fake_message(&w->kernel, NFT_MSG_NEWSETELEM, i)); i++) {
		uint8_t *octets = (uint8_t *)message;
		for (size_t k = 0; k + 8 <= message->nlmsg_len; k += 4)
			if (memcmp(octets + k, "\x0a\x00\x00\x01\x00\x68\x00\x00", 8) == 0) {
				octets[k + 3] = 99;
				return;
			}
	}
	fail_msg("there is no 10.0.0.1 . 104");
}

static void what_is_known_is_not_read_before(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, plain_three, false), 0);
	assert_int_equal(w->result.generation, w->kernel.generation);
	unsigned all = load_knowing(w, plain_three, w->result.generation + 1, plain_four);
	assert_int_equal(w->result.added, 1);
	unsigned some = load_knowing(w, plain_four, w->result.generation, plain_three);
	assert_true(some < all);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_int_equal(w->result.added, 0);
	assert_int_equal(w->result.removed, 1);
	assert_true(w->result.verified);
	assert_int_equal(w->result.generation, w->kernel.generation);
	assert_int_equal(world_differences(w, plain_three), 0);
}

static void what_others_changed_is_read(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, plain_three, false), 0);
	uint32_t at = w->result.generation;
	assert_int_equal(world_load(w, plain_four, false), 0);
	// Taken for three, the fourth would be added: the kernel of this test would have it twice.
	load_knowing(w, plain_three, at, plain_four);
	assert_int_equal(w->result.change, NFT_UNCHANGED);
	assert_int_equal(w->result.generation, w->kernel.generation);
	assert_int_equal(world_differences(w, plain_four), 0);
}

static void others_in_between_make_what_is_known_worthless(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, plain_three, false), 0);
	w->kernel.races = 1;
	load_knowing(w, plain_three, w->result.generation, plain_four);
	assert_int_equal(w->kernel.batches, 3);
	assert_int_equal(w->result.added, 1);
	assert_int_equal(world_differences(w, plain_four), 0);
}

static void nothing_is_called_verified_that_was_not_read(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, plain_three, false), 0);
	tamper_unnoticed(w);
	assert_int_equal(world_differences(w, plain_three), 2);
	load_knowing(w, plain_three, w->result.generation, plain_three);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_true(w->result.verified);
	assert_int_equal(world_differences(w, plain_three), 0);
}

static void what_is_read_back_is_read_whole(void **state)
{
	struct world *w = *state;
	struct ruleset known, meant;
	assert_int_equal(world_load(w, plain_three, false), 0);
	const struct nft_load_options options = {.known = &known, .known_at = w->result.generation};
	tamper_unnoticed(w);
	assert_int_equal(fixture_build(&plain_three, &known), 0);
	assert_int_equal(fixture_build(&plain_four, &meant), 0);
	assert_int_equal(nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result), -EBADE);
	assert_true(w->result.committed);
	assert_false(w->result.verified);
	assert_int_equal(w->result.generation, 0);
	ruleset_fini(&known);
	ruleset_fini(&meant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        world_test(what_is_known_is_not_read_before),
	        world_test(what_others_changed_is_read),
	        world_test(others_in_between_make_what_is_known_worthless),
	        world_test(nothing_is_called_verified_that_was_not_read),
	        world_test(what_is_read_back_is_read_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
