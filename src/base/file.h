// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole files: read within a bound, written so that a power cut leaves the old or the new one.
#ifndef LEADGLASS_BASE_FILE_H
#define LEADGLASS_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

// Reads a whole regular file, pipe or "-" (standard input) of at most `limit` octets.
// 0 and *ret_text (malloc'ed, a NUL after the last octet) and *ret_size; or -errno: -EFBIG over the limit,
// -EISDIR for a folder, else open's or read's. A read that is interrupted goes on.
int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_size);
// The same with an open descriptor, from where it stands; it stays open.
int file_read_open(int fd, size_t limit, char **ret_text, size_t *ret_size);

// Replaces `name` in the open folder `folder` (a file descriptor): temporary file NAME.new, fsync, rename,
// fsync of the folder. The mode is exactly `mode`, whatever the umask. 0: it is on the disk; or -errno: the old
// file, or none, is there, whole, unless the last fsync failed, after which it may be either. The temporary
// file does not stay behind.
int file_write_durable(int folder, const char *name, const void *data, size_t size, mode_t mode);
// The same with the temporary file .NAME.new, for folders in which every other name means something.
int file_write_hidden(int folder, const char *name, const void *data, size_t size, mode_t mode);
// As the first without both fsync, for what may be lost in a power cut. `folder` may be AT_FDCWD.
int file_write_plain(int folder, const char *name, const void *data, size_t size, mode_t mode);

#endif
