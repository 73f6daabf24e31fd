// SPDX-License-Identifier: GPL-2.0-or-later
//
// A whole signed policy, in memory or in an open file that is read in pieces: where its signature begins, and
// the hashes over what is before it. Each octet is looked at twice, once for each.
#ifndef LEADGLASS_TRUST_TRUST_CONTENT_H
#define LEADGLASS_TRUST_TRUST_CONTENT_H

#include "trust/trust_key.h"

#define TRUST_CONTENT_PIECE (64u << 10)

struct trust_content {
	const char *text; // NULL: read from `fd`
	uint64_t size;    // of the text; of a file as much as there is up to the marker
	int fd;
};

// Looks for the marker. TRUST_GOOD, then *ret_trailer (to be freed) holds what begins there, *ret_size octets,
// and content->size is how many are before it. TRUST_NOT_SIGNED, TRUST_MARKER_PLACE, TRUST_SIGNATURE_LONG;
// TRUST_UNCHECKED when *ret_error is set (-errno).
enum trust_code trust_content_split(struct trust_content *content, char **ret_trailer, size_t *ret_size,
                                    int *ret_error);

// Hashes what is before it: SHA-256, and SHA-384 when `sha384`. 0; -EIO (mbedTLS failed, or the file has become
// shorter), -ENOMEM, or what reading gave.
int trust_content_hash(const struct trust_content *content, bool sha384, struct trust_hashes *ret);

#endif
