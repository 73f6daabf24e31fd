// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass metrics`: what the agent counts, for a monitoring system.
#include "cli/cli.h"

#include "base/buffer.h"
#include "cli/cli_agent.h"

static const struct cli_command command = {
        .name = "metrics",
        .about = "what the agent counts, as OpenMetrics text",
        .synopsis = "[--run DIR]",
        .options = CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "For root and the group of the agent's socket. leadglassd --metrics-file writes\n"
                   "the same once a minute, for the text collector of a node exporter.\n"
                   "\n"
                   "Exit status: 0 written, 4 the agent could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass metrics\n",
};

int cli_metrics(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	status = cli_agent_ask_once(arguments.run, CONTROL_METRICS, NULL, &reply);
	if (status == CLI_GO_ON) {
		if (reply.payload)
			buffer_add(&out, reply.payload, reply.size);
		status = cli_answer(&out, CLI_YES);
	}
	cli_reply_fini(&reply);
	return status;
}
