// SPDX-License-Identifier: GPL-2.0-or-later
//
// Options and operands of a subcommand, and its --help.
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

static const struct {
	unsigned bit;
	const char *name, *about;
} known[] = {
        {CLI_JSON, "json", "write the answer as JSON"},
        {CLI_STRICT, "strict", "a warning, too, makes the answer no (exit status 1)"},
        {CLI_ALL, "all", "show everything, however long"},
        {CLI_NO_READ_BACK, "no-read-back", "do not compare the kernel's rules with the policy afterwards"},
        {CLI_VERBOSE, "verbose", "also say what is usually taken for granted"},
        {CLI_YES_REALLY, "yes", "do it; without this nothing is changed"},
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

static int help(const struct cli_command *command)
{
	struct buffer out = BUFFER_EMPTY;

	buffer_printf(&out, "leadglass %s: %s\n\nUsage: leadglass %s %s\n\n", command->name, command->about,
	              command->name, command->synopsis);
	for (size_t i = 0; i < KNOWN; i++) {
		if (command->options & known[i].bit)
			buffer_printf(&out, "  --%-14s %s\n", known[i].name, known[i].about);
	}
	buffer_printf(&out, "  -h, --help       this text\n\n%s", command->details);
	return cli_answer(&out, CLI_YES);
}

static int usage(const struct cli_command *command)
{
	fprintf(stderr, "Usage: leadglass %s %s\n", command->name, command->synopsis);
	return CLI_USAGE;
}

// getopt's own messages would start with the subcommand's name, and there is only one it can not know: what
// else there is.
static int bad_option(const struct cli_command *command, const char *word)
{
	if (optopt > 0 && optopt <= 0xff && strncmp(word, "--", 2) != 0)
		cli_message("%s: there is no option -%c", command->name, optopt);
	else if (strncmp(word, "--", 2) == 0 && strchr(word, '='))
		cli_message("%s: %s: there is no such option, or it takes no value", command->name, word);
	else
		cli_message("%s: there is no option %s", command->name, word);
	return usage(command);
}

int cli_arguments(const struct cli_command *command, int argc, char **argv, struct cli_arguments *ret)
{
	struct option options[KNOWN + 2];
	size_t count = 0;
	int found;

	for (size_t i = 0; i < KNOWN; i++) {
		if (command->options & known[i].bit)
			options[count++] = (struct option){.name = known[i].name, .val = (int)(0x100u + i)};
	}
	options[count++] = (struct option){.name = "help", .val = 'h'};
	options[count] = (struct option){0};

	*ret = (struct cli_arguments){0};
	opterr = 0;
	optind = 0; // main has used getopt before: start afresh
	while ((found = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (found == 'h')
			return help(command);
		if (found == '?')
			return bad_option(command, argv[optind - 1]);
		ret->options |= known[found - 0x100].bit;
	}
	ret->operands = argv + optind;
	ret->count = argc - optind;
	if (ret->count < command->least) {
		cli_message("%s: %s", command->name,
		            ret->count ? "a word is missing" : "nothing given to work on");
		return usage(command);
	}
	if (ret->count > command->most) {
		cli_message("%s: one word too many: %s", command->name, ret->operands[command->most]);
		return usage(command);
	}
	return CLI_GO_ON;
}
