// SPDX-License-Identifier: GPL-2.0-or-later
//
// A change of what stands; see cli_change.h. What changes is said before anything does: afterwards the
// connection may be gone.
#include "cli/cli_change.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_agent.h"
#include "cli/cli_cut.h"
#include "cli/cli_text.h"
#include "policy/policy_bundle.h"

int cli_change_window(const struct cli_command *command, const struct cli_arguments *arguments, uint32_t *ret)
{
	*ret = 0;
	if (!arguments->confirm_within)
		return CLI_GO_ON;
	return cli_duration(command, "--confirm-within", arguments->confirm_within, CLI_CONFIRM_MOST, ret);
}

// ---- what stands ----

// An agent that has no wall yet is no failure: everything is new then.
static int read_standing(struct cli_change *change)
{
	struct control_request request = {0};
	struct cli_reply reply = {0};
	struct problems problems;
	int error, status = CLI_GO_ON;

	problem_init(&problems);
	cli_who(request.who);
	error = control_ask(change->control, CONTROL_SHOW, &request, NULL, 0, CLI_AGENT_TIMEOUT, &reply.answer,
	                    &reply.payload, &reply.size, &problems);
	if (!error && reply.answer.error && reply.answer.error != -ENOENT) {
		cli_message("the policy that stands cannot be shown: %s",
		            reply.answer.text[0] ? reply.answer.text : strerror(-reply.answer.error));
		status = CLI_KERNEL;
	} else if (!error && !reply.answer.error) {
		error = policy_bundle_parse(&change->old.policy, reply.payload ? reply.payload : "", reply.size,
		                            &problems);
		change->has_old = !error;
		change->old_number = reply.answer.number;
	}
	if (error) {
		cli_failure(error, &problems, &change->old.policy.sources);
		status = error == -ENOMEM ? CLI_INTERNAL : CLI_KERNEL;
	}
	problem_fini(&problems);
	cli_reply_fini(&reply);
	return status;
}

// The agent would refuse it, too; but what stands now is going to change, and not to what was said.
static int see_that_nothing_waits(const struct cli_change *change)
{
	const struct control_status *status;
	struct cli_reply reply = {0};
	const void *items;
	size_t count = 0;
	int r = cli_agent_ask(change->control, CONTROL_STATUS, NULL, NULL, 0, &reply);

	if (r == CLI_GO_ON && !cli_reply_items(&reply, CONTROL_STATUS, &items, &count))
		r = CLI_KERNEL;
	status = count ? items : NULL;
	if (r == CLI_GO_ON && status && status->confirm_seconds) {
		struct buffer left = BUFFER_EMPTY;

		cli_span(&left, status->confirm_seconds);
		cli_message("policy %" PRIu64 " waits for its confirmation, %s more: leadglass confirm or "
		            "leadglass rollback first; nothing was changed",
		            status->number, left.data ? left.data : "");
		buffer_fini(&left);
		r = CLI_NO;
	}
	cli_reply_fini(&reply);
	return r;
}

// The agent would refuse it, too, but only after everything that would have changed was shown.
static int see_that_it_may(void)
{
	if (geteuid() == 0)
		return CLI_GO_ON;
	cli_message("only root may change the wall (sudo); nothing was changed");
	return CLI_KERNEL;
}

static int find_cut(struct cli_change *change, struct cli_cut *cut)
{
	struct cli_reply reply = {0};
	const void *windows = NULL;
	size_t count = 0;
	int status = cli_agent_ask(change->control, CONTROL_WINDOWS, NULL, NULL, 0, &reply);

	if (status == CLI_GO_ON && !cli_reply_items(&reply, CONTROL_WINDOWS, &windows, &count))
		status = CLI_KERNEL;
	if (status == CLI_GO_ON) {
		cli_cut_find(&change->new.policy, &change->new.ruleset, windows, count, cut);
		if (buffer_failed(&cut->reason)) {
			cli_message("out of memory");
			status = CLI_INTERNAL;
		}
	}
	cli_reply_fini(&reply);
	return status;
}

// ---- doing it ----

