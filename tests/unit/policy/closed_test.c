// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is left of a policy behind the closed wall, and that it is a policy.
#include "policy_test.h"

#include "policy/policy_closed.h"

static void assert_closed(const char *text, const char *wanted)
{
	struct buffer out = BUFFER_EMPTY;
	struct reading r, again;
	read_good(&r, text);
	policy_closed_print(&r.policy, &out);
	assert_string_equal(out.data, wanted);
	read_good(&again, out.data);
	assert_int_equal(again.policy.peer_count + again.policy.device_count + again.policy.service_count, 0);
	// What it was made from has lost nothing.
	assert_true(r.policy.peer_count > 0);
	reading_fini(&again);
	reading_fini(&r);
	buffer_fini(&out);
}

static void host(void **state)
{
	(void)state;
	assert_closed("policy { site a; unit b; serial 7 }\nrole host\ndevice d { port 104 }\n"
	              "peer p { address 10.0.0.1; accepts echo }\nservice ntp { to 10.0.0.2 }\n"
	              "manage { from 10.0.9.0/24; interface eth0 }\nlog { drops 3/minute; group 6 }\n",
	              "role host\n\nmanage {\n\tfrom 10.0.9.0/24\n\tinterface eth0\n\tport 22\n}\n\n"
	              "log {\n\tdrops 3/minute\n\tgroup 6\n}\n");
}

static void gateway(void **state)
{
	(void)state;
	assert_closed("role router\nbox { address 10.20.1.250/24; interface service }\n"
	              "device d { address 10.20.1.10; port 104 }\n"
	              "peer p { devices d; address 10.0.0.1; accepts echo }\nmanage { from fd20::/64 }\n",
	              "role router\n\nbox {\n\taddress 10.20.1.250/24\n\tinterface service\n}\n\n"
	              "manage {\n\tfrom fd20::/64\n\tport 22\n}\n\nlog {\n\tdrops 10/second\n\tgroup 5\n}\n");
}

// Nothing crosses a closed bridge, frames that are not IP included.
static void bridge(void **state)
{
	(void)state;
	assert_closed("role bridge\npass eapol lldp stp\ndevice d { address 10.20.1.10; port 104 }\n"
	              "peer p { address 10.0.0.1; accepts echo }\n",
	              "role bridge\n\nlog {\n\tdrops 10/second\n\tgroup 5\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(host), cmocka_unit_test(gateway),
	                                   cmocka_unit_test(bridge)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
