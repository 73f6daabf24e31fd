// SPDX-License-Identifier: GPL-2.0-or-later
//
// The JSON writer.
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

static void indent(struct json *json)
{
	buffer_text(json->out, "\n");
	for (unsigned i = 0; i < json->depth; i++)
		buffer_text(json->out, "  ");
}

// What comes before a key, or before a value that has none.
static void begin(struct json *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->after_value)
		buffer_text(json->out, ",");
	if (json->depth)
		indent(json);
}

static void open_bracket(struct json *json, const char *bracket)
{
	begin(json);
	buffer_text(json->out, bracket);
	json->depth++;
	json->after_value = false;
}

static void close_bracket(struct json *json, const char *bracket)
{
	json->depth--;
	if (json->after_value)
		indent(json);
	buffer_text(json->out, bracket);
	json->after_value = true;
}

void json_object(struct json *json)
{
	open_bracket(json, "{");
}

void json_array(struct json *json)
{
	open_bracket(json, "[");
}

void json_end(struct json *json)
{
	close_bracket(json, "}");
}

void json_end_array(struct json *json)
{
	close_bracket(json, "]");
}

static void quoted(struct json *json, const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t character;
	buffer_text(json->out, "\"");
	for (size_t i = 0; i < size;) {
		if (p[i] == '"' || p[i] == '\\') {
			buffer_printf(json->out, "\\%c", p[i++]);
		} else if (p[i] >= 0x20 && p[i] < 0x7f) {
			buffer_add(json->out, p + i++, 1);
		} else {
			size_t length = p[i] < 0x80 ? 0 : text_utf8(text + i, size - i, &character);
			if (length) {
				buffer_add(json->out, p + i, length);
				i += length;
			} else {
				buffer_printf(json->out, "\\u%04x", p[i++]);
			}
		}
	}
	buffer_text(json->out, "\"");
}

void json_key(struct json *json, const char *key)
{
	begin(json);
	quoted(json, key, strlen(key));
	buffer_text(json->out, ": ");
	json->after_key = true;
}

void json_text_n(struct json *json, const char *text, size_t size)
{
	begin(json);
	quoted(json, text, size);
	json->after_value = true;
}

void json_text(struct json *json, const char *text)
{
	if (text) {
		json_text_n(json, text, strlen(text));
		return;
	}
	begin(json);
	buffer_text(json->out, "null");
	json->after_value = true;
}

void json_number(struct json *json, uint64_t number)
{
	begin(json);
	buffer_printf(json->out, "%" PRIu64, number);
	json->after_value = true;
}

void json_bool(struct json *json, bool value)
{
	begin(json);
	buffer_text(json->out, value ? "true" : "false");
	json->after_value = true;
}

void json_key_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_key_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

void json_key_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}
