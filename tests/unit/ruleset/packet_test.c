// SPDX-License-Identifier: GPL-2.0-or-later
//
// Flows as people write them: what is read, what is filled in, and what is said about what is wrong.
#include "wall.h"

static const char gateway[] =
        "role %s\n"
        "box { address 10.20.1.250/24 }\n"
        "device ct-3 { address 10.20.1.10; ae-title A; port 104; mac 00:1b:21:aa:00:03 }\n"
        "device mr-1 { address 10.20.1.11 2001:db8::11; ae-title B; port 104 }\n"
        "peer main-pacs { address 10.20.0.5 2001:db8::5; ae-title P; port 104; initiates echo }\n";

static void policy_of_role(struct wall *wall, const char *role)
{
	char text[sizeof gateway + 16];
	if (strcmp(role, "host") == 0)
		snprintf(text, sizeof text,
		         "role host\ndevice d { address 10.20.1.10; ae-title A; port 104 }\n"
		         "peer main-pacs { address 10.20.0.5; ae-title P; port 104; initiates echo }\n");
	else
		snprintf(text, sizeof text, gateway, role);
	wall_make(wall, text);
}

static void assert_address(const struct prefix *address, const char *expected)
{
	char text[PREFIX_TEXT_MAX];
	assert_string_equal(prefix_print(address, text), expected);
}

static void reads_a_flow(void **state)
{
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "router");
	struct packet p = wall_packet(&wall.policy, "in tcp 10.20.0.5 10.20.1.250:22 iif eth0");
	assert_int_equal(p.hook, HOOK_INPUT);
	assert_int_equal(p.table, RULESET_INET);
	assert_int_equal(p.ether_type, 0x0800);
	assert_int_equal(p.protocol, TRANSPORT_TCP);
	assert_address(&p.source, "10.20.0.5");
	assert_address(&p.destination, "10.20.1.250");
	assert_int_equal(p.source_port, 49152);
	assert_int_equal(p.destination_port, 22);
	assert_int_equal(p.hop_limit, 64);
	assert_string_equal(p.in_interface, "eth0");
	assert_string_equal(p.out_interface, "");
	assert_false(p.loopback);
	assert_false(p.spoofed);
	assert_int_equal(p.ct_state, CT_NEW);
	assert_false(p.ct_reply);
	assert_address(&p.ct_source, "10.20.0.5");
	assert_address(&p.ct_destination, "10.20.1.250");
	assert_int_equal(p.ct_protocol, TRANSPORT_TCP);
	assert_int_equal(p.ct_destination_port, 22);

	p = wall_packet(&wall.policy, "forward udp [2001:db8::5]:53 [2001:db8::11]:5300 iif a oif b spoofed");
	assert_int_equal(p.hook, HOOK_FORWARD);
	assert_int_equal(p.table, RULESET_INET);
	assert_int_equal(p.ether_type, 0x86dd);
	assert_int_equal(p.source_port, 53);
	assert_true(p.source_port_given);
	assert_int_equal(p.destination_port, 5300);
	assert_string_equal(p.in_interface, "a");
	assert_string_equal(p.out_interface, "b");
	assert_true(p.spoofed);

	p = wall_packet(&wall.policy, "out 47 [2001:db8::5] 2001:db8::11");
	assert_int_equal(p.hook, HOOK_OUTPUT);
	assert_int_equal(p.protocol, 47);
	assert_int_equal(p.ct_state, CT_NEW);
	assert_int_equal(p.destination_port, 0);
	wall_drop(&wall);
}

