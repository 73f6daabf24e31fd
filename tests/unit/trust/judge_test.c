// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules: each with what it refuses, what it says, and where.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/buffer.h"
#include "base/date.h"
#include "policy/policy.h"
#include "trust/trust_judge.h"

#define DAY INT64_C(86400)
#define UNIT "policy { site st-anna; unit ct-room-3; serial 7 }\n"
#define REST "device ct-3 { port 11112 }\npeer pacs { address 10.20.0.5; accepts echo }\n"
#define HOST "role host\n" REST

// One question, as good as can be; each test spoils a part.
struct question {
	const char *policy;
	struct trust_verdict verdict;
	struct trust trust;
	struct trust_floor floor;
	int64_t now;
	enum trust_when when;
};

static struct question good(const char *policy)
{
	struct question q = {.policy = policy, .now = trust_built() + 100 * DAY, .when = TRUST_COMING};
	q.verdict = (struct trust_verdict){.code = TRUST_GOOD,
	                                   .algorithm = TRUST_P256,
	                                   .scope = TRUST_ALL,
	                                   .valid_to = INT64_MAX,
	                                   .anchor = "root"};
	memset(q.verdict.content, 0xc7, sizeof q.verdict.content);
	snprintf(q.trust.site, sizeof q.trust.site, "st-anna");
	snprintf(q.trust.unit, sizeof q.trust.unit, "ct-room-3");
	q.trust.count = 1;
	return q;
}

static void parse(struct policy *policy, const char *text)
{
	struct problems problems;
	problem_init(&problems);
	if (policy_parse(policy, "policy.conf", strdup(text), strlen(text), NULL, &problems) != 0) {
		struct buffer out = BUFFER_EMPTY;
		problem_print(&problems, &policy->sources, &out);
		fail_msg("%s", out.data);
	}
	problem_fini(&problems);
}

// All that is said; the caller frees it. *ret is filled with 0x55 before.
static char *ask(const struct question *q, int wanted, struct trust_floor *ret)
{
	struct problems problems;
	struct policy policy;
	struct buffer out = BUFFER_EMPTY;
	struct trust_floor next, untouched;
	memset(&next, 0x55, sizeof next);
	untouched = next;
	parse(&policy, q->policy);
	problem_init(&problems);
	int r = trust_judge(&policy, &q->verdict, &q->trust, &q->floor, q->now, q->when, &problems, &next);
	problem_print(&problems, &policy.sources, &out);
	buffer_text(&out, "");
	if (r != wanted)
		fail_msg("%d: %s", r, out.data);
	assert_int_equal(problems.errors > 0, r < 0);
	assert_true(r == 0 || memcmp(&next, &untouched, sizeof next) == 0);
	// The answer is the same to those who do not want the floor.
	struct problems again;
	problem_init(&again);
	assert_int_equal(trust_judge(&policy, &q->verdict, &q->trust, &q->floor, q->now, q->when, &again, NULL),
	                 r);
	assert_int_equal(again.errors, problems.errors);
	problem_fini(&again);
	problem_fini(&problems);
	policy_fini(&policy);
	if (ret)
		*ret = next;
	return buffer_steal(&out);
}

static struct trust_floor accepted(const struct question *q)
{
	struct trust_floor floor;
	char *said = ask(q, 0, &floor);
	assert_string_equal(said, "");
	free(said);
	assert_true(floor.any);
	assert_memory_equal(floor.content, q->verdict.content, sizeof floor.content);
	return floor;
}

// Refused with one error that begins and goes on like this.
static void refused(const struct question *q, const char *wanted)
{
	char *said = ask(q, -EKEYREJECTED, NULL);
	if (strncmp(said, wanted, strlen(wanted)) != 0)
		fail_msg("not '%s' but: %s", wanted, said);
	const char *first = strstr(said, "error: ");
	if (strstr(first + 1, "error: "))
		fail_msg("more than one: %s", said);
	free(said);
}

