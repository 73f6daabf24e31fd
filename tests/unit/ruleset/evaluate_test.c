// SPDX-License-Identifier: GPL-2.0-or-later
//
// The evaluator walks rules as the kernel does, down to what it does when a packet has not got what a rule asks
// for.
#include "wall.h"

static struct prefix address4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct prefix){.octets = {a, b, c, d}, .family = ADDRESS_IPV4, .length = 32};
}

static struct packet tcp_packet(void)
{
	struct packet p = {
	        .hook = HOOK_INPUT,
	        .table = RULESET_INET,
	        .ether_type = 0x0800,
	        .source = address4(10, 20, 0, 5),
	        .destination = address4(10, 20, 1, 10),
	        .protocol = TRANSPORT_TCP,
	        .source_port = 50000,
	        .destination_port = 104,
	        .hop_limit = 64,
	        .in_interface = "eth0",
	        .ct_state = CT_NEW,
	        .ct_protocol = TRANSPORT_TCP,
	        .ct_destination_port = 104,
	};
	p.ct_source = p.source;
	p.ct_destination = p.destination;
	return p;
}

static bool accepts(struct bench *bench, const struct packet *packet)
{
	struct outcome outcome;
	assert_int_equal(ruleset_build_end(&bench->b), 0);
	ruleset_evaluate(&bench->ruleset, packet, &outcome);
	return outcome.accepted;
}

// One rule `FIELD VALUE accept` and its opposite, asked about the packet.
static void check_compare(const struct packet *packet, enum ruleset_field field, const void *value, bool equal,
                          bool differs)
{
	for (int negated = 0; negated < 2; negated++) {
		struct bench bench;
		bench_make(&bench, packet->table);
		bench_rule(&bench);
		if (negated)
			ruleset_match_not(&bench.b, field, value);
		else
			ruleset_match(&bench.b, field, value);
		ruleset_verdict(&bench.b, VERDICT_ACCEPT);
		bench.ruleset.tables[0].chains[bench.input].hook = packet->hook;
		if (accepts(&bench, packet) != (negated ? differs : equal))
			fail_msg("%s, %s: wrong", ruleset_field_info(field)->nft, negated ? "!=" : "==");
		ruleset_fini(&bench.ruleset);
	}
}

static void holds(const struct packet *packet, enum ruleset_field field, const void *value)
{
	check_compare(packet, field, value, true, false);
}

static void holds_not(const struct packet *packet, enum ruleset_field field, const void *value)
{
	check_compare(packet, field, value, false, true);
}

// What is not there equals nothing and differs from nothing.
static void is_absent(const struct packet *packet, enum ruleset_field field)
{
	uint8_t zero[16] = {0};
	check_compare(packet, field, zero, false, false);
}

