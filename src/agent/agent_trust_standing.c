// SPDX-License-Identifier: GPL-2.0-or-later
//
// What stands, held against who is trusted now and against the dates. A date or a folder that changes takes no
// wall away; it is told, in time.
#include "agent/agent_trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/agent_text.h"
#include "base/date.h"

// ---- who is trusted ----

static void tell_trust(struct agent *agent, const struct agent_wall *wall, const struct agent_trial *trial,
                       int error)
{
	char why[sizeof agent->alarms[0].text];

	agent_text_why(&trial->problems, error, why, sizeof why);
	if (error == -EKEYREJECTED)
		agent_alarm(agent, "policy-untrusted",
		            "policy %" PRIu64
		            " stands, but the next start would not take it and put up the closed wall: %s",
		            wall->number, why);
	else
		agent_alarm_lift(agent, "policy-untrusted");
	if (error && error != -EKEYREJECTED && !agent->trust.unreadable)
		agent_alarm(agent, "signature-unchecked",
		            "whether policy %" PRIu64 " is signed could not be found out: %s", wall->number,
		            why);
	else
		agent_alarm_lift(agent, "signature-unchecked");
}

// 0; -EKEYREJECTED nobody who is trusted has signed it; or what kept us from finding out. `text` (may be NULL)
// is what there is to say.
static int examine(struct agent *agent, struct agent_wall *wall, struct buffer *text)
{
	struct agent_trial trial;
	int error;

	error = agent_trial_begin(agent, wall->bundle, wall->bundle_size, &trial);
	if (!error)
		error = agent_trial_judge(agent, &wall->policy, TRUST_STANDING, &trial);
	// An unreadable folder has an alarm of its own, and looks otherwise when it is mended.
	agent->trust.unfinished = error && error != -EKEYREJECTED && !agent->trust.unreadable;
	if (!error)
		wall->signature = trial.signature;
	else if (error == -EKEYREJECTED)
		wall->signature.trust = CONTROL_TRUST_NOT;
	memcpy(wall->signature.seen, trial.signature.seen, sizeof wall->signature.seen);
	tell_trust(agent, wall, &trial, error);
	if (error)
		agent_text_problems(&trial.problems, &wall->policy.sources, error, text);
	agent_trial_end(&trial);
	agent->trust.dated_for = 0; // the signer's dates may be others
	return error;
}

// There is no policy to examine: only who is trusted.
static void read_again(struct agent *agent, struct agent_wall *closed)
{
	struct trust trust;
	struct problems problems;

	agent_trust_see(agent, closed->signature.seen);
	problem_init(&problems);
	if (agent_trust_read(agent, &trust, &problems) == 0)
		agent_alarm_lift(agent, "policy-untrusted");
	trust_fini(&trust);
	problem_fini(&problems);
	agent->trust.dated_for = 0;
}

static bool changed(struct agent *agent, const struct agent_wall *wall)
{
	uint8_t seen[TRUST_HASH_SIZE];

	agent_trust_see(agent, seen);
	return memcmp(seen, wall->signature.seen, sizeof seen) != 0;
}

static void look(struct agent *agent, bool anew)
{
	struct agent_wall *wall = agent->standing;

	if (!wall || (!anew && !changed(agent, wall)))
		return;
	if (wall->number)
		(void)examine(agent, wall, NULL);
	else
		read_again(agent, wall);
}

void agent_trust_look(struct agent *agent)
{
	look(agent, false);
}

int agent_trust_confirm(struct agent *agent, struct buffer *text)
{
	struct agent_wall *wall = agent->standing;
	int error;

	if (!wall || !wall->number || wall->number != agent->commit.record.pending)
		return 0;
	error = examine(agent, wall, text);
	if (error)
		agent->trust.refusals++;
	return error && error != -ENOMEM ? -EKEYREJECTED : error;
}

// ---- dates ----

// The next of these moments, seconds since 1970, at which something becomes another.
static void sooner(int64_t moment, int64_t now, int64_t *next)
{
	if (moment > now && moment < *next)
		*next = moment;
}

// What ends at `end` (0: never), and counts to that second, raises `over` when it has ended; before, for a
// while, the note `soon`. False: neither.
struct ending {
	int64_t end;
	const char *soon, *over;
};

static bool is_over(const struct ending *ending, int64_t time)
{
	return ending->end && time > ending->end;
}

static bool is_near(const struct ending *ending, int64_t time)
{
	return ending->end && !is_over(ending, time) && time > ending->end - AGENT_TRUST_SOON;
}

