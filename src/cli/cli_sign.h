// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of `leadglass sign`.
#ifndef LEADGLASS_CLI_CLI_SIGN_H
#define LEADGLASS_CLI_CLI_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/policy.h"
#include "trust/trust.h"
#include "update/update.h"

struct cli_arguments;

struct signing {
	const char *name; // of the policy's file
	int64_t now;
	struct policy policy;
	bool is_update; // it is the manifest of an update, which `manifest` has; `policy` keeps its text
	struct update_manifest manifest;
	struct buffer out;            // the signed policy
	size_t text_size;             // octets of it that are the policy
	size_t certificates;          // how many follow
	struct trust_verdict verdict; // on it
	struct trust_about signer;    // the first certificate; zero where there is none
};

// Verifies what was made, as a box will. Warns of what a box would refuse all the same. CLI_GO_ON, or
// CLI_INTERNAL after a message: the signature is not right.
int signing_verify(struct signing *signing);

// Says what was signed, by whom, until when; and warns of dates.
void signing_tell(const struct signing *signing);

// ---- cli_sign_output.c ----

// CLI_GO_ON, or CLI_USAGE after a message: --output is one of the files that are read.
int signing_output_is_new(const struct cli_arguments *arguments);
// CLI_GO_ON, or an exit code after a message: then there is what was there before.
int signing_write(const struct signing *signing, const char *name);

#endif
