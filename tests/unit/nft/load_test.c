// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loading through a kernel that fails on request: what is sent, what stays when it fails, and what is said
// then.
#include "world.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_talk.h"

static const struct fixture three = {.peers = 3, .size = 16, .detailed = true};
static const struct fixture four = {.peers = 4, .size = 16, .detailed = true};
static const struct fixture other = {.peers = 3, .size = 16, .detailed = true, .extra = "time, policy.conf:40"};

static const char *only_problem(const struct world *w)
{
	assert_int_equal(w->problems.count, 1);
	return w->problems.items[0].what;
}

static const char *only_advice(const struct world *w)
{
	assert_int_equal(w->problems.count, 1);
	assert_non_null(w->problems.items[0].instead);
	return w->problems.items[0].instead;
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void creates_and_verifies(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->result.change, NFT_CREATED);
	assert_true(w->result.verified);
	assert_true(w->result.persistent);
	assert_int_equal(w->result.added, 3 + 1 + 2 + 1 + 1 + 4 + 2);
	assert_int_equal(w->result.removed, 0);
	assert_int_equal(w->kernel.batches, 1);
	assert_int_equal(w->kernel.room_asked, w->result.octets);
	assert_int_equal(world_differences(w, three), 0);
	assert_int_equal(w->problems.count, 0);
}

static void nothing_is_sent_when_nothing_differs(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->result.change, NFT_UNCHANGED);
	assert_true(w->result.verified);
	assert_true(w->result.persistent);
	assert_int_equal(w->result.octets, 0);
	assert_int_equal(w->kernel.batches, 1);
}

static void a_new_peer_is_one_element(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(world_load(w, four, false), 0);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_int_equal(w->result.added, 1);
	assert_int_equal(w->result.removed, 0);
	assert_true(w->result.octets < 300);
	assert_int_equal(world_differences(w, four), 0);
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_int_equal(w->result.added, 0);
	assert_int_equal(w->result.removed, 1);
	assert_int_equal(world_differences(w, three), 0);
}

static void all_peers_gone_is_a_flush(void **state)
{
	struct world *w = *state;
	const struct fixture none = {.peers = 0, .size = 16, .detailed = true};
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(world_load(w, none, false), 0);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_int_equal(w->result.removed, 3);
	assert_int_equal(world_differences(w, none), 0);
}

static void a_moved_comment_is_an_exchanged_element(void **state)
{
	struct world *w = *state;
	const struct fixture moved = {.peers = 3, .skip = 1, .size = 16, .detailed = true};
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(world_load(w, moved, false), 0);
	assert_int_equal(w->result.change, NFT_ELEMENTS);
	assert_int_equal(w->result.added, 3); // two have another line now, one is new
	assert_int_equal(w->result.removed, 3);
	assert_int_equal(world_differences(w, moved), 0);
}

static void rules_are_exchanged_inside_standing_chains(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(fake_count(&w->kernel, NFT_MSG_NEWCHAIN), 4);
	uint64_t handles = w->kernel.next_handle;
	size_t rules = fake_count(&w->kernel, NFT_MSG_NEWRULE);
	assert_int_equal(world_load(w, other, false), 0);
	assert_int_equal(w->result.change, NFT_EXCHANGED);
	assert_int_equal(w->result.added, 0);
	assert_int_equal(w->result.removed, 0);
	// New handles went to rules alone: no chain and no set was made.
	assert_int_equal(w->kernel.next_handle - handles, rules + 1);
	assert_int_equal(world_differences(w, other), 0);
}

static void a_set_too_small_is_made_again(void **state)
{
	struct world *w = *state;
	const struct fixture more = {.peers = 17, .size = 32, .detailed = true};
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(world_load(w, more, false), 0);
	assert_int_equal(w->result.change, NFT_EXCHANGED);
	assert_int_equal(w->result.added, 17);
	assert_int_equal(w->result.removed, 3);
	assert_int_equal(world_differences(w, more), 0);
}

static void a_table_more_and_a_table_less(void **state)
{
	struct world *w = *state;
	const struct fixture bridge = {.peers = 3, .size = 16, .detailed = true, .bridge = true};
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(world_load(w, bridge, false), 0);
	assert_int_equal(w->result.change, NFT_CREATED);
	assert_int_equal(world_differences(w, bridge), 0);
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->result.change, NFT_EXCHANGED);
	assert_int_equal(world_differences(w, three), 0);
}

