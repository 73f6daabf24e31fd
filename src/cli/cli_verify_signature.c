// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass verify-signature`: who has signed a policy, and who vouches for him. On any computer: what a box
// alone knows (which serial it took last) is not asked. Here the problems are the answer and go to standard
// output, as with `check`.
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/date.h"
#include "base/file.h"
#include "base/problem.h"
#include "cli/cli_signed.h"
#include "cli/cli_trust.h"
#include "cli/cli_verify_signature.h"
#include "policy/policy.h"
#include "trust/trust.h"

static const struct cli_command command = {
        .name = "verify-signature",
        .about = "who has signed the policy, and who vouches for him?",
        .synopsis = "[--trust DIR | --anchor FILE] [--json] POLICY",
        .options = CLI_TRUST | CLI_ANCHOR | CLI_JSON,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, or - for standard input. Needs no root and no agent. The\n"
                   "signature is verified before the policy is read, its dates are held against\n"
                   "this machine's clock, and its site and unit against those of the folder, where\n"
                   "it has some. Which serial a box took last is known there alone.\n"
                   "\n"
                   "Exit status: 0 a trust anchor vouches for it and it is valid now, 1 no, 3 it\n"
                   "is not there, or what is signed is no valid policy, 4 it may not be read.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass verify-signature --anchor root.crt policy.signed\n",
};

// ---- whom to trust ----

// What the file is called becomes the anchor's name, and is shown where names are plain text.
static void name_anchor(const char *file, char ret[static TRUST_NAME_MAX])
{
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	size_t at = 0;

	for (; base[at] && at + 1 < TRUST_NAME_MAX; at++)
		ret[at] = base[at] > ' ' && base[at] < 0x7f ? base[at] : '?';
	ret[at] = '\0';
}

