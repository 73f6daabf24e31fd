// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of `apply`.
#ifndef LEADGLASS_CLI_CLI_APPLY_H
#define LEADGLASS_CLI_CLI_APPLY_H

struct cli_arguments;
struct cli_command;

// `apply --offline`: writes the policy into the state folder as the confirmed one. An exit code.
int cli_apply_offline(const struct cli_command *command, const struct cli_arguments *arguments);

#endif
