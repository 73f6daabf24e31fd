// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass trust add`: shows what it is that is to be trusted, and what follows from it.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/cli_text.h"
#include "cli/cli_trust.h"

struct addition {
	const struct cli_arguments *arguments;
	const char *file; // NULL: there is only the identity to write
	char name[TRUST_NAME_MAX];
	enum trust_scope scope; // what the name says
	char *text;
	size_t size;
	struct trust_about about;
	struct cli_standing standing;
	bool there;                                      // with this very content
	bool first;                                      // nobody asked for signatures before
	char site[TRUST_NAME_MAX], unit[TRUST_NAME_MAX]; // which box it was before; "": it was not told
};

// ---- the name ----

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size > end_size && strcmp(text + size - end_size, end) == 0;
}

// Takes what a name says about what may be changed off it: "site", "oem", or "" everything.
static const char *take_scope(char *name)
{
	static const char *const scopes[] = {".site", ".oem"};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (ends_with(name, scopes[i])) {
			name[strlen(name) - strlen(scopes[i])] = '\0';
			return scopes[i] + 1;
		}
	}
	return "";
}

// A file's name without its folder and what says of which kind the file is.
static void take_stem(const char *file, char ret[static TRUST_NAME_MAX])
{
	static const char *const kinds[] = {".pem", ".crt", ".cer", ".cert", ".pub", ".key"};
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	size_t size = strlen(base);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (ends_with(base, kinds[i])) {
			size -= strlen(kinds[i]);
			break;
		}
	}
	(void)snprintf(ret, TRUST_NAME_MAX, "%.*s", (int)(size < TRUST_NAME_MAX ? size : TRUST_NAME_MAX), base);
}

// Makes a name that a trust folder can have of one that a file has.
static void clean(char *name)
{
	size_t skipped = 0, at;

	while (name[skipped] && !isalnum((unsigned char)name[skipped]))
		skipped++;
	memmove(name, name + skipped, strlen(name + skipped) + 1);
	for (at = 0; name[at]; at++) {
		if (!isalnum((unsigned char)name[at]) && name[at] != '_')
			name[at] = '-';
	}
}

static int make_name(struct addition *addition)
{
	const struct cli_arguments *arguments = addition->arguments;
	const char *given = arguments->count > 2 ? arguments->operands[2] : NULL, *scope;
	char stem[TRUST_NAME_MAX];

	if (!given)
		take_stem(addition->file, stem);
	else if (cli_trust_name(given, stem) != CLI_GO_ON)
		return CLI_USAGE;
	scope = take_scope(stem);
	if (!given)
		clean(stem);
	if (arguments->scope && strcmp(arguments->scope, "site") != 0 && strcmp(arguments->scope, "oem") != 0) {
		cli_message(
		        "trust add: --for %s: it is site (everything but role and box) or oem (role and box)",
		        arguments->scope);
		return CLI_USAGE;
	}
	if (arguments->scope && scope[0] && strcmp(arguments->scope, scope) != 0) {
		cli_message("trust add: --for %s, but the name says .%s; give another name", arguments->scope,
		            scope);
		return CLI_USAGE;
	}
	if (arguments->scope)
		scope = arguments->scope;
	addition->scope = scope[0] == 's' ? TRUST_SITE : scope[0] == 'o' ? TRUST_OEM : TRUST_ALL;
	if (!stem[0]) {
		cli_message("trust add: no name can be made of %s; say one after it", addition->file);
		return CLI_USAGE;
	}
	if (snprintf(addition->name, sizeof(addition->name), "%s%s%s", stem, scope[0] ? "." : "", scope) >=
	    (int)sizeof(addition->name)) {
		cli_message("trust add: %s.%s: a name has at most %d characters", stem, scope,
		            TRUST_NAME_MAX - 1);
		return CLI_USAGE;
	}
	return CLI_GO_ON;
}

// ---- what it is ----

static int read_file(struct addition *addition)
{
	int error = file_read(addition->file, TRUST_ANCHOR_MAX, &addition->text, &addition->size);

	if (!error)
		return CLI_GO_ON;
	if (error == -EFBIG)
		cli_message("%s is over %u KiB, and so no single certificate or key", addition->file,
		            TRUST_ANCHOR_MAX >> 10);
	else
		cli_message("cannot read %s: %s", addition->file, strerror(-error));
	return cli_exit_of_read(error);
}

static int look_at(struct addition *addition)
{
	struct problems problems;
	int error, status = CLI_GO_ON;

	problem_init(&problems);
	error = trust_about_apart(addition->text, addition->size, &addition->about, &problems);
	if (error) {
		cli_failure(error, &problems, NULL);
		status = CLI_INTERNAL;
	} else if (!addition->about.good) {
		cli_message("%s cannot be used: %s%s; nothing was changed", addition->file, addition->about.why,
		            cli_trust_taken(&addition->about));
		status = CLI_POLICY;
	}
	problem_fini(&problems);
	return status;
}

static bool holds(const struct addition *addition, const struct trust *trust)
{
	const struct trust_anchor *found = addition->file ? cli_trust_find(trust, addition->name) : NULL;

	return found && found->size == addition->size && memcmp(found->text, addition->text, found->size) == 0;
}

