// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where `leadglass sign` writes to: a file that is there whole or not at all.
#include "cli/cli_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

// Nobody means to have the signed policy in the place of the key it was made with.
static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return a && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int signing_output_is_new(const struct cli_arguments *arguments)
{
	const char *output = arguments->output, *name = arguments->operands[0];

	if (!output || !(same_file(name, output) || same_file(arguments->key, output) ||
	                 same_file(arguments->certificate, output)))
		return CLI_GO_ON;
	cli_message("sign: --output %s is what is read; give the signed policy a name of its own", output);
	return CLI_USAGE;
}

int signing_write(const struct signing *signing, const char *name)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	struct buffer path = BUFFER_EMPTY;
	struct stat status;
	int folder, error = 0;

	if (base == name)
		buffer_text(&path, ".");
	else
		buffer_add(&path, name, (size_t)(base - name));
	if (buffer_failed(&path)) {
		cli_message("out of memory");
		buffer_fini(&path);
		return CLI_INTERNAL;
	}
	folder = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buffer_fini(&path);
	if (folder < 0)
		error = -errno;
	else if (!*base ||
	         (fstatat(folder, base, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode)))
		error = -EEXIST;
	else
		error = file_write_durable(folder, base, signing->out.data, signing->out.size, 0644);
	if (folder >= 0)
		close(folder);
	if (!error)
		return CLI_GO_ON;
	cli_message("cannot write %s: %s", name,
	            error == -EEXIST ? "there is something that is no file" : strerror(-error));
	return error == -EACCES || error == -EPERM ? CLI_KERNEL : CLI_INTERNAL;
}
