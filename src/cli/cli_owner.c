// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who works in a state folder; see cli_signed.h.
#include "cli/cli_signed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

void cli_become_owner(const char *folder)
{
	struct stat status;

	if (geteuid() != 0 || lstat(folder, &status) < 0 || !S_ISDIR(status.st_mode) || status.st_uid == 0)
		return;
	if (setegid(status.st_gid) < 0 || seteuid(status.st_uid) < 0)
		cli_message("cannot work as the owner of %s: %s", folder, strerror(errno));
}

void cli_become_self(void)
{
	// The user first: only root may choose a group. Back to who started this: capabilities come back with
	// it.
	if (geteuid() != getuid() && seteuid(getuid()) < 0)
		cli_message("cannot become root again: %s", strerror(errno));
	if (getegid() != getgid() && setegid(getgid()) < 0)
		cli_message("cannot become root's group again: %s", strerror(errno));
}