static void a_kernel_without_persistence_gets_a_plain_table(void **state)
{
	struct world *w = *state;
	w->kernel.no_persist = true;
	assert_int_equal(world_load(w, three, false), 0);
	assert_false(w->result.persistent);
	assert_int_equal(w->kernel.batches, 2);
	assert_int_equal(w->kernel.commits, 1);
	// It is asked once, not at every load: an aborted transaction costs tens of milliseconds.
	assert_int_equal(world_load(w, other, false), 0);
	assert_int_equal(w->kernel.batches, 3);
	assert_false(w->result.persistent);
	assert_int_equal(w->problems.count, 0);
}

static void an_orphan_is_adopted(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	fake_set_table_flags(&w->kernel, 0x4);
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->result.change, NFT_UNCHANGED);
	assert_true(w->result.octets > 0);
	assert_true(w->result.persistent);
	assert_int_equal(w->kernel.commits, 2);
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->kernel.commits, 2);
}

static void a_dormant_table_is_found_and_woken(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	fake_set_table_flags(&w->kernel, 0x1 | 0x4);
	assert_int_equal(world_differences(w, three), 3); // the three base chains
	uint64_t handles = w->kernel.next_handle;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->result.change, NFT_EXCHANGED);
	assert_int_equal(w->kernel.next_handle, handles); // nothing was made
	assert_int_equal(world_differences(w, three), 0);
}

static void another_owner_is_named(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	w->kernel.owner = 999999999;
	assert_int_equal(world_load(w, four, false), -EPERM);
	assert_contains(only_problem(w), "999999999");
	assert_int_equal(w->kernel.batches, 1);
	assert_int_equal(nft_remove(w->nft, &w->problems), -EPERM);
	assert_int_equal(w->kernel.batches, 1);
	w->kernel.owner = 0;
	assert_int_equal(world_differences(w, three), 0);
}

static void a_race_is_run_again(void **state)
{
	struct world *w = *state;
	w->kernel.races = 3;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->kernel.batches, 4);
	assert_int_equal(w->kernel.commits, 1);
	w->kernel.races = 1000;
	assert_int_equal(world_load(w, four, false), -EBUSY);
	assert_contains(only_problem(w), "gave up");
	assert_int_equal(w->kernel.commits, 1);
	assert_int_equal(nft_remove(w->nft, &w->problems), -EBUSY);
}

// Somebody flushes in a loop: a wall that is not there is put up without asking what else has changed.
static void a_rival_does_not_keep_the_wall_down(void **state)
{
	struct world *w = *state;
	w->kernel.races = 1000;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->kernel.batches, 4);
	assert_int_equal(w->kernel.commits, 1);
	assert_true(w->result.verified);
	assert_int_equal(w->problems.count, 0);
}

static void a_change_right_after_the_load_is_told_as_what_it_is(void **state)
{
	struct world *w = *state;
	w->kernel.changes_after = 1; // to tables of others: no difference
	assert_int_equal(world_load(w, three, false), 0);
	assert_true(w->result.verified);
	w->kernel.changes_after = 1;
	w->kernel.alter = true;
	assert_int_equal(world_load(w, other, false), -EBUSY);
	assert_true(w->result.committed);
	assert_false(w->result.verified);
	assert_contains(only_problem(w), "another program changed the rules");
}

// ---- refusals ----

static void refuse(struct world *w, uint16_t type, unsigned nth, int error, const char *text, uint32_t offset)
{
	w->kernel.refuse = true;
	w->kernel.refuse_type = type;
	w->kernel.refuse_nth = nth;
	w->kernel.refuse_error = error;
	w->kernel.refuse_text = text;
	w->kernel.refuse_offset = offset;
}

static void a_refused_rule_names_its_line(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	refuse(w, NFT_MSG_NEWRULE, 4, ENOENT, "no such thing", 0);
	assert_int_equal(world_load(w, other, false), -ENOENT);
	assert_contains(only_problem(w), "a rule of chain input (iif");
	assert_contains(only_problem(w), "No such file or directory (no such thing)");
	assert_int_equal(w->problems.items[0].at, FIXTURE_RULE_AT);
	w->kernel.refuse = false;
	assert_int_equal(world_differences(w, three), 0);
}

