// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes JSON (RFC 8259) into a buffer: commas, quoting and indentation are kept here so that callers only
// say what there is. Our own because a writer is a screen of code and every library brings a reader and a
// tree along. Text that is not UTF-8 is written octet by octet as \u00XX.
#ifndef LEADGLASS_BASE_JSON_H
#define LEADGLASS_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct json {
	struct buffer *out; // not owned; a failure is the buffer's
	unsigned depth;
	bool after_value; // a comma is due before the next one
	bool after_key;
};

#define JSON_TO(buffer) ((struct json){.out = (buffer)})

void json_object(struct json *json); // { ... json_end
void json_array(struct json *json);  // [ ... json_end_array
void json_end(struct json *json);
void json_end_array(struct json *json);
void json_key(struct json *json, const char *key);

void json_text(struct json *json, const char *text); // NULL is written as null
void json_text_n(struct json *json, const char *text, size_t size);
void json_number(struct json *json, uint64_t number);
void json_bool(struct json *json, bool value);

// key and value in one
void json_key_text(struct json *json, const char *key, const char *text);
void json_key_number(struct json *json, const char *key, uint64_t number);
void json_key_bool(struct json *json, const char *key, bool value);

#endif
