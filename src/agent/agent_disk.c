// SPDX-License-Identifier: GPL-2.0-or-later
//
// The agent's files; see agent_disk.h.
#include "agent/agent_disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/agent_text.h"
#include "policy/policy_closed.h"

static int no_store(struct agent *agent)
{
	buffer_printf(&agent->said,
	              "leadglass: the state folder cannot be used: %s; mend that, then restart leadglassd\n",
	              agent->store_problem);
	return -ENODEV;
}

// What went wrong, for whoever waits for an answer; and as an alarm (NULL: none), after the words `what`.
static void note_problems(struct agent *agent, const struct problems *problems, int error, const char *alarm,
                          const char *what)
{
	char line[sizeof agent->alarms[0].text];
	struct buffer text = BUFFER_EMPTY;

	agent_text_problems(problems, NULL, error, &text);
	agent_text_line(&text, line, sizeof line);
	if (alarm)
		agent_alarm(agent, alarm, "%s%s", what, line);
	// The same file may fail twice in one change.
	if (text.size && !(agent->said.size && strstr(agent->said.data, text.data)))
		buffer_add(&agent->said, text.data, text.size);
	buffer_fini(&text);
}

int agent_disk_store_policy(struct agent *agent, const struct agent_wall *wall)
{
	struct problems problems;
	int error;

	if (!agent->store)
		return no_store(agent);
	problem_init(&problems);
	error = state_write_policy(agent->store, wall->number, wall->bundle, wall->bundle_size, &problems);
	if (error) // nothing that is needed: who applies it is told
		note_problems(agent, &problems, error, NULL, "");
	problem_fini(&problems);
	return error;
}

int agent_disk_store_record(struct agent *agent)
{
	struct problems problems;
	int error;

	if (!agent->store)
		return no_store(agent);
	problem_init(&problems);
	error = state_write_record(agent->store, &agent->commit.record, &problems);
	if (error)
		note_problems(agent, &problems, error, "record",
		              "the record could not be written and is tried again: ");
	else
		agent_alarm_lift(agent, "state");
	// A start from the copy writes a record too; the alarm about that start is for somebody to read.
	if (!error && agent->commit.event != COMMIT_EVENT_BOOT && agent->commit.event != COMMIT_EVENT_RETRY)
		agent_alarm_lift(agent, "state-lost");
	problem_fini(&problems);
	return error;
}

// ---- reading ----

// What was confirmed before may stand again.
static int take(struct agent *agent, uint64_t number, char *bundle, size_t size, struct agent_wall **ret,
                struct buffer *text)
{
	const struct agent_candidate candidate = {
	        .number = number, .bundle = bundle, .size = size, .when = TRUST_STANDING, .by = ""};

	return agent_trust_wall(agent, &candidate, ret, text);
}

// The copy in the run folder, when it is of policy `number` (0: of any) and, where the record knows it, the
// same. `tried` (may be NULL) is the hash of what was of no use just now.
static struct agent_wall *read_copy(struct agent *agent, uint64_t number, const struct state_entry *entry,
                                    const uint8_t *tried, struct buffer *text)
{
	struct agent_wall *wall = NULL;
	uint8_t hash[TRUST_HASH_SIZE];
	uint64_t copied = 0;
	char *bundle = NULL;
	size_t size = 0;

	if (agent->run < 0 || agent_copy_read(agent->run, &copied, &bundle, &size) != 0)
		return NULL;
	if (number && copied != number) {
		free(bundle);
		return NULL;
	}
	if (trust_hash(bundle, size, hash) != 0 || (entry && memcmp(entry->hash, hash, sizeof hash) != 0) ||
	    (tried && memcmp(tried, hash, sizeof hash) == 0)) {
		free(bundle);
		return NULL;
	}
	(void)take(agent, copied, bundle, size, &wall, text);
	return wall;
}

int agent_disk_read_wall(struct agent *agent, uint64_t number, struct agent_wall **ret, struct buffer *text)
{
	const struct state_entry *entry = state_record_find(&agent->commit.record, number);
	uint8_t tried[TRUST_HASH_SIZE] = {0};
	struct problems problems;
	char *bundle = NULL;
	size_t size = 0;
	int error;

	if (!agent->store) {
		buffer_printf(text, "%s\n", agent->store_problem);
		return -ENODEV;
	}
	problem_init(&problems);
	error = state_read_policy(agent->store, number, &bundle, &size, &problems);
	if (error) {
		agent_text_problems(&problems, NULL, error, text);
	} else {
		(void)trust_hash(bundle, size, tried);
		error = take(agent, number, bundle, size, ret, text);
	}
	problem_fini(&problems);
	if (!error)
		return 0;
	*ret = read_copy(agent, number, entry, tried, NULL);
	if (!*ret)
		return error;
	if (agent_disk_store_policy(agent, *ret) == 0)
		agent_log(agent, LOG_WARNING, "STATE-MENDED", NULL, 0,
		          "policy %" PRIu64
		          " could not be read in the state folder; written again from the run folder's copy",
		          number);
	return 0;
}

struct agent_wall *agent_disk_read_closed(struct agent *agent)
{
	struct problems problems;
	struct agent_wall *wall = NULL;
	char *text;
	size_t size;

