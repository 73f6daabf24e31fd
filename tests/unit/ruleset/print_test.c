// SPDX-License-Identifier: GPL-2.0-or-later
//
// The text of rules, elements and sets: what goes without saying is left out, and nothing else.
#include "wall.h"

static struct ruleset_rule *last_rule(struct bench *bench)
{
	assert_int_equal(ruleset_build_end(&bench->b), 0);
	struct ruleset_chain *chain = &bench->ruleset.tables[0].chains[bench->input];
	return &chain->rules[chain->count - 1];
}

// Ends the rule with accept and holds its text against `expected`.
static void expect(struct bench *bench, const char *expected)
{
	struct buffer out = BUFFER_EMPTY;
	ruleset_verdict(&bench->b, VERDICT_ACCEPT);
	ruleset_print_rule(&bench->ruleset.tables[0], last_rule(bench), &out);
	char wanted[256];
	snprintf(wanted, sizeof wanted, "%s accept comment \"c\"", expected);
	assert_string_equal(out.data, wanted);
	buffer_fini(&out);
}

static void network(struct bench *bench, uint8_t value)
{
	ruleset_match_u8(&bench->b, FIELD_NFPROTO, value);
}

static void transport(struct bench *bench, uint8_t value)
{
	ruleset_match_u8(&bench->b, FIELD_L4PROTO, value);
}

static void leaves_out_what_nft_adds(void **state)
{
	struct bench bench;
	(void)state;
	bench_make(&bench, RULESET_INET);

	bench_rule(&bench);
	network(&bench, NETWORK_4);
	transport(&bench, TRANSPORT_TCP);
	bench_look(&bench, bench.pair4, FIELD_IP_SADDR, FIELD_TH_DPORT, FIELD_NONE);
	expect(&bench, "ip saddr . tcp dport @pair4");

	bench_rule(&bench);
	ruleset_match_u8(&bench.b, FIELD_CT_DIRECTION, 1);
	network(&bench, NETWORK_6);
	transport(&bench, TRANSPORT_UDP);
	bench_look(&bench, bench.pair6, FIELD_IP6_DADDR, FIELD_TH_SPORT, FIELD_NONE);
	expect(&bench, "ct direction reply ip6 daddr . udp sport @pair6");

	bench_rule(&bench);
	network(&bench, NETWORK_4);
	transport(&bench, TRANSPORT_ICMP);
	bench_look(&bench, bench.types4, FIELD_ICMP_TYPE, FIELD_NONE, FIELD_NONE);
	ruleset_match_u8(&bench.b, FIELD_CT_PROTOCOL, TRANSPORT_TCP);
	bench_look(&bench, bench.pair4, FIELD_CT_ORIGINAL_IP_DADDR, FIELD_CT_ORIGINAL_PROTO_DST, FIELD_NONE);
	expect(&bench, "icmp type @types4 ct protocol tcp ct original ip daddr . ct original proto-dst @pair4");

	bench_rule(&bench);
	network(&bench, NETWORK_6);
	ruleset_match_u8(&bench.b, FIELD_IP6_HOPLIMIT, 255);
	transport(&bench, TRANSPORT_ICMP6);
	bench_look(&bench, bench.types6, FIELD_ICMPV6_TYPE, FIELD_NONE, FIELD_NONE);
	expect(&bench, "ip6 hoplimit 255 icmpv6 type @types6");

	bench_rule(&bench);
	transport(&bench, TRANSPORT_UDP);
	ruleset_match_port(&bench.b, FIELD_TH_SPORT, 68);
	network(&bench, NETWORK_4);
	ruleset_match(&bench.b, FIELD_IP_DADDR, (uint8_t[]){255, 255, 255, 255});
	expect(&bench, "udp sport 68 ip daddr 255.255.255.255");

	ruleset_fini(&bench.ruleset);
}

