// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_trust_standing: what is told of the policy that stands when the trust folder changes and when time
// passes, and when the agent wakes up for it; with stand-ins for signatures and rules (trust_world.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "trust_world.h"

static void test_untrusted(void **state)
{
	unsigned verified;

	(void)state;
	change_apply(SERIAL("7"), 0);
	verified = trusted.verified;
	for (int i = 0; i < 100; i++)
		trust_tick(true);
	assert_int_equal(trusted.verified, verified); // nothing has changed
	trusted.code = TRUST_UNKNOWN_SIGNER;
	trust_world_add();
	trust_tick(false);
	assert_string_equal(world.alarms, "");
	trust_tick(true);
	assert_int_equal(trusted.verified, verified + 1);
	assert_true(change_has_alarm("policy-untrusted"));
	assert_int_equal(trust_status().trust, CONTROL_TRUST_NOT);
	assert_int_equal(change_standing(), 1);
	for (int i = 0; i < 100; i++)
		trust_tick(true);
	assert_int_equal(trusted.verified, verified + 1);
	trusted.code = TRUST_GOOD;
	trust_world_add();
	agent_trust_look(&world.agent); // status was asked
	assert_string_equal(world.alarms, "");
	assert_int_equal(trust_status().trust, CONTROL_TRUST_SIGNED);
}

// Untrusted, then another waits in a window, then it is back.
static void test_untrusted_window(void **state)
{
	(void)state;
	change_apply(SERIAL("7"), 0);
	trusted.code = TRUST_UNKNOWN_SIGNER;
	trust_world_add();
	trust_tick(true);
	trusted.code = TRUST_GOOD;
	change_apply(SERIAL("8"), 60);
	trust_tick(false);
	assert_string_equal(world.alarms, "");
	trusted.code = TRUST_UNKNOWN_SIGNER;
	change_rollback(0);
	assert_int_equal(change_standing(), 1);
	trust_tick(false);
	assert_true(change_has_alarm("policy-untrusted"));
}

// A process that hangs is not asked again by everybody who wants to know how things are.
static void test_look_unfinished(void **state)
{
	unsigned verified;

	(void)state;
	change_apply(SERIAL("7"), 0);
	trusted.apart_error = -ETIMEDOUT;
	trust_world_add();
	trust_tick(true);
	verified = trusted.verified;
	assert_true(change_has_alarm("signature-unchecked"));
	assert_false(change_has_alarm("policy-untrusted"));
	for (int i = 0; i < 10; i++)
		agent_trust_look(&world.agent);
	assert_int_equal(trusted.verified, verified);
	trust_tick(true);
	assert_int_equal(trusted.verified, verified + 1);
	trusted.apart_error = 0;
	trust_tick(true);
	assert_string_equal(world.alarms, "");
	assert_int_equal(trust_status().trust, CONTROL_TRUST_SIGNED);
}

#define DAYS (24 * 3600)

static void test_dates(void **state)
{
	int64_t day;

	(void)state;
	// 2023-12-31T23:59:59Z is 1704067199
	change_apply("policy { site st-anna; unit ct; serial 7; not-after 2023-12-31 }\n" REST, 0);
	assert_int_equal(world.answer.error, 0);
	assert_true(trust_status().not_after == 1704067199);
	trust_tick(false);
	assert_string_equal(world.alarms, "");
	// Nobody is woken before there is something to say.
	assert_true(agent_trust_next(&world.agent) == world.now + (1704067200 - 14 * DAYS - NOW) * 1000);
	world.now += (1704067199 - 14 * DAYS - NOW) * 1000;
	trust_tick(true);
	assert_string_equal(world.alarms, "");
	world.now += 1000;
	trust_tick(false);
	assert_string_equal(world.alarms, "policy-expires ");
	assert_non_null(strstr(world.alarm, "policy 1 ends at 2023-12-31T23:59:59Z"));
	assert_true(agent_trust_next(&world.agent) == world.now + 14LL * DAYS * 1000);
	world.now += (14LL * DAYS - 1) * 1000;
	trust_tick(true);
	assert_string_equal(world.alarms, "policy-expires ");
	world.now += 1000;
	trust_tick(false);
	assert_string_equal(world.alarms, "policy-expired ");
	assert_non_null(strstr(world.alarm, "policy 1 was to end at 2023-12-31T23:59:59Z"));
	assert_true(agent_trust_next(&world.agent) == AGENT_NEVER);
	assert_int_equal(change_standing(), 1);
	change_restart();
	trust_tick(false);
	assert_int_equal(change_standing(), 1);
	assert_string_equal(world.alarms, "policy-expired ");
	// The clock is set back a day.
	day = 25LL * 3600 * 1000;
	world.now -= day;
	trust_tick(false);
	assert_string_equal(world.alarms, "policy-expires ");
	world.now += day;
	trust_tick(false);
	assert_string_equal(world.alarms, "policy-expired ");
	change_apply(SERIAL("8"), 0);
	trust_tick(false);
	assert_string_equal(world.alarms, "");
	assert_true(agent_trust_next(&world.agent) == AGENT_NEVER);
}

static void test_signer_dates(void **state)
{
	(void)state;
	trusted.valid_to = NOW + 20 * DAYS;
	change_apply(SERIAL("7"), 0);
	trust_tick(false);
	assert_string_equal(world.alarms, "");
	world.now = agent_trust_next(&world.agent);
	trust_tick(false);
	assert_string_equal(world.alarms, "signer-expires ");
	world.now = agent_trust_next(&world.agent);
	trust_tick(false);
	assert_string_equal(world.alarms, "signer-expired ");
	assert_non_null(strstr(world.alarm, "CN=desk"));
	assert_true(agent_trust_next(&world.agent) == AGENT_NEVER);
}

// A clock that cannot be right: what has certainly passed counts.
static void test_clock(void **state)
{
	(void)state;
	trusted.built = NOW + 100 * DAYS;
	trusted.valid_to = NOW + 90 * DAYS;
	change_apply("policy { site st-anna; unit ct; serial 7; not-after 2024-12-31 }\n" REST, 0);
	trust_tick(false);
	assert_true(change_has_alarm("clock") && change_has_alarm("signer-expired"));
	assert_false(change_has_alarm("policy-expired"));
	assert_false(world.agent.trust.believed);
	assert_true(agent_trust_next(&world.agent) == world.now + 100LL * DAYS * 1000);
	world.now += 100LL * DAYS * 1000; // it was set
	trust_tick(false);
	assert_true(world.agent.trust.believed);
	assert_string_equal(world.alarms, "signer-expired ");
	// By what is accepted now it stands in the past again.
	change_apply("policy { site st-anna; unit ct; serial 8; not-before 2024-11-01 }\n" REST, 0);
	trust_tick(false);
	assert_true(change_has_alarm("clock"));
}

static void test_no_wall(void **state)
{
	(void)state;
	change_stop();
	world.refusals = 3;
	change_start();
	assert_null(world.agent.standing);
	trust_tick(true);
	agent_trust_look(&world.agent);
	assert_true(agent_trust_next(&world.agent) == AGENT_NEVER);
	assert_int_equal(trust_status().trust, CONTROL_TRUST_NOT);
	world.refusals = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, trust_begin, change_end)
	const struct CMUnitTest tests[] = {
	        TEST(test_untrusted), TEST(test_untrusted_window), TEST(test_look_unfinished),
	        TEST(test_dates),     TEST(test_signer_dates),     TEST(test_clock),
	        TEST(test_no_wall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
