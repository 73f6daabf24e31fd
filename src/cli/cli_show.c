// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass show`: a policy the agent keeps, as it was written.
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "policy/policy.h"

static const struct cli_command command = {
        .name = "show",
        .about = "a policy the agent keeps, as it was written",
        .synopsis = "[--run DIR] [NUMBER]",
        .options = CLI_RUN,
        .least = 0,
        .most = 1,
        .details = "NUMBER is one of leadglass history; without it the policy that stands is shown.\n"
                   "A policy of several files is shown file by file, a line with its name above\n"
                   "each; leadglass print @running makes one file of them.\n"
                   "\n"
                   "Exit status: 0 shown, 1 there is no such policy, 4 the agent could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass show\n",
};

static void write_sources(const struct sources *sources, struct buffer *out)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->items[i];

		if (sources->count > 1)
			buffer_printf(out, "%s# ---- %s\n", i ? "\n" : "", source->name);
		buffer_add(out, source->text, source->size);
		if (source->size && source->text[source->size - 1] != '\n')
			buffer_text(out, "\n");
	}
}

static int show(const char *name, const char *run)
{
	struct policy policy;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	int status, error;

	policy_init(&policy);
	problem_init(&problems);
	error = cli_read_policy(name, run, &policy, &problems);
	// Written by an older version it may no longer be valid, and can be shown all the same.
	if (!error || (policy.sources.count && error == -EINVAL)) {
		write_sources(&policy.sources, &out);
		status = cli_answer(&out, CLI_YES);
	} else {
		cli_failure(error, &problems, &policy.sources);
		status = error == -ENOENT ? CLI_NO : error == -ENOMEM ? CLI_INTERNAL : CLI_KERNEL;
	}
	problem_fini(&problems);
	policy_fini(&policy);
	return status;
}

int cli_show(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct buffer name = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);
	const char *number;

	if (status != CLI_GO_ON)
		return status;
	number = arguments.count ? arguments.operands[0] : "running";
	if (arguments.count && (!number[0] || strspn(number, "0123456789") != strlen(number) ||
	                        number[0] == '0' || strlen(number) > 18)) {
		cli_message("show: %s is not the number of a policy", number);
		return CLI_USAGE;
	}
	buffer_printf(&name, "@%s", number);
	if (buffer_failed(&name)) {
		cli_message("out of memory");
		status = CLI_INTERNAL;
	} else {
		status = show(name.data, arguments.run);
	}
	buffer_fini(&name);
	return status;
}