static void every_field(void **state)
{
	struct packet p = tcp_packet();
	uint32_t one = 1, two = 2, states = CT_NEW | CT_INVALID, other = CT_ESTABLISHED;
	(void)state;
	holds(&p, FIELD_IIF, &two);
	p.loopback = true;
	holds(&p, FIELD_IIF, &one);
	is_absent(&p, FIELD_OIF);
	is_absent(&p, FIELD_OIFNAME);
	holds(&p, FIELD_IIFNAME, "eth0\0\0\0\0\0\0\0\0\0\0\0");
	holds_not(&p, FIELD_IIFNAME, "eth1\0\0\0\0\0\0\0\0\0\0\0");
	holds(&p, FIELD_NFPROTO, (uint8_t[]){NETWORK_4});
	holds(&p, FIELD_L4PROTO, (uint8_t[]){TRANSPORT_TCP});
	holds(&p, FIELD_ETHER_TYPE, (uint8_t[]){0x08, 0x00});
	holds(&p, FIELD_IP_SADDR, (uint8_t[]){10, 20, 0, 5});
	holds(&p, FIELD_IP_DADDR, (uint8_t[]){10, 20, 1, 10});
	is_absent(&p, FIELD_IP6_SADDR);
	is_absent(&p, FIELD_IP6_HOPLIMIT);
	holds(&p, FIELD_TH_SPORT, (uint8_t[]){0xc3, 0x50});
	holds(&p, FIELD_TH_DPORT, (uint8_t[]){0, 104});
	is_absent(&p, FIELD_ICMP_TYPE);
	is_absent(&p, FIELD_ARP_OPERATION);
	is_absent(&p, FIELD_ETHER_SADDR); // no frame header where the box itself receives
	holds(&p, FIELD_CT_STATE, &states);
	holds_not(&p, FIELD_CT_STATE, &other);
	holds(&p, FIELD_CT_DIRECTION, (uint8_t[]){0});
	holds(&p, FIELD_CT_PROTOCOL, (uint8_t[]){TRANSPORT_TCP});
	holds(&p, FIELD_CT_ORIGINAL_IP_SADDR, (uint8_t[]){10, 20, 0, 5});
	holds(&p, FIELD_CT_ORIGINAL_IP_DADDR, (uint8_t[]){10, 20, 1, 10});
	is_absent(&p, FIELD_CT_ORIGINAL_IP6_DADDR);
	holds(&p, FIELD_CT_ORIGINAL_PROTO_DST, (uint8_t[]){0, 104});
	holds(&p, FIELD_FIB_REVERSE, (uint8_t[]){1});
	p.spoofed = true;
	holds(&p, FIELD_FIB_REVERSE, (uint8_t[]){0});
	p.hook = HOOK_OUTPUT;
	is_absent(&p, FIELD_IIF);
	is_absent(&p, FIELD_IIFNAME);
	is_absent(&p, FIELD_FIB_REVERSE);
	p.hook = HOOK_INPUT;
	p.in_interface[0] = '\0';
	is_absent(&p, FIELD_IIFNAME);
}

static void every_field_of_ipv6_and_icmp(void **state)
{
	struct packet p = tcp_packet();
	struct prefix six = {.family = ADDRESS_IPV6, .length = 128, .octets = {0xfe, 0x80, [15] = 1}};
	(void)state;
	p.protocol = TRANSPORT_ICMP;
	p.icmp_type = 8;
	holds(&p, FIELD_ICMP_TYPE, (uint8_t[]){8});
	is_absent(&p, FIELD_ICMPV6_TYPE);
	is_absent(&p, FIELD_TH_DPORT);
	p.ether_type = 0x86dd;
	p.source = p.destination = p.ct_source = p.ct_destination = six;
	p.protocol = TRANSPORT_ICMP6;
	p.hop_limit = 255;
	holds(&p, FIELD_NFPROTO, (uint8_t[]){NETWORK_6});
	holds(&p, FIELD_ICMPV6_TYPE, (uint8_t[]){8});
	holds(&p, FIELD_IP6_HOPLIMIT, (uint8_t[]){255});
	holds(&p, FIELD_IP6_SADDR, six.octets);
	holds(&p, FIELD_IP6_DADDR, six.octets);
	holds(&p, FIELD_CT_ORIGINAL_IP6_SADDR, six.octets);
	holds(&p, FIELD_CT_ORIGINAL_IP6_DADDR, six.octets);
	is_absent(&p, FIELD_IP_SADDR);
	is_absent(&p, FIELD_CT_ORIGINAL_IP_SADDR);
}

static void without_a_connection(void **state)
{
	static const uint32_t refused[] = {CT_INVALID, CT_UNTRACKED};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct packet p = tcp_packet();
		p.ct_state = refused[i];
		holds(&p, FIELD_CT_STATE, &refused[i]);
		is_absent(&p, FIELD_CT_DIRECTION);
		is_absent(&p, FIELD_CT_PROTOCOL);
		is_absent(&p, FIELD_CT_ORIGINAL_IP_SADDR);
		is_absent(&p, FIELD_CT_ORIGINAL_PROTO_DST);
	}
}

