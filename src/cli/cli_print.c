// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass print`: the policy in its canonical form, or as JSON.
#include "cli/cli.h"

#include "base/buffer.h"
#include "base/json.h"
#include "policy/policy.h"

static const struct cli_command command = {
        .name = "print",
        .about = "the policy in its canonical form",
        .synopsis = "[--json] [--run DIR] POLICY",
        .options = CLI_JSON | CLI_RUN,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps. Needs no root and no kernel support.\n"
                   "One file, with included files in place, in a fixed order and spelling, without\n"
                   "comments. Printing what was printed gives the same text again.\n"
                   "\n"
                   "Exit status: 0 written, 3 the policy is invalid.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass print --json policy.conf\n",
};

int cli_print(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct policy policy;
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	policy_init(&policy);
	status = cli_read(arguments.operands[0], arguments.run, &policy);
	if (status == CLI_GO_ON) {
		if (arguments.options & CLI_JSON) {
			struct json json = JSON_TO(&out);

			policy_json(&policy, &json);
			buffer_text(&out, "\n");
		} else {
			policy_print(&policy, &out);
		}
		status = cli_answer(&out, CLI_YES);
	}
	policy_fini(&policy);
	return status;
}
