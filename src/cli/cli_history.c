// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass history`: which policies were applied, by whom, and what became of them.
#include "cli/cli.h"

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli_agent.h"
#include "cli/cli_report.h"
#include "cli/cli_text.h"

static const struct cli_command command = {
        .name = "history",
        .about = "which policies were applied, by whom, and what became of them",
        .synopsis = "[--json] [--run DIR]",
        .options = CLI_JSON | CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "Oldest first; the agent keeps the last 16. A number is what leadglass show,\n"
                   "rollback and diff (as @NUMBER) take. For root and the group of the agent's\n"
                   "socket.\n"
                   "\n"
                   "Exit status: 0 shown, 4 the agent could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass history\n",
};

static void write_entry(const struct control_entry *entry, struct buffer *out)
{
	buffer_printf(out, "%6llu  ", (unsigned long long)entry->number);
	if (entry->applied_at)
		cli_date(out, entry->applied_at);
	else
		buffer_printf(out, "%-16s", "-");
	if (entry->serial)
		buffer_printf(out, "  %8llu", (unsigned long long)entry->serial);
	else
		buffer_printf(out, "  %8s", "-");
	buffer_printf(out, "  %6u  ", entry->peers);
	cli_hash(out, entry->hash, 6);
	buffer_printf(out, "  %s%s\n", entry->standing ? "stands, " : "",
	              entry->pending ? "to be confirmed" : entry->outcome);
	if (entry->who[0] || entry->copy_of) {
		buffer_printf(out, "%8s", "");
		if (entry->who[0])
			buffer_printf(out, "by %s%s", entry->who, entry->copy_of ? "; " : "");
		if (entry->copy_of)
			buffer_printf(out, "policy %llu again", (unsigned long long)entry->copy_of);
		buffer_text(out, "\n");
	}
}

static void write_text(const struct control_entry *entries, size_t count, struct buffer *out)
{
	if (!count) {
		buffer_text(out, "no policy was ever applied here\n");
		return;
	}
	buffer_text(out, "NUMBER  APPLIED             SERIAL   PEERS  HASH          WHAT BECAME OF IT\n");
	for (size_t i = 0; i < count; i++)
		write_entry(&entries[i], out);
}

void history_json(const struct control_entry *entries, size_t count, struct json *json)
{
	json_array(json);
	for (size_t i = 0; i < count; i++) {
		const struct control_entry *entry = &entries[i];

		json_object(json);
		json_key_number(json, "number", entry->number);
		cli_json_time(json, "applied_at", entry->applied_at);
		cli_json_time(json, "decided_at", entry->decided_at);
		json_key_text(json, "outcome", entry->outcome);
		json_key_bool(json, "standing", entry->standing);
		json_key_bool(json, "confirmed", entry->confirmed);
		json_key_bool(json, "pending", entry->pending);
		cli_json_number(json, "serial", entry->serial);
		cli_json_number(json, "copy_of", entry->copy_of);
		json_key_number(json, "peers", entry->peers);
		cli_json_hash(json, "hash", entry->hash);
		json_key_text(json, "who", entry->who);
		json_end(json);
	}
	json_end_array(json);
}

int cli_history(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	int status = cli_arguments(&command, argc, argv, &arguments);
	const void *entries;
	size_t count;

	if (status != CLI_GO_ON)
		return status;
	status = cli_agent_ask_once(arguments.run, CONTROL_HISTORY, NULL, &reply);
	if (status == CLI_GO_ON && !cli_reply_items(&reply, CONTROL_HISTORY, &entries, &count))
		status = CLI_KERNEL;
	if (status == CLI_GO_ON) {
		if (arguments.options & CLI_JSON) {
			history_json(entries, count, &json);
			buffer_text(&out, "\n");
		} else {
			write_text(entries, count, &out);
		}
		status = cli_answer(&out, CLI_YES);
	}
	cli_reply_fini(&reply);
	return status;
}
