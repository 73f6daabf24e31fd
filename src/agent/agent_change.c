// SPDX-License-Identifier: GPL-2.0-or-later
//
// The requests that change what stands: apply, confirm, roll back. Each is begun here and carried out by
// agent_apply.c before the next request is looked at; the answer is given in the course of it.
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "agent/agent_notify.h"
#include "agent/agent_text.h"

#define WINDOW_SECONDS_MAX (7u * 24 * 3600) // a window that nobody waits for is none

// ---- the answer ----

static uint32_t seconds_left(const struct agent *agent)
{
	const int64_t left = agent->commit.deadline - agent_now();

	if (!agent->commit.record.pending || agent->commit.deadline == COMMIT_NEVER)
		return 0;
	return left > 0 ? (uint32_t)((left + 999) / 1000) : 0;
}

static const char *event_name(enum commit_event event)
{
	switch (event) {
	case COMMIT_EVENT_BOOT:
	case COMMIT_EVENT_RETRY:
		return "WALL";
	case COMMIT_EVENT_APPLY:
		return "APPLIED";
	case COMMIT_EVENT_CONFIRM:
		return "CONFIRMED";
	case COMMIT_EVENT_ROLLBACK:
		return "ROLLED-BACK";
	case COMMIT_EVENT_EXPIRE:
		return "EXPIRED";
	}
	return "";
}

// "policy 12 (serial 7, 34 peers)", or the closed wall.
static void describe(const struct agent_wall *wall, char *text, size_t size)
{
	if (!wall)
		snprintf(text, size, "no wall");
	else if (!wall->number)
		snprintf(text, size, "the closed wall");
	else
		snprintf(text, size, "policy %" PRIu64 " (%zu peer%s)", wall->number, wall->policy.peer_count,
		         wall->policy.peer_count == 1 ? "" : "s");
}

static void log_failure(struct agent *agent, const char *standing)
{
	char line[256];

	agent_text_line(&agent->said, line, sizeof line);
	if (!line[0])
		snprintf(line, sizeof line, "%s", agent_text_error(agent->commit.error));
	switch (agent->commit.event) {
	case COMMIT_EVENT_RETRY: // an alarm stands
		return;
	case COMMIT_EVENT_BOOT:
		agent_log(agent, LOG_ERR, "WALL-FAILED", NULL, 0, "%s stands: %s", standing, line);
		return;
	case COMMIT_EVENT_APPLY:
		agent_log(agent, LOG_ERR, "APPLY-FAILED", NULL, 0, "a policy was not applied: %s; %s stands",
		          line, standing);
		return;
	case COMMIT_EVENT_CONFIRM:
		agent_log(agent, LOG_ERR, "CONFIRM-FAILED", NULL, 0, "%s could not be confirmed: %s", standing,
		          line);
		return;
	case COMMIT_EVENT_ROLLBACK:
	case COMMIT_EVENT_EXPIRE:
		agent_log(agent, LOG_ERR, "ROLLBACK-FAILED", NULL, 0,
		          "going back did not succeed: %s; %s stands", line, standing);
		return;
	}
}

static const char *change_name(enum nft_change change)
{
	switch (change) {
	case NFT_CREATED:
		return "rules made";
	case NFT_UNCHANGED:
		return "nothing had to be changed";
	case NFT_ELEMENTS:
		return "elements exchanged";
	case NFT_EXCHANGED:
		return "rules exchanged";
	}
	return "";
}

// Whose doing it was: who asked; of a start, who had applied what stands; "": nobody's.
static const char *whose(const struct agent *agent)
{
	switch (agent->commit.event) {
	case COMMIT_EVENT_BOOT:
	case COMMIT_EVENT_RETRY:
	case COMMIT_EVENT_APPLY:
		return agent->applied_by;
	case COMMIT_EVENT_CONFIRM:
	case COMMIT_EVENT_ROLLBACK:
		return agent->asked_by;
	case COMMIT_EVENT_EXPIRE:
		break;
	}
	return "";
}

