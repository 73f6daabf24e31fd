// SPDX-License-Identifier: GPL-2.0-or-later
//
// One request, one answer: which part of the agent knows what was asked for.
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_ports.h"
#include "agent/agent_text.h"

static void answer_text(struct agent *agent, int client, enum control_kind kind, const struct buffer *out)
{
	struct control_answer answer = {.kind = (uint16_t)kind, .last = 1};

	if (buffer_failed(out))
		agent_refuse(agent, client, kind, -ENOMEM, "out of memory");
	else
		agent_answer(agent, client, &answer, out->data, out->size);
}

static void answer_status(struct agent *agent, int client)
{
	struct control_answer answer = {.kind = CONTROL_STATUS, .last = 1};
	struct control_status status;

	memset(&status, 0, sizeof status); // padding too: it leaves the process
	agent_status_fill(agent, &status);
	agent_answer(agent, client, &answer, &status, sizeof status);
}

static void put_entry(const struct agent *agent, const struct state_entry *entry, struct buffer *out)
{
	const struct state_record *record = &agent->commit.record;
	struct control_entry row;

	memset(&row, 0, sizeof row);
	row.number = entry->number;
	row.serial = entry->serial;
	row.copy_of = entry->copy_of;
	row.applied_at = entry->applied_at;
	row.decided_at = entry->decided_at;
	row.peers = entry->peers;
	row.standing = agent->standing && agent->standing->number == entry->number;
	row.confirmed = record->confirmed == entry->number;
	row.pending = record->pending == entry->number;
	memcpy(row.hash, entry->hash, sizeof row.hash);
	snprintf(row.outcome, sizeof row.outcome, "%s", state_outcome_name(entry->outcome));
	snprintf(row.who, sizeof row.who, "%s", entry->who);
	buffer_add(out, &row, sizeof row);
}

static void history(const struct agent *agent, struct buffer *out)
{
	for (size_t i = 0; i < agent->commit.record.count; i++)
		put_entry(agent, &agent->commit.record.entries[i], out);
}

static void show_kept(struct agent *agent, int client, uint64_t number)
{
	struct control_answer answer = {.kind = CONTROL_SHOW, .last = 1, .number = number};
	struct problems problems;
	char *text = NULL;
	size_t size = 0;
	int error = -ENOENT;

	problem_init(&problems);
	if (agent->store && state_record_find(&agent->commit.record, number))
		error = state_read_policy(agent->store, number, &text, &size, &problems);
	if (error)
		agent_refuse(agent, client, CONTROL_SHOW, error, "policy %" PRIu64 " cannot be shown: %s",
		             number,
		             problems.count     ? problems.items[0].what
		             : error == -ENOENT ? "it is not kept; `leadglass history` lists those that are"
		                                : agent_text_error(error));
	else
		agent_answer(agent, client, &answer, text, size);
	problem_fini(&problems);
	free(text);
}

static void show(struct agent *agent, int client, uint64_t number)
{
	struct control_answer answer = {.kind = CONTROL_SHOW, .last = 1};
	struct agent_wall *wall = agent->standing;

	if (number && (!wall || wall->number != number)) {
		show_kept(agent, client, number);
	} else if (!wall) {
		agent_refuse(agent, client, CONTROL_SHOW, -ENOENT, "no wall stands");
	} else {
		answer.number = wall->number;
		// Who asks may keep it; however often, it is the same memory.
		if (wall->shown < 0)
			wall->shown = control_payload_new(wall->bundle, wall->bundle_size);
		if (wall->shown < 0)
			agent_refuse(agent, client, CONTROL_SHOW, wall->shown, "policy %" PRIu64 ": %s",
			             wall->number, agent_text_error(wall->shown));
		else
			agent_answer_shared(agent, client, &answer, wall->shown, wall->bundle_size);
	}
}

static void verify(struct agent *agent, int client)
{
	struct control_answer answer = {.kind = CONTROL_VERIFY, .last = 1};
	struct buffer text = BUFFER_EMPTY;
	size_t differences = 0;

	// Reading all rules takes a large wall a while, in which everybody else waits.
	if (agent->clients[client].id.uid != 0 && !agent_pace_take(&agent->verifications, agent_now())) {
		if (agent->verified)
			agent_answer(agent, client, &answer, NULL, 0); // of a moment ago
		else
			agent_refuse(agent, client, CONTROL_VERIFY, -EAGAIN,
			             "the rules were compared a moment ago: try again in a few seconds");
		return;
	}
	answer.error = agent_guard_verify(agent, &text, &differences);
	answer.number = differences;
	if (answer.error && !text.size)
		buffer_printf(&text, "leadglass: %s\n",
		              agent->reason[0] ? agent->reason : agent_text_error(answer.error));
	agent_answer(agent, client, &answer, text.data, text.size);
	buffer_fini(&text);
}

// Those that need only be put together.
static void tables(struct agent *agent, int client, enum control_kind kind)
{
	struct buffer out = BUFFER_EMPTY;

	if (kind == CONTROL_PEERS || kind == CONTROL_COUNTERS || kind == CONTROL_METRICS)
		agent_peers_sample(agent);
	if (kind == CONTROL_ALARMS && agent->alarm_count)
		buffer_add(&out, agent->alarms, agent->alarm_count * sizeof agent->alarms[0]);
	else if (kind == CONTROL_PEERS)
		agent_peers_answer(agent, &out);
	else if (kind == CONTROL_COUNTERS)
		agent_counters_answer(agent, &out);
	else if (kind == CONTROL_DROPS)
		agent_drops_answer(agent, &out);
	else if (kind == CONTROL_HISTORY)
		history(agent, &out);
	else if (kind == CONTROL_WINDOWS)
		agent_access_answer(agent, &out);
	else if (kind == CONTROL_PORTS)
		agent_ports_answer(agent, &out);
	else if (kind == CONTROL_METRICS)
		agent_metrics(agent, &out);
	answer_text(agent, client, kind, &out);
	buffer_fini(&out);
}

void agent_request(struct agent *agent, int client, const struct control_request *request, char *payload,
                   size_t size)
{
	switch ((enum control_kind)request->kind) {
	case CONTROL_STATUS:
		answer_status(agent, client);
		break;
	case CONTROL_ALARMS:
	case CONTROL_PEERS:
	case CONTROL_COUNTERS:
	case CONTROL_DROPS:
	case CONTROL_HISTORY:
	case CONTROL_WINDOWS:
	case CONTROL_METRICS:
	case CONTROL_PORTS:
		tables(agent, client, (enum control_kind)request->kind);
		break;
	case CONTROL_FOLLOW: // agent_server.c keeps who follows
		break;
	case CONTROL_SHOW:
		show(agent, client, request->number);
		break;
	case CONTROL_VERIFY:
		verify(agent, client);
		break;
	case CONTROL_APPLY:
		agent_request_apply(agent, client, request, payload, size);
		return; // took the payload over
	case CONTROL_JUDGE:
		agent_request_judge(agent, client, request, payload, size);
		return;
	case CONTROL_CONFIRM:
		agent_request_confirm(agent, client, request);
		break;
	case CONTROL_ROLLBACK:
		agent_request_rollback(agent, client, request);
		break;
	case CONTROL_ALLOW:
		agent_request_allow(agent, client, request);
		break;
	case CONTROL_CLOSE:
		agent_request_close(agent, client, request);
		break;
	}
	free(payload);
}
