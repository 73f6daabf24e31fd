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
#include "change_world.h"

#define HOST "role host\ndevice ct { ae-title CT; port 104 }\nmanage { from 10.20.9.0/24; port 22 }\n"
#define ONE HOST "peer a { address 10.20.0.5; ae-title A; port 104; initiates echo }\n"
#define TWO HOST "peer b { address 10.20.0.6; ae-title B; port 104; initiates echo }\n"

// ---- helpers ----

static int chmod_in(const char *folder, const char *name, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return chmod(path, mode);
}

static void lose_copy(void)
{
	unlinkat(world.agent.run, "standing", 0);
}

// ---- the tests ----

static void test_first(void **state)
{
	(void)state;
	assert_int_equal(change_standing(), 0);
	assert_string_equal(world.agent.reason, "no policy was ever confirmed");
	assert_int_equal(world.agent.standing->ruleset.table_count, 2);
	assert_string_equal(world.alarms, "");
	change_apply(ONE, 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(world.answer.number, 1);
	assert_int_equal(change_standing(), 1);
	assert_string_equal(world.agent.applied_by, "alice");
	assert_string_equal(world.agent.reason, "");
	change_restart();
	assert_int_equal(change_standing(), 1);
	assert_string_equal(world.agent.applied_by, "alice");
	assert_non_null(strstr(world.log, "policy 1 (1 peer) stands"));
}

static void test_no_bridges(void **state)
{
	(void)state;
	world.no_bridges = true;
	change_restart();
	assert_int_equal(change_standing(), 0);
	assert_int_equal(world.agent.standing->ruleset.table_count, 1);
	assert_string_equal(world.agent.reason, "no policy was ever confirmed");
	assert_string_equal(world.alarms, "");
}

static void test_no_wall(void **state)
{
	(void)state;
	change_stop();
	world.refusals = 3; // what is known of the closed wall, and the two others
	change_start();
	assert_false(world.agent.commit.wall);
	assert_null(world.agent.standing);
	assert_non_null(strstr(world.agent.reason, "the kernel refused"));
	assert_string_equal(world.alarms, "wall ");
	assert_int_equal(commit_next(&world.agent.commit), world.now + COMMIT_RETRY);
	world.refusals = 0;
	world.now += COMMIT_RETRY;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(change_standing(), 0);
	assert_string_equal(world.alarms, "");
}

// The last line of the log, and whose doing it was.
static void assert_logged(const char *words, const char *by)
{
	const char *line = world.log;

	for (const char *end = strchr(line, '\n'); end && end[1]; end = strchr(line, '\n'))
		line = end + 1;
	if (!strstr(line, words))
		fail_msg("not in \"%s\": %s", line, words);
	assert_string_equal(world.by, by);
}

static void test_window(void **state)
{
	uint64_t first;

	(void)state;
	change_apply(ONE, 0);
	first = world.kernel;
	change_apply(TWO, 60);
	assert_int_equal(change_standing(), 2);
	assert_int_equal(world.answer.seconds, 60);
	assert_non_null(world.agent.old);
	change_apply(ONE, 0);
	assert_int_equal(world.answer.error, -EBUSY);
	change_rollback(9);
	assert_int_equal(world.answer.error, -EBUSY);
	world.now += 60000;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(change_standing(), 1);
	assert_true(world.kernel == first);
	assert_null(world.agent.old);
	assert_logged("policy 2 was not confirmed in time: policy 1 stands again", "");
	change_confirm();
	assert_int_equal(world.answer.error, -ENOENT);
	change_apply(TWO, 60);
	change_confirm_number(2);
	assert_int_equal(world.answer.error, -ENOENT);
	assert_non_null(strstr(world.said, "policy 2 does not wait for a confirmation, policy 3 does"));
	assert_int_equal(world.agent.commit.record.pending, 3);
	assert_logged("policy 3 (1 peer) applied by alice: verified; rules exchanged, elements +", "alice");
	assert_logged("; to be confirmed within 60 s", "alice");
	change_confirm_number(3);
	assert_int_equal(world.answer.error, 0);
	assert_logged("policy 3 (1 peer) confirmed by bob\n", "bob");
	assert_int_equal(world.answer.kind, CONTROL_CONFIRM);
	assert_int_equal(change_standing(), 3);
	change_rollback(0);
	assert_int_equal(world.answer.kind, CONTROL_ROLLBACK);
	assert_int_equal(world.answer.error, 0);
	assert_true(world.kernel == first);
	assert_int_equal(state_record_find(&world.agent.commit.record, 4)->copy_of, 1);
	change_confirm();
	assert_string_equal(world.said, "nothing waits for a confirmation");
	change_apply(TWO, 60);
	change_rollback(0);
	assert_logged("policy 5 was rolled back by root from 10.20.9.77: policy 4 stands again\n",
	              "root from 10.20.9.77");
	change_confirm();
	assert_non_null(strstr(world.said, "policy 5 was rolled back ("));
	change_apply(TWO, 7 * 24 * 3600 + 1);
	assert_int_equal(world.answer.error, -EINVAL);
	assert_int_equal(change_standing(), 4);
}

// The loop was held up, or the machine slept, until after the end of the window: what the client of a moment
// ago asked for comes too late.
static void test_late_confirmation(void **state)
{
	uint64_t first;

	(void)state;
	change_apply(ONE, 0);
	first = world.kernel;
	change_apply(TWO, 60);
	world.now += 60000;
	change_confirm();
	assert_int_equal(world.answer.error, -ENOENT);
	assert_non_null(strstr(world.said, "policy 2 was not confirmed in time"));
	assert_int_equal(change_standing(), 1);
	assert_true(world.kernel == first);
	assert_int_equal(state_record_find(&world.agent.commit.record, 2)->outcome, STATE_EXPIRED);
	change_apply(TWO, 60);
	world.now += 59999;
	change_confirm();
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(change_standing(), 3);
}

// A window that is open when the agent is gone: back at once, and nothing of it in the copy.
static void test_restart_in_window(void **state)
{
	(void)state;
	change_apply(ONE, 0);
	change_apply(TWO, 60);
	change_restart();
	assert_int_equal(change_standing(), 1);
	assert_non_null(strstr(world.log, "policy 2 was not confirmed before the restart"));
	change_apply(TWO, 60);
	change_stop();
	change_spoil(world.state, "record");
	change_start();
	assert_int_equal(change_standing(), 1);
}

static void test_refused(void **state)
{
	(void)state;
	change_apply(ONE, 0);
	world.refusals = 1;
	change_apply(TWO, 0);
	assert_int_equal(world.answer.error, -EOPNOTSUPP);
	assert_non_null(strstr(world.said, "the kernel refused"));
	assert_int_equal(change_standing(), 1);
	assert_true(world.agent.verified);
	assert_string_equal(world.agent.reason, "");
	world.refusals = 1;
	world.garbles = true; // committed, and then it is something else: the old one is loaded again
	change_apply(TWO, 0);
	assert_int_equal(world.answer.error, -EBADE);
	assert_int_equal(change_standing(), 1);
	assert_true(world.agent.verified);
	assert_string_equal(world.agent.reason, "");
	world.refusals = 2; // nor does that succeed
	change_apply(TWO, 0);
	assert_false(world.agent.verified);
	assert_non_null(strstr(world.agent.reason, "something else"));
	world.now += COMMIT_RETRY;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(change_standing(), 1);
	assert_true(world.agent.verified);
	assert_string_equal(world.agent.reason, "");
	change_apply("role host\npeer {", 0);
	assert_int_equal(world.answer.error, -EINVAL);
	assert_non_null(strstr(world.said, "policy.conf:2:"));
}

// Beside br_netfilter no policy of role bridge is taken, whichever way it comes; what stood before stays, at a
// start too.
static void test_bridge_netfilter(void **state)
{
	static const char bridge[] = "role bridge\ndevice ct { address 10.20.1.10; ae-title CT; port 104 }\n"
	                             "peer a { address 10.20.0.5; ae-title A; port 104; initiates echo }\n";
	(void)state;
	change_apply(bridge, 0);
	assert_int_equal(world.answer.error, 0);
	change_apply(ONE, 0);
	world.bridge_netfilter = true;
	change_apply(bridge, 0);
	assert_int_equal(world.answer.error, -EEXIST);
	assert_non_null(strstr(world.said, "br_netfilter is loaded; unload it"));
	assert_int_equal(change_standing(), 2);
	change_rollback(1);
	assert_int_equal(world.answer.error, -EEXIST);
	assert_int_equal(change_standing(), 2);
	change_apply(TWO, 0);
	assert_int_equal(world.answer.error, 0);
	world.bridge_netfilter = false;
	change_apply(bridge, 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(change_standing(), 4);
	world.bridge_netfilter = true;
	change_restart();
	assert_int_equal(change_standing(), 4);
}

// A record that cannot be written: an alarm, and another attempt, until it can.
static void test_unsaved(void **state)
{
	char obstacle[96];

	(void)state;
	change_apply(ONE, 0);
	change_apply(TWO, 60);
	snprintf(obstacle, sizeof obstacle, "%s/record.new", world.state);
	assert_int_equal(mkdir(obstacle, 0700), 0);
	world.now += 60000; // the window ends
	for (int i = 0; i < 2; i++) {
		commit_tick(&world.agent.commit, world.now, agent_unix());
		agent_run_commit(&world.agent);
		assert_int_equal(change_standing(), 1);
		assert_true(world.agent.commit.unsaved);
		assert_string_equal(world.alarms, "record ");
		world.now += COMMIT_RETRY;
	}
	assert_int_equal(rmdir(obstacle), 0);
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_false(world.agent.commit.unsaved);
	assert_string_equal(world.alarms, "");
	// The same when it has to be written again after a start from the run folder's copy.
	change_stop();
	change_spoil(world.state, "record");
	assert_int_equal(mkdir(obstacle, 0700), 0);
	change_start();
	assert_int_equal(change_standing(), 1);
	assert_non_null(strstr(world.alarms, "record "));
	assert_null(strstr(world.log, "written into the state folder again"));
	assert_int_equal(rmdir(obstacle), 0);
	world.now += COMMIT_RETRY;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_null(strstr(world.alarms, "record "));
	lose_copy();
	change_restart();
	assert_int_equal(change_standing(), 1);
}

static void test_copy(void **state)
{
	static const char *const files[] = {"record", "policy.1"};

	(void)state;
	change_apply(ONE, 0);
	for (size_t i = 0; i < 2; i++) {
		change_stop();
		change_spoil(world.state, files[i]);
		change_start();
		assert_int_equal(change_standing(), 1);
		assert_non_null(strstr(world.log, "written"));
		lose_copy(); // the disk is whole again
		change_restart();
		assert_int_equal(change_standing(), 1);
	}
	change_stop();
	change_spoil(world.state, "record");
	change_spoil(world.state, "policy.1");
	change_start();
	assert_int_equal(change_standing(), 1);
	change_apply(TWO, 0);
	assert_int_equal(change_standing(), 2); // numbers go on
}

// Why it goes on from the copy is said, until somebody has applied a policy.
static void test_lost(void **state)
{
	(void)state;
	change_apply(ONE, 0);
	change_stop();
	assert_int_equal(chmod_in(world.state, "record", 0666), 0);
	change_start();
	assert_int_equal(change_standing(), 1);
	assert_non_null(strstr(world.alarms, "state-lost "));
	assert_non_null(strstr(world.lost, "others could write it"));
	change_apply(ONE, 0);
	assert_null(strstr(world.alarms, "state-lost "));
	change_rollback(1);
	assert_int_equal(world.answer.error, 0);
	change_stop();
	change_spoil(world.state, "record");
	change_start();
	assert_non_null(strstr(world.lost, "was damaged"));
}

static void test_damaged(void **state)
{
	(void)state;
	change_apply(ONE, 0);
	lose_copy();
	change_stop();
	change_spoil(world.state, "policy.1");
	change_start();
	assert_int_equal(change_standing(), 0);
	assert_int_equal(world.agent.standing->policy.manage.from.count, 1); // who may manage, may still
	assert_non_null(strstr(world.agent.reason, "policy 1"));
	assert_non_null(strstr(world.alarms, "wall"));
	change_stop();
	change_spoil(world.state, "record");
	change_start();
	assert_int_equal(change_standing(), 0);
	assert_non_null(strstr(world.agent.reason, "record"));
	change_stop();
	change_spoil(world.state, "closed");
	change_start();
	assert_int_equal(change_standing(), 0);
	assert_int_equal(world.agent.standing->policy.manage.at, 0);
	change_apply(TWO, 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(change_standing(), world.answer.number);
}

static void test_no_store(void **state)
{
	(void)state;
	change_apply(ONE, 0);
	change_stop();
	chmod(world.state, 0777);
	change_start();
	assert_null(world.agent.store);
	assert_int_equal(change_standing(), 1);          // from the copy
	assert_null(strstr(world.alarms, "state-lost")); // nothing is lost
	change_apply(TWO, 0);
	assert_int_equal(world.answer.error, -ENODEV);
	assert_non_null(strstr(world.said, "state folder"));
	assert_int_equal(change_standing(), 1);
	lose_copy();
	change_restart();
	assert_int_equal(change_standing(), 0);
	assert_non_null(strstr(world.agent.reason, "written by others"));
	chmod(world.state, 0700);
	change_restart();
	assert_int_equal(change_standing(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_first, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_no_bridges, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_no_wall, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_window, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_late_confirmation, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_restart_in_window, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_refused, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_bridge_netfilter, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_unsaved, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_copy, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_lost, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_damaged, change_begin, change_end),
	        cmocka_unit_test_setup_teardown(test_no_store, change_begin, change_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
