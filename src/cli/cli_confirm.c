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
        .about = "keep the policy that was applied with --confirm-within",
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

// Another policy may come to wait between this command and the agent's hearing it: what waits now is meant.
// Where nothing waits the number is that of a policy that does not either, and the agent says what became of
// the last one.
static int which_waits(struct control *control, uint64_t *ret)
{
	struct cli_reply reply = {0};
	const struct control_status *state;
	const void *items;
	size_t count;
	int status = cli_agent_ask(control, CONTROL_STATUS, NULL, NULL, 0, &reply);

	if (status == CLI_GO_ON && (!cli_reply_items(&reply, CONTROL_STATUS, &items, &count) || count != 1))
		status = CLI_KERNEL;
	if (status == CLI_GO_ON) {
		state = items;
		*ret = state->number ? state->number : UINT64_MAX; // the closed wall: none at all
	}
	cli_reply_fini(&reply);
	return status;
}

static int confirm(const char *run, struct cli_reply *ret)
{
	struct control_request request = {0};
	struct control *control = NULL;
	int status = cli_agent_connect(run, &control);

	if (status == CLI_GO_ON)
		status = which_waits(control, &request.number);
	if (status == CLI_GO_ON)
		status = cli_agent_ask(control, CONTROL_CONFIRM, &request, NULL, 0, ret);
	control_disconnect(control);
	return status;
}

int cli_confirm(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	status = confirm(arguments.run, &reply);
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
