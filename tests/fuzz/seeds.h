// SPDX-License-Identifier: GPL-2.0-or-later
//
// A program that makes seeds: for inputs whose octets only the code itself knows.
#ifndef LEADGLASS_TESTS_FUZZ_SEEDS_H
#define LEADGLASS_TESTS_FUZZ_SEEDS_H

#include "fuzz.h"

// The program's own: calls seed for each.
void make_seeds(void);

void seed(const char *name, const void *data, size_t size);

#endif
