// SPDX-License-Identifier: GPL-2.0-or-later
//
// A question to trust_judge.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "question.h"

struct question good(const char *policy)
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
	q.trust.count = 2;
	q.trust.anchors[1].scope = TRUST_SITE;
	return q;
}

void parse(struct policy *policy, const char *text)
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

char *ask(const struct question *q, int wanted, struct trust_floor *ret)
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

struct trust_floor accepted(const struct question *q)
{
	struct trust_floor floor;
	char *said = ask(q, 0, &floor);
	assert_string_equal(said, "");
	free(said);
	assert_true(floor.any && floor.parts);
	assert_memory_equal(floor.content, q->verdict.content, sizeof floor.content);
	return floor;
}

void refused(const struct question *q, const char *wanted)
{
	char *said = ask(q, -EKEYREJECTED, NULL);
	if (strncmp(said, wanted, strlen(wanted)) != 0)
		fail_msg("not '%s' but: %s", wanted, said);
	const char *first = strstr(said, "error: ");
	if (strstr(first + 1, "error: "))
		fail_msg("more than one: %s", said);
	free(said);
}

void refused_both(struct question *q, const char *wanted)
{
	q->when = TRUST_STANDING;
	refused(q, wanted);
	q->when = TRUST_COMING;
	refused(q, wanted);
}

void accepted_both(struct question *q)
{
	q->when = TRUST_STANDING;
	accepted(q);
	q->when = TRUST_COMING;
	accepted(q);
}
