// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass verify`: does the kernel hold exactly what the policy means? With a policy the command compares
// itself; without one the agent compares with the policy that stands.
#include "cli/cli.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "nft/nft.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "verify",
        .about = "does the kernel hold exactly this policy?",
        .synopsis = "[--json] [--all] [--run DIR] [POLICY]",
        .options = CLI_JSON | CLI_ALL | CLI_RUN,
        .least = 0,
        .most = 1,
        .details = "Without POLICY the agent compares what the kernel holds with the policy that\n"
                   "stands, and repairs it; for root and the group of the agent's socket.\n"
                   "With POLICY (a file, - for standard input, or @running or @NUMBER for one the\n"
                   "agent keeps) this command compares, and repairs nothing. Needs CAP_NET_ADMIN\n"
                   "(root).\n"
                   "Each difference is one line; beyond 100 they are only counted, unless --all is\n"
                   "given. Elements whose comment names another line of the policy are no\n"
                   "difference; they are counted at the end.\n"
                   "\n"
                   "Exit status: 0 the kernel holds the policy, 1 it does not, 3 the policy is\n"
                   "invalid, 4 the kernel or the agent could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass verify policy.conf\n",
};

#define SHOWN_MAX 100

// Where differences go while they are found.
struct report {
	const struct sources *sources;
	struct buffer *out;
	struct json *json; // NULL: text
	size_t most, count;
	bool agent;      // there is one
	size_t comments; // elements that are as meant, but whose comment names another line or file
};

static bool report(void *context, const struct ruleset_difference *difference)
{
	struct report *report = context;
	struct buffer line = BUFFER_EMPTY;

	// A comment names a line of the policy; that lines have moved is no hole in the wall.
	if (difference->kind == DIFFERENCE_ELEMENT_CHANGED) {
		report->comments++;
		return true;
	}
	if (++report->count > report->most)
		return true;
	ruleset_difference_print(difference, report->sources, &line);
	if (buffer_failed(&line))
		report->out->failed = true;
	else if (report->json)
		json_text_n(report->json, line.data ? line.data : "", line.size);
	else
		buffer_printf(report->out, "%s\n", line.data ? line.data : "");
	buffer_fini(&line);
	return true;
}

static void write_sum(const char *path, const struct report *report)
{
	struct buffer *out = report->out;

	if (report->count > report->most)
		buffer_printf(out, "and %zu more (--all shows them)\n", report->count - report->most);
	if (report->count) {
		cli_count(out, report->count, "difference");
		if (!report->agent)
			buffer_printf(out, "; leadglass load %s puts this right\n", path);
		else if (strcmp(path, "@running") == 0)
			buffer_text(out, "; leadglass verify has the agent put this right\n");
		else
			buffer_printf(out, "; leadglass apply %s puts this right\n", path);
		return;
	}
	buffer_printf(out, "verified: the kernel holds exactly %s\n", path);
	if (report->comments) {
		cli_count(out, report->comments, "comment");
		buffer_text(out, " in it point to where a line of the policy stood before; ");
		buffer_printf(out, "%s brings them up to date\n", report->agent ? "apply" : "load");
	}
}

// Asks the kernel and leaves the answer in `out`. 0 and the number of differences, or -errno with a problem.
static int ask(const char *path, const struct policy *policy, const struct ruleset *ruleset,
               const struct cli_arguments *arguments, struct problems *problems, struct buffer *out,
               size_t *ret_differences)
{
	unsigned options = arguments->options;
	struct json json = JSON_TO(out);
	struct report context = {.sources = &policy->sources, .out = out, .most = SHOWN_MAX};
	struct nft *nft = NULL;
	int error;

	if (options & CLI_JSON) {
		context.json = &json;
		json_object(&json);
		json_key_text(&json, "policy", path);
		json_key(&json, "shown");
		json_array(&json);
	}
	if (options & CLI_ALL)
		context.most = SIZE_MAX;
	context.agent = cli_agent_beside(arguments->run) != 0;
	error = nft_open(&nft, problems);
	if (!error)
		error = nft_verify(nft, ruleset, report, &context, problems, ret_differences);
	nft_close(nft);
	if (error)
		return error;
	*ret_differences = context.count;
	if (options & CLI_JSON) {
		json_end_array(&json);
		json_key_number(&json, "differences", context.count);
		json_key_number(&json, "comments", context.comments);
		json_key_bool(&json, "verified", context.count == 0);
		json_end(&json);
		buffer_text(out, "\n");
	} else {
		write_sum(path, &context);
	}
	return 0;
}

// The agent's differences, a line each.
static void write_lines(const char *text, size_t most, struct json *json, struct buffer *out)
{
	size_t count = 0;

	while (*text) {
		size_t size = strcspn(text, "\n");

		if (size && count++ < most) {
			if (json) {
				json_text_n(json, text, size);
			} else {
				buffer_add(out, text, size);
				buffer_text(out, "\n");
			}
		}
		text += size + (text[size] == '\n');
	}
	if (!json && count > most)
		buffer_printf(out, "and %zu more (--all shows them)\n", count - most);
}

static int verify_standing(const struct cli_arguments *arguments)
{
	size_t most = arguments->options & CLI_ALL ? SIZE_MAX : SHOWN_MAX;
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	int status = cli_agent_ask_once(arguments->run, CONTROL_VERIFY, NULL, &reply);
	size_t differences = (size_t)reply.answer.number;
	const char *text = reply.payload ? reply.payload : "";

	if (status != CLI_GO_ON) {
		cli_reply_fini(&reply);
		return status;
	}
	if (arguments->options & CLI_JSON) {
		json_object(&json);
		json_key_text(&json, "policy", "@running");
		json_key(&json, "shown");
		json_array(&json);
		write_lines(text, most, &json, &out);
		json_end_array(&json);
		json_key_number(&json, "differences", differences);
		json_key_number(&json, "comments", 0);
		json_key_bool(&json, "verified", differences == 0);
		json_end(&json);
		buffer_text(&out, "\n");
	} else {
		write_lines(text, most, NULL, &out);
		if (differences) {
			cli_count(&out, differences, "difference");
			buffer_text(&out, " found");
		}
		if (reply.answer.text[0])
			buffer_printf(&out, "%s%s", differences ? "; " : "", reply.answer.text);
		else if (!differences)
			buffer_text(&out, "verified: the kernel holds exactly the policy that stands");
		buffer_text(&out, "\n");
	}
	cli_reply_fini(&reply);
	return cli_answer(&out, differences ? CLI_NO : CLI_YES);
}

static int verify_policy(const struct cli_arguments *arguments)
{
	const char *name = arguments->operands[0];
	struct policy policy;
	struct ruleset ruleset;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	size_t differences = 0;
	int status;

	policy_init(&policy);
	ruleset_init(&ruleset);
	problem_init(&problems);
	status = cli_wall(name, arguments->run, &policy, &ruleset);
	if (status == CLI_GO_ON) {
		int error = ask(name, &policy, &ruleset, arguments, &problems, &out, &differences);

		if (error) {
			cli_failure(error, &problems, &policy.sources);
			status = cli_exit_of(error);
			buffer_fini(&out);
		} else {
			status = cli_answer(&out, differences ? CLI_NO : CLI_YES);
		}
	}
	problem_fini(&problems);
	ruleset_fini(&ruleset);
	policy_fini(&policy);
	return status;
}

int cli_verify(int argc, char **argv)
{
	struct cli_arguments arguments;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	return arguments.count ? verify_policy(&arguments) : verify_standing(&arguments);
}
