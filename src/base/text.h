// SPDX-License-Identifier: GPL-2.0-or-later
//
// Text from outside: UTF-8, and which characters make a line read as something else than it is.
#ifndef LEADGLASS_BASE_TEXT_H
#define LEADGLASS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decodes the sequence at text[0] (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). Returns
// its octets and *ret_character; 0 when it is not well-formed. ASCII is a sequence of one.
size_t text_utf8(const char *text, size_t size, uint32_t *ret_character);

// Invisible or direction-turning: a word that holds one is not the word it looks like.
bool text_deceives(uint32_t character);

// After snprintf into text[size] gave `wanted`: where not all of it found room, what is there ends after a
// word, with " ...".
void text_cut(char *text, size_t size, int wanted);

#endif
