// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy says is what is in the struct: every field, its defaults, and where it stood.
#include "policy_test.h"

#define HOST "role host\ndevice ct-3 { port 11112 }\n"

static void assert_prefix(const struct reading *r, size_t index, const char *text)
{
	char shown[PREFIX_TEXT_MAX];
	assert_true(index < r->policy.prefix_count);
	assert_string_equal(prefix_print(&r->policy.prefixes[index].prefix, shown), text);
}

static void device_and_peer(void **state)
{
	struct reading r;
	(void)state;
	read_good(&r, "role bridge\n"
	              "device ct-3 {\n\tae-title CT3 ' CT 3 '\n\tport 11112\n\taddress 10.20.1.10\n\tport 104\n"
	              "\taddress 2001:db8::10\n\tmac 00:1b:21:aa:00:03\n}\n"
	              "peer pacs {\n\taddress 10.20.0.0/28\n\tae-title PACS\n\tport 104\n\tdevices mr-1 ct-3\n"
	              "\tinitiates echo storage\n\tinitiates print\n\taccepts inventory\n}\n"
	              "device mr-1 { address 10.20.1.11 }\n"
	              "peer tls-pacs { tls; address 10.20.0.77; initiates echo }\n");
	const struct policy *p = &r.policy;
	assert_int_equal(p->role, POLICY_ROLE_BRIDGE);
	assert_int_equal(line_of(&r, p->role_at), 1);

	const struct policy_device *ct = &p->devices[0];
	assert_int_equal(p->device_count, 2);
	assert_word(&ct->name, "ct-3");
	assert_int_equal(line_of(&r, ct->name.at), 2);
	assert_int_equal(ct->titles.count, 2);
	assert_word(&p->titles[ct->titles.first], "CT3");
	assert_word(&p->titles[ct->titles.first + 1], "CT 3"); // spaces at its ends mean nothing
	assert_int_equal(ct->ports.count, 2);
	assert_int_equal(p->ports[ct->ports.first].first, 11112);
	assert_int_equal(p->ports[ct->ports.first + 1].last, 104);
	assert_int_equal(line_of(&r, p->ports[ct->ports.first + 1].at), 6);
	assert_int_equal(ct->addresses.count, 2);
	assert_prefix(&r, ct->addresses.first, "10.20.1.10");
	assert_prefix(&r, ct->addresses.first + 1, "2001:db8::10");
	assert_int_equal(line_of(&r, ct->mac_at), 8);
	assert_int_equal(ct->mac.octets[5], 3);
	assert_int_equal(p->devices[1].mac_at, 0);

	const struct policy_peer *pacs = &p->peers[0];
	assert_int_equal(p->peer_count, 2);
	assert_prefix(&r, pacs->addresses.first, "10.20.0.0/28");
	assert_int_equal(pacs->devices.count, 2); // named before one of them was there
	assert_int_equal(p->device_refs[pacs->devices.first], 1);
	assert_int_equal(p->device_refs[pacs->devices.first + 1], 0);
	assert_int_equal(pacs->initiates, 1u << POLICY_ECHO | 1u << POLICY_STORAGE | 1u << POLICY_PRINT);
	assert_int_equal(pacs->accepts, 1u << POLICY_INVENTORY);
	assert_int_equal(line_of(&r, pacs->initiates_at), 15); // the first of two lines
	assert_int_equal(line_of(&r, pacs->accepts_at), 17);
	assert_int_equal(pacs->tls_at, 0);

	const struct policy_peer *tls = &p->peers[1];
	assert_int_equal(tls->devices.count, 0);
	assert_int_equal(tls->ports.count, 1);
	assert_int_equal(p->ports[tls->ports.first].first, 2762);
	assert_int_equal(p->ports[tls->ports.first].at, tls->tls_at);
	assert_int_equal(line_of(&r, tls->tls_at), 20);
	reading_fini(&r);
}

static const struct policy_opening *opening(const struct reading *r, size_t service, size_t index)
{
	assert_true(index < r->policy.services[service].openings.count);
	return &r->policy.openings[r->policy.services[service].openings.first + index];
}

static void assert_opening(const struct reading *r, size_t service, size_t index, enum policy_protocol protocol,
                           bool inbound, unsigned first, unsigned last, const char *remote)
{
	const struct policy_opening *o = opening(r, service, index);
	assert_int_equal(o->protocol, protocol);
	assert_int_equal(o->inbound, inbound);
	assert_int_equal(o->ports.count, first ? 1 : 0);
	if (first) {
		assert_int_equal(r->policy.ports[o->ports.first].first, first);
		assert_int_equal(r->policy.ports[o->ports.first].last, last);
	}
	assert_int_equal(o->remote.count, 1);
	assert_prefix(r, o->remote.first, remote);
}

