// SPDX-License-Identifier: GPL-2.0-or-later
//
// Cutting one variable at every boundary that matters, and putting the cells that are alike into classes.
// Private to src/prove.
#ifndef LEADGLASS_PROVE_PROVE_CUT_H
#define LEADGLASS_PROVE_PROVE_CUT_H

#include "prove/prove_question.h"
#include "prove/prove_stack.h"

// What is left of an atom once some variables have values: its answer, or the rows that these values lie in.
struct prove_left {
	enum prove_answer answer;
	bool all;             // every row of the relation: `rows` is not set
	const uint32_t *rows; // else these
	size_t count;
};

// One class: its cells are alike for all variables to come.
struct prove_kin {
	struct prove_kin *next;
	uint8_t value[PROVE_VALUE_MAX]; // of one of them
	size_t cells;
	uint64_t size; // how many values, modulo PROVE_PRIME
	// The distinct rows it lies in, as far as they speak of later variables: by atom, then id.
	const struct prove_hit *hits;
	size_t hit_count;
};

struct prove_hit {
	uint32_t atom, id; // rows of one atom that say the same of what is to come have one id
	uint32_t row;      // one of them
};

#define PROVE_PRIME UINT64_C(4294967291)                       // 2^32 - 5: products fit 64 bits
uint64_t prove_times(uint64_t a, uint64_t b);                  // modulo PROVE_PRIME
uint64_t prove_domain_size(const struct prove_domain *domain); // modulo PROVE_PRIME

// Scratch, kept between cuts.
struct prove_cutter;
struct prove_cutter *prove_cutter_new(void); // NULL: no memory
void prove_cutter_free(struct prove_cutter *cutter);

// What is to be cut.
struct prove_cut {
	const struct prove_question *q;
	const struct prove_left *left; // of each atom
	const bool *needed;            // each atom that some verdict may depend on
	enum prove_variable variable;
	struct prove_domain domain;
	const uint8_t *usual; // taken as the value where it is in the class and nothing speaks for another
	bool neighbours;      // rather a value just beside a boundary: addresses and ports
};

// The classes, in `stack`, in the order of their first cell. 0 and *ret_first and the number of cells; -ENOMEM.
int prove_cut(struct prove_cutter *c, struct prove_stack *stack, const struct prove_cut *cut,
              const struct prove_kin **ret_first, size_t *ret_cells);

#endif
