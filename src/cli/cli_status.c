// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass status`: how the wall stands, who talks through it, and what is turned away.
#include "cli/cli.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli_agent.h"
#include "cli/cli_status.h"

static const struct cli_command command = {
        .name = "status",
        .about = "how the wall stands, and who talks through it",
        .synopsis = "[--json] [--all] [--run DIR]",
        .options = CLI_JSON | CLI_ALL | CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "For root and the group of the agent's socket. Counters, connections and last\n"
                   "heard are sums since the agent started. What belongs to a list of more than\n"
                   "4096 elements is not counted (-). Long lists are cut short unless --all is\n"
                   "given.\n"
                   "\n"
                   "Exit status: 0 the wall is up and verified, 1 it is not, 4 the agent could not\n"
                   "be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass status\n",
};

int status_ask(struct control *control, struct cli_reply replies[static STATUS_REPLIES],
               struct control_lists *ret)
{
	static const enum control_kind kinds[STATUS_REPLIES] = {CONTROL_STATUS,  CONTROL_ALARMS,
	                                                        CONTROL_PEERS,   CONTROL_COUNTERS,
	                                                        CONTROL_WINDOWS, CONTROL_PORTS};
	const void *items[STATUS_REPLIES] = {0};
	size_t counts[STATUS_REPLIES] = {0};

	for (size_t i = 0; i < STATUS_REPLIES; i++) {
		int status = cli_agent_ask_list(control, kinds[i], &replies[i], &items[i], &counts[i]);

		if (status != CLI_GO_ON)
			return status;
	}
	if (counts[0] != 1) {
		cli_message("the agent's answer makes no sense: no status in it");
		return CLI_KERNEL;
	}
	*ret = (struct control_lists){
	        .status = items[0],
	        .alarms = items[1],
	        .alarm_count = counts[1],
	        .peers = items[2],
	        .peer_count = counts[2],
	        .counters = items[3],
	        .counter_count = counts[3],
	        .windows = items[4],
	        .window_count = counts[4],
	        .ports = items[5],
	        .port_count = counts[5],
	};
	return CLI_GO_ON;
}

static int answer(const struct control_lists *facts, unsigned options)
{
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);

	if (options & CLI_JSON) {
		status_json(facts, &json);
		buffer_text(&out, "\n");
	} else {
		status_text(facts, options & CLI_ALL ? SIZE_MAX : STATUS_ROWS, &out);
	}
	return cli_answer(&out, facts->status->wall == CONTROL_WALL_UP ? CLI_YES : CLI_NO);
}

int cli_status(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct control *control = NULL;
	struct cli_reply replies[STATUS_REPLIES] = {0};
	struct control_lists lists;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	status = cli_agent_connect(arguments.run, &control);
	if (status == CLI_GO_ON)
		status = status_ask(control, replies, &lists);
	control_disconnect(control);
	if (status == CLI_GO_ON)
		status = answer(&lists, arguments.options);
	for (size_t i = 0; i < STATUS_REPLIES; i++)
		cli_reply_fini(&replies[i]);
	return status;
}
