// SPDX-License-Identifier: GPL-2.0-or-later
//
// How things stand, as one structure.
#include <string.h>

#include "agent/agent.h"
#include "agent/agent_flowtable.h"
#include "agent/agent_outside.h"

static void copy_word(const struct word *word, char *to, size_t size)
{
	size_t length = !word->text ? 0 : word->size < size ? word->size : size - 1;
	memcpy(to, length ? word->text : "", length);
	to[length] = '\0';
}

static void copy_text(const char *text, char *to, size_t size)
{
	size_t length = strnlen(text, size - 1);
	memcpy(to, text, length);
	to[length] = '\0';
}

static enum control_wall wall_of(const struct agent *agent)
{
	if (!agent->standing)
		return CONTROL_WALL_NONE;
	if (!agent->verified)
		return CONTROL_WALL_UNVERIFIED;
	return agent->standing->number ? CONTROL_WALL_UP : CONTROL_WALL_CLOSED;
}

static uint32_t count_elements(const struct ruleset *ruleset)
{
	size_t count = 0;
	for (size_t t = 0; t < ruleset->table_count; t++)
		for (size_t i = 0; i < ruleset->tables[t].set_count; i++)
			if (!ruleset->tables[t].sets[i].constant)
				count += ruleset->tables[t].sets[i].count;
	return (uint32_t)count;
}

static void fill_wall(const struct agent_wall *wall, struct control_status *ret)
{
	const struct policy_header *header = &wall->policy.header;
	ret->role = (uint8_t)wall->policy.role;
	ret->number = wall->number;
	ret->serial = header->serial_number;
	ret->peers = (uint32_t)wall->policy.peer_count;
	ret->elements = count_elements(&wall->ruleset);
	memcpy(ret->hash, wall->hash, sizeof ret->hash);
	copy_word(&header->site, ret->site, sizeof ret->site);
	copy_word(&header->unit, ret->unit, sizeof ret->unit);
}

static void fill_kernel(const struct agent *agent, struct control_status *ret)
{
	const struct nft_table_state *inet = &agent->kernel.inet, *bridge = &agent->kernel.bridge;
	ret->owned = inet->mine && (bridge->mine || !bridge->present);
	ret->persistent = inet->persistent && (bridge->persistent || !bridge->present);
	ret->generation = agent->kernel.generation;
}

static uint32_t seconds_left(const struct commit *commit, int64_t now)
{
	if (!commit->record.pending || commit->deadline == COMMIT_NEVER || commit->deadline <= now)
		return 0;
	return (uint32_t)((commit->deadline - now + 999) / 1000);
}

void agent_status_fill(struct agent *agent, struct control_status *ret)
{
	struct agent_outside_counts counts;
	agent_peers_sample(agent);
	agent_trust_look(agent);
	agent_outside_count(agent, &counts);
	*ret = (struct control_status){
	        .now = agent_unix(),
	        .started_at = agent->started_at,
	        .verified_at = agent->verified_at,
	        .applied_at = agent->applied_at,
	        .repaired_at = agent->repaired_at,
	        .wall = (uint8_t)wall_of(agent),
	        .seccomp = agent->seccomp,
	        .landlock = agent->landlock,
	        .capabilities = agent->capabilities,
	        .outside = agent_outside_running(agent),
	        .confirmed = agent->commit.record.confirmed,
	        .confirm_seconds = seconds_left(&agent->commit, agent_now()),
	        .windows = agent_access_count(agent),
	        .alarms = (uint32_t)agent_alarm_count(agent),
	        .notes = (uint32_t)(agent->alarm_count - agent_alarm_count(agent)),
	        .repairs = agent->repairs,
	        .drops = agent_counters_drops(agent),
	        .drops_suppressed = agent_drops_suppressed(agent),
	        .heard = counts.heard,
	        .forgotten = counts.forgotten,
	};
	if (agent->standing)
		fill_wall(agent->standing, ret);
	agent_trust_fill(agent, ret);
	fill_kernel(agent, ret);
	agent_flowtable_fill(agent, ret);
	copy_text(LEADGLASS_VERSION, ret->version, sizeof ret->version);
	copy_text(agent->applied_by, ret->who, sizeof ret->who);
	copy_text(agent->reason, ret->reason, sizeof ret->reason);
	copy_text(agent->repaired_from, ret->repaired_from, sizeof ret->repaired_from);
	agent_outside_describe(agent, ret->collector, sizeof ret->collector);
}
