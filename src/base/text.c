// SPDX-License-Identifier: GPL-2.0-or-later
//
// UTF-8, and characters that deceive.
#include "base/text.h"

#include <string.h>

size_t text_utf8(const char *text, size_t size, uint32_t *ret_character)
{
	const unsigned char *p = (const unsigned char *)text;
	if (size == 0)
		return 0;
	if (p[0] < 0x80) {
		*ret_character = p[0];
		return 1;
	}
	size_t octets = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	if (octets == 0 || octets > size)
		return 0;
	uint32_t value = p[0] & (0x7fu >> octets);
	for (size_t i = 1; i < octets; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3fu);
	}
	if ((octets == 3 && value < 0x800) || (octets == 4 && value < 0x10000) || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*ret_character = value;
	return octets;
}

// C1 controls, line and paragraph separators, and the marks that turn the direction of writing.
bool text_deceives(uint32_t c)
{
	return (c >= 0x80 && c <= 0x9f) || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c == 0x061c;
}

void text_cut(char *text, size_t size, int wanted)
{
	static const char more[] = " ...";
	size_t end = size - sizeof more;

	if (wanted < 0 || (size_t)wanted < size || size < 2 * sizeof more)
		return;
	while (end > size / 2 && text[end] != ' ')
		end--;
	if (text[end] != ' ') // one long word: between two characters
		for (end = size - sizeof more; end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80;)
			end--;
	memcpy(text + end, more, sizeof more);
}
