// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command `leadglass`: finds the subcommand and runs it.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
        {"check", cli_check, "is the policy valid, and what in it is probably not meant?"},
        {"render", cli_render, "the rules it makes, as text for nft"},
        {"print", cli_print, "the policy in its canonical form"},
        {"diff", cli_diff, "what changes between two policies, in peers and flows"},
        {"explain", cli_explain, "would this flow pass, and why?"},
        {"load", cli_load, "put the wall up: policy into the kernel, read back and compared"},
        {"verify", cli_verify, "does the kernel still hold exactly this policy?"},
        {"list", cli_list, "what is loaded: peers with their counters, drops"},
        {"remove", cli_remove, "take the wall down"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	struct buffer out = BUFFER_EMPTY;

	buffer_text(&out, "leadglass: a wall around an imaging device, made from a policy that speaks DICOM\n\n"
	                  "Usage: leadglass COMMAND [OPTION...] ...\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		buffer_printf(&out, "  %-9s %s\n", commands[i].name, commands[i].about);
	buffer_text(&out, "\n"
	                  "  leadglass help COMMAND    more about one of them\n"
	                  "  leadglass --version\n"
	                  "\n"
	                  "Exit status: 0 yes or done, 1 the answer is no, 2 usage, 3 the policy is invalid,\n"
	                  "4 the kernel refused or a permission is missing, 5 internal.\n"
	                  "Manual: leadglass(8); the policy language: leadglass-policy(5).\n");
	return cli_answer(&out, CLI_YES);
}

static int too_many(const char *command, const char *word)
{
	cli_message("%s: one word too many: %s", command, word);
	return CLI_USAGE;
}

static int version(void)
{
	struct buffer out = BUFFER_EMPTY;

	buffer_text(&out, "leadglass " LEADGLASS_VERSION "\n");
	return cli_answer(&out, CLI_YES);
}

// Edits (insert, delete, replace, swap of neighbours) that make `b` of `a`; both are short.
static size_t distance(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);
	size_t row[16][16];

	if (a_size > 15 || b_size > 15)
		return 16;
	for (size_t i = 0; i <= a_size; i++) {
		for (size_t j = 0; j <= b_size; j++) {
			size_t best = i ? row[i - 1][j] + 1 : j;

			if (!j)
				best = i;
			if (j && i && row[i][j - 1] + 1 < best)
				best = row[i][j - 1] + 1;
			if (i && j && row[i - 1][j - 1] + (a[i - 1] != b[j - 1]) < best)
				best = row[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    row[i - 2][j - 2] + 1 < best)
				best = row[i - 2][j - 2] + 1;
			row[i][j] = best;
		}
	}
	return row[a_size][b_size];
}

static int unknown(const char *word)
{
	const char *nearest = NULL;
	size_t best = 3;

	for (size_t i = 0; i < COMMANDS; i++) {
		size_t edits = distance(word, commands[i].name);

		if (edits < best && edits < strlen(commands[i].name) - 1) {
			best = edits;
			nearest = commands[i].name;
		}
	}
	if (nearest)
		cli_message("there is no command %s; did you mean %s?", word, nearest);
	else
		cli_message("there is no command %s; leadglass --help lists them", word);
	return CLI_USAGE;
}

// `leadglass help [COMMAND]`. There is no more to say about help itself.
static int help_about(int argc, char **argv)
{
	const char *word = argc > 2 ? argv[2] : "help";
	char option[] = "--help";
	char *arguments[] = {argv[2], option, NULL};

	if (argc > 3)
		return too_many(argv[1], argv[3]);
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help();
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return commands[i].run(2, arguments);
	}
	return unknown(word);
}

// A caller that closed one of the three is not to have the policy file or the netlink socket in its place. Each
// is opened the wrong way round, so that using it still fails.
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(CLI_INTERNAL);
	}
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	fill_standard_descriptors();
	if (!word) {
		cli_message("no command given; leadglass --help lists them");
		return CLI_USAGE;
	}
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help_about(argc, argv);
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return argc > 2 ? too_many(word, argv[2]) : version();
	if (word[0] == '-') {
		cli_message("there is no option %s before a command; leadglass --help says what there is",
		            word);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return unknown(word);
}
