// SPDX-License-Identifier: GPL-2.0-or-later
//
// The names and lines of a trust folder: what reading and writing it share.
#ifndef LEADGLASS_TRUST_TRUST_FOLDER_H
#define LEADGLASS_TRUST_TRUST_FOLDER_H

#include "trust/trust.h"

#define TRUST_FILE_MAX (TRUST_NAME_MAX + 4) // "NAME.pem" and a NUL

// The scope a name stands for. 0; -ENAMETOOLONG; -EINVAL when it can be no anchor's; with a problem that says
// why.
int trust_name_read(const char *path, const char *name, enum trust_scope *ret, struct problems *problems);

// Why it can be no site's and no unit's name; NULL: it can be one. `size` octets.
const char *trust_identity_wrong(const char *name, size_t size);

// Reads the file `identity` (path: of its folder). 0 or -EBADMSG with a problem.
int trust_identity_read(const char *path, const char *text, size_t size, struct trust *ret,
                        struct problems *problems);

// What is in the folder's `identity`; no such file is none. 0 or -errno with a problem.
int trust_identity_load(int folder, const char *path, struct trust *ret, struct problems *problems);

#endif
