// SPDX-License-Identifier: GPL-2.0-or-later
//
// A wall made by hand that has every field, every kind of statement and every kind of set in it, so that these
// tests stand on the ruleset's builder alone and not on what the compiler happens to use.
#ifndef LEADGLASS_TESTS_NFT_FIXTURE_H
#define LEADGLASS_TESTS_NFT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ruleset/ruleset.h"

struct fixture {
	size_t peers;      // elements of accepts4: 10.x.y.z . 104
	uint32_t skip;     // number of the first of them
	uint32_t size;     // room of accepts4; 0: as many as peers
	bool detailed;     // comments and counters on accepts4
	bool bridge;       // with a bridge table
	bool timed;        // with sets of service windows: access4/6, and access_devices4 (with `bridge` there)
	bool text;         // without the rules that nft text cannot say (they are bytecode of our own)
	const char *extra; // comment of one more rule in chain input; NULL: no such rule
};

// Fills `ret`. Returns what the builder said: 0 or -errno; `ret` is for ruleset_fini in both cases.
int fixture_build(const struct fixture *fixture, struct ruleset *ret);

struct ruleset_set *fixture_set(struct ruleset *ruleset, const char *name);
struct ruleset_chain *fixture_chain(struct ruleset *ruleset, const char *name);

// Where the fixture says that rules and elements come from.
#define FIXTURE_RULE_AT 7
#define FIXTURE_ELEMENT_AT 1000 // and one more for each element

#endif
