// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is compiled is proven, in every role; and each fault that is planted in the wall is found, with a packet
// that shows it.
#include <errno.h>
#include <netinet/in.h>

#include "prove/prove.h"
#include "wall.h"

// The Nth allocation from now on fails; 0: none.
static size_t fail_at;

void *__real_realloc(void *memory, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(void)
{
	return fail_at && --fail_at == 0;
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

static const char host[] = "role host\n"
                           "device ct { ae-title CT; port 11112; address 10.20.1.10 2001:db8:1::10 }\n"
                           "peer pacs { address 10.20.0.5 2001:db8:20::5; ae-title P; port 104\n"
                           "	initiates storage; accepts echo }\n"
                           "peer ws { address 10.20.3.0/28; ae-title W; port 4006; initiates print }\n"
                           "service dns { to 10.20.0.53 }\n"
                           "service dhcp\n"
                           "service ping { from 10.20.9.0/24 }\n"
                           "service vnc { tcp 5900-5903 from 10.20.9.8 }\n"
                           "manage { from 10.20.9.0/24; interface eth0 eth1; port 22 443 }\n";

static const char router[] =
        "role router\n"
        "box { address 10.20.1.1/24 }\n"
        "device ct { address 10.20.1.10 2001:db8:1::10; ae-title CT; port 11112 }\n"
        "device mr { address 10.20.1.11; ae-title MR; port 104 }\n"
        "peer pacs { address 10.20.0.5 2001:db8:20::5; ae-title P; port 104 105\n"
        "	initiates storage; accepts echo }\n"
        "peer ws { address 10.20.3.0/28; devices mr; ae-title W; port 4006; accepts print }\n"
        "service dns { to 10.20.0.53 }\n"
        "service ntp for box { to 10.20.0.123 }\n"
        "service dhcp for box { to 10.20.0.67 }\n"
        "manage { from 10.20.9.0/24; port 22 }\n";

static const char bridge[] =
        "role bridge\n"
        "box { address 10.20.1.250/24; interface service }\n"
        "device ct { address 10.20.1.10; ae-title CT; port 11112; mac 00:1b:21:aa:00:03 }\n"
        "device mr { address 2001:db8:1::11; ae-title MR; port 104; mac 00:1b:21:aa:00:04 }\n"
        "device us { address 10.20.1.12 2001:db8:1::12; ae-title US; port 104 }\n"
        "peer pacs { address 10.20.0.5 2001:db8:20::5; ae-title P; port 104\n"
        "	initiates storage; accepts echo }\n"
        "peer ws { address 10.20.3.0/28; devices us; ae-title W; port 4006; accepts print }\n"
        "service dns { to 10.20.0.53 }\n"
        "service dhcp\n"
        "service ping { from 10.20.9.0/24; to 10.20.0.1 }\n"
        "manage { from 10.20.9.0/24; port 22 }\n"
        "pass eapol stp\n";

static const char *const policies[] = {host, router, bridge};

// The first difference, and all classes.
struct seen {
	struct prove_class first;
	uint64_t differences;
	size_t most; // then it has had enough; 0: never
	size_t count;
};

static bool see(void *context, const struct prove_class *class)
{
	struct seen *seen = context;
	if (class->accepts != class->outcome.accepted && seen->differences++ == 0)
		seen->first = *class;
	return ++seen->count != seen->most;
}

static struct seen ask(struct wall *wall)
{
	struct seen seen = {0};
	struct prove_result result;
	int r = prove(&wall->policy, &wall->ruleset, see, &seen, &wall->problems, &result);
	if (r < 0)
		fail_msg("%s", wall->problems.count ? wall->problems.items[0].what : strerror(-r));
	assert_int_equal(result.differences, seen.differences);
	assert_int_equal(result.classes, seen.count);
	return seen;
}

static void all_roles_are_proven(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		struct wall wall;
		struct buffer strange = BUFFER_EMPTY;
		wall_make(&wall, policies[i]);
		struct seen seen = ask(&wall);
		assert_int_equal(seen.differences, 0);
		assert_in_range(seen.count, 500, 5000);
		assert_int_equal(prove_strange(&wall.ruleset, &strange), 0);
		buffer_fini(&strange);
		wall_drop(&wall);
	}
}

// ---- faults ----

static struct ruleset_set *set_of(struct wall *wall, size_t table, const char *name)
{
	for (size_t i = 0; i < wall->ruleset.tables[table].set_count; i++)
		if (strcmp(wall->ruleset.tables[table].sets[i].name, name) == 0)
			return &wall->ruleset.tables[table].sets[i];
	fail_msg("no set %s", name);
	return NULL;
}

static struct ruleset_chain *chain_of(struct wall *wall, size_t table, const char *name)
{
	for (size_t i = 0; i < wall->ruleset.tables[table].chain_count; i++)
		if (strcmp(wall->ruleset.tables[table].chains[i].name, name) == 0)
			return &wall->ruleset.tables[table].chains[i];
	fail_msg("no chain %s", name);
	return NULL;
}

static struct ruleset_rule *rule_of(struct wall *wall, size_t table, const char *chain, const char *comment)
{
	struct ruleset_chain *c = chain_of(wall, table, chain);
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->rules[i].comment, comment) == 0)
			return &c->rules[i];
	fail_msg("no rule '%s'", comment);
	return NULL;
}

