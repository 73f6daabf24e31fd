// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where each warning begins and ends: the case just inside and the one just outside. What they say is in
// tests/golden/warn.
#include "policy_test.h"

#define HOST "role host\ndevice ct-3 { port 11112 }\nmanage { from 10.9.0.0/24 }\n"
#define GATE                                                                                                   \
	"role router\nbox { address 10.20.1.250/24 }\nmanage { from 10.9.0.0/24 }\n"                           \
	"device a { address 10.20.1.1; port 104 }\ndevice b { address 10.20.1.2 2001:db8::2; port 104 }\n"
#define PEER "peer p { address 10.0.0.1; port 104; initiates echo }\n"

// All warnings, one a line.
static char *warnings(const char *text)
{
	struct reading r;
	struct buffer out = BUFFER_EMPTY;
	read_good(&r, text);
	assert_int_equal(policy_lint(&r.policy, &r.problems), 0);
	for (size_t i = 0; i < r.problems.count; i++) {
		assert_int_equal(r.problems.items[i].level, PROBLEM_WARNING);
		assert_int_not_equal(r.problems.items[i].at, 0);
		assert_non_null(r.problems.items[i].instead);
		buffer_printf(&out, "%s\n", r.problems.items[i].what);
	}
	buffer_text(&out, "");
	reading_fini(&r);
	return buffer_steal(&out);
}

static void silent(void **state)
{
	static const char *const texts[] = {
	        HOST PEER, GATE PEER,
	        "role router\ndevice a { address 10.0.1.1 }\n" PEER, // no box: by console only, and meant so
	        HOST "peer p { address 10.0.0.0/24 2001:db8::/64; accepts echo }",
	        HOST PEER "peer q { address 10.0.0.1; port 105; initiates echo }",
	        HOST PEER "peer q { address 10.0.0.1; accepts echo }",
	        HOST PEER "peer q { address 10.0.0.2 2001:db8::1; port 104; initiates echo }",
	        GATE "peer p { devices a; address 10.0.0.1; accepts echo }\npeer q { devices b; address "
	             "10.0.0.1; accepts echo }",
	        GATE "peer p { devices a; address 10.0.0.0/28; accepts echo }\npeer q { devices b; address "
	             "10.0.0.1; accepts echo }",
	        HOST "peer p { address 10.0.0.0/28 10.0.0.1; accepts echo }", // within itself
	        GATE "peer p { address 10.0.0.1 2001:db8::9; accepts echo }",
	        GATE "peer p { devices a b; address 2001:db8::9; accepts echo }",
	        HOST "peer p { address 10.0.0.1; port 104; initiates storage-commitment query-retrieve; "
	             "accepts storage storage-commitment }",
	        HOST "peer p { address 10.0.0.1; port 104; initiates storage-commitment }\n"
	             "peer q { address 10.0.0.2; accepts storage-commitment }",
	        // another node of the archive is asked, or is where the peer has things sent
	        HOST "peer p { address 10.0.0.1; port 104; initiates storage storage-commitment; accepts "
	             "storage-commitment }\n"
	             "peer q { address 10.0.0.2; accepts storage-commitment query-retrieve }",
	        HOST "peer p { address 10.0.0.1; tls; initiates echo }",
	        HOST "peer p { address 10.0.0.1; tls; port 11112; initiates echo }",
	        HOST PEER "service x { tcp 443 to 10.20.0.0/16 2001:db8::/48 }",
	        HOST PEER "service x { tcp 1-65534 to 10.0.0.1; tcp 1-11111 11113-65535 from 10.0.0.1; udp "
	                  "11112 from 10.0.0.1 }",
	        HOST PEER "service ping { from 10.0.0.0/8 }\nservice dhcp\n",
	        GATE PEER "service dhcp for box\nservice y for box { tcp 104 from 10.0.0.1 }\n",
	        "role bridge\ndevice a { address 10.20.1.1; mac 00:1b:21:aa:00:03 }\n" PEER "service dhcp\n",
	        "role router\ndevice a { address 2a02:1:2:3::1 8.8.1.1 }\npeer p { address 2a02:1:2::1 "
	        "8.8.255.1; port 1; "
	        "initiates echo }\n", // a site with public addresses
	};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char *found = warnings(texts[i]);
		if (*found)
			fail_msg("'%s': %s", texts[i], found);
		free(found);
	}
}

