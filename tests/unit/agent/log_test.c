// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_log: one line on standard error, one message for the collectors, alarms that stand until they are
// lifted.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_outside.h"

static char sent[4096]; // the last message for the collectors
static char all[16384]; // and all of them
static unsigned messages;

void agent_outside_log(struct agent *agent, const char *message, size_t size)
{
	(void)agent;
	assert_true(size < sizeof sent);
	memcpy(sent, message, size);
	sent[size] = '\0';
	strncat(all, sent, sizeof all - strlen(all) - 1);
	messages++;
}

int64_t agent_unix(void)
{
	return 1000;
}

// What a call writes to standard error.
struct capture {
	int ends[2], before;
	char text[8192];
};

static void capture_begin(struct capture *capture)
{
	assert_int_equal(pipe2(capture->ends, O_NONBLOCK), 0);
	capture->before = dup(2);
	dup2(capture->ends[1], 2);
}

static const char *capture_end(struct capture *capture)
{
	ssize_t size;

	dup2(capture->before, 2);
	size = read(capture->ends[0], capture->text, sizeof capture->text - 1);
	capture->text[size < 0 ? 0 : size] = '\0';
	close(capture->ends[0]);
	close(capture->ends[1]);
	close(capture->before);
	return capture->text;
}

static void test_line(void **state)
{
	struct agent agent = {.host = "gateway", .outside = (void *)&agent};
	const struct agent_field field = {"by", "alice"};
	struct capture capture;

	(void)state;
	sent[0] = '\0';
	capture_begin(&capture);
	agent_log(&agent, LOG_NOTICE, "APPLIED", &field, 1, "policy %d\nby \x1b[1malice", 7);
	assert_string_equal(capture_end(&capture), "<5>policy 7 by  [1malice\n");
	assert_string_equal(sent, ""); // no --syslog
	capture_begin(&capture);
	// Half a character, one that cannot be, and one that turns the direction of writing
	agent_log(&agent, LOG_NOTICE, "APPLIED", NULL, 0, "table \xc3\xb6 \xc3 \xff \xe2\x80\xae.");
	assert_string_equal(capture_end(&capture), "<5>table \xc3\xb6 ? ? ???.\n");
	agent.options.syslog[0] = "local";
	capture_begin(&capture);
	agent_log(&agent, LOG_NOTICE, "APPLIED", &field, 1, "policy %d", 7);
	capture_end(&capture);
	assert_non_null(strstr(sent, " gateway leadglassd "));
	assert_non_null(strstr(sent, " APPLIED [leadglass@32473 by=\"alice\"] "));
	assert_non_null(strstr(sent, "policy 7"));
	agent.outside = NULL; // before it was started
	sent[0] = '\0';
	capture_begin(&capture);
	agent_log(&agent, LOG_NOTICE, "APPLIED", NULL, 0, "policy");
	capture_end(&capture);
	assert_string_equal(sent, "");
	agent.options.syslog[0] = NULL;
	agent_log_catch_up(&agent);
}

// A reader that has stopped reading: lines are lost, nobody waits.
static void test_full_pipe(void **state)
{
	struct agent agent = {0};
	int ends[2], before = dup(2);
	char octets[4096] = "";

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], octets, sizeof octets) > 0)
		continue;
	fcntl(ends[1], F_SETFL, 0); // a write would wait now
	dup2(ends[1], 2);
	agent_log(&agent, LOG_NOTICE, "APPLIED", NULL, 0, "policy");
	dup2(before, 2);
	close(before);
	close(ends[0]);
	close(ends[1]);
}

