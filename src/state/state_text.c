// SPDX-License-Identifier: GPL-2.0-or-later
//
// Lines of a key and a value.
#include "state/state_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/date.h"

void state_print_time(struct buffer *out, int64_t seconds)
{
	char text[DATE_TEXT_MAX];
	buffer_text(out, date_print(seconds, text));
}

const char *state_read_value(struct state_reader *reader, const char *key)
{
	size_t size = strlen(key);
	char *line = reader->text, *end = strchr(line, '\n');
	if (reader->bad || !end || strncmp(line, key, size) != 0 || line[size] != ' ') {
		reader->bad = true;
		return "";
	}
	*end = '\0';
	reader->text = end + 1;
	return line + size + 1;
}

uint64_t state_read_number(struct state_reader *reader, const char *key)
{
	return strtoull(state_read_value(reader, key), NULL, 10);
}

int64_t state_read_time(struct state_reader *reader, const char *key)
{
	const char *text = state_read_value(reader, key);
	int64_t seconds = 0;
	if (strcmp(text, "-") != 0 && !date_parse(text, strlen(text), DATE_DAY_BEGINS, &seconds))
		reader->bad = true;
	return seconds;
}

void state_read_hash(struct state_reader *reader, const char *key, uint8_t ret[static TRUST_HASH_SIZE])
{
	const char *text = state_read_value(reader, key);
	for (size_t i = 0; i < TRUST_HASH_SIZE; i++) {
		unsigned octet = 0;
		if (!text[0] || !text[1] || sscanf(text, "%2x", &octet) != 1) {
			reader->bad = true;
			return;
		}
		ret[i] = (uint8_t)octet;
		text += 2;
	}
}

int state_text_parse(char *text, size_t size, void *ret, void (*read)(struct state_reader *reader, void *ret),
                     void (*print)(const void *from, struct buffer *out))
{
	struct buffer before = BUFFER_EMPTY, again = BUFFER_EMPTY;
	struct state_reader reader = {.text = text, .bad = strlen(text) != size};
	buffer_add(&before, text, size);
	read(&reader, ret);
	print(ret, &again);

	int r = 0;
	if (buffer_failed(&before) || buffer_failed(&again))
		r = -ENOMEM;
	else if (reader.bad || *reader.text || again.size != before.size ||
	         memcmp(again.data, before.data, again.size) != 0)
		r = -EBADMSG;
	buffer_fini(&before);
	buffer_fini(&again);
	return r;
}
