// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `leadglass verify-signature` has found out, and how it is written.
#ifndef LEADGLASS_CLI_CLI_VERIFY_SIGNATURE_H
#define LEADGLASS_CLI_CLI_VERIFY_SIGNATURE_H

#include <stdbool.h>

#include "base/problem.h"
#include "policy/policy.h"
#include "trust/trust.h"

struct buffer;

struct signature_facts {
	const char *name; // of the file
	int64_t now;
	struct trust trust;
	bool scoped; // it is a folder, which says what each anchor's signers may change
	struct trust_verdict verdict;
	struct policy policy;
	bool parsed; // the policy is what was signed, and valid
	struct problems problems;
};

// The answer, yes or no.
void signature_text(const struct signature_facts *facts, bool good, struct buffer *out);
void signature_json(const struct signature_facts *facts, bool good, struct buffer *out);

#endif
