// SPDX-License-Identifier: GPL-2.0-or-later
//
// What no later signed policy may fall short of, kept; and what there is instead where that was lost.
#include "state/state_accepted.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "state/state_store.h"
#include "state/state_text.h"

static void print_hash(struct buffer *out, const char *key, const uint8_t hash[static TRUST_HASH_SIZE])
{
	char text[TRUST_HASH_TEXT_SIZE];
	buffer_printf(out, "%s %s\n", key, trust_hash_print(hash, text));
}

static void print(const void *from, struct buffer *out)
{
	const struct trust_floor *floor = from;
	buffer_printf(out, "serial %" PRIu64 "\n", floor->serial);
	print_hash(out, "content", floor->content);
	buffer_text(out, "not-before ");
	if (floor->not_before > 0)
		state_print_time(out, floor->not_before);
	else
		buffer_text(out, "-");
	buffer_text(out, "\n");
	if (floor->parts) {
		print_hash(out, "frame", floor->frame);
		print_hash(out, "rest", floor->rest);
	} else {
		buffer_text(out, "parts -\n");
	}
}

void state_accepted_print(const struct trust_floor *floor, struct buffer *out)
{
	print(floor, out);
}

static void read(struct state_reader *reader, void *ret)
{
	struct trust_floor *floor = ret;
	*floor = (struct trust_floor){.any = true};
	floor->serial = state_read_number(reader, "serial");
	state_read_hash(reader, "content", floor->content);
	floor->not_before = state_read_time(reader, "not-before");
	floor->parts = strncmp(reader->text, "parts", 5) != 0;
	if (!floor->parts) {
		state_read_value(reader, "parts");
		return;
	}
	state_read_hash(reader, "frame", floor->frame);
	state_read_hash(reader, "rest", floor->rest);
}

int state_accepted_parse(char *text, size_t size, struct trust_floor *ret)
{
	int r = state_text_parse(text, size, ret, read, print);
	if (r < 0)
		*ret = (struct trust_floor){0};
	return r;
}

int state_read_accepted(struct state_store *store, struct trust_floor *ret, struct problems *problems)
{
	char *text;
	size_t size;
	*ret = (struct trust_floor){0};
	int r = state_read_text(store, "accepted", &text, &size, problems);
	if (r < 0)
		return r;
	r = state_accepted_parse(text, size, ret);
	free(text);
	if (r == -ENOMEM)
		problem_add(problems, PROBLEM_ERROR, 0, 0, "out of memory", NULL);
	return r == -EBADMSG ? state_damaged(store, "accepted", problems) : r;
}

int state_write_accepted(struct state_store *store, const struct trust_floor *floor, struct problems *problems)
{
	struct buffer text = BUFFER_EMPTY;
	if (!floor->any)
		return -EINVAL;
	print(floor, &text);
	int r = -ENOMEM;
	if (!buffer_failed(&text))
		r = state_write_text(store, "accepted", text.data, text.size, problems);
	else
		problem_add(problems, PROBLEM_ERROR, 0, 0, "out of memory", NULL);
	buffer_fini(&text);
	return r;
}

// Whether the bundle is the one that the record knows.
static bool is_of(const struct state_entry *entry, const char *bundle, size_t size)
{
	uint8_t hash[TRUST_HASH_SIZE];
	return trust_hash(bundle, size, hash) == 0 && memcmp(hash, entry->hash, sizeof hash) == 0;
}

int state_claim(struct state_store *store, struct state_record *record, struct trust_floor *floor,
                struct problems *problems)
{
	const struct state_entry *entry = state_record_find(record, record->confirmed);
	struct problems mine;
	char *bundle;
	size_t size;
	if (!entry || (floor->any && entry->serial <= floor->serial))
		return 0;
	problem_init(&mine);
	int r = state_read_policy(store, entry->number, &bundle, &size, &mine);
	problem_fini(&mine);
	if (r == 0 && is_of(entry, bundle, size))
		(void)trust_claim(bundle, size, entry->serial, floor);
	free(bundle);
	if (r == 0 || r == -ENOENT || r == -EBADMSG || r == -EPERM) // what is lost claims nothing
		return 0;
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL,
	             "how far serials have come is not known: policy %" PRIu64 " cannot be read: %s",
	             entry->number, strerror(-r));
	return r;
}
