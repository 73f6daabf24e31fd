// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass report`: for the hospital's file. Gathers all that is known; src/report and cli_report_json.c
// write it. What cannot be had is no failure as long as the agent answers: the report says that it is missing.
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "cli/cli_report.h"
#include "cli/cli_status.h"

#define RELEASE "/etc/leadglass-release"
#define RELEASE_MAX 4096
#define MISSING_MAX 4

static const struct cli_command command = {
        .name = "report",
        .about = "for the file: what is allowed, stands, and was turned away",
        .synopsis = "[--html | --json] [--run DIR] [--trust DIR] [POLICY]",
        .options = CLI_HTML | CLI_JSON | CLI_RUN | CLI_TRUST,
        .least = 0,
        .most = 1,
        .details = "About the policy that stands, from the agent: for root and the group of its\n"
                   "socket. With --html it is one page that loads nothing, to be kept or printed.\n"
                   "With POLICY, a file or - for standard input, it is about that policy alone: what\n"
                   "it would allow and its rules, without an agent.\n"
                   "\n"
                   "Exit status: 0 written, and the wall is up and verified (or POLICY is given),\n"
                   "1 written, and it is not, 3 POLICY is invalid, 4 the agent could not be asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass report --html\n",
};

struct gathered {
	struct report_facts facts;
	struct report_agent agent;
	struct cli_reply replies[STATUS_REPLIES], drops, entries, comparison;
	struct policy policy;
	struct ruleset ruleset;
	struct problems warnings;
	struct trust trust;
	struct trust_about about[TRUST_ANCHORS_MAX];
	struct utsname machine;
	struct buffer command;
	char who[CONTROL_WHO_MAX];
	char *release;
	char *missing[MISSING_MAX];
	bool failed; // out of memory
};

// Notes a sentence about what is not there: what, and the problems that say why.
static void miss(struct gathered *all, const char *what, int error, const struct problems *problems)
{
	struct buffer text = BUFFER_EMPTY;

	all->failed = all->failed || error == -ENOMEM || problems->lost;
	if (all->facts.missing_count == MISSING_MAX)
		return;
	buffer_printf(&text, "%s: %s", what, problems->count ? problems->items[0].what : strerror(-error));
	if (problems->count && problems->items[0].instead)
		buffer_printf(&text, "; %s", problems->items[0].instead);
	all->missing[all->facts.missing_count] = buffer_steal(&text);
	if (all->missing[all->facts.missing_count])
		all->facts.missing_count++;
	else
		all->failed = true;
	buffer_fini(&text);
}

// ---- the agent ----

static int latest_first(const void *a, const void *b)
{
	const struct control_drop *x = a, *y = b;

	if (x->last_seen != y->last_seen)
		return x->last_seen < y->last_seen ? 1 : -1;
	return (x->count < y->count) - (x->count > y->count);
}

static int ask_lists(struct control *control, struct gathered *all)
{
	struct report_agent *agent = &all->agent;
	const void *drops = NULL, *entries = NULL;
	int status = status_ask(control, all->replies, &agent->now);

	if (status == CLI_GO_ON)
		status = cli_agent_ask_list(control, CONTROL_DROPS, &all->drops, &drops, &agent->drop_count);
	if (status == CLI_GO_ON)
		status = cli_agent_ask_list(control, CONTROL_HISTORY, &all->entries, &entries,
		                            &agent->entry_count);
	if (status != CLI_GO_ON)
		return status;
	// The reply is ours to put in order.
	if (agent->drop_count)
		qsort(all->drops.payload, agent->drop_count, sizeof(struct control_drop), latest_first);
	agent->drops = drops;
	agent->entries = entries;
	return CLI_GO_ON;
}

// Has the agent compare the kernel's rules now. That it will not is no reason to have no report.
static void compare(struct control *control, struct gathered *all)
{
	struct control_request request = {0};
	struct cli_reply *reply = &all->comparison;
	struct problems problems;
	int error;

	problem_init(&problems);
	error = control_ask(control, CONTROL_VERIFY, &request, NULL, 0, CLI_AGENT_TIMEOUT, &reply->answer,
	                    &reply->payload, &reply->size, &problems);
	if (!error && reply->answer.error) {
		error = reply->answer.error;
		if (reply->answer.text[0])
			problem_add(&problems, PROBLEM_ERROR, 0, 0, reply->answer.text, NULL);
		else if (reply->size)
			problem_addf(&problems, PROBLEM_ERROR, 0, 0, NULL, "%.*s",
			             (int)strcspn(reply->payload, "\n"), reply->payload);
	}
	all->agent.comparison = !error && reply->payload ? reply->payload : "";
	all->agent.compared = !error;
	all->agent.differences = error ? 0 : reply->answer.number;
	if (error)
		miss(all, "the comparison of the kernel's rules with the policy", error, &problems);
	problem_fini(&problems);
}

// A policy that came in between would make a report about two.
static int still_the_same(const char *run, const struct gathered *all)
{
	struct cli_reply reply = {0};
	const void *items = NULL;
	size_t count = 0;
	int status = cli_agent_ask_once(run, CONTROL_STATUS, NULL, &reply);

	if (status == CLI_GO_ON && (!cli_reply_items(&reply, CONTROL_STATUS, &items, &count) || count != 1))
		status = CLI_KERNEL;
	if (status == CLI_GO_ON &&
	    ((const struct control_status *)items)->number != all->agent.now.status->number) {
		cli_message("another policy was loaded while the report was made; make it again");
		status = CLI_KERNEL;
	}
	cli_reply_fini(&reply);
	return status;
}