// The rule `fib ... limit ... log ...` refused at every offset: each expression is named where it lies.
static void a_refused_expression_is_named(void **state)
{
	struct world *w = *state;
	static const char *const order[] = {"lack fib", "lack the expression cmp", "lack limit", "lack log"};
	size_t next = 0;
	for (uint32_t offset = 0; offset < 600; offset += 4) {
		problem_fini(&w->problems);
		problem_init(&w->problems);
		refuse(w, NFT_MSG_NEWRULE, 5, EOPNOTSUPP, "", offset);
		assert_int_equal(world_load(w, three, false), -EOPNOTSUPP);
		if (offset < 40)
			assert_null(w->problems.items[0].instead); // the message's head and names
		if (!w->problems.items[0].instead)
			continue;
		if (next == 0 || !strstr(only_advice(w), order[next - 1])) {
			assert_true(next < sizeof order / sizeof *order);
			assert_contains(only_advice(w), order[next++]);
		}
		if (next == 1)
			assert_contains(only_advice(w), "CONFIG_NFT_FIB_INET");
	}
	assert_int_equal(next, sizeof order / sizeof *order);
	assert_int_equal(w->kernel.count, 0);
}

static void a_refused_element_names_its_line(void **state)
{
	struct world *w = *state;
	const struct fixture many = {.peers = 10, .size = 16};
	// header 20, table name 16, set name 16, list 4; an element is 20 octets
	refuse(w, NFT_MSG_NEWSETELEM, 0, EEXIST, NULL, 0);
	w->kernel.refuse_text = "";
	w->kernel.refuse_offset = 20 + 16 + 16 + 4 + 6 * 20;
	assert_int_equal(world_load(w, many, false), -EEXIST);
	assert_contains(only_problem(w), "element 10.0.0.6 . 104 of set accepts4: File exists");
	assert_int_equal(w->problems.items[0].at, FIXTURE_ELEMENT_AT + 6);
	assert_int_equal(w->kernel.count, 0);
}

static void a_refusal_without_words_still_names_the_part(void **state)
{
	struct world *w = *state;
	refuse(w, NFT_MSG_NEWSET, 2, EINVAL, NULL, 0);
	assert_int_equal(world_load(w, three, false), -EINVAL);
	assert_contains(only_problem(w), "set accepts4_nets: Invalid argument");
	refuse(w, NFT_MSG_NEWCHAIN, 1, EBUSY, NULL, 0);
	assert_int_equal(world_load(w, three, false), -EBUSY);
	assert_contains(w->problems.items[1].what, "chain input: Device or resource busy");
	refuse(w, NFT_MSG_NEWTABLE, 0, EPERM, NULL, 0);
	assert_int_equal(world_load(w, three, false), -EPERM);
	assert_contains(w->problems.items[2].what, "table inet leadglass");
	assert_contains(w->problems.items[2].instead, "CAP_NET_ADMIN");
	refuse(w, NFT_MSG_NEWSETELEM, 0, ENOMEM, NULL, 0);
	assert_int_equal(world_load(w, three, false), -ENOMEM);
	assert_contains(w->problems.items[3].what, "elements of set accepts4");
	assert_int_equal(w->kernel.commits, 0);
	w->kernel.refuse = false;
	assert_int_equal(world_load(w, three, false), 0);
	refuse(w, NFT_MSG_DELRULE, 0, EBUSY, NULL, 0);
	assert_int_equal(world_load(w, other, false), -EBUSY);
	assert_contains(w->problems.items[4].what, "to delete the rules of table inet leadglass");
	refuse(w, NFT_MSG_DELTABLE, 0, EBUSY, NULL, 0);
	assert_int_equal(nft_remove(w->nft, &w->problems), -EBUSY);
	assert_contains(w->problems.items[5].what, "to delete table inet leadglass");
}

static void a_transaction_too_large_names_the_limit(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	w->kernel.room_error = -EMSGSIZE;
	assert_int_equal(world_load(w, other, false), -EMSGSIZE);
	assert_contains(only_problem(w), "octets in one piece");
	assert_contains(only_advice(w), "net.core.wmem_max");
	assert_contains(only_advice(w), "CAP_NET_ADMIN");
	assert_int_equal(w->kernel.batches, 1);
	w->kernel.room_error = 0;
	assert_int_equal(world_differences(w, three), 0);
}

// ---- the seam ----

static void send_fails(void **state)
{
	struct world *w = *state;
	static const int errors[] = {EMSGSIZE, ENOBUFS, EPERM, ECONNREFUSED};
	assert_int_equal(world_load(w, three, false), 0);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		problem_fini(&w->problems);
		problem_init(&w->problems);
		w->kernel.send_error = errors[i];
		assert_int_equal(world_load(w, other, false), -errors[i]);
		assert_contains(only_problem(w), strerror(errors[i]));
		w->kernel.send_error = 0;
		assert_int_equal(world_differences(w, three), 0);
	}
	assert_int_equal(w->kernel.batches, 1);
}

