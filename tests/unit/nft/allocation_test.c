// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory runs out at the n-th allocation, for every n, in libnftnl's calls too. The kernel then has the old
// rules or the new ones, whole, and the result says no more than is true.
//
// Replaces malloc, which a sanitiser does as well: plain only.
#include "world.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "nft/nft_access.h"
#include "nft/nft_foreign.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

// How many allocations still succeed; below 0: all of them.
static long left = -1;
static bool failed;
static bool inside; // the fake kernel's own allocations succeed
static long live;   // allocated by others than it, and not freed

static bool refused(void)
{
	if (left < 0 || inside)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	failed = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	live += memory && !inside;
	return memory;
}

void *malloc(size_t size)
{
	return refused() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
	if (refused())
		return NULL;
	void *now = __libc_realloc(memory, size);
	return memory ? now : counted(now);
}

void free(void *memory)
{
	live -= memory && !inside;
	__libc_free(memory);
}

static const struct fixture old = {.peers = 5, .size = 16, .detailed = true};

// What the next load is told of what stands; NULL: nothing.
static const struct ruleset *known;

static int load_with(struct world *w, const struct ruleset *meant, long allocations, bool skip_read_back)
{
	const struct nft_load_options options = {
	        .skip_read_back = skip_read_back, .known = known, .known_at = w->kernel.generation};
	long before = live;
	failed = false;
	left = allocations;
	int r = nft_load(w->nft, meant, NULL, &options, &w->problems, &w->result);
	left = -1;
	bool told = problem_any_error(&w->problems);
	problem_fini(&w->problems);
	problem_init(&w->problems);
	assert_int_equal(live, before); // nothing leaks
	assert_true(r == 0 || told);
	return r;
}

// From what is there (`first`, or nothing) to `then`, with every allocation failing in its turn.
static void every_allocation(struct world *w, const struct fixture *first, struct fixture then,
                             bool skip_read_back)
{
	struct ruleset meant;
	unsigned before_commit = 0, after_commit = 0;
	assert_int_equal(fixture_build(&then, &meant), 0);
	for (long n = 0;; n++) {
		assert_true(nft_remove(w->nft, &w->problems) == 0 || w->kernel.count == 0);
		if (first)
			assert_int_equal(world_load(w, *first, true), 0);
		unsigned commits = w->kernel.commits;
		int r = load_with(w, &meant, n, skip_read_back);
		if (w->kernel.commits == commits) {
			before_commit++;
			assert_true(r < 0);
			if (first)
				assert_int_equal(world_differences(w, *first), 0);
			else
				assert_int_equal(w->kernel.count, 0);
		} else {
			after_commit++;
			assert_int_equal(w->kernel.commits, commits + 1);
			assert_int_equal(world_differences(w, then), 0);
			assert_true(r == 0 || !w->result.verified);
		}
		if (r < 0)
			assert_int_equal(r, -ENOMEM);
		if (!failed)
			break;
	}
	assert_true(before_commit > 20);
	assert_true(after_commit > 0);
	ruleset_fini(&meant);
}

static void exchanging_what_is_known(void **state)
{
	const struct fixture first = {.peers = 5, .size = 16}, then = {.peers = 7, .size = 16};
	struct ruleset ruleset;
	assert_int_equal(fixture_build(&first, &ruleset), 0);
	known = &ruleset;
	every_allocation(*state, &first, then, false);
	known = NULL;
	ruleset_fini(&ruleset);
}

static void creating(void **state)
{
	every_allocation(*state, NULL,
	                 (struct fixture){.peers = 5, .size = 16, .detailed = true, .bridge = true}, false);
}

static void exchanging(void **state)
{
	every_allocation(*state, &old, (struct fixture){.peers = 40, .size = 64, .extra = "more"}, true);
}

static void changing_elements(void **state)
{
	every_allocation(*state, &old, (struct fixture){.peers = 6, .skip = 2, .size = 16, .detailed = true},
	                 true);
}

static void count_foreign(void *context, const struct nft_foreign *found)
{
	(void)found;
	++*(size_t *)context;
}

// The same tables under another name are somebody else's.
static void rename_tables(const struct fake_kernel *kernel)
{
	static const uint16_t types[] = {NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE};
	for (size_t t = 0; t < sizeof types / sizeof *types; t++)
		for (size_t i = 0; i < fake_count(kernel, types[t]); i++) {
			struct nlmsghdr *message = fake_message(kernel, types[t], i);
			char *name = memmem(message, message->nlmsg_len, "leadglass", sizeof "leadglass");
			assert_non_null(name);
			name[0] = 'L';
		}
}

