// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reasons: the nearest line of the policy, and only what it says. Packets that `explain` can write are in
// tests/golden/explain too; here are the ones it cannot, and the choices between reasons.
#include "wall.h"

struct reason_case {
	const char *flow, *reason;
};

static void expect_reason(const struct wall *wall, const struct packet *packet, const char *label,
                          bool accepted, const char *expected)
{
	struct outcome outcome;
	struct buffer out = BUFFER_EMPTY;
	ruleset_evaluate(&wall->ruleset, packet, &outcome);
	ruleset_reason(&wall->policy, &wall->ruleset, packet, &outcome, &out);
	if (strcmp(out.data ? out.data : "", expected) != 0 || outcome.accepted != accepted)
		fail_msg("%s: %s: %s", label, outcome.accepted ? "accept" : "drop", out.data);
	buffer_fini(&out);
}

static void run(const char *policy, bool accepted, const struct reason_case *cases, size_t count)
{
	struct wall wall;
	wall_make(&wall, policy);
	for (size_t i = 0; i < count; i++) {
		struct packet packet = wall_packet(&wall.policy, cases[i].flow);
		expect_reason(&wall, &packet, cases[i].flow, accepted, cases[i].reason);
	}
	wall_drop(&wall);
}
#define RUN(policy, accepted, cases) run(policy, accepted, cases, sizeof(cases) / sizeof *(cases))

static const char host[] =
        "role host\n"                                                                        // 1
        "device ct-3 { ae-title CT3; port 11112 }\n"                                         // 2
        "peer main-pacs {\n"                                                                 // 3
        "	address 10.20.0.5 2001:db8:20::5\n"                                          // 4
        "	ae-title MAIN_PACS\n"                                                        // 5
        "	port 104\n"                                                                  // 6
        "	initiates echo storage\n"                                                    // 7
        "	accepts echo\n"                                                              // 8
        "}\n"                                                                                // 9
        "peer ris { address 10.20.0.9; ae-title RIS; port 104; initiates mpps }\n"           // 10
        "peer ws { address 10.20.3.0/24; ae-title WS; port 4006; accepts query-retrieve }\n" // 11
        "service dns { to 10.20.0.53 }\n"                                                    // 12
        "service ping { from 10.20.9.0/24; to 10.20.0.1 }\n"                                 // 13
        "service web { tcp 443 8000-8010 to 10.20.0.80 10.20.0.81 }\n"                       // 14
        "service metrics { tcp 9100 from 10.20.0.60 }\n"                                     // 15
        "manage { from 10.20.9.0/24; port 22 8443; interface eth0 eth1 }\n";                 // 16

static void host_accepts(void **state)
{
	static const struct reason_case cases[] = {
	        {"in tcp 10.20.0.5 10.20.1.10:11112", "main-pacs may call the device on 11112 (policy.conf:4)"},
	        {"out tcp 10.20.1.10 10.20.0.9:104", "the device may call ris on 104 (policy.conf:10)"},
	        {"in tcp 10.20.0.9:104 10.20.1.10 reply",
	         "it answers 10.20.1.10 -> 10.20.0.9 tcp 104: the device may call ris on 104 (policy.conf:10)"},
	        {"in icmp/3 10.20.7.1 10.20.1.10 related tcp 10.20.1.10 10.20.0.9:104",
	         "an error about 10.20.1.10 -> 10.20.0.9 tcp 104: the device may call ris on 104 "
	         "(policy.conf:10)"},
	        {"out udp 10.20.1.10 10.20.0.53:53", "service dns allows it (policy.conf:12)"},
	        {"in icmp 10.20.9.1 10.20.1.10", "service ping allows it (policy.conf:13)"},
	        {"in tcp 10.20.9.1 10.20.1.10:8443 iif eth1",
	         "10.20.9.1 may manage the box on 8443 (policy.conf:16)"},
	        {"out tcp 10.20.1.10:22 10.20.9.1 reply oif eth0",
	         "it answers 10.20.9.1 -> 10.20.1.10 tcp 22: 10.20.9.1 may manage the box on 22 "
	         "(policy.conf:16)"},
	        {"in tcp 127.0.0.1 127.0.0.1:1", "loopback is always open"},
	        {"out icmpv6/135 fe80::1 ff02::1",
	         "IPv6 neighbour discovery from the link itself is always open"},
	};
	(void)state;
	RUN(host, true, cases);
}

