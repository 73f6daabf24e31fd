// SPDX-License-Identifier: GPL-2.0-or-later
//
// The floor of signed policies as text.
#ifndef LEADGLASS_STATE_STATE_ACCEPTED_H
#define LEADGLASS_STATE_STATE_ACCEPTED_H

#include "state/state.h"

void state_accepted_print(const struct trust_floor *floor, struct buffer *out);
// Takes nothing but what state_accepted_print writes of a floor that is one. `text` (text[size] == 0) is
// changed. 0; -EBADMSG; -ENOMEM; *ret is empty after both.
int state_accepted_parse(char *text, size_t size, struct trust_floor *ret);

#endif
