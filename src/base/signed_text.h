// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a signed text ends and its signature begins (docs/signed-policy.md). One answer for everybody: what the
// parser reads is, octet for octet, what the signature was checked over.
#ifndef LEADGLASS_BASE_SIGNED_TEXT_H
#define LEADGLASS_BASE_SIGNED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The octets that begin the line after the last octet that is signed.
#define SIGNED_TEXT_MARKER "-----BEGIN LEADGLASS SIGNATURE-----"

// How many octets of the text are signed: those before the first SIGNED_TEXT_MARKER that stands at the
// beginning of the text or after a line feed. `size` when there is none.
size_t signed_text_end(const char *text, size_t size);

// The same for a text that is read in pieces.
struct signed_text_search {
	uint64_t position; // octets seen
	uint32_t matched; // octets of the marker that the last ones seen are; 0 and !line_begins: none could be
	bool line_begins;
	bool found;
};
#define SIGNED_TEXT_SEARCH ((struct signed_text_search){.line_begins = true})

// Goes on with the next octets. True once the marker is complete: it begins at *ret_end of the whole text.
bool signed_text_search(struct signed_text_search *search, const char *text, size_t size, uint64_t *ret_end);

#endif
