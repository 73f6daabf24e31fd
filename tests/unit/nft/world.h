// SPDX-License-Identifier: GPL-2.0-or-later
//
// A fake kernel, an open door to it and a list of problems: what most of these tests begin with.
#ifndef LEADGLASS_TESTS_NFT_WORLD_H
#define LEADGLASS_TESTS_NFT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/problem.h"
#include "fake_kernel.h"
#include "fixture.h"

struct world {
	struct fake_kernel kernel;
	struct nft *nft;
	struct problems problems;
	struct nft_load_result result;
};

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	fake_init(&w->kernel);
	problem_init(&w->problems);
	const struct nft_io io = fake_io(&w->kernel);
	assert_int_equal(nft_open_io(&io, &w->nft), 0);
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;
	nft_close(w->nft);
	assert_true(w->kernel.closed);
	problem_fini(&w->problems);
	fake_fini(&w->kernel);
	free(w);
	return 0;
}

static inline int world_load(struct world *w, struct fixture fixture, bool skip_read_back)
{
	struct ruleset meant;
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	const struct nft_load_options options = {.skip_read_back = skip_read_back};
	w->result = (struct nft_load_result){0};
	int r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	ruleset_fini(&meant);
	return r;
}

// How the kernel's rules differ from the fixture's; -errno when they cannot be read.
static inline int world_differences(struct world *w, struct fixture fixture)
{
	struct ruleset meant;
	size_t differences = 0;
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	int r = nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &differences);
	ruleset_fini(&meant);
	return r < 0 ? r : (int)differences;
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

#endif
