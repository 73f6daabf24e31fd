// SPDX-License-Identifier: GPL-2.0-or-later
//
// What --syslog takes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/agent_outside.h"
#include "agent/agent_outside_target.h"

static void good(void **state)
{
	static const struct {
		const char *text, *wanted;
		int family;
	} cases[] = {
	        {"udp:10.20.0.7", "udp 10.20.0.7:514", AF_INET},
	        {"tcp:10.20.0.7", "tcp 10.20.0.7:514", AF_INET},
	        {"udp:10.20.0.7:5514", "udp 10.20.0.7:5514", AF_INET},
	        {"tcp:10.20.0.7:65535", "tcp 10.20.0.7:65535", AF_INET},
	        {"tcp:2001:db8::7", "tcp [2001:db8::7]:514", AF_INET6},
	        {"udp:[2001:db8::7]", "udp [2001:db8::7]:514", AF_INET6},
	        {"udp:[2001:db8::7]:1514", "udp [2001:db8::7]:1514", AF_INET6},
	        {"udp:[10.20.0.7]:1514", "udp 10.20.0.7:1514", AF_INET},
	        {"local", "local", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct outside_target target;
		assert_null(outside_target_parse(cases[i].text, &target));
		assert_string_equal(target.text, cases[i].wanted);
		assert_int_equal(target.address.any.sa_family, cases[i].family);
		assert_null(agent_outside_check_target(cases[i].text));
	}
	struct outside_target target;
	assert_null(outside_target_parse("tcp:10.20.0.7:601", &target));
	assert_int_equal(target.transport, OUTSIDE_TO_TCP);
	assert_int_equal(target.size, sizeof target.address.ipv4);
	assert_int_equal(target.address.ipv4.sin_port, htons(601));
	assert_int_equal(target.address.ipv4.sin_addr.s_addr, htonl(0x0a140007));
}

static void wrong(void **state)
{
	static const struct {
		const char *text, *part; // a part of the complaint
	} cases[] = {
	        {"", "`local`"},
	        {"Local", "`local`"},
	        {"localhost", "`local`"},
	        {"10.20.0.7", "`local`"},
	        {"tls:10.20.0.7", "`local`"},
	        {"udp:", "names are not looked up"},
	        {"udp:collector", "names are not looked up"},
	        {"udp:collector.example:514", "names are not looked up"},
	        {"udp:10.20.0.0/24", "names are not looked up"},
	        {"udp:fe80::1%eth0", "names are not looked up"},
	        {"udp:10.20.0.7:", "port"},
	        {"udp:10.20.0.7:0", "port"},
	        {"udp:10.20.0.7:65536", "port"},
	        {"udp:10.20.0.7:99999999999", "port"},
	        {"udp:10.20.0.7:+514", "port"},
	        {"udp:10.20.0.7: 514", "port"},
	        {"udp:10.20.0.7:0514", "port"},
	        {"udp:[2001:db8::7", "`]`"},
	        {"udp:[2001:db8::7]514", "`]`"},
	        {"udp:[]:514", "names are not looked up"},
	        {"udp:224.0.0.1", "one machine"},
	        {"udp:ff02::1", "one machine"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *complaint = agent_outside_check_target(cases[i].text);
		assert_non_null(complaint);
		if (!strstr(complaint, cases[i].part))
			fail_msg("%s: %s", cases[i].text, complaint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(wrong)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
