// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who may change what: each change by each kind of signer.
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

static const char serial_8[] = "policy { site st-anna; unit *; serial 8; not-before 2020-01-01 } # new\n";

static struct question after(const char *first, const char *second, enum trust_scope scope)
{
	static char text[1000];
	struct question q = good(first);
	struct trust_floor floor = accepted(&q);
	snprintf(text, sizeof text, "%s%s", serial_8, second);
	struct question next = good(text);
	next.floor = floor;
	next.verdict.scope = (uint32_t)scope;
	memset(next.verdict.content, 0xc8, sizeof next.verdict.content);
	snprintf(next.verdict.anchor, sizeof next.verdict.anchor, "%s",
	         scope == TRUST_ALL    ? "root"
	         : scope == TRUST_SITE ? "st-anna.site"
	                               : "acme.oem");
	return next;
}

#define ROUTER "role router\nbox { address 10.20.1.250/24 }\n"
#define DEVICES "device ct-3 { address 10.20.1.3; port 11112 }\npeer pacs { address 10.20.0.5; accepts echo }\n"
#define OEM_SAID                                                                                               \
	"policy.conf:2:1: error: the anchor acme.oem may change role and box only, and more than these "       \
	"differs "                                                                                             \
	"from the policy this box accepted last; change these in the policy that stands (leadglass show), "    \
	"and "                                                                                                 \
	"leave the rest as it is\n"
#define SITE_SAID                                                                                              \
	"policy.conf:2:1: error: the anchor st-anna.site may not change role and box, and they are not those " \
	"of "                                                                                                  \
	"the policy this box accepted last; write them as the policy that stands has them (leadglass show)\n"

