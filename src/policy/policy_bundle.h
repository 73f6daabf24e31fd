// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy with all the files it includes as one piece of octets: what the command hands to the agent and what
// the agent keeps. The texts stay as they were written, so that messages name the files and lines the author
// knows.
//
//	leadglass-bundle 1\n
//	file SIZE NAME\n        then SIZE octets and \n; the policy first, then its includes in the order read
//	end\n
#ifndef LEADGLASS_POLICY_POLICY_BUNDLE_H
#define LEADGLASS_POLICY_POLICY_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

struct buffer;

#define POLICY_BUNDLE_MAX (POLICY_FILE_MAX + (1u << 20)) // octets

// From the sources of a policy that was read (its texts, whatever is wrong in them).
void policy_bundle_write(const struct sources *sources, struct buffer *out);

// policy_parse of what is in the bundle; nothing is read from a disk: an include that is not in it is an error.
// A malformed bundle is -EBADMSG with a problem. Else as policy_parse.
int policy_bundle_parse(struct policy *policy, const char *text, size_t size, struct problems *problems);

// The text of the only file in a bundle, where it stands in there: nothing is allocated. 0; -E2BIG when there
// are more (not looked at any further), -EBADMSG when it is malformed; its name is not looked at.
int policy_bundle_only(const char *text, size_t size, const char **ret_text, size_t *ret_size);

#endif
