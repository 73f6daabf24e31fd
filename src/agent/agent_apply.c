// SPDX-License-Identifier: GPL-2.0-or-later
//
// Carries out what the commit machine (state_commit.h) says: files are written, walls loaded.
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/agent_disk.h"
#include "agent/agent_outside.h"
#include "agent/agent_ports.h"
#include "agent/agent_text.h"
#include "base/text.h"

int agent_load(struct agent *agent, const struct agent_wall *wall, bool *ret_touched,
               struct nft_load_result *ret, struct buffer *text)
{
	// What stands was compared with the kernel; the generation tells whether anybody has changed it since.
	const struct nft_load_options options = {
	        .known = agent->verified && agent->standing ? &agent->standing->ruleset : NULL,
	        .known_at = agent->generation,
	};
	struct problems problems;
	int error;

	problem_init(&problems);
	*ret = (struct nft_load_result){0};
	agent_guard_pause(agent);
	error = nft_load(agent->nft, &wall->ruleset, &wall->policy.sources, &options, &problems, ret);
	agent_guard_resume(agent);
	agent_text_problems(&problems, &wall->policy.sources, error, text);
	problem_fini(&problems);
	*ret_touched = ret->committed;
	return error;
}

// ---- which wall stands ----

static void tell_parts(struct agent *agent)
{
	if (agent->peers)
		agent_peers_wall_changed(agent);
	if (agent->access)
		agent_access_wall_changed(agent);
	if (agent->outside)
		agent_outside_group(agent, agent->standing->policy.log.group);
}

// `wall`, one of the three that are kept, is in the kernel now and was compared.
static void stand(struct agent *agent, struct agent_wall *wall)
{
	if (wall == agent->coming) {
		agent_wall_free(agent->old);
		agent->old = agent->standing;
		agent->coming = NULL;
	} else if (wall == agent->old) {
		agent->old = agent->standing;
	}
	agent->standing = wall;
	agent->verified = true;
	agent->verified_at = agent_unix();
	agent->generation = agent->loaded.generation;
	tell_parts(agent);
}

// The reason why what stands is not what should stand, from a text about it.
static void set_reason(struct agent *agent, const char *what, const struct buffer *text)
{
	char line[sizeof agent->reason];

	agent_text_line(text, line, sizeof line);
	text_cut(agent->reason, sizeof agent->reason,
	         snprintf(agent->reason, sizeof agent->reason, "%.30s: %s", what, line));
}

// Loads one of the three. What the kernel had to say is added to `text`.
static int put_up(struct agent *agent, struct agent_wall *wall, bool *touched, struct buffer *text)
{
	struct nft_load_result result;
	bool committed;
	int error;

	agent_ports_before(agent, wall);
	error = agent_load(agent, wall, &committed, &result, text);
	*touched = *touched || committed;
	if (error) {
		agent->verified = agent->verified && !committed;
	} else {
		agent->loaded = result;
		stand(agent, wall);
	}
	return error;
}

// ---- COMMIT_LOAD ----

static struct agent_wall *kept_wall(const struct agent *agent, uint64_t number)
{
	struct agent_wall *const walls[] = {agent->coming, agent->standing, agent->old};

	for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
		if (walls[i] && walls[i]->number == number)
			return walls[i];
	}
	return NULL;
}

static void set_coming(struct agent *agent, struct agent_wall *wall)
{
	agent_wall_free(agent->coming);
	agent->coming = wall;
}

static int load_policy(struct agent *agent, uint64_t number, bool *touched)
{
	struct agent_wall *wall = kept_wall(agent, number);
	struct buffer text = BUFFER_EMPTY;
	char what[32];
	int error = 0;

	if (!wall) {
		error = agent_disk_read_wall(agent, number, &wall, &text);
		if (!error)
			set_coming(agent, wall);
	}
	if (!error)
		error = put_up(agent, wall, touched, &text);
	snprintf(what, sizeof what, "policy %" PRIu64, number);
	if (!error)
		agent->reason[0] = '\0';
	else if (*touched || agent->commit.event == COMMIT_EVENT_BOOT ||
	         agent->commit.event == COMMIT_EVENT_RETRY)
		set_reason(agent, what, &text);
	if (text.size)
		buffer_add(&agent->said, text.data, text.size);
	buffer_fini(&text);
	return error;
}

// ---- COMMIT_LOAD_CLOSED ----