static void services(void **state)
{
	struct reading r;
	(void)state;
	read_good(&r, "role router\nbox { interface service }\ndevice ct-3 { address 10.20.1.10 }\n"
	              "service dns { to 10.20.0.53 }\n"
	              "service ntp for box { to 10.20.0.123 }\n"
	              "service dhcp\n"
	              "service dhcp for box { to 10.20.0.67 }\n"
	              "service ping { from 10.20.9.0/24; to 10.20.0.1 }\n"
	              "service syslog for devices { to 2001:db8::14 }\n"
	              "service hl7 { tcp 2575-2580 to 10.20.0.9; udp 9 from 10.20.0.8 }\n");
	const struct policy_service *s = r.policy.services;
	assert_int_equal(r.policy.service_count, 7);
	assert_int_equal(s[0].kind, POLICY_SERVICE_DNS);
	assert_int_equal(s[0].openings.count, 2);
	assert_opening(&r, 0, 0, POLICY_UDP, false, 53, 53, "10.20.0.53");
	assert_opening(&r, 0, 1, POLICY_TCP, false, 53, 53, "10.20.0.53");
	assert_int_equal(opening(&r, 0, 0)->at, opening(&r, 0, 1)->at);
	assert_int_equal(s[1].kind, POLICY_SERVICE_NTP);
	assert_true(s[1].for_box);
	assert_int_not_equal(s[1].for_at, 0);
	assert_opening(&r, 1, 0, POLICY_UDP, false, 123, 123, "10.20.0.123");
	assert_int_equal(s[2].kind, POLICY_SERVICE_DHCP);
	assert_int_equal(s[2].openings.count, 0);
	assert_int_equal(s[2].for_at, 0);
	assert_opening(&r, 3, 0, POLICY_UDP, false, 67, 67, "10.20.0.67");
	assert_opening(&r, 4, 0, POLICY_ICMP_ECHO, true, 0, 0, "10.20.9.0/24");
	assert_opening(&r, 4, 1, POLICY_ICMP_ECHO, false, 0, 0, "10.20.0.1");
	assert_false(s[5].for_box);
	assert_opening(&r, 5, 0, POLICY_UDP, false, 514, 514, "2001:db8::14");
	assert_int_equal(s[6].kind, POLICY_SERVICE_CUSTOM);
	assert_opening(&r, 6, 0, POLICY_TCP, false, 2575, 2580, "10.20.0.9");
	assert_opening(&r, 6, 1, POLICY_UDP, true, 9, 9, "10.20.0.8");
	assert_int_equal(line_of(&r, opening(&r, 6, 1)->at), 10);
	reading_fini(&r);
}

static void settings(void **state)
{
	struct reading r;
	(void)state;
	read_good(&r, "role router\n"
	              "policy { site st-anna; unit \"ct room\"; serial 70; not-before 2024-02-29; not-after "
	              "2026-11-21t23:59:60.5z }\n"
	              "box { address 10.20.1.250/24 2001:db8::1/64 10.20.2.2; interface lan0 lan1 }\n"
	              "manage { from 10.20.9.0/24 10.20.8.1; interface eth0; port 22 2222 }\n"
	              "log { drops 30/minute; group 0 }\n");
	const struct policy *p = &r.policy;
	assert_word(&p->header.site, "st-anna");
	assert_word(&p->header.unit, "ct room");
	assert_int_equal(p->header.serial_number, 70);
	assert_word(&p->header.not_before, "2024-02-29");
	assert_word(&p->header.not_after, "2026-11-21t23:59:60.5z");
	assert_int_equal(p->box.addresses.count, 3);
	assert_int_equal(p->box.lengths.count, 3);
	assert_prefix(&r, p->box.addresses.first, "10.20.1.250");
	assert_int_equal(p->box_lengths[p->box.lengths.first], 24);
	assert_prefix(&r, p->box.addresses.first + 1, "2001:db8::1");
	assert_int_equal(p->box_lengths[p->box.lengths.first + 1], 64);
	assert_int_equal(p->box_lengths[p->box.lengths.first + 2], 32);
	assert_int_equal(p->box.interfaces.count, 2);
	assert_word(&p->interfaces[p->box.interfaces.first + 1], "lan1");
	assert_int_equal(p->manage.from.count, 2);
	assert_int_equal(p->manage.ports.count, 2);
	assert_word(&p->interfaces[p->manage.interfaces.first], "eth0");
	assert_int_equal(line_of(&r, p->manage.at), 4);
	assert_int_equal(p->log.drops, 30);
	assert_int_equal(p->log.seconds, 60);
	assert_int_equal(p->log.group, 0);
	assert_int_equal(line_of(&r, p->log.drops_at), 5);
	reading_fini(&r);
}

