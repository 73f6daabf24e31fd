// SPDX-License-Identifier: GPL-2.0-or-later
//
// The record: what it keeps when it is full, and its text.
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
#include "state/state_record.h"

static struct state_entry entry(uint64_t number, enum state_outcome outcome, int64_t decided_at)
{
	struct state_entry e = {.number = number,
	                        .applied_at = 1763769036,
	                        .decided_at = decided_at,
	                        .outcome = outcome,
	                        .serial = 40 + number,
	                        .peers = 12,
	                        .copy_of = number > 2 ? number - 2 : 0};
	memset(e.hash, 0xa0 + (int)number, sizeof e.hash);
	snprintf(e.who, sizeof e.who, "alice from 10.20.9.%u", (unsigned)number);
	return e;
}

static struct state_record example(void)
{
	struct state_record record = {.confirmed = 1, .pending = 3, .next = 4, .count = 3};
	record.entries[0] = entry(1, STATE_APPLIED, 1763769036);
	record.entries[1] = entry(2, STATE_EXPIRED, 1763769156);
	record.entries[2] = entry(3, STATE_APPLIED, 0);
	return record;
}

static const char text[] = "confirmed 1\npending 3\nnext 4\n"
                           "\npolicy 1\n"
                           "bundle a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\n"
                           "outcome applied\napplied 2025-11-21T23:50:36Z\ndecided 2025-11-21T23:50:36Z\n"
                           "serial 41\npeers 12\ncopy-of 0\nwho alice from 10.20.9.1\n"
                           "\npolicy 2\n"
                           "bundle a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2\n"
                           "outcome expired\napplied 2025-11-21T23:50:36Z\ndecided 2025-11-21T23:52:36Z\n"
                           "serial 42\npeers 12\ncopy-of 0\nwho alice from 10.20.9.2\n"
                           "\npolicy 3\n"
                           "bundle a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3\n"
                           "outcome applied\napplied 2025-11-21T23:50:36Z\ndecided -\n"
                           "serial 43\npeers 12\ncopy-of 1\nwho alice from 10.20.9.3\n";

static int parse(const char *what, size_t size, struct state_record *ret)
{
	char *copy = malloc(size + 1);
	assert_non_null(copy);
	memcpy(copy, what, size);
	copy[size] = '\0';
	int r = state_record_parse(copy, size, ret);
	free(copy);
	return r;
}

static void assert_same(const struct state_record *a, const struct state_record *b)
{
	assert_int_equal(a->confirmed, b->confirmed);
	assert_int_equal(a->pending, b->pending);
	assert_int_equal(a->next, b->next);
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct state_entry *x = &a->entries[i], *y = &b->entries[i];
		assert_int_equal(x->number, y->number);
		assert_int_equal(x->applied_at, y->applied_at);
		assert_int_equal(x->decided_at, y->decided_at);
		assert_int_equal(x->outcome, y->outcome);
		assert_int_equal(x->serial, y->serial);
		assert_int_equal(x->peers, y->peers);
		assert_int_equal(x->copy_of, y->copy_of);
		assert_memory_equal(x->hash, y->hash, sizeof x->hash);
		assert_string_equal(x->who, y->who);
	}
}

static void both_ways(void **state)
{
	struct state_record record = example(), back;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	state_record_print(&record, &out);
	assert_string_equal(out.data, text);
	assert_int_equal(parse(text, sizeof text - 1, &back), 0);
	assert_same(&record, &back);
	buffer_fini(&out);

	struct state_record none = {.next = 1};
	state_record_print(&none, &out);
	assert_int_equal(parse(out.data, out.size, &back), 0);
	assert_same(&none, &back);
	buffer_fini(&out);
}

// Whatever the numbers, times and names are.
static void extremes(void **state)
{
	static const int64_t times[] = {1,          59,         951782399,    951782400,
	                                951868800,  978307199,  2147483647,   2147483648,
	                                4107542400, 7258118400, 253402300799, 1709164800};
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct state_record record = {.confirmed = UINT64_MAX - 1, .next = UINT64_MAX, .count = 1},
		                    back;
		struct buffer out = BUFFER_EMPTY;
		record.entries[0] = (struct state_entry){.number = UINT64_MAX - 1,
		                                         .applied_at = times[i] - 1,
		                                         .decided_at = times[i],
		                                         .outcome = STATE_CONFIRMED,
		                                         .serial = UINT64_MAX,
		                                         .peers = UINT32_MAX,
		                                         .copy_of = UINT64_MAX};
		state_record_print(&record, &out);
		assert_int_equal(parse(out.data, out.size, &back), 0);
		assert_same(&record, &back);
		buffer_fini(&out);
	}
}

// What cannot be written as it is comes back as near to it as can be, never as a record that is refused.
static void clamped(void **state)
{
	struct state_record record = {.confirmed = 1, .next = 2, .count = 1}, back;
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	record.entries[0] = (struct state_entry){
	        .number = 1, .applied_at = -5, .decided_at = INT64_MAX, .outcome = STATE_CONFIRMED};
	memcpy(record.entries[0].who, "a\nwho b\x7f", 9);
	state_record_print(&record, &out);
	assert_int_equal(parse(out.data, out.size, &back), 0);
	assert_int_equal(back.entries[0].applied_at, 0);
	assert_int_equal(back.entries[0].decided_at, 253402300799);
	assert_string_equal(back.entries[0].who, "a?who b?");
	buffer_fini(&out);

	memset(record.entries[0].who, 'x', sizeof record.entries[0].who); // not terminated
	record.entries[0].decided_at = -1;
	state_record_print(&record, &out);
	assert_int_equal(parse(out.data, out.size, &back), 0);
	assert_int_equal(strlen(back.entries[0].who), STATE_WHO_MAX - 1);
	assert_int_equal(back.entries[0].decided_at, 1);
	buffer_fini(&out);
}