static void swap_rules(struct ruleset_chain *chain, size_t a, size_t b)
{
	struct ruleset_rule rule = chain->rules[a];
	chain->rules[a] = chain->rules[b];
	chain->rules[b] = rule;
}

static void drop_statement(struct ruleset_rule *rule, enum ruleset_statement_kind kind,
                           enum ruleset_field field)
{
	for (size_t i = 0; i < rule->count; i++) {
		const struct ruleset_statement *s = &rule->statements[i];
		if (s->kind != kind || (kind == STATEMENT_COMPARE && s->compare.field != field))
			continue;
		memmove(rule->statements + i, rule->statements + i + 1, (rule->count - i - 1) * sizeof *s);
		rule->count--;
		return;
	}
	fail_msg("no such statement");
}

static void widen_prefix(struct wall *wall)
{
	struct ruleset_set *set = set_of(wall, 0, "initiates_nets4");
	set->keys[set->key_size + 4 + 3] = 0x1f; // 10.20.3.0/28 becomes /27
}

static void swap_port(struct wall *wall)
{
	struct ruleset_set *set = set_of(wall, 0, "accepts4");
	set->keys[set->key_size - 3] ^= 1; // 11112 becomes 11113
}

static void extra_element(struct wall *wall)
{
	struct ruleset_set *set = set_of(wall, 0, "accepts4");
	struct ruleset_builder b;
	uint8_t key[RULESET_KEY_MAX];
	memcpy(key, set->keys, set->key_size);
	key[3]++;
	for (size_t i = 0; i < set->count; i++)
		free(set->details[i].comment);
	free(set->details);
	set->details = NULL;
	ruleset_build(&b, &wall->ruleset);
	b.table = &wall->ruleset.tables[0];
	ruleset_build_element(&b, (uint32_t)(set - b.table->sets), key, NULL, (struct ruleset_origin){0});
	assert_int_equal(ruleset_build_end(&b), 0);
}

static void take_last(struct ruleset_set *set)
{
	set->count--;
	if (set->details)
		free(set->details[set->count].comment);
}

static void missing_element(struct wall *wall)
{
	take_last(set_of(wall, 0, "initiates6"));
}

static void missing_type(struct wall *wall)
{
	take_last(set_of(wall, 0, "icmp_errors"));
}

static void dropped_protocol(struct wall *wall)
{
	drop_statement(rule_of(wall, 0, "input", "associations peers open (accepts)"), STATEMENT_COMPARE,
	               FIELD_L4PROTO);
}

static void dropped_hop_limit(struct wall *wall)
{
	drop_statement(rule_of(wall, 0, "input", "IPv6 neighbour discovery, on the link only (RFC 4861)"),
	               STATEMENT_COMPARE, FIELD_IP6_HOPLIMIT);
}

