// SPDX-License-Identifier: GPL-2.0-or-later
//
// Service windows: who may have which, when they end, and that none is open that nobody answers for.
#include "parts.h"

#include <errno.h>

#define HOST "role host\ndevice ct { ae-title CT; port 11112 }\n"
#define ROUTER                                                                                                 \
	"role router\nbox { address 10.20.1.250/24; interface service }\n"                                     \
	"device ct { address 10.20.1.10; ae-title CT; port 11112 }\n"

static int begin(void **state)
{
	struct parts *made = malloc(sizeof *made);
	assert_non_null(made);
	parts_begin(made);
	*state = made;
	return 0;
}

static int end(void **state)
{
	parts_end();
	free(*state);
	return 0;
}

static void start(const char *policy)
{
	assert_int_equal(agent_access_open(&parts->agent), 0);
	parts_stand(1, policy);
}

static struct control_request request(const char *from, const char *to, uint16_t port, uint32_t seconds)
{
	struct control_request made = {.window = {.box = !to, .port = port, .seconds = seconds}};
	made.window.from = parts_address(from);
	if (to)
		made.window.to = parts_address(to);
	snprintf(made.who, sizeof made.who, "alice from 10.20.9.77");
	snprintf(made.window.reason, sizeof made.window.reason, "tube: ticket 4711");
	return made;
}

static void allow(const char *from, const char *to, uint16_t port, uint32_t seconds)
{
	struct control_request made = request(from, to, port, seconds);
	parts->answer = (struct control_answer){0};
	agent_request_allow(&parts->agent, 0, &made);
}

static size_t listed(struct control_window *first)
{
	struct buffer out = BUFFER_EMPTY;
	agent_access_answer(&parts->agent, &out);
	size_t count = out.size / sizeof *first;
	if (count)
		memcpy(first, out.data, sizeof *first);
	buffer_fini(&out);
	return count;
}

static void opens_and_ends(void **state)
{
	struct control_window row;
	(void)state;
	start(HOST);
	allow("10.20.9.77", NULL, 22, 7200);
	assert_int_equal(parts->answers, 1);
	assert_int_equal(parts->answer.kind, CONTROL_ALLOW);
	assert_int_equal(parts->answer.last, 1);
	assert_string_equal(parts->answer.text, "open until 2026-02-02 04:40:00 UTC");
	assert_string_equal(parts->windows[0].comment, "alice from 10.20.9.77: tube: ticket 4711");
	assert_int_equal(
	        parts_lines("ACCESS-OPEN service window for 10.20.9.77 to this box, tcp 22 is open; opened by "
	                    "alice from 10.20.9.77: tube: ticket 4711; until 2026-02-02 04:40:00 UTC"),
	        1);
	assert_int_equal(agent_access_count(&parts->agent), 1);
	parts_run(parts->now + 3600000);
	parts->windows[0].packets = 42;
	assert_int_equal(listed(&row), 1);
	assert_int_equal(row.seconds, 3600);
	assert_int_equal(row.packets, 42);
	assert_int_equal(row.box, 1);
	assert_string_equal(row.who, "alice from 10.20.9.77");
	assert_string_equal(row.reason, "tube: ticket 4711");
	unsigned lists = parts->lists;
	parts_run(parts->now + 3600000 + 1000);
	assert_int_equal(parts->lists, lists + 1); // looked once, when it was over
	assert_int_equal(parts_lines("ACCESS-CLOSED"), 1);
	assert_int_equal(parts_lines("has ended"), 1);
	assert_int_equal(agent_access_count(&parts->agent), 0);
	assert_int_equal(agent_access_next(&parts->agent), AGENT_NEVER);
	assert_int_equal(parts->log_lines, 2);
}

