// SPDX-License-Identifier: GPL-2.0-or-later
//
// A stack of blocks; what does not fit opens another.
#include "prove/prove_stack.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#define BLOCK_SIZE (64u << 10)

struct prove_block {
	struct prove_block *below;
	size_t size;
	alignas(max_align_t) unsigned char octets[];
};

void *prove_stack_take(struct prove_stack *stack, size_t size)
{
	size_t align = alignof(max_align_t);
	size = (size + align - 1) / align * align;
	if (!stack->top || size > stack->top->size - stack->used) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		struct prove_block *block = malloc(sizeof *block + room);
		if (!block)
			return NULL;
		block->below = stack->top;
		block->size = room;
		stack->top = block;
		stack->used = 0;
	}
	stack->used += size;
	return stack->top->octets + stack->used - size;
}

struct prove_mark prove_stack_mark(const struct prove_stack *stack)
{
	return (struct prove_mark){stack->top, stack->used};
}

void prove_stack_release(struct prove_stack *stack, struct prove_mark mark)
{
	while (stack->top != mark.top) {
		struct prove_block *block = stack->top;
		stack->top = block->below;
		free(block);
	}
	stack->used = mark.used;
}

void prove_stack_fini(struct prove_stack *stack)
{
	prove_stack_release(stack, (struct prove_mark){0});
}