	if (!agent->store)
		return NULL;
	problem_init(&problems);
	if (state_read_closed(agent->store, &text, &size, &problems) == 0)
		(void)agent_wall_closed(text, size, true, &wall);
	problem_fini(&problems);
	return wall;
}

// The policy of the copy was the confirmed one; of those before it nothing is known but that numbers were
// given.
static void record_of(const struct agent_wall *wall, struct state_record *record)
{
	const uint64_t next = record->next;
	struct state_entry entry = {
	        .number = wall->number,
	        .outcome = STATE_APPLIED,
	        .serial = wall->policy.header.serial_number,
	        .peers = (uint32_t)wall->policy.peer_count,
	        .who = "unknown: from the run folder",
	};
	uint64_t dropped;

	memcpy(entry.hash, wall->hash, sizeof entry.hash);
	*record = (struct state_record){.confirmed = wall->number, .next = wall->number + 1};
	if (next > record->next)
		record->next = next;
	state_record_add(record, &entry, &dropped);
}

int agent_disk_read_record(struct agent *agent, struct state_record *ret, struct agent_wall **ret_wall)
{
	struct problems problems;
	struct buffer text = BUFFER_EMPTY;
	int error = -ENODEV;

	*ret_wall = NULL;
	*ret = (struct state_record){.next = 1};
	problem_init(&problems);
	if (agent->store)
		error = state_read_record(agent->store, ret, &problems);
	if (error && error != -ENODEV && error != -ENOENT) {
		note_problems(agent, &problems, error, "state", "");
		agent_text_line(&agent->said, agent->reason, sizeof agent->reason);
	}
	problem_fini(&problems);
	if (!error)
		return 0;
	*ret_wall = read_copy(agent, 0, NULL, NULL, &text);
	if (*ret_wall)
		record_of(*ret_wall, ret);
	else if (text.size && !agent->reason[0])
		agent_text_line(&text, agent->reason, sizeof agent->reason);
	buffer_fini(&text);
	return error;
}

static const char *why_lost(int error)
{
	switch (error) {
	case -ENOENT:
		return "the state folder was empty";
	case -EBADMSG:
		return "the record in the state folder was damaged";
	case -EPERM:
		return "the record in the state folder had another owner, or others could write it";
	}
	return "the record in the state folder could not be read";
}

void agent_disk_mend(struct agent *agent, int error)
{
	const struct agent_wall *wall = agent->standing;

	if (agent->store)
		agent_alarm(agent, "state-lost",
		            "%s: policy %" PRIu64
		            " goes on from the run folder's copy; the history before it is lost",
		            why_lost(error), agent->commit.record.confirmed);
	else // nothing is lost, only closed to us
		agent_alarm(agent, "state", "%s; policy %" PRIu64 " goes on from the run folder's copy",
		            agent->store_problem, agent->commit.record.confirmed);
	// Before the machine is restarted and the copy gone. The record is the commit machine's to write.
	if (!agent->store || !wall || wall->number != agent->commit.record.confirmed)
		return;
	if (agent_disk_store_policy(agent, wall) == 0 && !agent->commit.unsaved)
		agent_log(agent, LOG_WARNING, "STATE-MENDED", NULL, 0,
		          "policy %" PRIu64 " was written into the state folder again", wall->number);
}

// ---- what goes with the confirmed policy ----

static bool closed_is_kept(const struct agent *agent, const struct buffer *text)
{
	struct problems problems;
	char *kept = NULL;
	size_t size = 0;
	bool same;

	problem_init(&problems);
	same = state_read_closed(agent->store, &kept, &size, &problems) == 0 && size == text->size &&
	       memcmp(kept, text->data, size) == 0;
	problem_fini(&problems);
	free(kept);
	return same;
}

static void keep_closed(struct agent *agent, const struct agent_wall *wall)
{
	struct buffer text = BUFFER_EMPTY;
	struct problems problems;
	int error = 0;

	policy_closed_print(&wall->policy, &text);
	problem_init(&problems);
	if (buffer_failed(&text))
		error = -ENOMEM;
	else if (!closed_is_kept(agent, &text))
		error = state_write_closed(agent->store, text.data, text.size, &problems);
	if (error)
		agent_alarm(agent, "closed-wall", "the closed wall of policy %" PRIu64 " cannot be kept: %s",
		            wall->number, agent_text_error(error));
	else
		agent_alarm_lift(agent, "closed-wall");
	problem_fini(&problems);
	buffer_fini(&text);
}

// Neither is needed while all is well: a failure is worth an alarm, not a refusal.
void agent_disk_keep_confirmed(struct agent *agent)
{
	const struct agent_wall *wall = agent->standing;
	int error;

	if (!wall || !wall->number || wall->number != agent->commit.record.confirmed ||
	    wall->number == agent->kept)
		return;
	if (agent->store)
		keep_closed(agent, wall);
	error = agent->run < 0 ? -ENODEV : agent_copy_write(agent->run, wall);
	if (error)
		agent_alarm(agent, "run-folder", "no copy of the standing policy in the run folder: %s",
		            agent_text_error(error));
	else
		agent_alarm_lift(agent, "run-folder");
	agent->kept = wall->number;
}
