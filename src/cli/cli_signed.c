// SPDX-License-Identifier: GPL-2.0-or-later
//
// Policies where somebody asks for signatures; see cli_signed.h.
#include "cli/cli_signed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/cli_agent.h"
#include "policy/policy.h"
#include "policy/policy_bundle.h"
#include "state/state.h"

void cli_signed_init(struct cli_signed *signed_by)
{
	*signed_by = (struct cli_signed){.verdict.code = TRUST_UNCHECKED};
}

void cli_signed_fini(struct cli_signed *signed_by)
{
	trust_fini(&signed_by->trust);
	state_close(signed_by->store);
	cli_signed_init(signed_by);
}

bool cli_signed_asked(const struct cli_signed *signed_by)
{
	return signed_by->trust.count > 0;
}

// ---- reading ----

// The octets, and only when they are vouched for the policy. 0 or -errno with problems.
static int read_file(const char *name, struct cli_signed *ret, struct policy *policy, struct problems *problems)
{
	char *text = NULL;
	size_t size = 0;
	int error = policy_read_text(name, &text, &size, problems);

	if (!error)
		error = trust_verify_apart(text, size, &ret->trust, &ret->verdict, problems);
	if (!error && ret->verdict.code != TRUST_GOOD)
		error = -EKEYREJECTED;
	// A signed policy names no other files: there is nobody to load them.
	if (!error)
		return policy_parse(policy, name, text, size, NULL, problems);
	free(text);
	return error;
}

// The same of a policy the agent keeps.
static int read_kept(const char *name, uint64_t number, const char *run, struct cli_signed *ret,
                     struct policy *policy, struct problems *problems)
{
	struct cli_reply reply = {0};
	int error = cli_agent_fetch(name, number, run, &reply, problems);
	const char *bundle = reply.payload ? reply.payload : "";

	if (!error)
		error = trust_verify_bundle_apart(bundle, reply.size, &ret->trust, &ret->verdict, problems);
	if (!error && ret->verdict.code != TRUST_GOOD)
		error = -EKEYREJECTED;
	if (!error)
		error = policy_bundle_parse(policy, bundle, reply.size, problems);
	cli_reply_fini(&reply);
	return error;
}

static int read_vouched(const char *name, const char *run, struct cli_signed *ret, struct policy *policy)
{
	struct problems problems;
	uint64_t number;
	int error;

	problem_init(&problems);
	if (cli_agent_keeps(name, &number))
		error = read_kept(name, number, run, ret, policy, &problems);
	else
		error = read_file(name, ret, policy, &problems);
	if (error == -EKEYREJECTED) {
		trust_verdict_tell(&ret->verdict, name, &ret->trust, &problems);
		cli_failure(error, &problems, NULL);
	} else if (error) {
		cli_failure(error, &problems, &policy->sources);
	}
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return cli_exit_of_read(error);
}

int cli_signed_read(const char *name, const struct cli_arguments *arguments, struct cli_signed *ret,
                    struct policy *ret_policy)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = trust_read(arguments->trust, &ret->trust, &problems);
	if (error) {
		cli_failure(error, &problems, NULL);
		cli_message("without knowing whom to trust no policy is taken");
	}
	problem_fini(&problems);
	if (error)
		return error == -ENOMEM ? CLI_INTERNAL : CLI_POLICY;
	if (ret->trust.count == 0)
		return cli_read(name, arguments->run, ret_policy);
	return read_vouched(name, arguments->run, ret, ret_policy);
}

// ---- judging ----

// CLI_GO_ON, or the exit code after the problems were written.
static int judge(const struct cli_signed *signed_by, const struct trust_verdict *verdict,
                 const struct policy *policy, struct trust_floor *ret)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = trust_judge(policy, verdict, &signed_by->trust, &signed_by->floor, (int64_t)time(NULL),
	                    TRUST_COMING, &problems, ret);
	if (error)
		cli_failure(error, &problems, &policy->sources);
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return error == -ENOMEM ? CLI_INTERNAL : CLI_POLICY;
}

