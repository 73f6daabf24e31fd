// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names, made safe.
#include "trust/trust_subject.h"

#include <stdint.h>
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>

#include "base/text.h"

static bool printable(uint32_t c)
{
	return c >= ' ' && c != 0x7f && !text_deceives(c);
}

// Big-endian units of a fixed size.
static size_t wide(const unsigned char *data, size_t size, size_t unit, uint32_t *ret)
{
	*ret = 0;
	if (size < unit)
		return 0;
	for (size_t i = 0; i < unit; i++)
		*ret = *ret << 8 | data[i];
	return *ret <= 0x10ffff && (*ret < 0xd800 || *ret > 0xdfff) ? unit : 0;
}

// The next character of a value: how many octets it is, 0 when they are none in that encoding.
static size_t next_character(int tag, const unsigned char *data, size_t size, uint32_t *ret)
{
	switch (tag) {
	case MBEDTLS_ASN1_BMP_STRING:
		return wide(data, size, 2, ret);
	case MBEDTLS_ASN1_UNIVERSAL_STRING:
		return wide(data, size, 4, ret);
	case MBEDTLS_ASN1_UTF8_STRING:
		return text_utf8((const char *)data, size, ret);
	case MBEDTLS_ASN1_T61_STRING: // what is called so is Latin-1
		*ret = data[0];
		return 1;
	default: // ASCII: tags are numbers from the file, not of an enum
		*ret = data[0];
		return data[0] < 0x80;
	}
}

bool trust_subject_good(const mbedtls_x509_name *name)
{
	for (; name; name = name->next) {
		uint32_t c = 0;
		for (size_t at = 0, octets; at < name->val.len; at += octets) {
			octets = next_character(name->val.tag, name->val.p + at, name->val.len - at, &c);
			if (octets == 0 || !printable(c))
				return false;
		}
	}
	return true;
}

// A text that is written until its room is full.
struct line {
	char *text;
	size_t size; // room
	size_t used;
	bool full;
};

#define MORE " ..."

static struct line line_of(char *text, size_t size)
{
	text[0] = '\0';
	return (struct line){.text = text, .size = size};
}

static void put(struct line *line, const char *octets, size_t count)
{
	if (line->full || line->used + count + sizeof MORE > line->size) {
		if (!line->full)
			memcpy(line->text + line->used, MORE, sizeof MORE);
		line->full = true;
		return;
	}
	memcpy(line->text + line->used, octets, count);
	line->used += count;
	line->text[line->used] = '\0';
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

static void put_character(struct line *line, uint32_t c)
{
	char octets[4];
	size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = count; i-- > 1; c >>= 6)
		octets[i] = (char)(0x80 | (c & 0x3f));
	octets[0] = (char)(first[count] | c);
	put(line, octets, count);
}

static void put_value(struct line *line, const mbedtls_x509_buf *value)
{
	uint32_t c = 0;
	for (size_t at = 0, octets; at < value->len; at += octets) {
		octets = next_character(value->tag, value->p + at, value->len - at, &c);
		if (octets == 0 || !printable(c)) {
			put_text(line, "?");
			octets = octets ? octets : 1;
			continue;
		}
		if (c < 0x80 && strchr(",+\"\\<>;", (int)c)) // RFC 4514 2.4
			put_text(line, "\\");
		put_character(line, c);
	}
}

void trust_subject_print(const mbedtls_x509_name *name, char *text, size_t size)
{
	struct line line = line_of(text, size);
	for (const char *between = ""; name && name->oid.p; name = name->next, between = ", ") {
		const char *type = NULL;
		char numeric[64];
		if (mbedtls_oid_get_attr_short_name(&name->oid, &type) != 0)
			type = mbedtls_oid_get_numeric_string(numeric, sizeof numeric, &name->oid) > 0 ? numeric
			                                                                               : "?";
		put_text(&line, between);
		put_text(&line, type);
		put_text(&line, "=");
		put_value(&line, &name->val);
	}
	if (text[0] == '\0')
		put_text(&line, "(no name)");
}

void trust_text_show(const char *text, size_t size, char *ret, size_t ret_size)
{
	struct line line = line_of(ret, ret_size);
	uint32_t c = 0;
	for (size_t at = 0, octets; at < size && !line.full; at += octets) {
		octets = text_utf8(text + at, size - at, &c);
		put_character(&line, octets && printable(c) ? c : '?');
		octets = octets ? octets : 1;
	}
}

bool trust_text_good(const char *text)
{
	size_t size = strlen(text), octets;
	uint32_t c = 0;
	for (size_t at = 0; at < size; at += octets) {
		octets = text_utf8(text + at, size - at, &c);
		if (octets == 0 || !printable(c))
			return false;
	}
	return true;
}
