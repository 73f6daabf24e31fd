// SPDX-License-Identifier: GPL-2.0-or-later
//
// A growing octet buffer with a sticky failure: after the first allocation that fails every call is a no-op
// and buffer_failed says so once, at the end.
#ifndef LEADGLASS_BASE_BUFFER_H
#define LEADGLASS_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data; // NULL until something is added; always followed by a NUL that `size` does not count
	size_t size;
	size_t capacity;
	bool failed;
};

#define BUFFER_EMPTY ((struct buffer){0})

void buffer_fini(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); // keeps the memory and the failure

// Makes room for `size` more octets and returns where they start (size is not advanced), NULL after a failure.
void *buffer_reserve(struct buffer *buffer, size_t size);

void buffer_add(struct buffer *buffer, const void *data, size_t size);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

bool buffer_failed(const struct buffer *buffer);

// Hands the text over (malloc'ed, NUL-terminated) and leaves the buffer empty; NULL after a failure.
char *buffer_steal(struct buffer *buffer);

#endif
