// SPDX-License-Identifier: GPL-2.0-or-later
//
// Dates of policies and certificates, and clocks that are not believed.
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

#include "base/date.h"
#include "question.h"

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
		         "with a later not-after and the next serial; where the clock is wrong, set it\n",
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

// Whose own dates nobody knows may say any; the clock then goes a year further, and no more for the same
// policy.
static void leaps_no_further(void **state)
{
	const int64_t year = 366 * DAY;
	(void)state;
	struct question q = good(with_dates("9999-12-30", NULL));
	q.now = 0;
	struct trust_floor floor = accepted(&q);
	assert_int_equal(floor.not_before, trust_built() + year);
	q.floor = floor;
	q.floor.serial = 7;
	assert_int_equal(accepted(&q).not_before, trust_built() + year);
	q.when = TRUST_STANDING;
	assert_int_equal(accepted(&q).not_before, trust_built() + year);
	q.floor.any = false; // lost
	assert_int_equal(accepted(&q).not_before, trust_built() + year);
	q.now = trust_built() + 3 * DAY;
	assert_int_equal(accepted(&q).not_before, trust_built() + 3 * DAY);
	q.when = TRUST_COMING;
	q.now = 0;
	q.floor = floor;
	q.floor.serial = 6;
	memset(q.floor.content, 1, sizeof q.floor.content);
	assert_int_equal(accepted(&q).not_before, trust_built() + 2 * year);
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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(built),
	                                   cmocka_unit_test(clocks),
	                                   cmocka_unit_test(policy_dates),
	                                   cmocka_unit_test(no_clock),
	                                   cmocka_unit_test(certificates),
	                                   cmocka_unit_test(leaps),
	                                   cmocka_unit_test(leaps_no_further),
	                                   cmocka_unit_test(passed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
