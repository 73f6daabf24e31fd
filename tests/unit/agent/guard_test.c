// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guard against a kernel that is tampered with: what is repaired, how fast, and how much of it is told.
#include "parts.h"

#include <errno.h>

#define POLICY                                                                                                 \
	"role host\n"                                                                                          \
	"device ct { ae-title CT; port 11112 }\n"                                                              \
	"peer pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage; accepts storage }\n"

static int begin(void **state)
{
	struct parts *made = malloc(sizeof *made);
	assert_non_null(made);
	parts_begin(made);
	parts_stand(1, POLICY);
	*state = made;
	return 0;
}

static int end(void **state)
{
	parts_end();
	free(*state);
	return 0;
}

static void open_guard(void)
{
	assert_int_equal(agent_guard_open(&parts->agent), 0);
	parts_run(parts->now); // what is due at the start
}

static void hear(bool ours, bool foreign, const char *process, uint32_t pid)
{
	struct nft_seen *seen = &parts->heard[parts->heard_count++];
	*seen = (struct nft_seen){.ours = ours, .foreign = foreign, .pid = pid};
	if (process)
		snprintf(seen->process, sizeof seen->process, "%s", process);
}

// ---- how others tamper ----

static void lose_rule(struct ruleset *ruleset)
{
	struct ruleset_chain *chain = &ruleset->tables[0].chains[0];
	struct ruleset_rule *last = &chain->rules[--chain->count];
	free(last->statements);
	free(last->comment);
}

static void accept_all(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->tables[0].chain_count; i++)
		ruleset->tables[0].chains[i].accepts = true;
}

static void break_all(struct ruleset *ruleset)
{
	accept_all(ruleset); // the three base chains
	lose_rule(ruleset);
}

static void change_comments(struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->tables[0].set_count; i++) {
		struct ruleset_set *set = &ruleset->tables[0].sets[i];
		for (size_t k = 0; set->details && k < set->count; k++) {
			free(set->details[k].comment);
			set->details[k].comment = strdup("somebody (else.conf:1)");
		}
	}
}

// ---- tests ----

static void quiet(void **state)
{
	(void)state;
	open_guard();
	hear(true, false, "nft", 4711);
	unsigned reads = parts->reads;
	parts->now += 1000;
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->reads, reads + 1); // it was looked at
	assert_int_equal(parts->loads, 0);
	assert_true(parts->agent.verified);
	assert_int_equal(parts->log_lines, 0);
	assert_int_equal(parts->agent.generation, parts->state.generation);
}

// What others did to the wall past the agent may have let something into the flow table.
static void the_flowtable_goes_when_others_change_the_wall(void **state)
{
	(void)state;
	open_guard();
	hear(false, true, "nft", 4711);
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->flowtable_downs, 0);
	hear(true, false, "nft", 4711);
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->flowtable_downs, 1);
	parts->heard[parts->heard_count++] = (struct nft_seen){.lost = true};
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->flowtable_downs, 2);
	parts->agent.kernel.inet.mine = true; // the kernel keeps them out
	parts->heard[parts->heard_count++] = (struct nft_seen){.lost = true};
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->flowtable_downs, 2);
}

static void repaired(void **state)
{
	(void)state;
	open_guard();
	parts->tamper = lose_rule;
	parts->now += 1000;
	hear(true, false, "nft", 4711);
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->loads, 1); // at once, not when a timer runs out
	assert_int_equal(parts->agent.repairs, 1);
	assert_int_equal(parts->agent.repaired_at, agent_unix());
	assert_string_equal(parts->agent.repaired_from, "nft (pid 4711)");
	assert_true(parts->agent.verified);
	assert_string_equal(parts->agent.reason, "");
	assert_int_equal(parts_lines("REPAIRED the wall was changed by nft (pid 4711) and is repaired: "), 1);
	assert_int_equal(parts_lines("default deny"), 1); // what was different
	assert_int_equal(parts->pauses, 1);
	assert_int_equal(parts->resumes, 1);
	// The next one has another author, or none.
	parts->tamper = accept_all;
	parts->now += 1000;
	parts->heard[parts->heard_count++] = (struct nft_seen){.lost = true};
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->agent.repairs, 2);
	assert_string_equal(parts->agent.repaired_from, "");
	assert_int_equal(parts_lines("changed by an unknown process"), 1);
	assert_int_equal(parts_lines(" more"), 0);
	parts->tamper = break_all;
	parts->now += 1000;
	hear(true, false, "nft", 1);
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts_lines("; and 1 more"), 1); // four things, of which three are named
}

