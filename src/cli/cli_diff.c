// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass diff`: what changes between two policies, first in what they say, then in what passes.
#include "cli/cli.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/diff.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "diff",
        .about = "what changes between two policies, in peers and flows",
        .synopsis = "[--json] [--all] OLD NEW",
        .options = CLI_JSON | CLI_ALL,
        .least = 2,
        .most = 2,
        .details = "OLD and NEW are files; one of them may be - for standard input. Needs no root\n"
                   "and no kernel support. Order, comments and spelling do not count.\n"
                   "First comes what the policies say (+ added, - removed, ~ changed), then the\n"
                   "flows that the new one opens (+) and closes (-). Long lists are cut short\n"
                   "unless --all is given.\n"
                   "\n"
                   "Exit status: 0 no differences, 1 they differ, 3 one of the policies is invalid.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass diff old.conf policy.conf\n",
};

static const struct diff_bounds short_bounds = {.lines = 20, .values = 8};
static const struct diff_bounds no_bounds = {.lines = SIZE_MAX, .values = SIZE_MAX};

// One of the two policies with all that is made of it.
struct side {
	struct policy policy;
	struct ruleset ruleset;
	struct diff_facts facts;
};

static void init_side(struct side *side)
{
	policy_init(&side->policy);
	ruleset_init(&side->ruleset);
	side->facts = (struct diff_facts){0};
}

static void fini_side(struct side *side)
{
	diff_facts_fini(&side->facts);
	ruleset_fini(&side->ruleset);
	policy_fini(&side->policy);
}

static int read_side(const char *path, struct side *side)
{
	int status = cli_wall(path, &side->policy, &side->ruleset);

	if (status == CLI_GO_ON && diff_facts(&side->policy, &side->facts)) {
		cli_message("out of memory");
		status = CLI_INTERNAL;
	}
	return status;
}

static bool write_text(const struct side *old, const struct side *new, const struct diff_bounds *bounds,
                       struct buffer *out)
{
	const struct diff_wall old_wall = {&old->policy, &old->ruleset},
	                       new_wall = {&new->policy, &new->ruleset};
	struct buffer flows = BUFFER_EMPTY;
	size_t said = diff_policy(&old->facts, &new->facts, bounds, out);
	struct diff_flow_counts counts = diff_flows(&old_wall, &new_wall, bounds, &flows);
	bool differ = said || counts.opened || counts.closed;

	if (!differ) {
		buffer_text(out, "no differences\n");
	} else {
		if (said)
			buffer_text(out, "\n");
		if (counts.opened || counts.closed)
			buffer_printf(out, "flows: %zu opened, %zu closed\n", counts.opened, counts.closed);
		else
			buffer_text(out, "flows: no differences\n");
		if ((counts.opened || counts.closed) && old->policy.role != new->policy.role)
			buffer_text(out, "the role changes, so every flow is listed as closed there and opened "
			                 "here\n");
		buffer_add(out, flows.data, flows.size);
		out->failed = out->failed || buffer_failed(&flows);
	}
	buffer_fini(&flows);
	return differ;
}

static bool write_json(const struct side *old, const struct side *new, struct buffer *out)
{
	const struct diff_wall old_wall = {&old->policy, &old->ruleset},
	                       new_wall = {&new->policy, &new->ruleset};
	struct json json = JSON_TO(out);
	struct diff_flow_counts counts;
	size_t said;

	json_object(&json);
	json_key(&json, "policy");
	said = diff_policy_json(&old->facts, &new->facts, &json);
	json_key(&json, "flows");
	counts = diff_flows_json(&old_wall, &new_wall, &json);
	json_key_number(&json, "opened", counts.opened);
	json_key_number(&json, "closed", counts.closed);
	json_key_bool(&json, "differ", said || counts.opened || counts.closed);
	json_end(&json);
	buffer_text(out, "\n");
	return said || counts.opened || counts.closed;
}

int cli_diff(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct side old, new;
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if (strcmp(arguments.operands[0], "-") == 0 && strcmp(arguments.operands[1], "-") == 0) {
		cli_message("diff: only one of OLD and NEW can be standard input");
		return CLI_USAGE;
	}
	init_side(&old);
	init_side(&new);
	status = read_side(arguments.operands[0], &old);
	if (status == CLI_GO_ON)
		status = read_side(arguments.operands[1], &new);
	if (status == CLI_GO_ON) {
		bool differ =
		        arguments.options & CLI_JSON
		                ? write_json(&old, &new, &out)
		                : write_text(&old, &new,
		                             arguments.options & CLI_ALL ? &no_bounds : &short_bounds, &out);

		status = cli_answer(&out, differ ? CLI_NO : CLI_YES);
	}
	fini_side(&new);
	fini_side(&old);
	return status;
}