static void refused(void **state)
{
	static const struct {
		const char *from, *to;
		uint16_t port;
		uint32_t seconds;
		int error;
	} wrong[] = {
	        {"10.20.9.0/24", NULL, 22, 60, -EINVAL},
	        {"10.20.9.7", NULL, 0, 60, -EINVAL},
	        {"10.20.9.7", NULL, 22, 0, -EINVAL},
	        {"10.20.9.7", NULL, 22, NFT_ACCESS_SECONDS_MAX + 1, -EINVAL},
	        {"10.20.9.7", "10.20.1.11", 22, 60, -EINVAL}, // no device
	        {"10.20.9.7", "10.20.1.0/24", 22, 60, -EINVAL},
	        {"2001:db8::7", "10.20.1.10", 22, 60, -EINVAL},
	};
	(void)state;
	assert_int_equal(agent_access_open(&parts->agent), 0);
	allow("10.20.9.7", NULL, 22, 60); // no wall yet
	assert_int_equal(parts->answer.error, -ENOENT);
	parts_stand(1, ROUTER);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		allow(wrong[i].from, wrong[i].to, wrong[i].port, wrong[i].seconds);
		assert_int_equal(parts->answer.error, wrong[i].error);
		assert_true(parts->answer.text[0]);
	}
	assert_int_equal(parts->answers, 0);
	assert_int_equal(parts->opens, 0);
	allow("10.20.9.7", "10.20.1.10", 22, 60);
	assert_int_equal(parts->answers, 1);
	parts_stand(2, HOST);
	allow("10.20.9.7", "10.20.1.10", 22, 60); // role host has no device behind it
	assert_int_equal(parts->answer.error, -EINVAL);
	parts->access_error = -EBADE;
	allow("10.20.9.7", NULL, 23, 60);
	assert_int_equal(parts->answer.error, -EBADE);
	assert_string_equal(parts->answer.text, "no room");
}

static void too_many(void **state)
{
	(void)state;
	start(HOST);
	for (uint16_t i = 0; i < NFT_ACCESS_MAX; i++)
		allow("10.20.9.7", NULL, (uint16_t)(100 + i), 60);
	assert_int_equal(parts->answers, NFT_ACCESS_MAX);
	allow("10.20.9.7", NULL, 22, 60);
	assert_int_equal(parts->answer.error, -ENOSPC);
	allow("10.20.9.7", NULL, 100, 600); // one that is there may get another end
	assert_int_equal(parts->answer.error, 0);
	assert_int_equal(parts_lines("has a new end"), 1);
	parts->now += 61000;
	allow("10.20.9.7", NULL, 22, 60); // the others have ended
	assert_int_equal(parts->answer.error, 0);
	assert_int_equal(agent_access_count(&parts->agent), 2);
}

static void closes_early(void **state)
{
	struct control_request made;
	(void)state;
	start(ROUTER);
	allow("10.20.9.7", NULL, 22, 60);
	allow("10.20.9.7", "10.20.1.10", 22, 60);
	allow("10.20.9.8", NULL, 22, 60);
	made = request("10.20.9.7", NULL, 23, 0);
	agent_request_close(&parts->agent, 0, &made);
	assert_int_equal(parts->answer.error, -ENOENT);
	made = request("10.20.9.7", "10.20.1.10", 22, 0);
	agent_request_close(&parts->agent, 0, &made);
	assert_int_equal(parts->answer.error, 0);
	assert_int_equal(parts->answer.kind, CONTROL_CLOSE);
	assert_int_equal(parts->answer.number, 1);
	assert_int_equal(parts->window_count, 2);
	assert_int_equal(
	        parts_lines(
	                "ACCESS-CLOSED service window for 10.20.9.7 to 10.20.1.10, tcp 22 was closed early by "
	                "alice from 10.20.9.77"),
	        1);
	made = (struct control_request){0}; // all of them
	parts->agent.clients[0].id.uid = 1234;
	agent_request_close(&parts->agent, 0, &made);
	assert_int_equal(parts->answer.number, 2);
	assert_int_equal(parts->window_count, 0);
	assert_int_equal(agent_access_count(&parts->agent), 0);
	assert_int_equal(parts_lines("closed early by uid 1234"), 2);
}

static void put_stranger(uint16_t port, int64_t until, const char *comment)
{
	struct nft_access *window = &parts->windows[parts->window_count++];
	*window = (struct nft_access){.box = true, .port = port, .ms = (uint64_t)until};
	window->from = parts_address("10.66.6.6");
	snprintf(window->comment, sizeof window->comment, "%s", comment);
}

// The agent was killed; its windows stand and are told again.
static void taken_over(void **state)
{
	struct control_window row;
	(void)state;
	put_stranger(22, PARTS_START + 100000, "bob: left in a hurry");
	start(HOST);
	assert_int_equal(parts_lines("is still open; opened by bob: left in a hurry"), 1);
	assert_int_equal(listed(&row), 1);
	assert_int_equal(row.seconds, 100);
	assert_string_equal(row.who, "bob");
	assert_string_equal(row.reason, "left in a hurry");
	parts_run(parts->now + 102000);
	assert_int_equal(parts_lines("has ended"), 1);
}

