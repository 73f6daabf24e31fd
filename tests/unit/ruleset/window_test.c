// SPDX-License-Identifier: GPL-2.0-or-later
//
// Service windows: in every wall there is a place for them, behind all that the policy says, and what is in
// that place is no matter of the policy.
#include "wall.h"

#include "base/address.h"

static const char host[] =
        "role host\n"
        "device ct { ae-title CT; port 11112 }\n"
        "peer pacs { address 10.20.0.5; ae-title P; port 104; initiates echo; accepts echo }\n";
static const char router[] =
        "role router\n"
        "device ct { address 10.20.1.10 2001:db8:1::10; ae-title CT; port 11112 }\n"
        "peer pacs { address 10.20.0.5 2001:db8::5; ae-title P; port 104; accepts echo }\n";
static const char bridge[] =
        "role bridge\n"
        "device ct { address 10.20.1.10 2001:db8:1::10; ae-title CT; port 11112 }\n"
        "peer pacs { address 10.20.0.5 2001:db8::5; ae-title P; port 104; accepts echo }\n";

static struct ruleset_set *find_set(struct ruleset_table *table, const char *name)
{
	for (size_t i = 0; i < table->set_count; i++)
		if (strcmp(table->sets[i].name, name) == 0)
			return &table->sets[i];
	return NULL;
}

static size_t put_address(uint8_t *key, size_t at, const char *text)
{
	struct prefix prefix;
	assert_int_equal(prefix_parse(text, strlen(text), &prefix), PREFIX_OK);
	size_t size = address_octets((enum address_family)prefix.family);
	memcpy(key + at, prefix.octets, size);
	return at + size;
}

// What the kernel would show of a window to `to` (NULL: the machine itself), as the set's only element.
static struct ruleset_set *open_window(struct wall *wall, size_t table, const char *from, const char *to,
                                       uint16_t port, bool expires, uint64_t ms)
{
	uint8_t key[RULESET_KEY_MAX] = {0};
	char name[RULESET_NAME_MAX + 1];
	snprintf(name, sizeof name, "%s%c", to ? "access_devices" : "access", strchr(from, ':') ? '6' : '4');
	struct ruleset_set *set = find_set(&wall->ruleset.tables[table], name);
	assert_non_null(set);
	assert_int_equal(set->count, 0);
	size_t at = put_address(key, 0, from);
	if (to)
		at = put_address(key, at, to);
	key[at] = (uint8_t)(port >> 8);
	key[at + 1] = (uint8_t)port;
	assert_int_equal(at + 4, set->key_size);
	set->keys = malloc(set->key_size);
	set->details = calloc(1, sizeof *set->details);
	assert_true(set->keys && set->details);
	memcpy(set->keys, key, set->key_size);
	set->details[0].comment = strdup("alice: tube");
	set->details[0].expires = expires;
	set->details[0].left_ms = ms;
	set->count = set->capacity = 1;
	return set;
}

// ---- what is compiled ----

static bool asks(const struct ruleset_table *table, const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->count; i++)
		if (rule->statements[i].kind == STATEMENT_LOOKUP &&
		    table->sets[rule->statements[i].lookup.set].timed)
			return true;
	return false;
}

static bool is_last_word(const struct ruleset_rule *rule)
{
	const char *comment = rule->comment;
	return strncmp(comment, "default deny", 12) == 0 || strncmp(comment, "nothing is routed", 17) == 0;
}

// In base chains: how many rules ask for windows. Nothing but log and drop stands behind the first of them.
static size_t count_rules(const struct ruleset_table *table)
{
	size_t count = 0;
	for (size_t c = 0; c < table->chain_count; c++) {
		const struct ruleset_chain *chain = &table->chains[c];
		bool begun = false;
		for (size_t r = 0; chain->hook != HOOK_NONE && r < chain->count; r++) {
			bool window = asks(table, &chain->rules[r]);
			begun = begun || window;
			count += window;
			assert_true(!begun || window || is_last_word(&chain->rules[r]));
		}
	}
	return count;
}

