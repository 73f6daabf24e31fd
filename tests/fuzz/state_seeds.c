// SPDX-License-Identifier: GPL-2.0-or-later
//
// Records for the fuzz target `state`, as the agent writes them, and what may happen after a start with each.
#include "seeds.h"

#include <string.h>

#include "base/buffer.h"
#include "state/state_accepted.h"
#include "state/state_record.h"

static const struct state_entry entries[] = {
        {.number = 3,
         .applied_at = 1763769036,
         .decided_at = 1763769036,
         .peers = 4,
         .who = "alice from 10.20.9.77"},
        {.number = 4,
         .applied_at = 1763769136,
         .decided_at = 1763769190,
         .outcome = STATE_CONFIRMED,
         .serial = 7,
         .hash = {0x5f, 0x2b, [31] = 1},
         .peers = 5,
         .who = "root"},
        {.number = 5,
         .applied_at = 1763769236,
         .decided_at = 1763769296,
         .outcome = STATE_EXPIRED,
         .copy_of = 3},
        {.number = 6, .applied_at = 1763769336, .serial = 8, .peers = 5, .who = "bob"},
};

// What happens: each event an octet, after it one for each thing to be done, 1 where it fails.
static const uint8_t nothing[] = {0};
static const uint8_t applied[] = {0, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0, 0, 0, 0, 4, 0};
static const uint8_t confirmed[] = {0, 0, 0, 0, 5, 7, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0};
static const uint8_t expired[] = {0, 0, 0, 0, 5, 7, 1, 0, 0, 0, 0, 0, 0xfc, 0, 0, 0, 0, 0, 0};
static const uint8_t rolled_back[] = {0, 0, 0, 0, 5, 7, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0};
static const uint8_t failed[] = {1, 2, 0, 0, 0, 5, 7, 1, 0, 3, 0, 1, 0, 0, 1, 0, 0xfc, 1, 0, 3, 0, 0};
static const struct {
	const char *name;
	const uint8_t *octets;
	size_t size;
} lives[] = {
        {"nothing", nothing, sizeof nothing},
        {"applied", applied, sizeof applied},
        {"confirmed", confirmed, sizeof confirmed},
        {"expired", expired, sizeof expired},
        {"rolled-back", rolled_back, sizeof rolled_back},
        {"failed", failed, sizeof failed},
};

static void record(const char *name, uint64_t confirms, uint64_t pends, size_t count)
{
	struct state_record record = {.confirmed = confirms, .pending = pends, .next = 7, .count = count};
	struct buffer text = BUFFER_EMPTY, file = BUFFER_EMPTY;
	memcpy(record.entries, entries, count * sizeof entries[0]);
	state_record_print(&record, &text);
	state_seal("record", text.data, text.size, &file);
	seed(name, file.data, file.size);
	for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
		char both[64];
		snprintf(both, sizeof both, "%s-%s", name, lives[i].name);
		buffer_clear(&file);
		buffer_add(&file, text.data, text.size + 1); // with its NUL
		buffer_add(&file, lives[i].octets, lives[i].size);
		seed(both, file.data, file.size);
	}
	buffer_fini(&text);
	buffer_fini(&file);
}

static void accepted(const char *name, bool parts)
{
	const struct trust_floor floor = {.any = true,
	                                  .serial = 7,
	                                  .content = {1, 2, 3},
	                                  .not_before = parts ? 1763769036 : 0,
	                                  .parts = parts,
	                                  .frame = {4},
	                                  .rest = {5}};
	struct buffer text = BUFFER_EMPTY;
	state_accepted_print(&floor, &text);
	seed(name, text.data, text.size);
	buffer_fini(&text);
}

void make_seeds(void)
{
	record("fresh", 0, 0, 0);
	record("confirmed", 4, 0, 3);
	record("pending", 4, 6, 4);
	record("never-confirmed", 0, 6, 4);
	accepted("accepted", true);
	accepted("accepted-before-parts", false);
}
