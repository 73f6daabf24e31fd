// SPDX-License-Identifier: GPL-2.0-or-later
//
// Giving up what is not needed: capabilities, system calls, files. What is given up here is given up for every
// process started later too: an outside process that is started again inherits the keeper's limits and then
// adds its own, so the keeper keeps `connect` where a collector has to be reached.
#ifndef LEADGLASS_SANDBOX_SANDBOX_H
#define LEADGLASS_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sandbox_folder {
	int fd;     // open folder
	bool write; // also make, replace and remove files in it
};

// Each returns 0, or -errno: -ENOSYS / -EOPNOTSUPP when the kernel lacks it (worth an alarm, no reason to
// stop). With AddressSanitizer sandbox_files and sandbox_calls_* return -ENOSYS: it needs more than they leave.

// Becomes `user` (NULL: stays) with its groups and `group` (NULL: none more; both as accounts.h
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
// That of sandbox_apart: what is open may be read, memory taken, and the answer written. No socket, no file, no
// process.
int sandbox_calls_apart(void);

// What this kernel has of both, whatever this process may use of it.
int sandbox_landlock_version(void); // its ABI; or -errno, -ENOSYS or -EOPNOTSUPP (not switched on at boot)
int sandbox_has_filters(void);      // 0: seccomp filters; or -errno, -ENOSYS also on an unknown architecture

// Moves the `count` descriptors (-1: none) to the numbers from 3 on, in their order, and closes all others. 0,
// 1 and 2 become copies of `null`, or, where that is -1, are closed: what a library writes there is not to land
// in one of ours. 0 or -errno.
int sandbox_keep_only(int null, int *fds, size_t count);

// ---- sandbox_apart.c ----

#define SANDBOX_APART_PATIENCE 10000 // ms

// Runs `work` in a process of its own that holds nothing: no privilege, no file but `fd` (-1: none; `work` gets
// its number there), nothing of the caller but a copy of its memory. `ret` is what it left there, `size`
// octets, zero before it begins: the word of a process that may have been taken over by what it read, to be
// checked like anything from outside. 0; -EPROTO it died or gave no whole answer; -ETIMEDOUT it was ended after
// SANDBOX_APART_PATIENCE; -EPERM it could not give everything up; else -errno, no process could be made. After
// a failure `ret` is zero.
int sandbox_apart(void (*work)(const void *context, int fd, void *ret), const void *context, int fd, void *ret,
                  size_t size);

#endif