static void reads_upper_case(void **state)
{
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "bridge");
	struct packet p =
	        wall_packet(&wall.policy, "IN TCP 2001:DB8::5 [2001:DB8::11]:104 IIF Eth0 Established");
	assert_int_equal(p.hook, HOOK_INPUT);
	assert_int_equal(p.protocol, TRANSPORT_TCP);
	assert_int_equal(p.ct_state, CT_ESTABLISHED);
	assert_address(&p.source, "2001:db8::5");
	assert_string_equal(p.in_interface, "Eth0"); // a name is what it is
	assert_false(p.source_port_given);
	p = wall_packet(&wall.policy, "Out ICMP/Echo-Reply 10.20.1.250 10.20.0.5 REPLY");
	assert_int_equal(p.hook, HOOK_OUTPUT);
	assert_int_equal(p.icmp_type, 0);
	assert_true(p.ct_reply);
	p = wall_packet(&wall.policy, "FORWARD ARP/Reply 10.20.1.10 10.20.1.1");
	assert_int_equal(p.hook, HOOK_FORWARD);
	assert_int_equal(p.arp_operation, 2);
	wall_drop(&wall);
}

static void knows_connections(void **state)
{
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "router");
	struct packet p = wall_packet(&wall.policy, "forward tcp 10.20.0.5:104 10.20.1.10 reply");
	assert_int_equal(p.ct_state, CT_ESTABLISHED);
	assert_true(p.ct_reply);
	assert_address(&p.ct_source, "10.20.1.10");
	assert_address(&p.ct_destination, "10.20.0.5");
	assert_int_equal(p.ct_destination_port, 104);
	assert_int_equal(p.source_port, 104);
	assert_int_equal(p.destination_port, 49152);

	p = wall_packet(&wall.policy, "forward tcp 10.20.1.10:5 10.20.0.5:104 established");
	assert_int_equal(p.ct_state, CT_ESTABLISHED);
	assert_false(p.ct_reply);
	assert_int_equal(p.ct_destination_port, 104);

	p = wall_packet(&wall.policy,
	                "forward icmp/3 10.20.7.1 10.20.1.10 related tcp 10.20.1.10 10.20.0.5:104");
	assert_int_equal(p.ct_state, CT_RELATED);
	assert_true(p.ct_reply); // it goes to who opened the connection
	assert_int_equal(p.protocol, TRANSPORT_ICMP);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.ct_protocol, TRANSPORT_TCP);
	assert_address(&p.ct_source, "10.20.1.10");
	assert_address(&p.ct_destination, "10.20.0.5");
	assert_int_equal(p.ct_destination_port, 104);

	p = wall_packet(&wall.policy,
	                "forward icmp/time-exceeded 10.20.7.1 10.20.1.10 related udp 10.20.0.5 10.20.1.10:9");
	assert_false(p.ct_reply);
	assert_int_equal(p.icmp_type, 11);
	assert_int_equal(p.ct_protocol, TRANSPORT_UDP);

	p = wall_packet(&wall.policy, "forward tcp 10.20.1.10 10.20.0.5:104 invalid");
	assert_int_equal(p.ct_state, CT_INVALID);
	p = wall_packet(&wall.policy, "forward tcp 10.20.1.10 10.20.0.5:104 related"); // opened by a helper
	assert_int_equal(p.ct_state, CT_RELATED);
	assert_int_equal(p.ct_protocol, TRANSPORT_TCP);
	wall_drop(&wall);
}

