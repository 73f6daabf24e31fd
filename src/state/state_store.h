// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the files of the store share: a sealed file read and written by name.
#ifndef LEADGLASS_STATE_STATE_STORE_H
#define LEADGLASS_STATE_STATE_STORE_H

#include "state/state.h"

struct state_store {
	int folder;
	char *path; // for messages
};

// The content of a sealed file. Errors as state_read_record; NULL and 0 after a failure.
int state_read_text(const struct state_store *store, const char *name, char **ret_text, size_t *ret_size,
                    struct problems *problems);
int state_write_text(const struct state_store *store, const char *name, const char *text, size_t size,
                     struct problems *problems);
// Adds the problem; returns -EBADMSG.
int state_damaged(const struct state_store *store, const char *name, struct problems *problems);

#endif
