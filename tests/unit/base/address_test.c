// SPDX-License-Identifier: GPL-2.0-or-later
//
// Prefixes: what is read, what is refused and why, and how it is written back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"

static enum prefix_error parse(const char *text, struct prefix *ret)
{
	return prefix_parse(text, strlen(text), ret);
}

static struct prefix make(const char *text)
{
	struct prefix prefix;
	assert_int_equal(parse(text, &prefix), PREFIX_OK);
	return prefix;
}

static void reads_and_writes_back(void **state)
{
	static const char *const pairs[][2] = {
	        {"10.20.0.5", "10.20.0.5"},
	        {"0.0.0.0", "0.0.0.0"},
	        {"255.255.255.255", "255.255.255.255"},
	        {"10.20.0.0/24", "10.20.0.0/24"},
	        {"10.20.0.5/32", "10.20.0.5"},
	        {"0.0.0.0/0", "0.0.0.0/0"},
	        {"2001:DB8:0:0::5", "2001:db8::5"},
	        {"2001:db8::/64", "2001:db8::/64"},
	        {"::/0", "::/0"},
	        {"::1/128", "::1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char text[PREFIX_TEXT_MAX];
		struct prefix prefix = make(pairs[i][0]);
		assert_string_equal(prefix_print(&prefix, text), pairs[i][1]);
	}
}

static void refuses_with_the_reason(void **state)
{
	static const struct {
		const char *text;
		enum prefix_error error;
	} cases[] = {
	        {"pacs.hospital.example", PREFIX_NOT_AN_ADDRESS},
	        {"", PREFIX_NOT_AN_ADDRESS},
	        {"10.20.0", PREFIX_NOT_AN_ADDRESS},
	        {"10.20.0.256", PREFIX_NOT_AN_ADDRESS},
	        {"10.20.0.5.", PREFIX_NOT_AN_ADDRESS},
	        {"10.20.0.5/33", PREFIX_BAD_LENGTH},
	        {"10.20.0.5/", PREFIX_BAD_LENGTH},
	        {"10.20.0.5/024", PREFIX_BAD_LENGTH},
	        {"10.20.0.5/4294967328", PREFIX_BAD_LENGTH},
	        {"10.20.0.5/24", PREFIX_HOST_BITS},
	        {"2001:db8::1/64", PREFIX_HOST_BITS},
	        {"2001:db8::/129", PREFIX_BAD_LENGTH},
	        {"010.20.0.5", PREFIX_LEADING_ZERO},
	        {"10.20.0.05", PREFIX_LEADING_ZERO},
	        {"fe80::1%eth0", PREFIX_SCOPE},
	        {"::ffff:10.0.0.1", PREFIX_MAPPED},
	        {"1:2:3:4:5:6:7:8:9", PREFIX_NOT_AN_ADDRESS},
	        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", PREFIX_NOT_AN_ADDRESS},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct prefix prefix;
		assert_int_equal(parse(cases[i].text, &prefix), cases[i].error);
	}
	struct prefix meant;
	char text[PREFIX_TEXT_MAX];
	assert_int_equal(parse("10.20.0.5/24", &meant), PREFIX_HOST_BITS);
	assert_string_equal(prefix_print(&meant, text), "10.20.0.0/24");
	// no octet beyond the given size is looked at
	assert_int_equal(prefix_parse("10.20.0.5/24", 9, &meant), PREFIX_OK);
	assert_string_equal(prefix_print(&meant, text), "10.20.0.5");
}

static void contains_and_range(void **state)
{
	(void)state;
	struct prefix wide = make("10.16.0.0/12"), inner = make("10.31.255.0/24"), other = make("10.32.0.0/24");
	struct prefix six = make("::/0");
	assert_true(prefix_contains(&wide, &inner));
	assert_false(prefix_contains(&inner, &wide));
	assert_false(prefix_contains(&wide, &other));
	assert_false(prefix_contains(&six, &inner));
	uint8_t first[16], last[16];
	prefix_range(&wide, first, last);
	assert_memory_equal(first, ((uint8_t[]){10, 16, 0, 0}), 4);
	assert_memory_equal(last, ((uint8_t[]){10, 31, 255, 255}), 4);
}

static void kinds_of_address(void **state)
{
	static const char *const public[] = {"8.8.8.8",      "11.0.0.0/8",  "172.32.0.1", "192.169.0.1",
	                                     "2606:4700::1", "100.128.0.1", "0.0.0.0/0",  "::/0"};
	static const char *const private[] = {"10.20.0.5",   "172.31.255.255", "192.168.1.1", "127.0.0.1",
	                                      "169.254.1.1", "100.64.0.1",     "192.0.2.1",   "224.0.0.1",
	                                      "fe80::1",     "fd00::1",        "2001:db8::1", "::1",
	                                      "ff02::1",     "255.255.255.255"};
	(void)state;
	for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
		struct prefix prefix = make(public[i]);
		assert_true(prefix_is_public(&prefix));
	}
	for (size_t i = 0; i < sizeof private / sizeof private[0]; i++) {
		struct prefix prefix = make(private[i]);
		assert_false(prefix_is_public(&prefix));
	}
	struct prefix p = make("224.0.0.251");
	assert_true(prefix_is_multicast(&p));
	p = make("127.0.0.53");
	assert_true(prefix_is_loopback(&p));
	assert_false(prefix_is_link_local(&p));
	p = make("fe80::1");
	assert_true(prefix_is_link_local(&p));
}

static void macs(void **state)
{
	struct mac mac;
	char text[MAC_TEXT_MAX];
	(void)state;
	assert_true(mac_parse("00:1B:21:aa:00:03", 17, &mac));
	assert_string_equal(mac_print(&mac, text), "00:1b:21:aa:00:03");
	assert_true(mac_parse("00-1b-21-aa-00-03", 17, &mac));
	assert_false(mac_parse("00:1b:21:aa:00", 14, &mac));
	assert_false(mac_parse("00:1b-21:aa:00:03", 17, &mac));
	assert_false(mac_parse("00:1g:21:aa:00:03", 17, &mac));
	assert_false(mac_parse("001b21aa0003xxxxx", 17, &mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_and_writes_back),
	        cmocka_unit_test(refuses_with_the_reason),
	        cmocka_unit_test(contains_and_range),
	        cmocka_unit_test(kinds_of_address),
	        cmocka_unit_test(macs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
