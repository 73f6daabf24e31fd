// SPDX-License-Identifier: GPL-2.0-or-later
//
// The answer of `leadglass prove`: what is kept of the classes, and how it is written.
#ifndef LEADGLASS_CLI_CLI_PROVE_H
#define LEADGLASS_CLI_CLI_PROVE_H

#include "prove/prove.h"

struct buffer;
struct policy;

struct cli_prove_classes {
	struct prove_class *items;
	size_t count, capacity;
};

struct cli_prove_answer {
	const char *name; // of the policy, as it was given
	const struct policy *policy;
	bool live;
	bool stopped; // after so many differences that nobody needs more
	struct prove_result result;
	struct cli_prove_classes differences; // the first of them
	struct cli_prove_classes sample[2];   // dropped, accepted
	struct buffer *strange;               // lines: what cannot be judged
	size_t strange_count;
};

bool cli_prove_equivalent(const struct cli_prove_answer *answer);
void cli_prove_text(const struct cli_prove_answer *answer, struct buffer *out);
void cli_prove_json(const struct cli_prove_answer *answer, struct buffer *out);

#endif