static size_t count_sets(struct ruleset_table *table)
{
	size_t count = 0;
	for (size_t i = 0; i < table->set_count; i++) {
		const struct ruleset_set *set = &table->sets[i];
		if (!set->timed)
			continue;
		count++;
		assert_int_equal(set->count, 0);
		assert_int_equal(set->size, RULESET_TIMED_SIZE);
		assert_true(set->detailed);
		assert_false(set->interval || set->constant);
		assert_null(set->details);
		assert_non_null(set->comment);
	}
	return count;
}

static void every_wall_has_the_place(void **state)
{
	static const struct {
		const char *policy;
		size_t sets[2], rules[2];
	} walls[] = {
	        {"role host\n", {2, 0}, {4, 0}}, // the closed wall
	        {host, {2, 0}, {4, 0}},
	        {router, {4, 0}, {8, 0}},
	        {bridge, {2, 2}, {4, 4}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof walls / sizeof *walls; i++) {
		struct wall wall;
		wall_make(&wall, walls[i].policy);
		for (size_t t = 0; t < 2; t++) {
			struct ruleset_table *table = &wall.ruleset.tables[t];
			assert_int_equal(t < wall.ruleset.table_count ? count_sets(table) : 0,
			                 walls[i].sets[t]);
			assert_int_equal(t < wall.ruleset.table_count ? count_rules(table) : 0,
			                 walls[i].rules[t]);
		}
		wall_drop(&wall);
	}
}

// ---- packets ----

struct flow_case {
	const char *flow, *reason; // NULL: dropped
};

static void run(struct wall *wall, const struct flow_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct packet packet = wall_packet(&wall->policy, cases[i].flow);
		struct outcome outcome;
		struct buffer out = BUFFER_EMPTY;
		ruleset_evaluate(&wall->ruleset, &packet, &outcome);
		ruleset_reason(&wall->policy, &wall->ruleset, &packet, &outcome, &out);
		if (outcome.accepted != (cases[i].reason != NULL) ||
		    (outcome.accepted && strcmp(out.data, cases[i].reason) != 0))
			fail_msg("%s: %s: %s", cases[i].flow, outcome.accepted ? "accept" : "drop", out.data);
		buffer_fini(&out);
	}
}
#define RUN(wall, cases) run(wall, cases, sizeof(cases) / sizeof *(cases))

static void to_the_machine(void **state)
{
	static const struct flow_case cases[] = {
	        {"in tcp 10.20.9.77 10.20.1.10:22", "a service window is open for 10.20.9.77 to the device on "
	                                            "22, for 71 minutes more (alice: tube)"},
	        {"in tcp 10.20.9.77 10.20.1.10:22 established",
	         "a service window is open for 10.20.9.77 to the device on 22, for 71 minutes more (alice: "
	         "tube)"},
	        {"out tcp 10.20.1.10:22 10.20.9.77 reply",
	         "it answers 10.20.9.77 -> 10.20.1.10 tcp 22: a service window is open for 10.20.9.77 to the "
	         "device on 22, for 71 minutes more (alice: tube)"},
	        {"in icmp/3 10.20.9.1 10.20.1.10 related tcp 10.20.9.77 10.20.1.10:22",
	         "an error about 10.20.9.77 -> 10.20.1.10 tcp 22: a service window is open for 10.20.9.77 to "
	         "the "
	         "device on 22, for 71 minutes more (alice: tube)"},
	        {"in icmp/3 10.20.9.1 10.20.1.10 related tcp 10.20.9.77 10.20.1.10:23", NULL},
	        {"out icmp/3 10.20.1.10 10.20.9.77 related tcp 10.20.9.77 10.20.1.10:22",
	         "an error about 10.20.9.77 -> 10.20.1.10 tcp 22: a service window is open for 10.20.9.77 to "
	         "the "
	         "device on 22, for 71 minutes more (alice: tube)"},
	        {"in tcp 10.20.9.77 10.20.1.10:23", NULL},
	        {"in tcp 10.20.9.78 10.20.1.10:22", NULL},
	        {"in udp 10.20.9.77 10.20.1.10:22", NULL},
	        {"out tcp 10.20.1.10 10.20.9.77:22", NULL},
	        {"out tcp 10.20.1.10:22 10.20.9.77:40000", NULL},
	        {"in tcp 10.20.9.77 10.20.1.10:22 spoofed", NULL},
	        {"in tcp 10.20.0.5 10.20.1.10:11112", "pacs may call the device on 11112 (policy.conf:3)"},
	};
	static const struct flow_case shut[] = {
	        {"in tcp 10.20.9.77 10.20.1.10:22", NULL},
	        {"out tcp 10.20.1.10:22 10.20.9.77 reply", NULL},
	};
	struct wall wall;
	(void)state;
	wall_make(&wall, host);
	RUN(&wall, shut);
	open_window(&wall, 0, "10.20.9.77", NULL, 22, true, 71 * 60000 + 59999);
	RUN(&wall, cases);
	wall_drop(&wall);
}

