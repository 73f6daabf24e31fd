// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loading into the kernel this runs on.
#include "kernel_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"

static const struct fixture three = {.peers = 3, .size = 16, .detailed = true};
static const struct fixture four = {.peers = 4, .size = 16, .detailed = true};
static const struct fixture other = {.peers = 3, .size = 16, .detailed = true, .extra = "time, policy.conf:40"};

static void creates_and_keeps(void **state)
{
	struct world *w = *state;
	const struct fixture bridge = {.peers = 3, .size = 16, .detailed = true, .bridge = true};
	kernel_load(w, bridge, NFT_CREATED);
	assert_int_equal(kernel_differences(w, bridge), 0);
	uint32_t generation = kernel_state(w).generation;
	kernel_load(w, bridge, NFT_UNCHANGED);
	assert_int_equal(w->result.octets, 0);
	assert_int_equal(kernel_state(w).generation, generation);
	kernel_load(w, three, NFT_EXCHANGED); // the bridge table goes
	assert_false(kernel_state(w).bridge.present);
}

static void exchanges_elements(void **state)
{
	struct world *w = *state;
	const struct fixture moved = {.peers = 3, .skip = 1, .size = 16, .detailed = true};
	const struct fixture none = {.peers = 0, .size = 16, .detailed = true};
	kernel_load(w, three, NFT_CREATED);
	kernel_load(w, four, NFT_ELEMENTS);
	assert_int_equal(w->result.added, 1);
	kernel_load(w, three, NFT_ELEMENTS);
	assert_int_equal(w->result.removed, 1);
	kernel_load(w, moved, NFT_ELEMENTS);
	kernel_load(w, none, NFT_ELEMENTS);
	kernel_load(w, three, NFT_ELEMENTS);
}

// Every kind of set: one element goes, another comes, in the same transaction.
static void exchanges_elements_of_every_set(void **state)
{
	struct world *w = *state;
	static const char *const sets[] = {"accepts4",      "accepts6", "accepts4_nets",
	                                   "accepts6_nets", "ping_to4", "manage_interfaces"};
	kernel_load(w, three, NFT_CREATED);
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct ruleset meant;
		size_t count;
		const struct nft_load_options options = {0};
		assert_int_equal(fixture_build(&three, &meant), 0);
		struct ruleset_set *set = fixture_set(&meant, sets[i]);
		set->keys[3] ^= 1;
		if (set->interval)
			set->keys[set->key_size + 3] ^= 1;
		assert_int_equal(ruleset_finish_set(set), 0);
		if (nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result) < 0)
			kernel_print_problems(w);
		assert_int_equal(w->problems.count, 0);
		assert_int_equal(w->result.change, NFT_ELEMENTS);
		assert_int_equal(nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &count), 0);
		assert_int_equal(count, 0);
		ruleset_fini(&meant);
		kernel_load(w, three, NFT_ELEMENTS);
	}
}

static void base_chains_stand(void **state)
{
	struct world *w = *state;
	const struct fixture more = {.peers = 40, .size = 64, .extra = "time, policy.conf:40"};
	kernel_load(w, three, NFT_CREATED);
	uint64_t input = kernel_chain_handle("input"), output = kernel_chain_handle("output"),
	         forward = kernel_chain_handle("forward");
	kernel_load(w, other, NFT_EXCHANGED);
	kernel_load(w, more, NFT_EXCHANGED); // larger set, no details: made again
	kernel_load(w, three, NFT_EXCHANGED);
	assert_int_equal(kernel_chain_handle("input"), input);
	assert_int_equal(kernel_chain_handle("output"), output);
	assert_int_equal(kernel_chain_handle("forward"), forward);
}

static void sets_grow_beyond_their_room(void **state)
{
	struct world *w = *state;
	for (size_t peers = 1; peers < 5000; peers = peers * 3 + 1) {
		const struct fixture f = {.peers = peers, .detailed = peers < 100};
		assert_int_equal(kernel_try_load(w, f, false), 0);
		assert_int_equal(kernel_differences(w, f), 0);
	}
}

static void foreign_tables_are_not_touched(void **state)
{
	struct world *w = *state;
	static const char list[] = "nft list table inet mine > %s; nft list table ip leadglass >> %s";
	char before[] = "/tmp/leadglass-before-XXXXXX", after[] = "/tmp/leadglass-after-XXXXXX", command[512];
	int a = mkstemp(before), b = mkstemp(after);
	assert_true(a >= 0 && b >= 0);
	close(a);
	close(b);
	assert_int_equal(
	        kernel_run("nft 'table inet mine { set input { type ipv4_addr; elements = { 192.0.2.1 } } ; "
	                   "chain input { type filter hook input priority 5; counter accept; }; }'"),
	        0);
	assert_int_equal(
	        kernel_run("nft 'table ip leadglass { chain input { type filter hook input priority 5; }; }'"),
	        0);
	snprintf(command, sizeof command, list, before, before);
	assert_int_equal(kernel_run(command), 0);
	kernel_load(w, three, NFT_CREATED);
	kernel_load(w, other, NFT_EXCHANGED);
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	snprintf(command, sizeof command, list, after, after);
	assert_int_equal(kernel_run(command), 0);
	snprintf(command, sizeof command, "cmp %s %s", before, after);
	assert_int_equal(kernel_run(command), 0);
	unlink(before);
	unlink(after);
}

static void removes(void **state)
{
	struct world *w = *state;
	assert_int_equal(nft_remove(w->nft, &w->problems), -ENOENT);
	kernel_load(w, three, NFT_CREATED);
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	assert_false(kernel_state(w).inet.present);
	assert_int_equal(nft_remove(w->nft, &w->problems), -ENOENT);
	kernel_load(w, three, NFT_CREATED);
	kernel_let_go(w); // an orphan as well
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
}

