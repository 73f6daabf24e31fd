// SPDX-License-Identifier: GPL-2.0-or-later
//
// The stand-ins of change_world.h.
#include "change_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent_notify.h"
#include "agent/agent_outside.h"
#include "agent/agent_ports.h"

struct change_world world;

// ---- a life ----

void change_start(void)
{
	struct problems problems;

	problem_init(&problems);
	world.agent = (struct agent){.applicant = -1, .options.trust = world.trust, .trust.folder = -1};
	world.agent.run = open(world.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state_open(world.state, &world.agent.store, &problems) != 0)
		snprintf(world.agent.store_problem, sizeof world.agent.store_problem, "%s",
		         problems.items[0].what);
	problem_fini(&problems);
	world.log[0] = '\0';
	agent_trust_open(&world.agent);
	agent_boot(&world.agent);
}

void change_stop(void)
{
	struct agent *agent = &world.agent;

	agent_wall_free(agent->standing);
	agent_wall_free(agent->old);
	agent_wall_free(agent->coming);
	buffer_fini(&agent->said);
	agent_trust_close(agent);
	state_close(agent->store);
	close(agent->run);
}

int change_begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	strcpy(world.folder, "/tmp/leadglass-change-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.state, sizeof world.state, "%s/state", world.folder);
	snprintf(world.run, sizeof world.run, "%s/run", world.folder);
	snprintf(world.trust, sizeof world.trust, "%s/trust", world.folder);
	assert_int_equal(mkdir(world.state, 0700), 0);
	assert_int_equal(mkdir(world.run, 0755), 0);
	change_start();
	return 0;
}

int change_end(void **state)
{
	char command[64];

	(void)state;
	change_stop();
	snprintf(command, sizeof command, "rm -r %s", world.folder);
	return system(command);
}

void change_restart(void)
{
	change_stop();
	change_start();
}

void change_apply(const char *text, uint32_t window)
{
	const struct control_request request = {.kind = CONTROL_APPLY, .seconds = window, .who = "alice"};
	struct buffer bundle = BUFFER_EMPTY;
	size_t size;

	buffer_printf(&bundle, "leadglass-bundle 1\nfile %zu policy.conf\n%s\nend\n", strlen(text), text);
	size = bundle.size;
	agent_request_apply(&world.agent, 0, &request, buffer_steal(&bundle), size);
}

void change_rollback(uint64_t number)
{
	const struct control_request request = {
	        .kind = CONTROL_ROLLBACK, .number = number, .who = "root from 10.20.9.77"};

	world.agent.clients[0].id.uid = 0;
	agent_request_rollback(&world.agent, 0, &request);
}

void change_confirm_number(uint64_t number)
{
	struct control_request request = {.kind = CONTROL_CONFIRM, .number = number, .who = "bob"};

	agent_request_confirm(&world.agent, 0, &request);
}

void change_confirm(void)
{
	change_confirm_number(0);
}

uint64_t change_standing(void)
{
	assert_non_null(world.agent.standing);
	assert_true(world.agent.commit.standing == world.agent.standing->number);
	if (world.agent.verified)
		assert_true(world.kernel == change_world_number(&world.agent.standing->ruleset));
	return world.agent.standing->number;
}

void change_spoil(const char *folder, const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("nonsense", file);
	fclose(file);
}

int change_lose(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", world.state, name);
	return unlink(path);
}

// ---- the rest of the agent ----

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

	(void)agent, (void)severity;
	world.by[0] = '\0';
	snprintf(world.fields, sizeof world.fields, "%s", id);
	for (size_t i = 0; i < count; i++) {
		const size_t used = strlen(world.fields);

		snprintf(world.fields + used, sizeof world.fields - used, " %s=\"%s\"", fields[i].name,
		         fields[i].value);
		if (strcmp(fields[i].name, "by") == 0)
			snprintf(world.by, sizeof world.by, "%s", fields[i].value);
	}
	va_start(arguments, format);
	vsnprintf(world.log + size, sizeof world.log - size, format, arguments);
	va_end(arguments);
	strncat(world.log, "\n", sizeof world.log - strlen(world.log) - 1);
}

// With the space after it: one name may begin as another does.
static char *find_alarm(const char *name)
{
	char word[40];

	snprintf(word, sizeof word, "%s ", name);
	for (char *at = strstr(world.alarms, word); at; at = strstr(at + 1, word)) {
		if (at == world.alarms || at[-1] == ' ')
			return at;
	}
	return NULL;
}

static void raise_alarm(const char *name, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
static void raise_alarm(const char *name, const char *format, va_list arguments)
{
	vsnprintf(world.alarm, sizeof world.alarm, format, arguments);
	if (strcmp(name, "state-lost") == 0)
		memcpy(world.lost, world.alarm, sizeof world.lost);
	size_t size = strlen(world.alarms);

	if (!find_alarm(name))
		snprintf(world.alarms + size, sizeof world.alarms - size, "%s ", name);
	world.raised++;
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;

	(void)agent;
	va_start(arguments, format);
	raise_alarm(name, format, arguments);
	va_end(arguments);
}

void agent_note(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;

	(void)agent;
	va_start(arguments, format);
	raise_alarm(name, format, arguments);
	va_end(arguments);
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	char *at = find_alarm(name);

	(void)agent;
	if (at)
		memmove(at, at + strlen(name) + 1, strlen(at + strlen(name) + 1) + 1);
}

bool change_has_alarm(const char *name)
{
	return find_alarm(name) != NULL;
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

void agent_ports_before(struct agent *agent, const struct agent_wall *coming)
{
	(void)agent;
	(void)coming;
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

int nft_bridge_netfilter_refuse(const struct policy *policy, const char *proc_sys_net,
                                struct problems *problems)
{
	assert_string_equal(proc_sys_net, NFT_PROC_SYS_NET);
	if (!world.bridge_netfilter || policy->role != POLICY_ROLE_BRIDGE)
		return 0;
	problem_add(problems, PROBLEM_ERROR, 0, 0, "br_netfilter is loaded", "unload it");
	return -EEXIST;
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
