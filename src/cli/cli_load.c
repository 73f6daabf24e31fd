// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass load`: puts the wall up. One transaction; then the kernel's rules are read back and compared.
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "cli/cli_signed.h"
#include "nft/nft.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "load",
        .about = "puts the wall up",
        .synopsis = "[--json] [--no-read-back] [--verbose] [--yes] [--run DIR]\n"
                    "                      [--trust DIR] [--state DIR] POLICY",
        .options = CLI_JSON | CLI_NO_READ_BACK | CLI_VERBOSE | CLI_YES_CLOSE | CLI_RUN | CLI_TRUST | CLI_STATE,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps. Needs CAP_NET_ADMIN (root).\n"
                   "The policy's rules go, in one transaction, into the network namespace the\n"
                   "command runs in; then they are read back and compared. When the policy is\n"
                   "invalid or the kernel refuses, the rules that stood before go on standing.\n"
                   "Refused while an agent keeps the wall: leadglass apply is for that. Refused in\n"
                   "role bridge while the kernel module br_netfilter is loaded.\n"
                   "Where there are trust anchors the policy has to be signed under one of them, and\n"
                   "to be no older than the one taken last, which the state folder remembers.\n"
                   "An agent that keeps an older one would refuse that at its next start: --yes.\n"
                   "\n"
                   "Exit status: 0 the wall is up, 1 --yes was not given, 3 the policy is invalid\n"
                   "or not signed as this box asks, 4 an agent runs, the kernel refused, holds\n"
                   "something else than was sent, or a permission is missing.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass load policy.conf\n",
};

static const char *change_name(enum nft_change change)
{
	switch (change) {
	case NFT_CREATED:
		return "created";
	case NFT_UNCHANGED:
		return "unchanged";
	case NFT_ELEMENTS:
		return "elements";
	case NFT_EXCHANGED:
		return "exchanged";
	}
	return "";
}

static void write_text(size_t peers, size_t elements, const struct nft_load_result *result, struct buffer *out)
{
	buffer_text(out, "wall up: ");
	cli_count(out, peers, "peer");
	buffer_text(out, ", ");
	cli_count(out, elements, "element");
	switch (result->change) {
	case NFT_CREATED:
		buffer_text(out, "; created");
		break;
	case NFT_UNCHANGED:
		buffer_text(out, "; unchanged");
		break;
	case NFT_ELEMENTS:
		buffer_printf(out, "; elements +%zu -%zu", result->added, result->removed);
		break;
	case NFT_EXCHANGED:
		// Without reading, everything is sent: what was new in it is not known.
		if (result->verified)
			buffer_printf(out, "; rules exchanged, elements +%zu -%zu", result->added,
			              result->removed);
		else
			buffer_text(out, "; exchanged");
		break;
	}
	buffer_text(out, result->verified ? "; verified\n" : "; not verified\n");
}

static void write_json(size_t peers, size_t elements, const struct nft_load_result *result, struct buffer *out)
{
	struct json json = JSON_TO(out);

	json_object(&json);
	json_key_text(&json, "change", change_name(result->change));
	json_key_bool(&json, "verified", result->verified);
	json_key_bool(&json, "persistent", result->persistent);
	json_key_number(&json, "peers", peers);
	json_key_number(&json, "elements", elements);
	json_key_number(&json, "added", result->added);
	json_key_number(&json, "removed", result->removed);
	json_key_number(&json, "octets", result->octets);
	json_end(&json);
	buffer_text(out, "\n");
}

// What is usually taken for granted: how much was sent, who guards the table.
static void write_verbose(const struct nft_load_result *result)
{
	cli_message("%zu octets sent in one transaction", result->octets);
	cli_message(
	        result->persistent
	                ? "the table is persistent: a process that stays can take it over and guard it"
	                : "the table is not persistent: the kernel is older than 6.9, or somebody else made "
	                  "the table (`leadglass remove --yes`, then load, makes it anew)");
	cli_message("no process owns the table now: whoever has CAP_NET_ADMIN can change it");
}

