// SPDX-License-Identifier: GPL-2.0-or-later
//
// Differences between two walls: each is found, once, and said so that a person knows what to look at.
#include "wall.h"

// A small wall; the tests change a copy of it.
static void small_wall(struct bench *bench)
{
	bench_make(bench, RULESET_INET);
	for (uint8_t i = 1; i <= 5; i++)
		ruleset_build_element(&bench->b, bench->pair4, (uint8_t[8]){10, 20, 0, i, 0, 104}, NULL,
		                      (struct ruleset_origin){0});
	ruleset_build_element(&bench->b, bench->prefixes4, (uint8_t[4]){10, 0, 0, 0},
	                      (uint8_t[4]){10, 255, 255, 255}, (struct ruleset_origin){0});
	for (uint16_t port = 1; port <= 4; port++) {
		ruleset_build_rule(&bench->b, bench->input, (struct ruleset_origin){0}, "port %u", port);
		ruleset_match_u8(&bench->b, FIELD_L4PROTO, TRANSPORT_TCP);
		ruleset_match_port(&bench->b, FIELD_TH_DPORT, port);
		ruleset_verdict(&bench->b, VERDICT_ACCEPT);
	}
	bench_rule(bench);
	bench_look(bench, bench->pair4, FIELD_IP_SADDR, FIELD_TH_DPORT, FIELD_NONE);
	ruleset_goto(&bench->b, bench->errors);
	bench_rule(bench);
	ruleset_limit(&bench->b, 10, 1, 5);
	ruleset_log(&bench->b, 5, "x: ");
	bench_rule(bench);
	ruleset_counter(&bench->b);
	ruleset_verdict(&bench->b, VERDICT_DROP);
	assert_int_equal(ruleset_build_end(&bench->b), 0);
}

static bool collect(void *context, const struct ruleset_difference *difference)
{
	struct buffer *out = context;
	ruleset_difference_print(difference, NULL, out);
	buffer_text(out, "\n");
	return true;
}

// Differences of `found` from the small wall, one a line without "table inet leadglass".
static void expect(struct bench *found, const char *expected)
{
	struct bench meant;
	struct buffer out = BUFFER_EMPTY, wanted = BUFFER_EMPTY;
	size_t lines = 0;
	small_wall(&meant);
	size_t count = ruleset_compare(&meant.ruleset, &found->ruleset, collect, &out);
	for (const char *line = expected; *line;) {
		size_t size = strcspn(line, "\n");
		buffer_printf(&wanted, "table inet leadglass%s%.*s\n", line[0] == ' ' ? "" : ": ", (int)size,
		              line);
		line += size + (line[size] == '\n');
		lines++;
	}
	assert_string_equal(out.data ? out.data : "", wanted.data ? wanted.data : "");
	assert_int_equal(count, lines);
	assert_int_equal(ruleset_compare(&meant.ruleset, &found->ruleset, NULL, NULL), lines);
	buffer_fini(&out);
	buffer_fini(&wanted);
	ruleset_fini(&meant.ruleset);
	ruleset_fini(&found->ruleset);
}

static struct ruleset_chain *input(struct bench *bench)
{
	return &bench->ruleset.tables[0].chains[bench->input];
}

static void no_difference(void **state)
{
	struct bench found;
	(void)state;
	small_wall(&found);
	struct ruleset_table *table = &found.ruleset.tables[0];
	input(&found)->rules[0].handle = 7; // what does not count
	input(&found)->rules[6].packets = 7;
	input(&found)->rules[0].origin.at = 7;
	table->sets[found.pair4].size = 64;
	table->sets[found.pair4].origins[0].at = 99;
	free(table->sets[found.pair4].origins);
	table->sets[found.pair4].origins = NULL;
	free(table->sets[found.pair4].comment);
	table->sets[found.pair4].comment = NULL;
	table->chains[found.errors].priority = 5; // of no hook
	expect(&found, "");
}

static void remove_rule(struct ruleset_chain *chain, size_t index)
{
	free(chain->rules[index].statements);
	free(chain->rules[index].comment);
	memmove(&chain->rules[index], &chain->rules[index + 1],
	        (chain->count - index - 1) * sizeof *chain->rules);
	chain->count--;
}

