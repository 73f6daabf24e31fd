// SPDX-License-Identifier: GPL-2.0-or-later
//
// When the flow table stands, and that it does not when anything speaks against it. The kernel and its
// interfaces are stood in for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agent/agent.h"
#include "agent/agent_flowtable.h"
#include "link/link.h"
#include "nft/nft_flowtable.h"

#define ROUTER "role router\ndevice ct { address 10.20.1.10; ae-title CT; port 11112 }\n"
#define WITH "flowtable a b\n" ROUTER

static struct world {
	struct agent agent;
	struct agent_wall walls[4];
	size_t wall_count;
	int64_t now;
	char interfaces[4][16]; // "" there is none
	bool link_fails, link_heard, leads_through;
	bool stands; // in the kernel, ...
	size_t over; // ... over so many interfaces
	int put_error, remove_error;
	unsigned puts, removes, pauses;
	char alarm[32], note[320];
} * world;

static int begin(void **state)
{
	world = calloc(1, sizeof *world);
	assert_non_null(world);
	world->now = 1000000;
	world->agent.verified = true;
	snprintf(world->interfaces[0], 16, "a");
	snprintf(world->interfaces[1], 16, "b");
	agent_flowtable_open(&world->agent);
	*state = world;
	return 0;
}

static int end(void **state)
{
	agent_flowtable_close(&world->agent);
	assert_int_equal(world->pauses, 0);
	for (size_t i = 0; i < world->wall_count; i++)
		policy_fini(&world->walls[i].policy);
	free(*state);
	return 0;
}

static void stand(uint64_t number, const char *text)
{
	struct agent_wall *wall = &world->walls[world->wall_count++];
	struct problems problems;
	problem_init(&problems);
	assert_int_equal(
	        policy_parse(&wall->policy, "policy.conf", strdup(text), strlen(text), NULL, &problems), 0);
	problem_fini(&problems);
	wall->number = number;
	world->agent.standing = wall;
	world->stands = false; // the transaction that brought it
}

static void tick(void)
{
	agent_flowtable_tick(&world->agent, world->now, false);
}

// To the next time it wants to be called.
static void next(void)
{
	int64_t at = agent_flowtable_next(&world->agent);
	assert_true(at < AGENT_NEVER);
	world->now = at > world->now ? at : world->now;
	tick();
}

static void link_changes(void)
{
	world->link_heard = true;
	agent_flowtable_heard(&world->agent);
	next();
}

static void is(enum control_flowtable state, const char *why)
{
	struct control_status status = {0};
	agent_flowtable_fill(&world->agent, &status);
	assert_int_equal(status.flowtable, state);
	assert_string_equal(status.flowtable_why, why);
	assert_int_equal(world->stands, state == CONTROL_FLOWTABLE_ACTIVE);
}

static void stands_where_asked_for(void **state)
{
	(void)state;
	tick();
	is(CONTROL_FLOWTABLE_NONE, "");
	stand(1, ROUTER);
	tick();
	is(CONTROL_FLOWTABLE_NONE, "");
	stand(2, WITH);
	tick();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
	assert_int_equal(world->over, 2);
	tick();
	assert_int_equal(world->puts, 1);
	assert_int_equal(agent_flowtable_next(&world->agent), AGENT_NEVER);
	stand(0, WITH); // the closed wall
	world->stands = true;
	tick();
	is(CONTROL_FLOWTABLE_NONE, "");
	assert_int_equal(world->removes, 1);
}

static void a_wall_that_stays_and_other_interfaces(void **state)
{
	(void)state;
	stand(1, WITH);
	tick();
	stand(2, "flowtable a\n" ROUTER);
	world->stands = true; // the wall is the same: nothing was sent
	tick();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
	assert_int_equal(world->over, 1);
	stand(3, ROUTER);
	world->stands = true;
	tick();
	is(CONTROL_FLOWTABLE_NONE, "");
}

