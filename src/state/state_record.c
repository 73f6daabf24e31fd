// SPDX-License-Identifier: GPL-2.0-or-later
//
// The record: what is kept in it, and its text.
#include "state/state_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "state/state_text.h"

static const char *const outcomes[] = {
        [STATE_APPLIED] = "applied",         [STATE_CONFIRMED] = "confirmed", [STATE_EXPIRED] = "expired",
        [STATE_ROLLED_BACK] = "rolled-back", [STATE_RESTARTED] = "restarted", [STATE_FAILED] = "failed",
};
#define OUTCOMES (sizeof outcomes / sizeof outcomes[0])

const char *state_outcome_name(enum state_outcome outcome)
{
	return (size_t)outcome < OUTCOMES ? outcomes[outcome] : "unknown";
}

struct state_entry *state_record_find(struct state_record *record, uint64_t number)
{
	for (size_t i = 0; number && i < record->count; i++)
		if (record->entries[i].number == number)
			return &record->entries[i];
	return NULL;
}

uint64_t state_record_previous(const struct state_record *record)
{
	for (size_t i = record->count; i-- > 0;) {
		const struct state_entry *entry = &record->entries[i];
		bool held = entry->outcome == STATE_CONFIRMED ||
		            (entry->outcome == STATE_APPLIED && entry->decided_at != 0);
		if (held && entry->number < record->confirmed)
			return entry->number;
	}
	return 0;
}

void state_record_add(struct state_record *record, const struct state_entry *entry, uint64_t *ret_dropped)
{
	*ret_dropped = 0;
	if (record->count == STATE_HISTORY_MAX) {
		uint64_t previous = state_record_previous(record);
		size_t i = 0;
		while (record->entries[i].number == record->confirmed ||
		       record->entries[i].number == record->pending || record->entries[i].number == previous)
			i++;
		*ret_dropped = record->entries[i].number;
		record->count--;
		memmove(&record->entries[i], &record->entries[i + 1],
		        (record->count - i) * sizeof record->entries[0]);
	}
	record->entries[record->count++] = *entry;
}

// ---- printing ----

static void print_entry(const struct state_entry *entry, struct buffer *out)
{
	char hash[TRUST_HASH_TEXT_SIZE];
	buffer_printf(out, "\npolicy %" PRIu64 "\nbundle %s\n", entry->number,
	              trust_hash_print(entry->hash, hash));
	buffer_printf(out, "outcome %s\napplied ", state_outcome_name(entry->outcome));
	state_print_time(out, entry->applied_at);
	buffer_text(out, "\ndecided ");
	if (entry->decided_at)
		state_print_time(out, entry->decided_at < 1 ? 1 : entry->decided_at);
	else
		buffer_text(out, "-");
	buffer_printf(out, "\nserial %" PRIu64 "\npeers %" PRIu32 "\ncopy-of %" PRIu64 "\nwho ", entry->serial,
	              entry->peers, entry->copy_of);
	for (size_t i = 0; i < sizeof entry->who - 1 && entry->who[i]; i++) {
		char c = entry->who[i];
		buffer_add(out, (unsigned char)c < ' ' || c == 0x7f ? "?" : &c, 1);
	}
	buffer_text(out, "\n");
}

void state_record_print(const struct state_record *record, struct buffer *out)
{
	buffer_printf(out, "confirmed %" PRIu64 "\npending %" PRIu64 "\nnext %" PRIu64 "\n", record->confirmed,
	              record->pending, record->next);
	for (size_t i = 0; i < record->count; i++)
		print_entry(&record->entries[i], out);
}

// ---- reading ----

static enum state_outcome outcome(struct state_reader *reader, const char *key)
{
	const char *text = state_read_value(reader, key);
	for (size_t i = 0; i < OUTCOMES; i++)
		if (strcmp(text, outcomes[i]) == 0)
			return (enum state_outcome)i;
	reader->bad = true;
	return STATE_FAILED;
}

static void read_entry(struct state_reader *reader, struct state_entry *ret)
{
	*ret = (struct state_entry){0};
	if (*reader->text++ != '\n') {
		reader->text--;
		reader->bad = true;
	}
	ret->number = state_read_number(reader, "policy");
	state_read_hash(reader, "bundle", ret->hash);
	ret->outcome = outcome(reader, "outcome");
	ret->applied_at = state_read_time(reader, "applied");
	ret->decided_at = state_read_time(reader, "decided");
	ret->serial = state_read_number(reader, "serial");
	ret->peers = (uint32_t)state_read_number(reader, "peers");
	ret->copy_of = state_read_number(reader, "copy-of");
	snprintf(ret->who, sizeof ret->who, "%s", state_read_value(reader, "who"));
}

static bool makes_sense(struct state_record *record)
{
	uint64_t last = 0;
	for (size_t i = 0; i < record->count; i++) {
		if (record->entries[i].number <= last)
			return false;
		last = record->entries[i].number;
	}
	const struct state_entry *pending = state_record_find(record, record->pending);
	return record->next > last && (!record->confirmed || state_record_find(record, record->confirmed)) &&
	       (!record->pending || (pending && pending->outcome == STATE_APPLIED && !pending->decided_at &&
	                             record->pending != record->confirmed));
}

static void read_record(struct state_reader *reader, void *ret)
{
	struct state_record *record = ret;
	*record = (struct state_record){0};
	record->confirmed = state_read_number(reader, "confirmed");
	record->pending = state_read_number(reader, "pending");
	record->next = state_read_number(reader, "next");
	while (!reader->bad && *reader->text && record->count < STATE_HISTORY_MAX)
		read_entry(reader, &record->entries[record->count++]);
}

static void print_record(const void *from, struct buffer *out)
{
	state_record_print(from, out);
}

int state_record_parse(char *text, size_t size, struct state_record *ret)
{
	int r = state_text_parse(text, size, ret, read_record, print_record);
	return r == 0 && !makes_sense(ret) ? -EBADMSG : r;
}