static void dropped_direction(struct wall *wall)
{
	drop_statement(rule_of(wall, 0, "output_errors", "errors about: associations devices open (initiates)"),
	               STATEMENT_COMPARE, FIELD_CT_DIRECTION);
}

static void dropped_interface(struct wall *wall)
{
	drop_statement(rule_of(wall, 0, "input", "manage"), STATEMENT_LOOKUP, FIELD_NONE);
}

static void out_of_order(struct wall *wall)
{
	struct ruleset_chain *chain = chain_of(wall, 0, "input");
	swap_rules(chain, 0, chain->count - 1);
}

static void spoofed_last(struct wall *wall)
{
	struct ruleset_chain *chain = chain_of(wall, 0, "forward");
	swap_rules(chain, 1, chain->count - 1); // the rule that drops what is spoofed; both drop and count
}

// An accept of everything that belongs to a connection, in a chain where a set has to be asked.
static void wrong_chain(struct wall *wall)
{
	struct ruleset_chain *from = chain_of(wall, 0, "input"), *to = chain_of(wall, 0, "forward");
	for (size_t i = 0; i < from->count; i++)
		if (strcmp(from->rules[i].comment, "manage") == 0) {
			struct ruleset_rule rule = to->rules[0];
			to->rules[0] = from->rules[i];
			from->rules[i] = rule;
			return;
		}
}

static void accepting_chain(struct wall *wall)
{
	struct ruleset_chain *chain = chain_of(wall, 0, "output");
	chain->accepts = true;
	chain->rules[chain->count - 1].count = 0; // the rule that drops what is left
}

static void no_chain(struct wall *wall)
{
	chain_of(wall, 0, "forward")->hook = HOOK_NONE;
}

static void goto_elsewhere(struct wall *wall)
{
	struct ruleset_rule *rule = rule_of(wall, 0, "input", "errors about known connections");
	rule->statements[rule->count - 1].verdict.verdict = VERDICT_ACCEPT;
}

static void wrong_field(struct wall *wall)
{
	struct ruleset_rule *rule = rule_of(wall, 0, "input", "associations peers open (accepts)");
	for (size_t i = 0; i < rule->count; i++)
		if (rule->statements[i].kind == STATEMENT_LOOKUP)
			rule->statements[i].lookup.fields[2] = FIELD_TH_SPORT;
}

static void dropped_arp_format(struct wall *wall)
{
	drop_statement(rule_of(wall, 1, "frames", "ARP about IPv4 and Ethernet (RFC 826)"), STATEMENT_COMPARE,
	               FIELD_ARP_FORMAT);
}

static void dropped_llc(struct wall *wall)
{
	drop_statement(rule_of(wall, 1, "frames", "pass stp"), STATEMENT_COMPARE, FIELD_LLC);
}

static void other_mac(struct wall *wall)
{
	set_of(wall, 1, "device_macs4")->keys[5]++;
}

static void other_frame(struct wall *wall)
{
	struct ruleset_rule *rule = rule_of(wall, 1, "frames", "pass eapol");
	rule->statements[0].compare.value[1]++;
}

static void group_as_source(struct wall *wall)
{
	struct ruleset_rule *rule = rule_of(wall, 1, "discovery", "neighbour discovery to a device's group");
	for (size_t i = 0; i < rule->count; i++)
		if (rule->statements[i].kind == STATEMENT_LOOKUP)
			rule->statements[i].lookup.fields[0] = FIELD_IP6_SADDR;
}

static void narrow_discovery(struct wall *wall)
{
	take_last(set_of(wall, 1, "link_local6")); // found by prove() when the compiler left it out
}

