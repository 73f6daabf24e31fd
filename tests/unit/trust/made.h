// SPDX-License-Identifier: GPL-2.0-or-later
//
// What fixture.py has made, for the tests that read it.
#ifndef LEADGLASS_TESTS_TRUST_MADE_H
#define LEADGLASS_TESTS_TRUST_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "trust/trust.h"

// A file of it, as "signed/intermediate"; it must be there. To be freed; a NUL follows.
char *made_read(const char *name, size_t *ret_size);

// Anchors as a list of their names, "root,desk.site"; "none". made_trust_fini.
void made_trust(struct trust *ret, const char *names);
void made_trust_fini(struct trust *trust);

// Verifies, and holds what must be true of any verdict.
void made_verify(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret);

// The verdict as one text: "good: ECDSA P-256 with SHA-256; root (all); O=St. Anna, CN=desk\n", or what
// trust_verdict_tell says, each problem a line. To be finished with buffer_fini.
struct buffer made_words(const struct trust_verdict *verdict, const struct trust *trust);

#endif
