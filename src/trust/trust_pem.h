// SPDX-License-Identifier: GPL-2.0-or-later
//
// Blocks of base64 between two lines (RFC 7468), read more strictly than that: a label that is asked for, lines
// that end in LF or CR LF and hold nothing but base64, in its only possible spelling.
#ifndef LEADGLASS_TRUST_TRUST_PEM_H
#define LEADGLASS_TRUST_TRUST_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What is left to read of a text, or a part of it.
struct trust_text {
	const char *text;
	size_t size;
};

// Takes the next line off; *ret is without its end. False when nothing is left.
bool trust_pem_line(struct trust_text *rest, struct trust_text *ret);

// Whether a line is -----BEGIN LABEL-----.
bool trust_pem_begins(struct trust_text line, const char *label);

// Reads what follows that line up to and with -----END LABEL-----. *ret_size octets go to `ret`, which has room
// for as many as rest->size. NULL; or what is wrong, as in "has no line -----END LABEL-----" (always of the
// same few texts).
const char *trust_pem_read(struct trust_text *rest, const char *label, uint8_t *ret, size_t *ret_size);

// Appends a block, in lines of 64.
struct buffer;
void trust_pem_write(struct buffer *out, const char *label, const uint8_t *data, size_t size);

// What is left must be empty lines: true then.
bool trust_pem_ends(struct trust_text rest);

#endif
