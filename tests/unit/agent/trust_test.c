// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_trust: which policies are taken, at once and at a start, and what is remembered of them, on a real
// state folder, with stand-ins for signatures and rules (trust_world.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "trust_world.h"

static struct agent_trust *trust(void)
{
	return &world.agent.trust;
}

// The next attempt at what could not be put up.
static void retry(void)
{
	world.now += COMMIT_RETRY;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
}

static bool floor_on_disk(uint64_t serial)
{
	struct trust_floor floor;
	struct problems problems;
	int r;

	problem_init(&problems);
	r = state_read_accepted(world.agent.store, &floor, &problems);
	problem_fini(&problems);
	return serial ? r == 0 && floor.serial == serial : r == -ENOENT;
}

static unsigned count(const char *words)
{
	unsigned found = 0;

	for (const char *at = strstr(world.log, words); at; at = strstr(at + 1, words))
		found++;
	return found;
}

// ---- what is taken ----

static void test_nobody(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	change_apply(SERIAL("6"), 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(trusted.verified, 0);
	assert_int_equal(trusted.reads, 0); // there is not even a folder
	assert_false(trust()->floor.any);
	assert_true(floor_on_disk(0));
	assert_int_equal(trust_status().trust, CONTROL_TRUST_UNSIGNED);
	trust_tick(true);
	assert_string_equal(world.alarms, "");
	change_restart();
	assert_int_equal(change_standing(), 2);
}

static void test_signed(void **state)
{
	struct control_status found;

	(void)state;
	trusted.valid_to = NOW + 1000000000;
	change_apply(SERIAL("7"), 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(trusted.when, TRUST_COMING);
	assert_true(trusted.judged_at == NOW);
	found = trust_status();
	assert_int_equal(found.trust, CONTROL_TRUST_SIGNED);
	assert_string_equal(found.signer, "CN=desk");
	assert_string_equal(found.anchor, "st-anna");
	assert_true(found.signer_to == trusted.valid_to && found.not_after == 0);
	trusted.valid_to = INT64_MAX; // a pinned key
	change_restart();
	assert_int_equal(change_standing(), 1);
	assert_int_equal(trusted.when, TRUST_STANDING);
	assert_int_equal(trust_status().trust, CONTROL_TRUST_SIGNED);
	assert_true(trust_status().signer_to == 0);
}

// Nothing of it is parsed, and the wall stays.
static void test_not_signed(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	trusted.code = TRUST_NOT_SIGNED;
	change_apply("nonsense { nonsense", 0);
	trust_refused("the policy is not signed; sign it");
	assert_null(strstr(world.said, "nonsense"));
	assert_non_null(
	        strstr(world.log, "a policy from alice was refused: the policy is not signed; sign it"));
	assert_string_equal(world.fields, "REFUSED reason=\"the policy is not signed; sign it\" signer=\"\" "
	                                  "serial=\"0\" policy=\"0\" by=\"alice\"");
	assert_int_equal(change_standing(), 1);
	assert_int_equal(trust()->refusals, 1);
	trusted.code = TRUST_GOOD;
	change_apply("nonsense { nonsense", 0);
	assert_int_not_equal(world.answer.error, -EKEYREJECTED);
	assert_non_null(strstr(world.said, "nonsense"));
	assert_int_equal(trust()->refusals, 1);
	trusted.judge_refuses = true;
	change_apply(SERIAL("8"), 0);
	trust_refused("policy.conf:1:1: error: serial 8 is too low");
	assert_non_null(strstr(world.said, "^"));
	assert_int_equal(trust()->refusals, 2);
	assert_string_equal(world.fields, "REFUSED reason=\"serial 8 is too low; sign it again\" "
	                                  "signer=\"CN=desk\" serial=\"8\" policy=\"0\" by=\"alice\"");
	assert_int_equal(change_standing(), 1);
}

static void test_unchecked(void **state)
{
	(void)state;
	trusted.apart_error = -ETIMEDOUT;
	change_apply(SERIAL("7"), 0);
	trust_refused("the signature cannot be checked");
	trusted.apart_error = -ENOMEM;
	change_apply(SERIAL("7"), 0);
	assert_int_equal(world.answer.error, -ENOMEM);
	trusted.apart_error = 0;
	change_apply(SERIAL("7"), 0);
	assert_int_equal(world.answer.error, 0);
}

static void test_bad_anchor(void **state)
{
	(void)state;
	trusted.bad_anchor = true;
	change_apply(SERIAL("7"), 0);
	assert_int_equal(world.answer.error, 0);
	assert_true(change_has_alarm("trust-anchor"));
	trusted.code = TRUST_NOT_SIGNED;
	change_apply(SERIAL("8"), 0);
	// What is wrong with the policy first.
	assert_true(strstr(world.said, "not signed") < strstr(world.said, "spoilt"));
	trusted.bad_anchor = false;
	change_apply(SERIAL("8"), 0);
	assert_false(change_has_alarm("trust-anchor"));
}

static void test_rollback(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	change_apply(SERIAL("8"), 0);
	change_rollback(1);
	trust_refused("serial 7 is too low");
	assert_non_null(strstr(world.log, "a policy from root from 10.20.9.77 was refused"));
	assert_int_equal(change_standing(), 2);
}

// ---- what is remembered ----

static void test_floor(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	assert_true(trust()->floor.serial == 7 && floor_on_disk(7));
	change_apply(SERIAL("8"), 60);
	assert_true(trust()->floor.serial == 7 && floor_on_disk(7));
	world.now += 60000;
	commit_tick(&world.agent.commit, world.now, agent_unix());
	agent_run_commit(&world.agent);
	assert_int_equal(change_standing(), 1);
	assert_true(trust()->floor.serial == 7);
	assert_int_equal(trust_status().trust, CONTROL_TRUST_SIGNED);
	change_apply(SERIAL("8"), 60);
	change_confirm();
	assert_true(trust()->floor.serial == 8 && floor_on_disk(8));
	change_apply(SERIAL("7"), 0);
	trust_refused("serial 7");
	change_restart();
	change_apply(SERIAL("7"), 0);
	trust_refused("serial 7");
	// Killed before it was written
	change_stop();
	assert_int_equal(change_lose("accepted"), 0);
	change_start();
	assert_int_equal(change_standing(), 3);
	assert_string_equal(world.alarms, "");
	assert_true(trust()->floor.serial == 8 && floor_on_disk(8));
}

static void test_floor_damaged(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	change_stop();
	change_spoil(world.state, "accepted");
	change_start();
	assert_int_equal(change_standing(), 1);
	assert_true(floor_on_disk(7));
	assert_true(change_has_alarm("accepted-lost")); // for somebody to read
	change_apply(SERIAL("6"), 0);
	trust_refused("serial 6");
	assert_true(change_has_alarm("accepted-lost"));
	change_apply(SERIAL("8"), 0);
	assert_string_equal(world.alarms, "");
}

// The disk does not take it: the policy stands, and is judged by all the same.
static void test_floor_unsaved(void **state)
{
	char path[128];

	(void)state;
	change_apply(SERIAL("7"), 0);
	snprintf(path, sizeof path, "%s/accepted", world.state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	change_apply(SERIAL("8"), 0);
	assert_int_equal(world.answer.error, 0);
	assert_int_equal(change_standing(), 2);
	assert_true(change_has_alarm("accepted"));
	change_apply(SERIAL("7"), 0);
	trust_refused("serial 7");
	trust_tick(true);
	assert_true(change_has_alarm("accepted"));
	assert_int_equal(rmdir(path), 0);
	trust_tick(false);
	assert_true(change_has_alarm("accepted"));
	trust_tick(true);
	assert_false(change_has_alarm("accepted"));
	assert_true(floor_on_disk(8));
}

// Somebody is trusted only later: what stands, and is confirmed, is accepted then.
static void test_floor_later(void **state)
{
	(void)state;
	mkdir(world.trust, 0755);
	change_apply(SERIAL("7"), 0);
	trust_world_add();
	change_apply(SERIAL("6"), 0);
	trust_refused("serial 6");
	assert_true(floor_on_disk(7));
}

// ---- a start ----

static void test_start_refused(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	trusted.code = TRUST_NOT_SIGNED;
	change_restart();
	assert_int_equal(change_standing(), 0);
	assert_string_equal(world.agent.reason, "policy 1: the policy is not signed; sign it");
	assert_true(change_has_alarm("wall"));
	assert_int_equal(world.agent.standing->policy.manage.from.count, 1); // who may manage, may still
	assert_int_equal(trust_status().trust, CONTROL_TRUST_NOT);
	assert_int_equal(trusted.verified, 2); // not again from the copy
	assert_int_equal(count("policy 1 was refused"), 1);
	for (int i = 0; i < 5; i++)
		retry();
	assert_int_equal(trusted.verified, 2);
	assert_int_equal(count("policy 1 was refused"), 1);
	assert_string_equal(world.agent.reason, "policy 1: the policy is not signed; sign it");
	trust_world_add();
	retry();
	assert_int_equal(trusted.verified, 3);
	assert_int_equal(count("policy 1 was refused"), 1); // for the same reason
	trusted.code = TRUST_GOOD;
	trust_world_add();
	retry();
	assert_int_equal(change_standing(), 1);
	assert_string_equal(world.alarms, "");
	assert_string_equal(world.agent.reason, "");
}

static void test_start_unchecked(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	trusted.apart_error = -EPROTO;
	change_restart();
	assert_int_equal(change_standing(), 0);
	trusted.apart_error = 0;
	retry(); // nothing has changed, but nothing was found out either
	assert_int_equal(change_standing(), 1);
}

// The file in the state folder was changed by somebody who can make its check sum right: the copy is the one
// that was signed.
static void test_start_copy(void **state)
{
	struct problems problems;
	static const char other[] = "leadglass-bundle 1\nfile 10 policy.conf\nrole host\n\nend\n";

	(void)state;
	change_apply(SERIAL("7"), 0);
	problem_init(&problems);
	assert_int_equal(state_write_policy(world.agent.store, 1, other, sizeof other - 1, &problems), 0);
	problem_fini(&problems);
	trusted.code = TRUST_NOT_SIGNED;
	trusted.good_after = trusted.verified + 1;
	change_restart();
	assert_int_equal(change_standing(), 1);
	assert_int_equal(world.agent.standing->policy.peer_count, 1);
}

static void test_start_record_lost(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	change_stop();
	assert_int_equal(change_lose("record"), 0);
	trusted.code = TRUST_NOT_SIGNED;
	change_start();
	assert_int_equal(change_standing(), 0);
	assert_string_equal(world.agent.reason, "the policy is not signed; sign it");
	trusted.code = TRUST_GOOD;
	change_restart();
	assert_int_equal(change_standing(), 1);
}

// ---- the folder ----

static void test_folder(void **state)
{
	char kept[80];

	(void)state;
	change_apply(SERIAL("7"), 0);
	trusted.read_error = -EINVAL;
	change_apply(SERIAL("8"), 0);
	trust_refused("what is it here for?; take it away");
	assert_true(change_has_alarm("trust-folder"));
	assert_int_equal(trust_status().trust, CONTROL_TRUST_UNKNOWN);
	assert_string_equal(trust_status().signer, "CN=desk"); // it stands all the same
	trust_tick(true);
	assert_true(change_has_alarm("trust-folder"));
	assert_false(change_has_alarm("policy-untrusted"));
	trusted.read_error = 0;
	trust_tick(true); // without a change that can be seen
	assert_string_equal(world.alarms, "");
	assert_int_equal(trust_status().trust, CONTROL_TRUST_SIGNED);
	snprintf(kept, sizeof kept, "%s/kept", world.folder);
	assert_int_equal(rename(world.trust, kept), 0);
	change_apply(SERIAL("8"), 0);
	trust_refused("is gone");
	assert_int_equal(rename(kept, world.trust), 0);
	change_apply(SERIAL("8"), 0);
	assert_int_equal(world.answer.error, 0);
	assert_string_equal(world.alarms, "");
	// Another one, and no Landlock that forbids to open it
	assert_int_equal(rename(world.trust, kept), 0);
	trust_world_add();
	change_apply(SERIAL("9"), 0);
	assert_int_equal(world.answer.error, 0);
	snprintf(kept, sizeof kept, "%s/kept2", world.folder);
	assert_int_equal(rename(world.trust, kept), 0);
	assert_int_equal(symlink(kept, world.trust), 0);
	change_apply(SERIAL("9"), 0);
	trust_refused("symbolic link");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trust_begin, change_end)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_nobody, trust_begin_alone, change_end),
	        TEST(test_signed),
	        TEST(test_not_signed),
	        TEST(test_unchecked),
	        TEST(test_bad_anchor),
	        TEST(test_rollback),
	        TEST(test_floor),
	        TEST(test_floor_damaged),
	        TEST(test_floor_unsaved),
	        cmocka_unit_test_setup_teardown(test_floor_later, trust_begin_alone, change_end),
	        TEST(test_start_refused),
	        TEST(test_start_unchecked),
	        TEST(test_start_copy),
	        TEST(test_start_record_lost),
	        TEST(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