// A rule `udp dport PORT accept` before rule `index`.
static void insert_rule(struct bench *bench, size_t index, uint16_t port)
{
	ruleset_build_rule(&bench->b, bench->input, (struct ruleset_origin){0}, "new");
	ruleset_match_u8(&bench->b, FIELD_L4PROTO, TRANSPORT_UDP);
	ruleset_match_port(&bench->b, FIELD_TH_DPORT, port);
	ruleset_verdict(&bench->b, VERDICT_ACCEPT);
	assert_int_equal(ruleset_build_end(&bench->b), 0);
	struct ruleset_chain *chain = input(bench);
	struct ruleset_rule rule = chain->rules[chain->count - 1];
	memmove(&chain->rules[index + 1], &chain->rules[index], (chain->count - 1 - index) * sizeof rule);
	chain->rules[index] = rule;
}

static void rules(void **state)
{
	struct bench found;
	(void)state;
	small_wall(&found);
	insert_rule(&found, 2, 53);
	expect(&found, "chain input: extra rule: udp dport 53 accept comment \"new\"");

	small_wall(&found);
	insert_rule(&found, 0, 53);
	expect(&found, "chain input: extra rule: udp dport 53 accept comment \"new\"");

	small_wall(&found);
	insert_rule(&found, 7, 53);
	expect(&found, "chain input: extra rule: udp dport 53 accept comment \"new\"");

	small_wall(&found);
	remove_rule(input(&found), 6);
	expect(&found, "chain input: rule missing: counter drop comment \"c\"");

	small_wall(&found);
	remove_rule(input(&found), 1);
	expect(&found, "chain input: rule missing: tcp dport 2 accept comment \"port 2\"");

	small_wall(&found); // one gone at the front, one more at the back
	remove_rule(input(&found), 0);
	insert_rule(&found, 5, 53);
	expect(&found, "chain input: rule missing: tcp dport 1 accept comment \"port 1\"\n"
	               "chain input: extra rule: udp dport 53 accept comment \"new\"");

	small_wall(&found);
	input(&found)->rules[1].statements[1].compare.value[1] = 22;
	expect(&found,
	       "chain input: rule changed: tcp dport 22 accept comment \"port 2\"; meant: tcp dport 2 accept "
	       "comment \"port 2\"");

	small_wall(&found);
	struct ruleset_rule swap = input(&found)->rules[0];
	input(&found)->rules[0] = input(&found)->rules[1];
	input(&found)->rules[1] = swap;
	expect(&found, "chain input: rule missing: tcp dport 1 accept comment \"port 1\"\n"
	               "chain input: extra rule: tcp dport 1 accept comment \"port 1\"");

	small_wall(&found);
	free(input(&found)->rules[6].comment);
	input(&found)->rules[6].comment = NULL;
	expect(&found, "chain input: rule changed: counter drop; meant: counter drop comment \"c\"");

	small_wall(&found);
	input(&found)->rules[6].foreign = strdup("queue");
	expect(&found, "chain input: rule changed: counter drop (queue) comment \"c\"; meant: counter drop "
	               "comment \"c\"");
}

static void long_foreign_chains(void **state)
{
	struct bench found;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	small_wall(&found);
	for (uint16_t i = 0; i < 300; i++) // more than the comparison pairs up one by one
		insert_rule(&found, 3, (uint16_t)(1000 + i));
	struct bench meant;
	small_wall(&meant);
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, collect, &out), 300);
	assert_null(strstr(out.data, "missing"));
	buffer_fini(&out);
	ruleset_fini(&meant.ruleset);
	ruleset_fini(&found.ruleset);
}