static void host_peers(void **state)
{
	static const struct reason_case cases[] = {
	        {"in tcp 10.20.0.6 10.20.1.10:11112",
	         "10.20.0.6 is not a peer; main-pacs is 10.20.0.5 (policy.conf:4)"},
	        {"in tcp 10.20.0.8 10.20.1.10:11112",
	         "10.20.0.8 is not a peer; ris is 10.20.0.9 (policy.conf:10)"},
	        {"in tcp 10.20.4.1 10.20.1.10:11112",
	         "10.20.4.1 is not a peer; main-pacs is 10.20.0.5 (policy.conf:4)"},
	        {"in tcp 10.20.2.200 10.20.1.10:11112",
	         "10.20.2.200 is not a peer; ws is 10.20.3.0/24 (policy.conf:11)"},
	        {"in tcp 2001:db8:20::6 [2001:db8::1]:11112",
	         "2001:db8:20::6 is not a peer; main-pacs is 2001:db8:20::5 (policy.conf:4)"},
	        {"out tcp 10.20.1.10 192.0.2.1:104",
	         "192.0.2.1 is not a peer; ws is 10.20.3.0/24 (policy.conf:11)"},
	        {"in tcp 10.20.0.5 10.20.1.10:104",
	         "main-pacs may call the device on 11112, not 104 (policy.conf:2)"},
	        {"out tcp 10.20.1.10 10.20.0.5:11112",
	         "main-pacs may be called on 104, not 11112 (policy.conf:6)"},
	        {"in tcp 10.20.0.9 10.20.1.10:11112", "the device accepts nothing from ris (policy.conf:10)"},
	        {"out tcp 10.20.1.10 10.20.3.3:4006", "the device initiates nothing to ws (policy.conf:11)"},
	        {"in tcp 10.20.0.6 10.20.1.10:11112 established",
	         "established is not enough, the policy is asked for every packet: 10.20.0.6 is not a peer; "
	         "main-pacs "
	         "is 10.20.0.5 (policy.conf:4)"},
	        {"out tcp 10.20.1.10:11112 10.20.0.9 reply",
	         "it answers 10.20.0.9 -> 10.20.1.10 tcp 11112, which is not allowed: the device accepts "
	         "nothing from "
	         "ris (policy.conf:10)"},
	        {"in icmp/3 10.20.7.1 10.20.1.10 related tcp 10.20.1.10 10.20.0.9:105",
	         "an error about 10.20.1.10 -> 10.20.0.9 tcp 105, which is not allowed: ris may be called on "
	         "104, not 105 "
	         "(policy.conf:10)"},
	};
	(void)state;
	RUN(host, false, cases);
}

static void host_services_and_manage(void **state)
{
	static const struct reason_case cases[] = {
	        {"out udp 10.20.1.10 10.20.0.54:53",
	         "service dns is to 10.20.0.53, not 10.20.0.54 (policy.conf:12)"},
	        {"out udp 10.20.1.10 10.20.0.53:54", "service dns is udp 53, not 54 (policy.conf:12)"},
	        {"out tcp 10.20.1.10 10.20.0.81:444",
	         "service web is tcp 443 or 8000-8010, not 444 (policy.conf:14)"},
	        {"out tcp 10.20.1.10 10.20.0.82:8005",
	         "service web is to 10.20.0.80 or 10.20.0.81, not 10.20.0.82 (policy.conf:14)"},
	        {"in tcp 10.20.0.61 10.20.1.10:9100",
	         "service metrics is from 10.20.0.60, not 10.20.0.61 (policy.conf:15)"},
	        {"in udp 10.20.0.7 10.20.1.10:161", "no service allows udp 161 from 10.20.0.7"},
	        {"out udp 10.20.1.10 10.20.0.5:161", "no service allows udp 161 to 10.20.0.5; main-pacs is a "
	                                             "peer for DICOM over tcp only (policy.conf:3)"},
	        {"in icmp 10.20.0.5 10.20.1.10",
	         "service ping is from 10.20.9.0/24, not 10.20.0.5 (policy.conf:13)"},
	        {"out icmp 10.20.1.10 10.20.9.5",
	         "service ping is to 10.20.0.1, not 10.20.9.5 (policy.conf:13)"},
	        {"out icmpv6 2001:db8::1 2001:db8:20::5",
	         "service ping is to 10.20.0.1, not 2001:db8:20::5 (policy.conf:13)"},
	        {"in tcp 10.20.8.1 10.20.1.10:22 iif eth0",
	         "the box is managed from 10.20.9.0/24, not from 10.20.8.1 (policy.conf:16)"},
	        {"in tcp 10.20.9.1 10.20.1.10:23 iif eth0",
	         "10.20.9.1 may manage the box on 22 or 8443, not 23 (policy.conf:16)"},
	        {"in tcp 10.20.9.1 10.20.1.10:22 iif eth2",
	         "the box is managed through eth0 or eth1, not through eth2 (policy.conf:16)"},
	        {"in tcp 10.20.9.1 10.20.1.10:22", "the box is managed through eth0 or eth1, and this packet "
	                                           "names no interface (policy.conf:16)"},
	        // to what it manages the box may not open anything itself
	        {"out tcp 10.20.1.10 10.20.9.1:22",
	         "10.20.9.1 is not a peer; main-pacs is 10.20.0.5 (policy.conf:4)"},
	};
	(void)state;
	RUN(host, false, cases);
}