static void interruptions_are_passed_over(void **state)
{
	struct world *w = *state;
	w->kernel.send_interrupted = 5;
	w->kernel.receive_interrupted = 5;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->kernel.send_interrupted, 0);
	assert_int_equal(w->kernel.receive_interrupted, 0);
	assert_int_equal(w->kernel.commits, 1);
}

static void an_interrupted_dump_is_read_again(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	w->kernel.dumps_interrupted = 9;
	assert_int_equal(world_differences(w, three), 0);
	assert_int_equal(w->kernel.dumps_interrupted, 0);
	w->kernel.dumps_interrupted = 1000;
	assert_int_equal(world_differences(w, three), -EINTR);
	assert_contains(only_problem(w), "Interrupted");
	assert_contains(only_advice(w), "faster than they can be read");
}

// Each dump by itself is whole, but not all of them are of the same rules.
static void a_change_between_dumps_is_read_again(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	w->kernel.changes = 3;
	unsigned sends = w->kernel.sends;
	assert_int_equal(world_differences(w, three), 0);
	assert_int_equal(w->kernel.changes, 0);
	assert_int_equal((w->kernel.sends - sends) % 4, 0); // the same four times
	w->kernel.changes = 1000;
	assert_int_equal(world_differences(w, three), -EINTR);
	assert_int_equal(w->kernel.changes, 1000 - 16);
	assert_int_equal(w->problems.count, 1);
}

// A datagram lost anywhere in a load ends in the rules that were meant, or in the old ones and an error.
static void a_lost_datagram_anywhere(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, three, false), 0);
	for (unsigned at = 1;; at++) {
		const struct fixture *next = at % 2 ? &other : &three, *old = at % 2 ? &three : &other;
		unsigned before = w->kernel.receives;
		w->kernel.receive_fail_at = before + at;
		w->kernel.receive_error = ENOBUFS;
		int r = world_load(w, *next, false);
		bool reached = w->kernel.receives >= before + at;
		w->kernel.receive_fail_at = 0;
		assert_int_equal(r, 0);
		assert_int_equal(world_differences(w, *next), 0);
		assert_true(world_differences(w, *old) > 0);
		if (!reached)
			break;
		assert_true(at < 200);
	}
}

// The kernel says that there is a table, and does not show it: nobody knows whether it is switched off.
static void a_table_that_is_not_shown(void **state)
{
	struct world *w = *state;
	const struct nlmsghdr nothing = {.nlmsg_len = sizeof nothing, .nlmsg_type = NLMSG_NOOP};
	struct ruleset found;
	struct nft_state found_state;
	assert_int_equal(world_load(w, (struct fixture){.peers = 3}, false), 0);
	w->kernel.garbage = &nothing;
	w->kernel.garbage_size = sizeof nothing;
	w->kernel.receive_fail_at = w->kernel.receives + 3; // after the generation and its acknowledgement
	assert_int_equal(nft_read(w->nft, &found, &found_state, &w->problems), -EBADMSG);
	assert_int_equal(w->problems.errors, 1);
	w->kernel.garbage = NULL;
	w->kernel.receive_fail_at = 0;
}

static void garbage_anywhere(void **state)
{
	struct world *w = *state;
	static const uint8_t noise[40] = {0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4};
	const struct nlmsghdr short_one = {.nlmsg_len = sizeof(struct nlmsghdr) + 1000,
	                                   .nlmsg_type = NLMSG_ERROR};
	const struct {
		const void *data;
		size_t size;
	} kinds[] = {{noise, sizeof noise}, {noise, 3}, {noise, 0}, {&short_one, sizeof short_one}};
	assert_int_equal(world_load(w, three, false), 0);
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
		for (unsigned at = 1;; at++) {
			const struct fixture *next = at % 2 ? &other : &three, *old = at % 2 ? &three : &other;
			unsigned before = w->kernel.receives, commits = w->kernel.commits;
			w->kernel.garbage = kinds[kind].data;
			w->kernel.garbage_size = kinds[kind].size;
			w->kernel.receive_error = 0;
			w->kernel.receive_fail_at = before + at;
			int r = world_load(w, *next, false);
			bool reached = w->kernel.receives >= before + at;
			w->kernel.receive_fail_at = 0;
			w->kernel.garbage = NULL;
			// What was left of the answer is read and passed over.
			assert_int_equal(world_differences(w, w->kernel.commits > commits ? *next : *old), 0);
			assert_true(r == 0 || r == -EBADMSG);
			// Who is told "nothing was changed" can rely on it.
			assert_int_equal(w->result.committed, w->kernel.commits > commits);
			if (r == 0)
				assert_int_equal(world_differences(w, *next), 0);
			else
				assert_true(w->problems.count > 0);
			if (!reached)
				break;
			assert_int_equal(world_load(w, *next, false), 0);
			assert_true(at < 200);
		}
}