static void comes_back_after_each_transaction(void **state)
{
	(void)state;
	stand(1, WITH);
	tick();
	world->stands = false; // a repair of the guard's
	struct control_status status = {0};
	agent_flowtable_fill(&world->agent, &status);
	assert_int_equal(status.flowtable, CONTROL_FLOWTABLE_WAITING);
	tick();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
	assert_int_equal(world->puts, 2);
}

static void not_beside_a_wall_that_is_not_verified(void **state)
{
	(void)state;
	stand(1, WITH);
	tick();
	world->agent.verified = false;
	tick();
	is(CONTROL_FLOWTABLE_WAITING, "the wall is not verified");
	world->agent.verified = true;
	tick();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
	assert_string_equal(world->note, "");
}

static void not_beside_a_service_window(void **state)
{
	(void)state;
	stand(1, WITH);
	tick();
	assert_int_equal(agent_flowtable_down(&world->agent), 0);
	assert_false(world->stands);
	world->leads_through = true;
	tick();
	world->now += 60000;
	tick();
	is(CONTROL_FLOWTABLE_WAITING, "a service window to a device is open");
	world->leads_through = false;
	tick();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
}

static void others_change_the_wall(void **state)
{
	(void)state;
	stand(1, WITH);
	tick();
	for (int i = 0; i < 5; i++) {
		assert_int_equal(agent_flowtable_down(&world->agent), 0);
		tick();
		is(CONTROL_FLOWTABLE_WAITING, "the wall was changed a moment ago");
		world->now += 300;
	}
	assert_int_equal(world->puts, 1);
	next();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
}

static void cannot_be_taken_down(void **state)
{
	(void)state;
	stand(1, WITH);
	tick();
	world->remove_error = -ENOMEM;
	assert_int_equal(agent_flowtable_down(&world->agent), -ENOMEM);
	stand(2, ROUTER);
	world->stands = true;
	tick();
	assert_string_equal(world->alarm, "flowtable-stays");
	world->remove_error = 0;
	next(); // soon, also where no policy asks for one
	is(CONTROL_FLOWTABLE_NONE, "");
	assert_string_equal(world->alarm, "");
}

static void waits_for_an_interface(void **state)
{
	(void)state;
	world->interfaces[1][0] = '\0';
	stand(1, WITH);
	tick();
	is(CONTROL_FLOWTABLE_WAITING, "there is no interface b");
	assert_string_equal(world->note,
	                    "there is no flow table, the wall sees every packet: there is no interface b");
	assert_int_equal(world->puts, 0);
	snprintf(world->interfaces[2], 16, "other");
	link_changes();
	assert_int_equal(world->puts, 0);
	snprintf(world->interfaces[1], 16, "b");
	link_changes();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
	assert_string_equal(world->note, "");
	// It goes: the kernel takes its place in the flow table along, and what is left goes as well.
	world->interfaces[1][0] = '\0';
	world->over = 1;
	link_changes();
	is(CONTROL_FLOWTABLE_WAITING, "there is no interface b");
	// It goes and comes between two looks.
	snprintf(world->interfaces[1], 16, "b");
	link_changes();
	world->over = 1;
	link_changes();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
	assert_int_equal(world->over, 2);
}

static void interfaces_cannot_be_listed(void **state)
{
	(void)state;
	world->link_fails = true;
	stand(1, WITH);
	tick();
	is(CONTROL_FLOWTABLE_WAITING, "interfaces cannot be listed");
	world->link_fails = false;
	next();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
}

static void a_kernel_without(void **state)
{
	(void)state;
	world->put_error = -ENOENT;
	stand(1, WITH);
	tick();
	is(CONTROL_FLOWTABLE_LACKING, "this kernel has none");
	assert_int_equal(world->puts, 1);
	link_changes(); // of no interface of it
	assert_int_equal(world->puts, 1);
	stand(2, WITH);
	tick();
	assert_int_equal(world->puts, 2);
	world->put_error = 0; // a module came
	const int64_t before = world->now;
	next();
	assert_true(world->now - before >= AGENT_MINUTE);
	is(CONTROL_FLOWTABLE_ACTIVE, "");
}

