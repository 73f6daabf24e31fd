// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names from certificates as text that can be printed: a terminal is not to obey them, and nobody is to read
// another name than the one that is there.
#ifndef LEADGLASS_TRUST_TRUST_SUBJECT_H
#define LEADGLASS_TRUST_TRUST_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/x509.h>

// False when a value of the name holds a control character, a NUL, one that deceives (text_deceives), or what
// is no text in its encoding.
bool trust_subject_good(const mbedtls_x509_name *name);

// Writes it as "CN=policy desk, O=St. Anna", in the certificate's order and UTF-8; what trust_subject_good
// minds becomes '?'. What finds no room is cut off, with " ..." at the end. "(no name)" when there is none.
void trust_subject_print(const mbedtls_x509_name *name, char *text, size_t size);

// The same care for any octets from a file.
void trust_text_show(const char *text, size_t size, char *ret, size_t ret_size);

// Whether a text can be printed as it is: UTF-8 without anything of the above.
bool trust_text_good(const char *text);

#endif
