// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command `leadglass`: finds the subcommand and runs it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/cli.h"

static const struct {
	const char *name; // NULL: the title of what follows
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
        {NULL, NULL, "On any computer, without root:"},
        {"check", cli_check, "is the policy valid, and what in it is probably not meant?"},
        {"explain", cli_explain, "would this flow pass, and why?"},
        {"prove", cli_prove, "does the ruleset do what the policy says, for every packet?"},
        {"diff", cli_diff, "what changes between two policies, in peers and flows"},
        {"print", cli_print, "the policy in its canonical form"},
        {"render", cli_render, "the rules it makes, as text for nft"},
        {"sign", cli_sign, "the policy with your signature below it"},
        {"verify-signature", cli_verify_signature, "who has signed the policy, and who vouches for him?"},
        {NULL, NULL, "Through the agent, leadglassd, which keeps the wall up:"},
        {"status", cli_status, "how the wall stands, and who talks through it"},
        {"drops", cli_drops, "who was turned away, and why"},
        {"apply", cli_apply, "a new policy, with a way back unless confirmed"},
        {"confirm", cli_confirm, "keep the policy that was applied with --confirm-within"},
        {"rollback", cli_rollback, "go back to an earlier policy"},
        {"history", cli_history, "which policies were applied, and what became of them"},
        {"show", cli_show, "a policy the agent keeps, as it was written"},
        {"allow", cli_allow, "let somebody in for some time"},
        {"verify", cli_verify, "does the kernel still hold exactly this policy?"},
        {"metrics", cli_metrics, "what the agent counts, for a monitoring system"},
        {"report", cli_report, "for the file: what is allowed, stands, and was turned away"},
        {NULL, NULL, "Without the agent, straight into the kernel:"},
        {"probe", cli_probe, "what does this kernel lack for leadglass?"},
        {"load", cli_load, "put the wall up: policy into the kernel, read back and compared"},
        {"list", cli_list, "what is loaded: peers with their counters, drops"},
        {"remove", cli_remove, "take the wall down"},
        {NULL, NULL, "Whose policies this box takes:"},
        {"trust", cli_trust, "list, add or remove trust anchors, and say which box this is"},
        {NULL, NULL, "The firmware of a box:"},
        {"update", cli_update, "write a signed image to the slot that does not run"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define WORD_MAX 20 // octets of a word that may be meant for one of them

static int help(void)
{
	struct buffer out = BUFFER_EMPTY;

	buffer_text(&out, "leadglass: a wall around an imaging device, made from a policy that speaks DICOM\n\n"
	                  "Usage: leadglass COMMAND [OPTION...] ...\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (commands[i].name)
			buffer_printf(&out, "  %-16s  %s\n", commands[i].name, commands[i].about);
		else
			buffer_printf(&out, "\n%s\n", commands[i].about);
	}
	buffer_text(&out, "\n"
	                  "  leadglass help COMMAND    more about one of them\n"
	                  "  leadglass --version\n"
	                  "\n"
	                  "Exit status: 0 yes or done, 1 the answer is no, 2 usage, 3 the policy is invalid\n"
	                  "or not signed as this box asks, 4 the kernel or the agent refused, 5 internal.\n"
	                  "Manuals: leadglass(8), leadglass-sign(8), leadglass-policy(5) (the language).\n");
	return cli_answer(&out, CLI_YES);
}

// Its place in the table; COMMANDS: there is none.
static size_t find(const char *word)
{
	size_t i = 0;

	while (i < COMMANDS && (!commands[i].name || strcmp(commands[i].name, word) != 0))
		i++;
	return i;
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
	size_t row[WORD_MAX + 1][WORD_MAX + 1];

	if (a_size > WORD_MAX || b_size > WORD_MAX)
		return WORD_MAX + 1;
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
		const char *name = commands[i].name;
		size_t edits = name ? distance(word, name) : best;

		// Less than half of it: any word of two letters is near to some command.
		if (edits < best && (2 * edits < strlen(name) || 2 * edits < strlen(word))) {
			best = edits;
			nearest = name;
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
	size_t found;

	if (argc > 3)
		return too_many(argv[1], argv[3]);
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help();
	found = find(word);
	return found < COMMANDS ? commands[found].run(2, arguments) : unknown(word);
}

// A caller that closed one of the three is not to have the policy file or the netlink socket in its place. Each
// is opened the wrong way round, so that using it still fails.
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd) {
			fprintf(stderr, "leadglass: cannot open /dev/null: %s\n", strerror(errno));
			_exit(CLI_INTERNAL);
		}
	}
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	size_t found;

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
	found = find(word);
	return found < COMMANDS ? commands[found].run(argc - 1, argv + 1) : unknown(word);
}
