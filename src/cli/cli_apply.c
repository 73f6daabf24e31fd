// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass apply`: a new policy through the agent, with a way back.
#include "cli/cli.h"

#include "cli/cli_agent.h"
#include "cli/cli_apply.h"
#include "cli/cli_change.h"
#include "cli/cli_signed.h"

static const struct cli_command command = {
        .name = "apply",
        .about = "a new policy, with a way back unless confirmed",
        .synopsis = "[--confirm-within TIME] [--dry-run] [--yes] [--json]\n"
                    "                       [--all] [--run DIR] [--trust DIR] POLICY\n"
                    "       leadglass apply --offline [--yes] [--state DIR] [--trust DIR] POLICY",
        .options = CLI_CONFIRM_WITHIN | CLI_DRY_RUN | CLI_YES_CUT | CLI_JSON | CLI_ALL | CLI_OFFLINE | CLI_RUN |
                   CLI_STATE | CLI_TRUST,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, - for standard input, or @NUMBER for one the agent keeps.\n"
                   "Checks the policy, says (as a message) what changes in it and in flows, has the\n"
                   "agent load it and compare the kernel's rules with it. Needs root. When it is\n"
                   "invalid or the kernel refuses, what stood before goes on standing.\n"
                   "With --confirm-within the old policy comes back by itself, also after a restart,\n"
                   "unless leadglass confirm is typed before. A policy that would cut the connection\n"
                   "the command is typed in is refused without it (or --yes).\n"
                   "--offline writes it where an agent that starts later takes it from.\n"
                   "Where there are trust anchors the policy has to be signed under one of them.\n"
                   "\n"
                   "Exit status: 0 it stands, 1 it would cut the connection, or another policy\n"
                   "waits for its confirmation, 3 the policy is invalid or not signed as this box\n"
                   "asks, 4 the agent or the kernel refused.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass apply --confirm-within 2m policy.conf\n",
};

static int apply(const struct cli_arguments *arguments)
{
	struct cli_change change = {.command = &command,
	                            .arguments = arguments,
	                            .kind = CONTROL_APPLY,
	                            .name = arguments->operands[0]};
	struct cli_signed signed_by;
	int status = cli_change_window(&command, arguments, &change.seconds);

	if (status != CLI_GO_ON)
		return status;
	diff_side_init(&change.old);
	diff_side_init(&change.new);
	cli_signed_init(&signed_by);
	status = cli_signed_read(change.name, arguments, &signed_by, &change.new.policy);
	if (status == CLI_GO_ON)
		status = cli_signed_judge_without_floor(&signed_by, &change.new.policy);
	cli_signed_fini(&signed_by);
	if (status == CLI_GO_ON)
		cli_warnings(&change.new.policy, true);
	if (status == CLI_GO_ON)
		status = cli_agent_connect(arguments->run, &change.control);
	if (status == CLI_GO_ON)
		status = cli_change(&change);
	else if (status == CLI_POLICY)
		cli_message("nothing was changed: what stood before still stands");
	control_disconnect(change.control);
	diff_side_fini(&change.new);
	diff_side_fini(&change.old);
	return status;
}

int cli_apply(int argc, char **argv)
{
	struct cli_arguments arguments;
	unsigned online = CLI_CONFIRM_WITHIN | CLI_DRY_RUN | CLI_JSON | CLI_ALL | CLI_RUN;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if (!(arguments.options & CLI_OFFLINE) && (arguments.options & CLI_STATE)) {
		cli_message("apply: --state goes with --offline; a running agent has its own");
		return CLI_USAGE;
	}
	if ((arguments.options & CLI_OFFLINE) && (arguments.options & online)) {
		cli_message(
		        "apply: --offline goes with --state, --trust and --yes alone: no agent is asked, and "
		        "nothing is loaded");
		return CLI_USAGE;
	}
	return arguments.options & CLI_OFFLINE ? cli_apply_offline(&command, &arguments) : apply(&arguments);
}