static void a_hundred_thousand_peers(void **state)
{
	struct world *w = *state;
	const struct fixture big = {.peers = 100000}, one_more = {.peers = 100001, .size = 131072};
	const struct fixture room = {.peers = 100000, .size = 131072},
	                     moved = {.peers = 100000, .skip = 200000};
	kernel_load(w, big, NFT_CREATED);
	assert_true(w->result.octets < 2100000);
	kernel_load(w, big, NFT_UNCHANGED);
	kernel_load(w, one_more, NFT_EXCHANGED); // beyond its room
	kernel_load(w, room, NFT_ELEMENTS);
	assert_int_equal(w->result.removed, 1);
	assert_true(w->result.octets < 300);
	kernel_load(w, moved, NFT_EXCHANGED);
	assert_int_equal(w->result.added, 100000);
	assert_int_equal(kernel_try_load(w, big, true), 0);
	assert_false(w->result.verified);
	assert_int_equal(kernel_differences(w, big), 0);
}

// What the kernel itself refuses, and that the old rules stand after it.
static void a_refusal_names_the_element(void **state)
{
	struct world *w = *state;
	const struct fixture tight = {.peers = 10, .size = 16}, full = {.peers = 12, .skip = 100, .size = 4};
	const struct nft_load_options options = {0};
	struct ruleset meant;
	kernel_load(w, tight, NFT_CREATED);
	assert_int_equal(fixture_build(&full, &meant), 0);
	int r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	assert_int_equal(r, 0); // still fits into the standing set: it is not made again
	kernel_load(w, tight, NFT_ELEMENTS);
	fixture_set(&meant, "accepts4")->detailed = true; // another kind of set: now it is
	r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	assert_int_equal(r, -ENFILE);
	assert_int_equal(w->problems.count, 1);
	assert_string_equal(w->problems.items[0].what,
	                    "the kernel refused element 10.0.0.104 . 104 of set accepts4: "
	                    "Too many open files in system");
	assert_int_equal(w->problems.items[0].at, FIXTURE_ELEMENT_AT + 4);
	ruleset_fini(&meant);
	assert_int_equal(kernel_differences(w, tight), 0);
}

static void counters_come_back(void **state)
{
	struct world *w = *state;
	struct ruleset found;
	struct nft_state now;
	kernel_load(w, three, NFT_CREATED);
	assert_int_equal(kernel_run("ip link set lo up && ping -q -c 1 -W 1 127.0.0.1 > /dev/null"), 0);
	assert_int_equal(nft_read(w->nft, &found, &now, &w->problems), 0);
	const struct ruleset_set *set = fixture_set(&found, "accepts4");
	assert_int_equal(set->count, 3);
	assert_non_null(set->details);
	assert_string_equal(set->details[1].comment, "main-pacs policy.conf:15");
	assert_null(set->origins);
	const struct ruleset_chain *chain = fixture_chain(&found, "input");
	assert_string_equal(chain->rules[0].comment, "loopback");
	assert_int_not_equal(chain->rules[0].handle, 0);
	ruleset_fini(&found);
}

static void nft_shows_it(void **state)
{
	struct world *w = *state;
	const struct fixture bridge = {.peers = 3, .size = 16, .detailed = true, .bridge = true};
	kernel_load(w, bridge, NFT_CREATED);
	assert_int_equal(kernel_run("nft list ruleset | grep -q 'comment \"main-pacs policy.conf:14\"'"), 0);
	assert_int_equal(kernel_run("nft list ruleset | grep -q 'comment \"manage, policy.conf:31\"'"), 0);
	assert_int_equal(
	        kernel_run("nft list ruleset | grep -q 'comment \"exact peers that may call the device\"'"), 0);
	kernel_let_go(w);
	assert_int_equal(kernel_run("nft list table inet leadglass > /dev/null"), 0);
	assert_int_equal(kernel_run("nft list table bridge leadglass > /dev/null"), 0);
}

// The text that ruleset_print writes, loaded by nft, is the same wall: expression by expression, element by
// element.
static void the_text_gives_the_same(void **state)
{
	struct world *w = *state;
	struct ruleset meant;
	struct buffer text = BUFFER_EMPTY;
	const struct fixture plain = {.peers = 3, .size = 16, .detailed = true, .text = true};
	assert_int_equal(fixture_build(&plain, &meant), 0);
	ruleset_print(&meant, &text);
	assert_false(buffer_failed(&text));
	FILE *nft = popen("nft -f -", "w");
	assert_non_null(nft);
	fwrite(text.data, 1, text.size, nft);
	assert_int_equal(pclose(nft), 0);
	size_t count = 0;
	assert_int_equal(nft_verify(w->nft, &meant, kernel_tell, NULL, &w->problems, &count), 0);
	assert_int_equal(count, 0);
	kernel_load(w, plain, NFT_UNCHANGED);
	buffer_fini(&text);
	ruleset_fini(&meant);
}

int main(void)
{
	kernel_needs_root();
	const struct CMUnitTest tests[] = {
	        kernel_test(creates_and_keeps),
	        kernel_test(exchanges_elements),
	        kernel_test(exchanges_elements_of_every_set),
	        kernel_test(base_chains_stand),
	        kernel_test(sets_grow_beyond_their_room),
	        kernel_test(foreign_tables_are_not_touched),
	        kernel_test(removes),
	        kernel_test(a_hundred_thousand_peers),
	        kernel_test(a_refusal_names_the_element),
	        kernel_test(counters_come_back),
	        kernel_test(nft_shows_it),
	        kernel_test(the_text_gives_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
