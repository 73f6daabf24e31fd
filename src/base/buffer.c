// SPDX-License-Identifier: GPL-2.0-or-later
//
// The growing buffer: doubles, keeps a NUL behind its content, and once an allocation has failed stays failed.
#include "base/buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_fini(struct buffer *buffer)
{
	if (!buffer)
		return;
	free(buffer->data);
	*buffer = BUFFER_EMPTY;
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

void *buffer_reserve(struct buffer *buffer, size_t size)
{
	if (buffer->failed)
		return NULL;
	if (size >= SIZE_MAX / 2 - buffer->size) {
		buffer->failed = true;
		return NULL;
	}
	size_t need = buffer->size + size + 1;
	if (need > buffer->capacity) {
		size_t capacity = buffer->capacity ? buffer->capacity : 256;
		while (capacity < need)
			capacity *= 2;
		char *data = realloc(buffer->data, capacity);
		if (!data) {
			buffer->failed = true;
			return NULL;
		}
		buffer->data = data;
		buffer->capacity = capacity;
	}
	return buffer->data + buffer->size;
}

void buffer_add(struct buffer *buffer, const void *data, size_t size)
{
	char *end = buffer_reserve(buffer, size);
	if (!end)
		return;
	if (size)
		memcpy(end, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void buffer_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	int size = vsnprintf(NULL, 0, format, arguments);
	char *end = size < 0 ? NULL : buffer_reserve(buffer, (size_t)size);
	if (end) {
		vsnprintf(end, (size_t)size + 1, format, again);
		buffer->size += (size_t)size;
	} else {
		buffer->failed = true;
	}
	va_end(again);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	buffer_vprintf(buffer, format, arguments);
	va_end(arguments);
}

bool buffer_failed(const struct buffer *buffer)
{
	return buffer->failed;
}

char *buffer_steal(struct buffer *buffer)
{
	buffer_add(buffer, "", 0);
	char *text = buffer->failed ? NULL : buffer->data;
	if (!text)
		free(buffer->data);
	*buffer = BUFFER_EMPTY;
	return text;
}
