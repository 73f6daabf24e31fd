// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of `leadglass trust`.
#ifndef LEADGLASS_CLI_CLI_TRUST_H
#define LEADGLASS_CLI_CLI_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trust/trust.h"

struct buffer;
struct cli_arguments;
struct json;

// `trust list`, `trust add` and `trust remove`; options and operands have been counted. An exit code.
int cli_trust_list(const struct cli_arguments *arguments);
int cli_trust_add(const struct cli_arguments *arguments);
int cli_trust_remove(const struct cli_arguments *arguments);

// Which exit code a failure (-errno) of the trust folder is: CLI_NO there is no such anchor, or one already;
// CLI_POLICY what is in the folder, or would be, cannot be used; CLI_KERNEL it cannot be read or written.
int cli_trust_exit_of(int error);

// The same for trust_read: CLI_POLICY what is there cannot be used, CLI_KERNEL it may not be read.
int cli_trust_exit_of_read(int error);

// The name of an anchor as somebody typed it, without the ".pem" that was seen in the folder. CLI_GO_ON, or
// CLI_USAGE after a message that it is too long.
int cli_trust_name(const char *text, char ret[static TRUST_NAME_MAX]);

// The anchor of that name; NULL: there is none.
const struct trust_anchor *cli_trust_find(const struct trust *trust, const char *name);

// What the box has not been told: "site", "unit", "site and unit"; "": nothing is missing.
const char *cli_trust_untold(const struct trust *trust);

// ---- cli_trust_about.c ----

// What goes after the reason why one cannot be used: "; P-256, ... are taken", or "".
const char *cli_trust_taken(const struct trust_about *about);
// Lines about one anchor, below the one that names it. `now`: what has expired says so.
void cli_trust_about(const struct trust_about *about, int64_t now, struct buffer *out);

// ---- cli_trust_list.c ----

// The answer of `leadglass trust list --json`; `about` each of the anchors.
void cli_trust_json(const struct trust *trust, const struct trust_about *about, struct json *json);

// ---- cli_trust_standing.c ----

// The policy that stands here, as the agent keeps it, to be held against another trust folder than it was.
struct cli_standing {
	char *bundle; // NULL: no agent runs, or none that could be asked, or it has no policy
	size_t size;
	uint64_t number;
};
// Asks the agent that uses the folder of these arguments: that of --run, or where the folder is the usual one
// the usual agent. That there is none is no failure. CLI_GO_ON, or CLI_INTERNAL after a message.
int cli_standing_read(const struct cli_arguments *arguments, struct cli_standing *ret);
void cli_standing_fini(struct cli_standing *standing);
// Whether one of these anchors vouches for it. CLI_GO_ON and *ret_by: the anchor's name, "" none; else as
// above.
int cli_standing_vouched(const struct cli_standing *standing, const struct trust *trust,
                         char ret_by[static TRUST_NAME_MAX]);
// Whether the next start would take it with this folder; a message when it would not, and what to do. As above.
int cli_standing_check(const struct cli_standing *standing, const struct trust *trust);

#endif