static void every_field_of_frames(void **state)
{
	struct packet p = tcp_packet();
	uint32_t invalid = CT_INVALID;
	(void)state;
	p.table = RULESET_BRIDGE;
	p.hook = HOOK_FORWARD;
	p.ether_source = (struct mac){{1, 2, 3, 4, 5, 6}};
	p.ether_destination = (struct mac){{6, 5, 4, 3, 2, 1}};
	p.arp_source = (struct mac){{9, 9, 9, 9, 9, 9}};
	p.arp_operation = 2;
	memcpy(p.arp_format, packet_arp_format, sizeof p.arp_format);
	memcpy(p.out_interface, "hospital", 9);
	holds(&p, FIELD_ETHER_SADDR, p.ether_source.octets);
	holds(&p, FIELD_ETHER_DADDR, p.ether_destination.octets);
	holds(&p, FIELD_OIFNAME, "hospital\0\0\0\0\0\0\0");
	is_absent(&p, FIELD_ARP_SADDR_IP);
	p.ether_type = 0x0806;
	holds(&p, FIELD_ARP_OPERATION, (uint8_t[]){0, 2});
	holds(&p, FIELD_ARP_FORMAT, (uint8_t[]){0, 1, 8, 0, 6, 4});
	is_absent(&p, FIELD_LLC);
	holds(&p, FIELD_ARP_SADDR_ETHER, p.arp_source.octets);
	holds(&p, FIELD_ARP_SADDR_IP, p.source.octets);
	holds(&p, FIELD_ARP_DADDR_IP, p.destination.octets);
	holds(&p, FIELD_CT_STATE, &invalid);
	is_absent(&p, FIELD_NFPROTO);
	is_absent(&p, FIELD_L4PROTO);
	is_absent(&p, FIELD_IP_SADDR);
	is_absent(&p, FIELD_TH_DPORT);
	is_absent(&p, FIELD_FIB_REVERSE);
	p.ether_type = PACKET_802_2;
	memcpy(p.llc, "\x42\x42\x03", 3);
	holds(&p, FIELD_LLC, p.llc);
	holds(&p, FIELD_CT_STATE, &invalid);
	is_absent(&p, FIELD_ARP_FORMAT);
	is_absent(&p, FIELD_ARP_OPERATION);
}

static void lookups(void **state)
{
	struct bench bench;
	struct packet p = tcp_packet();
	struct outcome outcome;
	(void)state;
	bench_make(&bench, RULESET_INET);
	for (uint8_t i = 0; i < 50; i++)
		ruleset_build_element(&bench.b, bench.pair4, (uint8_t[8]){10, 20, 0, i, 0, 104}, NULL,
		                      (struct ruleset_origin){.at = i});
	ruleset_build_element(&bench.b, bench.triple4, (uint8_t[12]){10, 20, 0, 0, 10, 20, 1, 10, 0, 100},
	                      (uint8_t[12]){10, 20, 0, 255, 10, 20, 1, 10, 0, 110}, (struct ruleset_origin){0});
	bench_rule(&bench);
	bench_look(&bench, bench.triple4, FIELD_IP_SADDR, FIELD_IP_DADDR, FIELD_TH_DPORT);
	bench_look(&bench, bench.pair4, FIELD_IP_SADDR, FIELD_TH_DPORT, FIELD_NONE);
	ruleset_verdict(&bench.b, VERDICT_ACCEPT);
	assert_true(accepts(&bench, &p));
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_string_equal(outcome.set->name, "pair4"); // the last one it went through
	assert_int_equal(outcome.element, 5);
	assert_ptr_equal(outcome.chain, &bench.ruleset.tables[0].chains[bench.input]);
	assert_ptr_equal(outcome.rule, &outcome.chain->rules[0]);

	p.source.octets[3] = 50;
	assert_false(accepts(&bench, &p));
	p.source.octets[3] = 49;
	assert_true(accepts(&bench, &p));
	p.destination_port = 105; // in the interval, not in the hash set
	assert_false(accepts(&bench, &p));
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_null(outcome.rule);
	assert_null(outcome.set);
	assert_string_equal(outcome.chain->name, "input");
	ruleset_fini(&bench.ruleset);
}

