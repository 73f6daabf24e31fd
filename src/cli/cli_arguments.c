// SPDX-License-Identifier: GPL-2.0-or-later
//
// Options and operands of a subcommand, and its --help.
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "control/control.h"
#include "trust/trust.h"
#include "update/update.h"

#define NO_VALUE SIZE_MAX
#define VALUE(member) offsetof(struct cli_arguments, member)

static const struct {
	uint64_t bit;
	const char *name, *value, *about; // value: what --help calls it; NULL: it takes none
	size_t member;                    // of struct cli_arguments, where the value goes
} known[] = {
        {CLI_ROLE, "role", "ROLE", "host, router or bridge; else each of them", VALUE(role)},
        {CLI_LIVE, "live", NULL, "the ruleset that the kernel holds (CAP_NET_ADMIN)", NO_VALUE},
        {CLI_JSON, "json", NULL, "write the answer as JSON", NO_VALUE},
        {CLI_HTML, "html", NULL, "write it as one HTML page", NO_VALUE},
        {CLI_STRICT, "strict", NULL, "a warning, too, makes the answer no (exit status 1)", NO_VALUE},
        {CLI_ALL, "all", NULL, "everything, however long", NO_VALUE},
        {CLI_SAMPLE, "sample", "N", "with --json: N of the classes, half of them accepted", VALUE(sample)},
        {CLI_NO_READ_BACK, "no-read-back", NULL, "do not compare the kernel's rules with the policy afterwards",
         NO_VALUE},
        {CLI_VERBOSE, "verbose", NULL, "also say what is usually taken for granted", NO_VALUE},
        {CLI_YES_REALLY, "yes", NULL, "do it; without this nothing is changed", NO_VALUE},
        {CLI_YES_CLOSE, "yes", NULL, "also when the next start of leadglassd then closes the wall", NO_VALUE},
        {CLI_YES_CUT, "yes", NULL, "also when it cuts the connection it is typed in", NO_VALUE},
        {CLI_DRY_RUN, "dry-run", NULL, "only say what would change", NO_VALUE},
        {CLI_FOLLOW, "follow", NULL, "go on, and write each change as it comes", NO_VALUE},
        {CLI_CONFIRM_WITHIN, "confirm-within", "TIME", "go back by itself unless confirmed by then",
         VALUE(confirm_within)},
        {CLI_OFFLINE, "offline", NULL, "no agent runs: for the one that starts next", NO_VALUE},
        {CLI_FOR, "for", "TIME", "how long: 90s, 30m, 2h, 1d", VALUE(lasts)},
        {CLI_FROM, "from", "ADDRESS", "who may come in", VALUE(from)},
        {CLI_TO, "to", "NAME", "to which device, by name or address", VALUE(to)},
        {CLI_TO_PORT, "to-port", "PORT", "to which TCP port", VALUE(to_port)},
        {CLI_REASON, "reason", "TEXT", "why; it stands in the log", VALUE(reason)},
        {CLI_LIST, "list", NULL, "show what is open", NO_VALUE},
        {CLI_CLOSE, "close", NULL, "close it before its time", NO_VALUE},
        {CLI_STATE, "state", "DIR", "where policies are kept, if not " CLI_STATE_FOLDER, VALUE(state)},
        {CLI_KEY, "key", "FILE", "the signer's private key, PEM", VALUE(key)},
        {CLI_CERTIFICATE, "certificate", "FILE", "its certificate, then that one's issuers, PEM",
         VALUE(certificate)},
        {CLI_OUTPUT, "output", "FILE", "write there, not to standard output", VALUE(output)},
        {CLI_SCOPE, "for", "WHOM", "what it may change: site or oem; else everything", VALUE(scope)},
        {CLI_SITE, "site", "NAME", "the site that this box is at", VALUE(site)},
        {CLI_UNIT, "unit", "NAME", "which of that site's units it is", VALUE(unit)},
        {CLI_ANCHOR, "anchor", "FILE", "whom to trust: one certificate or key, and no folder", VALUE(anchor)},
        {CLI_UPDATE_STATUS, "status", NULL, "which slot runs, and which the next start takes", NO_VALUE},
        {CLI_ACCEPT, "accept", NULL, "the slot that runs is good: for the start scripts", NO_VALUE},
        {CLI_RESET, "reset", NULL, "the next start empties the data partition", NO_VALUE},
        {CLI_RESET_DONE, "reset-done", NULL, "it is emptied: for the start scripts", NO_VALUE},
        {CLI_UPDATE_TRUST, "trust", "DIR", "where trust anchors are, if not " UPDATE_TRUST_FOLDER,
         VALUE(update_trust)},
        {CLI_BOX, "box", "DIR", "another root of /proc, /sys, /dev and /etc", VALUE(box)},
        {CLI_TRUST, "trust", "DIR", "where trust anchors are, if not " TRUST_FOLDER, VALUE(trust)},
        {CLI_RUN, "run", "DIR", "where the agent's socket is, if not " CONTROL_FOLDER, VALUE(run)},
};
#define KNOWN (sizeof(known) / sizeof(known[0]))
#define COLUMN 17 // of what an option is about, at least

