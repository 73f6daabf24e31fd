// SPDX-License-Identifier: GPL-2.0-or-later
//
// The floor of signed policies as text: it comes back as it was, and nothing else is taken for one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "state/state_accepted.h"

#define HEX_C "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
#define HEX_F "f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"
#define HEX_R "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"

static const char text[] =
        "serial 7\ncontent " HEX_C "\nnot-before 2025-11-21T23:50:36Z\nframe " HEX_F "\nrest " HEX_R "\n";

static struct trust_floor example(void)
{
	struct trust_floor floor = {.any = true, .serial = 7, .not_before = 1763769036, .parts = true};
	memset(floor.content, 0xc0, sizeof floor.content);
	memset(floor.frame, 0xf0, sizeof floor.frame);
	memset(floor.rest, 0x0e, sizeof floor.rest);
	return floor;
}

static int parse(const char *what, size_t size, struct trust_floor *ret)
{
	char *copy = malloc(size + 1);
	assert_non_null(copy);
	memcpy(copy, what, size);
	copy[size] = '\0';
	memset(ret, 0x55, sizeof *ret);
	int r = state_accepted_parse(copy, size, ret);
	free(copy);
	static const struct trust_floor empty = {0};
	if (r < 0)
		assert_true(!ret->any && ret->serial == 0 && ret->not_before == 0 &&
		            memcmp(ret->content, empty.content, sizeof empty.content) == 0);
	return r;
}

static void assert_same(const struct trust_floor *a, const struct trust_floor *b)
{
	assert_true(a->any && b->any && a->parts == b->parts);
	assert_true(a->serial == b->serial);
	assert_int_equal(a->not_before, b->not_before);
	assert_memory_equal(a->content, b->content, sizeof a->content);
	assert_memory_equal(a->frame, b->frame, sizeof a->frame);
	assert_memory_equal(a->rest, b->rest, sizeof a->rest);
}

static void both_ways(void **state)
{
	struct trust_floor floor = example(), back;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	state_accepted_print(&floor, &out);
	assert_string_equal(out.data, text);
	assert_int_equal(parse(text, sizeof text - 1, &back), 0);
	assert_same(&floor, &back);
	buffer_fini(&out);
}

// Where nobody asks for them they are not there.
static void without_parts(void **state)
{
	static const char *const others[] = {"parts",
	                                     "parts ",
	                                     "parts -\nframe -\n",
	                                     "parts -\nparts -\n",
	                                     "parts 0\n",
	                                     "frame -\nrest -\n",
	                                     "parts -\nrest " HEX_R "\n"};
	struct trust_floor floor = example(), back;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	floor.parts = false;
	memset(floor.frame, 0, sizeof floor.frame);
	memset(floor.rest, 0, sizeof floor.rest);
	state_accepted_print(&floor, &out);
	assert_string_equal(out.data,
	                    "serial 7\ncontent " HEX_C "\nnot-before 2025-11-21T23:50:36Z\nparts -\n");
	assert_int_equal(parse(out.data, out.size, &back), 0);
	assert_same(&floor, &back);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		out.size = (size_t)(strstr(out.data, "parts") - out.data);
		buffer_text(&out, others[i]);
		assert_int_equal(parse(out.data, out.size, &back), -EBADMSG);
		buffer_clear(&out);
		state_accepted_print(&floor, &out);
	}
	buffer_fini(&out);
}

