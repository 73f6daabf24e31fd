// SPDX-License-Identifier: GPL-2.0-or-later
//
// Giving up what is not needed: capabilities, system calls, files.
#ifndef LEADGLASS_AGENT_AGENT_SANDBOX_H
#define LEADGLASS_AGENT_AGENT_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox_folder {
	int fd;     // open folder
	bool write; // also make, replace and remove files in it
};

// Each returns 0, or -errno: -ENOSYS / -EOPNOTSUPP when the kernel lacks it (worth an alarm, no reason to stop).

// Becomes `user` (NULL: stays) with its groups and `group`, keeping CAP_NET_ADMIN alone, without
// a way to get more (no_new_privs, bounding set emptied where allowed).
int sandbox_become(const char *user, const char *group);
// Gives up CAP_NET_ADMIN too: the outside process.
int sandbox_drop_all(void);
// Landlock: of the file system only these folders (none: nothing); with ABI 4 no TCP bind, with `connect` false no
// TCP connect either.
int sandbox_files(const struct sandbox_folder *folders, size_t count, bool connect);
// seccomp: the keeper's system calls; any other ends the process (SIGSYS).
int sandbox_calls_keeper(void);
// The outside process's: the same idea, much less.
int sandbox_calls_outside(void);

#endif