static void knows_icmp(void **state)
{
	static const struct {
		const char *protocol;
		uint8_t type;
		uint32_t ct_state;
		uint8_t hop_limit;
	} cases[] = {
	        {"icmp", 8, CT_NEW, 64},
	        {"icmp/0", 0, CT_INVALID, 64}, // answers nothing
	        {"icmp/echo-reply", 0, CT_INVALID, 64},
	        {"icmp/13", 13, CT_NEW, 64},
	        {"icmp/destination-unreachable", 3, CT_INVALID, 64},
	        {"icmp/255", 255, CT_INVALID, 64},
	        {"icmpv6", 128, CT_NEW, 64},
	        {"icmp6/129", 129, CT_INVALID, 64},
	        {"ipv6-icmp/packet-too-big", 2, CT_INVALID, 64},
	        {"58/130", 130, CT_UNTRACKED, 64},
	        {"icmpv6/133", 133, CT_UNTRACKED, 255},
	        {"icmpv6/nd-neighbor-advert", 136, CT_UNTRACKED, 255},
	        {"icmpv6/137", 137, CT_INVALID, 255}, // a redirect is nothing conntrack lets begin
	        {"icmpv6/143", 143, CT_UNTRACKED, 64},
	};
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "host");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool six = strchr(cases[i].protocol, '6') || cases[i].protocol[0] == '5';
		char flow[128];
		snprintf(flow, sizeof flow, "in %s %s", cases[i].protocol,
		         six ? "2001:db8::1 2001:db8::2" : "10.0.0.1 10.0.0.2");
		struct packet p = wall_packet(&wall.policy, flow);
		assert_int_equal(p.icmp_type, cases[i].type);
		assert_int_equal(p.ct_state, cases[i].ct_state);
		assert_int_equal(p.hop_limit, cases[i].hop_limit);
	}
	struct packet p = wall_packet(&wall.policy, "in icmp 10.0.0.1 10.0.0.2 reply");
	assert_int_equal(p.icmp_type, 0);
	assert_int_equal(p.ct_state, CT_ESTABLISHED);
	p = wall_packet(&wall.policy, "in icmpv6 2001:db8::1 2001:db8::2 reply");
	assert_int_equal(p.icmp_type, 129);
	wall_drop(&wall);
}

static void knows_loopback(void **state)
{
	static const struct {
		const char *flow;
		bool loopback;
	} cases[] = {
	        {"in tcp 127.0.0.1 127.0.0.1:22", true},
	        {"out tcp ::1 [::1]:22", true},
	        {"in tcp 10.20.1.10 10.20.1.10:22", true}, // the box to itself
	        {"in tcp 10.20.9.9 10.20.9.9:22", true},
	        {"in tcp 10.20.0.5 10.20.1.10:22", false},
	        {"in tcp 10.20.0.5 10.20.1.10:22 iif lo", true},
	        {"in tcp 127.0.0.1 127.0.0.1:22 iif eth0", false}, // a martian
	        {"out tcp 10.20.1.10 10.20.0.5:22 oif lo", true},
	        {"forward tcp 127.0.0.1 127.0.0.1:22", false},
	};
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "host");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct packet p = wall_packet(&wall.policy, cases[i].flow);
		if (p.loopback != cases[i].loopback)
			fail_msg("%s", cases[i].flow);
	}
	struct packet p = wall_packet(&wall.policy, "out tcp ::1 [::1]:22");
	assert_string_equal(p.out_interface, "lo");
	wall_drop(&wall);
}

