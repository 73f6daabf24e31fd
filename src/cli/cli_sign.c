// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass sign`: a policy with a signature below it, as openssl makes one too (docs/signed-policy.md). What
// no box would take is not signed, or warned of: here it can still be changed.
#include "cli/cli_sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/problem.h"
#include "base/signed_text.h"
#include "cli/cli.h"
#include "cli/cli_signed.h"
#include "ruleset/ruleset.h"

#define KEY_MAX (64u << 10)           // octets of the key's file
#define CERTIFICATES_MAX (256u << 10) // of that with certificates, which may hold much text between them

static const struct cli_command command = {
        .name = "sign",
        .about = "the policy with your signature below it",
        .synopsis = "--key FILE [--certificate FILE] [--output FILE] POLICY",
        .options = CLI_KEY | CLI_CERTIFICATE | CLI_OUTPUT,
        .least = 1,
        .most = 1,
        .details = "POLICY is a file, or - for standard input. Its text stays as it is; it needs\n"
                   "site, unit and serial in its policy block, and no include; or it is the manifest\n"
                   "of an update (leadglass-update(8)). The key is ECDSA\n"
                   "P-256 or P-384, or RSA of 3072 bits or more, without a password. Without\n"
                   "--certificate only a box that has pinned the key takes what is signed. openssl\n"
                   "can do all this too, also with a key in a token.\n"
                   "\n"
                   "Exit status: 0 signed, 2 the command line makes no sense, 3 the policy is\n"
                   "invalid, or the key or a certificate is not there or cannot be used, 4 one of\n"
                   "them may not be read, or FILE may not be written, 5 it could not be written.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass sign --key signer.key --certificate signer.crt policy.conf\n",
};

// ---- the policy ----

// Room for the marker, which the parser is shown in the place where it will stand: what a signed policy may not
// have is then found by who will find it later.
static int read_text(const char *name, char **ret_text, size_t *ret_size)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = policy_read_text(name, ret_text, ret_size, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	if (error)
		return cli_exit_of_read(error);
	if (signed_text_end(*ret_text, *ret_size) < *ret_size) {
		cli_message("%s is signed already; sign the text before the line " SIGNED_TEXT_MARKER
		            " (leadglass print writes no signature)",
		            name);
		return CLI_POLICY;
	}
	if (*ret_size == 0 || (*ret_text)[*ret_size - 1] != '\n') {
		cli_message(
		        "%s does not end with a line feed, which has to stand before the signature; add one "
		        "(echo >> %s)",
		        name, name);
		return CLI_POLICY;
	}
	return CLI_GO_ON;
}

static int parse(struct signing *signing, const char *text, size_t size)
{
	static const char marker[] = SIGNED_TEXT_MARKER "\n";
	char *marked = malloc(size + sizeof(marker));
	struct problems problems;
	int error = -ENOMEM;

	problem_init(&problems);
	if (marked) {
		memcpy(marked, text, size);
		memcpy(marked + size, marker, sizeof(marker));
		error = policy_parse(&signing->policy, signing->name, marked, size + sizeof(marker) - 1, NULL,
		                     &problems);
	}
	if (error)
		cli_failure(error, &problems, &signing->policy.sources);
	problem_fini(&problems);
	return error ? cli_exit_of_read(error) : CLI_GO_ON;
}

// What has to be in it for any box to take it. When it is valid is for the day it arrives.
static int judge(struct signing *signing, const char *text, size_t size)
{
	struct trust_verdict verdict = {.code = TRUST_GOOD, .valid_to = INT64_MAX};
	struct trust any = {0};
	struct problems problems;
	int error;

	problem_init(&problems);
	error = trust_hash(text, size, verdict.content);
	if (!error)
		error = cli_judge_anywhere(&signing->policy, &verdict, &any, signing->now, TRUST_STANDING,
		                           &problems);
	if (error)
		cli_failure(error, &problems, &signing->policy.sources);
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return error == -ENOMEM ? CLI_INTERNAL : CLI_POLICY;
}

// A manifest of an update has the same signature, and is none of the rest.
static int check_manifest(struct signing *signing, const char *text, size_t size)
{
	char *copy = strndup(text, size);
	struct problems problems;
	int error = -ENOMEM;

	problem_init(&problems);
	if (copy)
		error = update_manifest_read(signing->name, copy, size, 0, &signing->policy, &signing->manifest,
		                             &problems);
	if (error)
		cli_failure(error, &problems, &signing->policy.sources);
	problem_fini(&problems);
	signing->is_update = true;
	return error ? cli_exit_of_read(error) : CLI_GO_ON;
}

