// SPDX-License-Identifier: GPL-2.0-or-later
//
// A fuzz target is one function of octets that may be anything. By libFuzzer (preset fuzz) it gets octets that
// are made to reach all of it; elsewhere replay.c gives it its seeds. What must hold is held with FUZZ_HOLDS.
#ifndef LEADGLASS_TESTS_FUZZ_FUZZ_H
#define LEADGLASS_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// libFuzzer's name for it; 0.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_HOLDS(condition)                                                                                  \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
			abort();                                                                               \
		}                                                                                              \
	} while (0)

// malloc'ed, of exactly these octets and a NUL: the sanitiser sees each octet that is read beyond them.
static inline char *fuzz_copy(const char *text, size_t size)
{
	char *ret = malloc(size + 1);
	FUZZ_HOLDS(ret);
	if (size > 0)
		memcpy(ret, text, size);
	ret[size] = '\0';
	return ret;
}

#endif