static void statements(void **state)
{
	struct bench bench;
	(void)state;
	small_wall(&bench);
	const struct ruleset_table *table = &bench.ruleset.tables[0];
	const struct ruleset_rule *r = input(&bench)->rules;
	struct ruleset_statement lookup = r[4].statements[0], go = r[4].statements[1],
	                         limit = r[5].statements[0], log = r[5].statements[1],
	                         compare = r[0].statements[1];
#define EQUAL(a, b) ruleset_statement_equal(table, &(a), table, &(b))
	struct ruleset_statement s = lookup;
	assert_true(EQUAL(s, lookup));
	s.lookup.absent = true;
	assert_false(EQUAL(s, lookup));
	s = lookup;
	s.lookup.fields[0] = FIELD_IP_DADDR;
	assert_false(EQUAL(s, lookup));
	s = lookup;
	s.lookup.set = bench.pair6;
	assert_false(EQUAL(s, lookup));
	s = lookup;
	s.lookup.field_count = 1;
	assert_false(EQUAL(s, lookup));
	s = go;
	s.verdict.chain = bench.input;
	assert_false(EQUAL(s, go));
	s.verdict.verdict = VERDICT_ACCEPT;
	assert_false(EQUAL(s, go));
	s = limit;
	s.limit.rate++;
	assert_false(EQUAL(s, limit));
	s = limit;
	s.limit.seconds = 60;
	assert_false(EQUAL(s, limit));
	s = limit;
	s.limit.burst++;
	assert_false(EQUAL(s, limit));
	s = log;
	s.log.group++;
	assert_false(EQUAL(s, log));
	s = log;
	s.log.prefix[0] = 'y';
	assert_false(EQUAL(s, log));
	s = compare;
	s.compare.differs = true;
	assert_false(EQUAL(s, compare));
	s = compare;
	s.compare.field = FIELD_TH_SPORT;
	assert_false(EQUAL(s, compare));
	s = compare;
	s.compare.value[2] = 1; // beyond the two octets of a port
	assert_true(EQUAL(s, compare));
	assert_false(EQUAL(compare, lookup));
	ruleset_fini(&bench.ruleset);
}

static void chains(void **state)
{
	struct bench found;
	(void)state;
	small_wall(&found);
	input(&found)->accepts = true;
	expect(&found,
	       "chain input is hook input priority 0 policy accept, not hook input priority 0 policy drop");
	small_wall(&found);
	input(&found)->priority = 10;
	expect(&found,
	       "chain input is hook input priority 10 policy drop, not hook input priority 0 policy drop");
	small_wall(&found);
	input(&found)->hook = HOOK_OTHER;
	expect(&found,
	       "chain input is another hook priority 0 policy drop, not hook input priority 0 policy drop");
	small_wall(&found);
	memcpy(found.ruleset.tables[0].chains[found.errors].name, "elsewhere", 10);
	expect(&found,
	       "chain input: rule changed: ip saddr . th dport @pair4 goto elsewhere comment \"c\"; meant: "
	       "ip saddr . th dport @pair4 goto input_errors comment \"c\"\n"
	       "chain input_errors is missing\n"
	       "chain elsewhere is not ours");
}

static void sets(void **state)
{
	struct bench found;
	(void)state;
	small_wall(&found);
	found.ruleset.tables[0].sets[found.types4].constant = true;
	expect(&found, "set types4 is icmp_type constant, not icmp_type");
	small_wall(&found);
	found.ruleset.tables[0].sets[found.pair4].size = 4; // no room for the five
	expect(&found, "set pair4 is ipv4_addr . inet_service size 4, not ipv4_addr . inet_service");
	small_wall(&found);
	found.ruleset.tables[0].sets[found.pair4].types[1] = TYPE_ICMP_TYPE;
	expect(&found, "set pair4 is ipv4_addr . icmp_type, not ipv4_addr . inet_service");
	small_wall(&found);
	found.ruleset.tables[0].sets[found.pair4].foreign = strdup("timeout");
	expect(&found, "set pair4 is ipv4_addr . inet_service (timeout), not ipv4_addr . inet_service");
	small_wall(&found);
	memcpy(found.ruleset.tables[0].sets[found.prefixes4].name, "mine", 5);
	expect(&found, "set prefixes4 is missing, with its 1 elements\nset mine is not ours");
}

static void elements(void **state)
{
	struct bench found;
	(void)state;
	small_wall(&found);
	found.ruleset.tables[0].sets[found.pair4].count = 4;
	expect(&found, "set pair4: missing 10.20.0.5 . 104");
	small_wall(&found);
	uint8_t *keys = found.ruleset.tables[0].sets[found.pair4].keys;
	keys[2 * 8 + 5] = 105;
	expect(&found, "set pair4: missing 10.20.0.3 . 104\nset pair4: extra 10.20.0.3 . 105");
	small_wall(&found);
	ruleset_build_element(&found.b, found.pair4, (uint8_t[8]){10, 20, 0, 0, 0, 104}, NULL,
	                      (struct ruleset_origin){0});
	assert_int_equal(ruleset_finish_set(&found.ruleset.tables[0].sets[found.pair4]), 0);
	expect(&found, "set pair4: extra 10.20.0.0 . 104");
	small_wall(&found);
	found.ruleset.tables[0].sets[found.prefixes4].keys[7] =
	        127; // a shorter interval with the same beginning
	expect(&found, "set prefixes4: extra 10.0.0.0-10.255.255.127\nset prefixes4: missing 10.0.0.0/8");
}

