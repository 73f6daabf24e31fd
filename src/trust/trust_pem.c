// SPDX-License-Identifier: GPL-2.0-or-later
//
// Unwrapping base64. mbedTLS's own pem module would bring its ciphers into the agent, and its base64 takes more
// than one spelling.
#include "trust/trust_pem.h"

#include <string.h>

#include "base/buffer.h"

#define LINE_OCTETS 48 // 64 digits

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool trust_pem_line(struct trust_text *rest, struct trust_text *ret)
{
	if (rest->size == 0)
		return false;
	const char *feed = memchr(rest->text, '\n', rest->size);
	size_t size = feed ? (size_t)(feed - rest->text) : rest->size;
	*ret = (struct trust_text){rest->text, size};
	if (feed && size > 0 && ret->text[size - 1] == '\r')
		ret->size--;
	rest->text += size + (feed != NULL);
	rest->size -= size + (feed != NULL);
	return true;
}

static bool take(struct trust_text *line, const char *text)
{
	size_t size = strlen(text);
	if (line->size < size || memcmp(line->text, text, size) != 0)
		return false;
	line->text += size;
	line->size -= size;
	return true;
}

static bool delimits(struct trust_text line, const char *word, const char *label)
{
	return take(&line, word) && take(&line, label) && take(&line, "-----") && line.size == 0;
}

bool trust_pem_begins(struct trust_text line, const char *label)
{
	return delimits(line, "-----BEGIN ", label);
}

bool trust_pem_ends(struct trust_text rest)
{
	struct trust_text line;
	while (trust_pem_line(&rest, &line)) {
		if (line.size > 0)
			return false;
	}
	return true;
}

// The value of a digit, -1 when it is none.
static int digit(char c)
{
	const char *found = c ? strchr(digits, c) : NULL;
	return found ? (int)(found - digits) : -1;
}

// Decodes in place; 0 when it is not what an encoder writes: whole groups of four, and no bit set where no
// octet has one. Another spelling of the same octets would be another file with the same signature.
static size_t decode(uint8_t *data, size_t size)
{
	size_t padding = size >= 2 && data[size - 1] == '=' ? 1 + (data[size - 2] == '=') : 0, done = 0;
	uint32_t group = 0;
	if (size % 4 != 0)
		return 0;
	for (size_t i = 0; i < size; i++) {
		int value = i < size - padding ? digit((char)data[i]) : 0;
		if (value < 0)
			return 0;
		group = group << 6 | (uint32_t)value;
		if (i % 4 != 3)
			continue;
		data[done++] = (uint8_t)(group >> 16);
		data[done++] = (uint8_t)(group >> 8);
		data[done++] = (uint8_t)group;
	}
	for (size_t i = 0; i < padding; i++) {
		if (data[--done] != 0)
			return 0;
	}
	return done;
}

const char *trust_pem_read(struct trust_text *rest, const char *label, uint8_t *ret, size_t *ret_size)
{
	size_t size = 0; // digits, put together where the octets will be
	struct trust_text line;

	for (;;) {
		if (!trust_pem_line(rest, &line))
			return "it has no END line";
		if (delimits(line, "-----END ", label))
			break;
		if (line.size == 0)
			return "an empty line stands in it";
		if (memchr(line.text, '-', line.size))
			return "its END line is not the one that belongs to its BEGIN line";
		if (memchr(line.text, ' ', line.size) || memchr(line.text, '\t', line.size))
			return "white space stands in it";
		memcpy(ret + size, line.text, line.size);
		size += line.size;
	}
	if (size == 0)
		return "nothing stands between its BEGIN and END lines";
	*ret_size = decode(ret, size);
	return *ret_size > 0 ? NULL : "it is no base64";
}

static void put_group(struct buffer *out, const uint8_t *data, size_t size)
{
	const uint32_t group =
	        (uint32_t)data[0] << 16 | (size > 1 ? (uint32_t)data[1] << 8 : 0) | (size > 2 ? data[2] : 0);
	const char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
	                      size > 1 ? digits[group >> 6 & 63] : '=', size > 2 ? digits[group & 63] : '='};
	buffer_add(out, text, sizeof text);
}

void trust_pem_write(struct buffer *out, const char *label, const uint8_t *data, size_t size)
{
	buffer_printf(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < size; i += 3) {
		put_group(out, data + i, size - i);
		if (i + 3 >= size || (i + 3) % LINE_OCTETS == 0)
			buffer_text(out, "\n");
	}
	buffer_printf(out, "-----END %s-----\n", label);
}
