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
	CLI_POLICY = 3,   // the policy is invalid, cannot be read, or is not signed as this box asks
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
#define CLI_DRY_RUN (1u << 6)
#define CLI_FOLLOW (1u << 7)
#define CLI_OFFLINE (1u << 8)
#define CLI_LIST (1u << 9)
#define CLI_CLOSE (1u << 10)
#define CLI_YES_CUT (1u << 11)   // --yes, too
#define CLI_YES_CLOSE (1u << 12) // and this
// with a value, of which struct cli_arguments has a member
#define CLI_ROLE (1u << 15)
#define CLI_CONFIRM_WITHIN (1u << 16)
#define CLI_FOR (1u << 17)
#define CLI_FROM (1u << 18)
#define CLI_TO (1u << 19)
#define CLI_TO_PORT (1u << 20)
#define CLI_REASON (1u << 21)
#define CLI_RUN (1u << 22)
#define CLI_STATE (1u << 23)
#define CLI_TRUST (1u << 24)
#define CLI_ANCHOR (1u << 25)
#define CLI_KEY (1u << 26)
#define CLI_CERTIFICATE (1u << 27)
#define CLI_OUTPUT (1u << 28)
#define CLI_SCOPE (1u << 29) // --for, too
#define CLI_SITE (1u << 30)
#define CLI_UNIT (1u << 31)
#define CLI_UPDATE_TRUST (UINT64_C(1) << 32) // --trust, too
#define CLI_BOX (UINT64_C(1) << 33)
// without one
#define CLI_UPDATE_STATUS (UINT64_C(1) << 34)
#define CLI_ACCEPT (UINT64_C(1) << 35)
#define CLI_RESET (UINT64_C(1) << 36)
#define CLI_RESET_DONE (UINT64_C(1) << 37)
#define CLI_HTML (UINT64_C(1) << 38)
#define CLI_LIVE (UINT64_C(1) << 39)
// and one with
#define CLI_SAMPLE (UINT64_C(1) << 40)

#define CLI_STATE_FOLDER "/var/lib/leadglass"

struct cli_command {
	const char *name;
	const char *about;    // what it does, a sentence without full stop
	const char *synopsis; // what follows the name
	uint64_t options;     // CLI_JSON | ...
	int least, most;      // operands
	const char *details;  // the rest of --help: operands, exit status, example
};

struct cli_arguments {
	uint64_t options;
	char **operands; // NULL-terminated, as main's
	int count;
	// Values, as given; NULL when they were not.
	const char *confirm_within, *lasts /* --for */, *from, *to, *to_port, *reason;
	const char *anchor, *key, *certificate, *output, *scope /* --for */, *site, *unit, *role;
	const char *update_trust /* --trust */, *box, *sample;
	const char *run, *state, *trust; // never NULL: the usual folders
};

// Reads options and counts operands. CLI_GO_ON, or the exit code after a message or the help was written. An
// option with a value is given once at most, and its value is not empty.
int cli_arguments(const struct cli_command *command, int argc, char **argv, struct cli_arguments *ret);

// Reads a time such as 90s, 2m, 1h30m or 2d (the unit is not optional: 2 might be meant as minutes), in seconds
// from 1 to `most`. `option` is what the message calls it ("--for"). CLI_GO_ON, or CLI_USAGE after a message.
int cli_duration(const struct cli_command *command, const char *option, const char *text, uint32_t most,
                 uint32_t *ret);

// The subcommands: argv[0] is the subcommand's name. They return an enum cli_exit.
int cli_check(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_print(int argc, char **argv);
int cli_diff(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_prove(int argc, char **argv);
int cli_sign(int argc, char **argv);
int cli_verify_signature(int argc, char **argv);
int cli_trust(int argc, char **argv);
int cli_probe(int argc, char **argv);
int cli_update(int argc, char **argv);
int cli_load(int argc, char **argv);
int cli_verify(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_remove(int argc, char **argv);
// those that talk to the agent
int cli_status(int argc, char **argv);
int cli_apply(int argc, char **argv);
int cli_confirm(int argc, char **argv);
int cli_rollback(int argc, char **argv);
int cli_history(int argc, char **argv);
int cli_show(int argc, char **argv);
int cli_allow(int argc, char **argv);
int cli_drops(int argc, char **argv);
int cli_metrics(int argc, char **argv);
int cli_report(int argc, char **argv);

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

// Reads and validates a policy: a file, "-" for standard input, or what the agent of the run folder `run`
// keeps, "@running" the policy that stands, "@12" number 12. 0 or -errno with problems.
int cli_read_policy(const char *name, const char *run, struct policy *ret, struct problems *problems);

// The same for commands that go no further without. CLI_GO_ON and `ret` (to be policy_fini'ed in every case),
// or the exit code after the problems were written.
int cli_read(const char *name, const char *run, struct policy *ret);

// Compiles it. The same with `ret` and ruleset_fini.
int cli_compile(const struct policy *policy, struct ruleset *ret);

// cli_read and cli_compile.
int cli_wall(const char *name, const char *run, struct policy *ret_policy, struct ruleset *ret_ruleset);

// Writes what policy_lint warns of to standard error; `here`: also what does not fit this machine.
void cli_warnings(const struct policy *policy, bool here);

// "1 peer", "2 peers"; "1 address", "2 addresses".
void cli_count(struct buffer *out, size_t count, const char *noun);

// Elements that come from the policy: all but those of constant sets.
size_t cli_elements(const struct ruleset *ruleset);

#endif