static void log_success(struct agent *agent, const char *standing)
{
	const struct agent_wall *wall = agent->standing;
	const enum commit_event event = agent->commit.event;
	const bool went_back = event == COMMIT_EVENT_ROLLBACK || event == COMMIT_EVENT_EXPIRE;
	char number[24], left[24], hash[TRUST_HASH_TEXT_SIZE] = "", window[64] = "", lost[80] = "", old[32];
	const struct agent_field fields[] = {
	        {"policy", number}, {"hash", hash}, {"by", whose(agent)}, {"left", left}};
	const size_t count = went_back ? 4 : 3; // "left": the policy that was given up
	const char *id = event_name(event), *by = whose(agent);

	snprintf(number, sizeof number, "%" PRIu64, wall ? wall->number : 0);
	snprintf(left, sizeof left, "%" PRIu64, agent->commit.number);
	snprintf(old, sizeof old, wall && wall->number ? "policy %s" : "the closed wall", number);
	if (wall)
		trust_hash_print(wall->hash, hash);
	if (agent->commit.record.pending)
		snprintf(window, sizeof window, "; to be confirmed within %u s", seconds_left(agent));
	if (event == COMMIT_EVENT_BOOT && agent->commit.subject)
		snprintf(lost, sizeof lost, "; policy %" PRIu64 " was not confirmed before the restart",
		         agent->commit.subject);
	switch (event) {
	case COMMIT_EVENT_BOOT:
	case COMMIT_EVENT_RETRY:
		agent_log(agent, LOG_NOTICE, id, fields, count, "%s stands, verified%s%s%s", standing,
		          agent->reason[0] ? ": " : "", agent->reason, lost);
		return;
	case COMMIT_EVENT_APPLY:
		agent_log(agent, LOG_NOTICE, id, fields, count,
		          "%s applied by %s: verified; %s, elements +%zu -%zu%s", standing,
		          by[0] ? by : "somebody", change_name(agent->loaded.change), agent->loaded.added,
		          agent->loaded.removed, window);
		return;
	case COMMIT_EVENT_CONFIRM:
		agent_log(agent, LOG_NOTICE, id, fields, count, "%s confirmed by %s", standing,
		          by[0] ? by : "somebody");
		return;
	case COMMIT_EVENT_ROLLBACK:
		agent_log(agent, LOG_NOTICE, id, fields, count,
		          "policy %s was rolled back%s%s: %s stands again", left,
		          by[0] ? " by " : " because leadglassd leaves", by, old);
		return;
	case COMMIT_EVENT_EXPIRE:
		agent_log(agent, LOG_WARNING, id, fields, count,
		          "policy %s was not confirmed in time: %s stands again", left, old);
		return;
	}
}

void agent_change_done(struct agent *agent)
{
	const struct commit *commit = &agent->commit;
	const int client = agent->applicant;
	struct control_answer answer = {
	        .kind = (uint16_t)agent->asked,
	        .last = 1,
	        .error = commit->error,
	        .number = agent->standing ? agent->standing->number : 0,
	        .seconds = seconds_left(agent),
	        .added = (uint32_t)agent->loaded.added,
	        .removed = (uint32_t)agent->loaded.removed,
	        .changes = (uint32_t)agent->loaded.change,
	};
	char standing[64];

	describe(agent->standing, standing, sizeof standing);
	if (commit->error)
		log_failure(agent, standing);
	else
		log_success(agent, standing);
	agent_notify(agent->notify, "STATUS=%s stands%s", standing,
	             agent->commit.record.pending ? " and waits for its confirmation" : "");
	agent->applicant = -1;
	agent->asked_by[0] = '\0';
	if (client < 0)
		return;
	snprintf(answer.text, sizeof answer.text, "%s stands", standing);
	if (commit->error && !agent->said.size)
		buffer_printf(&agent->said, "leadglass: %s\n", agent_text_error(commit->error));
	agent_answer(agent, client, &answer, agent->said.data, agent->said.size);
}

// ---- the requests ----

static void describe_applicant(const struct agent *agent, int client, const struct control_request *request,
                               char who[static STATE_WHO_MAX])
{
	if (request->who[0])
		snprintf(who, STATE_WHO_MAX, "%s", request->who);
	else
		snprintf(who, STATE_WHO_MAX, "uid %u", (unsigned)agent->clients[client].id.uid);
}

static void begin(struct agent *agent, int client, const struct control_request *request)
{
	describe_applicant(agent, client, request, agent->asked_by);
	agent->asked = (enum control_kind)request->kind;
	buffer_fini(&agent->said);
	agent->loaded = (struct nft_load_result){0};
	agent->applicant = client;
}

static void refuse_busy(struct agent *agent, int client, enum control_kind kind)
{
	agent_refuse(agent, client, kind, -EBUSY,
	             "policy %" PRIu64
	             " waits for its confirmation: `leadglass confirm` or `leadglass rollback` first",
	             agent->commit.record.pending);
}

// Begins with a policy that was read and compiled (taken over), and carries it out.
static void apply(struct agent *agent, int client, const struct control_request *request,
                  struct agent_wall *wall, uint64_t copy_of)
{
	struct state_entry entry = {
	        .serial = wall->policy.header.serial_number,
	        .peers = (uint32_t)wall->policy.peer_count,
	        .copy_of = copy_of,
	};
	int error;