static void how_long_still(void **state)
{
	static const struct {
		uint64_t ms;
		const char *reason;
	} times[] = {
	        {59999, "a service window is open for 2001:db8::77 to the box on 443, for 59 seconds more "
	                "(alice: tube)"},
	        {119999, "a service window is open for 2001:db8::77 to the box on 443, for 119 seconds more "
	                 "(alice: tube)"},
	        {120000, "a service window is open for 2001:db8::77 to the box on 443, for 2 minutes more "
	                 "(alice: tube)"},
	        {7200000,
	         "a service window is open for 2001:db8::77 to the box on 443, for 2 hours more (alice: tube)"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct wall wall;
		wall_make(&wall, bridge);
		open_window(&wall, 0, "2001:db8::77", NULL, 443, true, times[i].ms);
		const struct flow_case one[] = {{"in tcp 2001:db8::77 [2001:db8:9::1]:443", times[i].reason}};
		RUN(&wall, one);
		wall_drop(&wall);
	}
}

static void to_a_device(const char *policy, size_t table)
{
	static const struct flow_case cases[] = {
	        {"forward tcp 10.20.9.77 10.20.1.10:5900",
	         "a service window is open for 10.20.9.77 to ct on 5900, for 30 seconds more (alice: tube)"},
	        {"forward tcp 10.20.1.10:5900 10.20.9.77 reply",
	         "it answers 10.20.9.77 -> 10.20.1.10 tcp 5900: a service window is open for 10.20.9.77 to ct "
	         "on "
	         "5900, for 30 seconds more (alice: tube)"},
	        {"forward icmp/3 10.20.1.10 10.20.9.77 related tcp 10.20.9.77 10.20.1.10:5900",
	         "an error about 10.20.9.77 -> 10.20.1.10 tcp 5900: a service window is open for 10.20.9.77 to "
	         "ct on "
	         "5900, for 30 seconds more (alice: tube)"},
	        {"forward tcp 10.20.9.77 10.20.1.11:5900", NULL},
	        {"forward tcp 10.20.1.10 10.20.9.77:5900", NULL},
	        {"in tcp 10.20.9.77 10.20.1.10:5900", NULL},
	        {"forward tcp 2001:db8::77 [2001:db8:1::10]:22",
	         "a service window is open for 2001:db8::77 to ct on 22, for 30 seconds more (alice: tube)"},
	};
	struct wall wall;
	wall_make(&wall, policy);
	open_window(&wall, table, "10.20.9.77", "10.20.1.10", 5900, true, 30000);
	open_window(&wall, table, "2001:db8::77", "2001:db8:1::10", 22, true, 30000);
	RUN(&wall, cases);
	wall_drop(&wall);
}

static void through_a_gateway(void **state)
{
	(void)state;
	to_a_device(router, 0);
	to_a_device(bridge, 1);
	// A router itself sends errors about what it passes on.
	static const struct flow_case cases[] = {
	        {"out icmp/3 10.20.1.1 10.20.9.77 related tcp 10.20.9.77 10.20.1.10:5900",
	         "an error about 10.20.9.77 -> 10.20.1.10 tcp 5900: a service window is open for 10.20.9.77 to "
	         "ct on "
	         "5900, for 30 seconds more (alice: tube)"},
	};
	struct wall wall;
	wall_make(&wall, router);
	open_window(&wall, 0, "10.20.9.77", "10.20.1.10", 5900, true, 30000);
	RUN(&wall, cases);
	wall_drop(&wall);
}

// ---- text, differences ----

static void is_printed_with_what_is_left(void **state)
{
	struct wall wall;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	wall_make(&wall, host);
	ruleset_print(&wall.ruleset, &out);
	assert_non_null(strstr(out.data, "\tset access4 {\n"
	                                 "\t\ttype ipv4_addr . inet_service\n"
	                                 "\t\tflags timeout\n"
	                                 "\t\tsize 64\n"
	                                 "\t\tcounter\n"
	                                 "\t\tcomment \"service windows, each until its timeout\"\n"
	                                 "\t}\n"));
	buffer_fini(&out);
	open_window(&wall, 0, "10.20.9.77", NULL, 22, true, 1500);
	ruleset_print(&wall.ruleset, &out);
	assert_non_null(strstr(out.data, "\t\telements = {\n"
	                                 "\t\t\t10.20.9.77 . 22 timeout 1500ms comment \"alice: tube\"\n"
	                                 "\t\t}\n"));
	buffer_fini(&out);
	wall_drop(&wall);
}

static bool collect(void *context, const struct ruleset_difference *difference)
{
	ruleset_difference_print(difference, NULL, context);
	buffer_text(context, "\n");
	return true;
}

// What verify says of one element in the kernel, and the same turned round: the wall meant has no say.
static void expect(bool expires, uint64_t ms, const char *expected)
{
	struct wall meant, found;
	struct buffer out = BUFFER_EMPTY;
	wall_make(&meant, host);
	wall_make(&found, host);
	open_window(&found, 0, "10.20.9.77", NULL, 22, expires, ms);
	size_t count = ruleset_compare(&meant.ruleset, &found.ruleset, collect, &out);
	assert_int_equal(count, expected != NULL);
	assert_string_equal(out.data ? out.data : "", expected ? expected : "");
	buffer_fini(&out);
	assert_int_equal(ruleset_compare(&found.ruleset, &meant.ruleset, NULL, NULL), 0);
	wall_drop(&found);
	wall_drop(&meant);
}

static void a_window_is_no_difference(void **state)
{
	(void)state;
	expect(true, 1, NULL);
	expect(true, RULESET_TIMED_SECONDS_MAX * 1000ull, NULL);
}

static void anything_else_in_its_place_is(void **state)
{
	(void)state;
	expect(false, 0,
	       "table inet leadglass: set access4: extra 10.20.9.77 . 22, open without an end \"alice: "
	       "tube\"\n");
	expect(true, RULESET_TIMED_SECONDS_MAX * 1000ull + 1,
	       "table inet leadglass: set access4: extra 10.20.9.77 . 22, open for longer than a service "
	       "window may be "
	       "\"alice: tube\"\n");
	// The place itself.
	struct wall meant, found;
	struct buffer out = BUFFER_EMPTY;
	wall_make(&meant, host);
	wall_make(&found, host);
	open_window(&found, 0, "10.20.9.77", NULL, 22, true, 1000)->timed = false;
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, collect, &out), 2);
	assert_string_equal(
	        out.data, "table inet leadglass: set access4 is ipv4_addr . inet_service counter size 64, not "
	                  "ipv4_addr . inet_service timeout counter size 64\n"
	                  "table inet leadglass: set access4: extra 10.20.9.77 . 22, open without an end "
	                  "\"alice: tube\"\n");
	buffer_fini(&out);
	wall_drop(&found);
	wall_drop(&meant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_wall_has_the_place),
	        cmocka_unit_test(to_the_machine),
	        cmocka_unit_test(how_long_still),
	        cmocka_unit_test(through_a_gateway),
	        cmocka_unit_test(is_printed_with_what_is_left),
	        cmocka_unit_test(a_window_is_no_difference),
	        cmocka_unit_test(anything_else_in_its_place_is),
	};
	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
