// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sets: sorting, repetitions, finding, and making overlapping intervals disjoint without changing what they
// cover.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ruleset/ruleset_compile.h"

static const enum ruleset_type types[2] = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE};

static uint32_t random_state = 1;
static uint32_t next_random(uint32_t below)
{
	random_state = random_state * 1664525u + 1013904223u; // Numerical Recipes; the same tests every time
	return (random_state >> 8) % below;
}

static void key_of(uint8_t key[static 8], uint32_t address, uint16_t port)
{
	uint8_t octets[8] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8),
	                     (uint8_t)address,         (uint8_t)(port >> 8),     (uint8_t)port};
	memcpy(key, octets, 8);
}

struct fixture {
	struct ruleset ruleset;
	struct ruleset_builder b;
	uint32_t set;
};

static struct ruleset_set *begin(struct fixture *f, bool interval)
{
	ruleset_init(&f->ruleset);
	ruleset_build(&f->b, &f->ruleset);
	ruleset_build_table(&f->b, RULESET_INET);
	f->set = ruleset_build_set(&f->b, "s", types, 2, interval, NULL);
	return &f->ruleset.tables[0].sets[0];
}

static void sorts_and_drops_repetitions(void **state)
{
	struct fixture f;
	struct ruleset_set *set = begin(&f, false);
	uint8_t key[8];
	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		key_of(key, 0x0a000000u + next_random(2000), (uint16_t)next_random(3));
		ruleset_build_element(&f.b, f.set, key, NULL, (struct ruleset_origin){.at = i + 1});
	}
	assert_int_equal(ruleset_build_end(&f.b), 0);
	uint8_t *before = malloc(set->count * 8);
	size_t count = set->count;
	assert_non_null(before);
	memcpy(before, set->keys, count * 8);
	assert_int_equal(ruleset_finish_set(set), 0);
	for (size_t i = 1; i < set->count; i++)
		assert_true(memcmp(set->keys + 8 * (i - 1), set->keys + 8 * i, 8) < 0);
	for (size_t i = 0; i < count; i++) {
		ptrdiff_t found = ruleset_find(set, before + 8 * i);
		assert_true(found >= 0);
		// of equal elements the first written stays
		uint32_t at = set->origins[found].at;
		assert_true(at <= i + 1);
		assert_memory_equal(before + 8 * (at - 1), before + 8 * i, 8);
	}
	key_of(key, 0x0b000000u, 1);
	assert_int_equal(ruleset_find(set, key), -1);
	free(before);
	ruleset_fini(&f.ruleset);
}

// Does any element of the first `count` cover this address and port? Asked of the set as it was written.
static bool covered(const uint8_t *keys, size_t count, const uint8_t *key)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *first = keys + 16 * i, *last = first + 8;
		if (memcmp(key, first, 4) >= 0 && memcmp(key, last, 4) <= 0 &&
		    memcmp(key + 4, first + 4, 2) >= 0 && memcmp(key + 4, last + 4, 2) <= 0)
			return true;
	}
	return false;
}

// Random nested prefixes with random port ranges over a space small enough to ask about every point of it.
static void disjoint_covers_the_same(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct fixture f;
		struct ruleset_set *set = begin(&f, true);
		uint8_t written[16 * 12];
		size_t count = 1 + next_random(12);
		for (size_t i = 0; i < count; i++) {
			uint32_t length = 28 + next_random(5), size = 1u << (32 - length);
			uint32_t address = 0x0a000000u + next_random(16) / size * size;
			uint16_t port = (uint16_t)next_random(12), last = (uint16_t)(port + next_random(6));
			key_of(written + 16 * i, address, port);
			key_of(written + 16 * i + 8, address + size - 1, last);
			ruleset_build_element(&f.b, f.set, written + 16 * i, written + 16 * i + 8,
			                      (struct ruleset_origin){.at = 1});
		}
		assert_int_equal(ruleset_build_end(&f.b), 0);
		assert_int_equal(ruleset_make_disjoint(set), 0);
		assert_int_equal(ruleset_finish_set(set), 0);
		for (uint32_t a = 0; a < 17; a++) {
			for (uint16_t port = 0; port < 20; port++) {
				uint8_t key[8];
				size_t hits = 0;
				key_of(key, 0x0a000000u + a, port);
				for (size_t i = 0; i < set->count; i++)
					hits += covered(set->keys + 16 * i, 1, key);
				assert_int_equal(hits, covered(written, count, key));
				assert_int_equal(ruleset_find(set, key) >= 0, hits);
			}
		}
		ruleset_fini(&f.ruleset);
	}
}

// n overlapping ranges are one range, not n * n pieces.
static void overlapping_ranges_are_joined(void **state)
{
	struct fixture f;
	struct ruleset_set *set = begin(&f, true);
	uint8_t first[8], last[8];
	(void)state;
	for (uint16_t i = 0; i < 3000; i++) {
		key_of(first, 0x0a000000u, (uint16_t)(1000 + i));
		key_of(last, 0x0affffffu, (uint16_t)(5000 + i));
		ruleset_build_element(&f.b, f.set, first, last, (struct ruleset_origin){.at = i + 1u});
	}
	assert_int_equal(ruleset_build_end(&f.b), 0);
	assert_int_equal(ruleset_make_disjoint(set), 0);
	assert_int_equal(set->count, 1);
	assert_int_equal(set->origins[0].at, 1);
	key_of(first, 0x0a000000u, 1000);
	key_of(last, 0x0affffffu, 7999);
	assert_memory_equal(set->keys, first, 8);
	assert_memory_equal(set->keys + 8, last, 8);
	ruleset_fini(&f.ruleset);
}

static void builder_is_sticky(void **state)
{
	struct fixture f;
	uint8_t key[8] = {0};
	begin(&f, false);
	(void)state;
	uint32_t chain = ruleset_build_chain(&f.b, "c", HOOK_INPUT, 0);
	ruleset_build_rule(&f.b, chain, (struct ruleset_origin){0}, "%s", "rule");
	// a field of another type than the set's key
	enum ruleset_field wrong[2] = {FIELD_IP6_SADDR, FIELD_TH_DPORT};
	ruleset_lookup(&f.b, f.set, wrong, 2);
	ruleset_verdict(&f.b, VERDICT_ACCEPT);
	assert_true(ruleset_build_end(&f.b) < 0);
	assert_int_equal(f.ruleset.tables[0].chains[0].rules[0].count, 0);
	ruleset_build_element(&f.b, f.set, key, NULL, (struct ruleset_origin){0});
	assert_int_equal(f.ruleset.tables[0].sets[0].count, 0);
	ruleset_fini(&f.ruleset);

	// nothing may follow a verdict
	begin(&f, false);
	chain = ruleset_build_chain(&f.b, "c", HOOK_INPUT, 0);
	ruleset_build_rule(&f.b, chain, (struct ruleset_origin){0}, "%s", "rule");
	ruleset_verdict(&f.b, VERDICT_ACCEPT);
	ruleset_counter(&f.b);
	assert_true(ruleset_build_end(&f.b) < 0);
	ruleset_fini(&f.ruleset);
	ruleset_fini(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sorts_and_drops_repetitions),
	        cmocka_unit_test(disjoint_covers_the_same),
	        cmocka_unit_test(overlapping_ranges_are_joined),
	        cmocka_unit_test(builder_is_sticky),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