static void comments_of_elements(void **state)
{
	static const char text[] = "role host\ndevice d { ae-title D; port 104 }\n"
	                           "peer p { address 10.20.0.5; ae-title P; port 104; initiates echo }\n";
	struct wall meant, found;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	wall_make(&meant, text);
	wall_make(&found, text);
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, collect, &out), 0);
	struct ruleset_set *sets = found.ruleset.tables[0].sets;
	for (size_t i = 0; i < found.ruleset.tables[0].set_count; i++)
		if (strcmp(sets[i].name, "initiates4") == 0)
			sets[i].details[0].comment[0] = 'q';
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, collect, &out), 1);
	assert_string_equal(out.data, "table inet leadglass: set initiates4: 10.20.0.5 . 104 has comment "
	                              "\"q policy.conf:3\", not \"p policy.conf:3\"\n");
	buffer_fini(&out);
	wall_drop(&found);
	wall_drop(&meant);
}

static bool print_with_sources(void *context, const struct ruleset_difference *difference)
{
	void **pair = context;
	ruleset_difference_print(difference, pair[0], pair[1]);
	return true;
}

static void quotes_the_policy(void **state)
{
	struct wall meant, found;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	wall_make(&meant, "role host\ndevice d { ae-title D; port 104 }\npeer p {\n"
	                  "address 10.20.0.5 10.20.0.6; ae-title P; port 104; initiates echo }\n");
	wall_make(&found, "role host\ndevice d { ae-title D; port 104 }\npeer p {\n"
	                  "address 10.20.0.5; ae-title P; port 104; initiates echo }\n");
	void *pair[2] = {&meant.policy.sources, &out};
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, print_with_sources, pair), 1);
	assert_string_equal(out.data, "table inet leadglass: set initiates4: missing 10.20.0.6 . 104 "
	                              "\"p policy.conf:4\" (policy.conf:4)");
	buffer_fini(&out);
	wall_drop(&found);
	wall_drop(&meant);
}

static void tables(void **state)
{
	struct bench found, meant, none = {0};
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	bench_make(&found, RULESET_BRIDGE);
	small_wall(&meant);
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, collect, &out), 2);
	assert_string_equal(out.data,
	                    "table inet leadglass is missing\ntable bridge leadglass should not be there\n");
	assert_int_equal(ruleset_compare(&none.ruleset, &none.ruleset, NULL, NULL), 0);
	assert_int_equal(ruleset_compare(&meant.ruleset, &none.ruleset, NULL, NULL), 1);
	buffer_fini(&out);
	ruleset_fini(&found.ruleset);
	ruleset_fini(&meant.ruleset);
}

static bool stop_at_second(void *context, const struct ruleset_difference *difference)
{
	size_t *count = context;
	(void)difference;
	return ++*count < 2;
}

static void stops_when_told(void **state)
{
	struct bench found, meant;
	size_t calls = 0;
	(void)state;
	small_wall(&meant);
	small_wall(&found);
	found.ruleset.tables[0].sets[found.pair4].count = 0;
	assert_int_equal(ruleset_compare(&meant.ruleset, &found.ruleset, stop_at_second, &calls), 2);
	assert_int_equal(calls, 2);
	found.ruleset.tables[0].sets[found.pair4].count = 5;
	ruleset_fini(&found.ruleset);
	ruleset_fini(&meant.ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_difference),
	        cmocka_unit_test(rules),
	        cmocka_unit_test(long_foreign_chains),
	        cmocka_unit_test(statements),
	        cmocka_unit_test(chains),
	        cmocka_unit_test(sets),
	        cmocka_unit_test(elements),
	        cmocka_unit_test(comments_of_elements),
	        cmocka_unit_test(quotes_the_policy),
	        cmocka_unit_test(tables),
	        cmocka_unit_test(stops_when_told),
	};
	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
