// SPDX-License-Identifier: GPL-2.0-or-later
//
// When the flow table stands. Each transaction that changes the wall takes it down (nft_load does that), so
// what is decided here is only when it may come back.
#include "agent/agent_flowtable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/text.h"
#include "link/link.h"
#include "nft/nft_flowtable.h"

#define QUIET 1000     // ms after what somebody else did to the wall
#define RETRY 10000    // ms until what did not succeed is tried again
#define LOOK_EVERY 100 // ms between looks that changes of interfaces ask for, ...
#define LOOK_BURST 50  // ... after so many
#define MODULES_MAY_COME ((int64_t)AGENT_VERIFY_MINUTES * AGENT_MINUTE) // until a kernel without is tried again

struct agent_flowtable {
	struct link *link; // NULL: it could not be opened
	enum control_flowtable state;
	char why[sizeof((struct control_status *)0)->flowtable_why];
	const struct agent_wall *wall;           // for which it was put up, or could not be, ...
	uint64_t number;                         // ... and its number
	uint32_t indices[POLICY_INTERFACES_MAX]; // of the interfaces then
	int64_t not_before, try_at, look_at;     // ms
	struct agent_pace looks;
};

// ---- whether it is to stand ----

static void set_state(struct agent_flowtable *f, enum control_flowtable state, const char *why)
{
	f->state = state;
	snprintf(f->why, sizeof f->why, "%s", why);
}

// False: it is not to stand now; state and reason say why.
static bool judge(struct agent *agent, int64_t now)
{
	struct agent_flowtable *f = agent->flowtable;
	const struct agent_wall *wall = agent->standing;
	const char *why = NULL;
	if (!wall || !wall->number || !wall->policy.flowtable_at) {
		set_state(f, CONTROL_FLOWTABLE_NONE, "");
		return false;
	}
	if (!f->link)
		why = "interfaces cannot be listed";
	else if (!agent->verified)
		why = "the wall is not verified";
	else if (now < f->not_before)
		why = "the wall was changed a moment ago";
	else if (agent_access_leads_through(agent))
		why = "a service window to a device is open";
	if (why)
		set_state(f, CONTROL_FLOWTABLE_WAITING, why);
	return !why;
}

// ---- interfaces ----

static size_t list_names(const struct policy *policy, struct nft_interface *ret)
{
	size_t count = 0;
	for (uint32_t i = 0; i < policy->flowtable.count && i < POLICY_INTERFACES_MAX; i++) {
		const struct word *word = &policy->interfaces[policy->flowtable.first + i];
		snprintf(ret[count++].name, sizeof ret->name, "%.*s", (int)word->size, word->text);
	}
	return count;
}

// Their indices into `ret`. NULL, or the name of the first that is not there; "" when they could not be listed.
static const char *find_interfaces(struct agent_flowtable *f, const struct nft_interface *names, size_t count,
                                   uint32_t *ret)
{
	struct link_interface *all;
	struct problems problems;
	size_t all_count;
	const char *missing = NULL;
	problem_init(&problems);
	int r = link_interfaces(f->link, &all, &all_count, &problems);
	problem_fini(&problems);
	if (r < 0)
		return "";
	for (size_t i = 0; i < count; i++) {
		ret[i] = 0;
		for (size_t k = 0; k < all_count; k++)
			if (strcmp(all[k].name, names[i].name) == 0)
				ret[i] = all[k].index;
		if (!ret[i] && !missing)
			missing = names[i].name;
	}
	free(all);
	return missing;
}

// ---- putting up, taking down ----

int agent_flowtable_down(struct agent *agent)
{
	struct agent_flowtable *f = agent->flowtable;
	struct problems problems;
	if (!f)
		return 0;
	f->not_before = agent_now() + QUIET;
	if (!nft_flowtable_stands(agent->nft))
		return 0;
	problem_init(&problems);
	agent_guard_pause(agent);
	int r = nft_flowtable_remove(agent->nft, &problems);
	agent_guard_resume(agent);
	problem_fini(&problems);
	return r;
}

