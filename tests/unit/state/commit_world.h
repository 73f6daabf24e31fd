// SPDX-License-Identifier: GPL-2.0-or-later
//
// A disk, a kernel and a clock for the commit machine to live in, all of them values: a world can be copied,
// and what may go wrong in it is a row of choices that a test makes, tries out one after the other, or throws
// dice for.
//
// A write that fails may have changed the disk all the same, and a load that fails the kernel: since nobody
// looks before the next restart, which of the two it was can be chosen at once.
#ifndef LEADGLASS_TESTS_COMMIT_WORLD_H
#define LEADGLASS_TESTS_COMMIT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/state_commit.h"

#define WORLD_NUMBERS 256 // policies in one life
#define WORLD_WINDOW 120000
#define WORLD_UNIX 1763769036
#define WORLD_CHOICES 64

enum operation {
	OPERATION_APPLY,
	OPERATION_APPLY_WINDOW,
	OPERATION_CONFIRM,
	OPERATION_ROLLBACK,
	OPERATION_WAIT,    // until the machine wants to be called
	OPERATION_RESTART, // the power goes while nothing is done
	OPERATIONS,
};

enum kernel_holds {
	KERNEL_NOTHING = -1, // open
	KERNEL_CLOSED = 0,
	// else the policy's number
};

struct choices {
	uint8_t made[WORLD_CHOICES], limit[WORLD_CHOICES];
	unsigned count, at;
	uint32_t dice; // not 0: thrown instead
	unsigned odds; // one in so many goes wrong
};

struct world {
	struct choices choices;
	unsigned faults; // how many may still happen
	unsigned wrong;  // how much went wrong in the operation under way
	bool crashed;

	struct state_record disk;
	bool has_record;
	uint32_t policies[WORLD_NUMBERS]; // on the disk: their content; 0: not there

	int64_t kernel;
	bool refuses; // the kernel takes nothing
	bool broken;  // the disk takes nothing

	int64_t now; // ms
	struct commit commit;

	// What people know.
	uint32_t contents;               // how many policies were made
	uint32_t content[WORLD_NUMBERS]; // of each number, as last applied
	bool loaded[WORLD_NUMBERS];      // the kernel was given it
	uint8_t expected[WORLD_NUMBERS]; // 1 + outcome in the history; 0: none known
	uint64_t promised;               // the last that was said to hold
	bool doubted[WORLD_NUMBERS];     // of which a failed write may have left that it holds
	uint64_t attempt;                // would hold if the operation under way succeeded; 0: none
	int64_t window_ends;
	int64_t held; // by the kernel before the operation, if that was as it should be; else KERNEL_NOTHING
	bool answered;
	int error;               // of the last answer
	enum commit_event event; // of the last answer
	unsigned loads, steps, boots;
};

void world_init(struct world *world);
// Reads the record and goes on until the machine is idle, through further crashes if there are any.
void world_boot(struct world *world);
// Does it, if it is possible, checks everything, and boots again after a crash.
void world_do(struct world *world, enum operation operation, int64_t window);
// Lets time go by, calling the machine when it wants to be called.
void world_pass(struct world *world, int64_t milliseconds);
void world_apply(struct world *world, int64_t window);

#endif
