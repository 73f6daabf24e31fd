// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files and folders that are believed.
#include "base/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool trusted_status(const char *path, const char *name, const struct stat *status, struct problems *problems)
{
	const char *slash = *name ? "/" : "";
	if (status->st_uid != 0 && status->st_uid != geteuid()) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "give it to root, or remove it",
		             "%s%s%s belongs to user %u and is not used", path, slash, name,
		             (unsigned)status->st_uid);
		return false;
	}
	if (status->st_mode & (S_IWGRP | S_IWOTH)) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "take that away (chmod go-w), and see what is in it",
		             "%s%s%s can be written by others and is not used", path, slash, name);
		return false;
	}
	return true;
}

// Whoever can write the folder above can put another one in its place; with the sticky bit only what is his
// own.
static bool kept_in_place(int folder, const char *path, const struct stat *status, struct problems *problems)
{
	struct stat above;
	if (fstatat(folder, "..", &above, 0) < 0) // it cannot even be looked at
		return true;
	if ((above.st_uid == 0 || above.st_uid == geteuid() || above.st_uid == status->st_uid) &&
	    (!(above.st_mode & (S_IWGRP | S_IWOTH)) || (above.st_mode & S_ISVTX)))
		return true;
	problem_addf(problems, PROBLEM_ERROR, 0, 0,
	             "give the folder above it to root, and take that away (chmod go-w)",
	             "others can put another folder in the place of %s, and it is not used", path);
	return false;
}

int trusted_open_folder(const char *path, const char *option, struct problems *problems)
{
	struct stat status = {0};
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = folder < 0 ? -errno : fstat(folder, &status) < 0 ? -errno : 0;
	if (r == 0 &&
	    (!trusted_status(path, "", &status, problems) || !kept_in_place(folder, path, &status, problems))) {
		close(folder);
		return -EPERM;
	}
	if (r == 0)
		return folder;
	if (folder >= 0)
		close(folder);
	if (r == -ENOENT)
		return r;
	if ((r == -ELOOP || r == -ENOTDIR) && lstat(path, &status) == 0 && S_ISLNK(status.st_mode)) {
		char instead[80];
		snprintf(instead, sizeof instead, "name the folder itself%s%s", option ? " with " : "",
		         option ? option : "");
		problem_addf(problems, PROBLEM_ERROR, 0, 0, instead,
		             "%s is a symbolic link and is not followed", path);
		return -EPERM;
	}
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot open the folder %s: %s", path, strerror(-r));
	return r;
}

int trusted_open(int folder, const char *path, const char *name, struct problems *problems)
{
	struct stat status = {0};
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fstat(fd, &status) < 0 ? -errno : 0;
	if (r == 0 && !trusted_status(path, name, &status, problems))
		r = -EPERM;
	else if (r == -ENXIO || (r == 0 && !S_ISREG(status.st_mode))) // -ENXIO: a socket
		r = -EBADMSG;
	else if (r == -ELOOP)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "remove it",
		             "%s/%s is a symbolic link and is not followed", path, name);
	else if (r < 0 && r != -ENOENT)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s/%s: %s", path, name,
		             strerror(-r));
	if (r == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return r == -ELOOP ? -EPERM : r;
}