static void lookups_of_absence(void **state)
{
	struct bench bench;
	struct packet p = tcp_packet();
	struct outcome outcome;
	(void)state;
	bench_make(&bench, RULESET_INET);
	ruleset_build_element(&bench.b, bench.pair4, (uint8_t[8]){10, 20, 0, 5, 0, 104}, NULL,
	                      (struct ruleset_origin){0});
	bench_rule(&bench);
	ruleset_lookup_absent(&bench.b, bench.pair4, (enum ruleset_field[]){FIELD_IP_SADDR, FIELD_TH_DPORT}, 2);
	ruleset_verdict(&bench.b, VERDICT_ACCEPT);
	assert_false(accepts(&bench, &p));
	p.destination_port = 105;
	assert_true(accepts(&bench, &p));
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_null(outcome.set);
	p.protocol = 47; // no ports: neither in the set nor not in it
	assert_false(accepts(&bench, &p));
	ruleset_fini(&bench.ruleset);
}

static void rules_in_order(void **state)
{
	struct bench bench;
	struct packet p = tcp_packet();
	struct outcome outcome;
	(void)state;
	bench_make(&bench, RULESET_INET);
	bench_rule(&bench); // no verdict: goes on, limit and log pass
	ruleset_limit(&bench.b, 1, 1, 1);
	ruleset_log(&bench.b, 5, "x");
	bench_rule(&bench);
	ruleset_match_u8(&bench.b, FIELD_L4PROTO, TRANSPORT_UDP);
	ruleset_verdict(&bench.b, VERDICT_ACCEPT);
	bench_rule(&bench);
	ruleset_counter(&bench.b);
	ruleset_verdict(&bench.b, VERDICT_DROP);
	bench_rule(&bench);
	ruleset_verdict(&bench.b, VERDICT_ACCEPT);
	assert_false(accepts(&bench, &p));
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_ptr_equal(outcome.rule, &outcome.chain->rules[2]);
	p.protocol = TRANSPORT_UDP;
	assert_true(accepts(&bench, &p));
	ruleset_fini(&bench.ruleset);
}

static void goto_does_not_come_back(void **state)
{
	struct bench bench;
	struct packet p = tcp_packet();
	struct outcome outcome;
	(void)state;
	bench_make(&bench, RULESET_INET);
	bench_rule(&bench);
	ruleset_goto(&bench.b, bench.errors);
	bench_rule(&bench);
	ruleset_verdict(&bench.b, VERDICT_ACCEPT);
	ruleset_build_rule(&bench.b, bench.errors, (struct ruleset_origin){0}, "c");
	ruleset_match_u8(&bench.b, FIELD_L4PROTO, TRANSPORT_UDP);
	ruleset_verdict(&bench.b, VERDICT_ACCEPT);
	assert_false(accepts(&bench, &p));
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_null(outcome.rule);
	assert_string_equal(outcome.chain->name, "input"); // whose policy decided
	bench.ruleset.tables[0].chains[bench.input].accepts = true;
	assert_true(accepts(&bench, &p));
	bench.ruleset.tables[0].chains[bench.input].accepts = false;
	p.protocol = TRANSPORT_UDP;
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_true(outcome.accepted);
	assert_string_equal(outcome.chain->name, "input_errors");

	ruleset_build_rule(&bench.b, bench.errors, (struct ruleset_origin){0}, "c");
	ruleset_goto(&bench.b, bench.errors);
	p.protocol = TRANSPORT_TCP;
	assert_false(accepts(&bench, &p)); // ends
	ruleset_fini(&bench.ruleset);
}

static void hooks_and_tables(void **state)
{
	struct bench bench;
	struct packet p = tcp_packet();
	struct outcome outcome;
	(void)state;
	bench_make(&bench, RULESET_INET);
	assert_false(accepts(&bench, &p));
	p.hook = HOOK_FORWARD;
	ruleset_evaluate(&bench.ruleset, &p, &outcome);
	assert_true(outcome.accepted); // nobody there to drop it
	assert_null(outcome.chain);
	p.hook = HOOK_INPUT;
	p.table = RULESET_BRIDGE;
	assert_true(accepts(&bench, &p));
	// Two chains on one hook: an accept ends the one, a drop ends it all.
	p.table = RULESET_INET;
	bench.ruleset.tables[0].chains[bench.input].accepts = true;
	bench.ruleset.tables[0].chains[bench.errors].hook = HOOK_INPUT;
	assert_false(accepts(&bench, &p));
	ruleset_fini(&bench.ruleset);
}