static void comments_do_not_count(void **state)
{
	(void)state;
	open_guard();
	parts->tamper = change_comments;
	hear(true, false, "nft", 1);
	parts->now += 1000;
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->loads, 0);
	assert_true(parts->agent.verified);
}

// Somebody changes a rule every millisecond for a minute.
static void rival(void **state)
{
	unsigned said = 0;
	(void)state;
	open_guard();
	int64_t stop = parts->now + 60000;
	while (parts->now < stop) {
		parts->tamper = lose_rule;
		hear(true, false, "rival", 99);
		agent_guard_heard(&parts->agent);
		int64_t next = agent_guard_next(&parts->agent);
		if (next <= parts->now)
			agent_guard_tick(&parts->agent, parts->now);
		parts->now++;
	}
	assert_in_range(parts->agent.repairs, 60 * 19, 60 * 20 + 40);
	assert_in_range(parts->log_lines, 5, 12); // five at once, then one in ten seconds
	// The last of it is told when it is over.
	parts->tamper = NULL;
	parts_run(parts->now + 60000);
	assert_int_equal(parts_lines("more times, last after a change by rival (pid 99)"), 1);
	for (const char *at = parts->log.data; (at = strstr(at, "REPAIRED")); at++) {
		unsigned more;
		const char *words = strstr(at, " more repairs"), *line_end = strchr(at, '\n');
		if (words && words < line_end) {
			while (words[-1] != '(')
				words--;
			said += (unsigned)atoi(words) + 1;
		} else if (sscanf(at, "REPAIRED the wall was repaired %u more times", &more) == 1) {
			said += more;
		} else {
			said++;
		}
	}
	assert_int_equal(said, parts->agent.repairs); // none is lost in the counting
	assert_true(parts->agent.verified);
}

static void cannot_repair(void **state)
{
	(void)state;
	open_guard();
	parts->tamper = accept_all;
	parts->load_error = -EPERM;
	hear(true, false, "nft", 4711);
	parts->now += 1000;
	agent_guard_heard(&parts->agent);
	assert_false(parts->agent.verified);
	assert_true(parts_has_alarm("not-repaired"));
	assert_non_null(strstr(parts->agent.reason, "cannot be put right: the kernel refuses"));
	// Not again and again, but again.
	unsigned loads = parts->loads;
	parts_run(parts->now + 60000);
	assert_in_range(parts->loads - loads, 5, 7);
	parts->load_error = 0;
	parts_run(parts->now + 11000);
	assert_true(parts->agent.verified);
	assert_false(parts_has_alarm("not-repaired"));
	assert_string_equal(parts->agent.reason, "");
}

static void busy(void **state)
{
	(void)state;
	open_guard();
	parts->tamper = accept_all;
	parts->load_error = -EBUSY;
	hear(true, false, "nft", 4711);
	parts->now += 1000;
	agent_guard_heard(&parts->agent);
	assert_false(parts->agent.verified);
	unsigned loads = parts->loads;
	parts_run(parts->now + 1000);
	assert_in_range(parts->loads - loads, 38, 61); // soon, and not all the time
	assert_false(parts_has_alarm("not-repaired"));
	parts->load_error = 0;
	parts_run(parts->now + 100);
	assert_true(parts->agent.verified);
}