static void refused_both(struct question *q, const char *wanted)
{
	q->when = TRUST_STANDING;
	refused(q, wanted);
	q->when = TRUST_COMING;
	refused(q, wanted);
}

static void accepted_both(struct question *q)
{
	q->when = TRUST_STANDING;
	accepted(q);
	q->when = TRUST_COMING;
	accepted(q);
}

// ---- what every signed policy has ----

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

// ---- the serial ----

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
	        &q, "policy.conf:1:47: error: serial 6 is lower than 7, which this box accepted last: a policy "
	            "that was replaced does not come back; sign it again with serial 8\n"
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
	        "last: a policy that was replaced does not come back; there is no higher serial: this box has "
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

// ---- dates ----

// A moment so many seconds after the build, as text.
static const char *at(int64_t seconds, char text[static DATE_TEXT_MAX])
{
	return date_print(trust_built() + seconds, text);
}

static char *with_dates(const char *before, const char *after)
{
	static char text[400];
	snprintf(text, sizeof text, "policy { site st-anna; unit ct-room-3; serial 7%s%s%s%s }\n%s",
	         before ? "; not-before " : "", before ? before : "", after ? "; not-after " : "",
	         after ? after : "", HOST);
	return text;
}

static void built(void **state)
{
	(void)state;
	assert_true(trust_built() > 1763000000); // November 2025
	assert_int_equal(trust_built() % DAY, 0);
	assert_true(trust_built() <= (int64_t)time(NULL) || getenv("SOURCE_DATE_EPOCH"));
}

static void clocks(void **state)
{
	static const struct {
		int64_t now, built, accepted; // accepted: -1 none
		bool good;
		int64_t time;
	} cases[] = {
	        {1000, 900, -1, true, 1000},
	        {1000, 1000, -1, true, 1000},
	        {999, 1000, -1, false, 1000},
	        {0, 1000, -1, false, 1000},
	        {-5, 1000, -1, false, 1000},
	        {1000, 900, 950, true, 1000},
	        {1000, 900, 1000, true, 1000},
	        {1000, 900, 1001, false, 1001},
	        {1000, 900, 0, true, 1000},
	        {800, 900, 850, false, 900},
	        {800, 900, 0, false, 900},
	        {INT64_MIN, 900, 2000, false, 2000},
	        {INT64_MAX, 900, 2000, true, INT64_MAX},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trust_floor floor = {.any = cases[i].accepted >= 0,
		                            .not_before = cases[i].accepted >= 0 ? cases[i].accepted : 5000};
		int64_t time = -1;
		if (trust_clock(cases[i].now, cases[i].built, &floor, &time) != cases[i].good ||
		    time != cases[i].time)
			fail_msg("case %zu: %lld", i, (long long)time);
	}
	int64_t time;
	assert_true(trust_clock(1000, 900, NULL, &time));
	assert_false(trust_clock(800, 900, NULL, &time));
	assert_int_equal(time, 900);
}

