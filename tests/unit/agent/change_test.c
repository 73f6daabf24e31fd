// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_apply, agent_change, agent_disk: what the agent does with the steps of the commit machine, on a real
// state folder and with a kernel that takes, refuses or garbles what it is told to.
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

#include "agent/agent.h"
#include "agent/agent_notify.h"
#include "agent/agent_outside.h"

#define HOST "role host\ndevice ct { ae-title CT; port 104 }\nmanage { from 10.20.9.0/24; port 22 }\n"
#define ONE HOST "peer a { address 10.20.0.5; ae-title A; port 104; initiates echo }\n"
#define TWO HOST "peer b { address 10.20.0.6; ae-title B; port 104; initiates echo }\n"

static struct {
	struct agent agent;
	char folder[40], state[64], run[64];
	int64_t now;
	uint64_t kernel;   // a number for what it holds: peers * 10 + tables
	bool no_bridges;   // refuses tables of family bridge
	unsigned refusals; // that many loads fail ...
	bool garbles;      // ... after the commit
	struct control_answer answer;
	unsigned answers;
	char said[512], log[4096], alarms[256];
} world;

// ---- the rest of the agent, and the kernel ----

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

	(void)agent, (void)severity, (void)id, (void)fields, (void)count;
	va_start(arguments, format);
	vsnprintf(world.log + size, sizeof world.log - size, format, arguments);
	va_end(arguments);
	strncat(world.log, "\n", sizeof world.log - strlen(world.log) - 1);
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	(void)agent, (void)format;
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

static uint64_t number_of(const struct ruleset *ruleset)
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
	world.kernel = number_of(meant);
	ret->committed = true;
	if (world.refusals) {
		world.refusals--;
		world.kernel++;
		problem_add(problems, PROBLEM_ERROR, 0, 0, "read back: something else", NULL);
		return -EBADE;
	}
	ret->verified = true;
	return 0;
}

// ---- helpers ----

static void start(void)
{
	struct problems problems;

	problem_init(&problems);
	world.agent = (struct agent){.applicant = -1, .kept = 0};
	world.agent.run = open(world.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state_open(world.state, &world.agent.store, &problems) != 0)
		snprintf(world.agent.store_problem, sizeof world.agent.store_problem, "%s",
		         problems.items[0].what);
	problem_fini(&problems);
	world.log[0] = '\0';
	agent_boot(&world.agent);
}

static void stop(void)
{
	struct agent *agent = &world.agent;

	agent_wall_free(agent->standing);
	agent_wall_free(agent->old);
	agent_wall_free(agent->coming);
	buffer_fini(&agent->said);
	state_close(agent->store);
	close(agent->run);
}

static int begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	strcpy(world.folder, "/tmp/leadglass-change-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.state, sizeof world.state, "%s/state", world.folder);
	snprintf(world.run, sizeof world.run, "%s/run", world.folder);
	assert_int_equal(mkdir(world.state, 0700), 0);
	assert_int_equal(mkdir(world.run, 0755), 0);
	start();
	return 0;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	stop();
	snprintf(command, sizeof command, "rm -r %s", world.folder);
	return system(command);
}

static void restart(void)
{
	stop();
	start();
}

static void apply(const char *text, uint32_t window)
{
	const struct control_request request = {.kind = CONTROL_APPLY, .seconds = window, .who = "alice"};
	struct buffer bundle = BUFFER_EMPTY;
	size_t size;

	buffer_printf(&bundle, "leadglass-bundle 1\nfile %zu policy.conf\n%s\nend\n", strlen(text), text);
	size = bundle.size;
	agent_request_apply(&world.agent, 0, &request, buffer_steal(&bundle), size);
}

static void rollback(uint64_t number)
{
	const struct control_request request = {.kind = CONTROL_ROLLBACK, .number = number};

	world.agent.clients[0].id.uid = 0;
	agent_request_rollback(&world.agent, 0, &request);
}

static void confirm(void)
{
	const struct control_request request = {.kind = CONTROL_CONFIRM};

	agent_request_confirm(&world.agent, 0, &request);
}

