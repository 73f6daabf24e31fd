// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names to indices, with more names than a table of the first size holds.
#include "policy_test.h"

#include "policy/policy_index.h"

struct item {
	struct word name;
	int something;
};

struct twins {
	size_t count, first, second;
};

static void twin(void *context, size_t first, size_t second)
{
	struct twins *twins = context;
	twins->count++;
	twins->first = first;
	twins->second = second;
}

#define COUNT 5000

static void names(void **state)
{
	static char texts[COUNT][24];
	static struct item items[COUNT];
	struct policy_index index;
	struct twins twins = {0};
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(texts[i], sizeof texts[i], "peer-of-the-house-%zu", i);
		items[i].name =
		        (struct word){.text = texts[i] + i % 10, .size = (uint32_t)strlen(texts[i] + i % 10)};
	}
	items[4000].name = items[17].name;
	assert_int_equal(policy_index_init(&index, items, sizeof items[0], COUNT), 0);
	policy_index_fill(&index, COUNT, twin, &twins);
	assert_int_equal(twins.count, 1);
	assert_int_equal(twins.first, 17);
	assert_int_equal(twins.second, 4000);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(policy_index_find(&index, &items[i].name), i == 4000 ? 17 : i);
	assert_true(policy_index_find(&index, &(struct word){.text = "nobody", .size = 6}) == SIZE_MAX);
	assert_true(policy_index_find(&index, &(struct word){.text = "", .size = 0}) == SIZE_MAX);
	policy_index_fini(&index);
}

static void few(void **state)
{
	struct item item = {.name = {.text = "one", .size = 3}};
	struct policy_index index;
	struct twins twins = {0};
	(void)state;
	assert_int_equal(policy_index_init(&index, NULL, sizeof item, 0), 0);
	policy_index_fill(&index, 0, twin, &twins);
	assert_true(policy_index_find(&index, &item.name) == SIZE_MAX);
	policy_index_fini(&index);
	assert_int_equal(policy_index_init(&index, &item, sizeof item, 1), 0);
	policy_index_fill(&index, 1, twin, &twins);
	assert_int_equal(policy_index_find(&index, &item.name), 0);
	assert_int_equal(twins.count, 0);
	policy_index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(few)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
