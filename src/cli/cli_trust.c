// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass trust`: whose policies this box takes. This file knows the words, and removes; what the folder is
// for stands in docs/signed-policy.md.
#include "cli/cli_trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/cli.h"

#define EVERYWHERE (CLI_TRUST | CLI_RUN)

static const struct cli_command command = {
        .name = "trust",
        .about = "list, add or remove trust anchors, and say which box this is",
        .synopsis = "list [--json] [--trust DIR]\n"
                    "       leadglass trust add [--for site|oem] [--site NAME] [--unit NAME]\n"
                    "                           [--trust DIR] [--run DIR] [FILE [NAME]]\n"
                    "       leadglass trust remove --yes [--trust DIR] [--run DIR] NAME",
        .options = CLI_JSON | CLI_YES_REALLY | CLI_SCOPE | CLI_SITE | CLI_UNIT | EVERYWHERE,
        .least = 1,
        .most = 3,
        .details = "FILE is the certificate of a CA, or a public key that is trusted itself (PEM);\n"
                   "NAME is what it is called in the folder, FILE's name where it is not given.\n"
                   "Where there is a trust anchor no unsigned policy is taken any more, also at the\n"
                   "next start of leadglassd. --site and --unit say which box this is: a signed\n"
                   "policy is taken at its own site and unit only. Changing needs root.\n"
                   "\n"
                   "Exit status: 0 done, 1 there is no such anchor, or one already, or one of those\n"
                   "listed cannot be used, 2 --yes was not given, 3 FILE cannot be used, or\n"
                   "something in the folder, 4 it could not be read or written.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass trust list\n",
};

static const struct {
	const char *name;
	unsigned options;
	int least, most; // operands after the word
	int (*run)(const struct cli_arguments *arguments);
} actions[] = {
        {"list", CLI_JSON | EVERYWHERE, 0, 0, cli_trust_list},
        {"add", CLI_SCOPE | CLI_SITE | CLI_UNIT | EVERYWHERE, 0, 2, cli_trust_add},
        {"remove", CLI_YES_REALLY | EVERYWHERE, 1, 1, cli_trust_remove},
};

int cli_trust_exit_of(int error)
{
	switch (-error) {
	case ENOMEM:
		return CLI_INTERNAL;
	case ENOENT:
	case EEXIST:
		return CLI_NO;
	case EPERM:
	case EBADMSG:
	case E2BIG:
	case EINVAL:
	case ENAMETOOLONG:
		return CLI_POLICY;
	default:
		return CLI_KERNEL;
	}
}

int cli_trust_exit_of_read(int error)
{
	return error == -ENOMEM ? CLI_INTERNAL : error == -EACCES ? CLI_KERNEL : CLI_POLICY;
}

int cli_trust_name(const char *text, char ret[static TRUST_NAME_MAX])
{
	size_t size = strlen(text);

	if (size > 4 && strcmp(text + size - 4, ".pem") == 0)
		size -= 4;
	if (size >= TRUST_NAME_MAX) {
		cli_message("trust: %s: a name has at most %d characters", text, TRUST_NAME_MAX - 1);
		return CLI_USAGE;
	}
	memcpy(ret, text, size);
	ret[size] = '\0';
	return CLI_GO_ON;
}

const struct trust_anchor *cli_trust_find(const struct trust *trust, const char *name)
{
	for (size_t i = 0; i < trust->count; i++) {
		if (strcmp(trust->anchors[i].name, name) == 0)
			return &trust->anchors[i];
	}
	return NULL;
}

const char *cli_trust_untold(const struct trust *trust)
{
	if (trust->site[0] && trust->unit[0])
		return "";
	return trust->unit[0] ? "site" : trust->site[0] ? "unit" : "site and unit";
}

// After it was removed: whether anybody is asked for signatures now, and what the standing policy is to that.
static int say_what_follows(const struct cli_arguments *arguments, const struct cli_standing *standing,
                            bool was_signed_under_it)
{
	struct problems problems;
	struct trust trust;
	int status = CLI_GO_ON, error;

	problem_init(&problems);
	error = trust_read(arguments->trust, &trust, &problems);
	if (error) {
		cli_failure(error, &problems, NULL);
		cli_message("until that is put right no policy is taken");
		status = error == -ENOMEM ? CLI_INTERNAL : CLI_GO_ON;
	} else if (trust.count == 0) {
		cli_message("there is no trust anchor any more: nobody asks for signatures, and unsigned "
		            "policies are taken");
	} else if (was_signed_under_it) {
		status = cli_standing_check(standing, &trust);
	}
	problem_fini(&problems);
	trust_fini(&trust);
	return status;
}

