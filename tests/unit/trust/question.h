// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the tests of the rules share: one question to trust_judge, and what is said to it.
#ifndef LEADGLASS_TESTS_QUESTION_H
#define LEADGLASS_TESTS_QUESTION_H

#include "policy/policy.h"
#include "trust/trust_judge.h"

#define DAY INT64_C(86400)
#define UNIT "policy { site st-anna; unit ct-room-3; serial 7 }\n"
#define HOST "role host\ndevice ct-3 { port 11112 }\npeer pacs { address 10.20.0.5; accepts echo }\n"

// One question, as good as can be; each test spoils a part.
struct question {
	const char *policy;
	struct trust_verdict verdict;
	struct trust trust;
	struct trust_floor floor;
	int64_t now;
	enum trust_when when;
};

struct question good(const char *policy);
void parse(struct policy *policy, const char *text);
// All that is said, to be freed. trust_judge must return `wanted`, and touch *ret (may be NULL) only when it is
// 0.
char *ask(const struct question *q, int wanted, struct trust_floor *ret);

// Accepted without a word; the floor it makes.
struct trust_floor accepted(const struct question *q);
// Refused with one error that begins like this.
void refused(const struct question *q, const char *wanted);
// The same, whether it is coming or standing; coming afterwards.
void refused_both(struct question *q, const char *wanted);
void accepted_both(struct question *q);

#endif