// How the folder is now. One that is damaged is not added to: what is wrong with it is to be seen first. An
// identity that is written anew as a whole may be damaged: this is how it is put right.
static int read_before(struct addition *addition)
{
	const struct cli_arguments *arguments = addition->arguments;
	struct problems problems;
	struct trust trust;
	int error;

	problem_init(&problems);
	error = trust_read(arguments->trust, &trust, &problems);
	if (error && error != -ENOMEM && arguments->site && arguments->unit) {
		problem_fini(&problems);
		error = trust_read_anchors(arguments->trust, &trust, &problems);
	}
	addition->first = trust.count == 0;
	addition->there = holds(addition, &trust);
	memcpy(addition->site, trust.site, sizeof(addition->site));
	memcpy(addition->unit, trust.unit, sizeof(addition->unit));
	if (error) {
		cli_failure(error, &problems, NULL);
		cli_message("nothing was changed");
	}
	problem_fini(&problems);
	trust_fini(&trust);
	return error ? cli_trust_exit_of_read(error) : CLI_GO_ON;
}

// ---- doing it ----

// The identity first: an anchor on a box that has none has every policy refused.
static int write_it(const struct addition *addition)
{
	const struct cli_arguments *arguments = addition->arguments;
	struct problems problems;
	bool told = arguments->site || arguments->unit;
	int error = 0;

	problem_init(&problems);
	if (told)
		error = trust_identify(arguments->trust, arguments->site, arguments->unit, &problems);
	if (!error && addition->file) {
		error = trust_add(arguments->trust, addition->name, addition->text, addition->size, &problems);
		told = told && error;
	} else {
		told = false;
	}
	if (error)
		cli_failure(error, &problems, NULL);
	if (told)
		cli_message("site and unit were written all the same");
	problem_fini(&problems);
	return error ? cli_trust_exit_of(error) : CLI_GO_ON;
}

static void warn_validity(const struct trust_about *about, int64_t now)
{
	if (!about->is_key && about->valid_to < now)
		cli_message("warning: it has expired: no new policy can be signed under it");
	else if (!about->is_key && about->valid_from > now)
		cli_message("warning: it is not valid yet, by this machine's clock");
}

// What it means from now on, with the folder as it is read by everybody else.
static int say_what_follows(const struct addition *addition)
{
	const char *folder = addition->arguments->trust;
	struct problems problems;
	struct trust trust;
	int status = CLI_GO_ON, error;

	problem_init(&problems);
	error = trust_read(folder, &trust, &problems);
	if (error) {
		cli_failure(error, &problems, NULL);
		status = cli_trust_exit_of_read(error);
	} else if (trust.count) {
		if (addition->first)
			cli_message("from now on unsigned policies are refused, at the next start of "
			            "leadglassd too");
		if (!trust.site[0] || !trust.unit[0])
			cli_message("warning: this box has not been told its %s, and so refuses every signed "
			            "policy: leadglass trust add%s%s",
			            cli_trust_untold(&trust), trust.site[0] ? "" : " --site NAME",
			            trust.unit[0] ? "" : " --unit NAME");
		status = cli_standing_check(&addition->standing, &trust);
	}
	problem_fini(&problems);
	trust_fini(&trust);
	return status;
}

// What was there before is worth a second look: a slip here has the next start close the wall.
static void write_told(const char *told, const char *what, const char *before, struct buffer *out)
{
	if (!told)
		return;
	buffer_printf(out, "%s%s", what, told);
	if (before[0] && strcmp(before, told) != 0)
		buffer_printf(out, " (was %s)", before);
}

static void write_answer(const struct addition *addition, int64_t now, struct buffer *out)
{
	const struct cli_arguments *arguments = addition->arguments;

	if (addition->there) {
		buffer_printf(out, "%s was trusted already: its signers may change %s\n", addition->name,
		              trust_scope_may(addition->scope));
	} else if (addition->file) {
		buffer_printf(out, "%s is trusted now: its signers may change %s\n", addition->name,
		              trust_scope_may(addition->scope));
	}
	if (addition->file)
		cli_trust_about(&addition->about, now, out);
	if (!arguments->site && !arguments->unit)
		return;
	buffer_text(out, "this box is ");
	write_told(arguments->site, "at site ", addition->site, out);
	if (arguments->site && arguments->unit)
		buffer_text(out, ", ");
	write_told(arguments->unit, "unit ", addition->unit, out);
	buffer_text(out, "\n");
}

static int add(struct addition *addition)
{
	struct buffer out = BUFFER_EMPTY;
	int64_t now = (int64_t)time(NULL);
	int status = addition->file ? make_name(addition) : CLI_GO_ON;

	if (status == CLI_GO_ON && addition->file)
		status = read_file(addition);
	if (status == CLI_GO_ON && addition->file)
		status = look_at(addition);
	if (status == CLI_GO_ON)
		status = read_before(addition);
	if (status == CLI_GO_ON)
		status = cli_standing_read(addition->arguments, &addition->standing);
	if (status == CLI_GO_ON)
		status = write_it(addition);
	if (status != CLI_GO_ON)
		return status;
	write_answer(addition, now, &out);
	if (addition->file)
		warn_validity(&addition->about, now);
	status = say_what_follows(addition);
	if (status == CLI_GO_ON)
		return cli_answer(&out, CLI_YES);
	cli_message("it was written all the same");
	buffer_fini(&out);
	return status;
}

int cli_trust_add(const struct cli_arguments *arguments)
{
	struct addition addition = {.arguments = arguments, .file = arguments->operands[1]};
	int status;

	if (!addition.file && arguments->scope) {
		cli_message("trust add: --for goes with a certificate or a key");
		return CLI_USAGE;
	}
	if (!addition.file && !arguments->site && !arguments->unit) {
		cli_message("trust add: nothing given to add: a certificate or a key, or --site and --unit");
		return CLI_USAGE;
	}
	status = add(&addition);
	cli_standing_fini(&addition.standing);
	free(addition.text);
	return status;
}
