// SPDX-License-Identifier: GPL-2.0-or-later
//
// Words of the language looked up by text, and the nearest one for a "did you mean".
#ifndef LEADGLASS_POLICY_NAMES_H
#define LEADGLASS_POLICY_NAMES_H

#include "policy/policy.h"

// -1 when the word is none of them.
int policy_role_from_word(const struct word *word);
int policy_dicom_from_word(const struct word *word);
int policy_frame_from_word(const struct word *word);
enum policy_service_kind policy_service_kind_from_word(const struct word *word); // custom when not known

// What the word was probably meant to be: a DICOM service by its other usual names (C-STORE, MWL) or by
// spelling, a kind of frame likewise (802.1X, RSTP), a known service, a role. NULL when nothing is near.
const char *policy_dicom_nearest(const struct word *word);
const char *policy_frame_nearest(const struct word *word);
const char *policy_service_kind_nearest(const struct word *word);
const char *policy_role_nearest(const struct word *word);

// How many edits (a character put in, left out, changed, or two swapped; case aside) lie between a word and a
// name; SIZE_MAX when it is too long to be a slip.
size_t policy_edits(const struct word *word, const char *name, size_t size);
// From how many edits on it is another word altogether.
size_t policy_edits_limit(const struct word *word);

// The name that is fewest edits away, when that is few enough for the length of the word; else NULL.
const char *policy_nearest(const struct word *word, const char *const *names, size_t count);

#endif