static void extremes(void **state)
{
	static const uint64_t serials[] = {0, 1, INT64_MAX, UINT64_MAX};
	static const int64_t times[] = {0, 1, 4102444800, 253402300799};
	(void)state;
	for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++) {
		for (size_t j = 0; j < sizeof times / sizeof times[0]; j++) {
			struct trust_floor floor = example(), back;
			struct buffer out = BUFFER_EMPTY;
			floor.serial = serials[i];
			floor.not_before = times[j];
			memset(floor.rest, 0xff, sizeof floor.rest);
			memset(floor.frame, 0, sizeof floor.frame);
			state_accepted_print(&floor, &out);
			assert_int_equal(parse(out.data, out.size, &back), 0);
			assert_same(&floor, &back);
			assert_true(times[j] != 0 || strstr(out.data, "\nnot-before -\n"));
			buffer_fini(&out);
		}
	}
	// No such time can come from a policy; it does no harm.
	struct trust_floor floor = example(), back;
	struct buffer out = BUFFER_EMPTY;
	floor.not_before = -5;
	state_accepted_print(&floor, &out);
	assert_int_equal(parse(out.data, out.size, &back), 0);
	assert_int_equal(back.not_before, 0);
	buffer_clear(&out);
	floor.not_before = INT64_MAX;
	state_accepted_print(&floor, &out);
	assert_int_equal(parse(out.data, out.size, &back), 0);
	assert_int_equal(back.not_before, 253402300799);
	buffer_fini(&out);
}

static void changed(const char *from, const char *to)
{
	char other[2000];
	struct trust_floor back;
	const char *at = strstr(text, from);
	assert_non_null(at);
	snprintf(other, sizeof other, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	if (parse(other, strlen(other), &back) != -EBADMSG)
		fail_msg("taken: '%s' for '%s'", to, from);
}

// Without the file's checksum: the text alone takes only what was printed.
static void refused(void **state)
{
	struct trust_floor back;
	(void)state;
	changed("serial 7", "serial 07");
	changed("serial 7", "serial -7");
	changed("serial 7", "serial +7");
	changed("serial 7", "serial ");
	changed("serial 7", "serial 18446744073709551616");
	changed("serial 7", "serial 7 ");
	changed("serial 7\n", "");
	changed("serial 7\n", "serial 7\nserial 7\n");
	changed("serial 7\n", "serial 7\r\n");
	changed("serial 7\n", "\nserial 7\n");
	changed("content c0", "content C0");
	changed("content c0", "content c");
	changed("content c0", "content 0xc0");
	changed("content c0", "content c0c0");
	changed("content", "Content");
	changed("2025-11-21T23:50:36Z", "2025-11-21");
	changed("2025-11-21T23:50:36Z", "2025-02-30T23:50:36Z");
	changed("2025-11-21T23:50:36Z", "2025-11-21T23:50:36z");
	changed("2025-11-21T23:50:36Z", "1970-01-01T00:00:00Z");
	changed("2025-11-21T23:50:36Z", "");
	changed("frame", "rest");
	changed("rest", "frame");
	changed("0e0e\n", "0e0e");
	changed("0e0e\n", "0e0e\n\n");
	changed("0e0e\n", "0e0e\nmore 1\n");
	for (size_t cut = 0; cut < sizeof text - 1; cut++)
		assert_int_equal(parse(text, cut, &back), -EBADMSG);
	assert_int_equal(parse(text, sizeof text, &back), -EBADMSG); // the NUL with it
}

// Another text is another floor, never the same one: each octet replaced by each other.
static void each_octet(void **state)
{
	struct trust_floor floor = example(), back;
	char other[sizeof text];
	(void)state;
	for (size_t at = 0; at < sizeof text - 1; at++) {
		for (int octet = 0; octet < 256; octet++) {
			memcpy(other, text, sizeof text);
			other[at] = (char)octet;
			if (other[at] == text[at] || parse(other, sizeof other - 1, &back) != 0)
				continue;
			assert_true(back.serial != floor.serial || back.not_before != floor.not_before ||
			            memcmp(back.content, floor.content, TRUST_HASH_SIZE) != 0 ||
			            memcmp(back.frame, floor.frame, TRUST_HASH_SIZE) != 0 ||
			            memcmp(back.rest, floor.rest, TRUST_HASH_SIZE) != 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways), cmocka_unit_test(without_parts),
	                                   cmocka_unit_test(extremes), cmocka_unit_test(refused),
	                                   cmocka_unit_test(each_octet)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
