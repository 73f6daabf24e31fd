// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass prove`: does the ruleset do what the policy says, for every packet there is?
#include "cli/cli_prove.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/problem.h"
#include "cli/cli.h"
#include "nft/nft.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "prove",
        .about = "does the ruleset do what the policy says, for every packet?",
        .synopsis = "[--live] [--json] [--all] [--sample N] [--run DIR] POLICY",
        .options = CLI_LIVE | CLI_JSON | CLI_ALL | CLI_SAMPLE | CLI_RUN,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps. All packets fall into finitely many classes; one packet of each is put to\n"
                   "the ruleset and to a second, naive reading of the policy. Where they differ it\n"
                   "is shown in the words of leadglass explain; ten of them, or with --all each.\n"
                   "Without --live the ruleset is what the policy is compiled to, and neither root\n"
                   "nor kernel support is needed. leadglass-prove(8) says what is proven, and what\n"
                   "is not.\n"
                   "\n"
                   "Exit status: 0 they are equivalent, 1 they are not, 3 the policy is invalid,\n"
                   "4 the kernel could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass prove policy.conf\n",
};

#define SHOWN_MAX 10
#define STOP_AFTER 1000 // differences: a wall turned round could have millions
#define SAMPLE_MAX 100000

struct keeper {
	struct cli_prove_answer *answer;
	size_t most, sample_most; // of the sample: on each side
	size_t differing;
	uint64_t seen[2];
	uint64_t state; // of the numbers that choose a sample: the same each time
	int error;
};

static int keep(struct cli_prove_classes *classes, const struct prove_class *class)
{
	int r = array_room(&classes->items, classes->count, &classes->capacity, sizeof *classes->items);
	if (r == 0)
		classes->items[classes->count++] = *class;
	return r;
}

// Each class has the same chance to be in the sample, however many come (Vitter's algorithm R).
static int keep_sample(struct keeper *keeper, const struct prove_class *class)
{
	struct cli_prove_classes *sample = &keeper->answer->sample[class->accepts];
	uint64_t seen = ++keeper->seen[class->accepts];
	if (sample->count < keeper->sample_most)
		return keep(sample, class);
	keeper->state = keeper->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	uint64_t chosen = (keeper->state >> 33) % seen;
	if (chosen < sample->count)
		sample->items[chosen] = *class;
	return 0;
}

static bool see(void *context, const struct prove_class *class)
{
	struct keeper *keeper = context;
	bool differs = class->accepts != class->outcome.accepted;
	if (differs && keeper->answer->differences.count < keeper->most)
		keeper->error = keep(&keeper->answer->differences, class);
	if (!differs && keeper->sample_most && !keeper->error)
		keeper->error = keep_sample(keeper, class);
	keeper->differing += differs;
	return keeper->error == 0 && (keeper->differing < STOP_AFTER || keeper->most == SIZE_MAX);
}

static int sample_size(const struct cli_arguments *arguments, size_t *ret)
{
	char *end;
	unsigned long number;
	*ret = 0;
	if (!arguments->sample)
		return CLI_GO_ON;
	if (!(arguments->options & CLI_JSON)) {
		cli_message("%s: --sample is only written with --json", command.name);
		return CLI_USAGE;
	}
	errno = 0;
	number = strtoul(arguments->sample, &end, 10);
	if (*end || arguments->sample[0] < '0' || arguments->sample[0] > '9' || errno || number < 2 ||
	    number > SAMPLE_MAX) {
		cli_message("%s: --sample %s: it is a number from 2 to %d", command.name, arguments->sample,
		            SAMPLE_MAX);
		return CLI_USAGE;
	}
	*ret = number / 2;
	return CLI_GO_ON;
}

// Puts the ruleset that the kernel holds in place of the compiled one.
static int read_kernel(struct ruleset *ruleset, struct problems *problems)
{
	struct nft_state state = {0};
	struct nft *nft = NULL;
	ruleset_fini(ruleset);
	int error = nft_open(&nft, problems);
	if (!error)
		error = nft_read(nft, ruleset, &state, problems);
	nft_close(nft);
	return error;
}

static int answer_with(struct cli_prove_answer *answer, struct ruleset *ruleset, struct keeper *keeper,
                       const struct cli_arguments *arguments)
{
	struct buffer out = BUFFER_EMPTY, strange = BUFFER_EMPTY;
	struct problems problems;
	problem_init(&problems);
	answer->strange = &strange;
	int error = answer->live ? read_kernel(ruleset, &problems) : 0;
	if (!error) {
		answer->strange_count = prove_strange(ruleset, &strange);
		error = prove(answer->policy, ruleset, see, keeper, &problems, &answer->result);
	}
	if (error == -ECANCELED) {
		error = keeper->error;
		answer->stopped = true;
	}
	int status;
	if (error) {
		cli_failure(error, &problems, &answer->policy->sources);
		status = error == -EBADE ? CLI_INTERNAL : cli_exit_of(error);
	} else {
		if (arguments->options & CLI_JSON)
			cli_prove_json(answer, &out);
		else
			cli_prove_text(answer, &out);
		out.failed = out.failed || buffer_failed(&strange);
		status = cli_answer(&out, cli_prove_equivalent(answer) ? CLI_YES : CLI_NO);
	}
	answer->strange = NULL;
	buffer_fini(&strange);
	problem_fini(&problems);
	return status;
}

int cli_prove(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct policy policy;
	struct ruleset ruleset;
	struct cli_prove_answer answer = {.policy = &policy};
	struct keeper keeper = {.answer = &answer, .most = SHOWN_MAX};
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status == CLI_GO_ON)
		status = sample_size(&arguments, &keeper.sample_most);
	if (status != CLI_GO_ON)
		return status;
	answer.name = arguments.operands[0];
	answer.live = arguments.options & CLI_LIVE;
	if (arguments.options & CLI_ALL)
		keeper.most = SIZE_MAX;
	policy_init(&policy);
	ruleset_init(&ruleset);
	status = cli_wall(answer.name, arguments.run, &policy, &ruleset);
	if (status == CLI_GO_ON)
		status = answer_with(&answer, &ruleset, &keeper, &arguments);
	free(answer.differences.items);
	free(answer.sample[0].items);
	free(answer.sample[1].items);
	ruleset_fini(&ruleset);
	policy_fini(&policy);
	return status;
}
