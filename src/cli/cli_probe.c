// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass probe`: what this kernel lacks for leadglass, and what that costs.
#include "cli/cli.h"

#include <string.h>

#include "base/buffer.h"
#include "cli/cli_probe.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "probe",
        .about = "what does this kernel lack for leadglass?",
        .synopsis = "[--role ROLE] [--all] [--json] [--run DIR] [POLICY]",
        .options = CLI_ROLE | CLI_ALL | CLI_JSON | CLI_RUN,
        .least = 0,
        .most = 1,
        .details = "Tries what leadglass asks of the kernel, in a network namespace made for it: no\n"
                   "rule of this machine is read or changed. Modules that the kernel has for it are\n"
                   "loaded by the kernel and stay, as leadglass load would have them. Needs\n"
                   "CAP_SYS_ADMIN (root).\n"
                   "Each thing that lacks is one line: whether it is needed or only useful, the\n"
                   "kernel's option for it, and what it costs to be without. --all also tells what\n"
                   "is there, and what the kernel said.\n"
                   "POLICY (a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps) is loaded there, too, and its role is the one asked about.\n"
                   "\n"
                   "Exit status: 0 everything needed is there (for every role, where none is named),\n"
                   "1 something needed lacks, 3 the policy is invalid, 4 there is no network\n"
                   "namespace to try in, or a permission is missing.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass probe --role host\n",
};

static int read_role(const char *word, unsigned *ret)
{
	for (enum policy_role role = POLICY_ROLE_HOST; role <= POLICY_ROLE_BRIDGE; role++) {
		if (strcmp(word, policy_role_name(role)) == 0) {
			*ret = 1u << role;
			return CLI_GO_ON;
		}
	}
	cli_message("probe: --role %s: there is no such role; write host, router or bridge", word);
	return CLI_USAGE;
}

// What the policy says goes before what nobody said.
static int judge_role(const struct policy *policy, const char *name, struct probe_question *question)
{
	unsigned role = 1u << policy->role;

	if (question->roles == PROBE_ALL)
		question->roles = role;
	if (question->roles == role)
		return CLI_GO_ON;
	cli_message("probe: the role of %s is %s; leave --role away", name, policy_role_name(policy->role));
	return CLI_USAGE;
}

static int answer(const struct probe_question *question, const struct probe_result *result, bool json)
{
	struct buffer out = BUFFER_EMPTY;
	bool ready = !question->policy || result->policy_loads;

	for (enum policy_role role = POLICY_ROLE_HOST; role <= POLICY_ROLE_BRIDGE; role++) {
		if (question->roles & 1u << role)
			ready = ready && probe_ready(result, role);
	}
	if (json)
		probe_write_json(question, result, &out);
	else
		probe_write_text(question, result, &out);
	return cli_answer(&out, ready ? CLI_YES : CLI_NO);
}

int cli_probe(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct probe_question question = {.roles = PROBE_ALL};
	struct probe_result result;
	struct policy policy;
	struct ruleset ruleset;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status == CLI_GO_ON && arguments.role)
		status = read_role(arguments.role, &question.roles);
	if (status != CLI_GO_ON)
		return status;
	question.all = arguments.options & CLI_ALL;
	policy_init(&policy);
	ruleset_init(&ruleset);
	if (arguments.count) {
		question.policy = arguments.operands[0];
		status = cli_wall(question.policy, arguments.run, &policy, &ruleset);
		if (status == CLI_GO_ON)
			status = judge_role(&policy, question.policy, &question);
	}
	if (status == CLI_GO_ON)
		status = probe_try(question.policy ? &ruleset : NULL, &policy.sources, &result);
	if (status == CLI_GO_ON)
		status = answer(&question, &result, arguments.options & CLI_JSON);
	ruleset_fini(&ruleset);
	policy_fini(&policy);
	return status;
}