static void host_other(void **state)
{
	static const struct reason_case cases[] = {
	        {"in tcp 10.20.0.5 10.20.1.10:11112 spoofed",
	         "spoofed: the way back to 10.20.0.5 is not through the interface it came by"},
	        {"in tcp 10.20.0.5 10.20.1.10:11112 invalid",
	         "invalid: conntrack knows no connection this tcp packet belongs to, and it may begin none"},
	        {"in icmp/0 10.20.9.1 10.20.1.10", "invalid: conntrack knows no connection this icmp "
	                                           "echo-reply packet belongs to, and it may begin none"},
	        {"in icmp/77 10.20.9.1 10.20.1.10", "invalid: conntrack knows no connection this icmp type 77 "
	                                            "packet belongs to, and it may begin none"},
	        {"in icmp/13 10.20.9.1 10.20.1.10",
	         "of icmp only ping and errors about allowed connections are passed"},
	        {"in icmp/5 10.20.7.1 10.20.1.10 related tcp 10.20.1.10 10.20.0.9:104",
	         "icmp redirect is not among the errors that connections need"},
	        {"in icmp/3 10.20.7.1 10.20.1.10 related icmp 10.20.1.10 10.20.0.1",
	         "errors are let in about tcp and udp, not about 10.20.1.10 -> 10.20.0.1 icmp"},
	        {"in tcp 10.20.0.5 10.20.1.10:3000 related",
	         "only ICMP errors count as related; a connection must be allowed by itself"},
	        {"in 47 10.20.0.5 10.20.1.10",
	         "protocol 47 is never passed: only tcp, udp and ping can be allowed"},
	        {"forward tcp 10.20.0.5 10.20.1.10:11112", "role host forwards nothing (policy.conf:1)"},
	        {"in icmpv6/133 fe80::1 ff02::2", "nd-router-solicit does not go to an end system"},
	        {"out icmpv6/134 fe80::1 ff02::1", "nd-router-advert does not go out of an end system"},
	        {"in icmpv6/137 fe80::1 fe80::2", "redirects are never accepted"},
	        {"in icmpv6/143 fe80::1 ff02::16",
	         "nothing that conntrack does not follow passes, but neighbour discovery"},
	};
	(void)state;
	RUN(host, false, cases);
}

