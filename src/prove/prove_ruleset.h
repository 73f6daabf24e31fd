// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ruleset's side of a question, and the boundaries that decide which shapes there are. Private to
// src/prove.
#ifndef LEADGLASS_PROVE_PROVE_RULESET_H
#define LEADGLASS_PROVE_PROVE_RULESET_H

#include "prove/prove_question.h"

// Writes the ruleset's side for a shape.
void prove_rules(const struct ruleset *ruleset, const struct prove_shape *shape, struct prove_question *q);

// Called with the value of each comparison with `field`.
typedef void (*prove_value_fn)(void *context, const uint8_t *value);
void prove_each_value(const struct ruleset *ruleset, enum ruleset_field field, prove_value_fn each,
                      void *context);

#endif