// Loaded, and changed again before it could be read back.
static void undone_at_once(void **state)
{
	(void)state;
	open_guard();
	parts->tamper = accept_all;
	parts->load_error = -EBADE;
	hear(true, false, "rival", 99);
	parts->now += 1000;
	agent_guard_heard(&parts->agent);
	assert_false(parts->agent.verified);
	assert_false(parts_has_alarm("not-repaired"));
	assert_int_equal(parts->agent.repairs, 1);
	parts->load_error = 0;
	parts_run(parts->now + 50);
	assert_true(parts->agent.verified);
	assert_int_equal(parts->agent.repairs, 2);
}

static void cannot_read(void **state)
{
	(void)state;
	open_guard();
	parts->read_error = -ENOMEM;
	hear(true, false, "nft", 4711);
	parts->now += 1000;
	agent_guard_heard(&parts->agent);
	assert_true(parts_has_alarm("not-compared"));
	parts->read_error = 0;
	parts_run(parts->now + 20000);
	assert_false(parts_has_alarm("not-compared"));
}

static void owned_by_another(void **state)
{
	(void)state;
	parts->state.inet.owned = true;
	parts->state.inet.owner = 77;
	open_guard();
	assert_true(parts_has_alarm("table-owner")); // also while the rules are right
	parts->state.inet.mine = true;
	parts->now += 600000;
	agent_guard_tick(&parts->agent, parts->now);
	assert_false(parts_has_alarm("table-owner"));
}

static void free_table_is_claimed(void **state)
{
	(void)state;
	parts->state.inet.persistent = true;
	open_guard();
	assert_int_equal(parts->loads, 1);
	assert_int_equal(parts->agent.repairs, 0); // nothing was wrong with it
	// A kernel that does not give it is not asked all the time.
	parts_run(parts->now + 60000);
	assert_in_range(parts->loads, 1, 7);
	unsigned loads = parts->loads;
	parts->state.inet.owned = parts->state.inet.mine = true;
	parts_run(parts->now + 3600000);
	assert_int_equal(parts->loads, loads);
}

static void unowned_is_left_unowned(void **state)
{
	(void)state;
	parts->state.inet.persistent = true;
	parts->agent.options.unowned = true;
	open_guard();
	assert_int_equal(parts->loads, 0);
}

// Nobody hears between the end of our transaction and the beginning of listening.
static void after_own_load(void **state)
{
	(void)state;
	open_guard();
	parts->now += 5000;
	agent_guard_pause(&parts->agent);
	agent_guard_pause(&parts->agent); // a pause in a pause
	parts->tamper = lose_rule;
	agent_guard_resume(&parts->agent);
	assert_int_equal(parts->resumes, 0);
	agent_guard_tick(&parts->agent, parts->now);
	assert_int_equal(parts->loads, 0);
	agent_guard_resume(&parts->agent);
	assert_int_equal(parts->resumes, 1);
	assert_true(agent_guard_next(&parts->agent) <= parts->now);
	agent_guard_tick(&parts->agent, parts->now);
	assert_int_equal(parts->agent.repairs, 1);
	// Where the kernel keeps others out, there is nothing to look for.
	parts->state.inet = (struct nft_table_state){.present = true, .owned = true, .mine = true};
	parts_run(parts->now + 5000);
	unsigned reads = parts->reads;
	agent_guard_pause(&parts->agent);
	agent_guard_resume(&parts->agent);
	parts_run(parts->now + 5000);
	assert_int_equal(parts->reads, reads);
}

