// SPDX-License-Identifier: GPL-2.0-or-later
//
// The report for programs: what status, history, drops, trust list, print and check answer with --json,
// together.
#include "cli/cli_report.h"

#include <string.h>

#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_status.h"
#include "cli/cli_text.h"
#include "cli/cli_trust.h"

// A line each.
static void write_lines(const char *text, struct json *json)
{
	json_array(json);
	while (*text) {
		size_t size = strcspn(text, "\n");

		if (size)
			json_text_n(json, text, size);
		text += size + (text[size] == '\n');
	}
	json_end_array(json);
}

static void write_made(const struct report_facts *facts, struct json *json)
{
	cli_json_time(json, "made_at", facts->made_at);
	json_key_text(json, "made_by", facts->who);
	json_key_text(json, "command", facts->command);
	json_key_text(json, "version", facts->version);
	json_key_text(json, "host", facts->host);
	json_key_text(json, "kernel", facts->kernel);
	json_key_text(json, "machine", facts->machine);
	json_key(json, "release");
	if (facts->release)
		write_lines(facts->release, json);
	else
		json_text(json, NULL);
	json_key(json, "missing");
	json_array(json);
	for (size_t i = 0; i < facts->missing_count; i++)
		json_text(json, facts->missing[i]);
	json_end_array(json);
}

static void write_agent(const struct report_agent *agent, struct json *json)
{
	json_key(json, "comparison");
	json_object(json);
	json_key_bool(json, "compared", agent->compared);
	json_key_number(json, "differences", agent->differences);
	json_key(json, "shown");
	write_lines(agent->comparison, json);
	json_end(json);
	json_key(json, "status");
	status_json(&agent->now, json);
	json_key(json, "history");
	history_json(agent->entries, agent->entry_count, json);
	json_key(json, "drops");
	json_array(json);
	for (size_t i = 0; i < agent->drop_count; i++)
		drops_json(&agent->drops[i], json);
	json_end_array(json);
}

static void write_policy(const struct report_facts *facts, struct json *json)
{
	const struct sources *sources = &facts->policy->sources;
	struct buffer rules = BUFFER_EMPTY;

	json_key(json, "policy");
	policy_json(facts->policy, json);
	json_key(json, "files");
	json_array(json);
	for (size_t i = 0; i < sources->count; i++) {
		json_object(json);
		json_key_text(json, "name", sources->items[i].name);
		json_key(json, "text");
		json_text_n(json, sources->items[i].text, sources->items[i].size);
		json_end(json);
	}
	json_end_array(json);
	json_key(json, "warnings");
	problem_json(facts->warnings, sources, json);
	ruleset_print(facts->ruleset, &rules);
	if (buffer_failed(&rules))
		json->out->failed = true;
	json_key_text(json, "rules", rules.data);
	buffer_fini(&rules);
}

static void write_answers(const struct report_facts *facts, struct json *json)
{
	json_key(json, "answers");
	json_object(json);
	json_key(json, "mds2");
	report_answers_json(facts, &report_mds2, json);
	json_key(json, "fda");
	report_answers_json(facts, &report_fda, json);
	json_key(json, "iec-62443-4-2");
	report_answers_json(facts, &report_iec, json);
	json_end(json);
}

static void write_nulls(const char *const *keys, struct json *json)
{
	for (; *keys; keys++)
		json_key_text(json, *keys, NULL);
}

void report_json(const struct report_facts *facts, struct json *json)
{
	static const char *const of_agent[] = {"comparison", "status", "history", "drops", NULL};
	static const char *const of_policy[] = {"policy", "files", "warnings", "rules", NULL};

	json_object(json);
	write_made(facts, json);
	if (facts->agent)
		write_agent(facts->agent, json);
	else
		write_nulls(of_agent, json);
	json_key(json, "trust");
	if (facts->trust)
		cli_trust_json(facts->trust, facts->about, json);
	else
		json_text(json, NULL);
	if (facts->policy)
		write_policy(facts, json);
	else
		write_nulls(of_policy, json);
	write_answers(facts, json);
	json_end(json);
}