static size_t width(size_t option)
{
	return strlen("  --") + strlen(known[option].name) +
	       (known[option].value ? 1 + strlen(known[option].value) : 0);
}

static int help(const struct cli_command *command)
{
	struct buffer out = BUFFER_EMPTY;
	size_t column = COLUMN;

	for (size_t i = 0; i < KNOWN; i++) {
		if ((command->options & known[i].bit) && width(i) + 2 > column)
			column = width(i) + 2;
	}
	buffer_printf(&out, "leadglass %s: %s\n\nUsage: leadglass %s %s\n\n", command->name, command->about,
	              command->name, command->synopsis);
	for (size_t i = 0; i < KNOWN; i++) {
		if (command->options & known[i].bit)
			buffer_printf(&out, "  --%s%s%s%*s%s\n", known[i].name, known[i].value ? " " : "",
			              known[i].value ? known[i].value : "", (int)(column - width(i)), "",
			              known[i].about);
	}
	buffer_printf(&out, "  %-*s%s\n\n%s", (int)column - 2, "-h, --help", "this text", command->details);
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

static int take_value(const struct cli_command *command, size_t option, const char *value,
                      struct cli_arguments *ret)
{
	const char **member = (const char **)(void *)((char *)ret + known[option].member);

	if (ret->options & known[option].bit) {
		cli_message("%s: --%s is given twice", command->name, known[option].name);
		return usage(command);
	}
	if (!value[0]) {
		cli_message("%s: --%s: the value is empty", command->name, known[option].name);
		return usage(command);
	}
	*member = value;
	return CLI_GO_ON;
}

static int count_operands(const struct cli_command *command, int argc, char **argv, struct cli_arguments *ret)
{
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

int cli_arguments(const struct cli_command *command, int argc, char **argv, struct cli_arguments *ret)
{
	struct option options[KNOWN + 2];
	size_t count = 0;
	int found;

	for (size_t i = 0; i < KNOWN; i++) {
		if (command->options & known[i].bit)
			options[count++] =
			        (struct option){.name = known[i].name,
			                        .has_arg = known[i].value ? required_argument : no_argument,
			                        .val = (int)(0x100u + i)};
	}
	options[count++] = (struct option){.name = "help", .val = 'h'};
	options[count] = (struct option){0};

	*ret = (struct cli_arguments){.run = CONTROL_FOLDER, .state = CLI_STATE_FOLDER, .trust = TRUST_FOLDER};
	opterr = 0;
	optind = 0; // main has used getopt before: start afresh
	while ((found = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		size_t option = (size_t)(found - 0x100);

		if (found == 'h')
			return help(command);
		if (found == ':') {
			cli_message("%s: %s needs a value", command->name, argv[optind - 1]);
			return usage(command);
		}
		if (found == '?')
			return bad_option(command, argv[optind - 1]);
		if (known[option].value && take_value(command, option, optarg, ret) != CLI_GO_ON)
			return CLI_USAGE;
		ret->options |= known[option].bit;
	}
	return count_operands(command, argc, argv, ret);
}

// "1h30m" in seconds; 0 when it is no such thing or longer than anybody means (a hundred years).
static uint64_t duration(const char *text)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	uint64_t sum = 0;
	size_t unit = 0;

	while (*text) {
		uint64_t number = 0;

		if (*text < '0' || *text > '9')
			return 0;
		for (; *text >= '0' && *text <= '9'; text++) {
			number = number * 10 + (uint64_t)(*text - '0');
			if (number > 100ull * 366 * 86400)
				return 0;
		}
		while (unit < sizeof(units) / sizeof(units[0]) && units[unit].unit != *text)
			unit++;
		if (unit == sizeof(units) / sizeof(units[0]))
			return 0;
		sum += number * units[unit++].seconds;
		text++;
	}
	return sum;
}

int cli_duration(const struct cli_command *command, const char *option, const char *text, uint32_t most,
                 uint32_t *ret)
{
	uint64_t seconds = duration(text);

	if (!seconds) {
		cli_message("%s: %s %s: not a time; write 90s, 30m, 2h or 1d", command->name, option, text);
		return usage(command);
	}
	if (seconds > most) {
		if (most >= 2 * 86400)
			cli_message("%s: %s %s: at most %ud", command->name, option, text, most / 86400);
		else
			cli_message("%s: %s %s: at most %uh", command->name, option, text, most / 3600);
		return usage(command);
	}
	*ret = (uint32_t)seconds;
	return CLI_GO_ON;
}
