// SPDX-License-Identifier: GPL-2.0-or-later
//
// The form of an input of the fuzz target `control`, which its seeds are made in: eight octets that say who
// speaks and how, the datagram, and what is in the memfd beside it.
#ifndef LEADGLASS_TESTS_FUZZ_CONTROL_INPUT_H
#define LEADGLASS_TESTS_FUZZ_CONTROL_INPUT_H

#include <stdint.h>

enum control_input_flag {
	CONTROL_INPUT_ANSWER = 1,   // the agent speaks to the command; else the command to the agent
	CONTROL_INPUT_MEMFD = 2,    // there is a memfd ...
	CONTROL_INPUT_UNSEALED = 4, // ... which may still change
	CONTROL_INPUT_RAW = 8,      // all of it is the datagram, whatever its size
	CONTROL_INPUT_SIZE = 16,    // the datagram says how long the memfd is, as it should
	CONTROL_INPUT_TWO = 32,     // a second descriptor
};

struct control_input {
	uint8_t flags;
	uint8_t kind; // what the command has asked for
	uint8_t padding[6];
};

#endif
