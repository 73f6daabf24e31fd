// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass diff`: what changes between two policies, first in what they say, then in what passes.
#include "cli/cli.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/diff.h"

static const struct cli_command command = {
        .name = "diff",
        .about = "what changes between two policies, in peers and flows",
        .synopsis = "[--json] [--all] [--run DIR] OLD NEW",
        .options = CLI_JSON | CLI_ALL | CLI_RUN,
        .least = 2,
        .most = 2,
        .details = "OLD and NEW are files, or @running or @NUMBER for policies the agent keeps; one\n"
                   "may be - for standard input. Needs no root and no kernel support. Order,\n"
                   "comments and spelling do not count.\n"
                   "First comes what the policies say (+ added, - removed, ~ changed), then the\n"
                   "flows that the new one opens (+) and closes (-). Long lists are cut short\n"
                   "unless --all is given.\n"
                   "\n"
                   "Exit status: 0 no differences, 1 they differ, 3 one of the policies is invalid.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass diff old.conf policy.conf\n",
};

static int read_side(const char *name, const char *run, struct diff_side *side)
{
	int status = cli_read(name, run, &side->policy);

	return status == CLI_GO_ON ? diff_side_make(side) : status;
}

static bool write_json(const struct diff_side *old, const struct diff_side *new, struct buffer *out)
{
	struct json json = JSON_TO(out);
	bool differ = diff_report_json(old, new, &json);

	buffer_text(out, "\n");
	return differ;
}

int cli_diff(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct diff_side old, new;
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if (strcmp(arguments.operands[0], "-") == 0 && strcmp(arguments.operands[1], "-") == 0) {
		cli_message("diff: only one of OLD and NEW can be standard input");
		return CLI_USAGE;
	}
	diff_side_init(&old);
	diff_side_init(&new);
	status = read_side(arguments.operands[0], arguments.run, &old);
	if (status == CLI_GO_ON)
		status = read_side(arguments.operands[1], arguments.run, &new);
	if (status == CLI_GO_ON) {
		bool differ =
		        arguments.options & CLI_JSON
		                ? write_json(&old, &new, &out)
		                : diff_report(&old, &new, arguments.options & CLI_ALL ? &diff_all : &diff_short,
		                              &out);

		status = cli_answer(&out, differ ? CLI_NO : CLI_YES);
	}
	diff_side_fini(&new);
	diff_side_fini(&old);
	return status;
}
