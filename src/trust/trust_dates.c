// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether a policy and its certificates are valid now. A box without a battery comes up in 1970: its clock is
// then not believed, and what has certainly passed is all that is known. That is enough to refuse what has
// ended.
#include "trust/trust_judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/date.h"

bool trust_clock(int64_t now, int64_t built, const struct trust_floor *floor, int64_t *ret_time)
{
	int64_t passed = floor && floor->any && floor->not_before > built ? floor->not_before : built;
	*ret_time = now < passed ? passed : now;
	return now >= passed;
}

// "it is 2026-11-21T10:00:00Z", as far as is known
#define NOW_MAX 160

static const char *tell_now(const struct trust_judging *judging, char text[static NOW_MAX])
{
	char shown[DATE_TEXT_MAX], passed[DATE_TEXT_MAX];
	int64_t time;
	date_print(judging->now, shown);
	if (trust_clock(judging->now, trust_built(), judging->floor, &time))
		snprintf(text, NOW_MAX, "it is %s", shown);
	else
		snprintf(text, NOW_MAX, "it is %s at least (the clock shows %s and is not believed)",
		         date_print(time, passed), shown);
	return text;
}

#define WHOSE_MAX (TRUST_NAME_MAX + 40)

static const char *whose(const struct trust_judging *judging, uint32_t which, char text[static WHOSE_MAX])
{
	if (which == 0)
		snprintf(text, WHOSE_MAX, "the trust anchor %s", judging->verdict->anchor);
	else if (which == 1)
		snprintf(text, WHOSE_MAX, "the signer's certificate");
	else
		snprintf(text, WHOSE_MAX, "certificate %" PRIu32 " after the signature", which);
	return text;
}

// With a clock that is believed: what has not begun.
static void begins(struct trust_judging *judging)
{
	const struct policy_header *header = &judging->policy->header;
	const struct trust_verdict *verdict = judging->verdict;
	char when[DATE_TEXT_MAX], now[NOW_MAX], owner[WHOSE_MAX];
	static const char advice[] = "wait until then; where the clock is wrong, set it";
	if (header->not_before.text && judging->now < header->not_before_time)
		trust_refuse(judging, header->not_before.at, advice,
		             "this policy is not to be used before %s, and %s",
		             date_print(header->not_before_time, when), tell_now(judging, now));
	if (judging->now < verdict->valid_from)
		trust_refuse(judging, 0, advice, "%s is not valid before %s, and %s",
		             whose(judging, verdict->valid_from_which, owner),
		             date_print(verdict->valid_from, when), tell_now(judging, now));
}

static void ended(struct trust_judging *judging, int64_t time)
{
	const struct policy_header *header = &judging->policy->header;
	const struct trust_verdict *verdict = judging->verdict;
	char when[DATE_TEXT_MAX], now[NOW_MAX], owner[WHOSE_MAX];
	if (header->not_after.text && time > header->not_after_time)
		trust_refuse(judging, header->not_after.at,
		             "sign it anew with a later not-after and the next serial; where the clock is "
		             "wrong, set it",
		             "this policy was not to be used after %s, and %s",
		             date_print(header->not_after_time, when), tell_now(judging, now));
	if (time > verdict->valid_to)
		trust_refuse(
		        judging, 0,
		        judging->trust->of_updates
		                ? "have the manufacturer sign the update anew, with a certificate that is valid"
		        : verdict->valid_to_which
		                ? "sign the policy anew, with a certificate that is valid; where the "
		                  "clock is wrong, set it"
		                : "have its successor added to this box (leadglass trust add), and sign "
		                  "the policy anew; where the clock is wrong, set it",
		        "%s was valid until %s, and %s", whose(judging, verdict->valid_to_which, owner),
		        date_print(verdict->valid_to, when), tell_now(judging, now));
}

// Whoever signs says what time it is to a box whose clock is not believed, once the policy is accepted. Later
// than its certificate's end it cannot have been meant, and no policy with that certificate would ever be taken
// again.
static void leaps(struct trust_judging *judging)
{
	const struct policy_header *header = &judging->policy->header;
	const struct trust_verdict *verdict = judging->verdict;
	char when[DATE_TEXT_MAX], end[DATE_TEXT_MAX], owner[WHOSE_MAX];
	if (header->not_before.text && header->not_before_time > verdict->valid_to)
		trust_refuse(judging, header->not_before.at,
		             "sign it with an earlier not-before, or with a certificate that is valid then",
		             "this policy is not to be used before %s, and %s is valid until %s only",
		             date_print(header->not_before_time, when),
		             whose(judging, verdict->valid_to_which, owner),
		             date_print(verdict->valid_to, end));
}

void trust_judge_dates(struct trust_judging *judging)
{
	int64_t time;
	if (trust_clock(judging->now, trust_built(), judging->floor, &time))
		begins(judging);
	else
		leaps(judging);
	ended(judging, time);
}

int trust_judge_chain(const struct trust_verdict *verdict, const struct trust *trust, int64_t now,
                      struct problems *problems)
{
	static const struct policy undated = {0};
	static const struct trust_floor none = {0};
	struct trust_judging judging = {.policy = &undated,
	                                .verdict = verdict,
	                                .trust = trust,
	                                .floor = &none,
	                                .now = now,
	                                .problems = problems};
	trust_judge_dates(&judging);
	return judging.refused ? -EKEYREJECTED : 0;
}