static void take_down(struct agent *agent, int64_t now)
{
	struct agent_flowtable *f = agent->flowtable;
	const int64_t not_before = f->not_before;
	int r = agent_flowtable_down(agent);
	f->not_before = not_before;
	if (r < 0) {
		f->try_at = now + LOOK_EVERY;
		agent_alarm(agent, "flowtable-stays",
		            "the flow table cannot be taken down (%s): connections it has taken over pass "
		            "without the wall; end leadglassd, and it goes",
		            strerror(-r));
		return;
	}
	f->try_at = AGENT_NEVER;
	agent_alarm_lift(agent, "flowtable-stays");
}

static void refused(struct agent_flowtable *f, int error, const struct problems *problems, int64_t now)
{
	char why[sizeof f->why];
	const struct problem *problem = problems->count ? &problems->items[0] : NULL;
	if (nft_flowtable_lacks(error)) {
		text_cut(why, sizeof why,
		         snprintf(why, sizeof why, "%s",
		                  problem && problem->instead ? problem->instead : "this kernel has none"));
		set_state(f, CONTROL_FLOWTABLE_LACKING, why);
		f->try_at = now + MODULES_MAY_COME;
		return;
	}
	text_cut(why, sizeof why, snprintf(why, sizeof why, "%s", problem ? problem->what : strerror(-error)));
	set_state(f, CONTROL_FLOWTABLE_WAITING, why);
	f->try_at = now + RETRY;
}

static void put_up(struct agent *agent, const struct nft_interface *names, size_t count, int64_t now)
{
	struct agent_flowtable *f = agent->flowtable;
	struct problems problems;
	problem_init(&problems);
	agent_guard_pause(agent);
	int r = nft_flowtable_put(agent->nft, names, count, &problems);
	agent_guard_resume(agent);
	// What was written is asked for like the wall: it counts when the kernel says that it has it.
	if (r == 0) {
		r = nft_flowtable_is(agent->nft, names, count);
		r = r == 1 ? 0 : r == 0 ? -EBADE : r;
	}
	if (r < 0)
		refused(f, r, &problems, now);
	else
		set_state(f, CONTROL_FLOWTABLE_ACTIVE, "");
	problem_fini(&problems);
}

// Of what may last.
static void tell(struct agent *agent, bool lasting)
{
	const struct agent_flowtable *f = agent->flowtable;
	if (f->state == CONTROL_FLOWTABLE_ACTIVE || f->state == CONTROL_FLOWTABLE_NONE)
		agent_alarm_lift(agent, "flowtable");
	else if (lasting)
		agent_note(agent, "flowtable", "there is no flow table, the wall sees every packet: %s",
		           f->why);
}

static void settle(struct agent *agent, int64_t now, bool changed)
{
	struct agent_flowtable *f = agent->flowtable;
	struct nft_interface names[POLICY_INTERFACES_MAX];
	uint32_t indices[POLICY_INTERFACES_MAX];
	const size_t count = list_names(&agent->standing->policy, names);
	const char *missing = find_interfaces(f, names, count, indices);
	const bool due = changed || now >= f->try_at;
	f->look_at = AGENT_NEVER;
	if (missing) {
		char why[sizeof f->why];
		snprintf(why, sizeof why, "there is no interface %.*s", NFT_FLOWTABLE_INTERFACE_MAX, missing);
		set_state(f, CONTROL_FLOWTABLE_WAITING, missing[0] ? why : "interfaces cannot be listed");
		if (nft_flowtable_stands(agent->nft))
			take_down(agent, now);
		f->indices[0] = 0; // none has it: it is tried again once they are all there
		f->try_at = missing[0] ? AGENT_NEVER : now + RETRY;
		tell(agent, true);
		return;
	}
	if (nft_flowtable_is(agent->nft, names, count) == 1) {
		set_state(f, CONTROL_FLOWTABLE_ACTIVE, "");
		f->try_at = AGENT_NEVER;
	} else if (due || nft_flowtable_stands(agent->nft) ||
	           memcmp(indices, f->indices, count * sizeof *indices) != 0) {
		f->try_at = AGENT_NEVER;
		put_up(agent, names, count, now);
	}
	memcpy(f->indices, indices, count * sizeof *indices);
	tell(agent, true);
}

