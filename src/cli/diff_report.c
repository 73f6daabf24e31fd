// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two policies with all that is made of them, and the whole of what changes from one to the other.
#include "base/json.h"
#include "cli/cli.h"
#include "cli/diff.h"

const struct diff_bounds diff_short = {.lines = 20, .values = 8};
const struct diff_bounds diff_all = {.lines = SIZE_MAX, .values = SIZE_MAX};

void diff_side_init(struct diff_side *side)
{
	policy_init(&side->policy);
	ruleset_init(&side->ruleset);
	side->facts = (struct diff_facts){0};
}

void diff_side_fini(struct diff_side *side)
{
	diff_facts_fini(&side->facts);
	ruleset_fini(&side->ruleset);
	policy_fini(&side->policy);
}

int diff_side_make(struct diff_side *side)
{
	int status = cli_compile(&side->policy, &side->ruleset);

	if (status == CLI_GO_ON && diff_facts(&side->policy, &side->facts)) {
		cli_message("out of memory");
		status = CLI_INTERNAL;
	}
	return status;
}

bool diff_report(const struct diff_side *old, const struct diff_side *new, const struct diff_bounds *bounds,
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
		if (counts.opened && counts.closed && old->policy.role != new->policy.role)
			buffer_text(out, "the role changes, so every flow is listed as closed there and opened "
			                 "here\n");
		buffer_add(out, flows.data, flows.size);
		out->failed = out->failed || buffer_failed(&flows);
	}
	buffer_fini(&flows);
	return differ;
}

bool diff_report_json(const struct diff_side *old, const struct diff_side *new, struct json *json)
{
	const struct diff_wall old_wall = {&old->policy, &old->ruleset},
	                       new_wall = {&new->policy, &new->ruleset};
	struct diff_flow_counts counts;
	size_t said;

	json_object(json);
	json_key(json, "policy");
	said = diff_policy_json(&old->facts, &new->facts, json);
	json_key(json, "flows");
	counts = diff_flows_json(&old_wall, &new_wall, json);
	json_key_number(json, "opened", counts.opened);
	json_key_number(json, "closed", counts.closed);
	json_key_bool(json, "differ", said || counts.opened || counts.closed);
	json_end(json);
	return said || counts.opened || counts.closed;
}
