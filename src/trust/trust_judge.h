// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the files that judge a signed policy share.
#ifndef LEADGLASS_TRUST_TRUST_JUDGE_H
#define LEADGLASS_TRUST_TRUST_JUDGE_H

#include "policy/policy.h"
#include "trust/trust.h"

#define TRUST_LEAP_MAX (INT64_C(366) * 24 * 3600) // s: how far one policy may take a clock that is not believed

struct trust_judging {
	const struct policy *policy;
	const struct trust_verdict *verdict;
	const struct trust *trust;
	const struct trust_floor *floor;
	int64_t now;
	struct problems *problems;
	bool refused;
};

// Refuses, at a place of the policy (0: at none).
void trust_refuse(struct trust_judging *judging, source_pos at, const char *instead, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

// Whether the policy and the certificates that vouch for it are valid now (trust_dates.c).
void trust_judge_dates(struct trust_judging *judging);

// What the signer may change (trust_parts.c): `next` is the floor this policy makes.
void trust_judge_scope(struct trust_judging *judging, const struct trust_floor *next);
// SHA-256 of the canonical text of role and box, and of everything else but the policy block. 0; -ENOMEM; -EIO.
int trust_parts(const struct policy *policy, uint8_t frame[static TRUST_HASH_SIZE],
                uint8_t rest[static TRUST_HASH_SIZE]);

#endif
