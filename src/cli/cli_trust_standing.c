// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a change of the trust folder is to the policy that stands: asked of the agent, judged here. The agent
// itself looks at the folder when it next has to decide, and that is at its next start.
#include "cli/cli_trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_agent.h"

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
	if (!error && !reply.answer.error && reply.payload) {
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

int cli_standing_vouched(const struct cli_standing *standing, const struct trust *trust,
                         char ret_by[static TRUST_NAME_MAX])
{
	struct trust_verdict verdict;
	struct problems problems;
	int error;

	ret_by[0] = '\0';
	if (!standing->bundle)
		return CLI_GO_ON;
	problem_init(&problems);
	error = trust_verify_bundle_apart(standing->bundle, standing->size, trust, &verdict, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	if (error)
		return CLI_INTERNAL;
	if (verdict.code == TRUST_GOOD)
		memcpy(ret_by, verdict.anchor, TRUST_NAME_MAX);
	return CLI_GO_ON;
}

void cli_standing_warn(const struct cli_standing *standing)
{
	cli_message("warning: policy %" PRIu64 ", which stands, was not signed by anybody this box trusts",
	            standing->number);
	cli_message("it goes on standing, but the next start of leadglassd does not take it, and the wall is "
	            "closed then: leadglass apply a signed one before");
}
