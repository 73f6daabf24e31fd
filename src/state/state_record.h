// SPDX-License-Identifier: GPL-2.0-or-later
//
// The record as text.
#ifndef LEADGLASS_STATE_STATE_RECORD_H
#define LEADGLASS_STATE_STATE_RECORD_H

#include "state/state.h"

// `who` is written without its control characters, times between 1970 and 9999.
void state_record_print(const struct state_record *record, struct buffer *out);
// Takes nothing but what state_record_print writes, and only a record that makes sense: numbers ascend and are
// below `next`, `confirmed` and `pending` are among the entries. `text` (text[size] == 0) is changed. 0;
// -EBADMSG; -ENOMEM.
int state_record_parse(char *text, size_t size, struct state_record *ret);

#endif