static void looking_at_others(void **state)
{
	struct world *w = *state;
	unsigned refusals = 0;
	assert_int_equal(world_load(w, (struct fixture){.peers = 5, .size = 16, .bridge = true}, true), 0);
	rename_tables(&w->kernel);
	for (long n = 0;; n++, refusals++) {
		size_t found = 0;
		long before = live;
		failed = false;
		left = n;
		int r = nft_foreign_find(w->nft, count_foreign, &found, &w->problems);
		left = -1;
		bool told = problem_any_error(&w->problems);
		problem_fini(&w->problems);
		problem_init(&w->problems);
		assert_int_equal(live, before);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(told, failed);
		assert_int_equal(found != 0, !failed); // all of it or nothing
		if (!failed)
			break;
	}
	assert_true(refusals > 5);
}

static void reading(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, old, false), 0);
	for (long n = 0;; n++) {
		struct ruleset found;
		struct nft_state now;
		failed = false;
		long before = live;
		left = n;
		int r = nft_read(w->nft, &found, &now, &w->problems);
		left = -1;
		if (r == 0)
			ruleset_fini(&found);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		problem_fini(&w->problems);
		problem_init(&w->problems);
		assert_int_equal(live, before);
		if (!failed)
			break;
	}
}

static const struct fixture timed = {.peers = 5, .size = 16, .detailed = true, .timed = true};

// Opening a window, changing it, and listing it.
static void windows(void **state)
{
	struct world *w = *state;
	struct ruleset meant;
	struct nft_access access = {.from = {{10, 20, 9, 77}, ADDRESS_IPV4, 32}, .box = true, .port = 22};
	assert_int_equal(fixture_build(&timed, &meant), 0);
	assert_int_equal(world_load(w, timed, false), 0);
	for (long n = 0, opened = 0; opened < 2; n++) {
		unsigned commits = w->kernel.commits;
		access.ms = 1000 + (uint64_t)n;
		failed = false;
		long before = live;
		left = n;
		int r = nft_access_open(w->nft, &meant, &access, &w->problems);
		left = -1;
		assert_int_equal(w->kernel.commits, commits + (r == 0));
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(r == 0, !problem_any_error(&w->problems));
		problem_fini(&w->problems);
		problem_init(&w->problems);
		assert_int_equal(live, before);
		if (!failed && ++opened == 1)
			n = -1; // again, now that it is there
	}
	ruleset_fini(&meant);
	for (long n = 0;; n++) {
		struct nft_access *found = NULL;
		size_t count = 0;
		failed = false;
		long before = live;
		left = n;
		int r = nft_access_list(w->nft, &found, &count, &w->problems);
		left = -1;
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(count, r == 0);
		free(found);
		problem_fini(&w->problems);
		problem_init(&w->problems);
		assert_int_equal(live, before);
		if (!failed)
			break;
	}
}

static void opening(void **state)
{
	(void)state;
	struct fake_kernel kernel;
	fake_init(&kernel);
	const struct nft_io io = fake_io(&kernel);
	for (long n = 0; n < 3; n++) {
		struct nft *nft = NULL;
		left = n;
		int r = nft_open_io(&io, &nft);
		left = -1;
		assert_int_equal(r, n < 2 ? -ENOMEM : 0);
		assert_false(kernel.closed); // still the caller's after a failure
		if (r == 0)
			nft_close(nft);
	}
	assert_true(kernel.closed);
	nft_close(NULL);
	fake_fini(&kernel);
}

static void refusing(void **state)
{
	struct world *w = *state;
	struct ruleset meant;
	assert_int_equal(fixture_build(&old, &meant), 0);
	w->kernel.refuse = true;
	w->kernel.refuse_type = 6; // NFT_MSG_NEWRULE
	w->kernel.refuse_error = ENOENT;
	w->kernel.refuse_text = "no such thing";
	for (long n = 0;; n++) {
		int r = load_with(w, &meant, n, false);
		assert_true(r == -ENOMEM || r == -ENOENT);
		assert_int_equal(w->kernel.count, 0);
		if (!failed)
			break;
	}
	ruleset_fini(&meant);
}

static int setup(void **state)
{
	int r = world_setup(state);
	((struct world *)*state)->kernel.inside = &inside;
	return r;
}

#define allocation_test(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        allocation_test(exchanging_what_is_known),
	        allocation_test(exchanging),
	        allocation_test(creating),
	        allocation_test(changing_elements),
	        allocation_test(reading),
	        cmocka_unit_test(opening),
	        allocation_test(refusing),
	        allocation_test(windows),
	        allocation_test(looking_at_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