// ---- for agent.h's sake ----

void agent_flowtable_open(struct agent *agent)
{
	struct problems problems;
	agent->flowtable = calloc(1, sizeof *agent->flowtable);
	if (!agent->flowtable)
		return;
	*agent->flowtable = (struct agent_flowtable){
	        .try_at = AGENT_NEVER,
	        .look_at = AGENT_NEVER,
	        .looks = {.every = LOOK_EVERY, .burst = LOOK_BURST},
	};
	problem_init(&problems);
	if (link_open(&agent->flowtable->link, &problems) < 0)
		agent->flowtable->link = NULL;
	problem_fini(&problems);
}

void agent_flowtable_close(struct agent *agent)
{
	if (!agent->flowtable)
		return;
	link_close(agent->flowtable->link);
	free(agent->flowtable);
	agent->flowtable = NULL;
}

int agent_flowtable_fd(const struct agent *agent)
{
	return agent->flowtable && agent->flowtable->link ? link_fd(agent->flowtable->link) : -1;
}

void agent_flowtable_heard(struct agent *agent)
{
	struct agent_flowtable *f = agent->flowtable;
	const int64_t now = agent_now(), at = agent_pace_next(&f->looks);
	if (link_heard(f->link) && (at > now ? at : now) < f->look_at)
		f->look_at = at > now ? at : now;
}

int64_t agent_flowtable_next(const struct agent *agent)
{
	const struct agent_flowtable *f = agent->flowtable;
	if (!f)
		return AGENT_NEVER;
	const bool quiet = f->state != CONTROL_FLOWTABLE_NONE && f->not_before > agent_now();
	return agent_earlier(agent_earlier(f->try_at, f->look_at), quiet ? f->not_before : AGENT_NEVER);
}

void agent_flowtable_tick(struct agent *agent, int64_t now, bool look)
{
	struct agent_flowtable *f = agent->flowtable;
	if (!f)
		return;
	const enum control_flowtable before = f->state;
	if (!judge(agent, now)) {
		if (nft_flowtable_stands(agent->nft))
			take_down(agent, now);
		else
			f->try_at = AGENT_NEVER;
		f->look_at = AGENT_NEVER;
		f->wall = NULL; // put up as soon as it may be
		tell(agent, false);
		return;
	}
	const bool changed = f->wall != agent->standing || f->number != agent->standing->number;
	// It was active, and a transaction of ours has taken it down.
	const bool gone = before == CONTROL_FLOWTABLE_ACTIVE && !nft_flowtable_stands(agent->nft);
	if (!look && !changed && !gone && now < f->look_at && now < f->try_at)
		return;
	f->wall = agent->standing;
	f->number = agent->standing->number;
	if (now >= f->look_at)
		(void)agent_pace_take(&f->looks, now);
	settle(agent, now, changed || gone);
}

void agent_flowtable_fill(const struct agent *agent, struct control_status *ret)
{
	const struct agent_flowtable *f = agent->flowtable;
	ret->flowtable = (uint8_t)(f ? f->state : CONTROL_FLOWTABLE_NONE);
	if (f)
		memcpy(ret->flowtable_why, f->why, sizeof ret->flowtable_why);
	// The kernel has it while the loop has not yet been there to say so, or the other way round.
	if (f && f->state == CONTROL_FLOWTABLE_ACTIVE && !nft_flowtable_stands(agent->nft)) {
		ret->flowtable = CONTROL_FLOWTABLE_WAITING;
		snprintf(ret->flowtable_why, sizeof ret->flowtable_why, "the wall was changed a moment ago");
	}
}
