// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading octets of a stranger: a window on them that only gets smaller, and a flag that says that too much was
// asked for. After that everything reads as 0. Private to src/drops.
#ifndef LEADGLASS_DROPS_DROPS_CURSOR_H
#define LEADGLASS_DROPS_DROPS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drops_cursor {
	const uint8_t *at;
	size_t left;
	bool over; // something was asked for that is not there
};

static inline struct drops_cursor drops_cursor(const void *data, size_t size)
{
	return (struct drops_cursor){.at = data, .left = size};
}

// The next `size` octets; NULL when there are fewer, and from then on.
static inline const uint8_t *drops_take(struct drops_cursor *c, size_t size)
{
	if (c->over || size > c->left) {
		c->over = true;
		c->left = 0;
		return NULL;
	}
	const uint8_t *octets = c->at;
	c->at += size;
	c->left -= size;
	return octets;
}

static inline uint8_t drops_take8(struct drops_cursor *c)
{
	const uint8_t *o = drops_take(c, 1);
	return o ? o[0] : 0;
}

// In network order.
static inline uint16_t drops_take16(struct drops_cursor *c)
{
	const uint8_t *o = drops_take(c, 2);
	return o ? (uint16_t)(o[0] << 8 | o[1]) : 0;
}

static inline uint32_t drops_take32(struct drops_cursor *c)
{
	const uint8_t *o = drops_take(c, 4);
	return o ? (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3] : 0;
}

#endif
