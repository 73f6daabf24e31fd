// SPDX-License-Identifier: GPL-2.0-or-later
//
// The stand-ins of change_world.h.
#include "change_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent_notify.h"
#include "agent/agent_outside.h"

struct change_world world;

int64_t agent_now(void)
{
	return world.now;
}

int64_t agent_unix(void)
{
	return 1700000000 + world.now / 1000;
}

void agent_log(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
               size_t count, const char *format, ...)
{
	size_t size = strlen(world.log);
	va_list arguments;

	(void)agent, (void)severity, (void)id;
	world.by[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, "by") == 0)
			snprintf(world.by, sizeof world.by, "%s", fields[i].value);
	}
	va_start(arguments, format);
	vsnprintf(world.log + size, sizeof world.log - size, format, arguments);
	va_end(arguments);
	strncat(world.log, "\n", sizeof world.log - strlen(world.log) - 1);
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;

	(void)agent;
	va_start(arguments, format);
	if (strcmp(name, "state-lost") == 0)
		vsnprintf(world.lost, sizeof world.lost, format, arguments);
	va_end(arguments);
	if (!strstr(world.alarms, name))
		strcat(strcat(world.alarms, name), " ");
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	char *at = strstr(world.alarms, name);

	(void)agent;
	if (at)
		memmove(at, at + strlen(name) + 1, strlen(at + strlen(name) + 1) + 1);
}

void agent_answer(struct agent *agent, int client, struct control_answer *answer, const void *payload,
                  size_t size)
{
	(void)agent, (void)client;
	world.answer = *answer;
	world.answers++;
	snprintf(world.said, sizeof world.said, "%.*s", (int)size, payload ? (const char *)payload : "");
}

void agent_refuse(struct agent *agent, int client, enum control_kind kind, int error, const char *format, ...)
{
	va_list arguments;

	(void)agent, (void)client;
	world.answer = (struct control_answer){.kind = (uint16_t)kind, .error = error};
	world.answers++;
	va_start(arguments, format);
	vsnprintf(world.said, sizeof world.said, format, arguments);
	va_end(arguments);
}

void agent_guard_pause(struct agent *agent)
{
	(void)agent;
}

void agent_guard_resume(struct agent *agent)
{
	(void)agent;
}

void agent_peers_wall_changed(struct agent *agent)
{
	(void)agent;
}

void agent_access_wall_changed(struct agent *agent)
{
	(void)agent;
}

void agent_notify(int notify, const char *format, ...)
{
	(void)notify, (void)format;
}

void agent_outside_group(struct agent *agent, uint16_t group)
{
	(void)agent, (void)group;
}

uint64_t change_world_number(const struct ruleset *ruleset)
{
	uint64_t elements = 0;

	for (size_t t = 0; t < ruleset->table_count; t++) {
		for (size_t s = 0; s < ruleset->tables[t].set_count; s++) {
			const struct ruleset_set *set = &ruleset->tables[t].sets[s];

			for (size_t i = 0; !set->constant && i < set->count * set->key_size; i++)
				elements = elements * 31 + set->keys[i];
		}
	}
	return elements * 10 + ruleset->table_count;
}

int nft_load(struct nft *nft, const struct ruleset *meant, const struct sources *sources,
             const struct nft_load_options *options, struct problems *problems, struct nft_load_result *ret)
{
	(void)nft, (void)sources, (void)options;
	if ((world.no_bridges && meant->table_count > 1) || (world.refusals && !world.garbles)) {
		world.refusals -= world.refusals > 0;
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the kernel refused", NULL);
		return -EOPNOTSUPP;
	}
	world.kernel = change_world_number(meant);
	ret->committed = true;
	if (world.refusals) {
		world.refusals--;
		world.kernel++;
		problem_add(problems, PROBLEM_ERROR, 0, 0, "read back: something else", NULL);
		return -EBADE;
	}
	ret->verified = true;
	ret->change = NFT_EXCHANGED;
	return 0;
}
