// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass drops`: who was turned away, and why.
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "cli/cli_report.h"
#include "cli/cli_text.h"
#include "policy/policy.h"

static const struct cli_command command = {
        .name = "drops",
        .about = "who was turned away, and why",
        .synopsis = "[--json] [--all] [--follow] [--run DIR]",
        .options = CLI_JSON | CLI_ALL | CLI_FOLLOW | CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "One row for who tried what, the latest first: a scan of many ports is one row.\n"
                   "At most 40 rows unless --all is given; the agent keeps 256. It hears of the\n"
                   "packets the kernel logs, at the rate of the policy's log block; the last line\n"
                   "says how many of all that is. --follow goes on with rows as they change,\n"
                   "until interrupted (with --json one object a line). For root and the group of\n"
                   "the agent's socket.\n"
                   "\n"
                   "Exit status: 0 shown, 4 the agent could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass drops\n",
};

#define ROWS 40
#define WHEN_COLUMNS 12
#define INDENT (WHEN_COLUMNS + 10)

static void write_place(const struct control_drop *drop, int64_t now, struct buffer *out)
{
	if (drop->first_seen && drop->first_seen != drop->last_seen) {
		buffer_text(out, "since ");
		cli_clock(out, now, drop->first_seen);
		buffer_text(out, "; ");
	}
	buffer_text(out, drop->chain);
	if (drop->in_interface[0])
		buffer_printf(out, ", in %s", drop->in_interface);
	if (drop->out_interface[0])
		buffer_printf(out, ", out %s", drop->out_interface);
	if (drop->reason[0])
		buffer_printf(out, ": %s", drop->reason);
}

// Two lines, or more when something is long. Following, the time of day; else when it was, seen from now.
static void write_row(const struct control_drop *drop, int64_t now, bool following, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	if (following)
		cli_clock(&text, now, drop->last_seen);
	else
		cli_when(&text, now, drop->last_seen);
	buffer_printf(out, "%-*s", WHEN_COLUMNS, text.data ? text.data : "");
	cli_number(out, drop->count, 8);
	buffer_text(out, "  ");
	buffer_clear(&text);
	control_drop_print(drop, &text);
	if (!buffer_failed(&text))
		cli_wrap(out, INDENT, INDENT, text.data ? text.data : "");
	buffer_clear(&text);
	write_place(drop, now, &text);
	if (!buffer_failed(&text) && text.size) {
		buffer_printf(out, "%*s", INDENT, "");
		cli_wrap(out, INDENT, INDENT, text.data);
	}
	out->failed = out->failed || buffer_failed(&text);
	buffer_fini(&text);
}

static void json_prefix(struct json *json, const char *key, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	json_key_text(json, key, prefix->length ? prefix_print(prefix, text) : NULL);
}

void drops_json(const struct control_drop *drop, struct json *json)
{
	const size_t named = sizeof(drop->ports) / sizeof(drop->ports[0]);
	bool icmp = drop->protocol == IPPROTO_ICMP || drop->protocol == IPPROTO_ICMPV6;

	json_object(json);
	json_prefix(json, "source", &drop->source);
	json_prefix(json, "destination", &drop->destination);
	json_key_number(json, "ether_type", drop->ether_type);
	json_key_number(json, "protocol", drop->protocol);
	json_key(json, "icmp_type");
	if (icmp)
		json_number(json, drop->icmp_type);
	else
		json_text(json, NULL);
	json_key(json, "ports");
	json_array(json);
	for (size_t i = 0; i < named && i < drop->port_count; i++)
		json_number(json, drop->ports[i]);
	json_end_array(json);
	json_key_number(json, "port_count", drop->port_count);
	json_key_number(json, "count", drop->count);
	cli_json_time(json, "first_seen", drop->first_seen);
	cli_json_time(json, "last_seen", drop->last_seen);
	json_key_text(json, "in", drop->in_interface[0] ? drop->in_interface : NULL);
	json_key_text(json, "out", drop->out_interface[0] ? drop->out_interface : NULL);
	json_key_text(json, "mac", drop->mac[0] ? drop->mac : NULL);
	json_key_text(json, "chain", drop->chain);
	json_key_text(json, "reason", drop->reason[0] ? drop->reason : NULL);
	json_end(json);
}