static void what_explain_cannot_write(void **state)
{
	struct wall wall;
	(void)state;
	wall_make(&wall, host);
	struct packet p = wall_packet(&wall.policy, "in icmpv6/135 fe80::1 fe80::2");
	p.hop_limit = 64;
	expect_reason(&wall, &p, "hop limit", false,
	              "neighbour discovery comes from the link itself, with hop limit 255, not 64");
	p = wall_packet(&wall.policy, "in tcp 10.20.0.5 10.20.1.10:11112");
	p.ct_state = CT_UNTRACKED;
	expect_reason(&wall, &p, "untracked", false,
	              "nothing that conntrack does not follow passes, but neighbour discovery");
	p = wall_packet(&wall.policy, "in tcp 10.20.0.5 10.20.1.10:11112");
	p.ether_type = 0x8863;
	expect_reason(
	        &wall, &p, "frame", false,
	        "frames of type 0x8863 are never passed: only IPv4, IPv6, ARP and what `pass` names can be "
	        "allowed");
	p = wall_packet(&wall.policy, "in tcp 10.20.0.5 10.20.1.10:11112");
	p.table = RULESET_BRIDGE;
	expect_reason(&wall, &p, "no table", true, "the wall has no chain that sees it");
	p.table = RULESET_INET;
	wall.ruleset.tables[0].chains[0].accepts = true;
	for (size_t i = 0; i < wall.ruleset.tables[0].chains[0].count; i++)
		wall.ruleset.tables[0].chains[0].rules[i].count = 0; // as if somebody had emptied them
	expect_reason(&wall, &p, "chain policy", true,
	              "no rule of chain input takes it, and the chain accepts");
	wall_drop(&wall);
}

// The policy allows it and the rules do not: nothing else may be claimed.
static void rules_that_say_less_than_the_policy(void **state)
{
	static const char *const flows[] = {"in tcp 10.20.0.5 10.20.1.10:11112",
	                                    "out udp 10.20.1.10 10.20.0.53:53", "in icmp 10.20.9.1 10.20.1.10",
	                                    "in tcp 10.20.9.1 10.20.1.10:22 iif eth0"};
	struct wall wall;
	(void)state;
	wall_make(&wall, host);
	for (size_t i = 0; i < wall.ruleset.tables[0].chain_count; i++)
		for (size_t k = 0; k < wall.ruleset.tables[0].chains[i].count; k++)
			wall.ruleset.tables[0].chains[i].rules[k].count = 0;
	for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
		struct packet p = wall_packet(&wall.policy, flows[i]);
		expect_reason(&wall, &p, flows[i], false,
		              "default deny: no rule takes it, though the policy allows such a connection");
	}
	wall_drop(&wall);
}

static void without_peers(void **state)
{
	static const struct reason_case cases[] = {
	        {"in tcp 10.20.0.6 10.20.1.10:104", "10.20.0.6 is not a peer; the policy has none"},
	        {"in tcp 10.20.0.6 10.20.1.10:22", "10.20.0.6 is not a peer; the policy has none"},
	        {"out icmp 10.20.1.10 10.20.0.6", "no service lets the device ping 10.20.0.6"},
	        {"in icmp 10.20.0.6 10.20.1.10", "no service lets 10.20.0.6 ping the device"},
	};
	(void)state;
	RUN("role host\n", false, cases);
}

static void dhcp(void **state)
{
	static const struct reason_case accepted[] = {
	        {"out udp 0.0.0.0:68 255.255.255.255:67", "service dhcp allows it (policy.conf:2)"},
	        {"in udp 10.20.0.1:67 10.20.1.10:68", "service dhcp allows it (policy.conf:2)"},
	        {"in udp [fe80::1]:547 [fe80::2]:546", "service dhcp allows it (policy.conf:2)"},
	};
	static const struct reason_case dropped[] = {
	        {"out udp 0.0.0.0:69 255.255.255.255:67", "service dhcp passes a client's questions, 68 to 67 "
	                                                  "and 546 to 547, and answers of its servers "
	                                                  "(policy.conf:2)"},
	        {"in udp [2001:db8::1]:547 [fe80::2]:546", "service dhcp passes a client's questions, 68 to 67 "
	                                                   "and 546 to 547, and answers of its servers "
	                                                   "(policy.conf:2)"},
	};
	static const struct reason_case none[] = {
	        {"out udp 0.0.0.0:68 255.255.255.255:67", "no service allows udp 67 to 255.255.255.255"},
	};
	(void)state;
	RUN("role host\nservice dhcp\n", true, accepted);
	RUN("role host\nservice dhcp\n", false, dropped);
	RUN("role host\n", false, none);
}

