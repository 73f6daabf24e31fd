// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether a policy may become a wall: the signature first, in a process that holds nothing; then the parser;
// then the rules.
#include "agent/agent_trust.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_text.h"

void agent_trust_open(struct agent *agent)
{
	struct trust trust;
	struct problems problems;

	agent->trust.folder = -1;
	agent_trust_recall(agent); // first: who was once asked for signatures does not stop in silence
	problem_init(&problems);
	(void)agent_trust_read(agent, &trust, &problems); // an alarm says what is wrong
	trust_fini(&trust);
	problem_fini(&problems);
}

void agent_trust_close(struct agent *agent)
{
	if (agent->trust.folder >= 0)
		close(agent->trust.folder);
	agent->trust.folder = -1;
	buffer_fini(&agent->trust.refused.text);
}

// ---- the decision ----

static void complain_of_anchor(struct agent *agent, const struct trust_verdict *verdict)
{
	if (verdict->bad_anchor[0])
		agent_alarm(agent, "trust-anchor", "the trust anchor %s cannot be used: %s",
		            verdict->bad_anchor, verdict->bad_anchor_why);
	else
		agent_alarm_lift(agent, "trust-anchor");
}

// What is wrong with the policy first: one line of it is all that status has room for.
static void tell(const struct trust_verdict *verdict, const struct trust *trust, struct problems *problems)
{
	struct trust_verdict part = *verdict;

	part.bad_anchor[0] = '\0';
	trust_verdict_tell(&part, "the policy", trust, problems);
	part = *verdict;
	part.code = TRUST_GOOD;
	trust_verdict_tell(&part, "the policy", trust, problems);
}

int agent_trial_begin(struct agent *agent, const char *bundle, size_t size, struct agent_trial *trial)
{
	struct agent_signature *signature = &trial->signature;
	const struct trust_verdict *verdict = &trial->verdict;
	int error;

	memset(trial, 0, sizeof *trial);
	problem_init(&trial->problems);
	agent_trust_see(agent, signature->seen); // before it is read: what changes later is seen as a change
	error = agent_trust_read(agent, &trial->trust, &trial->problems);
	if (error || !trial->trust.count)
		return error;
	error = trust_verify_bundle_apart(bundle, size, &trial->trust, &trial->verdict, &trial->problems);
	if (error)
		return error;
	complain_of_anchor(agent, verdict);
	if (verdict->code != TRUST_GOOD) {
		tell(verdict, &trial->trust, &trial->problems);
		return -EKEYREJECTED;
	}
	signature->trust = CONTROL_TRUST_SIGNED;
	memcpy(signature->signer, verdict->signer, sizeof signature->signer);
	memcpy(signature->anchor, verdict->anchor, sizeof signature->anchor);
	signature->signer_to = verdict->valid_to == INT64_MAX ? 0 : verdict->valid_to;
	return 0;
}

int agent_trial_judge(struct agent *agent, const struct policy *policy, enum trust_when when,
                      struct agent_trial *trial)
{
	struct trust_floor floor;
	int error;

	if (!trial->trust.count)
		return 0;
	error = agent_trust_floor(agent, when, &floor, &trial->problems);
	if (error)
		return error;
	return trust_judge(policy, &trial->verdict, &trial->trust, &floor, agent_unix(), when, &trial->problems,
	                   &trial->signature.makes);
}

void agent_trial_end(struct agent_trial *trial)
{
	trust_fini(&trial->trust);
	problem_fini(&trial->problems);
}

// ---- a refusal ----

// The confirmed policy is tried again every ten seconds while the closed wall stands for it. As long as neither
// it nor the trust folder is another one the answer stays the same.
static bool refused_before(struct agent *agent, const uint8_t hash[static TRUST_HASH_SIZE], struct buffer *text)
{
	const struct agent_trust *trust = &agent->trust;
	uint8_t seen[TRUST_HASH_SIZE];

	if (!trust->refused.text.size || memcmp(trust->refused.hash, hash, sizeof trust->refused.hash) != 0)
		return false;
	agent_trust_see(agent, seen);
	if (memcmp(trust->refused.seen, seen, sizeof seen) != 0)
		return false;
	if (text)
		buffer_add(text, trust->refused.text.data, trust->refused.text.size);
	return true;
}

