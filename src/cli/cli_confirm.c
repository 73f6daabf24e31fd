// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass confirm`: the policy that waits is to stay.
#include "cli/cli.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli_agent.h"

static const struct cli_command command = {
        .name = "confirm",
        .about = "keep the policy that was applied with a window",
        .synopsis = "[--json] [--run DIR]",
        .options = CLI_JSON | CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "After leadglass apply --confirm-within. Needs root. Type it in a connection that\n"
                   "you made after the policy was applied: then you know that you can still come in.\n"
                   "\n"
                   "Exit status: 0 it stays, 1 nothing waits for a confirmation, 4 the agent\n"
                   "refused.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass confirm\n",
};

int cli_confirm(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	status = cli_agent_ask_once(arguments.run, CONTROL_CONFIRM, NULL, &reply);
	if (status == CLI_GO_ON) {
		if (arguments.options & CLI_JSON) {
			struct json json = JSON_TO(&out);

			json_object(&json);
			json_key_number(&json, "confirmed", reply.answer.number);
			json_end(&json);
			buffer_text(&out, "\n");
		} else {
			buffer_printf(&out, "policy %" PRIu64 " is confirmed and stays\n", reply.answer.number);
		}
		status = cli_answer(&out, CLI_YES);
	}
	cli_reply_fini(&reply);
	return status;
}