static void defaults(void **state)
{
	struct reading r;
	(void)state;
	read_good(&r, HOST "manage { from 10.20.9.1 }\n");
	const struct policy *p = &r.policy;
	assert_int_equal(p->manage.ports.count, 1);
	assert_int_equal(p->ports[p->manage.ports.first].first, 22);
	assert_int_equal(p->manage.interfaces.count, 0);
	assert_int_equal(p->log.at, 0);
	assert_int_equal(p->log.drops, POLICY_LOG_DROPS_DEFAULT);
	assert_int_equal(p->log.seconds, 1);
	assert_int_equal(p->log.group, POLICY_LOG_GROUP_DEFAULT);
	assert_int_equal(p->header.at, 0);
	assert_int_equal(p->box.at, 0);
	reading_fini(&r);

	read_good(&r, HOST);
	assert_int_equal(r.policy.manage.at, 0);
	reading_fini(&r);
	read_good(&r, HOST "log { drops off }\n");
	assert_int_equal(r.policy.log.drops, 0);
	assert_int_equal(r.policy.log.group, POLICY_LOG_GROUP_DEFAULT);
	reading_fini(&r);
}

// Valid, though it may look wrong.
static void accepted(void **state)
{
	static const char *const texts[] = {
	        "role host\n",
	        "role router\n",
	        "role bridge\n",
	        HOST "peer p { address 10.0.0.1; accepts echo }",
	        HOST "peer p { address 10.0.0.1 }", // the linter has a word on it
	        HOST "peer p { address 0.0.0.0/0 ::/0 0.0.0.0/1; accepts echo }",
	        HOST "peer p { address fe80::5 169.254.1.1; accepts echo }",
	        HOST "peer p { address 10.0.0.1 10.0.0.1; accepts echo }",
	        HOST "device d2 { port 11112 }",
	        "role host\ndevice a { address 10.0.0.1; port 1 }\ndevice b { address 10.0.0.1; port 2 }\n",
	        HOST "service ct-3 { udp 1-65535 to 224.0.0.1 255.255.255.255 ff02::1 }\npeer ct-3 { address "
	             "10.0.0.1 }\n",
	        HOST "service dhcp {\n}\n",
	        HOST "service ntp for devices { to 10.0.0.1 }",
	        HOST "log { drops 1000000/hour; group 65535 }",
	        HOST "manage { from 10.0.0.1; interface a23456789012345 }",
	        "role router\nbox { address 10.0.0.0/31 2001:db8::/127 10.0.0.5/32 }\n",
	        HOST "policy { not-before 2026-11-21T10:00:00+14:00 }",
	        HOST "policy { }",
	        HOST "peer _p.1-2 { address 10.0.0.1 }",
	        HOST "peer p { address 10.0.0.1; ae-title a~!@$%^&*()_+ }",
	        "role host\ndevice d { }\npeer p { address 10.0.0.1; port 104; initiates echo }\n",
	};
	struct reading r;
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		read_good(&r, texts[i]);
		reading_fini(&r);
	}
}

static const char *const bad_dates[] = {"2026",
                                        "2026-13-01",
                                        "2026-00-01",
                                        "2026-11-00",
                                        "2026-11-31",
                                        "2025-02-29",
                                        "1900-02-29",
                                        "2026-1-1",
                                        "2026-11-21T",
                                        "2026-11-21T10:00",
                                        "2026-11-21T24:00:00Z",
                                        "2026-11-21T10:60:00Z",
                                        "2026-11-21T10:00:61Z",
                                        "2026-11-21T10:00:00",
                                        "2026-11-21T10:00:00.Z",
                                        "2026-11-21T10:00:00+1",
                                        "2026-11-21T10:00:00+01:00x",
                                        "2026-11-21T10:00:00Zx",
                                        "21.11.2026",
                                        "2026-11-21 "};

static void dates(void **state)
{
	struct reading r;
	char text[200];
	(void)state;
	for (size_t i = 0; i < sizeof bad_dates / sizeof bad_dates[0]; i++) {
		snprintf(text, sizeof text, HOST "policy { not-after \"%s\" }", bad_dates[i]);
		assert_int_equal(read_text(&r, text), -EINVAL);
		assert_non_null(strstr(said(&r), "is not a date; write 2026-11-21"));
		assert_int_equal(r.problems.count, 1);
		reading_fini(&r);
	}
}

