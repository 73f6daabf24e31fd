// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `apply` and `rollback` share: show what changes, see that nobody saws off the branch he sits on, have
// the agent do it, say what stands now.
#ifndef LEADGLASS_CLI_CLI_CHANGE_H
#define LEADGLASS_CLI_CLI_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/diff.h"
#include "control/control.h"

struct cli_arguments;
struct cli_command;
struct cli_cut;

#define CLI_CONFIRM_MOST (7u * 86400) // seconds: the longest window

struct cli_change {
	const struct cli_command *command;
	const struct cli_arguments *arguments;
	struct control *control;
	enum control_kind kind; // CONTROL_APPLY, CONTROL_ROLLBACK
	uint64_t number;        // of the request
	uint32_t seconds;       // time to confirm; 0: none
	bool harmless;          // goes back to what stood a moment ago: is never refused
	const char *name;       // of the new policy; NULL: there is none to show (the closed wall)
	struct diff_side old, new;
	bool has_old;
	uint64_t old_number; // what stands before
	uint64_t given_up;   // which waits to be confirmed, and never will be; 0: none
};

// --confirm-within in seconds, 0 when it was not given. CLI_GO_ON, or CLI_USAGE after a message.
int cli_change_window(const struct cli_command *command, const struct cli_arguments *arguments, uint32_t *ret);

// new.policy has been read (where there is a name), the agent is connected. Does all the rest; an exit code.
int cli_change(struct cli_change *change);

// ---- cli_change_say.c ----

// Messages: what happens to the connection it is typed in; that it was therefore not done.
void cli_change_warn(const struct cli_change *change, const struct cli_cut *cut);
void cli_change_refuse(const struct cli_change *change);
// It was done: a message, where the answer could not be written.
void cli_change_done(const struct control_answer *answer);
// The answer. JSON: `answer` NULL when it was not done.
void cli_change_text(const struct cli_change *change, const struct control_answer *answer, struct buffer *out);
void cli_change_json(const struct cli_change *change, const struct cli_cut *cut,
                     const struct control_answer *answer, struct buffer *out);

#endif