	memcpy(entry.hash, wall->hash, sizeof entry.hash);
	describe_applicant(agent, client, request, entry.who);
	error = commit_apply(&agent->commit, &entry, (int64_t)request->seconds * 1000, agent_now(),
	                     agent_unix());
	if (error) {
		agent_wall_free(wall);
		refuse_busy(agent, client, (enum control_kind)request->kind);
		return;
	}
	wall->number = agent->commit.number;
	agent_wall_free(agent->coming);
	agent->coming = wall;
	begin(agent, client, request);
	agent_run_commit(agent);
}

static void refuse_text(struct agent *agent, int client, enum control_kind kind, int error, struct buffer *text)
{
	struct control_answer answer = {.kind = (uint16_t)kind, .last = 1, .error = error};

	if (!text->size)
		buffer_printf(text, "leadglass: %s\n", agent_text_error(error));
	agent_answer(agent, client, &answer, text->data, text->size);
}

static bool window_is_sane(struct agent *agent, int client, const struct control_request *request)
{
	if (request->seconds <= WINDOW_SECONDS_MAX)
		return true;
	agent_refuse(agent, client, (enum control_kind)request->kind, -EINVAL,
	             "a window of %u s is too long: at most %u", request->seconds, WINDOW_SECONDS_MAX);
	return false;
}

static int refuse_bridge_netfilter(const struct agent_wall *wall, struct buffer *text)
{
	struct problems problems;

	problem_init(&problems);
	int error = nft_bridge_netfilter_refuse(&wall->policy, NFT_PROC_SYS_NET, &problems);
	if (error)
		agent_text_problems(&problems, NULL, error, text);
	problem_fini(&problems);
	return error;
}

static int take(struct agent *agent, int client, const struct control_request *request, char *bundle,
                size_t size, struct agent_wall **ret, struct buffer *text)
{
	struct agent_candidate candidate = {.bundle = bundle,
	                                    .size = size,
	                                    .when = TRUST_COMING,
	                                    .only_asked = request->kind == CONTROL_JUDGE};
	char by[STATE_WHO_MAX];

	describe_applicant(agent, client, request, by);
	candidate.by = by;
	// A restricted anchor that was added a moment ago asks more of what was accepted than was kept of it.
	agent_trust_look(agent);
	agent_trust_accept(agent);
	int error = agent_trust_wall(agent, &candidate, ret, text);
	if (!error)
		error = refuse_bridge_netfilter(*ret, text);
	if (error) {
		agent_wall_free(*ret);
		*ret = NULL;
	}
	return error;
}

void agent_request_apply(struct agent *agent, int client, const struct control_request *request, char *bundle,
                         size_t size)
{
	struct buffer text = BUFFER_EMPTY;
	struct agent_wall *wall = NULL;
	int error;

	if (agent->commit.record.pending || !window_is_sane(agent, client, request)) {
		if (agent->commit.record.pending)
			refuse_busy(agent, client, CONTROL_APPLY);
		free(bundle);
		return;
	}
	error = take(agent, client, request, bundle, size, &wall, &text);
	if (error)
		refuse_text(agent, client, CONTROL_APPLY, error, &text);
	else
		apply(agent, client, request, wall, 0);
	buffer_fini(&text);
}

void agent_request_judge(struct agent *agent, int client, const struct control_request *request, char *bundle,
                         size_t size)
{
	struct control_answer answer = {.kind = CONTROL_JUDGE, .last = 1};
	struct buffer text = BUFFER_EMPTY;
	struct agent_wall *wall = NULL;
	const int error = take(agent, client, request, bundle, size, &wall, &text);

	if (error)
		refuse_text(agent, client, CONTROL_JUDGE, error, &text);
	else
		agent_answer(agent, client, &answer, NULL, 0);
	agent_wall_free(wall);
	buffer_fini(&text);
}

// Nothing waits: whoever confirms too late is told what became of the policy that did.
static void refuse_late(struct agent *agent, int client, uint64_t pending)
{
	const struct state_record *record = &agent->commit.record;
	const struct state_entry *last = record->count ? &record->entries[record->count - 1] : NULL;
	const enum state_outcome outcome = last ? last->outcome : STATE_APPLIED;
	char when[16] = "?", old[48] = "the closed wall";
	const time_t decided = last ? (time_t)last->decided_at : 0;
	struct tm parts;

	if (gmtime_r(&decided, &parts))
		strftime(when, sizeof when, "%H:%M:%S", &parts);
	if (record->confirmed)
		snprintf(old, sizeof old, "policy %" PRIu64, record->confirmed);
	if (outcome == STATE_EXPIRED || outcome == STATE_RESTARTED || outcome == STATE_ROLLED_BACK)
		agent_refuse(agent, client, CONTROL_CONFIRM, -ENOENT,
		             "policy %" PRIu64 " was %s (%s UTC): %s stands again", last->number,
		             outcome == STATE_EXPIRED     ? "not confirmed in time"
		             : outcome == STATE_RESTARTED ? "not confirmed before leadglassd was restarted"
		                                          : "rolled back",
		             when, old);
	else if (pending)
		agent_refuse(agent, client, CONTROL_CONFIRM, -ENOENT,
		             "too late: the window of policy %" PRIu64 " has ended", pending);
	else
		agent_refuse(agent, client, CONTROL_CONFIRM, -ENOENT, "nothing waits for a confirmation");
}

