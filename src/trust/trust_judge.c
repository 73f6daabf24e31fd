// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether a policy that was signed by the right key may stand here now. All that is wrong with it is said.
#include "trust/trust_judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "policy/policy_lex.h"

void trust_refuse(struct trust_judging *judging, source_pos at, const char *instead, const char *format, ...)
{
	struct buffer what = BUFFER_EMPTY;
	const char *text = source_text(&judging->policy->sources, at);
	va_list arguments;
	va_start(arguments, format);
	buffer_vprintf(&what, format, arguments);
	va_end(arguments);
	judging->refused = true;
	if (buffer_failed(&what))
		judging->problems->lost = true;
	else
		problem_add(judging->problems, PROBLEM_ERROR, at, text ? policy_lex_word_length(text) : 0,
		            what.data, instead);
	buffer_fini(&what);
}

// A line of the policy block that must be there. False when it is not.
static bool needed(struct trust_judging *judging, const struct word *word, const char *name,
                   const char *instead)
{
	if (!word->text)
		trust_refuse(judging, judging->policy->header.at, instead,
		             "the block 'policy' has no %s, and a signed policy needs one", name);
	return word->text != NULL;
}

// A box without a name takes no policy for all units either: it was not set up to the end.
static void identity(struct trust_judging *judging)
{
	const struct trust *trust = judging->trust;
	if (*trust->site && *trust->unit)
		return;
	trust_refuse(judging, 0, "leadglass trust add --site NAME --unit NAME",
	             "this box has not been told which %s it is, and takes no signed policy until then",
	             *trust->unit   ? "site's"
	             : *trust->site ? "unit"
	                            : "site's and which unit");
}

static void site(struct trust_judging *judging)
{
	const struct word *word = &judging->policy->header.site;
	const char *here = judging->trust->site;
	if (needed(judging, word, "site", "say which site it is for: site NAME") && *here &&
	    !policy_word_equal(word, here))
		trust_refuse(
		        judging, word->at,
		        "each site signs its own; a box that has moved is told so with leadglass trust add "
		        "--site NAME",
		        "this policy is for the site '%.*s', and this box is at '%s'", (int)word->size,
		        word->text, here);
}

static void unit(struct trust_judging *judging)
{
	const struct word *word = &judging->policy->header.unit;
	const char *here = judging->trust->unit;
	if (needed(judging, word, "unit",
	           "say which box it is for: unit NAME, or unit * for every box of the site") &&
	    *here && !policy_word_equal(word, "*") && !policy_word_equal(word, here))
		trust_refuse(judging, word->at, "apply the one for this unit, or sign one with unit *",
		             "this policy is for the unit '%.*s', and this box is '%s'", (int)word->size,
		             word->text, here);
}

#define ADVICE_MAX 120

static const char *next_serial(const struct trust_floor *floor, char text[static ADVICE_MAX])
{
	if (floor->serial == UINT64_MAX)
		snprintf(text, ADVICE_MAX, "there is no higher serial: this box has to be set up anew");
	else
		snprintf(text, ADVICE_MAX, "sign it again with serial %" PRIu64, floor->serial + 1);
	return text;
}

// Whether it is octet for octet the policy that was accepted last.
static bool is_last(const struct trust_judging *judging)
{
	const struct trust_floor *floor = judging->floor;
	return floor->any && judging->policy->header.serial_number == floor->serial &&
	       memcmp(floor->content, judging->verdict->content, TRUST_HASH_SIZE) == 0;
}

