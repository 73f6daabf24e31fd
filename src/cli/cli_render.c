// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass render`: the rules as text that `nft -f` loads.
#include "cli/cli.h"

#include "base/buffer.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "render",
        .about = "the rules a policy makes, as text for nft",
        .synopsis = "[--run DIR] POLICY",
        .options = CLI_RUN,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps. Needs no root and no kernel support.\n"
                   "The text is what leadglass load puts into the kernel; nft -f takes it too. Where\n"
                   "leadglass itself put up the wall on Linux 6.9 or later, the table is persistent\n"
                   "and nft cannot replace it (\"Operation not supported\"): first leadglass remove\n"
                   "--yes, which leaves no wall for that moment.\n"
                   "\n"
                   "Exit status: 0 written, 3 the policy is invalid.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass render policy.conf\n",
};

int cli_render(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct policy policy;
	struct ruleset ruleset;
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	policy_init(&policy);
	ruleset_init(&ruleset);
	status = cli_wall(arguments.operands[0], arguments.run, &policy, &ruleset);
	if (status == CLI_GO_ON) {
		ruleset_print(&ruleset, &out);
		status = cli_answer(&out, CLI_YES);
	}
	ruleset_fini(&ruleset);
	policy_fini(&policy);
	return status;
}
