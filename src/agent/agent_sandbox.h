// SPDX-License-Identifier: GPL-2.0-or-later
//
// Giving up what is not needed: capabilities, system calls, files. What is given up here is given up for every
// process started later too: an outside process that is started again inherits the keeper's limits and then
// adds its own, so the keeper keeps `connect` where a collector has to be reached.
#ifndef LEADGLASS_AGENT_AGENT_SANDBOX_H
#define LEADGLASS_AGENT_AGENT_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sandbox_folder {
	int fd;     // open folder
	bool write; // also make, replace and remove files in it
};

// Each returns 0, or -errno: -ENOSYS / -EOPNOTSUPP when the kernel lacks it (worth an alarm, no reason to
// stop). With AddressSanitizer sandbox_files and sandbox_calls_* return -ENOSYS: it needs more than they leave.

// Becomes `user` (NULL: stays) with its groups and `group` (NULL: none more; both as agent_accounts.h
// finds them), keeping CAP_NET_ADMIN alone, and where it stays root CAP_SETUID and
// CAP_SETGID for sandbox_drop_all; without a way to get more (no_new_privs; ambient set empty; bounding set
// empty where the process may do that). Where the process is `user` already, as under systemd, its groups stay
// as they are. -ENOENT: there is no such user or group; -EPERM: it may not become `user`, or has no
// CAP_NET_ADMIN.
int sandbox_become(const char *user, const char *group);
// The same by number, with no group but `gid` and `group`.
int sandbox_become_ids(uid_t uid, gid_t gid, const char *group);
// Gives up CAP_NET_ADMIN too: the outside process. Root becomes nobody for all that files and sockets ask
// about, and stays root for one thing, which is to be ended by a keeper that is root without CAP_KILL.
int sandbox_drop_all(void);
// Landlock: of the file system only these folders (none: nothing); with ABI 4 no TCP bind, with `connect` false
// no TCP connect either; with ABI 6 no abstract unix socket of others (one connected before goes on working),
// and, for a process without folders, no signals to others. More than one call adds limits.
int sandbox_files(const struct sandbox_folder *folders, size_t count, bool connect);
// seccomp: the keeper's system calls; any other ends the process (SIGSYS). `connect`: IP sockets may be made,
// which the keeper itself never does.
int sandbox_calls_keeper(bool connect);
// The outside process's: the same idea, much less. Without `connect` no socket can be made at all; and none,
// nor any other descriptor, can be passed on.
int sandbox_calls_outside(bool connect);

#endif