static void keeps_what_nft_would_not_add(void **state)
{
	struct bench bench;
	(void)state;
	bench_make(&bench, RULESET_INET);

	bench_rule(&bench); // ports alone need no network
	network(&bench, NETWORK_4);
	transport(&bench, TRANSPORT_TCP);
	ruleset_match_port(&bench.b, FIELD_TH_DPORT, 22);
	expect(&bench, "meta nfproto ipv4 tcp dport 22");

	bench_rule(&bench); // an address alone needs no transport
	network(&bench, NETWORK_4);
	transport(&bench, TRANSPORT_TCP);
	ruleset_match(&bench.b, FIELD_IP_SADDR, (uint8_t[]){10, 20, 0, 5});
	expect(&bench, "meta nfproto ipv4 meta l4proto tcp ip saddr 10.20.0.5");

	bench_rule(&bench); // nft would ask in the other order
	transport(&bench, TRANSPORT_TCP);
	network(&bench, NETWORK_4);
	bench_look(&bench, bench.pair4, FIELD_IP_SADDR, FIELD_TH_DPORT, FIELD_NONE);
	expect(&bench, "meta l4proto tcp ip saddr . tcp dport @pair4");

	bench_rule(&bench); // something lies between
	network(&bench, NETWORK_4);
	ruleset_match_state(&bench.b, CT_NEW | CT_ESTABLISHED);
	ruleset_match(&bench.b, FIELD_IP_SADDR, (uint8_t[]){10, 20, 0, 5});
	expect(&bench, "meta nfproto ipv4 ct state established,new ip saddr 10.20.0.5");

	bench_rule(&bench); // the wrong one: loads, and never matches
	network(&bench, NETWORK_6);
	ruleset_match(&bench.b, FIELD_IP_SADDR, (uint8_t[]){10, 20, 0, 5});
	expect(&bench, "meta nfproto ipv6 ip saddr 10.20.0.5");

	bench_rule(&bench); // not "not"
	ruleset_match_not(&bench.b, FIELD_NFPROTO, (uint8_t[]){NETWORK_4});
	ruleset_match_u8(&bench.b, FIELD_L4PROTO, 47);
	expect(&bench, "meta nfproto != ipv4 meta l4proto 47");

	bench_rule(&bench); // needed by nothing
	network(&bench, NETWORK_4);
	bench_look(&bench, bench.pair4, FIELD_CT_ORIGINAL_IP_SADDR, FIELD_CT_ORIGINAL_PROTO_DST, FIELD_NONE);
	expect(&bench, "meta nfproto ipv4 ct original ip saddr . ct original proto-dst @pair4");

	bench_rule(&bench); // the last statement but the verdict
	transport(&bench, TRANSPORT_UDP);
	expect(&bench, "meta l4proto udp");

	ruleset_fini(&bench.ruleset);
}

static void bridge_asks_for_the_frame_type(void **state)
{
	struct bench bench;
	(void)state;
	bench_make(&bench, RULESET_BRIDGE);

	bench_rule(&bench);
	ruleset_match_port(&bench.b, FIELD_ETHER_TYPE, 0x0800);
	transport(&bench, TRANSPORT_TCP);
	bench_look(&bench, bench.triple4, FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_TH_DPORT);
	expect(&bench, "ip saddr . ip daddr . tcp dport @triple4");

	bench_rule(&bench); // here nft would look into the frame instead
	ruleset_match_port(&bench.b, FIELD_ETHER_TYPE, 0x0800);
	transport(&bench, TRANSPORT_ICMP);
	bench_look(&bench, bench.types4, FIELD_ICMP_TYPE, FIELD_NONE, FIELD_NONE);
	expect(&bench, "meta protocol ip icmp type @types4");

	bench_rule(&bench);
	ruleset_match_port(&bench.b, FIELD_ETHER_TYPE, 0x0806);
	ruleset_match_port(&bench.b, FIELD_ARP_OPERATION, 1);
	bench_look(&bench, bench.macs4, FIELD_ARP_SADDR_ETHER, FIELD_ARP_SADDR_IP, FIELD_NONE);
	expect(&bench, "meta protocol arp arp operation request arp saddr ether . arp saddr ip @macs4");

	bench_rule(&bench);
	ruleset_match_port(&bench.b, FIELD_ETHER_TYPE, 0x88a8);
	expect(&bench, "meta protocol 0x88a8");

	ruleset_fini(&bench.ruleset);
}

static void spells_statements(void **state)
{
	struct bench bench;
	struct buffer out = BUFFER_EMPTY;
	uint32_t loopback = 1, other = 7;
	(void)state;
	bench_make(&bench, RULESET_INET);
	bench_rule(&bench);
	ruleset_match(&bench.b, FIELD_IIF, &loopback);
	ruleset_match(&bench.b, FIELD_OIF, &other);
	ruleset_match_name(&bench.b, FIELD_IIFNAME, "eth*");
	ruleset_lookup_absent(&bench.b, bench.names, (enum ruleset_field[]){FIELD_OIFNAME}, 1);
	ruleset_match_u8(&bench.b, FIELD_FIB_REVERSE, 0);
	ruleset_match_state(&bench.b, CT_INVALID);
	ruleset_limit(&bench.b, 10, 60, 5);
	ruleset_log(&bench.b, 5, "leadglass \"input\": ");
	ruleset_counter(&bench.b);
	ruleset_goto(&bench.b, bench.errors);
	ruleset_print_rule(&bench.ruleset.tables[0], last_rule(&bench), &out);
	assert_string_equal(out.data,
	                    "iif \"lo\" oif 7 iifname \"eth\\*\" oifname != @names fib saddr . iif oif missing "
	                    "ct state invalid limit rate 10/minute burst 5 packets "
	                    "log prefix \"leadglass 'input': \" group 5 counter goto input_errors "
	                    "comment \"c\"");
	buffer_fini(&out);
	ruleset_fini(&bench.ruleset);
}

