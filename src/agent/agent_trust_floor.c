// SPDX-License-Identifier: GPL-2.0-or-later
//
// What was accepted: the floor that no later policy may fall short of. It holds from the moment a policy is
// confirmed, in memory; the file `accepted` carries it over a restart. Should the agent be killed before that
// is written, the next one raises it by the confirmed policy, which the record names by then; or, where nobody
// vouches for that, holds what comes against it all the same.
#include "agent/agent_trust.h"

#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/agent_text.h"

static bool same(const struct trust_floor *a, const struct trust_floor *b)
{
	return a->any == b->any && a->serial == b->serial && a->not_before == b->not_before &&
	       memcmp(a->content, b->content, sizeof a->content) == 0 &&
	       memcmp(a->frame, b->frame, sizeof a->frame) == 0 &&
	       memcmp(a->rest, b->rest, sizeof a->rest) == 0;
}

void agent_trust_recall(struct agent *agent)
{
	char line[sizeof agent->alarms[0].text];
	struct problems problems;
	int error;

	if (!agent->store) // an alarm says so
		return;
	problem_init(&problems);
	error = state_read_accepted(agent->store, &agent->trust.floor, &problems);
	if (error && error != -ENOENT) {
		agent->trust.lost = true;
		agent_text_why(&problems, error, line, sizeof line);
		agent_alarm(agent, "accepted-lost",
		            "what was accepted before is forgotten, but for the confirmed policy; apply the "
		            "newest policy: %s",
		            line);
	}
	problem_fini(&problems);
}

// The confirmed policy has not raised the floor when nobody who is trusted now has signed it. What stands is
// not held against its own claim: a date in it is still to be learnt once somebody vouches for it.
int agent_trust_floor(struct agent *agent, enum trust_when when, struct trust_floor *ret,
                      struct problems *problems)
{
	const struct agent_trust *trust = &agent->trust;

	*ret = trust->floor;
	if (when != TRUST_COMING || !agent->store || (!trust->floor.any && !trust->lost))
		return 0;
	return state_claim(agent->store, &agent->commit.record, ret, problems);
}

static void store(struct agent *agent)
{
	char line[sizeof agent->alarms[0].text];
	struct problems problems;
	int error;

	if (!agent->store) // another start finds the confirmed policy, if that
		return;
	problem_init(&problems);
	error = state_write_accepted(agent->store, &agent->trust.floor, &problems);
	agent->trust.unsaved = error != 0;
	if (error) {
		agent_text_why(&problems, error, line, sizeof line);
		agent_alarm(agent, "accepted", "what was accepted could not be written and is tried again: %s",
		            line);
	} else {
		agent_alarm_lift(agent, "accepted");
	}
	problem_fini(&problems);
}

void agent_trust_accept(struct agent *agent)
{
	const struct agent_wall *wall = agent->standing;
	struct agent_trust *trust = &agent->trust;
	const enum commit_event event = agent->commit.event;
	const bool accepted = wall && wall->number && wall->number == agent->commit.record.confirmed &&
	                      wall->signature.trust == CONTROL_TRUST_SIGNED && wall->signature.makes.any;

	if (accepted && !same(&trust->floor, &wall->signature.makes)) {
		trust->floor = wall->signature.makes;
		trust->unsaved = true;
		trust->dated_for = 0; // the clock may be believed no more
	}
	if (trust->unsaved)
		store(agent);
	// A start writes it too, from the confirmed policy: that something was lost is for somebody to read.
	if (accepted && !trust->unsaved && !agent->commit.error &&
	    (event == COMMIT_EVENT_APPLY || event == COMMIT_EVENT_CONFIRM))
		agent_alarm_lift(agent, "accepted-lost");
}