// Without the file's checksum: the text alone takes only what was printed.
static void refused(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
	        {"confirmed 1", "confirmed 2x"},
	        {"confirmed 1", "confirmed 9"},
	        {"confirmed 1", "confirmed 3"},
	        {"confirmed 1", "confirmed 01"},
	        {"pending 3", "pending 2"},
	        {"pending 3", "pending 7"},
	        {"next 4", "next 3"},
	        {"next 4", "next -4"},
	        {"policy 2", "policy 1"},
	        {"policy 2", "policy 0"},
	        {"policy 3", "policy 2"},
	        {"outcome expired", "outcome x"},
	        {"T23:52", "T23:61"},
	        {"2025-11-21T23:52", "2025-11-31T23:52"},
	        {"decided -", "decided  -"},
	        {"bundle a2", "bundle A2"},
	        {"bundle a2", "bundle a"},
	        {"peers 12", "peers 4294967297"},
	        {"who alice", "who  alice\n"},
	        {"\npolicy 2", "policy 2"},
	        {"copy-of 1", "copy-of"},
	        {"serial 41", "serial 41\nserial 41"},
	};
	struct state_record back;
	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		char changed[2000];
		const char *at = strstr(text, changes[i].from);
		assert_non_null(at);
		snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, changes[i].to,
		         at + strlen(changes[i].from));
		if (parse(changed, strlen(changed), &back) != -EBADMSG)
			fail_msg("taken: '%s' for '%s'", changes[i].to, changes[i].from);
	}
	for (size_t cut = 0; cut < sizeof text - 1; cut++) {
		int r = parse(text, cut, &back);
		// A record that ends after an entry is one, unless it names what is missing; the file's
		// checksum tells.
		if (r == 0)
			assert_int_equal(text[cut - 1], '\n');
		else
			assert_int_equal(r, -EBADMSG);
	}
}

static void too_many(void **state)
{
	struct state_record record = {.next = 100, .count = STATE_HISTORY_MAX}, back;
	struct buffer out = BUFFER_EMPTY, more = BUFFER_EMPTY;
	(void)state;
	for (size_t i = 0; i < STATE_HISTORY_MAX; i++)
		record.entries[i] = entry(i + 1, STATE_FAILED, 1);
	state_record_print(&record, &out);
	assert_int_equal(parse(out.data, out.size, &back), 0);
	record.entries[0] = entry(17, STATE_FAILED, 1);
	record.count = 1;
	state_record_print(&record, &more);
	buffer_text(&out, strstr(more.data, "\npolicy 17"));
	assert_int_equal(parse(out.data, out.size, &back), -EBADMSG);
	buffer_fini(&out);
	buffer_fini(&more);
}

static void previous(void **state)
{
	struct state_record record = {.next = 20};
	uint64_t dropped;
	(void)state;
	assert_int_equal(state_record_previous(&record), 0);
	struct state_entry entries[] = {
	        entry(1, STATE_APPLIED, 1),   entry(2, STATE_CONFIRMED, 1),   entry(3, STATE_EXPIRED, 1),
	        entry(4, STATE_RESTARTED, 1), entry(5, STATE_ROLLED_BACK, 1), entry(6, STATE_FAILED, 1),
	        entry(7, STATE_CONFIRMED, 1), entry(8, STATE_FAILED, 1),      entry(9, STATE_APPLIED, 0),
	};
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
		state_record_add(&record, &entries[i], &dropped);
	record.confirmed = 7;
	record.pending = 9;
	assert_int_equal(state_record_previous(&record), 2);
	record.confirmed = 2;
	assert_int_equal(state_record_previous(&record), 1);
	record.confirmed = 1;
	assert_int_equal(state_record_previous(&record), 0);
	assert_null(state_record_find(&record, 0));
	assert_null(state_record_find(&record, 10));
	assert_int_equal(state_record_find(&record, 6)->number, 6);
}

// The oldest goes, but never the three that may still be wanted.
static void full(void **state)
{
	struct state_record record = {.confirmed = 2, .next = 100};
	uint64_t dropped;
	(void)state;
	for (uint64_t i = 1; i <= 40; i++) {
		struct state_entry e = entry(i, i == 1 || i == 2 ? STATE_CONFIRMED : STATE_FAILED, 1);
		if (i == 3)
			e = entry(i, STATE_APPLIED, 0);
		state_record_add(&record, &e, &dropped);
		if (i == 3)
			record.pending = 3;
		assert_int_equal(dropped, i <= 16 ? 0 : i - 13);
		assert_int_equal(record.count, i < 16 ? i : 16);
		for (size_t j = 1; j < record.count; j++)
			assert_true(record.entries[j].number > record.entries[j - 1].number);
	}
	for (uint64_t i = 1; i <= 3; i++)
		assert_non_null(state_record_find(&record, i));
	assert_int_equal(record.entries[15].number, 40);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(state_outcome_name(STATE_ROLLED_BACK), "rolled-back");
	assert_string_equal(state_outcome_name((enum state_outcome)77), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways), cmocka_unit_test(extremes),
	                                   cmocka_unit_test(clamped),   cmocka_unit_test(refused),
	                                   cmocka_unit_test(too_many),  cmocka_unit_test(previous),
	                                   cmocka_unit_test(full),      cmocka_unit_test(names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
