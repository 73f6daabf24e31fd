// SPDX-License-Identifier: GPL-2.0-or-later
//
// The words of the language, there and back, and guesses at what was meant.
#include "policy_test.h"

#include "policy/policy_names.h"

static struct word word(const char *text)
{
	return (struct word){.text = text, .size = (uint32_t)strlen(text)};
}

static void there_and_back(void **state)
{
	(void)state;
	for (int i = 0; i < POLICY_DICOM_COUNT; i++) {
		struct word w = word(policy_dicom_name((enum policy_dicom)i));
		assert_int_equal(policy_dicom_from_word(&w), i);
		assert_string_equal(policy_dicom_nearest(&w), w.text);
	}
	for (int i = POLICY_ROLE_HOST; i <= POLICY_ROLE_BRIDGE; i++) {
		struct word w = word(policy_role_name((enum policy_role)i));
		assert_int_equal(policy_role_from_word(&w), i);
	}
	for (int i = 0; i < POLICY_SERVICE_CUSTOM; i++) {
		struct word w = word(policy_service_kind_name((enum policy_service_kind)i));
		assert_int_equal(policy_service_kind_from_word(&w), i);
	}
	assert_null(policy_service_kind_name(POLICY_SERVICE_CUSTOM));
}

static void no_names(void **state)
{
	static const char *const texts[] = {"",         "x",   "ech",   "echoo", "Echo",
	                                    "storage-", "hos", "hostt", "dn",    "dnss"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct word w = word(texts[i]);
		assert_int_equal(policy_dicom_from_word(&w), -1);
		assert_int_equal(policy_role_from_word(&w), -1);
		assert_int_equal(policy_service_kind_from_word(&w), POLICY_SERVICE_CUSTOM);
	}
	assert_false(policy_word_equal(&(struct word){0}, ""));
}

static void guesses(void **state)
{
	static const struct {
		const char *said, *meant;
	} cases[] = {
	        {"C-STORE", "storage"},
	        {"mwl", "worklist"},
	        {"MWL", "worklist"},
	        {"Q/R", "query-retrieve"},
	        {"ech", "echo"},
	        {"ehco", "echo"},
	        {"Echo", "echo"},
	        {"storage_commitment", "storage-commitment"},
	        {"wroklist", "worklist"},
	        {"queryretrieve", "query-retrieve"},
	        {"ups", "unified-procedure-step"},
	        {"x", NULL},
	        {"fax", NULL},
	        {"", NULL},
	        {"telephone", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct word w = word(cases[i].said);
		const char *nearest = policy_dicom_nearest(&w);
		if (!nearest || !cases[i].meant)
			assert_ptr_equal(nearest, cases[i].meant);
		else
			assert_string_equal(nearest, cases[i].meant);
	}
}

static void edits(void **state)
{
	static const struct {
		const char *a, *b;
		size_t edits;
	} cases[] = {
	        {"host", "host", 0}, {"hots", "host", 1},    {"hos", "host", 1}, {"hosst", "host", 1},
	        {"lost", "host", 1}, {"ab", "ba", 1},        {"abc", "xyz", 3},  {"", "abc", 3},
	        {"HOST", "host", 0}, {"router", "route", 1}, {"ca", "abc", 3}}; // optimal string alignment: no
	                                                                        // edit inside a swap
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct word w = word(cases[i].a);
		assert_int_equal(policy_edits(&w, cases[i].b, strlen(cases[i].b)), cases[i].edits);
	}
	struct word w = word("0123456789012345678901234567890123");
	assert_true(policy_edits(&w, "host", 4) == SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(no_names),
	                                   cmocka_unit_test(guesses), cmocka_unit_test(edits)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
