// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the two files of the linter share.
#ifndef LEADGLASS_POLICY_LINT_H
#define LEADGLASS_POLICY_LINT_H

#include "policy/policy_parse.h"

struct policy_lint {
	const struct policy *policy;
	struct problems *problems;
};

// At a place, with `length` octets underlined.
void policy_warn(struct policy_lint *lint, source_pos at, uint32_t length, const char *instead,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
uint32_t policy_lint_length(const struct policy_lint *lint, source_pos at); // of the word there

// Addresses that are broad, public, or shared between peers. 0 or -ENOMEM.
int policy_lint_addresses(struct policy_lint *lint);

#endif