// Refused with one error and no more: nothing that only follows from it. The rest of the messages are in
// tests/golden/bad.
static void one_error(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	        {HOST "peer p { address 10.0.0.1; accepts echo",
	         "policy.conf:3:8: error: a peer block begins here"},
	        {HOST "peer p { address 10.0.0.1\nservice dhcp\n",
	         "policy.conf:3:8: error: a peer block begins here"},
	        {HOST "peer p { address 10.0.0.1\nlog { }\n}\n",
	         "policy.conf:3:8: error: a peer block begins here"},
	        {HOST "peer p { address 10.0.0.1\ninclude x\n",
	         "policy.conf:4:1: error: 'include' within a peer block"},
	        {HOST "peer p {\ninclude x\npeer q { address 10.0.0.1 }",
	         "policy.conf:4:1: error: 'include' within"},
	        // what is in a block of unknown name is not looked at
	        {HOST "pear p { nonsense { more } }\n", "policy.conf:3:1: error: unknown directive 'pear'"},
	        // a device that could not be read is not missed
	        {"role host\ndevice 'a b' { port 1 }\npeer p { address 10.0.0.1; devices x; accepts echo }\n",
	         "cannot be the name of a device"},
	        {"role host\ndevise a { port 1 }\npeer p { address 10.0.0.1; accepts echo }\n",
	         "did you mean 'device'?"},
	        // no role that could be read is not no role
	        {"role\n", "'role' needs something after it"},
	        {"role \"host\n", "this \" is not closed"},
	        // a port that could not be read is not no port
	        {HOST "peer p { address 10.0.0.1; port x; initiates echo }\n", "'x' is not a port"},
	        {"role host\ndevice a { port x }\npeer p { address 10.0.0.1; accepts echo }\n",
	         "'x' is not a port"},
	        {HOST "service dns { to x }\n", "is a name, not an address"},
	        {HOST "manage { from x }\n", "is a name, not an address"},
	        {HOST "service \"dns { tcp 53 to 10.0.0.1 }\n", "this \" is not closed"},
	        {HOST "service d/ns {\n\tto 10.0.0.1\n\tto 10.0.0.2\n}\n", "cannot be the name of a service"},
	        // a line with a broken word is said to be broken, not more
	        {HOST "peer p { address 10.0.0.1; ae-title a\"b; port \"1\"; initiates echo }\n",
	         "in the middle of a word"},
	        {HOST "peer\n{\n\taddress 10.0.0.1\n}\n", "'peer' needs something after it"},
	        {HOST "peer p { address 10.0.0.1; accepts echo }\n port 1\n ae-title X\n}\n",
	         "'port' outside of a block"},
	        {HOST "log\n", "a log block must follow"},
	        {HOST "manage x { from 10.0.0.1 }\n", "'manage' takes nothing after it"},
	        {HOST "manage { from 10.0.0.1 }\nmanage { from 10.0.0.2 }\n",
	         "'manage' is given twice, first in line 3"},
	        {HOST "box { address 10.0.0.1 }\n", "a box block in role host"},
	};
	struct reading r;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(read_text(&r, cases[i].text), -EINVAL);
		if (!strstr(said(&r), cases[i].wanted) || r.problems.count != 1)
			fail_msg("'%s': %s", cases[i].text, said(&r));
		reading_fini(&r);
	}
}

// An error does not hide the next one.
static void all_errors(void **state)
{
	struct reading r;
	(void)state;
	assert_int_equal(read_text(&r,
	                           "rol host\nrole x\ndevice a { port 0; mac 1; mac 2 }\n"
	                           "peer p { address x 10.0.0.1 y; accepts z }\npeer p { address 10.0.0.1 }\n"),
	                 -EINVAL);
	assert_int_equal(r.problems.count, 9);
	static const char *const wanted[] = {
	        ":1:1: ", ":2:6: ", ":3:17: ", ":3:24: ", ":3:27: ", ":4:18: ", ":4:29: ", ":4:40: ", ":5:6: "};
	const char *at = said(&r);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		at = strstr(at, wanted[i]);
		if (!at)
			fail_msg("no error at %s in\n%s", wanted[i], said(&r));
	}
	reading_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(device_and_peer), cmocka_unit_test(services),   cmocka_unit_test(settings),
	        cmocka_unit_test(defaults),        cmocka_unit_test(accepted),   cmocka_unit_test(dates),
	        cmocka_unit_test(one_error),       cmocka_unit_test(all_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