// A fault, and a packet that shows it: the first that is found, of those that a person would try.
static void faults_are_found(void **state)
{
	static const struct {
		const char *name, *policy;
		void (*plant)(struct wall *wall);
		bool accepts; // the policy, of the first packet found
	} faults[] = {
	        {"a widened prefix", host, widen_prefix, false},
	        {"a swapped port", host, swap_port, true},
	        {"an extra element", host, extra_element, false},
	        {"a missing element", host, missing_element, true},
	        {"a missing ICMP type", host, missing_type, true},
	        {"a dropped protocol", host, dropped_protocol, false},
	        {"a dropped hop limit", host, dropped_hop_limit, false},
	        {"a dropped direction", host, dropped_direction, false},
	        {"a dropped interface", host, dropped_interface, false},
	        {"a rule out of order", host, out_of_order, true},
	        {"a chain that accepts", host, accepting_chain, false},
	        {"a chain that is gone", host, no_chain, false},
	        {"errors accepted", host, goto_elsewhere, false},
	        {"the wrong port looked up", host, wrong_field, true},
	        {"what is spoofed dropped last", router, spoofed_last, true},
	        {"an accept in the wrong chain", router, wrong_chain, true},
	        {"ARP of any format", bridge, dropped_arp_format, false},
	        {"any LLC frame", bridge, dropped_llc, false},
	        {"another MAC", bridge, other_mac, true},
	        {"another frame", bridge, other_frame, true},
	        {"a group as the source", bridge, group_as_source, true},
	        {"discovery too narrow", bridge, narrow_discovery, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct wall wall;
		wall_make(&wall, faults[i].policy);
		faults[i].plant(&wall);
		for (size_t t = 0; t < wall.ruleset.table_count; t++)
			for (size_t s = 0; s < wall.ruleset.tables[t].set_count; s++)
				ruleset_finish_set(&wall.ruleset.tables[t].sets[s]);
		struct seen seen = ask(&wall);
		if (!seen.differences)
			fail_msg("%s: not found", faults[i].name);
		if (seen.first.accepts != faults[i].accepts)
			fail_msg("%s: found the wrong way round", faults[i].name);
		assert_non_null(seen.first.sentence);
		wall_drop(&wall);
	}
}

// Every packet that is shown, when it can be said in words, is the packet that the words are about.
static bool check_words(void *context, const struct prove_class *class)
{
	struct wall *wall = context;
	struct buffer words = BUFFER_EMPTY, unsaid = BUFFER_EMPTY;
	prove_words(&wall->policy, &class->packet, &words, &unsaid);
	if (unsaid.size == 0 && wall_accepts(wall, words.data) != class->outcome.accepted)
		fail_msg("%s: the ruleset says otherwise", words.data);
	buffer_fini(&words);
	buffer_fini(&unsaid);
	return true;
}

static void words_are_the_packet(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		struct wall wall;
		struct prove_result result;
		wall_make(&wall, policies[i]);
		assert_int_equal(
		        prove(&wall.policy, &wall.ruleset, check_words, &wall, &wall.problems, &result), 0);
		wall_drop(&wall);
	}
}

static void the_packet_is_shown(void **state)
{
	struct wall wall;
	struct buffer words = BUFFER_EMPTY, unsaid = BUFFER_EMPTY;
	struct source_place place;
	(void)state;
	wall_make(&wall, host);
	swap_port(&wall);
	struct seen seen = ask(&wall);
	prove_words(&wall.policy, &seen.first.packet, &words, &unsaid);
	assert_string_equal(words.data, "in tcp 10.20.0.5:49152 10.20.1.10:11112 iif eth0");
	assert_int_equal(unsaid.size, 0);
	assert_string_equal(seen.first.sentence, "a connection that the policy grants");
	assert_int_equal(source_locate(&wall.policy.sources, seen.first.at, &place), 0);
	assert_int_equal(place.line, 3);
	buffer_fini(&words);
	buffer_fini(&unsaid);
	wall_drop(&wall);
}