// Each change of frame or rest by each kind of signer.
static void scopes(void **state)
{
	static const struct {
		const char *text; // instead of ROUTER DEVICES
		bool frame, rest; // what differs
	} changes[] = {
	        {ROUTER DEVICES, false, false},
	        {"role  router # same\nbox { address \"10.20.1.250/24\"\n}\n" DEVICES "log { }\n", false,
	         false},
	        {"device ct-3 { port 11112; address 10.20.1.3 }\npeer pacs { accepts echo; address 10.20.0.5 "
	         "}\n" ROUTER,
	         false, false},
	        {"role bridge\nbox { address 10.20.1.250/24 }\n" DEVICES, true, false},
	        {"role router\n" DEVICES, true, false},
	        {"role router\nbox { address 10.20.1.251/24 }\n" DEVICES, true, false},
	        {"role router\nbox { address 10.20.1.250/25 }\n" DEVICES, true, false},
	        {"role router\nbox { address 10.20.1.250/24; interface eth0 }\n" DEVICES, true, false},
	        {ROUTER DEVICES "peer x { address 10.20.0.6; accepts echo }\n", false, true},
	        {ROUTER DEVICES "service ntp { to 10.20.0.7 }\n", false, true},
	        {ROUTER DEVICES "manage { from 10.20.9.0/24 }\n", false, true},
	        {ROUTER DEVICES "log { drops off }\n", false, true},
	        {ROUTER "device ct-3 { address 10.20.1.3; port 11113 }\npeer pacs { address 10.20.0.5; accepts "
	                "echo }\n",
	         false, true},
	        {ROUTER "device ct-3 { address 10.20.1.3; port 11112 }\n", false, true},
	        {"role bridge\n" DEVICES "service ntp { to 10.20.0.7 }\n", true, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct question q = after(UNIT ROUTER DEVICES, changes[i].text, TRUST_ALL);
		accepted_both(&q);
		struct trust_floor next = accepted(&q);
		assert_int_equal(memcmp(next.frame, q.floor.frame, TRUST_HASH_SIZE) != 0, changes[i].frame);
		assert_int_equal(memcmp(next.rest, q.floor.rest, TRUST_HASH_SIZE) != 0, changes[i].rest);
		q = after(UNIT ROUTER DEVICES, changes[i].text, TRUST_SITE);
		if (changes[i].frame)
			refused_both(&q, SITE_SAID);
		else
			accepted_both(&q);
		q = after(UNIT ROUTER DEVICES, changes[i].text, TRUST_OEM);
		if (changes[i].rest)
			refused_both(&q, OEM_SAID);
		else
			accepted_both(&q);
		// Whether there are others does not matter any more.
		q = after(UNIT ROUTER DEVICES, changes[i].text, TRUST_SITE);
		q.trust.count = 2;
		q.trust.anchors[1].scope = TRUST_OEM;
		if (changes[i].frame)
			refused_both(&q, SITE_SAID);
		else
			accepted_both(&q);
	}
}

static struct question first(const char *text, enum trust_scope scope, bool oem)
{
	struct question q = good(text);
	q.verdict.scope = (uint32_t)scope;
	snprintf(q.verdict.anchor, sizeof q.verdict.anchor, "x");
	q.trust.count = oem ? 2 : 1;
	q.trust.anchors[0].scope = TRUST_SITE;
	q.trust.anchors[1].scope = oem ? TRUST_OEM : TRUST_ALL;
	return q;
}

// Nothing was accepted yet.
static void first_scopes(void **state)
{
	static const struct {
		const char *text, *place;
	} rests[] = {
	        {UNIT ROUTER DEVICES, "4:8"},
	        {UNIT DEVICES ROUTER, "2:8"},
	        {UNIT ROUTER "manage { from 10.20.9.0/24 }\n", "4:1"},
	        {UNIT ROUTER "log { }\n", "4:1"},
	        {UNIT ROUTER "log { }\nmanage { from 10.20.9.0/24 }\n", "4:1"},
	        {UNIT ROUTER "service ntp for box { to 10.20.0.7 }\n", "4:9"},
	        {"log { }\n" UNIT "role host\n", "1:1"},
	};
	(void)state;
	for (int oem = 0; oem < 2; oem++) {
		struct question q = first(UNIT ROUTER DEVICES, TRUST_ALL, oem);
		accepted_both(&q);
		q = first(UNIT ROUTER DEVICES, TRUST_SITE, oem);
		if (oem) {
			refused(&q, "policy.conf:2:1: error: the anchor x may not set role and box, and no "
			            "policy of the "
			            "manufacturer has set them yet; apply the manufacturer's first, and write "
			            "role and "
			            "box as they are there\n");
			q.when = TRUST_STANDING;
		}
		accepted(&q);
		for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
			char said[200];
			q = first(rests[i].text, TRUST_OEM, oem);
			snprintf(said, sizeof said,
			         "policy.conf:%s: error: the anchor x may set role and box only, and this is "
			         "neither; "
			         "the hospital's policy, which is signed after it, says the rest\n",
			         rests[i].place);
			refused(&q, said);
			q.when = TRUST_STANDING; // it was accepted; what the floor was is lost
			accepted(&q);
		}
		q = first(UNIT ROUTER, TRUST_OEM, oem);
		accepted_both(&q);
		q = first("role host\n" UNIT, TRUST_OEM, oem);
		accepted_both(&q);
	}
	struct question q = first(UNIT ROUTER DEVICES, (enum trust_scope)77, false);
	refused(&q, "error: it is not known what the anchor x may change");
}

// The manufacturer's first, then the hospital's, then a board change, then the hospital's again.
static void by_turns(void **state)
{
	static const char frame_2[] = "role router\nbox { address 10.20.1.249/24 }\n";
	struct question q = first(UNIT ROUTER, TRUST_OEM, true);
	(void)state;
	struct trust_floor floor = accepted(&q);
	q = first("policy { site st-anna; unit *; serial 8 }\n" ROUTER DEVICES, TRUST_SITE, true);
	q.floor = floor;
	floor = accepted(&q);
	char text[500];
	snprintf(text, sizeof text, "policy { site st-anna; unit *; serial 9 }\n%s%s", frame_2, DEVICES);
	q = first(text, TRUST_OEM, true);
	q.floor = floor;
	floor = accepted(&q);
	q = first("policy { site st-anna; unit *; serial 10 }\n" ROUTER DEVICES, TRUST_SITE, true);
	q.floor = floor;
	refused_both(&q, "policy.conf:2:1: error: the anchor x may not change role and box");
	snprintf(text, sizeof text, "policy { site st-anna; unit *; serial 10 }\n%s%s%s", frame_2, DEVICES,
	         "manage { from 10.20.9.0/24 }\n");
	q = first(text, TRUST_SITE, true);
	q.floor = floor;
	floor = accepted(&q);
	assert_int_equal(floor.serial, 10);
}

