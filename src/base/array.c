// SPDX-License-Identifier: GPL-2.0-or-later
//
// Growing plain arrays.
#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The caller's pointer is a `T **` for some T; copying its octets is the way to reach it without naming T.
static int resize(void *items, size_t capacity, size_t item_size)
{
	void *old;
	memcpy(&old, items, sizeof old);
	void *now = realloc(old, capacity * item_size);
	if (!now)
		return -ENOMEM;
	memcpy(items, &now, sizeof now);
	return 0;
}

int array_room_for(void *items, size_t count, size_t more, size_t *capacity, size_t item_size)
{
	if (more <= *capacity - count)
		return 0;
	size_t most = SIZE_MAX / 2 / item_size;
	if (more > most - count)
		return -ENOMEM;
	size_t wanted = *capacity + *capacity / 2;
	if (wanted < 8)
		wanted = 8;
	if (wanted < count + more)
		wanted = count + more;
	if (wanted > most)
		wanted = most;
	int r = resize(items, wanted, item_size);
	if (r < 0)
		return r;
	*capacity = wanted;
	return 0;
}

int array_room(void *items, size_t count, size_t *capacity, size_t item_size)
{
	return array_room_for(items, count, 1, capacity, item_size);
}

void array_trim(void *items, size_t count, size_t *capacity, size_t item_size)
{
	if (count == 0 || count == *capacity)
		return;
	if (resize(items, count, item_size) == 0)
		*capacity = count;
}
