// SPDX-License-Identifier: GPL-2.0-or-later
//
// Users and groups as /etc/passwd and /etc/group have them, and nobody else: the wall comes before the network,
// and a directory service that cannot be reached yet would keep it waiting.
#ifndef LEADGLASS_BASE_ACCOUNTS_H
#define LEADGLASS_BASE_ACCOUNTS_H

#include <stddef.h>
#include <sys/types.h>

// 0, or -errno: -ENOENT, there is no such user or group.
int accounts_user(const char *name, uid_t *ret_uid, gid_t *ret_gid);
int accounts_uid(uid_t uid, gid_t *ret_gid); // 0: somebody has it; `ret_gid` may be NULL
int accounts_group(const char *name, gid_t *ret);
// The user's groups, `gid` first; at most `max`, else -E2BIG.
int accounts_groups_of(const char *user, gid_t gid, gid_t *groups, size_t max, size_t *ret_count);

#endif