static void foreign_text_is_shown(void **state)
{
	struct bench bench;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	bench_make(&bench, RULESET_INET);
	bench_rule(&bench);
	ruleset_counter(&bench.b);
	struct ruleset_rule *rule = last_rule(&bench);
	rule->foreign = strdup("masquerade");
	free(rule->comment);
	rule->comment = strdup("line\none \"quoted\"");
	ruleset_print_rule(&bench.ruleset.tables[0], rule, &out);
	assert_string_equal(out.data, "counter (masquerade) comment \"line?one 'quoted'\"");
	buffer_fini(&out);
	ruleset_fini(&bench.ruleset);
}

static void spells_elements(void **state)
{
	static const struct {
		uint8_t first[12], last[12];
		const char *text;
	} cases[] = {
	        {{10, 20, 0, 0, 0, 0, 0, 0, 0, 104},
	         {10, 20, 0, 255, 255, 255, 255, 255, 0, 104},
	         "10.20.0.0/24 . 0.0.0.0/0 . 104"},
	        {{10, 20, 0, 5, 10, 20, 1, 1, 0, 104},
	         {10, 20, 0, 5, 10, 20, 1, 2, 0, 106},
	         "10.20.0.5 . 10.20.1.1-10.20.1.2 . 104-106"},
	        {{10, 20, 0, 2, 10, 20, 1, 0, 0, 0},
	         {10, 20, 0, 3, 10, 20, 1, 2, 255, 255},
	         "10.20.0.2/31 . 10.20.1.0-10.20.1.2 . 0-65535"},
	        {{10, 20, 0, 127, 0, 0, 0, 1, 0, 1},
	         {10, 20, 0, 128, 0, 0, 0, 1, 0, 1},
	         "10.20.0.127-10.20.0.128 . 0.0.0.1 . 1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench bench;
		struct buffer out = BUFFER_EMPTY;
		bench_make(&bench, RULESET_INET);
		ruleset_build_element(&bench.b, bench.triple4, cases[i].first, cases[i].last,
		                      (struct ruleset_origin){0});
		assert_int_equal(ruleset_build_end(&bench.b), 0);
		ruleset_print_element(&bench.ruleset.tables[0].sets[bench.triple4], 0, &out);
		assert_string_equal(out.data, cases[i].text);
		buffer_fini(&out);
		ruleset_fini(&bench.ruleset);
	}
}

static void spells_types(void **state)
{
	enum ruleset_type pair[2] = {TYPE_IPV4_ADDR, TYPE_ICMP_TYPE};
	struct bench bench;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	bench_make(&bench, RULESET_INET);
	uint32_t pings = ruleset_build_set(&bench.b, "pings", pair, 2, true, NULL);
	ruleset_build_element(&bench.b, pings, (uint8_t[8]){10, 0, 0, 1, 8}, (uint8_t[8]){10, 0, 0, 1, 8},
	                      (struct ruleset_origin){0});
	ruleset_build_element(&bench.b, pings, (uint8_t[8]){10, 0, 0, 2, 0}, (uint8_t[8]){10, 0, 0, 2, 8},
	                      (struct ruleset_origin){0});
	ruleset_build_element(&bench.b, bench.names, (const uint8_t *)"eth0\0\0\0\0\0\0\0\0\0\0\0\0", NULL,
	                      (struct ruleset_origin){0});
	ruleset_build_element(&bench.b, bench.types6, (uint8_t[4]){135}, NULL, (struct ruleset_origin){0});
	ruleset_build_element(&bench.b, bench.types6, (uint8_t[4]){200}, NULL, (struct ruleset_origin){0});
	ruleset_build_element(&bench.b, bench.macs4,
	                      (uint8_t[12]){0, 0x1b, 0x21, 0xaa, 0, 3, 0, 0, 10, 20, 1, 10}, NULL,
	                      (struct ruleset_origin){0});
	assert_int_equal(ruleset_build_end(&bench.b), 0);
	const struct ruleset_set *sets = bench.ruleset.tables[0].sets;
	ruleset_print_element(&sets[pings], 0, &out);
	buffer_text(&out, ", ");
	ruleset_print_element(&sets[pings], 1, &out);
	buffer_text(&out, ", ");
	ruleset_print_element(&sets[bench.names], 0, &out);
	buffer_text(&out, ", ");
	ruleset_print_element(&sets[bench.types6], 0, &out);
	buffer_text(&out, ", ");
	ruleset_print_element(&sets[bench.types6], 1, &out);
	buffer_text(&out, ", ");
	ruleset_print_element(&sets[bench.macs4], 0, &out);
	assert_string_equal(out.data,
	                    "10.0.0.1 . echo-request, 10.0.0.2 . 0-8, \"eth0\", nd-neighbor-solicit, 200, "
	                    "00:1b:21:aa:00:03 . 10.20.1.10");
	buffer_fini(&out);
	ruleset_fini(&bench.ruleset);
}

static void prints_a_table(void **state)
{
	struct ruleset ruleset;
	struct ruleset_builder b;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	ruleset_init(&ruleset);
	ruleset_build(&b, &ruleset);
	ruleset_build_table(&b, RULESET_INET);
	enum ruleset_type types[2] = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE};
	uint32_t hash = ruleset_build_set(&b, "accepts4", types, 2, false, "who may call");
	ruleset_build_element(&b, hash, (uint8_t[8]){10, 20, 0, 5, 0, 104}, NULL, (struct ruleset_origin){0});
	ruleset_build_element(&b, hash, (uint8_t[8]){10, 20, 0, 6, 0, 104}, NULL, (struct ruleset_origin){0});
	ruleset_build_set(&b, "empty", types, 1, true, NULL);
	uint32_t input = ruleset_build_chain(&b, "input", HOOK_INPUT, -200);
	ruleset_build_chain(&b, "other", HOOK_NONE, 0);
	ruleset_build_rule(&b, input, (struct ruleset_origin){0}, "default deny");
	ruleset_counter(&b);
	ruleset_verdict(&b, VERDICT_DROP);
	assert_int_equal(ruleset_build_end(&b), 0);
	struct ruleset_set *set = &ruleset.tables[0].sets[0];
	set->size = 64;
	set->detailed = true;
	set->details = calloc(2, sizeof *set->details);
	assert_non_null(set->details);
	set->details[0].comment = strdup("main-pacs policy.conf:14");
	ruleset.tables[0].sets[1].constant = true;

	ruleset_print(&ruleset, &out);
	const char *text = strchr(out.data, '\n');
	while (text[1] == '#') // what the text is for is not a contract
		text = strchr(text + 1, '\n');
	assert_string_equal(text, "\n"
	                          "add table inet leadglass\n"
	                          "delete table inet leadglass\n"
	                          "\n"
	                          "table inet leadglass {\n"
	                          "\tset accepts4 {\n"
	                          "\t\ttype ipv4_addr . inet_service\n"
	                          "\t\tsize 64\n"
	                          "\t\tcounter\n"
	                          "\t\tcomment \"who may call\"\n"
	                          "\t\telements = {\n"
	                          "\t\t\t10.20.0.5 . 104 comment \"main-pacs policy.conf:14\",\n"
	                          "\t\t\t10.20.0.6 . 104\n"
	                          "\t\t}\n"
	                          "\t}\n"
	                          "\n"
	                          "\tset empty {\n"
	                          "\t\ttype ipv4_addr\n"
	                          "\t\tflags constant, interval\n"
	                          "\t}\n"
	                          "\n"
	                          "\tchain input {\n"
	                          "\t\ttype filter hook input priority -200; policy drop;\n"
	                          "\t\tcounter drop comment \"default deny\"\n"
	                          "\t}\n"
	                          "\n"
	                          "\tchain other {\n"
	                          "\t}\n"
	                          "}\n");
	buffer_fini(&out);
	ruleset_fini(&ruleset);
}