static void asked(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	size_t differences = 7;
	(void)state;
	open_guard();
	assert_int_equal(agent_guard_verify(&parts->agent, &text, &differences), 0);
	assert_int_equal(differences, 0);
	assert_int_equal(text.size, 0);
	parts->tamper = accept_all;
	assert_int_equal(agent_guard_verify(&parts->agent, &text, &differences), 0);
	size_t lines = 0;
	for (size_t i = 0; i < text.size; i++)
		lines += text.data[i] == '\n';
	assert_int_equal(differences, 3);
	assert_int_equal(lines, differences);
	assert_int_equal(parts->agent.repairs, 1);
	parts->tamper = accept_all;
	parts->load_error = -EPERM;
	assert_int_equal(agent_guard_verify(&parts->agent, NULL, &differences), -EPERM);
	assert_true(differences > 0);
	buffer_fini(&text);
	struct agent_wall *wall = parts->agent.standing;
	parts->agent.standing = NULL;
	assert_int_equal(agent_guard_verify(&parts->agent, NULL, &differences), -ENOENT);
	parts->agent.standing = wall;
}

static void foreign_tables(void **state)
{
	(void)state;
	open_guard();
	assert_int_equal(parts->looks, 1);
	parts->foreign[0] = (struct parts_foreign){NFT_FOREIGN_FLOWTABLE, "inet", "fast", "f"};
	parts->foreign[1] = (struct parts_foreign){NFT_FOREIGN_ACCEPT, "ip", "docker", "a"};
	parts->foreign[2] = (struct parts_foreign){NFT_FOREIGN_ACCEPT, "ip", "docker", "b"};
	parts->foreign_count = 3;
	parts->now += 2000;
	hear(false, true, "docker", 5);
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->looks, 2);
	assert_int_equal(parts->loads, 0);
	assert_true(parts_has_alarm("foreign-flowtable inet fast"));
	assert_true(parts_has_alarm("foreign-accept ip docker"));
	assert_int_equal(parts->agent.alarm_count, 2);
	assert_int_equal(agent_alarm_count(&parts->agent), 1); // an accept opens nothing: a note
	// Many changes in a second are one more look.
	for (int i = 0; i < 30; i++) {
		parts->now += 20;
		hear(false, true, "docker", 5);
		agent_guard_heard(&parts->agent);
	}
	assert_int_equal(parts->looks, 2);
	parts->foreign_count = 1;
	parts_run(parts->now + 1000);
	assert_int_equal(parts->looks, 3);
	assert_false(parts_has_alarm("foreign-accept ip docker"));
	assert_true(parts_has_alarm("foreign-flowtable inet fast"));
	// A look that fails takes nothing back.
	parts->foreign_error = -EINTR;
	parts->now += 5000;
	hear(false, true, "docker", 5);
	agent_guard_heard(&parts->agent);
	assert_true(parts_has_alarm("foreign-flowtable inet fast"));
	parts->foreign_error = 0;
	parts->foreign_count = 0;
	parts_run(parts->now + 1500);
	assert_int_equal(parts->agent.alarm_count, 0);
}

// Told of role bridge alone; loaded later, it is found at once where that is heard, else within the minutes of
// the regular look.
static void bridge_netfilter(void **state)
{
	(void)state;
	parts->bridge_netfilter = 1;
	open_guard();
	assert_false(parts_has_alarm("br-netfilter"));
	parts_stand(2, "role bridge\ndevice ct { address 10.20.1.10; ae-title CT; port 104 }\n");
	parts_run(parts->now + AGENT_VERIFY_MINUTES * AGENT_MINUTE);
	assert_true(parts_has_alarm("br-netfilter"));
	parts->bridge_netfilter = -ENOENT; // where there is no proc, nothing is made up
	parts_run(parts->now + AGENT_VERIFY_MINUTES * AGENT_MINUTE);
	assert_false(parts_has_alarm("br-netfilter"));
	parts->bridge_netfilter = 1;
	agent_guard_modules_heard(&parts->agent); // of something else
	assert_false(parts_has_alarm("br-netfilter"));
	parts->bridge_netfilter_heard = true;
	agent_guard_modules_heard(&parts->agent);
	assert_true(parts_has_alarm("br-netfilter"));
	parts->bridge_netfilter = 0;
	agent_guard_modules_heard(&parts->agent);
	assert_false(parts_has_alarm("br-netfilter"));
}