static void tell_policy(struct agent *agent, const struct agent_wall *wall, int64_t time)
{
	const struct ending ending = {wall->policy.header.not_after_time, "policy-expires", "policy-expired"};
	char end[DATE_TEXT_MAX];

	date_print(ending.end, end);
	if (is_over(&ending, time))
		agent_alarm(agent, ending.over,
		            "policy %" PRIu64
		            " was to end at %s: it goes on standing; apply one that is valid for longer",
		            wall->number, end);
	else
		agent_alarm_lift(agent, ending.over);
	if (is_near(&ending, time))
		agent_note(
		        agent, ending.soon,
		        "policy %" PRIu64
		        " ends at %s: the wall then stays, with an alarm; apply one that is valid for longer",
		        wall->number, end);
	else
		agent_alarm_lift(agent, ending.soon);
}

static void tell_signer(struct agent *agent, const struct agent_wall *wall, int64_t time)
{
	const struct ending ending = {wall->signature.signer_to, "signer-expires", "signer-expired"};
	char end[DATE_TEXT_MAX];

	date_print(ending.end, end);
	if (is_over(&ending, time))
		agent_note(agent, ending.over,
		           "the certificates of %s were valid until %s: the wall stays, but a policy signed "
		           "with them is taken no more",
		           wall->signature.signer, end);
	else
		agent_alarm_lift(agent, ending.over);
	if (is_near(&ending, time))
		agent_note(agent, ending.soon,
		           "the certificates of %s are valid until %s: policies signed later need others",
		           wall->signature.signer, end);
	else
		agent_alarm_lift(agent, ending.soon);
}

// Where nobody asks for signatures no date is held against the clock but the policy's own.
static void tell_clock(struct agent *agent, int64_t now, int64_t time)
{
	char found[DATE_TEXT_MAX], floor[DATE_TEXT_MAX];

	if (agent->trust.believed || !agent->trust.anchors)
		agent_alarm_lift(agent, "clock");
	else
		agent_note(agent, "clock",
		           "the clock says %s and cannot be right: what is known here was made later; dates of "
		           "policies are held against %s until it is set",
		           date_print(now, found), date_print(time, floor));
}

static void tell_dates(struct agent *agent, const struct agent_wall *wall, int64_t now)
{
	struct agent_trust *trust = &agent->trust;
	const int64_t ends[] = {wall->policy.header.not_after_time, wall->signature.signer_to};
	int64_t time = now;

	trust->believed = trust_clock(now, trust_built(), &trust->floor, &time);
	tell_clock(agent, now, time);
	tell_policy(agent, wall, time);
	tell_signer(agent, wall, time);
	trust->dated = wall->number;
	trust->dated_at = now;
	trust->dated_for = AGENT_NEVER;
	if (!trust->believed) // until then the time is what it is
		trust->dated_for = time;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (!ends[i] || !trust->believed)
			continue;
		sooner(ends[i] + 1, now, &trust->dated_for);
		sooner(ends[i] + 1 - AGENT_TRUST_SOON, now, &trust->dated_for);
	}
}

// ---- the loop ----

// Another wall stands. What was said of the one before it says nothing of this one.
static void stands(struct agent *agent, const struct agent_wall *wall)
{
	if (wall->number && wall->signature.trust == CONTROL_TRUST_NOT) {
		look(agent, true); // the one from before a window
		return;
	}
	agent_alarm_lift(agent, "policy-untrusted");
	agent_alarm_lift(agent, "signature-unchecked");
	agent->trust.unfinished = false;
}

int64_t agent_trust_next(const struct agent *agent)
{
	const struct agent_trust *trust = &agent->trust;

	if (!agent->standing || trust->dated_for == AGENT_NEVER)
		return AGENT_NEVER;
	return agent_now() + (trust->dated_for - agent_unix()) * 1000;
}

void agent_trust_tick(struct agent *agent, bool minute)
{
	const struct agent_wall *wall = agent->standing;
	struct agent_trust *trust = &agent->trust;
	const int64_t now = agent_unix();

	if (!wall)
		return;
	if (wall->number != trust->dated) {
		stands(agent, wall);
		trust->dated_for = 0;
	}
	if (minute) {
		look(agent, trust->unfinished || trust->unreadable);
		agent_trust_accept(agent); // found signed just now, or not written the last time
	}
	if (now >= trust->dated_for || now < trust->dated_at) // or the clock was set
		tell_dates(agent, wall, now);
}

void agent_trust_fill(const struct agent *agent, struct control_status *ret)
{
	const struct agent_trust *trust = &agent->trust;
	const struct agent_wall *wall = agent->standing;

	ret->trust = trust->anchors ? CONTROL_TRUST_NOT : CONTROL_TRUST_UNSIGNED;
	if (wall && wall->number) {
		ret->trust = (uint8_t)wall->signature.trust;
		ret->not_after = wall->policy.header.not_after_time;
		ret->signer_to = wall->signature.signer_to;
		snprintf(ret->signer, sizeof ret->signer, "%s", wall->signature.signer);
		snprintf(ret->anchor, sizeof ret->anchor, "%s", wall->signature.anchor);
	}
	if (trust->unreadable)
		ret->trust = CONTROL_TRUST_UNKNOWN;
}
