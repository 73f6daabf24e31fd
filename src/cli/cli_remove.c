// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass remove`: takes the wall down, when told twice.
#include "cli/cli.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "nft/nft.h"

static const struct cli_command command = {
        .name = "remove",
        .about = "takes the wall down",
        .synopsis = "--yes [--run DIR]",
        .options = CLI_YES_REALLY | CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "Deletes the tables named leadglass of the network namespace the command runs\n"
                   "in, and nothing else. Afterwards nothing is filtered by leadglass. Needs\n"
                   "CAP_NET_ADMIN (root). Refused while an agent keeps the wall: end that first.\n"
                   "\n"
                   "Exit status: 0 there is no wall any more, 2 --yes was not given, 4 an agent\n"
                   "runs, or the kernel refused.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass remove --yes\n",
};

int cli_remove(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	struct nft *nft = NULL;
	int status = cli_arguments(&command, argc, argv, &arguments);
	int error;

	if (status != CLI_GO_ON)
		return status;
	if (!(arguments.options & CLI_YES_REALLY)) {
		cli_message("remove would delete the tables named leadglass and leave this box open; nothing "
		            "was done");
		cli_message("say leadglass remove --yes if that is meant");
		return CLI_USAGE;
	}
	status = cli_refuse_beside(arguments.run);
	if (status != CLI_GO_ON)
		return status;
	problem_init(&problems);
	error = nft_open(&nft, &problems);
	if (!error)
		error = nft_remove(nft, &problems);
	nft_close(nft);
	if (error == 0) {
		buffer_text(&out, "wall removed: nothing is filtered by leadglass any more\n");
		status = cli_answer(&out, CLI_YES);
	} else if (error == -ENOENT) {
		buffer_text(&out, "there was no wall\n");
		status = cli_answer(&out, CLI_YES);
	} else {
		cli_failure(error, &problems, NULL);
		status = cli_exit_of(error);
	}
	problem_fini(&problems);
	return status;
}
