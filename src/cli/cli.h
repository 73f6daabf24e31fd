// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the subcommands of `leadglass` share: exit codes, options, reading and compiling a policy, and writing
// the answer. Answers are put together in a buffer and written once, at the end: a command that fails half way
// has printed nothing that a pipe could take for the whole.
#ifndef LEADGLASS_CLI_CLI_H
#define LEADGLASS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct policy;
struct problems;
struct ruleset;
struct sources;

// What the shell gets; leadglass(8), EXIT STATUS.
enum cli_exit {
	CLI_YES = 0,      // yes, or done
	CLI_NO = 1,       // the answer is no: would drop, differs, drift
	CLI_USAGE = 2,    // the command line makes no sense
	CLI_POLICY = 3,   // the policy is invalid or cannot be read
	CLI_KERNEL = 4,   // the kernel refused, or a permission is missing
	CLI_INTERNAL = 5, // out of memory, or the answer could not be written
};
#define CLI_GO_ON (-1) // no exit yet

// Options; each subcommand says which it takes. --help is always taken.
#define CLI_JSON (1u << 0)
#define CLI_STRICT (1u << 1)
#define CLI_ALL (1u << 2)
#define CLI_NO_READ_BACK (1u << 3)
#define CLI_VERBOSE (1u << 4)
#define CLI_YES_REALLY (1u << 5)

struct cli_command {
	const char *name;
	const char *about;    // what it does, a sentence without full stop
	const char *synopsis; // what follows the name
	unsigned options;     // CLI_JSON | ...
	int least, most;      // operands
	const char *details;  // the rest of --help: operands, exit status, example
};

struct cli_arguments {
	unsigned options;
	char **operands; // NULL-terminated, as main's
	int count;
};

// Reads options and counts operands. CLI_GO_ON, or the exit code after a message or the help was written.
int cli_arguments(const struct cli_command *command, int argc, char **argv, struct cli_arguments *ret);

// The subcommands: argv[0] is the subcommand's name. They return an enum cli_exit.
int cli_check(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_print(int argc, char **argv);
int cli_diff(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_load(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_remove(int argc, char **argv);

// "leadglass: ..." and a line end on standard error.
void cli_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Writes problems to standard error: those with a place in a file with their source line, those without as
// messages.
void cli_problems(const struct problems *problems, const struct sources *sources);

// Says why something failed with -errno: the problems it left, or where it left none the error's own name.
void cli_failure(int error, const struct problems *problems, const struct sources *sources);

// Writes the answer, closes standard output and releases the buffer. `status`, or CLI_INTERNAL with a message
// when memory ran out while the answer was made or it could not be written. Called once, last.
int cli_answer(struct buffer *out, int status);

// Which exit code the failure of a kernel or compiler function (-errno) is.
int cli_exit_of(int error);

// Which exit code policy_read's result is.
int cli_exit_of_read(int error);

// Reads and validates a policy. CLI_GO_ON and `ret` (to be policy_fini'ed in every case), or the exit code
// after the problems were written.
int cli_read(const char *path, struct policy *ret);

// Compiles it. The same with `ret` and ruleset_fini.
int cli_compile(const struct policy *policy, struct ruleset *ret);

// cli_read and cli_compile.
int cli_wall(const char *path, struct policy *ret_policy, struct ruleset *ret_ruleset);

// "1 peer", "2 peers"; "1 address", "2 addresses".
void cli_count(struct buffer *out, size_t count, const char *noun);

// Elements that come from the policy: all but those of constant sets.
size_t cli_elements(const struct ruleset *ruleset);

#endif