// Both ends belong to it; a day is the whole day.
static void policy_dates(void **state)
{
	char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX], said[400], now[DATE_TEXT_MAX];
	(void)state;
	at(10 * DAY, from);
	at(20 * DAY, to);
	for (int days = 0; days < 2; days++) { // as times, then as days
		if (days)
			from[10] = to[10] = '\0';
		int64_t begins = trust_built() + 10 * DAY,
		        ends = trust_built() + 20 * DAY + (days ? DAY - 1 : 0);
		struct question q = good(with_dates(from, to));
		for (enum trust_when when = TRUST_COMING; when <= TRUST_STANDING; when++) {
			q.when = when;
			q.now = begins;
			struct trust_floor floor = accepted(&q);
			assert_int_equal(floor.not_before, begins);
			q.now = ends;
			accepted(&q);
		}
		q.when = TRUST_STANDING; // no date takes a wall away
		q.now = begins - 1;
		accepted(&q);
		q.now = ends + 1;
		accepted(&q);
		q.now = INT64_MAX;
		accepted(&q);
		q.when = TRUST_COMING;
		q.now = begins - 1;
		char shown[DATE_TEXT_MAX];
		date_print(begins, shown);
		snprintf(said, sizeof said,
		         "policy.conf:1:61: error: this policy is not to be used before %s, and it is %s; wait "
		         "until "
		         "then; where the clock is wrong, set it\n",
		         shown, date_print(q.now, now));
		refused(&q, said);
		q.now = ends + 1;
		date_print(ends, shown);
		snprintf(said, sizeof said,
		         "policy.conf:1:%d: error: this policy was not to be used after %s, and it is %s; sign "
		         "it anew "
		         "with a later not-after and the next serial\n",
		         days ? 83 : 93, shown, date_print(q.now, now));
		refused(&q, said);
	}
}

// A clock that stands before the build, or before what was accepted: what begins is not asked, what has ended
// is.
static void no_clock(void **state)
{
	char text[DATE_TEXT_MAX], said[400], passed[DATE_TEXT_MAX];
	(void)state;
	static const int64_t wrong[] = {0, 5, -1, 1};
	for (size_t i = 0; i < 4; i++) {
		for (int floor = 0; floor < 2; floor++) {
			// the moment that has certainly passed
			int64_t known = trust_built() + (floor ? 50 * DAY : 0);
			int64_t now = i < 3 ? wrong[i] : known - 1;
			struct question q = good(with_dates(at(80 * DAY, text), NULL));
			q.floor = (struct trust_floor){
			        .any = floor, .serial = 6, .not_before = floor ? known : INT64_MAX};
			q.now = now;
			struct trust_floor next = accepted(&q);
			assert_int_equal(next.not_before, trust_built() + 80 * DAY);

			q.policy = with_dates(NULL, date_print(known, text));
			accepted(&q);
			q.policy = with_dates(NULL, date_print(known - 1, text));
			char shown[DATE_TEXT_MAX];
			snprintf(said, sizeof said,
			         "policy.conf:1:60: error: this policy was not to be used after %s, and it is "
			         "%s at "
			         "least (the clock shows %s and is not believed); sign it anew",
			         text, date_print(known, passed), date_print(now, shown));
			refused(&q, said);
			q.when = TRUST_STANDING;
			accepted(&q);
		}
	}
	// A second later it is believed again.
	struct question q = good(with_dates(at(80 * DAY, text), NULL));
	q.now = trust_built();
	refused(&q, "policy.conf:1:61: error: this policy is not to be used before");
	q.now = trust_built() - 1;
	accepted(&q);
}

static void certificates(void **state)
{
	static const struct {
		uint32_t which;
		const char *whose;
	} owners[] = {{0, "the trust anchor root"},
	              {1, "the signer's certificate"},
	              {2, "certificate 2 after the signature"},
	              {8, "certificate 8 after the signature"}};
	char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX], now[DATE_TEXT_MAX], said[400], passed[DATE_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
		struct question q = good(UNIT HOST);
		q.verdict.valid_from_which = q.verdict.valid_to_which = owners[i].which;
		q.verdict.valid_from = trust_built() + 10 * DAY;
		q.verdict.valid_to = trust_built() + 20 * DAY;
		date_print(q.verdict.valid_from, from);
		date_print(q.verdict.valid_to, to);
		q.now = q.verdict.valid_from;
		accepted_both(&q);
		q.now = q.verdict.valid_to;
		accepted_both(&q);
		q.now = q.verdict.valid_from - 1;
		snprintf(said, sizeof said, "error: %s is not valid before %s, and it is %s; wait until then",
		         owners[i].whose, from, date_print(q.now, now));
		refused(&q, said);
		q.when = TRUST_STANDING;
		accepted(&q);
		q.now = q.verdict.valid_to + 1;
		accepted(&q);
		q.when = TRUST_COMING;
		snprintf(said, sizeof said, "error: %s was valid until %s, and it is %s; %s", owners[i].whose,
		         to, date_print(q.now, now),
		         owners[i].which ? "sign the policy anew, with a certificate that is valid"
		                         : "have its successor added to this box (leadglass trust add)");
		refused(&q, said);
		// A clock that is not believed: notBefore is not asked, notAfter against what has passed.
		q.now = 0;
		accepted(&q);
		q.floor = (struct trust_floor){.any = true, .serial = 6, .not_before = q.verdict.valid_to};
		accepted(&q);
		q.floor.not_before++;
		snprintf(said, sizeof said,
		         "error: %s was valid until %s, and it is %s at least (the clock shows "
		         "1970-01-01T00:00:00Z and is not believed)",
		         owners[i].whose, to, date_print(q.floor.not_before, passed));
		refused(&q, said);
		q.when = TRUST_STANDING;
		accepted(&q);
	}
	// Pinned keys have no dates.
	struct question q = good(UNIT HOST);
	q.now = INT64_MAX;
	accepted_both(&q);
}