// An older leadglass worked out nothing while no anchor was restricted; what stands, judged anew, tells.
static void worked_out(void **state)
{
	struct question q = good(UNIT ROUTER DEVICES);
	struct trust_floor floor, again;
	(void)state;
	q.trust.anchors[1].scope = TRUST_ALL;
	floor = accepted(&q);
	// The first restricted signer, with nobody else left.
	struct question first_of_site = after(UNIT ROUTER DEVICES, ROUTER DEVICES, TRUST_SITE);
	first_of_site.trust.anchors[1].scope = TRUST_SITE;
	first_of_site.floor = floor;
	accepted_both(&first_of_site);
	memset(floor.frame, 0, sizeof floor.frame);
	memset(floor.rest, 0, sizeof floor.rest);
	floor.parts = false;

	// The next one, of a restricted signer.
	static const enum trust_scope scopes[] = {TRUST_SITE, TRUST_OEM};
	for (size_t i = 0; i < 2; i++) {
		struct question next = after(UNIT ROUTER DEVICES, ROUTER DEVICES, scopes[i]);
		next.trust.anchors[1].scope = scopes[i];
		next.floor = floor;
		refused(&next,
		        i == 0 ? "policy.conf:2:1: error: the anchor st-anna.site may not change everything, "
		                 "and "
		                 "what this box accepted last has not been taken apart yet; have a policy "
		                 "signed "
		                 "once under an anchor that may change everything (NAME.pem)\n"
		               : "policy.conf:2:1: error: the anchor acme.oem may not change everything, and");
		next.when = TRUST_STANDING; // it was accepted; against what is lost
		accepted(&next);

		// What stands, looked at again: the floor tells.
		struct question standing = q;
		standing.floor = floor;
		standing.trust.anchors[1].scope = scopes[i];
		standing.when = TRUST_STANDING;
		next.floor = accepted(&standing);
		accepted_both(&next);
		// Taken away again, the anchor leaves it as it is: nothing to write.
		standing.floor = next.floor;
		standing.trust.anchors[1].scope = TRUST_ALL;
		again = accepted(&standing);
		assert_memory_equal(again.frame, next.floor.frame, sizeof again.frame);
		assert_memory_equal(again.rest, next.floor.rest, sizeof again.rest);
	}
	// Others need nothing to compare with.
	q = after(UNIT ROUTER DEVICES, "role host\n", TRUST_ALL);
	q.floor = floor;
	accepted_both(&q);
}

// Frame and rest are apart, and the policy block is in neither.
static void parts(void **state)
{
	static const char *const texts[] = {ROUTER DEVICES, UNIT ROUTER DEVICES, serial_8};
	uint8_t frame[3][TRUST_HASH_SIZE], rest[3][TRUST_HASH_SIZE];
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct policy policy;
		char text[500];
		snprintf(text, sizeof text, "%s%s", texts[i], i == 2 ? ROUTER DEVICES : "");
		parse(&policy, text);
		assert_int_equal(trust_parts(&policy, frame[i], rest[i]), 0);
		assert_memory_equal(frame[0], frame[i], TRUST_HASH_SIZE);
		assert_memory_equal(rest[0], rest[i], TRUST_HASH_SIZE);
		policy_fini(&policy);
	}
	assert_memory_not_equal(frame[0], rest[0], TRUST_HASH_SIZE);
	uint8_t hash[TRUST_HASH_SIZE];
	static const char frame_text[] = "role router\n\nbox {\n\taddress 10.20.1.250/24\n}\n";
	assert_int_equal(trust_hash(frame_text, sizeof frame_text - 1, hash), 0);
	assert_memory_equal(frame[0], hash, sizeof hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scopes), cmocka_unit_test(first_scopes),
	                                   cmocka_unit_test(by_turns), cmocka_unit_test(worked_out),
	                                   cmocka_unit_test(parts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
