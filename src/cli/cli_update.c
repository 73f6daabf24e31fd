// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass update`: a signed image to the slot that does not run, and what the start scripts of a box tell
// the boot loader. With --dry-run it says on any computer whether an update file is whole and signed.
#include "cli/cli_update.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/cli_text.h"
#include "update/update.h"

#define DEEDS (CLI_UPDATE_STATUS | CLI_ACCEPT | CLI_RESET | CLI_RESET_DONE)

static const struct cli_command command = {
        .name = "update",
        .about = "write a signed image to the slot that does not run",
        .synopsis = "[--dry-run] [--trust DIR] [--box DIR] FILE\n"
                    "       leadglass update --status [--json] [--box DIR]\n"
                    "       leadglass update --accept | --reset | --reset-done [--box DIR]",
        .options = CLI_DRY_RUN | DEEDS | CLI_JSON | CLI_UPDATE_TRUST | CLI_BOX,
        .least = 0,
        .most = 1,
        .details = "FILE is an update file, or - for standard input. Nothing is written before its\n"
                   "signature, its board, its serial and all of its image were found good. The\n"
                   "next start tries the new slot, three times at most, and goes back to the one\n"
                   "that runs now unless the new one's wall is verified. --dry-run works on any\n"
                   "computer.\n"
                   "\n"
                   "Exit status: 0 done, 2 usage, 3 the update file is not taken, 4 this is no\n"
                   "box, or its disk failed, 5 internal.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass update --status\n",
};

// What reading an update file has found out.
struct cli_update {
	const struct cli_arguments *arguments;
	const char *name; // of the file
	struct trust trust;
	struct update update;
	struct update_box box;
	bool on_box; // else it is a laptop
	bool same;   // the running slot holds this very image
};

static int failed(int error, const struct problems *problems, const struct sources *sources)
{
	cli_failure(error, problems, sources);
	switch (error) {
	case -EKEYREJECTED:
	case -EINVAL:
	case -EBADMSG:
	case -EFBIG:
	case -ENOKEY:
		return CLI_POLICY;
	default:
		return cli_exit_of(error);
	}
}

static const char *root_of(const struct cli_arguments *arguments)
{
	return arguments->box ? arguments->box : "";
}

// ---- the file ----

static int open_file(const char *name)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return fd;
	fd = -errno;
	cli_message("cannot read %s: %s", name, strerror(-fd));
	return fd;
}

// CLI_GO_ON and the whole update, or an exit code after a message.
static int read_file(struct cli_update *run)
{
	const char *folder = run->arguments->update_trust ? run->arguments->update_trust : UPDATE_TRUST_FOLDER;
	struct problems problems;
	int fd = -1, status = CLI_GO_ON, error;

	problem_init(&problems);
	error = update_trust_read(folder, &run->trust, &problems);
	if (!error) {
		fd = open_file(run->name);
		if (fd < 0)
			status = cli_exit_of_read(fd);
	}
	if (!error && fd >= 0)
		error = update_read(fd, run->name, &run->trust, (int64_t)time(NULL), &run->update, &problems);
	if (error)
		status = failed(error, &problems, &run->update.holder.sources);
	else
		cli_problems(&problems, &run->update.holder.sources); // warnings
	problem_fini(&problems);
	if (fd > STDERR_FILENO)
		close(fd);
	return status;
}

// ---- this box ----

// Whether this is a box, and takes it. CLI_GO_ON, or an exit code after a message.
static int judge(struct cli_update *run)
{
	struct problems problems;
	int error, status = CLI_GO_ON;

	problem_init(&problems);
	error = update_box_read(root_of(run->arguments), &run->box, &problems);
	run->on_box = !error;
	if (!error && run->update.manifest.serial == run->box.serial)
		error = update_box_holds(&run->box, &run->update.manifest, &problems);
	if (error >= 0 && run->on_box) {
		run->same = error > 0;
		error = update_judge(&run->update, &run->box, run->same, &problems);
	}
	// On a laptop the file alone is asked about.
	if (error == -ENODEV && (run->arguments->options & CLI_DRY_RUN))
		error = 0;
	if (error)
		status = failed(error, &problems, &run->update.holder.sources);
	problem_fini(&problems);
	return status;
}

static void tell(const char *what)
{
	cli_message("%s", what);
}

