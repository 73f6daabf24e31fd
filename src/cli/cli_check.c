// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass check`: everything that is wrong with a policy, and what is probably not meant. Here the problems
// are the answer and go to standard output.
#include "cli/cli.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/signed_text.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "check",
        .about = "is the policy valid, and what is probably not meant?",
        .synopsis = "[--json] [--strict] [--run DIR] POLICY",
        .options = CLI_JSON | CLI_STRICT | CLI_RUN,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps. Needs no root and no kernel support.\n"
                   "Every error and warning is shown with its file, line and column.\n"
                   "\n"
                   "Exit status: 0 valid, 1 there are warnings and --strict was given, 3 invalid.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass check policy.conf\n",
};

static size_t warnings(const struct problems *problems)
{
	return problems->count + problems->dropped - problems->errors;
}

// The signature stands in the text, and was not looked at.
static bool is_signed(const struct policy *policy)
{
	const struct source *first = policy->sources.items;

	return policy->sources.count && signed_text_end(first->text, first->size) < first->size;
}

static void summary(const char *path, const struct policy *policy, const struct problems *problems,
                    struct buffer *out)
{
	buffer_printf(out, "%s: role %s, ", path, policy_role_name(policy->role));
	cli_count(out, policy->device_count, "device");
	buffer_text(out, ", ");
	cli_count(out, policy->peer_count, "peer");
	buffer_text(out, ", ");
	cli_count(out, policy->service_count, "service");
	if (warnings(problems)) {
		buffer_text(out, "; ");
		cli_count(out, warnings(problems), "warning");
	}
	if (is_signed(policy))
		buffer_text(out, "; signed, not verified here (leadglass verify-signature)");
	buffer_text(out, "\n");
}

static void write_json(const char *path, bool valid, const struct policy *policy,
                       const struct problems *problems, struct buffer *out)
{
	struct json json = JSON_TO(out);

	json_object(&json);
	json_key_text(&json, "policy", path);
	json_key_bool(&json, "valid", valid);
	if (valid) {
		json_key_text(&json, "role", policy_role_name(policy->role));
		json_key_number(&json, "devices", policy->device_count);
		json_key_number(&json, "peers", policy->peer_count);
		json_key_number(&json, "services", policy->service_count);
		json_key_bool(&json, "signed", is_signed(policy));
	}
	json_key_number(&json, "errors", problems->errors);
	json_key_number(&json, "warnings", warnings(problems));
	json_key(&json, "problems");
	problem_json(problems, &policy->sources, &json);
	json_end(&json);
	buffer_text(out, "\n");
}

// Reads it, and when it is valid looks for warnings and for limits that only compiling meets.
static int judge(const char *name, const char *run, struct policy *policy, struct problems *problems)
{
	struct ruleset ruleset;
	int error = cli_read_policy(name, run, policy, problems);

	if (error)
		return error;
	error = policy_lint(policy, problems);
	if (error)
		return error;
	ruleset_init(&ruleset);
	error = ruleset_compile(policy, problems, &ruleset);
	ruleset_fini(&ruleset);
	return error;
}

int cli_check(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct policy policy;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	int status = cli_arguments(&command, argc, argv, &arguments);
	int error;

	if (status != CLI_GO_ON)
		return status;
	policy_init(&policy);
	problem_init(&problems);
	error = judge(arguments.operands[0], arguments.run, &policy, &problems);
	if (error) {
		status = cli_exit_of_read(error);
	} else {
		status = (arguments.options & CLI_STRICT) && problems.count ? CLI_NO : CLI_YES;
	}
	if (status == CLI_INTERNAL || problems.lost) {
		cli_message("out of memory");
		status = CLI_INTERNAL;
	} else if (arguments.options & CLI_JSON) {
		write_json(arguments.operands[0], !error, &policy, &problems, &out);
		status = cli_answer(&out, status);
	} else if (error && error != -EINVAL && error != -E2BIG) {
		cli_problems(&problems, &policy.sources);
	} else {
		problem_print(&problems, &policy.sources, &out);
		if (!error)
			summary(arguments.operands[0], &policy, &problems, &out);
		status = cli_answer(&out, status);
	}
	problem_fini(&problems);
	policy_fini(&policy);
	return status;
}
