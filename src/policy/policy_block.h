// SPDX-License-Identifier: GPL-2.0-or-later
//
// Directives against tables of forms, for the top level and for blocks alike.
#ifndef LEADGLASS_POLICY_BLOCK_H
#define LEADGLASS_POLICY_BLOCK_H

#include "policy/policy_names.h"
#include "policy/policy_parse.h"

const struct policy_form *policy_form_find(const struct policy_form *forms, size_t count,
                                           const struct word *name);
const char *policy_form_nearest(const struct policy_form *forms, size_t count, const struct word *name);

// Complains that p->line is nothing this block knows.
void policy_form_unknown(struct policy_parser *p, const struct policy_block *block);

// Judges the number of words of p->line, and that it is the first where `once` says so. *seen is where the
// first stood, 0 before.
bool policy_form_check(struct policy_parser *p, const struct policy_form *form, source_pos *seen);

// Reads past the block that p->line opened, and all within.
void policy_block_skip(struct policy_parser *p);

#endif
