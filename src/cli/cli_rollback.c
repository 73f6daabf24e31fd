// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass rollback`: goes back at once from a policy that waits, or applies an older policy again.
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_agent.h"
#include "cli/cli_change.h"
#include "policy/policy_bundle.h"

static const struct cli_command command = {
        .name = "rollback",
        .about = "go back to an earlier policy",
        .synopsis = "[--confirm-within TIME] [--dry-run] [--yes] [--json]\n"
                    "                          [--all] [--run DIR] [NUMBER]",
        .options = CLI_CONFIRM_WITHIN | CLI_DRY_RUN | CLI_YES_CUT | CLI_JSON | CLI_ALL | CLI_RUN,
        .least = 0,
        .most = 1,
        .details = "While a policy waits for its confirmation: the one before comes back at once.\n"
                   "Else policy NUMBER of leadglass history (without it: the one that held before)\n"
                   "is applied again, under a new number, as leadglass apply does it. Needs root.\n"
                   "\n"
                   "Exit status: 0 it stands, 1 there is no such policy, it would cut the\n"
                   "connection, or another waits for its confirmation, 3 it is not signed as this\n"
                   "box asks (where there are trust anchors no serial goes back), 4 the agent or the\n"
                   "kernel refused.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass rollback\n",
};

static bool held(const struct control_entry *entry)
{
	return strcmp(entry->outcome, "confirmed") == 0 ||
	       (strcmp(entry->outcome, "applied") == 0 && entry->decided_at);
}

// To which policy it goes; 0 the closed wall, or nobody knows: the agent will say. `change->harmless` when it
// ends the time to confirm.
static uint64_t find_target(struct cli_change *change, const struct control_entry *entries, size_t count)
{
	uint64_t confirmed = 0, before = 0;

	for (size_t i = 0; i < count; i++) {
		if (entries[i].pending)
			change->given_up = entries[i].number;
		if (entries[i].confirmed)
			confirmed = entries[i].number;
	}
	for (size_t i = 0; i < count; i++) {
		if (held(&entries[i]) && entries[i].number < confirmed)
			before = entries[i].number;
	}
	change->harmless = change->given_up && (!change->number || change->number == confirmed);
	return change->harmless ? confirmed : change->number ? change->number : before;
}

static int ask_target(struct cli_change *change, uint64_t *ret)
{
	struct cli_reply reply = {0};
	const void *entries = NULL;
	size_t count = 0;
	int status = cli_agent_ask(change->control, CONTROL_HISTORY, NULL, NULL, 0, &reply);

	if (status == CLI_GO_ON && !cli_reply_items(&reply, CONTROL_HISTORY, &entries, &count))
		status = CLI_KERNEL;
	if (status == CLI_GO_ON)
		*ret = find_target(change, entries, count);
	cli_reply_fini(&reply);
	return status;
}

// The policy it goes to, so that what changes can be shown. Where it cannot be had the agent says why.
static void read_target(struct cli_change *change, uint64_t target, char name[static 32])
{
	struct control_request request = {.number = target};
	struct control_answer answer;
	struct problems problems;
	char *bundle = NULL;
	size_t size = 0;

	if (!target)
		return;
	snprintf(name, 32, "@%" PRIu64, target);
	problem_init(&problems);
	cli_who(request.who);
	if (control_ask(change->control, CONTROL_SHOW, &request, NULL, 0, CLI_AGENT_TIMEOUT, &answer, &bundle,
	                &size, &problems) == 0 &&
	    !answer.error &&
	    policy_bundle_parse(&change->new.policy, bundle ? bundle : "", size, &problems) == 0)
		change->name = name;
	problem_fini(&problems);
	free(bundle);
}

static bool read_number(const char *word, uint64_t *ret)
{
	if (strlen(word) > 19 || !word[0] || word[strspn(word, "0123456789")] || word[0] == '0')
		return false;
	*ret = strtoull(word, NULL, 10);
	return true;
}

int cli_rollback(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct cli_change change = {.command = &command, .arguments = &arguments, .kind = CONTROL_ROLLBACK};
	char name[32];
	uint64_t target = 0;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if (arguments.count && !read_number(arguments.operands[0], &change.number)) {
		cli_message("rollback: '%s' is not the number of a policy; leadglass history lists them",
		            arguments.operands[0]);
		return CLI_USAGE;
	}
	status = cli_change_window(&command, &arguments, &change.seconds);
	if (status != CLI_GO_ON)
		return status;
	diff_side_init(&change.old);
	diff_side_init(&change.new);
	status = cli_agent_connect(arguments.run, &change.control);
	if (status == CLI_GO_ON)
		status = ask_target(&change, &target);
	if (status == CLI_GO_ON && change.given_up && !change.harmless) {
		cli_message("policy %" PRIu64
		            " waits for its confirmation: leadglass rollback, without a number, "
		            "goes back from it first; nothing was changed",
		            change.given_up);
		status = CLI_NO;
	}
	if (status == CLI_GO_ON)
		read_target(&change, target, name);
	if (status == CLI_GO_ON)
		status = cli_change(&change);
	control_disconnect(change.control);
	diff_side_fini(&change.new);
	diff_side_fini(&change.old);
	return status;
}
