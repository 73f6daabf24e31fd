// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the agent finds on its disk at a start: the text of a record or of the floor of signed policies, without
// the hash around it, which no search would guess; and, after a NUL, what happens next. From any record that is
// taken the machine of apply, confirm and roll back starts; whatever is then asked of it and fails, what it has
// written is a record that it would take at the next start. The same octets are read as a sealed file, and
// sealed.
#include "readable.h"

#include <errno.h>
#include <string.h>

#include "state/state_accepted.h"
#include "state/state_commit.h"
#include "state/state_record.h"

#define STEPS_MAX 200

// ---- files ----

static bool read_record(const char *text, size_t size, struct state_record *ret)
{
	char *own = fuzz_copy(text, size);
	struct buffer again = BUFFER_EMPTY;
	int r = state_record_parse(own, size, ret);
	FUZZ_HOLDS(r == 0 || r == -EBADMSG);
	if (r == 0) {
		state_record_print(ret, &again);
		FUZZ_HOLDS(again.size == size && memcmp(again.data, text, size) == 0);
	}
	buffer_fini(&again);
	free(own);
	return r == 0;
}

static void read_accepted(const char *text, size_t size)
{
	char *own = fuzz_copy(text, size);
	struct buffer again = BUFFER_EMPTY;
	struct trust_floor floor;
	int r = state_accepted_parse(own, size, &floor);
	FUZZ_HOLDS((r == 0 || r == -EBADMSG) && floor.any == (r == 0));
	if (r == 0) {
		state_accepted_print(&floor, &again);
		FUZZ_HOLDS(again.size == size && memcmp(again.data, text, size) == 0);
	}
	buffer_fini(&again);
	free(own);
}

// As a file it is what it was, and with one octet changed it is none.
static void hold_sealed(const char *text, size_t size)
{
	struct buffer file = BUFFER_EMPTY;
	const char *name;
	char *inside;
	size_t inside_size;
	state_seal("policy.7", text, size, &file);
	FUZZ_HOLDS(!buffer_failed(&file));
	file.data[size] ^= 0x20;
	FUZZ_HOLDS(state_unseal(file.data, file.size, &name, &inside, &inside_size) == -EBADMSG);
	file.data[size] ^= 0x20;
	FUZZ_HOLDS(state_unseal(file.data, file.size, &name, &inside, &inside_size) == 0);
	FUZZ_HOLDS(strcmp(name, "policy.7") == 0 && inside_size == size && memcmp(inside, text, size) == 0);
	buffer_fini(&file);
}

static void hold_raw(const char *text, size_t size)
{
	char *own = fuzz_copy(text, size), *inside;
	const char *name;
	size_t inside_size;
	if (state_unseal(own, size, &name, &inside, &inside_size) == 0)
		FUZZ_HOLDS(name > own && inside > name && inside + inside_size < own + size);
	free(own);
}

// ---- what happens next ----

struct life {
	const uint8_t *at; // what goes wrong, and what is asked for
	size_t left;
	int64_t now; // ms
	unsigned steps;
	bool window; // the policy that is applied has one
	struct state_record disk;
};

static uint8_t next(struct life *life)
{
	if (life->left == 0)
		return 0;
	life->left--;
	return *life->at++;
}

static int64_t unix_now(const struct life *life)
{
	return 1800000000 + life->now / 1000;
}

static void write_record(struct life *life, const struct state_record *record)
{
	struct state_record again;
	struct buffer text = BUFFER_EMPTY;
	state_record_print(record, &text);
	FUZZ_HOLDS(!buffer_failed(&text) && read_record(text.data, text.size, &again));
	buffer_fini(&text);
	life->disk = *record;
}

// A policy of which somebody was told that it stays is found at the next start.
static void hold_answer(const struct commit *commit, const struct life *life)
{
	bool stays =
	        commit->event == COMMIT_EVENT_CONFIRM || (commit->event == COMMIT_EVENT_APPLY && !life->window);
	FUZZ_HOLDS(!stays || commit->error != 0 || life->disk.confirmed == commit->number);
}

// Does what is to be done, or fails at it: then nobody knows whether it was done.
static void work(struct commit *commit, struct life *life)
{
	while (commit->step != COMMIT_IDLE) {
		FUZZ_HOLDS(life->steps++ < STEPS_MAX);
		const uint8_t how = next(life);
		if (commit->step == COMMIT_STORE_RECORD && (how & 3) != 1)
			write_record(life, &commit->record);
		if (commit->step == COMMIT_ANSWER)
			hold_answer(commit, life);
		FUZZ_HOLDS(commit->step != COMMIT_LOAD || commit->number > 0);
		life->now += how >> 4;
		const bool cannot_fail = commit->step == COMMIT_REMOVE || commit->step == COMMIT_ANSWER;
		commit_done(commit, how & 1 && !cannot_fail ? -EIO : 0, how & 2, life->now, unix_now(life));
	}
}

static int apply(struct commit *commit, struct life *life)
{
	const struct state_entry entry = {.peers = next(life), .serial = next(life), .who = "alice"};
	const bool window = next(life) % 3;
	int r = commit_apply(commit, &entry, window ? 60000 : 0, life->now, unix_now(life));
	if (r == 0)
		life->window = window;
	return r;
}

static void happen(struct commit *commit, struct life *life)
{
	const uint8_t what = next(life);
	int r = 0;
	life->now += (int64_t)(what >> 3) * 3000;
	switch (what % 5) {
	case 0:
		r = apply(commit, life);
		break;
	case 1:
		r = commit_confirm(commit, life->now, unix_now(life));
		break;
	case 2:
		r = commit_rollback(commit, life->now, unix_now(life));
		break;
	case 3: // the power was cut
		commit_boot(commit, &life->disk, life->now);
		break;
	default:
		commit_tick(commit, life->now, unix_now(life));
	}
	FUZZ_HOLDS(r == 0 || r == -ENOENT || r == -EBUSY);
}

static void live(const struct state_record *record, const uint8_t *data, size_t size)
{
	struct life life = {.at = data, .left = size, .now = 1000, .disk = *record};
	struct commit commit;
	commit_boot(&commit, record, life.now);
	work(&commit, &life);
	while (life.left > 0 && life.steps < STEPS_MAX / 2) {
		happen(&commit, &life);
		work(&commit, &life);
		FUZZ_HOLDS(!commit.record.pending || commit.deadline != COMMIT_NEVER);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
	const size_t text = end ? (size_t)(end - data) : size;
	struct state_record record;
	hold_raw((const char *)data, size);
	hold_sealed((const char *)data, size);
	read_accepted((const char *)data, text);
	// Nobody counts to the end of 64 bits.
	if (read_record((const char *)data, text, &record) && record.next < UINT64_MAX - STEPS_MAX && end)
		live(&record, end + 1, size - text - 1);
	return 0;
}