// The closed wall as it was known; or, should the kernel refuse that, one that is closed to everybody. A kernel
// without connection tracking in bridges refuses the first of these; it can do no more than the second.
static int load_closed(struct agent *agent, bool *touched)
{
	struct agent_wall *wall = kept_wall(agent, 0);
	struct buffer text = BUFFER_EMPTY;
	int error = -ENOENT;

	if (!wall) {
		wall = agent_disk_read_closed(agent);
		if (wall)
			set_coming(agent, wall);
	}
	if (wall)
		error = put_up(agent, wall, touched, &text);
	for (int bridge = 1; error && bridge >= 0; bridge--) {
		error = agent_wall_closed(NULL, 0, bridge, &wall);
		if (error)
			continue;
		buffer_clear(&text);
		set_coming(agent, wall);
		error = put_up(agent, wall, touched, &text);
	}
	if (error) {
		set_reason(agent, "the closed wall", &text);
		if (text.size)
			buffer_add(&agent->said, text.data, text.size);
	} else if (!agent->reason[0] && agent->commit.stand_in) { // back from a window
		snprintf(agent->reason, sizeof agent->reason, "policy %" PRIu64 " could not be loaded",
		         agent->commit.record.confirmed);
	} else if (!agent->reason[0]) {
		snprintf(agent->reason, sizeof agent->reason, "%s",
		         agent->store_problem[0] ? agent->store_problem : "no policy was ever confirmed");
	}
	buffer_fini(&text);
	return error;
}

// ---- the machine ----

// Known once the record is what it will be.
static void note_applicant(struct agent *agent)
{
	const struct state_entry *entry = NULL;

	if (agent->standing)
		entry = state_record_find(&agent->commit.record, agent->standing->number);
	agent->applied_at = entry ? entry->applied_at : 0;
	snprintf(agent->applied_by, sizeof agent->applied_by, "%s", entry ? entry->who : "");
}

static int store_policy(struct agent *agent, uint64_t number)
{
	const struct agent_wall *wall = kept_wall(agent, number);

	return wall ? agent_disk_store_policy(agent, wall) : -ENOENT;
}

static void carry_out(struct agent *agent)
{
	struct commit *commit = &agent->commit;
	bool touched = false;
	int error = 0;

	switch (commit->step) {
	case COMMIT_IDLE:
		return;
	case COMMIT_STORE_POLICY:
		error = store_policy(agent, commit->number);
		break;
	case COMMIT_STORE_RECORD:
		error = agent_disk_store_record(agent);
		break;
	case COMMIT_LOAD:
		error = load_policy(agent, commit->number, &touched);
		break;
	case COMMIT_LOAD_CLOSED:
		error = load_closed(agent, &touched);
		break;
	case COMMIT_REMOVE:
		if (agent->store)
			state_remove_policy(agent->store, commit->number);
		break;
	case COMMIT_ANSWER:
		note_applicant(agent);
		agent_change_done(agent);
		break;
	}
	commit_done(commit, error, touched, agent_now(), agent_unix());
}

static void complain(struct agent *agent)
{
	const struct state_record *record = &agent->commit.record;
	const uint64_t wanted = record->pending ? record->pending : record->confirmed;

	if (!agent->commit.wall)
		agent_alarm(agent, "wall", "no wall could be put up: %s", agent->reason);
	else if (agent->commit.standing != wanted)
		agent_alarm(agent, "wall", "policy %" PRIu64 " should stand and does not: %s", wanted,
		            agent->reason);
	else
		agent_alarm_lift(agent, "wall");
	if (!agent->commit.unsaved)
		agent_alarm_lift(agent, "record");
}

void agent_run_commit(struct agent *agent)
{
	const struct agent_wall *before = agent->standing;

	if (agent->commit.step == COMMIT_IDLE)
		return;
	while (agent->commit.step != COMMIT_IDLE)
		carry_out(agent);
	agent_disk_keep_confirmed(agent);
	agent_trust_accept(agent);
	set_coming(agent, NULL);
	// Within a window the confirmed wall is kept at hand: to go back needs no disk then.
	if (agent->old &&
	    (!agent->commit.record.pending ||
	     agent->old->number != (agent->commit.stand_in ? 0 : agent->commit.record.confirmed))) {
		agent_wall_free(agent->old);
		agent->old = NULL;
	}
	buffer_fini(&agent->said);
	complain(agent);
#ifdef __GLIBC__
	// A policy of ten thousand peers may have been read, compiled and sent.
	if (agent->standing != before)
		malloc_trim(0);
#endif
}

void agent_boot(struct agent *agent)
{
	struct state_record *record = calloc(1, sizeof *record);
	const int error = record ? agent_disk_read_record(agent, record, &agent->coming) : -ENOMEM;
	const bool copied = agent->coming != NULL;

	if (agent->store_problem[0])
		snprintf(agent->reason, sizeof agent->reason, "%s", agent->store_problem);
	commit_boot(&agent->commit, record, agent_now());
	agent->commit.unsaved = copied && agent->store;
	free(record);
	agent_run_commit(agent);
	if (copied)
		agent_disk_mend(agent, error);
	if (!error) // else nothing is known of what lies there
		state_sweep(agent->store, &agent->commit.record);
}