// The one anchor of --anchor, as if it lay in a folder of its own. CLI_GO_ON, or an exit code after a message.
static int read_anchor(const char *file, struct trust *ret)
{
	struct trust_anchor *anchor = &ret->anchors[0];
	struct trust_about about = {0};
	struct problems problems;
	int error = file_read(file, TRUST_ANCHOR_MAX, &anchor->text, &anchor->size);

	if (error) {
		cli_message("cannot read %s: %s", file,
		            error == -EFBIG ? "too large for a certificate or a key" : strerror(-error));
		return cli_exit_of_read(error);
	}
	ret->count = 1;
	name_anchor(file, anchor->name);
	memcpy(ret->path, anchor->name, sizeof(anchor->name));
	problem_init(&problems);
	error = trust_about_apart(anchor->text, anchor->size, &about, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	else if (!about.good)
		cli_message("%s cannot be used: %s%s", file, about.why, cli_trust_taken(&about));
	problem_fini(&problems);
	if (error)
		return CLI_INTERNAL;
	return about.good ? CLI_GO_ON : CLI_POLICY;
}

static int read_trust(const struct cli_arguments *arguments, struct trust *ret)
{
	struct problems problems;
	int error;

	if (arguments->anchor)
		return read_anchor(arguments->anchor, ret);
	problem_init(&problems);
	error = trust_read(arguments->trust, ret, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return error ? cli_trust_exit_of_read(error) : CLI_GO_ON;
}

// ---- the signature ----

// Reads the whole of what cannot be read twice, and verifies that. *ret_text stays for the parser.
static int verify_whole(int fd, struct signature_facts *facts, char **ret_text, size_t *ret_size)
{
	int error = file_read_open(fd, POLICY_FILE_MAX, ret_text, ret_size);

	if (error)
		problem_addf(&facts->problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s: %s", facts->name,
		             strerror(-error));
	else
		error = trust_verify_apart(*ret_text, *ret_size, &facts->trust, &facts->verdict,
		                           &facts->problems);
	return error;
}

// 0 and the verdict; or -errno with a problem. *ret_text is NULL where the file was read in pieces.
static int verify(int fd, struct signature_facts *facts, char **ret_text, size_t *ret_size)
{
	int error = -ESPIPE;

	if (fd != STDIN_FILENO)
		error = trust_verify_file_apart(fd, &facts->trust, &facts->verdict, &facts->problems);
	if (error != -ESPIPE)
		return error;
	problem_fini(&facts->problems);
	return verify_whole(fd, facts, ret_text, ret_size);
}

// ---- the policy ----

// A file that was read in pieces is read again for the parser, and has to be what was verified.
static int read_again(int fd, struct signature_facts *facts, char **ret_text, size_t *ret_size)
{
	uint8_t content[TRUST_HASH_SIZE];
	int error =
	        lseek(fd, 0, SEEK_SET) < 0 ? -errno : file_read_open(fd, POLICY_FILE_MAX, ret_text, ret_size);

	if (error) {
		problem_addf(&facts->problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s: %s", facts->name,
		             error == -EFBIG ? "it is too large for a policy" : strerror(-error));
		return error;
	}
	if (facts->verdict.size <= *ret_size)
		error = trust_hash(*ret_text, (size_t)facts->verdict.size, content);
	if (!error &&
	    (facts->verdict.size > *ret_size || memcmp(content, facts->verdict.content, sizeof(content)) != 0))
		error = -EAGAIN;
	if (error == -EAGAIN)
		problem_addf(&facts->problems, PROBLEM_ERROR, 0, 0, "try again when nobody writes to it",
		             "%s changed while it was read", facts->name);
	return error;
}

// "good" in 1970 says little: what begins later was not held against anything.
static void warn_of_clock(struct signature_facts *facts)
{
	char shown[DATE_TEXT_MAX], passed[DATE_TEXT_MAX];
	int64_t time;

	if (!trust_clock(facts->now, trust_built(), NULL, &time))
		problem_addf(&facts->problems, PROBLEM_WARNING, 0, 0, "set the clock",
		             "the clock shows %s and is not believed: what ends was held against %s, and what "
		             "begins against nothing",
		             date_print(facts->now, shown), date_print(time, passed));
}

// Reads and judges what was signed. Only where the signature fits: other octets are nobody's.
static int read_policy(int fd, struct signature_facts *facts, char *text, size_t size)
{
	int error = text ? 0 : read_again(fd, facts, &text, &size);

	if (error) {
		free(text);
		return error;
	}
	error = policy_parse(&facts->policy, facts->name, text, size, NULL, &facts->problems);
	facts->parsed = !error;
	if (!error && facts->verdict.code == TRUST_GOOD)
		warn_of_clock(facts);
	if (!error && facts->verdict.code == TRUST_GOOD)
		error = cli_judge_anywhere(&facts->policy, &facts->verdict, &facts->trust, facts->now,
		                           TRUST_COMING, &facts->problems);
	return error;
}

// ---- all of it ----

static int open_policy(struct signature_facts *facts)
{
	int fd = strcmp(facts->name, "-") == 0 ? STDIN_FILENO
	                                       : open(facts->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0)
		return fd;
	fd = -errno;
	problem_addf(&facts->problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read '%s': %s", facts->name,
	             strerror(-fd));
	return fd;
}

// 0; -EKEYREJECTED the answer is no; else -errno: nothing was found out.
static int find_out(struct signature_facts *facts)
{
	int fd = open_policy(facts), error = fd < 0 ? fd : 0;
	char *text = NULL;
	size_t size = 0;

	if (!error)
		error = verify(fd, facts, &text, &size);
	if (!error) {
		trust_verdict_tell(&facts->verdict, facts->name, &facts->trust, &facts->problems);
	}
	if (!error && facts->verdict.fits) {
		error = read_policy(fd, facts, text, size);
		text = NULL;
	}
	free(text);
	if (fd > STDERR_FILENO)
		close(fd);
	if (!error && facts->verdict.code != TRUST_GOOD)
		error = -EKEYREJECTED;
	return error;
}

static int answer(const struct signature_facts *facts, int error, bool as_json)
{
	int status = !error                   ? CLI_YES
	             : error == -EKEYREJECTED ? CLI_NO
	             : error == -EINVAL       ? CLI_POLICY
	                                      : cli_exit_of_read(error);
	struct buffer out = BUFFER_EMPTY;

	if (error == -ENOMEM || facts->problems.lost) {
		cli_message("out of memory");
		return CLI_INTERNAL;
	}
	// What was found out of the signature is an answer, though what it is under is no policy.
	if (status == CLI_POLICY && facts->verdict.fits && as_json) {
		signature_json(facts, false, &out);
		return cli_answer(&out, status);
	}
	if (status == CLI_POLICY || status == CLI_KERNEL) {
		cli_failure(error, &facts->problems, &facts->policy.sources);
		if (facts->verdict.fits)
			cli_message("%s is signed by %s, but is no valid policy: no box takes it", facts->name,
			            facts->verdict.signer);
		return status;
	}
	if (as_json)
		signature_json(facts, status == CLI_YES, &out);
	else
		signature_text(facts, status == CLI_YES, &out);
	return cli_answer(&out, status);
}

int cli_verify_signature(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct signature_facts *facts;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if (arguments.anchor && (arguments.options & CLI_TRUST)) {
		cli_message("verify-signature: --anchor and --trust: one of them says whom to trust");
		return CLI_USAGE;
	}
	facts = calloc(1, sizeof(*facts));
	if (!facts) {
		cli_message("out of memory");
		return CLI_INTERNAL;
	}
	facts->name = arguments.operands[0];
	facts->now = (int64_t)time(NULL);
	facts->verdict.code = TRUST_UNCHECKED;
	facts->scoped = !arguments.anchor;
	problem_init(&facts->problems);
	policy_init(&facts->policy);
	status = read_trust(&arguments, &facts->trust);
	if (status == CLI_GO_ON)
		status = answer(facts, find_out(facts), arguments.options & CLI_JSON);
	policy_fini(&facts->policy);
	problem_fini(&facts->problems);
	trust_fini(&facts->trust);
	free(facts);
	return status;
}