static void a_lost_verdict_is_looked_up(void **state)
{
	struct world *w = *state;
	w->kernel.lose_answer = true;
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(w->kernel.commits, 1);
	assert_int_equal(w->result.change, NFT_UNCHANGED); // by then it was there
	assert_int_equal(world_differences(w, three), 0);
}

static void a_kernel_that_never_answers_is_given_up(void **state)
{
	struct world *w = *state;
	w->kernel.silent = true;
	assert_int_equal(world_load(w, three, false), -EBUSY);
	assert_int_equal(w->kernel.batches, 8);
	assert_contains(only_problem(w), "gave up");
}

static void what_came_out_otherwise_is_reported(void **state)
{
	struct world *w = *state;
	w->kernel.alter = true;
	assert_int_equal(world_load(w, three, false), -EBADE);
	assert_false(w->result.verified);
	assert_contains(only_problem(w), "does not hold what was sent");
	assert_int_equal(w->problems.items[0].at, FIXTURE_RULE_AT);
	assert_int_equal(world_load(w, other, true), 0); // not asked to look
	assert_false(w->result.verified);
}

// Of elements that are missing each names its line; who reads them on a console is not to miss the beginning.
static void what_is_missing_names_its_line(void **state)
{
	struct world *w = *state;
	const struct fixture many = {.peers = 100, .size = 128};
	w->kernel.alter_elements = true;
	assert_int_equal(world_load(w, many, false), -EBADE);
	assert_int_equal(w->problems.count, 21);
	assert_contains(w->problems.items[0].what, "the kernel does not hold what was sent");
	assert_int_equal(w->problems.items[0].at, FIXTURE_ELEMENT_AT);
	assert_int_equal(w->problems.items[19].at, FIXTURE_ELEMENT_AT + 19);
	assert_contains(w->problems.items[20].what, "and more differences");
}

static void many_differences_are_bounded(void **state)
{
	struct world *w = *state;
	struct ruleset meant;
	size_t differences = 0;
	const struct fixture many = {.peers = 500};
	assert_int_equal(fixture_build(&many, &meant), 0);
	assert_int_equal(nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &differences), 0);
	assert_int_equal(differences, 1); // no table
	ruleset_fini(&meant);
}

static void removes(void **state)
{
	struct world *w = *state;
	assert_int_equal(nft_remove(w->nft, &w->problems), -ENOENT);
	assert_int_equal(world_load(w, three, false), 0);
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	assert_int_equal(w->kernel.count, 0);
	assert_int_equal(nft_remove(w->nft, &w->problems), -ENOENT);
	assert_int_equal(w->problems.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        world_test(creates_and_verifies),
	        world_test(nothing_is_sent_when_nothing_differs),
	        world_test(a_new_peer_is_one_element),
	        world_test(all_peers_gone_is_a_flush),
	        world_test(a_moved_comment_is_an_exchanged_element),
	        world_test(rules_are_exchanged_inside_standing_chains),
	        world_test(a_set_too_small_is_made_again),
	        world_test(a_table_more_and_a_table_less),
	        world_test(a_kernel_without_persistence_gets_a_plain_table),
	        world_test(an_orphan_is_adopted),
	        world_test(a_dormant_table_is_found_and_woken),
	        world_test(another_owner_is_named),
	        world_test(a_race_is_run_again),
	        world_test(a_rival_does_not_keep_the_wall_down),
	        world_test(a_change_right_after_the_load_is_told_as_what_it_is),
	        world_test(a_refused_rule_names_its_line),
	        world_test(a_refused_expression_is_named),
	        world_test(a_refused_element_names_its_line),
	        world_test(a_refusal_without_words_still_names_the_part),
	        world_test(a_transaction_too_large_names_the_limit),
	        world_test(send_fails),
	        world_test(interruptions_are_passed_over),
	        world_test(an_interrupted_dump_is_read_again),
	        world_test(a_change_between_dumps_is_read_again),
	        world_test(a_lost_datagram_anywhere),
	        world_test(a_table_that_is_not_shown),
	        world_test(garbage_anywhere),
	        world_test(a_lost_verdict_is_looked_up),
	        world_test(a_kernel_that_never_answers_is_given_up),
	        world_test(what_came_out_otherwise_is_reported),
	        world_test(what_is_missing_names_its_line),
	        world_test(many_differences_are_bounded),
	        world_test(removes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
