// SPDX-License-Identifier: GPL-2.0-or-later
//
// A door to the kernel this runs on, in a network namespace of the test's own, and what these tests do with it.
// They need root: without it a program ends with 77 (skipped); with root and without nf_tables it fails. `nft`
// is called to tamper, and as a second reader.
#ifndef LEADGLASS_TESTS_NFT_KERNEL_WORLD_H
#define LEADGLASS_TESTS_NFT_KERNEL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/problem.h"
#include "fixture.h"
#include "nft/nft.h"
#include "nft/nft_talk.h"

struct world {
	struct nft *nft;
	struct problems problems;
	struct nft_load_result result;
};

int kernel_setup(void **state); // a new namespace
int kernel_teardown(void **state);

int kernel_try_load(struct world *w, struct fixture fixture, bool skip_read_back); // what nft_load returns
void kernel_load(struct world *w, struct fixture fixture, enum nft_change change); // it has to succeed so
size_t kernel_differences(struct world *w, struct fixture fixture);
struct nft_state kernel_state(struct world *w);
bool kernel_has_persistence(struct world *w); // 6.9 on; once something is loaded
uint64_t kernel_chain_handle(const char *chain);

int kernel_run(const char *command); // a shell command in the namespace; its exit code
// A table that is owned cannot be tampered with: closes the socket, and the table is an orphan.
void kernel_let_go(struct world *w);
void kernel_tamper(struct world *w, const char *command);

bool kernel_tell(void *context, const struct ruleset_difference *difference); // prints it
void kernel_print_problems(const struct world *w);

#define kernel_test(f) cmocka_unit_test_setup_teardown(f, kernel_setup, kernel_teardown)
#define kernel_needs_root()                                                                                    \
	do {                                                                                                   \
		if (geteuid() != 0) {                                                                          \
			fprintf(stderr, "needs root\n");                                                       \
			return 77;                                                                             \
		}                                                                                              \
	} while (0)

#endif
