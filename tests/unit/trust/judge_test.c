// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a signed policy must say, for whom it is, and its serial: each rule with what it refuses, what it
// says, and where.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "question.h"

static void accepts(void **state)
{
	struct question q = good(UNIT HOST);
	(void)state;
	struct trust_floor floor = accepted(&q);
	assert_int_equal(floor.serial, 7);
	assert_int_equal(floor.not_before, 0);
	accepted_both(&q);
	struct trust_floor none = {0};
	struct policy policy;
	struct problems problems;
	problem_init(&problems);
	parse(&policy, UNIT HOST);
	assert_int_equal(
	        trust_judge(&policy, &q.verdict, &q.trust, NULL, q.now, TRUST_COMING, &problems, &none), 0);
	assert_true(none.any);
	policy_fini(&policy);
	problem_fini(&problems);
}

static void lines(void **state)
{
	static const struct {
		const char *policy, *said;
	} cases[] = {
	        {HOST,
	         "policy.conf:1:1: error: this policy has no block 'policy', and a signed one needs it; begin "
	         "it with: policy { site NAME; unit NAME; serial 1 }"},
	        {"policy { unit ct-room-3; serial 7 }\n" HOST,
	         "policy.conf:1:1: error: the block 'policy' has no site, and a signed policy needs one; say "
	         "which "
	         "site it is for: site NAME\n"},
	        {"policy { site st-anna; serial 7 }\n" HOST,
	         "policy.conf:1:1: error: the block 'policy' has no unit, and a signed policy needs one; say "
	         "which "
	         "box it is for: unit NAME, or unit * for every box of the site\n"},
	        {"policy { site st-anna; unit ct-room-3 }\n" HOST,
	         "policy.conf:1:1: error: the block 'policy' has no serial, and a signed policy needs one; "
	         "number "
	         "its versions"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct question q = good(cases[i].policy);
		refused_both(&q, cases[i].said);
		q.floor = (struct trust_floor){.any = true};
		refused_both(&q, cases[i].said);
	}
	// Each by name, all at once.
	struct question q = good("policy { }\n" HOST);
	char *said = ask(&q, -EKEYREJECTED, NULL);
	assert_non_null(strstr(said, "has no site"));
	assert_non_null(strstr(said, "has no unit"));
	assert_non_null(strstr(said, "has no serial"));
	free(said);
}

static void not_good(void **state)
{
	(void)state;
	for (uint32_t code = TRUST_GOOD + 1; code <= TRUST_CODE_COUNT; code++) {
		struct question q = good(UNIT HOST);
		q.verdict.code = code;
		refused_both(&q, "error: the signature has not been found good");
	}
}

static void identities(void **state)
{
	struct question q = good(UNIT HOST);
	(void)state;
	q.trust.site[0] = q.trust.unit[0] = '\0';
	refused_both(&q,
	             "error: this box has not been told which site's and which unit it is, and takes no signed "
	             "policy until then; leadglass trust add --site NAME --unit NAME\n");
	q = good(UNIT HOST);
	q.trust.site[0] = '\0';
	refused_both(&q, "error: this box has not been told which site's it is, and");
	q = good("policy { site st-anna; unit *; serial 7 }\n" HOST);
	q.trust.unit[0] = '\0';
	refused_both(&q, "error: this box has not been told which unit it is, and");

	q = good("policy { site 'st-anna '; unit ct-room-3; serial 7 }\n" HOST);
	refused_both(&q,
	             "policy.conf:1:15: error: this policy is for the site 'st-anna ', and this box is at "
	             "'st-anna'; each site signs its own; a box that has moved is told so with leadglass trust "
	             "add --site NAME\n"
	             "    policy { site 'st-anna '; unit ct-room-3; serial 7 }\n"
	             "                  ^~~~~~~~~~\n");
	static const char *const sites[] = {"St-anna", "st-ann", "st-anna2", "*"};
	for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
		char text[300], said[300];
		snprintf(text, sizeof text, "policy { site %s; unit ct-room-3; serial 7 }\n%s", sites[i], HOST);
		snprintf(said, sizeof said, "policy.conf:1:15: error: this policy is for the site '%s'",
		         sites[i]);
		q = good(text);
		refused_both(&q, said);
	}
	static const char *const units[] = {"CT-room-3", "ct-room", "ct-room-33", "**", "ct-*"};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		char text[300], said[300];
		snprintf(text, sizeof text, "policy { site st-anna; unit %s; serial 7 }\n%s", units[i], HOST);
		snprintf(said, sizeof said,
		         "policy.conf:1:29: error: this policy is for the unit '%s', and this box is "
		         "'ct-room-3'; apply the one for this unit",
		         units[i]);
		q = good(text);
		refused_both(&q, said);
	}
	q = good("policy { site st-anna; unit *; serial 7 }\n" HOST);
	accepted_both(&q);
	q = good("policy { site st-anna; unit \"*\"; serial 7 }\n" HOST);
	accepted_both(&q);
	q = good("policy { site \"St. Anna \xe2\x80\x93 Nord\"; unit \"a\\\"b\"; serial 7 }\n" HOST);
	snprintf(q.trust.site, sizeof q.trust.site, "St. Anna \xe2\x80\x93 Nord");
	snprintf(q.trust.unit, sizeof q.trust.unit, "a\"b");
	accepted_both(&q);
}

