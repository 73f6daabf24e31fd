// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files and folders that are believed: what only root, or who we are, can have written.
#ifndef LEADGLASS_BASE_TRUSTED_H
#define LEADGLASS_BASE_TRUSTED_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/problem.h"

// Whether the file `name` in the folder `path` (name "": the folder itself) belongs to root or to this
// process's user and can be written by no other. False with a problem.
bool trusted_status(const char *path, const char *name, const struct stat *status, struct problems *problems);

// Opens such a folder, which nobody else can put another one in the place of. Its descriptor; -EPERM when it is
// not to be believed or a symbolic link; else -errno; all but -ENOENT with a problem. `option` (may be NULL) is
// the command's with which to name another.
int trusted_open_folder(const char *path, const char *option, struct problems *problems);

// Opens such a file in an open folder for reading, without waiting for anybody. Its descriptor; -ENOENT, and
// -EBADMSG for what is no regular file, both without a problem; -EPERM as above and other -errno with one.
int trusted_open(int folder, const char *path, const char *name, struct problems *problems);

#endif