static const char host_policy[] =
        "role host\n"
        "device d { ae-title D; port 11112 }\n"
        "peer pacs { address 10.20.0.5 2001:db8::5; ae-title P; port 104; initiates echo\n"
        "accepts echo }\n"
        "peer ris { address 10.20.0.9; ae-title R; port 104; initiates worklist }\n"
        "manage { from 10.20.9.0/24; interface eth0 }\n";

static void compiled_host(void **state)
{
	static const struct {
		const char *flow;
		bool accepted;
	} cases[] = {
	        {"in tcp 10.20.0.5 10.20.1.1:11112", true},
	        {"in tcp 10.20.0.5 10.20.1.1:11112 established", true},
	        {"out tcp 10.20.1.1:11112 10.20.0.5 reply", true},
	        {"out tcp 10.20.1.1:11112 10.20.0.5:49152", false}, // the device may not begin it from there
	        {"in tcp 10.20.0.5:104 10.20.1.1 reply", true},
	        {"in tcp 10.20.0.5:104 10.20.1.1:49152", false},
	        {"in tcp 2001:db8::5 [2001:db8::1]:11112", true},
	        {"in tcp 2001:db8::6 [2001:db8::1]:11112", false},
	        {"in udp 10.20.0.5 10.20.1.1:11112", false},
	        {"in tcp 10.20.0.9 10.20.1.1:11112", false},
	        {"out tcp 10.20.1.1 10.20.0.9:104", true},
	        {"in tcp 10.20.9.1 10.20.1.1:22 iif eth0", true},
	        {"in tcp 10.20.9.1 10.20.1.1:22 iif eth1", false},
	        {"in tcp 10.20.9.1 10.20.1.1:22", false},
	        // who manages the machine is let in by another way too; all others are not
	        {"in tcp 10.20.9.1 10.20.1.1:22 iif eth0 spoofed", true},
	        {"in tcp 10.20.9.1 10.20.1.1:23 iif eth0 spoofed", false},
	        {"in tcp 10.20.0.5 10.20.1.1:11112 invalid", false},
	        {"in icmp/3 10.20.7.1 10.20.1.1 related tcp 10.20.1.1 10.20.0.9:104", true},
	        {"in icmp/3 10.20.7.1 10.20.1.1 related tcp 10.20.1.1 10.20.0.9:105", false},
	        {"in icmp/3 10.20.7.1 10.20.1.1 related udp 10.20.1.1 10.20.0.9:104", false},
	        {"in icmp/5 10.20.7.1 10.20.1.1 related tcp 10.20.1.1 10.20.0.9:104", false},
	        {"in tcp 10.20.0.5 10.20.1.1:20 related", false},
	        {"in icmpv6/135 fe80::1 fe80::2", true},
	        {"forward tcp 10.20.0.5 10.20.1.1:11112", false},
	        {"out tcp 127.0.0.1 127.0.0.1:80", true},
	};
	struct wall wall;
	(void)state;
	wall_make(&wall, host_policy);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (wall_accepts(&wall, cases[i].flow) != cases[i].accepted)
			fail_msg("%s: %s", cases[i].flow, cases[i].accepted ? "dropped" : "accepted");
	struct packet packet = wall_packet(&wall.policy, "in icmpv6/135 fe80::1 fe80::2");
	struct outcome outcome;
	packet.hop_limit = 254;
	ruleset_evaluate(&wall.ruleset, &packet, &outcome);
	assert_false(outcome.accepted);
	wall_drop(&wall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_field),
	        cmocka_unit_test(every_field_of_ipv6_and_icmp),
	        cmocka_unit_test(without_a_connection),
	        cmocka_unit_test(every_field_of_frames),
	        cmocka_unit_test(lookups),
	        cmocka_unit_test(lookups_of_absence),
	        cmocka_unit_test(rules_in_order),
	        cmocka_unit_test(goto_does_not_come_back),
	        cmocka_unit_test(hooks_and_tables),
	        cmocka_unit_test(compiled_host),
	};
	return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