// ---- the policy ----

// The policy and its rules are there: they are what the report is about.
static void take_rules(struct gathered *all)
{
	if (policy_lint(&all->policy, &all->warnings) || all->warnings.lost)
		all->failed = true;
	all->facts.policy = &all->policy;
	all->facts.ruleset = &all->ruleset;
	all->facts.warnings = &all->warnings;
}

static void read_standing(const char *run, struct gathered *all)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = cli_read_policy(all->facts.policy_name, run, &all->policy, &problems);
	if (!error)
		error = ruleset_compile(&all->policy, &problems, &all->ruleset);
	if (error)
		miss(all, "the policy that stands", error, &problems);
	else
		take_rules(all);
	problem_fini(&problems);
}

static void read_trust(const char *folder, struct gathered *all)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = trust_read(folder, &all->trust, &problems);
	for (size_t i = 0; !error && i < all->trust.count; i++)
		error = trust_about_apart(all->trust.anchors[i].text, all->trust.anchors[i].size,
		                          &all->about[i], &problems);
	if (error)
		miss(all, "who may sign", error, &problems);
	else
		all->facts.trust = &all->trust;
	all->facts.about = all->about;
	problem_fini(&problems);
}

static int gather_agent(const struct cli_arguments *arguments, struct gathered *all)
{
	struct control *control = NULL;
	int status = cli_agent_connect(arguments->run, &control);

	if (status != CLI_GO_ON) {
		cli_message("leadglass report POLICY needs no agent: it is about a policy file");
		return status;
	}
	compare(control, all);
	status = ask_lists(control, all);
	control_disconnect(control);
	if (status != CLI_GO_ON)
		return status;
	all->facts.agent = &all->agent;
	if (all->agent.now.status->number)
		read_standing(arguments->run, all);
	read_trust(arguments->trust, all);
	return still_the_same(arguments->run, all);
}

static int gather_file(const struct cli_arguments *arguments, struct gathered *all)
{
	int status = cli_wall(arguments->operands[0], arguments->run, &all->policy, &all->ruleset);

	if (status == CLI_GO_ON)
		take_rules(all);
	return status;
}

// ---- the machine ----

static void gather_machine(char **argv, struct gathered *all)
{
	struct report_facts *facts = &all->facts;
	size_t size;
	int error;

	facts->made_at = (int64_t)time(NULL);
	facts->version = LEADGLASS_VERSION;
	if (uname(&all->machine) == 0) {
		facts->host = all->machine.nodename;
		facts->kernel = all->machine.release;
		facts->machine = all->machine.machine;
	} else {
		facts->host = facts->kernel = facts->machine = "unknown";
	}
	error = file_read(RELEASE, RELEASE_MAX, &all->release, &size);
	if (error == -ENOMEM)
		all->failed = true;
	facts->release = error ? NULL : all->release;
	buffer_text(&all->command, "leadglass");
	for (char **word = argv; *word; word++)
		buffer_printf(&all->command, " %s", *word);
	all->failed = all->failed || buffer_failed(&all->command);
	facts->command = all->command.data ? all->command.data : "";
	cli_who(all->who);
	facts->who = all->who;
	facts->missing = (const char *const *)all->missing;
}

static int answer(const struct gathered *all, uint64_t options)
{
	const struct report_agent *agent = all->facts.agent;
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	bool up = !agent || (agent->now.status->wall == CONTROL_WALL_UP && !agent->differences);

	if (options & CLI_JSON) {
		report_json(&all->facts, &json);
		buffer_text(&out, "\n");
	} else {
		report_write(&all->facts, options & CLI_HTML ? PAGE_HTML : PAGE_TEXT, &out);
	}
	out.failed = out.failed || all->failed;
	return cli_answer(&out, up ? CLI_YES : CLI_NO);
}

static void release(struct gathered *all)
{
	for (size_t i = 0; i < STATUS_REPLIES; i++)
		cli_reply_fini(&all->replies[i]);
	cli_reply_fini(&all->drops);
	cli_reply_fini(&all->entries);
	cli_reply_fini(&all->comparison);
	for (size_t i = 0; i < MISSING_MAX; i++)
		free(all->missing[i]);
	free(all->release);
	buffer_fini(&all->command);
	trust_fini(&all->trust);
	problem_fini(&all->warnings);
	ruleset_fini(&all->ruleset);
	policy_fini(&all->policy);
	free(all);
}

int cli_report(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct gathered *all;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if ((arguments.options & CLI_HTML) && (arguments.options & CLI_JSON)) {
		cli_message("report: --html or --json, not both");
		return CLI_USAGE;
	}
	all = calloc(1, sizeof(*all));
	if (!all) {
		cli_message("out of memory");
		return CLI_INTERNAL;
	}
	policy_init(&all->policy);
	ruleset_init(&all->ruleset);
	problem_init(&all->warnings);
	gather_machine(argv, all);
	all->facts.trust_folder = arguments.trust;
	all->facts.policy_name = arguments.count ? arguments.operands[0] : "@running";
	status = arguments.count ? gather_file(&arguments, all) : gather_agent(&arguments, all);
	if (status == CLI_GO_ON)
		status = answer(all, arguments.options);
	release(all);
	return status;
}