static void log_refusal(struct agent *agent, const struct agent_candidate *candidate,
                        const struct agent_trial *trial, const struct agent_wall *wall, int error)
{
	char what[32] = "a policy", reason[512], number[24], serial[24];
	const struct agent_field fields[] = {
	        {"reason", reason},    {"signer", trial->signature.signer},
	        {"serial", serial},    {"policy", number},
	        {"by", candidate->by},
	};

	agent_text_why(&trial->problems, error, reason, sizeof reason);
	snprintf(number, sizeof number, "%" PRIu64, candidate->number);
	snprintf(serial, sizeof serial, "%" PRIu64, wall ? wall->policy.header.serial_number : 0);
	if (candidate->number)
		snprintf(what, sizeof what, "policy %s", number);
	agent_log(agent, candidate->when == TRUST_STANDING ? LOG_ERR : LOG_WARNING, "REFUSED", fields,
	          sizeof fields / sizeof fields[0], "%s%s%s was refused: %s", what,
	          candidate->by[0] ? " from " : "", candidate->by, reason);
}

// What the text says of it, the log says, and is remembered.
static void refuse(struct agent *agent, const struct agent_candidate *candidate,
                   const struct agent_trial *trial, const struct agent_wall *wall, int error,
                   const uint8_t hash[static TRUST_HASH_SIZE], struct buffer *text)
{
	struct agent_trust *trust = &agent->trust;
	struct buffer said = BUFFER_EMPTY;
	bool news = true;

	agent_text_problems(&trial->problems, wall ? &wall->policy.sources : NULL, error, &said);
	if (text && said.size)
		buffer_add(text, said.data, said.size);
	if (candidate->when == TRUST_STANDING) {
		news = trust->refused.text.size != said.size ||
		       (said.size && memcmp(trust->refused.text.data, said.data, said.size) != 0);
		buffer_fini(&trust->refused.text);
		trust->refused.text = said;
		memcpy(trust->refused.hash, hash, sizeof trust->refused.hash);
		// What could not be found out is tried again.
		memcpy(trust->refused.seen, trial->signature.seen, sizeof trust->refused.seen);
		if (error != -EKEYREJECTED)
			memset(trust->refused.seen, 0, sizeof trust->refused.seen);
	} else {
		buffer_fini(&said);
	}
	if (!news || candidate->only_asked)
		return;
	trust->refusals++;
	log_refusal(agent, candidate, trial, wall, error);
}

int agent_trust_wall(struct agent *agent, const struct agent_candidate *candidate, struct agent_wall **ret,
                     struct buffer *text)
{
	uint8_t hash[TRUST_HASH_SIZE] = {0};
	struct agent_wall *wall = NULL;
	struct agent_trial trial;
	bool refused;
	int error = 0;

	*ret = NULL;
	if (candidate->when == TRUST_STANDING)
		error = trust_hash(candidate->bundle, candidate->size, hash);
	if (error || (candidate->when == TRUST_STANDING && refused_before(agent, hash, text))) {
		free(candidate->bundle);
		return error ? error : -EKEYREJECTED;
	}
	error = agent_trial_begin(agent, candidate->bundle, candidate->size, &trial);
	refused = error != 0;
	if (refused)
		free(candidate->bundle);
	else
		error = agent_wall_new(candidate->number, candidate->bundle, candidate->size, &wall, text);
	if (!error) {
		error = agent_trial_judge(agent, &wall->policy, candidate->when, &trial);
		refused = error != 0;
	}
	if (refused) {
		refuse(agent, candidate, &trial, wall, error, hash, text);
		error = error == -ENOMEM ? error : -EKEYREJECTED;
	}
	if (error) {
		agent_wall_free(wall);
	} else {
		wall->signature = trial.signature;
		*ret = wall;
	}
	agent_trial_end(&trial);
	return error;
}