// What waits is held against whoever is trusted now: confirmed, it is what the next start puts up. The window
// goes on.
static bool may_confirm(struct agent *agent, int client)
{
	struct buffer text = BUFFER_EMPTY;
	const uint64_t pending = agent->commit.record.pending;
	const int error = agent_trust_confirm(agent, &text);
	char line[256];

	if (!error)
		return true;
	agent_text_line(&text, line, sizeof line);
	agent_log(agent, LOG_ERR, "CONFIRM-FAILED", NULL, 0, "policy %" PRIu64 " could not be confirmed: %s",
	          pending, line[0] ? line : agent_text_error(error));
	buffer_printf(&text,
	              "leadglass: policy %" PRIu64 " was not confirmed and goes in %u s: put that right and "
	              "confirm again, or leadglass rollback\n",
	              pending, seconds_left(agent));
	refuse_text(agent, client, CONTROL_CONFIRM, error, &text);
	buffer_fini(&text);
	return false;
}

void agent_request_confirm(struct agent *agent, int client, const struct control_request *request)
{
	const uint64_t pending = agent->commit.record.pending;
	int error;

	// The time may have come while the loop was held up, or the machine slept.
	commit_tick(&agent->commit, agent_now(), agent_unix());
	agent_run_commit(agent);
	if (request->number && agent->commit.record.pending && request->number != pending) {
		agent_refuse(agent, client, CONTROL_CONFIRM, -ENOENT,
		             "policy %" PRIu64 " does not wait for a confirmation, policy %" PRIu64
		             " does: nothing was confirmed",
		             request->number, agent->commit.record.pending);
		return;
	}
	if (agent->commit.record.pending && !may_confirm(agent, client))
		return;
	error = commit_confirm(&agent->commit, agent_now(), agent_unix());
	if (error == -ENOENT)
		refuse_late(agent, client, pending);
	else if (error)
		agent_refuse(agent, client, CONTROL_CONFIRM, error, "another change is under way");
	if (error)
		return;
	begin(agent, client, request);
	agent_run_commit(agent);
}

static void end_window(struct agent *agent, int client, const struct control_request *request)
{
	int error = commit_rollback(&agent->commit, agent_now(), agent_unix());

	if (error) {
		agent_refuse(agent, client, CONTROL_ROLLBACK, error, "another change is under way");
		return;
	}
	begin(agent, client, request);
	agent_run_commit(agent);
}

// An older policy is applied again, under a new number.
static void apply_again(struct agent *agent, int client, const struct control_request *request, uint64_t number)
{
	struct problems problems;
	struct buffer text = BUFFER_EMPTY;
	struct agent_wall *wall = NULL;
	char *bundle;
	size_t size;
	int error = -ENODEV;

	problem_init(&problems);
	if (agent->store)
		error = state_read_policy(agent->store, number, &bundle, &size, &problems);
	else
		problem_add(&problems, PROBLEM_ERROR, 0, 0, agent->store_problem, NULL);
	if (error)
		agent_text_problems(&problems, NULL, error, &text);
	else
		error = take(agent, client, request, bundle, size, &wall, &text);
	problem_fini(&problems);
	if (error)
		refuse_text(agent, client, CONTROL_ROLLBACK, error, &text);
	else
		apply(agent, client, request, wall, number);
	buffer_fini(&text);
}

void agent_request_rollback(struct agent *agent, int client, const struct control_request *request)
{
	struct state_record *record = &agent->commit.record;
	uint64_t number = request->number;

	if (record->pending) {
		if (number && number != record->confirmed)
			refuse_busy(agent, client, CONTROL_ROLLBACK);
		else
			end_window(agent, client, request);
		return;
	}
	if (!window_is_sane(agent, client, request))
		return;
	if (!number)
		number = state_record_previous(record);
	if (!number)
		agent_refuse(agent, client, CONTROL_ROLLBACK, -ENOENT, "there is no policy before this one");
	else if (!state_record_find(record, number))
		agent_refuse(agent, client, CONTROL_ROLLBACK, -ENOENT,
		             "policy %" PRIu64 " is not kept; `leadglass history` lists those that are",
		             number);
	else if (agent->standing && agent->standing->number == number)
		agent_refuse(agent, client, CONTROL_ROLLBACK, -EALREADY, "policy %" PRIu64 " stands already",
		             number);
	else
		apply_again(agent, client, request, number);
}