static int latest_first(const void *a, const void *b)
{
	const struct control_drop *const *x = a, *const *y = b;

	if ((*x)->last_seen != (*y)->last_seen)
		return (*x)->last_seen < (*y)->last_seen ? 1 : -1;
	return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

// What the rows leave out: the kernel logs a part of what it drops, and the agent keeps a part of that.
static void write_share(const struct control_status *status, const struct policy_log *log, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	if (status->heard < status->drops) {
		buffer_printf(&text, "%" PRIu64 " of %" PRIu64 " dropped packets were heard", status->heard,
		              status->drops);
		if (log && log->drops)
			buffer_printf(&text, " (the kernel logs %u/%s of each chain)", log->drops,
			              log->seconds == 1    ? "second"
			              : log->seconds == 60 ? "minute"
			                                   : "hour");
		else if (log)
			buffer_text(&text, " (the policy says: log { drops off })");
	}
	if (status->forgotten)
		buffer_printf(&text, "%s%" PRIu64 " row%s given up for later ones", text.size ? "; " : "",
		              status->forgotten, status->forgotten == 1 ? " was" : "s were");
	if (text.size && !buffer_failed(&text))
		cli_wrap(out, 0, 0, text.data);
	out->failed = out->failed || buffer_failed(&text);
	buffer_fini(&text);
}

// How much is logged stands in the policy. Where it cannot be had, the rest is said without it.
static void write_footer(const struct control_status *status, const char *run, struct buffer *out)
{
	struct problems problems;
	struct policy policy;
	int error = -ENOENT;

	policy_init(&policy);
	problem_init(&problems);
	if (status->heard < status->drops)
		error = cli_read_policy("@running", run, &policy, &problems);
	write_share(status, error ? NULL : &policy.log, out);
	out->failed = out->failed || error == -ENOMEM;
	problem_fini(&problems);
	policy_fini(&policy);
}

static void write_rows(const struct control_status *status, const struct control_drop *const *drops,
                       size_t count, size_t rows, struct buffer *out)
{
	if (!count) {
		buffer_text(out, status->drops
		                         ? "nobody was heard of who was turned away since the agent started\n"
		                         : "nobody was turned away since the agent started\n");
		return;
	}
	buffer_printf(out, "%-*s%8s  WHO TRIED WHAT, WHERE, AND WHY NOT\n", WHEN_COLUMNS, "LAST SEEN", "COUNT");
	for (size_t i = 0; i < count && i < rows; i++)
		write_row(drops[i], status->now, false, out);
	if (count > rows)
		buffer_printf(out, "and %zu more (--all shows them)\n", count - rows);
}

// The whole table.
static int show(const struct cli_arguments *arguments)
{
	const struct control_drop **sorted = NULL;
	struct cli_reply reply = {0}, sums = {0};
	struct buffer out = BUFFER_EMPTY;
	struct control *control = NULL;
	const void *items, *statuses;
	size_t count = 0, status_count = 0;
	int status = cli_agent_connect(arguments->run, &control);

	if (status == CLI_GO_ON)
		status = cli_agent_ask_list(control, CONTROL_STATUS, &sums, &statuses, &status_count);
	if (status == CLI_GO_ON && status_count != 1) {
		cli_message("the agent's answer makes no sense: no status in it");
		status = CLI_KERNEL;
	}
	if (status == CLI_GO_ON)
		status = cli_agent_ask_list(control, CONTROL_DROPS, &reply, &items, &count);
	control_disconnect(control);
	if (status == CLI_GO_ON) {
		sorted = calloc(count + 1, sizeof(struct control_drop *));
		if (!sorted) {
			cli_message("out of memory");
			status = CLI_INTERNAL;
		}
	}
	if (status == CLI_GO_ON) {
		for (size_t i = 0; i < count; i++)
			sorted[i] = (const struct control_drop *)items + i;
		qsort(sorted, count, sizeof(struct control_drop *), latest_first);
		if (arguments->options & CLI_JSON) {
			struct json json = JSON_TO(&out);

			json_array(&json);
			for (size_t i = 0; i < count; i++)
				drops_json(sorted[i], &json);
			json_end_array(&json);
			buffer_text(&out, "\n");
		} else {
			write_rows(statuses, sorted, count, arguments->options & CLI_ALL ? SIZE_MAX : ROWS,
			           &out);
			write_footer(statuses, arguments->run, &out);
		}
		status = cli_answer(&out, CLI_YES);
	}
	free(sorted);
	cli_reply_fini(&sums);
	cli_reply_fini(&reply);
	return status;
}

// JSON Lines: line ends and indentation inside an object are no part of its texts, where they are escaped.
static void join_lines(struct buffer *text)
{
	size_t to = 0;

	for (size_t at = 0; at < text->size; at++) {
		if (text->data[at] != '\n') {
			text->data[to++] = text->data[at];
			continue;
		}
		while (at + 1 < text->size && (text->data[at + 1] == ' ' || text->data[at + 1] == '\t'))
			at++;
		if (to && text->data[to - 1] == ',')
			text->data[to++] = ' ';
	}
	text->size = to;
}

// One change, at once. CLI_GO_ON, or CLI_INTERNAL when nobody reads it any more.
static int write_change(const struct control_drop *drop, bool as_json)
{
	struct buffer out = BUFFER_EMPTY;
	int status = CLI_GO_ON;

	if (as_json) {
		struct json json = JSON_TO(&out);

		drops_json(drop, &json);
		if (!buffer_failed(&out))
			join_lines(&out);
		buffer_text(&out, "\n");
	} else {
		write_row(drop, (int64_t)time(NULL), true, &out);
	}
	if (buffer_failed(&out)) {
		cli_message("out of memory");
		status = CLI_INTERNAL;
	} else if (fwrite(out.data, 1, out.size, stdout) != out.size || fflush(stdout) != 0) {
		cli_message("cannot write the answer: %s", strerror(errno));
		status = CLI_INTERNAL;
	}
	buffer_fini(&out);
	return status;
}

static int follow(const struct cli_arguments *arguments)
{
	struct control *control = NULL;
	struct cli_reply reply = {0};
	struct problems problems;
	int status = cli_agent_connect(arguments->run, &control);

	problem_init(&problems);
	if (status == CLI_GO_ON)
		status = cli_agent_ask(control, CONTROL_FOLLOW, NULL, NULL, 0, &reply);
	while (status == CLI_GO_ON) {
		const void *items = NULL;
		size_t count = 0;
		int error;

		cli_reply_fini(&reply);
		error = control_next(control, -1, &reply.answer, &reply.payload, &reply.size, &problems);
		if (error == -ECONNRESET || error == -EPIPE) {
			cli_message("the agent has ended");
			status = CLI_KERNEL;
		} else if (error) {
			cli_failure(error, &problems, NULL);
			status = cli_exit_of(error);
		} else if (!cli_reply_items(&reply, CONTROL_FOLLOW, &items, &count)) {
			status = CLI_KERNEL;
		}
		for (size_t i = 0; i < count && status == CLI_GO_ON; i++)
			status = write_change((const struct control_drop *)items + i,
			                      arguments->options & CLI_JSON);
	}
	problem_fini(&problems);
	cli_reply_fini(&reply);
	control_disconnect(control);
	return status;
}

int cli_drops(int argc, char **argv)
{
	struct cli_arguments arguments;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	return arguments.options & CLI_FOLLOW ? follow(&arguments) : show(&arguments);
}
