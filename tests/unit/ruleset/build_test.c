// SPDX-License-Identifier: GPL-2.0-or-later
//
// The builder is sticky: after a call that cannot be carried out none does anything, and the end refuses the
// wall. A statement left out in silence would make its rule wider.
#include "wall.h"

#include <errno.h>

static const enum ruleset_field peer_and_port[] = {FIELD_IP_SADDR, FIELD_TH_DPORT};
static const enum ruleset_type port_alone[] = {TYPE_INET_SERVICE};
static const enum ruleset_type too_many[] = {TYPE_IPV6_ADDR, TYPE_IPV6_ADDR, TYPE_IPV6_ADDR,
                                             TYPE_IPV6_ADDR, TYPE_IPV6_ADDR, TYPE_IPV6_ADDR};
static const char long_name[] = "a name that is longer than any that the kernel would take from anybody";
#define KEY ((uint8_t[8]){10, 20, 0, 1, 0, 104})
#define NOWHERE ((struct ruleset_origin){0})

// ---- what cannot be carried out ----

static void a_third_table(struct bench *bench)
{
	ruleset_build_table(&bench->b, RULESET_BRIDGE);
	ruleset_build_table(&bench->b, RULESET_BRIDGE);
}

static void a_set_without_a_name(struct bench *bench)
{
	ruleset_build_set(&bench->b, "", port_alone, 1, false, NULL);
}

static void a_chain_of_a_long_name(struct bench *bench)
{
	ruleset_build_chain(&bench->b, long_name, HOOK_NONE, 0);
}

static void a_set_of_nothing(struct bench *bench)
{
	ruleset_build_set(&bench->b, "x", port_alone, 0, false, NULL);
}

static void a_key_that_is_too_long(struct bench *bench)
{
	ruleset_build_set(&bench->b, "x", too_many, sizeof too_many / sizeof *too_many, false, NULL);
}

static void an_element_of_no_set(struct bench *bench)
{
	ruleset_build_element(&bench->b, 1000, KEY, NULL, NOWHERE);
}

static void an_interval_in_a_set_of_single_keys(struct bench *bench)
{
	ruleset_build_element(&bench->b, bench->pair4, KEY, KEY, NOWHERE);
}

static void a_single_key_in_a_set_of_intervals(struct bench *bench)
{
	ruleset_build_element(&bench->b, bench->prefixes4, KEY, NULL, NOWHERE);
}

static void a_rule_in_no_chain(struct bench *bench)
{
	ruleset_build_rule(&bench->b, 1000, NOWHERE, "c");
}

static void a_statement_after_the_verdict(struct bench *bench)
{
	ruleset_verdict(&bench->b, VERDICT_ACCEPT);
	ruleset_counter(&bench->b);
}

static void a_port_where_an_address_is(struct bench *bench)
{
	ruleset_match_port(&bench->b, FIELD_IP_SADDR, 104);
}

static void an_octet_where_a_port_is(struct bench *bench)
{
	ruleset_match_u8(&bench->b, FIELD_TH_DPORT, 104);
}

static void a_name_that_is_no_interface(struct bench *bench)
{
	ruleset_match_name(&bench->b, FIELD_IIFNAME, long_name);
}

static void a_lookup_in_no_set(struct bench *bench)
{
	ruleset_lookup(&bench->b, 1000, peer_and_port, 2);
}

static void a_lookup_of_half_a_key(struct bench *bench)
{
	ruleset_lookup(&bench->b, bench->pair4, peer_and_port, 1);
}

static void a_lookup_of_another_kind(struct bench *bench)
{
	ruleset_lookup(&bench->b, bench->pair6, peer_and_port, 2);
}

static void a_prefix_that_is_too_long(struct bench *bench)
{
	ruleset_log(&bench->b, 5,
	            "a prefix of drops that goes on and on until it is longer than 127 characters, which "
	            "is what the kernel would take from anybody, whatever for.");
}

static void a_jump_to_no_chain(struct bench *bench)
{
	ruleset_goto(&bench->b, 1000);
}