// Ten thousand peers that are granted the same are not more classes than ten.
static void peers_alike_are_one_class(void **state)
{
	size_t counts[2];
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		struct buffer text = BUFFER_EMPTY;
		struct wall wall;
		buffer_text(&text, "role router\ndevice ct { address 10.250.0.1; ae-title CT; port 11112 }\n");
		for (unsigned i = 0; i < (round ? 1000u : 10u); i++)
			buffer_printf(&text,
			              "peer p%u { address 10.0.%u.%u; ae-title P; port 104; initiates echo }\n",
			              i, i / 100, i % 100 * 2);
		wall_make(&wall, text.data);
		struct seen seen = ask(&wall);
		assert_int_equal(seen.differences, 0);
		counts[round] = seen.count;
		wall_drop(&wall);
		buffer_fini(&text);
	}
	assert_int_equal(counts[0], counts[1]);
}

// A service window is granted as long as it is open; what is in its set and is none is a difference.
static void windows(void **state)
{
	(void)state;
	for (int honest = 0; honest < 2; honest++) {
		struct wall wall;
		struct prove_result result;
		uint8_t key[RULESET_KEY_MAX] = {10, 20, 9, 77, 0x17, 0x0c};
		struct ruleset_builder b;
		struct seen seen = {0};
		wall_make(&wall, host);
		struct ruleset_set *set = set_of(&wall, 0, "access4");
		ruleset_build(&b, &wall.ruleset);
		b.table = &wall.ruleset.tables[0];
		ruleset_build_element(&b, (uint32_t)(set - b.table->sets), key, NULL,
		                      (struct ruleset_origin){0});
		assert_int_equal(ruleset_build_end(&b), 0);
		set->details = calloc(1, sizeof *set->details);
		set->details[0] = (struct ruleset_detail){.expires = honest, .left_ms = 60000};
		assert_int_equal(prove(&wall.policy, &wall.ruleset, see, &seen, &wall.problems, &result), 0);
		assert_int_equal(result.windows, honest);
		assert_int_equal(seen.differences != 0, !honest);
		wall_drop(&wall);
	}
}

static void strange_rules(void **state)
{
	struct wall wall;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	wall_make(&wall, host);
	chain_of(&wall, 0, "input")->rules[0].foreign = strdup("expression quota");
	chain_of(&wall, 0, "forward")->hook = HOOK_OTHER;
	set_of(&wall, 0, "accepts4")->foreign = strdup("flags 0x40");
	chain_of(&wall, 0, "output")->rules[0].statements[0].compare.value[0] = 7;
	assert_int_equal(prove_strange(&wall.ruleset, &out), 4);
	assert_non_null(strstr(out.data, "chain input: rule 1 ("));
	assert_non_null(strstr(out.data, "expression quota"));
	assert_non_null(strstr(out.data, "set accepts4: flags 0x40"));
	assert_non_null(strstr(out.data, "an interface is told by its number"));
	buffer_fini(&out);
	wall_drop(&wall);
}

static void enough(void **state)
{
	struct wall wall;
	struct prove_result result;
	struct seen seen = {.most = 7};
	(void)state;
	wall_make(&wall, host);
	assert_int_equal(prove(&wall.policy, &wall.ruleset, see, &seen, &wall.problems, &result), -ECANCELED);
	assert_int_equal(seen.count, 7);
	wall_drop(&wall);
}

static void out_of_memory(void **state)
{
	struct wall wall;
	struct prove_result result;
	int r = -ENOMEM;
	size_t n = 0;
	(void)state;
	wall_make(&wall, bridge);
	while (r == -ENOMEM) {
		fail_at = ++n;
		r = prove(&wall.policy, &wall.ruleset, NULL, NULL, &wall.problems, &result);
	}
	assert_true(fail_at > 0); // more than there are
	fail_at = 0;
	assert_int_equal(r, 0);
	assert_in_range(n, 50, 100000);
	wall_drop(&wall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_roles_are_proven),
	        cmocka_unit_test(faults_are_found),
	        cmocka_unit_test(words_are_the_packet),
	        cmocka_unit_test(the_packet_is_shown),
	        cmocka_unit_test(peers_alike_are_one_class),
	        cmocka_unit_test(windows),
	        cmocka_unit_test(strange_rules),
	        cmocka_unit_test(enough),
	        cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests_name("prove", tests, NULL, NULL);
}