static const char *with_serial(uint64_t serial)
{
	static char text[300];
	snprintf(text, sizeof text, "policy { site st-anna; unit ct-room-3; serial %llu }\n%s",
	         (unsigned long long)serial, HOST);
	return text;
}

static void serials(void **state)
{
	static const uint64_t some[] = {
	        0, 1, 6, 7, 8, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		struct question q = good(with_serial(some[i]));
		struct trust_floor floor = accepted(&q);
		assert_true(floor.serial == some[i]);
		for (size_t j = 0; j < sizeof some / sizeof some[0]; j++) {
			struct question next = good(with_serial(some[j]));
			next.floor = floor;
			memset(next.verdict.content, 0xc8, sizeof next.verdict.content);
			if (some[j] > some[i])
				accepted_both(&next);
			else
				refused_both(&next, "policy.conf:1:47: error: serial ");
		}
	}
	struct question q = good(with_serial(6));
	q.floor = (struct trust_floor){.any = true, .serial = 7};
	refused_both(
	        &q, "policy.conf:1:47: error: serial 6 is lower than 7, which this box accepted last: no lower "
	            "serial is taken; sign it again with serial 8\n"
	            "    policy { site st-anna; unit ct-room-3; serial 6 }\n"
	            "                                                  ^\n");
	q = good(with_serial(7));
	q.floor = (struct trust_floor){.any = true, .serial = 7};
	refused_both(
	        &q, "policy.conf:1:47: error: serial 7 is that of the policy this box accepted last, which has "
	            "other content; sign it again with serial 8\n");
	q = good(with_serial(0));
	q.floor = (struct trust_floor){.any = true, .serial = UINT64_MAX};
	refused_both(
	        &q,
	        "policy.conf:1:47: error: serial 0 is lower than 18446744073709551615, which this box accepted "
	        "last: no lower serial is taken; there is no higher serial: this box has "
	        "to be set up anew\n");
}

static void equal_content(void **state)
{
	(void)state;
	for (size_t octet = 0; octet < TRUST_HASH_SIZE; octet++) {
		struct question q = good(UNIT HOST);
		q.floor = accepted(&q);
		accepted_both(&q);
		q.verdict.content[octet] ^= 0x80; // all of the hash counts
		refused_both(&q, "policy.conf:1:47: error: serial 7 is that of the policy");
	}
	// The same policy by another signer is the same policy, whatever that one may change.
	for (uint32_t scope = TRUST_ALL; scope <= TRUST_OEM; scope++) {
		struct question q = good(UNIT HOST);
		q.floor = accepted(&q);
		q.verdict.scope = scope;
		memset(q.floor.rest, 1, sizeof q.floor.rest); // as an older leadglass may have written it
		memset(q.floor.frame, 1, sizeof q.floor.frame);
		accepted_both(&q);
		// Its floor is as we write it.
		struct trust_floor next = accepted(&q);
		assert_memory_not_equal(next.rest, q.floor.rest, sizeof next.rest);
	}
}

// Several things wrong are all said.
static void all_said(void **state)
{
	struct question q = good("policy { site x; unit y; serial 6; not-after 2001-01-01 }\n" HOST);
	(void)state;
	q.floor = (struct trust_floor){.any = true, .serial = 7, .parts = true};
	q.verdict.scope = TRUST_OEM;
	q.verdict.valid_to = 5;
	char *said = ask(&q, -EKEYREJECTED, NULL);
	static const char *const wanted[] = {"site 'x'",
	                                     "unit 'y'",
	                                     "serial 6",
	                                     "2001-01-01T23:59:59Z",
	                                     "was valid until 1970-01-01T00:00:05Z",
	                                     "role and box only"};
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (!strstr(said, wanted[i]))
			fail_msg("no '%s' in %s", wanted[i], said);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(accepts),  cmocka_unit_test(lines),
	                                   cmocka_unit_test(not_good), cmocka_unit_test(identities),
	                                   cmocka_unit_test(serials),  cmocka_unit_test(equal_content),
	                                   cmocka_unit_test(all_said)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
