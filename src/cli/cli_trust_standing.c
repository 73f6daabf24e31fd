// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a change of the trust folder is to the policy that stands: asked of the agent, judged here. The agent
// itself looks at the folder when it next has to decide, and that is at its next start.
#include "cli/cli_trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/cli_agent.h"
#include "policy/policy.h"
#include "policy/policy_bundle.h"

int cli_standing_read(const struct cli_arguments *arguments, struct cli_standing *ret)
{
	bool usual = strcmp(arguments->trust, TRUST_FOLDER) == 0;
	struct control_request request = {0};
	struct cli_reply reply = {0};
	struct control *control = NULL;
	struct problems problems;
	int error;

	*ret = (struct cli_standing){0};
	// The folder of an image that is built is no agent's.
	if (!usual && !(arguments->options & CLI_RUN))
		return CLI_GO_ON;
	problem_init(&problems);
	error = control_connect(arguments->run, &control, &problems);
	if (!error)
		error = control_ask(control, CONTROL_SHOW, &request, NULL, 0, CLI_AGENT_TIMEOUT, &reply.answer,
		                    &reply.payload, &reply.size, &problems);
	control_disconnect(control);
	problem_fini(&problems);
	if (!error && !reply.answer.error && reply.payload && reply.answer.number) {
		*ret = (struct cli_standing){
		        .bundle = reply.payload, .size = reply.size, .number = reply.answer.number};
		reply.payload = NULL;
	}
	cli_reply_fini(&reply);
	if (error != -ENOMEM)
		return CLI_GO_ON;
	cli_message("out of memory");
	return CLI_INTERNAL;
}

void cli_standing_fini(struct cli_standing *standing)
{
	free(standing->bundle);
	*standing = (struct cli_standing){0};
}

static int verify(const struct cli_standing *standing, const struct trust *trust, struct trust_verdict *ret)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = trust_verify_bundle_apart(standing->bundle, standing->size, trust, ret, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return error ? CLI_INTERNAL : CLI_GO_ON;
}

int cli_standing_vouched(const struct cli_standing *standing, const struct trust *trust,
                         char ret_by[static TRUST_NAME_MAX])
{
	struct trust_verdict verdict;
	int status;

	ret_by[0] = '\0';
	if (!standing->bundle)
		return CLI_GO_ON;
	status = verify(standing, trust, &verdict);
	if (status == CLI_GO_ON && verdict.code == TRUST_GOOD)
		memcpy(ret_by, verdict.anchor, TRUST_NAME_MAX);
	return status;
}

static void warn(const struct cli_standing *standing, const char *why)
{
	cli_message("warning: policy %" PRIu64 ", which stands, %s", standing->number, why);
	cli_message("it goes on standing, but the next start of leadglassd does not take it, and the wall is "
	            "closed then: leadglass apply a signed one before");
}

// Signed it is; for this box as it is told to be now? What the agent's next start asks, but for the serial.
static int judge(const struct cli_standing *standing, const struct trust *trust,
                 const struct trust_verdict *verdict)
{
	struct problems problems;
	struct policy policy;
	char why[512];
	int error;

	policy_init(&policy);
	problem_init(&problems);
	error = policy_bundle_parse(&policy, standing->bundle, standing->size, &problems);
	if (!error)
		error = trust_judge(&policy, verdict, trust, NULL, (int64_t)time(NULL), TRUST_STANDING,
		                    &problems, NULL);
	if (error == -EKEYREJECTED && problems.count) {
		(void)snprintf(why, sizeof(why), "is not for this box: %s", problems.items[0].what);
		warn(standing, why);
	} else if (error) {
		cli_failure(error, &problems, &policy.sources);
	}
	problem_fini(&problems);
	policy_fini(&policy);
	return error && error != -EKEYREJECTED ? CLI_INTERNAL : CLI_GO_ON;
}

int cli_standing_check(const struct cli_standing *standing, const struct trust *trust)
{
	struct trust_verdict verdict;
	int status;

	if (!standing->bundle || !trust->count)
		return CLI_GO_ON;
	status = verify(standing, trust, &verdict);
	if (status != CLI_GO_ON)
		return status;
	if (verdict.code == TRUST_GOOD)
		return judge(standing, trust, &verdict);
	warn(standing, "was not signed by anybody this box trusts");
	return CLI_GO_ON;
}