static const char gateway[] =
        "role router\n"                                                                 // 1
        "box { address 10.20.1.250/24 }\n"                                              // 2
        "device ct-3 { address 10.20.1.10 2001:db8::10; ae-title A; port 11112 }\n"     // 3
        "device mr-1 { address 10.20.1.11; ae-title B; port 104 105 }\n"                // 4
        "device us-2 { address 10.20.1.12; ae-title C; port 104 }\n"                    // 5
        "peer main-pacs { address 10.20.0.5; ae-title P; port 104; initiates echo\n"    // 6
        "accepts echo }\n"                                                              // 7
        "peer ct-ws { devices ct-3 us-2; address 10.20.3.0/28; ae-title W; port 4006\n" // 8
        "initiates storage; accepts query-retrieve }\n"                                 // 9
        "service syslog for box { to 10.20.0.60 }\n"                                    // 10
        "service ntp { to 10.20.0.123 }\n"                                              // 11
        "manage { from 10.20.9.0/24 }\n";                                               // 12

static void gateway_accepts(void **state)
{
	static const struct reason_case cases[] = {
	        {"forward tcp 10.20.0.5 10.20.1.11:105", "main-pacs may call mr-1 on 105 (policy.conf:6)"},
	        {"forward tcp 10.20.1.10 10.20.3.3:4006", "ct-3 may call ct-ws on 4006 (policy.conf:8)"},
	        {"forward tcp 10.20.0.5:104 10.20.1.12 reply",
	         "it answers 10.20.1.12 -> 10.20.0.5 tcp 104: us-2 may call main-pacs on 104 (policy.conf:6)"},
	        {"out udp 10.20.1.250 10.20.0.60:514", "service syslog allows it (policy.conf:10)"},
	        {"in tcp 10.20.9.9 10.20.1.250:22", "10.20.9.9 may manage the box on 22 (policy.conf:12)"},
	};
	(void)state;
	RUN(gateway, true, cases);
}

static void gateway_drops(void **state)
{
	static const struct reason_case cases[] = {
	        {"forward tcp 10.20.0.6 10.20.1.10:11112",
	         "10.20.0.6 is not a peer; main-pacs is 10.20.0.5 (policy.conf:6)"},
	        {"forward tcp 10.20.0.5 10.20.1.11:11112",
	         "main-pacs may call mr-1 on 104 or 105, not 11112 (policy.conf:4)"},
	        {"forward tcp 10.20.0.5 10.20.1.13:104",
	         "10.20.1.13 is no device; us-2 is 10.20.1.12 (policy.conf:5)"},
	        {"forward tcp 10.20.1.13 10.20.0.5:104",
	         "10.20.1.13 is no device; us-2 is 10.20.1.12 (policy.conf:5)"},
	        {"forward tcp 10.20.7.7 10.20.1.9:104",
	         "neither 10.20.7.7 nor 10.20.1.9 is a device; mr-1 is 10.20.1.11 (policy.conf:4)"},
	        {"forward tcp 10.20.3.3 10.20.1.11:104",
	         "ct-ws is for ct-3 and us-2, not for mr-1 (policy.conf:8)"},
	        {"forward tcp 10.20.1.11 10.20.3.3:4006",
	         "ct-ws is for ct-3 and us-2, not for mr-1 (policy.conf:8)"},
	        {"forward tcp 10.20.3.3 10.20.1.12:11112",
	         "ct-ws may call us-2 on 104, not 11112 (policy.conf:5)"},
	        {"forward tcp 10.20.1.10 10.20.1.11:104",
	         "ct-3 and mr-1 are both devices; the wall passes no connection between them"},
	        {"forward udp 10.20.1.11 10.20.1.12:123",
	         "mr-1 and us-2 are both devices; the wall passes no connection between them"},
	        {"forward tcp 10.20.9.5 10.20.1.10:22",
	         "manage is for the box, not for the devices behind it (policy.conf:12); for a device write a "
	         "service: tcp 22 from 10.20.9.5"},
	        {"forward tcp 10.20.9.5 10.20.1.10:23", // not what manage allows to the box either
	         "10.20.9.5 is not a peer; main-pacs is 10.20.0.5 (policy.conf:6)"},
	        {"forward tcp 10.20.1.10 10.20.9.5:22", // the device calls
	         "10.20.9.5 is not a peer; main-pacs is 10.20.0.5 (policy.conf:6)"},
	        {"forward udp 10.20.1.10 10.20.0.60:514",
	         "no service for devices allows udp 514 to 10.20.0.60"},
	        {"forward udp 10.20.1.10 10.20.0.124:123",
	         "service ntp is to 10.20.0.123, not 10.20.0.124 (policy.conf:11)"},
	        {"out udp 10.20.1.250 10.20.0.123:123",
	         "nothing in the policy allows this from the box itself"},
	        {"out udp 10.20.1.250 10.20.0.61:514",
	         "service syslog is to 10.20.0.60, not 10.20.0.61 (policy.conf:10)"},
	        {"in tcp 10.20.0.5 10.20.1.250:104", "nothing in the policy allows this to the box itself; "
	                                             "main-pacs is a peer of the devices (policy.conf:6)"},
	        {"in tcp 10.20.0.5 10.20.1.250:22",
	         "the box is managed from 10.20.9.0/24, not from 10.20.0.5 (policy.conf:12)"},
	        {"in icmp 10.20.9.9 10.20.1.250", "no service lets 10.20.9.9 ping the box"},
	        {"forward icmpv6/135 fe80::1 2001:db8::10",
	         "neighbour discovery stays on its link and is never routed"},
	        {"forward tcp 10.20.0.5 10.20.1.10:11112 spoofed",
	         "spoofed: the way back to 10.20.0.5 is not through the interface it came by"},
	};
	(void)state;
	RUN(gateway, false, cases);
}