// The folder before: *ret_readable false where it cannot be read, which this command may be about to put right.
// CLI_GO_ON, or an exit code after a message that there is no such anchor.
static int read_before(const struct cli_arguments *arguments, const char *name, struct trust *ret,
                       bool *ret_readable)
{
	struct problems problems;
	char scoped[TRUST_NAME_MAX + 8];
	int status = CLI_GO_ON, error;

	problem_init(&problems);
	error = trust_read(arguments->trust, ret, &problems);
	*ret_readable = !error;
	if (error == -ENOMEM) {
		cli_failure(error, &problems, NULL);
		status = CLI_INTERNAL;
	} else if (!error && !cli_trust_find(ret, name)) {
		(void)snprintf(scoped, sizeof(scoped), "%s.site", name);
		if (!cli_trust_find(ret, scoped))
			(void)snprintf(scoped, sizeof(scoped), "%s.oem", name);
		if (cli_trust_find(ret, scoped))
			cli_message("there is no anchor '%s' in %s; there is %s", name, arguments->trust,
			            scoped);
		else
			cli_message("there is no anchor '%s' in %s; leadglass trust list shows which there are",
			            name, arguments->trust);
		status = CLI_NO;
	}
	problem_fini(&problems);
	return status;
}

// What it would do, and the command that does it.
static int ask(const struct cli_arguments *arguments, const struct trust *trust, const char *name)
{
	const bool usual = strcmp(arguments->trust, TRUST_FOLDER) == 0;
	const bool run = arguments->options & CLI_RUN;

	if (trust->count == 1)
		cli_message("%s is the last trust anchor: without it nobody asks for signatures, and unsigned "
		            "policies are taken; nothing was done",
		            name);
	else
		cli_message("trust remove would take no policy any more that was signed under %s; nothing was "
		            "done",
		            name);
	cli_message("say leadglass trust remove --yes%s%s%s%s %s if that is meant", usual ? "" : " --trust ",
	            usual ? "" : arguments->trust, run ? " --run " : "", run ? arguments->run : "", name);
	return CLI_USAGE;
}

static int remove_it(const struct cli_arguments *arguments, const char *name)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = trust_remove(arguments->trust, name, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return error ? cli_trust_exit_of(error) : CLI_GO_ON;
}

int cli_trust_remove(const struct cli_arguments *arguments)
{
	struct cli_standing standing = {0};
	struct buffer out = BUFFER_EMPTY;
	char name[TRUST_NAME_MAX], by[TRUST_NAME_MAX] = "";
	struct trust trust = {0};
	bool signed_under_it, readable = false;
	int status = cli_trust_name(arguments->operands[1], name);

	if (status == CLI_GO_ON)
		status = read_before(arguments, name, &trust, &readable);
	if (status == CLI_GO_ON && !(arguments->options & CLI_YES_REALLY))
		status = ask(arguments, &trust, name);
	if (status == CLI_GO_ON)
		status = cli_standing_read(arguments, &standing);
	if (status == CLI_GO_ON && readable)
		status = cli_standing_vouched(&standing, &trust, by);
	trust_fini(&trust);
	signed_under_it = strcmp(by, name) == 0;
	if (status == CLI_GO_ON)
		status = remove_it(arguments, name);
	if (status == CLI_GO_ON) {
		status = say_what_follows(arguments, &standing, signed_under_it);
		if (status != CLI_GO_ON)
			cli_message("%s was removed", name);
	}
	if (status == CLI_GO_ON) {
		buffer_printf(&out, "%s is no trust anchor any more\n", name);
		status = cli_answer(&out, CLI_YES);
	}
	cli_standing_fini(&standing);
	return status;
}

int cli_trust(int argc, char **argv)
{
	struct cli_arguments arguments;
	int status = cli_arguments(&command, argc, argv, &arguments);
	const char *word = status == CLI_GO_ON ? arguments.operands[0] : "";
	size_t i = 0;

	if (status != CLI_GO_ON)
		return status;
	while (i < sizeof(actions) / sizeof(actions[0]) && strcmp(word, actions[i].name) != 0)
		i++;
	if (i == sizeof(actions) / sizeof(actions[0])) {
		cli_message("trust: %s: it is list, add or remove; leadglass trust --help", word);
		return CLI_USAGE;
	}
	if (arguments.options & ~actions[i].options) {
		cli_message("trust %s does not take all of these options; leadglass trust --help says which",
		            word);
		return CLI_USAGE;
	}
	if (arguments.count - 1 < actions[i].least) {
		cli_message("trust %s: a name is missing; leadglass trust list shows them", word);
		return CLI_USAGE;
	}
	if (arguments.count - 1 > actions[i].most) {
		cli_message("trust %s: one word too many: %s", word, arguments.operands[actions[i].most + 1]);
		return CLI_USAGE;
	}
	return actions[i].run(&arguments);
}