static const struct mistake {
	const char *name;
	void (*make)(struct bench *bench);
} mistakes[] = {
        {"a_third_table", a_third_table},
        {"a_set_without_a_name", a_set_without_a_name},
        {"a_chain_of_a_long_name", a_chain_of_a_long_name},
        {"a_set_of_nothing", a_set_of_nothing},
        {"a_key_that_is_too_long", a_key_that_is_too_long},
        {"an_element_of_no_set", an_element_of_no_set},
        {"an_interval_in_a_set_of_single_keys", an_interval_in_a_set_of_single_keys},
        {"a_single_key_in_a_set_of_intervals", a_single_key_in_a_set_of_intervals},
        {"a_rule_in_no_chain", a_rule_in_no_chain},
        {"a_statement_after_the_verdict", a_statement_after_the_verdict},
        {"a_port_where_an_address_is", a_port_where_an_address_is},
        {"an_octet_where_a_port_is", an_octet_where_a_port_is},
        {"a_name_that_is_no_interface", a_name_that_is_no_interface},
        {"a_lookup_in_no_set", a_lookup_in_no_set},
        {"a_lookup_of_half_a_key", a_lookup_of_half_a_key},
        {"a_lookup_of_another_kind", a_lookup_of_another_kind},
        {"a_prefix_that_is_too_long", a_prefix_that_is_too_long},
        {"a_jump_to_no_chain", a_jump_to_no_chain},
};

// ---- what comes of it ----

// One of each call; all of them are right in themselves.
static void all_calls(struct bench *bench)
{
	struct ruleset_builder *b = &bench->b;

	ruleset_build_element(b, bench->pair4, KEY, NULL, NOWHERE);
	ruleset_build_rule(b, bench->input, NOWHERE, "c");
	bench_look(bench, bench->pair4, FIELD_IP_SADDR, FIELD_TH_DPORT, FIELD_NONE);
	ruleset_match_u8(b, FIELD_L4PROTO, TRANSPORT_TCP);
	ruleset_match_port(b, FIELD_TH_DPORT, 104);
	ruleset_match_name(b, FIELD_IIFNAME, "eth0");
	ruleset_match_state(b, 1);
	ruleset_limit(b, 10, 1, 5);
	ruleset_log(b, 5, "x: ");
	ruleset_counter(b);
	ruleset_goto(b, bench->errors);
	ruleset_build_rule(b, bench->errors, NOWHERE, "d");
	ruleset_verdict(b, VERDICT_ACCEPT);
	ruleset_build_set(b, "more", port_alone, 1, false, "c");
	ruleset_build_chain(b, "more", HOOK_NONE, 0);
	ruleset_build_table(b, RULESET_BRIDGE);
}

static void print(const struct bench *bench, struct buffer *out)
{
	buffer_clear(out);
	ruleset_print(&bench->ruleset, out);
	assert_false(buffer_failed(out));
}

static void each_refuses_the_wall(void **state)
{
	struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		struct bench bench;
		bench_make(&bench, RULESET_INET);
		bench_rule(&bench);
		assert_int_equal(ruleset_build_end(&bench.b), 0);
		mistakes[i].make(&bench);
		print(&bench, &before);
		all_calls(&bench);
		print(&bench, &after);
		if (ruleset_build_end(&bench.b) != -EINVAL || strcmp(before.data, after.data) != 0)
			fail_msg("%s: %d\n%s", mistakes[i].name, ruleset_build_end(&bench.b), after.data);
		ruleset_fini(&bench.ruleset);
	}
	buffer_fini(&before);
	buffer_fini(&after);
}

// Else the test above would show nothing.
static void without_one_they_do_something(void **state)
{
	struct buffer before = BUFFER_EMPTY, after = BUFFER_EMPTY;
	struct bench bench;
	(void)state;
	bench_make(&bench, RULESET_INET);
	print(&bench, &before);
	all_calls(&bench);
	assert_int_equal(ruleset_build_end(&bench.b), 0);
	print(&bench, &after);
	assert_string_not_equal(before.data, after.data);
	ruleset_fini(&bench.ruleset);
	buffer_fini(&before);
	buffer_fini(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_refuses_the_wall),
	                                   cmocka_unit_test(without_one_they_do_something)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