// Devices that are peers or reached by services of other devices: then something passes between them.
static void devices_that_are_more(void **state)
{
	static const char policy[] = "role router\n"
	                             "device a { address 10.20.1.10; ae-title A; port 104 }\n"
	                             "device b { address 10.20.1.11; ae-title B; port 104 }\n"
	                             "device c { address 10.20.1.12; ae-title C; port 104 }\n"
	                             "device d { address 10.20.1.13; ae-title D; port 104 }\n"
	                             "peer b-too { address 10.20.1.11; ae-title B; port 104; accepts echo }\n"
	                             "service web { tcp 443 to 10.20.1.12 }\n"
	                             "service ssh { tcp 22 from 10.20.9.4 }\n"
	                             "manage { from 10.20.9.0/24 }\n";
	static const struct reason_case accepted[] = {
	        {"forward tcp 10.20.1.10 10.20.1.12:443", "service web allows it (policy.conf:7)"},
	};
	static const struct reason_case dropped[] = {
	        {"forward tcp 10.20.1.10 10.20.1.11:104", "a initiates nothing to b-too (policy.conf:6)"},
	        {"forward tcp 10.20.1.10 10.20.1.12:444", "service web is tcp 443, not 444 (policy.conf:7)"},
	        {"forward tcp 10.20.1.13 10.20.1.10:444",
	         "d and a are both devices; the wall passes no connection between them"},
	        {"forward tcp 10.20.9.5 10.20.1.10:22", // the nearest line is the service's
	         "service ssh is from 10.20.9.4, not 10.20.9.5 (policy.conf:8)"},
	};
	(void)state;
	RUN(policy, true, accepted);
	RUN(policy, false, dropped);
}

static void in_and_out_taken_for_each_other(void **state)
{
	static const struct reason_case cases[] = {
	        {"out tcp 10.20.0.5 10.20.1.10:11112", "10.20.0.5 is main-pacs, not this host; what main-pacs "
	                                               "sends is: in tcp 10.20.0.5 10.20.1.10:11112"},
	        {"out tcp [2001:db8:20::5]:4000 [2001:db8::1]:11112",
	         "2001:db8:20::5 is main-pacs, not this host; what main-pacs sends is: in tcp "
	         "[2001:db8:20::5]:4000 [2001:db8::1]:11112"},
	        {"in tcp 10.20.1.10 10.20.0.9:104", "10.20.0.9 is ris, not this host; what is sent to ris is: "
	                                            "out tcp 10.20.1.10 10.20.0.9:104"},
	        {"in icmp 10.20.1.10 10.20.0.9", "10.20.0.9 is ris, not this host; what is sent to ris is: out "
	                                         "icmp 10.20.1.10 10.20.0.9"},
	        // both ends are peers: no telling
	        {"out tcp 10.20.0.5 10.20.0.9:11112", "ris may be called on 104, not 11112 (policy.conf:10)"},
	        // this host may lie in the network of a peer
	        {"out tcp 10.20.3.7 10.20.1.10:11112",
	         "10.20.1.10 is not a peer; ris is 10.20.0.9 (policy.conf:10)"},
	};
	(void)state;
	RUN(host, false, cases);
}