static int write_slot(const struct cli_update *run)
{
	struct problems problems;
	int error, status = CLI_GO_ON;

	problem_init(&problems);
	error = update_write(&run->update, &run->box, tell, &problems);
	if (error)
		status = failed(error, &problems, NULL);
	problem_fini(&problems);
	return status;
}

static int answer(const struct cli_update *run)
{
	const struct update_manifest *manifest = &run->update.manifest;
	const struct trust_verdict *verdict = &run->update.verdict;
	const char *slot = update_slot_name(update_slot_other(run->box.running));
	const bool dry = run->arguments->options & CLI_DRY_RUN;
	struct buffer out = BUFFER_EMPTY;

	buffer_printf(&out, "%s: board %s, serial %" PRIu64 ", version %s\n", run->name, manifest->board,
	              manifest->serial, manifest->version);
	buffer_printf(&out, "signed by %s, and %s vouches for that\n", verdict->signer, verdict->anchor);
	if (run->same)
		buffer_text(&out, "it is the image that runs here\n");
	if (!run->on_box)
		buffer_text(&out, "this machine is no box: whether one takes it was not asked\n");
	else if (dry)
		buffer_printf(&out, "this box takes it; nothing was written to slot %s\n", slot);
	else
		buffer_printf(&out, "written to slot %s and read back; the next start tries it\n", slot);
	return cli_answer(&out, CLI_YES);
}

static int update(const struct cli_arguments *arguments)
{
	struct cli_update *run = calloc(1, sizeof(*run));
	int status;

	if (!run) {
		cli_message("out of memory");
		return CLI_INTERNAL;
	}
	run->arguments = arguments;
	run->name = arguments->operands[0];
	update_init(&run->update);
	status = read_file(run);
	if (status == CLI_GO_ON)
		status = judge(run);
	if (status == CLI_GO_ON && !(arguments->options & CLI_DRY_RUN))
		status = write_slot(run);
	if (status == CLI_GO_ON)
		status = answer(run);
	update_fini(&run->update);
	trust_fini(&run->trust);
	free(run);
	return status;
}

// ---- without a file ----

static int tell_boot_loader(const struct update_box *box, uint64_t deed)
{
	struct buffer out = BUFFER_EMPTY;
	struct problems problems;
	bool changed = false;
	int error, status;

	problem_init(&problems);
	if (deed == CLI_ACCEPT)
		error = update_accept(box, &changed, &problems);
	else
		error = update_reset(box, deed == CLI_RESET, &problems);
	if (error) {
		status = failed(error, &problems, NULL);
	} else {
		if (deed == CLI_ACCEPT)
			buffer_printf(&out, "slot %s is %s\n", update_slot_name(box->running),
			              box->fallback ? "for this time only"
			              : changed     ? "accepted: good from now on"
			                            : "good already");
		else if (deed == CLI_RESET)
			buffer_text(
			        &out,
			        "the next start empties the data partition: no policy, no trust, the closed "
			        "wall\n");
		status = cli_answer(&out, CLI_YES);
	}
	problem_fini(&problems);
	return status;
}

static int without_file(const struct cli_arguments *arguments, uint64_t deed)
{
	struct update_box box;
	struct problems problems;
	int error, status = CLI_GO_ON;

	problem_init(&problems);
	error = update_box_read(root_of(arguments), &box, &problems);
	if (error) {
		cli_failure(error, &problems, NULL);
		status = cli_exit_of(error);
	}
	problem_fini(&problems);
	if (status != CLI_GO_ON)
		return status;
	if (deed == CLI_UPDATE_STATUS)
		return update_status(&box, arguments->options & CLI_JSON);
	return tell_boot_loader(&box, deed);
}

static int usage(const char *what)
{
	cli_message("update: %s", what);
	return CLI_USAGE;
}

int cli_update(int argc, char **argv)
{
	struct cli_arguments arguments;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	const uint64_t deed = arguments.options & DEEDS;
	if ((deed & (deed - 1)) || (deed && arguments.count))
		return usage("one thing at a time: an update file, --status, --accept or --reset");
	if (!deed && !arguments.count)
		return usage("which update file? or one of --status, --accept and --reset");
	if (deed && (arguments.options & (CLI_DRY_RUN | CLI_UPDATE_TRUST)))
		return usage("--dry-run and --trust go with an update file");
	if ((arguments.options & CLI_JSON) && deed != CLI_UPDATE_STATUS)
		return usage("--json goes with --status");
	return deed ? without_file(&arguments, deed) : update(&arguments);
}