static uint64_t standing(void)
{
	assert_non_null(world.agent.standing);
	assert_true(world.agent.commit.standing == world.agent.standing->number);
	if (world.agent.verified)
		assert_true(world.kernel == number_of(&world.agent.standing->ruleset));
	return world.agent.standing->number;
}

static void spoil(const char *folder, const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("nonsense", file);
	fclose(file);
}

static void lose_copy(void)
{
	unlinkat(world.agent.run, "standing", 0);
}

// ---- the tests ----

static void test_first(void **state)
{
	(void)state;
	assert_int_equal(standing(), 0);
	assert_string_equal(world.agent.reason, "no policy was ever confirmed");
	assert_int_equal(world.agent.standing->ruleset.table_count, 2);
	assert_string_equal(world.alarms, "");
	apply(ONE, 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(world.answer.number, 1);
	assert_int_equal(standing(), 1);
	assert_string_equal(world.agent.applied_by, "alice");
	assert_string_equal(world.agent.reason, "");
	restart();
	assert_int_equal(standing(), 1);
	assert_string_equal(world.agent.applied_by, "alice");
	assert_non_null(strstr(world.log, "policy 1 (1 peer) stands"));
}

static void test_no_bridges(void **state)
{
	(void)state;
	world.no_bridges = true;
	restart();
	assert_int_equal(standing(), 0);
	assert_int_equal(world.agent.standing->ruleset.table_count, 1);
	assert_string_equal(world.agent.reason, "no policy was ever confirmed");
	assert_string_equal(world.alarms, "");
}

static void test_no_wall(void **state)
{
	(void)state;
	stop();
	world.refusals = 3; // what is known of the closed wall, and the two others
	start();
	assert_false(world.agent.commit.wall);
	assert_null(world.agent.standing);
	assert_non_null(strstr(world.agent.reason, "the kernel refused"));
	assert_string_equal(world.alarms, "wall ");
	assert_int_equal(commit_next(&world.agent.commit), world.now + COMMIT_RETRY);
	world.refusals = 0;
	world.now += COMMIT_RETRY;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(standing(), 0);
	assert_string_equal(world.alarms, "");
}

static void test_window(void **state)
{
	uint64_t first;

	(void)state;
	apply(ONE, 0);
	first = world.kernel;
	apply(TWO, 60);
	assert_int_equal(standing(), 2);
	assert_int_equal(world.answer.seconds, 60);
	assert_non_null(world.agent.old);
	apply(ONE, 0);
	assert_int_equal(world.answer.error, -EBUSY);
	rollback(9);
	assert_int_equal(world.answer.error, -EBUSY);
	world.now += 60000;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(standing(), 1);
	assert_true(world.kernel == first);
	assert_null(world.agent.old);
	confirm();
	assert_int_equal(world.answer.error, -ENOENT);
	apply(TWO, 60);
	confirm();
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(world.answer.kind, CONTROL_CONFIRM);
	assert_int_equal(standing(), 3);
	rollback(0);
	assert_int_equal(world.answer.kind, CONTROL_ROLLBACK);
	assert_int_equal(world.answer.error, 0);
	assert_true(world.kernel == first);
	assert_int_equal(state_record_find(&world.agent.commit.record, 4)->copy_of, 1);
	apply(TWO, 7 * 24 * 3600 + 1);
	assert_int_equal(world.answer.error, -EINVAL);
	assert_int_equal(standing(), 4);
}

// A window that is open when the agent is gone: back at once, and nothing of it in the copy.
static void test_restart_in_window(void **state)
{
	(void)state;
	apply(ONE, 0);
	apply(TWO, 60);
	restart();
	assert_int_equal(standing(), 1);
	assert_non_null(strstr(world.log, "policy 2 was not confirmed before the restart"));
	apply(TWO, 60);
	stop();
	spoil(world.state, "record");
	start();
	assert_int_equal(standing(), 1);
}

static void test_refused(void **state)
{
	(void)state;
	apply(ONE, 0);
	world.refusals = 1;
	apply(TWO, 0);
	assert_int_equal(world.answer.error, -EOPNOTSUPP);
	assert_non_null(strstr(world.said, "the kernel refused"));
	assert_int_equal(standing(), 1);
	assert_true(world.agent.verified);
	assert_string_equal(world.agent.reason, "");
	world.refusals = 1;
	world.garbles = true; // committed, and then it is something else: the old one is loaded again
	apply(TWO, 0);
	assert_int_equal(world.answer.error, -EBADE);
	assert_int_equal(standing(), 1);
	assert_true(world.agent.verified);
	assert_string_equal(world.agent.reason, "");
	world.refusals = 2; // nor does that succeed
	apply(TWO, 0);
	assert_false(world.agent.verified);
	assert_non_null(strstr(world.agent.reason, "something else"));
	world.now += COMMIT_RETRY;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(standing(), 1);
	assert_true(world.agent.verified);
	assert_string_equal(world.agent.reason, "");
	apply("role host\npeer {", 0);
	assert_int_equal(world.answer.error, -EINVAL);
	assert_non_null(strstr(world.said, "policy.conf:2:"));
}

static void test_copy(void **state)
{
	static const char *const files[] = {"record", "policy.1"};

	(void)state;
	apply(ONE, 0);
	for (size_t i = 0; i < 2; i++) {
		stop();
		spoil(world.state, files[i]);
		start();
		assert_int_equal(standing(), 1);
		assert_non_null(strstr(world.log, "written"));
		lose_copy(); // the disk is whole again
		restart();
		assert_int_equal(standing(), 1);
	}
	stop();
	spoil(world.state, "record");
	spoil(world.state, "policy.1");
	start();
	assert_int_equal(standing(), 1);
	apply(TWO, 0);
	assert_int_equal(standing(), 2); // numbers go on
}

static void test_damaged(void **state)
{
	(void)state;
	apply(ONE, 0);
	lose_copy();
	stop();
	spoil(world.state, "policy.1");
	start();
	assert_int_equal(standing(), 0);
	assert_int_equal(world.agent.standing->policy.manage.from.count, 1); // who may manage, may still
	assert_non_null(strstr(world.agent.reason, "policy 1"));
	assert_non_null(strstr(world.alarms, "wall"));
	stop();
	spoil(world.state, "record");
	start();
	assert_int_equal(standing(), 0);
	assert_non_null(strstr(world.agent.reason, "record"));
	stop();
	spoil(world.state, "closed");
	start();
	assert_int_equal(standing(), 0);
	assert_int_equal(world.agent.standing->policy.manage.at, 0);
	apply(TWO, 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(standing(), world.answer.number);
}

static void test_no_store(void **state)
{
	(void)state;
	apply(ONE, 0);
	stop();
	chmod(world.state, 0777);
	start();
	assert_null(world.agent.store);
	assert_int_equal(standing(), 1); // from the copy
	apply(TWO, 0);
	assert_int_equal(world.answer.error, -ENODEV);
	assert_non_null(strstr(world.said, "state folder"));
	assert_int_equal(standing(), 1);
	lose_copy();
	restart();
	assert_int_equal(standing(), 0);
	assert_non_null(strstr(world.agent.reason, "written by others"));
	chmod(world.state, 0700);
	restart();
	assert_int_equal(standing(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_first, begin, end),
	        cmocka_unit_test_setup_teardown(test_no_bridges, begin, end),
	        cmocka_unit_test_setup_teardown(test_no_wall, begin, end),
	        cmocka_unit_test_setup_teardown(test_window, begin, end),
	        cmocka_unit_test_setup_teardown(test_restart_in_window, begin, end),
	        cmocka_unit_test_setup_teardown(test_refused, begin, end),
	        cmocka_unit_test_setup_teardown(test_copy, begin, end),
	        cmocka_unit_test_setup_teardown(test_damaged, begin, end),
	        cmocka_unit_test_setup_teardown(test_no_store, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