static void answers_without_the_word(void **state)
{
	static const struct reason_case cases[] = {
	        {"out tcp 10.20.1.10:22 10.20.9.1:40000 oif eth0",
	         "10.20.9.1 is not a peer; main-pacs is 10.20.0.5 (policy.conf:4); if this answers 10.20.9.1 "
	         "-> 10.20.1.10 tcp 22, add the word: reply"},
	        {"out tcp 10.20.1.10:11112 10.20.0.5:40000 established",
	         "established is not enough, the policy is asked for every packet: main-pacs may be called on "
	         "104, not 40000 (policy.conf:6); if this answers 10.20.0.5 -> 10.20.1.10 tcp 11112, add the "
	         "word: reply"},
	        {"in udp 10.20.0.53:53 10.20.1.10:40000",
	         "no service allows udp 40000 from 10.20.0.53; if this answers 10.20.1.10 -> 10.20.0.53 udp "
	         "53, add the word: reply"},
	        // the reversed one is not allowed: another interface, another port
	        {"out tcp 10.20.1.10:22 10.20.9.1:40000 oif eth2",
	         "10.20.9.1 is not a peer; main-pacs is 10.20.0.5 (policy.conf:4)"},
	        {"out tcp 10.20.1.10:23 10.20.9.1:40000 oif eth0",
	         "10.20.9.1 is not a peer; main-pacs is 10.20.0.5 (policy.conf:4)"},
	        // conntrack has refused it: no word helps
	        {"out tcp 10.20.1.10:22 10.20.9.1:40000 oif eth0 invalid",
	         "invalid: conntrack knows no connection this tcp packet belongs to, and it may begin none"},
	};
	static const struct reason_case chosen[] = {
	        // the port was not written, only filled in
	        {"out tcp 10.20.1.10 10.20.0.60:9100", "10.20.0.60 is not a peer; the policy has none"},
	};
	(void)state;
	RUN(host, false, cases);
	RUN("role host\nservice high { tcp 49152 from 10.20.0.60 }\n", false, chosen);
}

static void addressed_host(void **state)
{
	static const char policy[] =
	        "role host\n"
	        "device us-2 { address 10.20.1.12; ae-title U; port 104 }\n"
	        "peer pacs { address 10.20.0.5; ae-title P; port 104; initiates echo; accepts echo }\n"
	        "service web { tcp 443 to 10.20.0.80 }\n";
	static const struct reason_case accepted[] = {
	        {"in tcp 10.20.0.5 10.20.1.12:104", "pacs may call the device on 104 (policy.conf:3)"},
	        {"out tcp 10.20.1.13 10.20.0.80:443", "service web allows it (policy.conf:4)"},
	};
	static const struct reason_case dropped[] = {
	        {"in tcp 10.20.0.5 10.20.1.13:104",
	         "10.20.1.13 is no address of the device; us-2 is 10.20.1.12 (policy.conf:2)"},
	        {"out tcp 10.20.1.13 10.20.0.5:104",
	         "10.20.1.13 is no address of the device; us-2 is 10.20.1.12 (policy.conf:2)"},
	        {"in tcp 10.20.0.6 10.20.1.13:104",
	         "10.20.0.6 is not a peer; pacs is 10.20.0.5 (policy.conf:3)"},
	        {"in tcp 10.20.0.5 10.20.1.13:105", "pacs may call the device on 104, not 105 (policy.conf:2)"},
	};
	(void)state;
	RUN(policy, true, accepted);
	RUN(policy, false, dropped);
}