static void loud(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	        {HOST, "there is no peer: no DICOM passes\n"},
	        {HOST "peer p { address 10.0.0.0/23; accepts echo }",
	         "10.0.0.0/23 is wider than /24: 512 addresses\n"},
	        {HOST "peer p { address 0.0.0.0/1; accepts echo }",
	         "0.0.0.0/1 is a public address, as on the internet\n"},
	        {HOST "peer p { address 2001:db8::/63; accepts echo }", "2001:db8::/63 is wider than /64\n"},
	        {HOST "peer p { address 2a02::1; accepts echo }",
	         "2a02::1 is a public address, as on the internet\n"},
	        {GATE "peer p { address 2a02::1; accepts echo }",
	         "2a02::1 is a public address, as on the internet\n"},
	        {"role router\ndevice a { address 2a02:1:2:3::1 }\npeer p { address 2a02:1:3::1; port 1; "
	         "initiates echo }\n",
	         "2a02:1:3::1 is a public address, as on the internet\n"},
	        {HOST PEER "peer q { address 10.0.0.1; port 105 104; initiates echo }",
	         "10.0.0.1 is the address of peer p too, in line 4: the wall cannot tell them apart\n"},
	        {GATE "peer p { devices a b; address 10.0.0.1; accepts echo }\n"
	              "peer q { devices b; address 10.0.0.1; accepts echo }",
	         "10.0.0.1 is the address of peer p too, in line 6: the wall cannot tell them apart\n"},
	        {HOST
	         "peer p { address 10.0.0.0/24; accepts echo }\npeer q { address 10.0.0.0/24; accepts echo }",
	         "10.0.0.0/24 is the address of peer p too, in line 4: the wall cannot tell them apart\n"},
	        // one warning for each prefix that covers others, with the nearest first
	        {HOST "peer p { address 10.0.0.0/24; accepts echo }\npeer q { address 10.0.0.128/25; accepts "
	              "echo }\n"
	              "peer r { address 10.0.0.200; accepts echo }\npeer s { address 10.0.0.1; accepts echo }",
	         "10.0.0.128/25 covers addresses of other peers: 10.0.0.200 (r, line 6)\n"
	         "10.0.0.0/24 covers addresses of other peers: 10.0.0.1 (s, line 7) and 2 more\n"},
	        {GATE PEER "peer q { devices a; address 2001:db8::9; accepts echo }",
	         "this peer can never match: it has IPv6 addresses, its devices only IPv4\n"},
	        {HOST "peer p { address 10.0.0.1 }",
	         "this peer can never match: it has neither 'initiates' nor 'accepts'\n"},
	        // one that asks as well is not where the other's answers come from
	        {HOST "peer p { address 10.0.0.1; port 104; initiates storage-commitment }\n"
	              "peer q { address 10.0.0.2; port 104; initiates storage-commitment; accepts "
	              "storage-commitment }",
	         "the results of storage commitment come on an association that the peer opens, and the device "
	         "accepts none "
	         "from it\n"},
	        {HOST PEER "peer q { address 10.0.0.2; port 104; initiates storage-commitment; accepts "
	                   "storage-commitment query-retrieve }",
	         "a retrieval with C-MOVE makes the device store to a peer, and the device initiates storage "
	         "to "
	         "none\n"},
	        {HOST PEER "peer q { address 10.0.0.2; port 104; initiates storage; accepts storage-commitment "
	                   "query-retrieve }",
	         "storage commitment is asked for in one direction and answered in the other, and the device "
	         "initiates it to no peer\n"},
	        {HOST PEER "service x { tcp 443 to 10.20.0.0/15 }", "10.20.0.0/15 is wider than /16\n"},
	        {HOST PEER "service x { tcp 443 to 2001:db8::/47 }", "2001:db8::/47 is wider than /48\n"},
	        {HOST PEER "service x { tcp 11112 from 10.0.0.1 }",
	         "this opens the DICOM port 11112 of a device, past the list of peers\n"},
	        {HOST PEER "service dns { to 0.0.0.0/0 }", "0.0.0.0/0 is every IPv4 address there is\n"},
	        {GATE "peer p { devices a; address 10.0.0.1; accepts echo }",
	         "no peer may talk to this device\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *found = warnings(cases[i].text);
		if (strcmp(found, cases[i].wanted) != 0)
			fail_msg("'%s': %s", cases[i].text, found);
		free(found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(silent), cmocka_unit_test(loud)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
