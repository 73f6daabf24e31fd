// SPDX-License-Identifier: GPL-2.0-or-later
//
// The two files, read by the C library's own reader of such files.
#include "base/accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PASSWD "/etc/passwd"
#define GROUP "/etc/group"

// The next entry. A read that fails is no end of the file: *error then is not 0.
static const struct passwd *next_user(FILE *file, int *error)
{
	const struct passwd *entry;

	errno = 0;
	entry = fgetpwent(file);
	*error = entry || !ferror(file) ? 0 : errno ? -errno : -EIO;
	return entry;
}

static const struct group *next_group(FILE *file, int *error)
{
	const struct group *entry;

	errno = 0;
	entry = fgetgrent(file);
	*error = entry || !ferror(file) ? 0 : errno ? -errno : -EIO;
	return entry;
}

int accounts_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	FILE *file = fopen(PASSWD, "re");
	const struct passwd *entry;
	int error;

	if (!file)
		return -errno;
	while ((entry = next_user(file, &error)) && strcmp(entry->pw_name, name) != 0)
		continue;
	if (entry) {
		*ret_uid = entry->pw_uid;
		*ret_gid = entry->pw_gid;
	}
	fclose(file);
	return entry ? 0 : error ? error : -ENOENT;
}

int accounts_uid(uid_t uid, gid_t *ret_gid)
{
	FILE *file = fopen(PASSWD, "re");
	const struct passwd *entry;
	int error;

	if (!file)
		return -errno;
	while ((entry = next_user(file, &error)) && entry->pw_uid != uid)
		continue;
	if (entry && ret_gid)
		*ret_gid = entry->pw_gid;
	fclose(file);
	return entry ? 0 : error ? error : -ENOENT;
}

int accounts_group(const char *name, gid_t *ret)
{
	FILE *file = fopen(GROUP, "re");
	const struct group *entry;
	int error;

	if (!file)
		return -errno;
	while ((entry = next_group(file, &error)) && strcmp(entry->gr_name, name) != 0)
		continue;
	if (entry)
		*ret = entry->gr_gid;
	fclose(file);
	return entry ? 0 : error ? error : -ENOENT;
}

static bool has_member(const struct group *group, const char *user)
{
	for (size_t i = 0; group->gr_mem[i]; i++)
		if (strcmp(group->gr_mem[i], user) == 0)
			return true;
	return false;
}

int accounts_groups_of(const char *user, gid_t gid, gid_t *groups, size_t max, size_t *ret_count)
{
	FILE *file = fopen(GROUP, "re");
	const struct group *entry;
	size_t count = 0;
	int error;

	if (!file)
		return -errno;
	if (count < max)
		groups[count++] = gid;
	while ((entry = next_group(file, &error))) {
		if (entry->gr_gid == gid || !has_member(entry, user))
			continue;
		if (count == max) {
			error = -E2BIG;
			break;
		}
		groups[count++] = entry->gr_gid;
	}
	fclose(file);
	*ret_count = count;
	return error;
}
