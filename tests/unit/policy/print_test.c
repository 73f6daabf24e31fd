// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the golden files do not show of the canonical form: that it is the same for the same meaning, that it
// keeps every word, and that a buffer's failure is kept.
#include "policy_test.h"

#define HOST "role host\ndevice ct-3 { port 11112 }\n"

static char *printed(const char *text)
{
	struct reading r;
	struct buffer out = BUFFER_EMPTY;
	read_good(&r, text);
	policy_print(&r.policy, &out);
	reading_fini(&r);
	return buffer_steal(&out);
}

static void same_meaning(void **state)
{
	static const char *const pairs[][2] = {
	        {HOST, HOST "log { drops 10/second; group 5 }\n"},
	        {HOST "peer p { tls; address 10.0.0.1 }", HOST "peer p { address 10.0.0.1; tls; port 2762 }"},
	        {HOST "manage { from 10.0.0.1 }", HOST "manage { port 22; from 10.0.0.1/32 }"},
	        {HOST "peer p { address 2001:DB8::0:1 }", HOST "peer 'p' { address \"2001:db8:0::1\" }"},
	        {HOST "peer p { address 10.0.0.1; accepts storage echo }",
	         HOST "peer p { address 10.0.0.1; accepts echo; accepts storage }"},
	        {HOST "service ntp for devices { to 10.0.0.1 }", HOST "service ntp { to 10.0.0.1 }"},
	        {HOST "service dhcp", HOST "service dhcp { }"},
	        {HOST "device a { mac 00-1B-21-AA-00-03 }", HOST "device a { mac 00:1b:21:aa:00:03 }"},
	        {HOST "device a { ae-title ' A B ' }", HOST "device a { ae-title \"A B\" }"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char *a = printed(pairs[i][0]), *b = printed(pairs[i][1]);
		assert_string_equal(a, b);
		free(a);
		free(b);
	}
}

// All the characters an AE title may have survive.
static void every_character(void **state)
{
	struct reading r;
	char text[200], *out;
	(void)state;
	for (int c = ' ' + 1; c <= '~'; c++) {
		if (c == '\\')
			continue; // not in an AE title
		snprintf(text, sizeof text, "role host\ndevice a { ae-title \"%sx\" \"y%s%c\" }\n",
		         c == '#' ? "#" : "", c == '"' ? "\\" : "", c);
		out = printed(text);
		read_good(&r, out);
		assert_int_equal(r.policy.titles[1].size, 2);
		assert_int_equal(r.policy.titles[1].text[1], c);
		free(out);
		reading_fini(&r);
	}
}

// Lines are short, and what a long list was split into is read as one list again.
static void long_lists(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	struct reading r, again;
	(void)state;
	buffer_text(&text, HOST "peer p {\n");
	for (unsigned i = 0; i < 3000; i++)
		buffer_printf(&text, "\taddress 2001:db8:%x:%x:%x:%x:%x:%x\n", i, i + 1, i + 2, i + 3, i + 4,
		              i + 5);
	buffer_text(&text, "}\n");
	read_good(&r, text.data);
	buffer_clear(&text);
	policy_print(&r.policy, &text);
	for (const char *line = text.data; *line; line = strchr(line, '\n') + 1)
		assert_true(strchr(line, '\n') - line <= 100);
	read_good(&again, text.data);
	assert_int_equal(again.policy.prefix_count, 3000);
	assert_int_equal(again.policy.peers[0].addresses.count, 3000);
	for (size_t i = 0; i < 3000; i++)
		assert_true(prefix_equal(&r.policy.prefixes[i].prefix, &again.policy.prefixes[i].prefix));
	reading_fini(&r);
	reading_fini(&again);
	buffer_fini(&text);
}

static void failed_buffer(void **state)
{
	struct reading r;
	struct buffer out = {.failed = true};
	(void)state;
	read_good(&r, HOST);
	policy_print(&r.policy, &out);
	assert_true(buffer_failed(&out));
	assert_int_equal(out.size, 0);
	reading_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_meaning), cmocka_unit_test(every_character),
	                                   cmocka_unit_test(long_lists), cmocka_unit_test(failed_buffer)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