static void knows_frames(void **state)
{
	static const struct mac ct3 = {{0, 0x1b, 0x21, 0xaa, 0, 3}}, other = {{1, 2, 3, 4, 5, 6}}, none;
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "bridge");
	struct packet p = wall_packet(&wall.policy, "forward tcp 10.20.1.10 10.20.0.5:104");
	assert_int_equal(p.table, RULESET_BRIDGE);
	assert_memory_equal(&p.ether_source, &ct3, sizeof ct3);
	assert_memory_equal(&p.ether_destination, &none, sizeof none);
	p = wall_packet(&wall.policy, "forward tcp 10.20.0.5 10.20.1.10:104");
	assert_memory_equal(&p.ether_source, &none, sizeof none);
	assert_memory_equal(&p.ether_destination, &ct3, sizeof ct3);
	p = wall_packet(&wall.policy, "forward tcp 10.20.1.10 10.20.0.5:104 mac 01:02:03:04:05:06");
	assert_memory_equal(&p.ether_source, &other, sizeof other);
	p = wall_packet(&wall.policy, "forward arp 10.20.1.10 10.20.1.1");
	assert_int_equal(p.ether_type, 0x0806);
	assert_int_equal(p.arp_operation, 1);
	assert_memory_equal(&p.arp_source, &ct3, sizeof ct3);
	p = wall_packet(&wall.policy, "forward arp/reply 10.20.1.10 10.20.1.1");
	assert_int_equal(p.arp_operation, 2);
	p = wall_packet(&wall.policy, "forward eapol mac 01:02:03:04:05:06");
	assert_int_equal(p.table, RULESET_BRIDGE);
	assert_int_equal(p.ether_type, 0x888e);
	assert_memory_equal(&p.ether_source, &other, sizeof other);
	p = wall_packet(&wall.policy, "forward STP");
	assert_int_equal(p.ether_type, PACKET_802_2);
	assert_memory_equal(&p.ether_destination, "\x01\x80\xc2\0\0\0", 6);
	assert_memory_equal(p.llc, "\x42\x42\x03", 3);
	p = wall_packet(&wall.policy, "forward frame/0x88F7");
	assert_int_equal(p.ether_type, 0x88f7);
	p = wall_packet(&wall.policy, "in tcp 10.20.1.10 10.20.1.250:22");
	assert_int_equal(p.table, RULESET_INET);
	assert_memory_equal(&p.ether_source, &none, sizeof none);
	wall_drop(&wall);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *flow;
		size_t word;
		const char *message;
	} cases[] = {
	        {"", 0, "the direction is missing: in, out or forward"},
	        {"into tcp 10.0.0.1 10.0.0.2:1", 0, "'into' is no direction; it is one of in, out, forward"},
	        {"tcp 10.0.0.1 10.0.0.2:1", 0, "'tcp' is no direction; it is one of in, out, forward"},
	        {"in", 1, "the protocol is missing: tcp, udp, icmp, icmpv6, arp or a number"},
	        {"in dicom 10.0.0.1 10.0.0.2:1", 1,
	         "'dicom' is no protocol this reads; it is tcp, udp, icmp, icmpv6, arp or a number (0-255)"},
	        {"in 256 10.0.0.1 10.0.0.2", 1,
	         "'256' is no protocol this reads; it is tcp, udp, icmp, icmpv6, arp or a number (0-255)"},
	        {"in 10.0.0.1 10.0.0.2:1", 1,
	         "the protocol is missing before '10.0.0.1': tcp, udp, icmp, icmpv6, arp or a number"},
	        {"in [2001:db8:20:1::10]:104 ::1", 1,
	         "the protocol is missing before '[2001:db8:20:1::10]:104': tcp, udp, icmp, icmpv6, arp or a "
	         "number"},
	        {"in ping 10.0.0.1 10.0.0.2", 1,
	         "'ping' is no protocol this reads; did you mean icmp, with IPv6 addresses icmpv6?"},
	        {"in tcp/3 10.0.0.1 10.0.0.2:1", 1, "only icmp and icmpv6 have a type; write tcp"},
	        {"in icmp/256 10.0.0.1 10.0.0.2", 1,
	         "'256' is no ICMP type; give its number (0-255) or a name such as echo-request"},
	        {"in icmp/nd-redirect 10.0.0.1 10.0.0.2", 1, // a name of the other registry
	         "'nd-redirect' is no ICMP type; give its number (0-255) or a name such as echo-request"},
	        {"in tcp", 2, "the source is missing: ADDRESS or ADDRESS:PORT"},
	        {"in tcp 10.0.0.1", 3, "the destination is missing: ADDRESS or ADDRESS:PORT"},
	        {"in tcp 10.0.0.1 10.0.0.2", 3, "tcp needs the port that is called; write 10.0.0.2:PORT"},
	        {"in tcp 10.0.0.1:104 10.0.0.2", 3,
	         "tcp needs the port that is called; write 10.0.0.2:PORT, or add `reply` if this answers a "
	         "call"},
	        {"in udp ::1 ::2", 3, "udp needs the port that is called; write [::2]:PORT"},
	        {"in udp ::1 fd20::5:104", 3,
	         "udp needs the port that is called; write [fd20::5:104]:PORT; if 104 is the port, write "
	         "[fd20::5]:104"},
	        {"in tcp [::1]:5 fd20::5:104", 3,
	         "tcp needs the port that is called; write [fd20::5:104]:PORT, or add `reply` if this answers "
	         "a call; if 104 is the port, write [fd20::5]:104"},
	        {"in tcp fd20::5:104 ::1 reply", 2,
	         "tcp needs the port that was called, at its source; write [fd20::5:104]:PORT; if 104 is the "
	         "port, write [fd20::5]:104"},
	        {"in tcp ::1 1:2:3:4:5:6:7:104", 3, // one group fewer is no address
	         "tcp needs the port that is called; write [1:2:3:4:5:6:7:104]:PORT"},
	        {"in tcp ::1 fd20::5:10a", 3, "tcp needs the port that is called; write [fd20::5:10a]:PORT"},
	        {"in tcp ::1 [fd20::5:104]", 3, "tcp needs the port that is called; write [fd20::5:104]:PORT"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 reply", 2,
	         "tcp needs the port that was called, at its source; write 10.0.0.1:PORT"},
	        {"in tcp 10.0.0.1:0 10.0.0.2:1", 2, "'0' is no port; it is a number from 1 to 65535"},
	        {"in tcp 10.0.0.1 10.0.0.2:65536", 3, "'65536' is no port; it is a number from 1 to 65535"},
	        {"in tcp 10.0.0.1 10.0.0.2:", 3, "'' is no port; it is a number from 1 to 65535"},
	        {"in tcp 10.0.0.1 10.0.0.2:dicom", 3, "'dicom' is no port; it is a number from 1 to 65535"},
	        {"in tcp [2001:db8::1 [::1]:5", 2, "'[2001:db8::1' is written as [ADDRESS]:PORT"},
	        {"in tcp [2001:db8::1]5 [::1]:5", 2, "'[2001:db8::1]5' is written as [ADDRESS]:PORT"},
	        {"in tcp 10.0.0.1 [::1]:5", 3, "one address is IPv4 and the other IPv6; a packet has one kind"},
	        {"in tcp main-pacs 10.0.0.2:1", 2, "'main-pacs' is a name; write its address, 10.20.0.5"},
	        {"in tcp 10.0.0.1 ct-3:1", 3, "'ct-3' is a name; write its address, 10.20.1.10"},
	        {"in tcp pacs.example.org 10.0.0.2:1", 2, "'pacs.example.org' is no IPv4 or IPv6 address"},
	        {"in tcp 10.0.0.0/24 10.0.0.2:1", 2, "10.0.0.0/24 is a network; a packet has one address"},
	        {"in tcp 10.0.0.1/24 10.0.0.2:1", 2, "'10.0.0.1/24' is no single address; a packet has one"},
	        {"in tcp 10.0.0.01 10.0.0.2:1", 2, "'10.0.0.01' has a leading zero; write the numbers without"},
	        {"in tcp fe80::1%eth0 [::1]:5", 2,
	         "'fe80::1%eth0' names an interface; write the address alone, and iif or oif"},
	        {"in tcp ::ffff:10.0.0.1 [::1]:5", 2,
	         "'::ffff:10.0.0.1' is an IPv4 address in IPv6 clothes; write the IPv4 address"},
	        {"in icmp 10.0.0.1 10.0.0.2:5", 3, "only tcp and udp have ports; leave it out"},
	        {"in 47 10.0.0.1:5 10.0.0.2", 2, "only tcp and udp have ports; leave it out"},
	        {"in icmp ::1 ::2", 1, "these are IPv6 addresses: write icmpv6"},
	        {"in icmpv6 10.0.0.1 10.0.0.2", 1, "these are IPv4 addresses: write icmp"},
	        {"forward arp ::1 ::2", 2, "arp is about IPv4 addresses; IPv6 uses icmpv6/nd-neighbor-solicit"},
	        {"forward arp/probe 10.0.0.1 10.0.0.2", 1,
	         "'probe' is no ARP operation this reads; it is request or reply"},
	        {"forward arp 10.0.0.1 10.0.0.2", 1, "the wall sees arp only where it forwards in role bridge"},
	        {"forward lldp", 1, "the wall sees frames only where it forwards in role bridge"},
	        {"forward eapol/3", 1, "eapol has no type; write eapol alone"},
	        {"forward frame", 1, "frame needs the frame's type, 0x0600 to 0xffff, such as frame/0x88f7"},
	        {"forward frame/0x05ff", 1,
	         "frame needs the frame's type, 0x0600 to 0xffff, such as frame/0x88f7"},
	        {"forward frame/0x88f7x", 1,
	         "frame needs the frame's type, 0x0600 to 0xffff, such as frame/0x88f7"},
	        {"forward frame/0x86dd", 1,
	         "that is IPv4, IPv6 or ARP: write tcp, udp, icmp, icmpv6, arp or a number, and addresses"},
	        {"in icmp/3 10.0.0.1 10.0.0.2 related lldp", 5,
	         "a connection is one of tcp, udp or icmp, not of lldp"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 mac 00:1b:21:aa:00:03", 4,
	         "the wall looks at MAC addresses only where it forwards in role bridge"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 iif", 5, "iif needs the name of an interface"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 iif abcdefghijklmnop", 5,
	         "'abcdefghijklmnop' is no name of an interface: 1 to 15 octets"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 oif eth0", 4,
	         "what comes in leaves by no interface; write iif NAME"},
	        {"out tcp 10.0.0.1 10.0.0.2:1 iif eth0", 4,
	         "what goes out came by no interface; write oif NAME"},
	        {"out tcp 10.0.0.1 10.0.0.2:1 spoofed", 4, "spoofed is said of what comes in; this goes out"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 new", 4,
	         "'new' is no option; it is one of iif NAME, oif NAME, mac ADDRESS, established, reply, "
	         "related, "
	         "invalid, spoofed"},
	        {"in tcp 10.0.0.1 10.0.0.2:1 established invalid", 5,
	         "established (or reply), related and invalid exclude each other"},
	        {"in icmp/3 10.0.0.1 10.0.0.2 related", 5,
	         "say which connection the error is about: related tcp SRC DST:PORT, as its first packet went"},
	        {"in icmp/3 10.0.0.1 10.0.0.2 related tcp 10.0.0.2 10.0.0.3", 7,
	         "tcp needs the port that is called; write 10.0.0.3:PORT"},
	        {"in icmp/3 10.0.0.1 10.0.0.2 related tcp ::1 [::2]:5", 6,
	         "the error and what it is about are not both IPv4 or both IPv6"},
	};
	struct wall wall;
	(void)state;
	policy_of_role(&wall, "router");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char copy[256], *words[WALL_WORDS_MAX], message[256] = "";
		struct packet packet;
		size_t word = 99, count = wall_words(cases[i].flow, copy, words);
		int r = packet_parse(&wall.policy, words, count, &packet, message, sizeof message, &word);
		if (r != -22 || strcmp(message, cases[i].message) != 0 || word != cases[i].word)
			fail_msg("%s: %d, word %zu: %s", cases[i].flow, r, word, message);
	}
	wall_drop(&wall);
}

static void keeps_to_the_message_size(void **state)
{
	struct wall wall;
	char message[8] = {[7] = '!'};
	char *words[] = {(char[]){"into"}};
	struct packet packet;
	size_t word;
	(void)state;
	policy_of_role(&wall, "host");
	assert_int_equal(packet_parse(&wall.policy, words, 1, &packet, message, 7, &word), -22);
	assert_string_equal(message, "'into'");
	assert_int_equal(message[7], '!');
	wall_drop(&wall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_a_flow),       cmocka_unit_test(reads_upper_case),
	        cmocka_unit_test(knows_connections),  cmocka_unit_test(knows_icmp),
	        cmocka_unit_test(knows_loopback),     cmocka_unit_test(knows_frames),
	        cmocka_unit_test(says_what_is_wrong), cmocka_unit_test(keeps_to_the_message_size),
	};
	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
