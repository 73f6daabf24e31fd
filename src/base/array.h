// SPDX-License-Identifier: GPL-2.0-or-later
//
// Room in a typed array. One function instead of a container library: items stay plain C arrays.
#ifndef LEADGLASS_BASE_ARRAY_H
#define LEADGLASS_BASE_ARRAY_H

#include <stddef.h>

// Makes room for one more item in `items` (a pointer to the array's pointer) holding `count` of `capacity`
// items of `item_size` octets. Grows by half. 0 or -ENOMEM, and then nothing has changed.
int array_room(void *items, size_t count, size_t *capacity, size_t item_size);

// The same for `more` items at once.
int array_room_for(void *items, size_t count, size_t more, size_t *capacity, size_t item_size);

// Gives back what a finished array does not use. Failing to is no error.
void array_trim(void *items, size_t count, size_t *capacity, size_t item_size);

#endif