static void many_foreign_tables(void **state)
{
	static char names[16][8];
	(void)state;
	for (size_t i = 0; i < 12; i++) {
		snprintf(names[i], sizeof names[i], "t%zu", i);
		parts->foreign[i] = (struct parts_foreign){NFT_FOREIGN_NAT, "ip", names[i], "c"};
	}
	parts->foreign_count = 12;
	open_guard();
	assert_int_equal(parts->agent.alarm_count, 9); // eight and "more"
	assert_true(parts_has_alarm("foreign-more"));
	assert_int_equal(agent_alarm_count(&parts->agent), 0);
	parts->foreign[11].kind = NFT_FOREIGN_NOTRACK; // one of those that are not named harms
	parts->now += 2000;
	hear(false, true, NULL, 0);
	agent_guard_heard(&parts->agent);
	assert_int_equal(agent_alarm_count(&parts->agent), 1);
	parts->foreign_count = 0;
	parts->now += 2000;
	hear(false, true, NULL, 0);
	agent_guard_heard(&parts->agent);
	assert_int_equal(parts->agent.alarm_count, 0);
}

// A program that adds and deletes its table all the time raises alarms at a bounded rate.
static void flapping(void **state)
{
	(void)state;
	open_guard();
	parts->foreign[0] = (struct parts_foreign){NFT_FOREIGN_FLOWTABLE, "inet", "fast", "f"};
	for (int64_t stop = parts->now + 3600000; parts->now < stop;) {
		parts->foreign_count = !parts->foreign_count;
		hear(false, true, "flapper", 5);
		agent_guard_heard(&parts->agent);
		parts_run(parts->now + 1001);
	}
	assert_in_range(parts->alarms_raised + parts->alarms_lifted, 20, 20 + 120 + 2);
}

static void deaf(void **state)
{
	(void)state;
	parts->watch_error = -EPERM;
	open_guard();
	assert_true(parts_has_alarm("not-watching"));
	parts->tamper = lose_rule;
	parts_run(parts->now + 61000);
	assert_int_equal(parts->agent.repairs, 1);
}

// Nothing happens for a day.
static void day(void **state)
{
	(void)state;
	parts->state.inet =
	        (struct nft_table_state){.present = true, .owned = true, .mine = true, .persistent = true};
	assert_int_equal(agent_drops_open(&parts->agent), 0);
	assert_int_equal(agent_access_open(&parts->agent), 0);
	assert_int_equal(agent_peers_open(&parts->agent), 0);
	open_guard();
	unsigned reads = parts->reads, samples = parts->samples;
	unsigned woke = parts_run(parts->now + 24 * 3600 * 1000);
	assert_int_equal(woke, 24 * 60);
	assert_in_range(parts->reads - reads, 143, 145); // every ten minutes
	assert_int_equal(parts->samples - samples, 24 * 60);
	assert_int_equal(parts->loads, 0);
	assert_int_equal(parts->log_lines, 0);
	assert_int_equal(parts->agent.verified_at + 600 >= agent_unix(), 1);
}

// What nobody was heard to change is found all the same.
static void silent_change(void **state)
{
	(void)state;
	open_guard();
	parts->tamper = lose_rule;
	parts_run(parts->now + AGENT_VERIFY_MINUTES * AGENT_MINUTE);
	assert_int_equal(parts->agent.repairs, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(quiet),
	        TEST(the_flowtable_goes_when_others_change_the_wall),
	        TEST(repaired),
	        TEST(comments_do_not_count),
	        TEST(rival),
	        TEST(cannot_repair),
	        TEST(busy),
	        TEST(undone_at_once),
	        TEST(cannot_read),
	        TEST(owned_by_another),
	        TEST(free_table_is_claimed),
	        TEST(unowned_is_left_unowned),
	        TEST(after_own_load),
	        TEST(asked),
	        TEST(foreign_tables),
	        TEST(bridge_netfilter),
	        TEST(many_foreign_tables),
	        TEST(flapping),
	        TEST(deaf),
	        TEST(day),
	        TEST(silent_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