static unsigned failing_at; // the Nth realloc from now fails; 0: none
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
	if (failing_at && --failing_at == 0)
		return NULL;
	return __real_realloc(memory, size);
}

static void says_when_memory_runs_out(void **state)
{
	struct wall wall;
	unsigned failures = 0;
	(void)state;
	wall_make(&wall, "role host\ndevice d { ae-title D; port 104 }\n"
	                 "peer p { address 10.20.0.5; ae-title P; port 104; initiates echo }\n");
	for (unsigned at = 1;; at++) {
		struct buffer out = BUFFER_EMPTY;
		failing_at = at;
		ruleset_print(&wall.ruleset, &out);
		bool reached = failing_at == 0;
		failing_at = 0;
		assert_int_equal(buffer_failed(&out), reached);
		failures += reached;
		buffer_fini(&out);
		if (!reached)
			break;
	}
	assert_true(failures > 2);
	wall_drop(&wall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(leaves_out_what_nft_adds),
	        cmocka_unit_test(keeps_what_nft_would_not_add),
	        cmocka_unit_test(bridge_asks_for_the_frame_type),
	        cmocka_unit_test(spells_statements),
	        cmocka_unit_test(foreign_text_is_shown),
	        cmocka_unit_test(spells_elements),
	        cmocka_unit_test(spells_types),
	        cmocka_unit_test(prints_a_table),
	        cmocka_unit_test(says_when_memory_runs_out),
	};
	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