static void refused_otherwise(void **state)
{
	(void)state;
	world->put_error = -EBUSY;
	stand(1, WITH);
	tick();
	is(CONTROL_FLOWTABLE_WAITING, "busy");
	world->put_error = 0;
	next();
	is(CONTROL_FLOWTABLE_ACTIVE, "");
}

static void not_what_was_sent(void **state)
{
	(void)state;
	stand(1, "flowtable a\n" ROUTER);
	world->put_error = 1; // taken, and not there
	tick();
	is(CONTROL_FLOWTABLE_WAITING, strerror(EBADE));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(stands_where_asked_for),
	        TEST(a_wall_that_stays_and_other_interfaces),
	        TEST(comes_back_after_each_transaction),
	        TEST(not_beside_a_wall_that_is_not_verified),
	        TEST(not_beside_a_service_window),
	        TEST(others_change_the_wall),
	        TEST(cannot_be_taken_down),
	        TEST(waits_for_an_interface),
	        TEST(interfaces_cannot_be_listed),
	        TEST(a_kernel_without),
	        TEST(refused_otherwise),
	        TEST(not_what_was_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// ---- the kernel, by nft ----

int nft_flowtable_put(struct nft *nft, const struct nft_interface *interfaces, size_t count,
                      struct problems *problems)
{
	(void)nft;
	assert_true(world->pauses > 0);
	assert_string_equal(interfaces[0].name, "a");
	world->puts++;
	if (world->put_error < 0) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "busy", NULL);
		return world->put_error;
	}
	world->stands = world->put_error == 0;
	world->over = count;
	return 0;
}

int nft_flowtable_remove(struct nft *nft, struct problems *problems)
{
	(void)nft;
	(void)problems;
	assert_true(world->pauses > 0);
	world->removes++;
	world->stands = world->stands && world->remove_error < 0;
	return world->remove_error;
}

bool nft_flowtable_lacks(int error)
{
	return error == -ENOENT;
}

bool nft_flowtable_stands(const struct nft *nft)
{
	(void)nft;
	return world->stands;
}

int nft_flowtable_is(struct nft *nft, const struct nft_interface *interfaces, size_t count)
{
	(void)nft;
	(void)interfaces;
	return world->stands && world->over == count;
}

// ---- its interfaces ----

int link_open(struct link **ret, struct problems *problems)
{
	(void)problems;
	*ret = (struct link *)(void *)world;
	return 0;
}

void link_close(struct link *link)
{
	assert_ptr_equal(link, world);
}

int link_fd(const struct link *link)
{
	(void)link;
	return 7;
}

bool link_heard(struct link *link)
{
	(void)link;
	bool heard = world->link_heard;
	world->link_heard = false;
	return heard;
}

int link_interfaces(struct link *link, struct link_interface **ret, size_t *ret_count,
                    struct problems *problems)
{
	(void)link;
	(void)problems;
	if (world->link_fails)
		return -EIO;
	*ret = calloc(4, sizeof **ret);
	*ret_count = 0;
	assert_non_null(*ret);
	for (size_t i = 0; i < 4; i++)
		if (world->interfaces[i][0]) {
			struct link_interface *interface = &(*ret)[(*ret_count)++];
			interface->index = (uint32_t)i + 1;
			memcpy(interface->name, world->interfaces[i], sizeof interface->name);
		}
	return 0;
}

// ---- the rest of the agent ----

int64_t agent_now(void)
{
	return world->now;
}

void agent_guard_pause(struct agent *agent)
{
	(void)agent;
	world->pauses++;
}

void agent_guard_resume(struct agent *agent)
{
	(void)agent;
	world->pauses--;
}

bool agent_access_leads_through(const struct agent *agent)
{
	(void)agent;
	return world->leads_through;
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	(void)agent;
	(void)format;
	snprintf(world->alarm, sizeof world->alarm, "%s", name);
}

void agent_note(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;
	(void)agent;
	assert_string_equal(name, "flowtable");
	va_start(arguments, format);
	vsnprintf(world->note, sizeof world->note, format, arguments);
	va_end(arguments);
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	(void)agent;
	if (strcmp(name, "flowtable") == 0)
		world->note[0] = '\0';
	else
		world->alarm[0] = '\0';
}
