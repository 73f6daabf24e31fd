// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass apply --offline`: the policy that an agent is to start with, for a first installation and for
// images that are built. The order of writing is the agent's: the policy, then the record that names it.
#include "cli/cli_apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "cli/cli.h"
#include "cli/cli_agent.h"
#include "cli/cli_change.h"
#include "cli/cli_cut.h"
#include "cli/cli_signed.h"
#include "policy/policy.h"
#include "policy/policy_bundle.h"
#include "policy/policy_closed.h"
#include "ruleset/ruleset.h"
#include "state/state.h"

// What was begun and not confirmed is decided by this.
static void close_window(struct state_record *record, int64_t now)
{
	struct state_entry *entry = state_record_find(record, record->pending);

	if (entry) {
		entry->outcome = STATE_RESTARTED;
		entry->decided_at = now;
	}
	record->pending = 0;
}

static void make_entry(const struct policy *policy, uint64_t number, int64_t now, struct state_entry *ret)
{
	*ret = (struct state_entry){.number = number,
	                            .applied_at = now,
	                            .decided_at = now,
	                            .outcome = STATE_APPLIED,
	                            .serial = policy->header.serial_number,
	                            .peers = (uint32_t)policy->peer_count};
	cli_who(ret->who);
}

// 0 or -errno with problems.
static int write_state(struct state_store *store, const struct policy *policy, const struct buffer *bundle,
                       uint64_t *ret_number, struct problems *problems)
{
	struct buffer closed = BUFFER_EMPTY;
	struct state_record record;
	struct state_entry entry;
	int64_t now = (int64_t)time(NULL);
	uint64_t dropped = 0;
	int error = state_read_record(store, &record, problems);

	// A damaged one is made good by writing another.
	if (error && error != -ENOENT && error != -EBADMSG)
		return error;
	if (error == -EBADMSG)
		cli_message("the record of earlier policies is damaged, and begins anew");
	problem_fini(problems);
	close_window(&record, now);
	make_entry(policy, record.next++, now, &entry);
	*ret_number = entry.number;
	error = trust_hash(bundle->data, bundle->size, entry.hash);
	if (!error)
		error = state_write_policy(store, entry.number, bundle->data, bundle->size, problems);
	if (error)
		return error;
	state_record_add(&record, &entry, &dropped);
	record.confirmed = entry.number;
	error = state_write_record(store, &record, problems);
	if (error)
		return error;
	if (dropped)
		state_remove_policy(store, dropped);
	policy_closed_print(policy, &closed);
	error = buffer_failed(&closed) ? -ENOMEM
	                               : state_write_closed(store, closed.data, closed.size, problems);
	buffer_fini(&closed);
	return error;
}

static int write_it(const char *folder, const struct policy *policy, const struct buffer *bundle,
                    struct cli_signed *signed_by)
{
	struct state_store *store = signed_by->store, *opened = NULL;
	struct buffer out = BUFFER_EMPTY;
	struct problems problems;
	uint64_t number = 0;
	int error = 0;

	problem_init(&problems);
	cli_become_owner(folder);
	if (!store) {
		error = state_open(folder, &opened, &problems);
		store = opened;
	}
	if (error == -EBUSY)
		problem_add(&problems, PROBLEM_ERROR, 0, 0, "leave --offline out, and the agent applies it",
		            NULL);
	if (!error)
		error = write_state(store, policy, bundle, &number, &problems);
	// The agent does this too, at its start: a crash in between leaves nothing open.
	if (!error)
		error = cli_signed_accept(signed_by, &problems);
	cli_become_self();
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	state_close(opened);
	if (error)
		return cli_exit_of(error);
	buffer_printf(&out, "policy %" PRIu64 " is kept in %s: leadglassd starts with it\n", number, folder);
	return cli_answer(&out, CLI_YES);
}

// The agent that starts with it may be this machine's, and then there is no way back by itself. CLI_GO_ON, or
// an exit code after a message.
static int see_that_nothing_is_cut(const struct cli_command *command, const struct cli_arguments *arguments,
                                   const struct policy *policy, const struct ruleset *ruleset)
{
	const struct cli_change change = {.command = command, .arguments = arguments};
	struct cli_cut cut;
	int status = CLI_GO_ON;

	cli_cut_find(policy, ruleset, NULL, 0, &cut);
	cli_change_warn(&change, &cut);
	if (cut.verdict == CLI_CUT_CUT && !(arguments->options & CLI_YES_CUT)) {
		cli_message(
		        "nothing was written: leadglassd starts with this policy at once, without a time to "
		        "confirm");
		cli_message("--yes writes it all the same, for another box or from a console");
		status = CLI_NO;
	}
	cli_cut_fini(&cut);
	return status;
}

int cli_apply_offline(const struct cli_command *command, const struct cli_arguments *arguments)
{
	struct buffer bundle = BUFFER_EMPTY;
	struct policy policy;
	struct ruleset ruleset;
	struct cli_signed signed_by;
	int status;

	policy_init(&policy);
	ruleset_init(&ruleset);
	cli_signed_init(&signed_by);
	status = cli_signed_read(arguments->operands[0], arguments, &signed_by, &policy);
	if (status == CLI_GO_ON)
		status = cli_compile(&policy, &ruleset);
	if (status == CLI_GO_ON)
		status = cli_signed_judge(&signed_by, arguments->state, &policy);
	if (status == CLI_GO_ON) {
		cli_warnings(&policy, false);
		status = see_that_nothing_is_cut(command, arguments, &policy, &ruleset);
	}
	ruleset_fini(&ruleset);
	if (status == CLI_GO_ON) {
		policy_bundle_write(&policy.sources, &bundle);
		if (buffer_failed(&bundle)) {
			cli_message("out of memory");
			status = CLI_INTERNAL;
		} else {
			status = write_it(arguments->state, &policy, &bundle, &signed_by);
		}
	}
	buffer_fini(&bundle);
	cli_signed_fini(&signed_by);
	policy_fini(&policy);
	return status;
}