// As `check`: limits that only compiling meets are errors too.
static int check_policy(struct signing *signing, const char *text, size_t size)
{
	struct ruleset ruleset;
	int status = parse(signing, text, size);

	if (status == CLI_GO_ON)
		status = judge(signing, text, size);
	if (status != CLI_GO_ON)
		return status;
	ruleset_init(&ruleset);
	status = cli_compile(&signing->policy, &ruleset);
	ruleset_fini(&ruleset);
	if (status == CLI_GO_ON)
		cli_warnings(&signing->policy, false);
	return status;
}

// ---- key and certificates ----

static int read_file(const char *what, const char *name, size_t limit, char **ret_text, size_t *ret_size)
{
	int error = file_read(name, limit, ret_text, ret_size);

	if (!error)
		return CLI_GO_ON;
	cli_message("cannot read the %s %s: %s", what, name,
	            error == -EFBIG ? "it is too large to be one" : strerror(-error));
	return cli_exit_of_read(error);
}

// Whoever reads the key signs.
static void warn_of_readers(const char *name)
{
	struct stat status;

	if (stat(name, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)))
		cli_message("warning: %s can be read or written by others (chmod 600 %s)", name, name);
}

static void wipe(char *text, size_t size)
{
	if (text)
		explicit_bzero(text, size);
	free(text);
}

// CLI_GO_ON and signing->out, or an exit code after a message.
static int make_signature(struct signing *signing, const char *key, size_t key_size, const char *certificates,
                          size_t certificates_size)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = buffer_failed(&signing->out)
	                ? -ENOMEM
	                : trust_sign(&signing->out, key, key_size, certificates, certificates_size, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return error == -ENOMEM || error == -EIO ? CLI_INTERNAL : CLI_POLICY;
}

static int sign(struct signing *signing, const struct cli_arguments *arguments)
{
	char *key = NULL, *certificates = NULL;
	size_t key_size = 0, certificates_size = 0;
	int status = read_file("key", arguments->key, KEY_MAX, &key, &key_size);

	if (status == CLI_GO_ON)
		warn_of_readers(arguments->key);
	if (status == CLI_GO_ON && arguments->certificate)
		status = read_file("certificate", arguments->certificate, CERTIFICATES_MAX, &certificates,
		                   &certificates_size);
	if (status == CLI_GO_ON)
		status = make_signature(signing, key, key_size, certificates, certificates_size);
	wipe(key, key_size);
	free(certificates);
	return status;
}

// ---- the answer ----

static int answer(struct signing *signing, const struct cli_arguments *arguments)
{
	int status;

	if (!arguments->output)
		return cli_answer(&signing->out, CLI_YES);
	status = signing_write(signing, arguments->output);
	return status == CLI_GO_ON ? CLI_YES : status;
}

static int run(struct signing *signing, const struct cli_arguments *arguments)
{
	char *text = NULL;
	size_t size = 0;
	int status = read_text(signing->name, &text, &size);

	if (status == CLI_GO_ON)
		status = update_manifest_begins(text, size) ? check_manifest(signing, text, size)
		                                            : check_policy(signing, text, size);
	if (status == CLI_GO_ON) {
		buffer_add(&signing->out, text, size);
		signing->text_size = size;
		status = sign(signing, arguments);
	}
	free(text);
	if (status == CLI_GO_ON)
		status = signing_verify(signing);
	if (status == CLI_GO_ON)
		status = answer(signing, arguments);
	if (status == CLI_YES)
		signing_tell(signing);
	return status;
}

int cli_sign(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct signing *signing;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	if (!arguments.key) {
		cli_message("sign: --key FILE is missing: whose signature is it to be?");
		return CLI_USAGE;
	}
	status = signing_output_is_new(&arguments);
	if (status != CLI_GO_ON)
		return status;
	signing = calloc(1, sizeof(*signing));
	if (!signing) {
		cli_message("out of memory");
		return CLI_INTERNAL;
	}
	signing->name = arguments.operands[0];
	signing->now = (int64_t)time(NULL);
	policy_init(&signing->policy);
	status = run(signing, &arguments);
	policy_fini(&signing->policy);
	buffer_fini(&signing->out);
	free(signing);
	return status;
}