static void frames(void **state)
{
	static const char policy[] =
	        "role bridge\n"
	        "device ct-3 { address 10.20.1.10; ae-title A; port 104; mac 00:1b:21:aa:00:03 }\n"
	        "device mr-1 { address 10.20.1.11; ae-title B; port 104 }\n"
	        "peer pacs { address 10.20.0.5; ae-title P; port 104; initiates echo; accepts echo }\n"
	        "pass lldp\n";
	static const struct reason_case accepted[] = {
	        {"forward tcp 10.20.1.10 10.20.0.5:104", "ct-3 may call pacs on 104 (policy.conf:4)"},
	        {"forward arp 10.20.1.10 10.20.1.1", "ARP is passed for the address of ct-3 (policy.conf:2)"},
	        {"forward arp 10.20.1.1 10.20.1.11", "ARP is passed for the address of mr-1 (policy.conf:3)"},
	        {"forward lldp", "the policy passes lldp on (policy.conf:5)"},
	};
	static const struct reason_case dropped[] = {
	        {"forward tcp 10.20.1.10 10.20.0.5:104 mac 00:1b:21:aa:00:04",
	         "10.20.1.10 is ct-3's, which is at 00:1b:21:aa:00:03, not at 00:1b:21:aa:00:04 "
	         "(policy.conf:2)"},
	        {"forward tcp 10.20.1.11 10.20.0.5:104 mac 00:1b:21:aa:00:03",
	         "00:1b:21:aa:00:03 is ct-3's, which has no address 10.20.1.11 (policy.conf:2)"},
	        {"forward arp 10.20.1.10 10.20.1.1 mac 00:1b:21:aa:00:04",
	         "10.20.1.10 is ct-3's, which is at 00:1b:21:aa:00:03, not at 00:1b:21:aa:00:04 "
	         "(policy.conf:2)"},
	        {"forward arp 10.20.1.1 10.20.1.2",
	         "ARP is passed for the devices' addresses only, and neither 10.20.1.1 nor 10.20.1.2 is one"},
	        {"forward frame/0x88a8",
	         "a frame with a second VLAN tag is never passed; one with a single tag is "
	         "judged by what is inside"},
	        {"forward eapol", "802.1X (EAPOL) is passed only where the policy says: pass eapol"},
	        {"forward stp", "of 802.2 frames only spanning tree is passed, and only where the policy says: "
	                        "pass stp"},
	        {"forward icmpv6/135 fe80::1 fe80::2",
	         "neighbour discovery is passed for the devices' addresses "
	         "only, and none has an IPv6 address"},
	        {"forward tcp 10.20.1.11 10.20.0.5:105", "pacs may be called on 104, not 105 (policy.conf:4)"},
	        {"in tcp 10.20.0.5 10.20.1.250:22", "nothing in the policy allows this to the box itself; pacs "
	                                            "is a peer of the devices (policy.conf:4)"},
	};
	(void)state;
	RUN(policy, true, accepted);
	RUN(policy, false, dropped);
}

static void long_lists_are_cut(void **state)
{
	static const char policy[] = "role host\ndevice d { ae-title D; port 1 2 3 4 5 6 }\n"
	                             "peer p { address 10.0.0.5; ae-title P; port 104; accepts echo }\n"
	                             "manage { from 10.1.0.1 10.1.0.2 10.1.0.3 10.1.0.4 }\n";
	static const struct reason_case cases[] = {
	        {"in tcp 10.0.0.5 10.0.0.1:7",
	         "p may call the device on 1, 2, 3, 4 or 2 more, not 7 (policy.conf:2)"},
	        {"in tcp 10.0.0.6 10.0.0.1:22", "the box is managed from 10.1.0.1, 10.1.0.2, 10.1.0.3 or "
	                                        "10.1.0.4, not from 10.0.0.6 (policy.conf:4)"},
	};
	(void)state;
	RUN(policy, false, cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(host_accepts),
	        cmocka_unit_test(host_peers),
	        cmocka_unit_test(host_services_and_manage),
	        cmocka_unit_test(host_other),
	        cmocka_unit_test(what_explain_cannot_write),
	        cmocka_unit_test(rules_that_say_less_than_the_policy),
	        cmocka_unit_test(without_peers),
	        cmocka_unit_test(dhcp),
	        cmocka_unit_test(gateway_accepts),
	        cmocka_unit_test(gateway_drops),
	        cmocka_unit_test(devices_that_are_more),
	        cmocka_unit_test(in_and_out_taken_for_each_other),
	        cmocka_unit_test(answers_without_the_word),
	        cmocka_unit_test(addressed_host),
	        cmocka_unit_test(frames),
	        cmocka_unit_test(long_lists_are_cut),
	};
	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
