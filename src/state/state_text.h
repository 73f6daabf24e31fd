// SPDX-License-Identifier: GPL-2.0-or-later
//
// Lines of a key, a space and a value, as record and accepted have them. Values are read leniently, and then
// the whole is written again: what is not octet for octet the same was not written by us (state_text_parse).
#ifndef LEADGLASS_STATE_STATE_TEXT_H
#define LEADGLASS_STATE_STATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trust/trust_hash.h"

struct buffer;

// A time before 1970 or after 9999 becomes the nearest that is neither.
void state_print_time(struct buffer *out, int64_t seconds);

struct state_reader {
	char *text; // what is left
	bool bad;   // sticky
};

// The rest of the next line, which begins with `key` and a space; "" when it does not, and then the reader is
// bad.
const char *state_read_value(struct state_reader *reader, const char *key);
uint64_t state_read_number(struct state_reader *reader, const char *key);
int64_t state_read_time(struct state_reader *reader, const char *key); // 0 for "-"
void state_read_hash(struct state_reader *reader, const char *key, uint8_t ret[static TRUST_HASH_SIZE]);

// Has `read` fill `ret` from `text` (text[size] == 0; is changed) and `print` write it again. 0; -EBADMSG when
// the reader is bad, or something is left, or what was written is not what was there; -ENOMEM.
int state_text_parse(char *text, size_t size, void *ret, void (*read)(struct state_reader *reader, void *ret),
                     void (*print)(const void *from, struct buffer *out));

#endif
