// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory that is given back in the reverse order it was taken: each variable's classes live while the variables
// behind it are decided. Private to src/prove.
#ifndef LEADGLASS_PROVE_PROVE_STACK_H
#define LEADGLASS_PROVE_PROVE_STACK_H

#include <stddef.h>

struct prove_block;

struct prove_stack {
	struct prove_block *top;
	size_t used; // of top
};

struct prove_mark {
	struct prove_block *top;
	size_t used;
};

void *prove_stack_take(struct prove_stack *stack, size_t size); // NULL when there is no memory
struct prove_mark prove_stack_mark(const struct prove_stack *stack);
void prove_stack_release(struct prove_stack *stack, struct prove_mark mark); // all that was taken since
void prove_stack_fini(struct prove_stack *stack);

#endif
