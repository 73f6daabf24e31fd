// SPDX-License-Identifier: GPL-2.0-or-later
//
// Capabilities and Landlock, by the kernel's own calls: libcap would be a library more for six lines, and
// Debian 12's headers know Landlock's first version only. The system calls are in sandbox_calls.c.
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/accounts.h"

// As many as Linux allows a process are 65536; who is in more than these is no service user.
#define GROUPS_MAX 64

#define NOBODY 65534 // Linux's own overflow user and group: by number, no list of users has a say

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[GROUPS_MAX + 1]; // one place for `group`
	int count;
};

static int find_user(const char *user, struct identity *ret)
{
	size_t count = 0;
	int error = accounts_user(user, &ret->uid, &ret->gid);

	if (!error)
		error = accounts_groups_of(user, ret->gid, ret->groups, GROUPS_MAX, &count);
	ret->count = (int)count;
	return error;
}

static int stay(struct identity *ret)
{
	ret->uid = getuid();
	ret->gid = getgid();
	ret->count = getgroups(GROUPS_MAX, ret->groups);
	return ret->count < 0 ? -errno : 0;
}

static int add_group(const char *group, struct identity *identity)
{
	gid_t gid;
	int error = accounts_group(group, &gid);

	if (error)
		return error;
	for (int i = 0; i < identity->count; i++)
		if (identity->groups[i] == gid)
			return 0;
	identity->groups[identity->count++] = gid;
	return 0;
}

static int set_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	        {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
	        {.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
	};

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int get_capabilities(uint64_t *ret_permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

// Nothing is ever executed, so the bounding set matters only to what has taken over the process, and then
// no_new_privs stands before it. Without CAP_SETPCAP it cannot be emptied: the service manager has done it
// then.
static void empty_bounding_set(void)
{
	for (unsigned long capability = 0; capability < 64; capability++)
		if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1 ||
		    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			continue;
}

static int lock_privileges(void)
{
	// EINVAL: a kernel without ambient capabilities
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	// Whoever else runs as this user has no business in our memory, and a core file holds a hospital's
	// addresses.
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int become(const struct identity *identity)
{
	// Capabilities are to survive the change of user.
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setgroups((size_t)identity->count, identity->groups) < 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return -errno;
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int become_with(struct identity *identity, bool other, const char *group)
{
	const uint64_t net_admin = UINT64_C(1) << CAP_NET_ADMIN;
	const uint64_t change_user = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID;
	const bool root = geteuid() == 0;
	uint64_t permitted = 0;
	int error = 0;

	if (group)
		error = add_group(group, identity);
	if (!error)
		error = get_capabilities(&permitted);
	if (error)
		return error;
	if (!(permitted & net_admin) || (!root && identity->uid != getuid()))
		return -EPERM;
	empty_bounding_set();
	if (root && (other || group)) {
		error = become(identity);
		if (error)
			return error;
	}
	error = set_capabilities(permitted & (geteuid() == 0 ? net_admin | change_user : net_admin));
	if (!error)
		error = lock_privileges();
	return error;
}

int sandbox_become(const char *user, const char *group)
{
	struct identity identity = {.count = 0};
	int error = user ? find_user(user, &identity) : stay(&identity);

	return error ? error : become_with(&identity, user != NULL, group);
}

int sandbox_become_ids(uid_t uid, gid_t gid, const char *group)
{
	struct identity identity = {.uid = uid, .gid = gid, .groups = {gid}, .count = 1};

	return become_with(&identity, true, group);
}

// Where there is no way to (a container without these capabilities, or without that number) it stays root, as
// far as root without capabilities goes. The real user does not change: who has neither it nor CAP_KILL cannot
// end the process.
static int leave_root(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid((uid_t)-1, NOBODY, NOBODY) == 0)
		return 0;
	return errno == EPERM || errno == EINVAL ? 0 : -errno;
}

int sandbox_drop_all(void)
{
	int error = leave_root();

	if (!error)
		error = set_capabilities(0);
	return error ? error : lock_privileges();
}

// ---- descriptors ----

int sandbox_keep_only(int null, int *fds, size_t count)
{
	int next = 3;
	long last;

	for (size_t i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC,
		               3 + (int)count); // out of the way, and no further: RLIMIT_NOFILE
		if (fds[i] < 0)
			return -errno;
	}
	for (int fd = 0; fd < 3; fd++) {
		if (null >= 0 && dup2(null, fd) < 0)
			return -errno;
		if (null < 0)
			close(fd);
	}
	for (size_t i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		if (dup3(fds[i], next, O_CLOEXEC) < 0)
			return -errno;
		fds[i] = next++;
	}
	if (syscall(SYS_close_range, (unsigned)next, ~0u, 0) == 0)
		return 0;
	last = sysconf(_SC_OPEN_MAX);
	for (int fd = next; fd < (last > 0 && last < 4096 ? last : 4096); fd++)
		close(fd);
	return 0;
}

// ---- Landlock: <linux/landlock.h> as of ABI 6 ----

#ifndef SYS_landlock_create_ruleset // the same numbers on every architecture
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_MAKE_SOCK (UINT64_C(1) << 9)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

struct ruleset_attributes {
	uint64_t handled_fs, handled_net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

// All file rights that a version knows: to handle a right is to forbid it where no rule allows it.
static uint64_t known_file_rights(int abi)
{
	if (abi >= 5)
		return (UINT64_C(1) << 16) - 1; // ioctl on devices
	if (abi >= 3)
		return (UINT64_C(1) << 15) - 1; // truncate
	if (abi >= 2)
		return (UINT64_C(1) << 14) - 1; // rename and link between folders
	return (UINT64_C(1) << 13) - 1;
}

static int add_folder(int ruleset, const struct sandbox_folder *folder, uint64_t known)
{
	const uint64_t read = FS_READ_FILE | FS_READ_DIR;
	const uint64_t write = FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_FILE | FS_MAKE_REG | FS_MAKE_SOCK;
	const struct path_beneath rule = {
	        .allowed = (folder->write ? read | write : read) & known,
	        .parent = folder->fd,
	};

	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

int sandbox_landlock_version(void)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	// EPERM is no answer of the kernel's to this question: a container's filter does not know the call.
	if (version < 0)
		return errno == EPERM ? -ENOSYS : -errno;
	return version;
}

int sandbox_files(const struct sandbox_folder *folders, size_t count, bool connect)
{
	struct ruleset_attributes attributes = {0};
	int abi, ruleset, error = 0;

#ifdef __SANITIZE_ADDRESS__
	return -ENOSYS;
#endif
	abi = sandbox_landlock_version();
	if (abi < 0)
		return abi;
	attributes.handled_fs = known_file_rights(abi);
	if (abi >= 4)
		attributes.handled_net = NET_BIND_TCP | (connect ? 0 : NET_CONNECT_TCP);
	// The keeper ends the outside process, which may be older than this: only who needs no file needs no
	// signal.
	if (abi >= 6)
		attributes.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | (count ? 0 : SCOPE_SIGNAL);
	// An old kernel takes the longer structure as long as what it does not know is zero.
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (ruleset < 0)
		return -errno;
	for (size_t i = 0; i < count && !error; i++)
		error = add_folder(ruleset, &folders[i], attributes.handled_fs);
	if (!error && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = -errno;
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		error = -errno;
	close(ruleset);
	return error;
}
