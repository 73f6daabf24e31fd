// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the confirmed policy says of itself, where `accepted` is behind it or lost and nobody vouches for it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/signed_text.h"
#include "state/state.h"

#define TEXT "policy { site a; unit b; serial 9 }\nrole host\n"
#define SIGNED TEXT SIGNED_TEXT_MARKER "\nAAAA\n-----END LEADGLASS SIGNATURE-----\n"

static char top[] = "/tmp/leadglass-claim-XXXXXX";
static struct state_store *store;
static struct problems problems;

static int begin(void **state)
{
	(void)state;
	problem_init(&problems);
	return mkdtemp(top) ? state_open(top, &store, &problems) : -1;
}

static int end(void **state)
{
	char command[128];
	(void)state;
	state_close(store);
	problem_fini(&problems);
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

// A record that names this text as confirmed, with serial 9.
static struct state_record confirm(const char *text)
{
	struct state_record record = {.confirmed = 2, .next = 3, .count = 1};
	struct buffer bundle = BUFFER_EMPTY;
	record.entries[0] = (struct state_entry){.number = 2, .decided_at = 5, .serial = 9, .who = "alice"};
	buffer_printf(&bundle, "leadglass-bundle 1\nfile %zu policy.conf\n%s\nend\n", strlen(text), text);
	assert_int_equal(trust_hash(bundle.data, bundle.size, record.entries[0].hash), 0);
	assert_int_equal(state_write_policy(store, 2, bundle.data, bundle.size, &problems), 0);
	buffer_fini(&bundle);
	return record;
}

static struct trust_floor floor_at(uint64_t serial)
{
	return (struct trust_floor){.any = true, .serial = serial, .not_before = 1763769036, .parts = true};
}

// Serial and octets, and of what was known before only the time that has passed.
static void raises(void **state)
{
	struct state_record record = confirm(SIGNED);
	struct trust_floor behind = floor_at(8), lost = {0};
	uint8_t content[TRUST_HASH_SIZE];
	(void)state;
	assert_int_equal(trust_hash(TEXT, sizeof TEXT - 1, content), 0);
	assert_int_equal(state_claim(store, &record, &behind, &problems), 0);
	assert_true(behind.any && behind.serial == 9 && !behind.parts && behind.not_before == 1763769036);
	assert_memory_equal(behind.content, content, sizeof content);
	assert_int_equal(state_claim(store, &record, &lost, &problems), 0);
	assert_true(lost.any && lost.serial == 9 && lost.not_before == 0);
}

static void stays(struct state_record *record, uint64_t serial)
{
	struct trust_floor floor = floor_at(serial);
	assert_int_equal(state_claim(store, record, &floor, &problems), 0);
	assert_true(floor.any && floor.serial == serial && floor.parts);
}

static void never_lowers(void **state)
{
	struct state_record record = confirm(SIGNED);
	(void)state;
	stays(&record, 9);
	stays(&record, 10);
}

static void what_claims_nothing(void **state)
{
	struct state_record record = confirm(TEXT), none = {.next = 1};
	(void)state;
	stays(&none, 8);
	stays(&record, 8); // no signature: it was taken when nobody asked for one
	record = confirm(SIGNED);
	record.entries[0].hash[0] ^= 1; // another file than was confirmed
	stays(&record, 8);
	state_remove_policy(store, 2);
	record = (struct state_record){
	        .confirmed = 2, .next = 3, .count = 1, .entries = {{.number = 2, .serial = 9}}};
	stays(&record, 8);
	assert_int_equal(problems.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(raises), cmocka_unit_test(never_lowers),
	                                   cmocka_unit_test(what_claims_nothing)};
	return cmocka_run_group_tests(tests, begin, end);
}
