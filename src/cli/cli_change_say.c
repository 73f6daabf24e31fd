// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is said of a change of what stands, before and after it.
#include "cli/cli_change.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/cli_cut.h"
#include "cli/cli_text.h"
#include "nft/nft.h"

static void name_policy(uint64_t number, struct buffer *out)
{
	if (number)
		buffer_printf(out, "policy %" PRIu64, number);
	else
		buffer_text(out, "the closed wall");
}

// When a time of so many seconds ends that begins now: "23:54:36 (in 2 min)"
static void name_end(uint32_t seconds, struct buffer *out)
{
	time_t now = time(NULL), end = now + (time_t)seconds;
	char text[32] = "";
	struct tm parts;

	if (localtime_r(&end, &parts))
		strftime(text, sizeof(text), seconds < 43200 ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
	buffer_printf(out, "%s (in ", text);
	cli_span(out, seconds);
	buffer_text(out, ")");
}

static void name_confirm(const struct cli_change *change, struct buffer *out)
{
	buffer_text(out, "leadglass confirm");
	if (strcmp(change->arguments->run, CONTROL_FOLDER) != 0)
		buffer_printf(out, " --run %s", change->arguments->run);
}

// One or more lines to standard error, each with our name before it.
static void warn(struct buffer *lines)
{
	for (char *line = lines->data, *end; line && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		cli_message("%s", line);
	}
	if (buffer_failed(lines))
		cli_message("out of memory");
	buffer_fini(lines);
}

static void warn_cut(const struct cli_change *change, const struct cli_cut *cut)
{
	struct buffer text = BUFFER_EMPTY;
	char from[PREFIX_TEXT_MAX];

	buffer_text(&text, "WARNING: this cuts the connection you type in, ");
	cli_cut_print(cut, &text);
	buffer_printf(&text, ":\n  %s\n", cut->reason.data ? cut->reason.data : "");
	if (!cut->managed)
		buffer_printf(&text, "  manage { from %s; port %u } in the policy would keep it\n",
		              prefix_print(&cut->from, from), cut->port);
	if (change->seconds) {
		buffer_text(&text, "  ");
		name_policy(change->old_number, &text);
		buffer_text(&text, " comes back by itself at ");
		name_end(change->seconds, &text);
		buffer_text(&text, "\n");
	}
	warn(&text);
}

static void warn_others(const struct cli_cut *cut)
{
	struct buffer text = BUFFER_EMPTY;

	if (cut->verdict == CLI_CUT_BY_WINDOW) {
		buffer_text(&text, "warning: the connection you type in passes through a service window only, "
		                   "which closes in ");
		cli_span(&text, cut->seconds);
		buffer_text(&text, "\n");
	} else if (cut->verdict == CLI_CUT_UNKNOWN) {
		buffer_text(&text, "warning: whether this cuts the connection you type in, from ");
		cli_cut_print(cut, &text);
		buffer_text(&text, ", cannot be told\n");
	}
	if (text.size)
		warn(&text);
}

void cli_change_warn(const struct cli_change *change, const struct cli_cut *cut)
{
	if (cut->verdict == CLI_CUT_CUT)
		warn_cut(change, cut);
	else
		warn_others(cut);
}

void cli_change_refuse(const struct cli_change *change)
{
	const struct cli_arguments *arguments = change->arguments;
	struct buffer text = BUFFER_EMPTY;

	buffer_printf(&text,
	              "nothing was changed. With a time to confirm the old policy comes back by itself:\n"
	              "  leadglass %s --confirm-within 2m",
	              change->command->name);
	if (strcmp(arguments->run, CONTROL_FOLDER) != 0)
		buffer_printf(&text, " --run %s", arguments->run);
	if (arguments->count)
		buffer_printf(&text, " %s", arguments->operands[0]);
	buffer_text(&text, "\n--yes does it without one\n");
	warn(&text);
}

void cli_change_done(const struct control_answer *answer)
{
	if (answer->number)
		cli_message("policy %" PRIu64 " stands", answer->number);
	else
		cli_message("the closed wall stands");
}

static bool count_comment(void *context, const struct ruleset_difference *difference)
{
	*(size_t *)context += difference->kind == DIFFERENCE_ELEMENT_CHANGED;
	return true;
}

static void write_elements(const struct cli_change *change, const struct control_answer *answer,
                           struct buffer *out)
{
	size_t comments = 0;

	buffer_printf(out, "elements +%u -%u", answer->added, answer->removed);
	if (change->has_old && change->name)
		ruleset_compare(&change->new.ruleset, &change->old.ruleset, count_comment, &comments);
	if (comments && comments <= answer->added)
		buffer_printf(out, " (%zu only for their line in the policy)", comments);
}

void cli_change_text(const struct cli_change *change, const struct control_answer *answer, struct buffer *out)
{
	name_policy(answer->number, out);
	if (change->given_up && change->given_up != answer->number)
		buffer_printf(out, " stands again and policy %" PRIu64 " is given up: ", change->given_up);
	else
		buffer_text(out, " stands: ");
	if (change->name) {
		cli_count(out, change->new.policy.peer_count, "peer");
		buffer_text(out, ", ");
	}
	switch ((enum nft_change)answer->changes) {
	case NFT_CREATED:
		buffer_text(out, "wall created");
		break;
	case NFT_UNCHANGED:
		buffer_text(out, "rules unchanged");
		break;
	case NFT_ELEMENTS:
		write_elements(change, answer, out);
		break;
	case NFT_EXCHANGED:
		buffer_text(out, "rules exchanged, ");
		write_elements(change, answer, out);
		break;
	}
	buffer_text(out, "; verified\n");
	if (!answer->seconds)
		return;
	name_policy(change->old_number, out);
	buffer_text(out, " comes back at ");
	name_end(answer->seconds, out);
	buffer_text(out, " unless you type:\n  ");
	name_confirm(change, out);
	buffer_text(out, "\n");
}

// ---- JSON ----

static const char *nft_change_word(uint32_t change)
{
	static const char *const names[] = {[NFT_CREATED] = "created",
	                                    [NFT_UNCHANGED] = "unchanged",
	                                    [NFT_ELEMENTS] = "elements",
	                                    [NFT_EXCHANGED] = "exchanged"};
	return change < sizeof(names) / sizeof(names[0]) ? names[change] : NULL;
}

static void write_json_cut(const struct cli_cut *cut, struct json *json)
{
	static const char *const verdicts[] = {[CLI_CUT_UNKNOWN] = "unknown",
	                                       [CLI_CUT_KEPT] = "kept",
	                                       [CLI_CUT_BY_WINDOW] = "window",
	                                       [CLI_CUT_CUT] = "cut"};
	char text[PREFIX_TEXT_MAX];

	json_key(json, "connection");
	if (cut->verdict == CLI_CUT_NO_CONNECTION) {
		json_text(json, NULL);
		return;
	}
	json_object(json);
	json_key_text(json, "from", prefix_print(&cut->from, text));
	json_key_text(json, "to", cut->to.length ? prefix_print(&cut->to, text) : NULL);
	cli_json_number(json, "port", cut->port);
	json_key_text(json, "verdict", verdicts[cut->verdict]);
	json_key_text(json, "reason", cut->verdict == CLI_CUT_CUT ? cut->reason.data : NULL);
	json_end(json);
}

// `answer` NULL: it was not done.
void cli_change_json(const struct cli_change *change, const struct cli_cut *cut,
                     const struct control_answer *answer, struct buffer *out)
{
	struct json json = JSON_TO(out);

	json_object(&json);
	json_key_bool(&json, "done", answer != NULL);
	json_key(&json, "number");
	if (answer)
		json_number(&json, answer->number);
	else
		json_text(&json, NULL);
	json_key_number(&json, "before", change->old_number);
	cli_json_number(&json, "confirm_seconds", answer ? answer->seconds : change->seconds);
	json_key_text(&json, "change", answer ? nft_change_word(answer->changes) : NULL);
	json_key_number(&json, "added", answer ? answer->added : 0);
	json_key_number(&json, "removed", answer ? answer->removed : 0);
	json_key_bool(&json, "verified", answer != NULL);
	write_json_cut(cut, &json);
	json_key(&json, "changes");
	if (change->name)
		diff_report_json(&change->old, &change->new, &json);
	else
		json_text(&json, NULL);
	json_end(&json);
	buffer_text(out, "\n");
}
