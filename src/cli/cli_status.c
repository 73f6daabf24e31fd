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

// Asks for one list.
static int ask_list(struct control *control, enum control_kind kind, struct cli_reply *reply,
                    const void **ret_items, size_t *ret_count)
{
	int status = cli_agent_ask(control, kind, NULL, NULL, 0, reply);

	if (status == CLI_GO_ON && !cli_reply_items(reply, kind, ret_items, ret_count))
		return CLI_KERNEL;
	return status;
}

static int answer(const struct status_facts *facts, unsigned options)
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
	struct cli_reply replies[6] = {0};
	struct status_facts facts = {0};
	const void *items[6] = {0};
	size_t counts[6] = {0};
	static const enum control_kind kinds[6] = {CONTROL_STATUS,   CONTROL_ALARMS,  CONTROL_PEERS,
	                                           CONTROL_COUNTERS, CONTROL_WINDOWS, CONTROL_PORTS};
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	status = cli_agent_connect(arguments.run, &control);
	for (size_t i = 0; i < 6 && status == CLI_GO_ON; i++)
		status = ask_list(control, kinds[i], &replies[i], &items[i], &counts[i]);
	control_disconnect(control);
	if (status == CLI_GO_ON && counts[0] != 1) {
		cli_message("the agent's answer makes no sense: no status in it");
		status = CLI_KERNEL;
	}
	if (status == CLI_GO_ON) {
		facts = (struct status_facts){
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
		status = answer(&facts, arguments.options);
	}
	for (size_t i = 0; i < 6; i++)
		cli_reply_fini(&replies[i]);
	return status;
}