static int send_request(struct cli_change *change, enum control_kind kind, struct control_answer *ret)
{
	struct control_request request = {.number = change->number, .seconds = change->seconds};
	struct buffer bundle = BUFFER_EMPTY;
	struct cli_reply reply = {0};
	int status;

	if (kind == CONTROL_APPLY || kind == CONTROL_JUDGE)
		policy_bundle_write(&change->new.policy.sources, &bundle);
	if (buffer_failed(&bundle)) {
		cli_message("out of memory");
		buffer_fini(&bundle);
		return CLI_INTERNAL;
	}
	status = cli_agent_ask(change->control, kind, &request, bundle.data, bundle.size, &reply);
	if (status != CLI_GO_ON && !reply.answer.error)
		cli_message("leadglass status tells what stands");
	if (reply.answer.error == -EKEYREJECTED)
		cli_message("nothing was changed: what stood before still stands");
	*ret = reply.answer;
	cli_reply_fini(&reply);
	buffer_fini(&bundle);
	return status;
}

// What the command cannot know and the agent does: the serial it accepted last, and its own trust folder. The
// kernel is not asked.
static int ask_agent(struct cli_change *change)
{
	struct control_answer answer;

	if (!change->name || change->harmless)
		return CLI_GO_ON;
	if (geteuid() == 0)
		return send_request(change, CONTROL_JUDGE, &answer);
	cli_message("whether the agent would take it is told to root only (sudo)");
	return CLI_GO_ON;
}

// What changes, before it does: a message and not the answer, which says what has become of it. With --dry-run
// there is nothing else to say.
static bool show(const struct cli_change *change, FILE *where)
{
	struct buffer out = BUFFER_EMPTY;
	bool written;

	if (!change->name)
		return true;
	if (!change->has_old)
		cli_message("no wall stands: everything is new");
	diff_report(&change->old, &change->new, change->arguments->options & CLI_ALL ? &diff_all : &diff_short,
	            &out);
	written = !buffer_failed(&out);
	if (written)
		fwrite(out.data, 1, out.size, where);
	else
		cli_message("out of memory; nothing was changed");
	buffer_fini(&out);
	return written;
}

static int finish(const struct cli_change *change, const struct cli_cut *cut,
                  const struct control_answer *answer, int status)
{
	struct buffer out = BUFFER_EMPTY;
	int written;

	if (change->arguments->options & CLI_JSON)
		cli_change_json(change, cut, answer, &out);
	else if (answer)
		cli_change_text(change, answer, &out);
	written = cli_answer(&out, status);
	// What could not be answered was done all the same.
	if (answer && written != status)
		cli_change_done(answer);
	return written;
}

static int go_on(struct cli_change *change, const struct cli_cut *cut)
{
	unsigned options = change->arguments->options;
	bool refused = cut->verdict == CLI_CUT_CUT && !change->seconds && !change->harmless &&
	               !(options & CLI_YES_CUT);
	struct control_answer answer;
	int status = options & CLI_DRY_RUN ? ask_agent(change) : CLI_GO_ON;

	if (status != CLI_GO_ON)
		return status;
	if (!(options & CLI_JSON) && !show(change, options & CLI_DRY_RUN ? stdout : stderr))
		return CLI_INTERNAL;
	cli_change_warn(change, cut);
	if (options & CLI_DRY_RUN)
		return finish(change, cut, NULL, refused ? CLI_NO : CLI_YES);
	if (refused) {
		cli_change_refuse(change);
		return finish(change, cut, NULL, CLI_NO);
	}
	status = send_request(change, change->kind, &answer);
	return status == CLI_GO_ON ? finish(change, cut, &answer, CLI_YES) : status;
}

int cli_change(struct cli_change *change)
{
	struct cli_cut cut = {0};
	int status = change->arguments->options & CLI_DRY_RUN ? CLI_GO_ON : see_that_it_may();

	if (status == CLI_GO_ON && change->kind == CONTROL_APPLY && !(change->arguments->options & CLI_DRY_RUN))
		status = see_that_nothing_waits(change);
	if (status == CLI_GO_ON)
		status = read_standing(change);
	if (status == CLI_GO_ON && change->has_old)
		status = diff_side_make(&change->old);
	if (status == CLI_GO_ON && change->name)
		status = diff_side_make(&change->new);
	if (status == CLI_GO_ON && change->name)
		status = find_cut(change, &cut);
	if (status == CLI_GO_ON)
		status = go_on(change, &cut);
	cli_cut_fini(&cut);
	return status;
}
