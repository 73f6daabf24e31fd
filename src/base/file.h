// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whole files, bounded.
#ifndef LEADGLASS_BASE_FILE_H
#define LEADGLASS_BASE_FILE_H

#include <stddef.h>

// Reads a whole regular file, pipe or "-" (standard input) of at most `limit` octets.
// 0 and *ret_text (malloc'ed, a NUL after the last octet) and *ret_size; or -errno: -EFBIG over the limit,
// -EISDIR for a folder, else open's or read's. A read that is interrupted goes on.
int file_read(const char *path, size_t limit, char **ret_text, size_t *ret_size);

#endif
