// SPDX-License-Identifier: GPL-2.0-or-later
//
// The whole of a policy as JSON, and one in which nothing is given.
#include "policy_test.h"

#include "base/json.h"

// The text without its blanks and line ends: how it is laid out is the writer's business.
static void assert_json(const char *policy, const char *wanted)
{
	struct reading r;
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	char *to;
	read_good(&r, policy);
	policy_json(&r.policy, &json);
	assert_false(buffer_failed(&out));
	to = out.data;
	for (const char *from = out.data; *from; from++)
		if (*from != ' ' && *from != '\n')
			*to++ = *from;
	*to = '\0';
	assert_string_equal(out.data, wanted);
	buffer_fini(&out);
	reading_fini(&r);
}

static void everything(void **state)
{
	(void)state;
	assert_json(
	        "role bridge\n"
	        "pass stp eapol\n"
	        "policy { site \"s\xc3\xbc"
	        "d\"; unit u; serial 18446744073709551615; not-before 2026-11-21; "
	        "not-after 2027-11-21 }\n"
	        "box { address 10.20.1.250/24 2001:db8::1/64; interface service }\n"
	        "device ct-3 { address 10.20.1.10; ae-title CT3; port 104 11112; mac 00:1b:21:aa:00:03 }\n"
	        "peer p { devices ct-3; address 10.0.0.0/8; ae-title P \"\\\"\"; tls; initiates storage echo; "
	        "accepts echo }\n"
	        "service dhcp\n"
	        "service hl7 for box { tcp 2575 8000-8010 from 10.20.0.9 }\n"
	        "service ping { to 10.20.0.1 }\n"
	        "manage { from 10.20.9.0/24; interface eth0 }\n"
	        "log { drops 100/hour; group 7 }\n",
	        "{\"policy\":{\"site\":\"s\xc3\xbc"
	        "d\",\"unit\":\"u\",\"serial\":18446744073709551615,"
	        "\"not-before\":\"2026-11-21\",\"not-after\":\"2027-11-21\"},"
	        "\"role\":\"bridge\",\"pass\":[\"eapol\",\"stp\"],\"flowtable\":[],"
	        "\"box\":{\"addresses\":[\"10.20.1.250/24\",\"2001:db8::1/64\"],\"interfaces\":[\"service\"]},"
	        "\"devices\":[{\"name\":\"ct-3\",\"addresses\":[\"10.20.1.10\"],\"ae-titles\":[\"CT3\"],"
	        "\"ports\":[104,11112],\"mac\":\"00:1b:21:aa:00:03\"}],"
	        "\"peers\":[{\"name\":\"p\",\"devices\":[\"ct-3\"],\"addresses\":[\"10.0.0.0/8\"],"
	        "\"ae-titles\":[\"P\",\"\\\"\"],\"ports\":[2762],\"tls\":true,\"initiates\":[\"echo\","
	        "\"storage\"],"
	        "\"accepts\":[\"echo\"]}],"
	        "\"services\":[{\"name\":\"dhcp\",\"for\":\"devices\",\"openings\":[]},"
	        "{\"name\":\"hl7\",\"for\":\"box\",\"openings\":[{\"protocol\":\"tcp\",\"ports\":"
	        "[{\"first\":2575,\"last\":2575},{\"first\":8000,\"last\":8010}],\"from\":[\"10.20.0.9\"]}]},"
	        "{\"name\":\"ping\",\"for\":\"devices\",\"openings\":[{\"protocol\":\"icmp-echo\",\"ports\":[],"
	        "\"to\":[\"10.20.0.1\"]}]}],"
	        "\"manage\":{\"from\":[\"10.20.9.0/24\"],\"interfaces\":[\"eth0\"],\"ports\":[22]},"
	        "\"log\":{\"drops\":100,\"seconds\":3600,\"group\":7}}");
}

static void nothing(void **state)
{
	(void)state;
	assert_json(
	        "role host\n",
	        "{\"policy\":{\"site\":null,\"unit\":null,\"serial\":null,\"not-before\":null,\"not-after\":"
	        "null},"
	        "\"role\":\"host\",\"pass\":[],\"flowtable\":[],\"box\":null,\"devices\":[],\"peers\":[],"
	        "\"services\":[],"
	        "\"manage\":null,"
	        "\"log\":{\"drops\":10,\"seconds\":1,\"group\":5}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(everything), cmocka_unit_test(nothing)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