static void serial(struct trust_judging *judging)
{
	const struct policy_header *header = &judging->policy->header;
	const struct trust_floor *floor = judging->floor;
	char advice[ADVICE_MAX];
	if (!needed(judging, &header->serial, "serial",
	            "number its versions, so that none comes back that was replaced: serial 1") ||
	    !floor->any || is_last(judging))
		return;
	if (header->serial_number < floor->serial)
		trust_refuse(judging, header->serial.at, next_serial(floor, advice),
		             "serial %" PRIu64 " is lower than %" PRIu64
		             ", which this box accepted last: no lower serial is taken",
		             header->serial_number, floor->serial);
	else if (header->serial_number == floor->serial)
		trust_refuse(judging, header->serial.at, next_serial(floor, advice),
		             "serial %" PRIu64
		             " is that of the policy this box accepted last, which has other content",
		             header->serial_number);
}

static void judge(struct trust_judging *judging, enum trust_when when, const struct trust_floor *next)
{
	if (judging->verdict->code != TRUST_GOOD) {
		trust_refuse(judging, 0, NULL, "the signature has not been found good");
		return;
	}
	identity(judging);
	if (judging->policy->header.at) {
		site(judging);
		unit(judging);
		serial(judging);
	} else {
		trust_refuse(judging, judging->policy->role_at,
		             "begin it with: policy { site NAME; unit NAME; serial 1 }",
		             "this policy has no block 'policy', and a signed one needs it");
	}
	if (when == TRUST_COMING)
		trust_judge_dates(judging);
	// What was accepted was within its signer's scope, as the box knew it then. Of a floor that is lost, or
	// does not tell, it cannot be found out again.
	if (!is_last(judging) && (when == TRUST_COMING || judging->floor->parts))
		trust_judge_scope(judging, next);
}

// The parts of the floor this policy makes: also where no anchor is restricted, as the next one may be, and
// nothing will then be left to take apart. Those of the last one are known, and on a long peer list cost as
// much as the verification; but another leadglass may have written them otherwise, and then they are compared
// with. 0 or -errno.
static int next_parts(const struct trust_judging *judging, struct trust_floor *next)
{
	const struct trust_floor *floor = judging->floor;
	bool compared = judging->verdict->scope != TRUST_ALL;
	for (size_t i = 0; i < judging->trust->count; i++)
		compared |= judging->trust->anchors[i].scope != TRUST_ALL;
	next->parts = true;
	if (compared || !is_last(judging) || !floor->parts)
		return trust_parts(judging->policy, next->frame, next->rest);
	memcpy(next->frame, floor->frame, sizeof next->frame);
	memcpy(next->rest, floor->rest, sizeof next->rest);
	return 0;
}

// Time that has passed has passed, whatever later policies say. A box whose clock is not believed learns it
// from them; but one alone, by a key whose own dates nobody knows, is not to tell it that everybody else's have
// ended.
static int64_t next_not_before(const struct trust_judging *judging)
{
	const struct trust_floor *floor = judging->floor;
	int64_t passed = floor->any ? floor->not_before : 0, says = judging->policy->header.not_before_time,
	        limit;
	if (is_last(judging)) // it was learnt then
		return passed;
	if (!trust_clock(judging->now, trust_built(), floor, &limit))
		limit += TRUST_LEAP_MAX;
	if (says > limit)
		says = limit;
	return says > passed ? says : passed;
}

int trust_judge(const struct policy *policy, const struct trust_verdict *verdict, const struct trust *trust,
                const struct trust_floor *floor, int64_t now, enum trust_when when, struct problems *problems,
                struct trust_floor *ret)
{
	static const struct trust_floor none = {0};
	struct trust_judging judging = {.policy = policy,
	                                .verdict = verdict,
	                                .trust = trust,
	                                .floor = floor ? floor : &none,
	                                .now = now,
	                                .problems = problems};
	struct trust_floor next = {.any = true, .serial = policy->header.serial_number};
	int r = next_parts(&judging, &next);
	if (r < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot judge the policy: %s", strerror(-r));
		return r;
	}
	memcpy(next.content, verdict->content, sizeof next.content);
	next.not_before = next_not_before(&judging);
	judge(&judging, when, &next);
	if (judging.refused)
		return -EKEYREJECTED;
	if (ret)
		*ret = next;
	return 0;
}