// A date of the policy alone sets the clock of a box that has none, within the certificate's life.
static void leaps(void **state)
{
	char text[DATE_TEXT_MAX];
	(void)state;
	struct question q = good(with_dates(at(80 * DAY, text), NULL));
	q.now = 0;
	q.verdict.valid_to = trust_built() + 80 * DAY;
	q.verdict.valid_to_which = 1;
	accepted_both(&q);
	q.verdict.valid_to--;
	refused(&q, "policy.conf:1:61: error: this policy is not to be used before ");
	char *said = ask(&q, -EKEYREJECTED, NULL);
	assert_non_null(strstr(said, "Z, and the signer's certificate is valid until "));
	assert_non_null(strstr(
	        said, "Z only; sign it with an earlier not-before, or with a certificate that is valid then"));
	free(said);
	q.when = TRUST_STANDING;
	accepted(&q);
}

// Time does not go back because a later policy names an earlier date, or none.
static void passed(void **state)
{
	char text[DATE_TEXT_MAX];
	(void)state;
	struct question q = good(with_dates(at(10 * DAY, text), NULL));
	q.floor = (struct trust_floor){.any = true, .serial = 6, .not_before = trust_built() + 20 * DAY};
	assert_int_equal(accepted(&q).not_before, trust_built() + 20 * DAY);
	q.policy = UNIT HOST;
	assert_int_equal(accepted(&q).not_before, trust_built() + 20 * DAY);
	q.policy = with_dates(at(30 * DAY, text), NULL);
	assert_int_equal(accepted(&q).not_before, trust_built() + 30 * DAY);
	q.floor.any = false; // what stands in it then is nothing
	q.policy = UNIT HOST;
	assert_int_equal(accepted(&q).not_before, 0);
}

// Several things wrong are all said.
static void all_said(void **state)
{
	struct question q = good("policy { site x; unit y; serial 6; not-after 2001-01-01 }\n" HOST);
	(void)state;
	q.floor = (struct trust_floor){.any = true, .serial = 7};
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

// ---- who may change what ----

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
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(accepts),      cmocka_unit_test(lines),        cmocka_unit_test(not_good),
	        cmocka_unit_test(identities),   cmocka_unit_test(serials),      cmocka_unit_test(equal_content),
	        cmocka_unit_test(built),        cmocka_unit_test(clocks),       cmocka_unit_test(policy_dates),
	        cmocka_unit_test(no_clock),     cmocka_unit_test(certificates), cmocka_unit_test(leaps),
	        cmocka_unit_test(passed),       cmocka_unit_test(all_said),     cmocka_unit_test(scopes),
	        cmocka_unit_test(first_scopes), cmocka_unit_test(by_turns),     cmocka_unit_test(parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