// The wall stands. That an older policy could still come is what is left to say of a failure here.
static int accept(struct cli_signed *signed_by, struct problems *problems)
{
	int error = cli_signed_accept(signed_by, problems);

	if (!error)
		return CLI_GO_ON;
	cli_failure(error, problems, NULL);
	cli_message("the wall is up, but this policy's serial was not written down: an older policy would be "
	            "taken; put that right and load it again");
	return cli_exit_of(error);
}

static int load(const struct ruleset *ruleset, const struct sources *sources, size_t peers, unsigned options,
                struct cli_signed *signed_by)
{
	const struct nft_load_options how = {.skip_read_back = options & CLI_NO_READ_BACK};
	struct nft_load_result result = {0};
	struct buffer out = BUFFER_EMPTY;
	struct problems problems;
	struct nft *nft = NULL;
	int status = CLI_GO_ON, error;

	problem_init(&problems);
	error = nft_open(&nft, &problems);
	if (!error)
		error = nft_load(nft, ruleset, sources, &how, &problems, &result);
	if (error) {
		cli_failure(error, &problems, sources);
		// What was committed and then found to be something else has said so.
		if (!result.committed)
			cli_message("nothing was changed: what stood before still stands");
		else if (error != -EBADE)
			cli_message("the kernel has taken the new rules, but they could not be read back: "
			            "leadglass verify tells what stands");
		status = cli_exit_of(error);
	} else {
		cli_problems(&problems, sources);
		problem_fini(&problems);
		status = accept(signed_by, &problems);
	}
	problem_fini(&problems);
	nft_close(nft);
	if (status != CLI_GO_ON)
		return status;
	if (options & CLI_VERBOSE)
		write_verbose(&result);
	if (options & CLI_JSON)
		write_json(peers, cli_elements(ruleset), &result, &out);
	else
		write_text(peers, cli_elements(ruleset), &result, &out);
	return cli_answer(&out, CLI_YES);
}

// What the agent keeps falls short of this policy once it is accepted, and its next start closes the wall.
static int see_that_the_agent_can_start(const struct cli_arguments *arguments, struct cli_signed *signed_by)
{
	uint64_t number;
	int status = cli_signed_replaces(signed_by, &number);

	if (status != CLI_GO_ON || !number)
		return status;
	cli_message("leadglassd keeps policy %" PRIu64
	            " and refuses it once another one was taken here: its next start closes the wall",
	            number);
	if (arguments->options & CLI_YES_CLOSE)
		return CLI_GO_ON;
	cli_message("leadglass apply --offline has it start with this one; --yes loads it all the same");
	return CLI_NO;
}

static int refuse_bridge_netfilter(const struct policy *policy)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = nft_bridge_netfilter_refuse(policy, NFT_PROC_SYS_NET, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return error ? cli_exit_of(error) : CLI_GO_ON;
}

int cli_load(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct policy policy;
	struct ruleset ruleset;
	struct cli_signed signed_by;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	policy_init(&policy);
	ruleset_init(&ruleset);
	cli_signed_init(&signed_by);
	status = cli_signed_read(arguments.operands[0], &arguments, &signed_by, &policy);
	if (status == CLI_GO_ON)
		status = cli_compile(&policy, &ruleset);
	if (status == CLI_GO_ON)
		status = cli_refuse_beside(arguments.run);
	if (status == CLI_GO_ON)
		status = cli_signed_judge(&signed_by, arguments.state, &policy);
	if (status == CLI_GO_ON)
		status = see_that_the_agent_can_start(&arguments, &signed_by);
	if (status == CLI_GO_ON)
		status = refuse_bridge_netfilter(&policy);
	if (status == CLI_GO_ON)
		cli_warnings(&policy, true);
	else if (status != CLI_INTERNAL)
		cli_message("nothing was changed: what stood before still stands");
	// The wall is compiled: what is still wanted of the policy is its text, for messages. The lists of
	// 100,000 peers are 12 MB that the batch can have instead.
	struct sources sources = policy.sources;
	size_t peers = policy.peer_count;
	source_init(&policy.sources);
	policy_fini(&policy);
	if (status == CLI_GO_ON)
		status = load(&ruleset, &sources, peers, arguments.options, &signed_by);
	cli_signed_fini(&signed_by);
	ruleset_fini(&ruleset);
	source_fini(&sources);
	return status;
}