static void strangers(void **state)
{
	(void)state;
	start(HOST);
	put_stranger(22, PARTS_START + 100000, "");
	agent_access_wall_changed(&parts->agent);
	assert_int_equal(parts->window_count, 0);
	assert_int_equal(
	        parts_lines("ACCESS-FOREIGN service window for 10.66.6.6 to this box, tcp 22 was not opened"),
	        1);
	// In a loop: each is closed, some are told.
	for (int i = 0; i < 1000; i++) {
		put_stranger(22, PARTS_START + 10000000, "");
		agent_access_wall_changed(&parts->agent);
		assert_int_equal(parts->window_count, 0);
		parts->now += 50;
	}
	assert_in_range(parts->log_lines, 10, 13);
	// One that cannot be closed is tried again.
	put_stranger(22, PARTS_START + 10000000, "");
	parts->access_error = -EPERM;
	agent_access_wall_changed(&parts->agent);
	parts->access_error = 0;
	parts_run(parts->now + 11000);
	assert_int_equal(parts->window_count, 0);
}

static void prolonged_by_others(void **state)
{
	(void)state;
	start(HOST);
	allow("10.20.9.7", NULL, 22, 600);
	parts->now += 60000;
	parts->windows[0].ms += 3600000;
	agent_access_wall_changed(&parts->agent);
	assert_int_equal(parts->windows[0].ms, PARTS_START + 600000);
	assert_int_equal(parts_lines("was prolonged past the agent"), 1);
}

static void by_apply(void **state)
{
	(void)state;
	start(HOST);
	allow("10.20.9.7", NULL, 22, 600);
	parts->now += 60000;
	unsigned opens = parts->opens;
	parts_stand(2, HOST "peer p { address 10.20.0.5; ae-title P; port 104; initiates echo }\n");
	assert_int_equal(parts->opens, opens); // it is neither prolonged nor shortened
	assert_int_equal(agent_access_count(&parts->agent), 1);
	assert_int_equal(parts->log_lines, 1);
	// The sets were made anew: the window is gone, and that is told.
	parts->window_count = 0;
	parts_stand(3, HOST);
	assert_int_equal(agent_access_count(&parts->agent), 0);
	assert_int_equal(parts_lines("ACCESS-LOST"), 1);
}

// The kernel's clock is a little behind: not told as ended while it is open.
static void late_kernel(void **state)
{
	(void)state;
	start(HOST);
	allow("10.20.9.7", NULL, 22, 60);
	parts->windows[0].ms += 3000;
	unsigned lists = parts->lists;
	parts_run(parts->now + 62500);
	assert_int_equal(agent_access_count(&parts->agent), 1);
	parts_run(parts->now + 2000);
	assert_int_equal(agent_access_count(&parts->agent), 0);
	assert_int_equal(parts_lines("has ended"), 1);
	assert_in_range(parts->lists - lists, 2, 5);
}

// 64 windows of all lengths over a day: each is told twice, and wake-ups stay few.
static void day(void **state)
{
	(void)state;
	start(HOST);
	for (uint16_t i = 0; i < NFT_ACCESS_MAX; i++)
		allow("10.20.9.7", NULL, (uint16_t)(100 + i), 1 + i * 1349u);
	unsigned woke = parts_run(parts->now + 24 * 3600 * 1000);
	assert_int_equal(parts_lines("ACCESS-OPEN"), NFT_ACCESS_MAX);
	assert_int_equal(parts_lines("has ended"), NFT_ACCESS_MAX);
	assert_in_range(woke, 24 * 60, 24 * 60 + NFT_ACCESS_MAX);
}

// What passes through a window to a device must not get into a flow table: that is down before the window
// opens.
static void without_a_flowtable(void **state)
{
	(void)state;
	assert_true(agent_access_leads_through(&parts->agent)); // nothing is known yet
	start(ROUTER);
	assert_false(agent_access_leads_through(&parts->agent));
	allow("10.20.9.77", NULL, 22, 600); // to the gateway itself
	assert_int_equal(parts->flowtable_downs, 0);
	assert_false(agent_access_leads_through(&parts->agent));
	parts->flowtable_error = -ENOMEM;
	allow("10.20.9.77", "10.20.1.10", 22, 600);
	assert_int_equal(parts->refusals, 1);
	assert_int_equal(parts->opens, 1);
	parts->flowtable_error = 0;
	allow("10.20.9.77", "10.20.1.10", 22, 600);
	assert_int_equal(parts->opens, 2);
	assert_int_equal(parts->flowtable_downs, 2);
	assert_true(agent_access_leads_through(&parts->agent));
	parts_run(parts->now + 700000);
	assert_false(agent_access_leads_through(&parts->agent));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(opens_and_ends),
	        TEST(refused),
	        TEST(too_many),
	        TEST(closes_early),
	        TEST(taken_over),
	        TEST(strangers),
	        TEST(prolonged_by_others),
	        TEST(by_apply),
	        TEST(late_kernel),
	        TEST(day),
	        TEST(without_a_flowtable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