// What the agent accepted and was not in time to write down.
static int claim(struct cli_signed *signed_by, struct problems *problems)
{
	struct state_record record;
	int error;

	if (!signed_by->floor.any)
		return 0;
	error = state_read_record(signed_by->store, &record, problems);
	if (error == -ENOENT || error == -EBADMSG) // an agent that starts finds none either
		return 0;
	return error ? error : state_claim(signed_by->store, &record, &signed_by->floor, problems);
}

// What was accepted last. Where that is not known nothing can be told from an older policy.
static int read_floor(struct cli_signed *signed_by)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	cli_become_owner(signed_by->folder);
	error = state_open(signed_by->folder, &signed_by->store, &problems);
	if (!error) {
		error = state_read_accepted(signed_by->store, &signed_by->floor, &problems);
		if (error == -ENOENT)
			error = 0;
		else if (!error)
			error = claim(signed_by, &problems);
		if (error == -EBADMSG)
			problem_addf(&problems, PROBLEM_ERROR, 0, 0, NULL,
			             "which policy was accepted last is not known; without %s/accepted any "
			             "serial is taken, once",
			             signed_by->folder);
	}
	cli_become_self();
	if (error == -EBUSY)
		problem_add(&problems, PROBLEM_ERROR, 0, 0, "leadglass apply has the agent take the policy",
		            NULL);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return error == -EBADMSG ? CLI_POLICY : cli_exit_of(error);
}

int cli_signed_judge(struct cli_signed *signed_by, const char *folder, const struct policy *policy)
{
	int status;

	if (!cli_signed_asked(signed_by))
		return CLI_GO_ON;
	signed_by->folder = folder;
	status = read_floor(signed_by);
	return status == CLI_GO_ON ? judge(signed_by, &signed_by->verdict, policy, &signed_by->next) : status;
}

int cli_signed_judge_without_floor(const struct cli_signed *signed_by, const struct policy *policy)
{
	struct trust_verdict verdict = signed_by->verdict;

	if (!cli_signed_asked(signed_by))
		return CLI_GO_ON;
	// What a signer may change depends on what stood before.
	verdict.scope = TRUST_ALL;
	return judge(signed_by, &verdict, policy, NULL);
}

int cli_signed_replaces(struct cli_signed *signed_by, uint64_t *ret)
{
	const struct trust_floor *floor = &signed_by->floor, *next = &signed_by->next;
	struct state_record record;
	struct problems problems;
	int error;

	*ret = 0;
	if (!cli_signed_asked(signed_by) || (floor->any && floor->serial == next->serial &&
	                                     memcmp(floor->content, next->content, sizeof floor->content) == 0))
		return CLI_GO_ON;
	problem_init(&problems);
	cli_become_owner(signed_by->folder);
	error = state_read_record(signed_by->store, &record, &problems);
	cli_become_self();
	if (!error)
		*ret = record.confirmed;
	if (error == -ENOENT || error == -EBADMSG) // an agent that starts finds none either
		error = 0;
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return error ? cli_exit_of(error) : CLI_GO_ON;
}

int cli_signed_accept(struct cli_signed *signed_by, struct problems *problems)
{
	int error;

	if (!cli_signed_asked(signed_by))
		return 0;
	cli_become_owner(signed_by->folder);
	error = state_write_accepted(signed_by->store, &signed_by->next, problems);
	cli_become_self();
	return error;
}

static void fill(char name[static TRUST_NAME_MAX], const struct word *word)
{
	size_t size = word->size < TRUST_NAME_MAX ? word->size : TRUST_NAME_MAX - 1;

	if (name[0])
		return;
	// Where the policy has none there is that to complain of, and nothing else.
	if (size == 0)
		memcpy(name, "-", sizeof("-"));
	else
		memcpy(name, word->text, size);
}

int cli_judge_anywhere(const struct policy *policy, const struct trust_verdict *verdict,
                       const struct trust *trust, int64_t now, enum trust_when when, struct problems *problems)
{
	static const struct trust_floor none = {0};
	struct trust_verdict any = *verdict;
	struct trust box = *trust;

	any.scope = TRUST_ALL;
	fill(box.site, &policy->header.site);
	fill(box.unit, &policy->header.unit);
	return trust_judge(policy, &any, &box, &none, now, when, problems, NULL);
}