static void test_alarms(void **state)
{
	struct agent agent = {0};
	struct capture capture;
	char name[16];

	(void)state;
	capture_begin(&capture);
	agent_alarm(&agent, "state", "disk %s", "full");
	agent_alarm(&agent, "wall", "none");
	assert_string_equal(capture_end(&capture), "<3>disk full\n<3>none\n");
	assert_int_equal(agent.alarm_count, 2);
	assert_int_equal(agent.alarms[0].since, 1000);
	capture_begin(&capture);
	agent_alarm(&agent, "state", "disk still full"); // stands: not logged again
	assert_string_equal(capture_end(&capture), "");
	assert_int_equal(agent.alarm_count, 2);
	assert_string_equal(agent.alarms[0].text, "disk still full");
	capture_begin(&capture);
	agent_alarm_lift(&agent, "state");
	agent_alarm_lift(&agent, "state");
	agent_alarm_lift(&agent, "stat");
	assert_string_equal(capture_end(&capture), "<5>no more: disk still full\n");
	assert_int_equal(agent.alarm_count, 1);
	assert_string_equal(agent.alarms[0].name, "wall");
	// What is worth knowing only is said less loudly, and is not counted.
	capture_begin(&capture);
	agent_note(&agent, "accept", "an accept");
	agent_note(&agent, "accept", "an accept");
	assert_int_equal(agent_alarm_count(&agent), 1);
	assert_int_equal(agent.alarm_count, 2);
	agent_alarm_lift(&agent, "accept");
	agent_note(&agent, "more", "one more");
	agent_alarm(&agent, "more", "one more that harms"); // now it is one
	assert_int_equal(agent_alarm_count(&agent), 2);
	agent_alarm_lift(&agent, "more");
	assert_string_equal(capture_end(&capture), "<5>an accept\n<5>no more: an accept\n<5>one more\n"
	                                           "<3>one more that harms\n<5>no more: one more that harms\n");
	capture_begin(&capture);
	agent_alarm(&agent, "wall", "%0200d %0200d", 1, 2); // cut, and says so
	assert_int_equal(strlen(agent.alarms[0].text), 200 + strlen(" ..."));
	agent_alarm(&agent, "wall", "none");
	assert_string_equal(capture_end(&capture), "");
	capture_begin(&capture);
	for (int i = 0; i < AGENT_ALARMS_MAX + 5; i++) {
		snprintf(name, sizeof name, "n%d", i);
		agent_alarm(&agent, name, "x");
	}
	assert_int_equal(agent.alarm_count, AGENT_ALARMS_MAX);
	agent_alarm_lift(&agent, name); // the last found no place
	assert_int_equal(agent.alarm_count, AGENT_ALARMS_MAX);
	// Each was logged, those without a place too.
	assert_int_equal(strlen(capture_end(&capture)), (AGENT_ALARMS_MAX + 5) * strlen("<3>x\n"));
}

// What was logged before there was anybody to send it, in order, and then how the start went.
static void test_catch_up(void **state)
{
	struct agent_wall wall = {.number = 12};
	struct agent agent = {.reason = "the disk is gone"};
	struct capture capture;

	(void)state;
	messages = 0;
	capture_begin(&capture);
	agent_log(&agent, LOG_NOTICE, "WALL", NULL, 0, "policy 11 stands");
	agent_log_catch_up(&agent);
	agent.options.syslog[0] = "local";
	agent_log(&agent, LOG_NOTICE, "WALL", NULL, 0, "policy 12 stands");
	agent_log_catch_up(&agent); // still nobody: forgotten
	agent.outside = (void *)&agent;
	agent_log_catch_up(&agent);
	assert_int_equal(messages, 1);
	assert_non_null(strstr(sent, " STARTED "));
	assert_non_null(strstr(sent, "no wall stands: the disk is gone"));

	agent.outside = NULL;
	agent.standing = &wall;
	messages = 0;
	all[0] = '\0';
	agent_log(&agent, LOG_NOTICE, "WALL", NULL, 0, "policy 12 stands; policy 13 was not confirmed");
	agent_alarm(&agent, "state", "disk full");
	for (int i = 0; i < AGENT_EARLY_MAX; i++)
		agent_log(&agent, LOG_INFO, "NEWS", NULL, 0, "line %d", i);
	assert_int_equal(messages, 0);
	agent.outside = (void *)&agent;
	agent_log_catch_up(&agent);
	assert_int_equal(messages, AGENT_EARLY_MAX + 1); // two find no place
	assert_non_null(strstr(all, "policy 13 was not confirmed"));
	assert_true(strstr(strstr(all, "policy 13 was not"), " ALARM [leadglass@32473 alarm=\"state\"] "));
	assert_non_null(strstr(all, "line 29"));
	assert_null(strstr(all, "line 30"));
	assert_non_null(strstr(sent, "runs: policy 12 stands")); // the last one
	agent_log_catch_up(&agent);
	assert_int_equal(messages, AGENT_EARLY_MAX + 2); // each is told once
	capture_end(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_line),
	        cmocka_unit_test(test_full_pipe),
	        cmocka_unit_test(test_alarms),
	        cmocka_unit_test(test_catch_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
