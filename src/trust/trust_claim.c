// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy says that was confirmed here, and that nobody vouches for any more.
#include <errno.h>

#include "base/signed_text.h"
#include "policy/policy_bundle.h"
#include "trust/trust.h"

int trust_claim(const char *bundle, size_t size, uint64_t serial, struct trust_floor *floor)
{
	const char *text;
	size_t length, end;
	if (policy_bundle_only(bundle, size, &text, &length) < 0)
		return -ENOENT;
	end = signed_text_end(text, length);
	if (end == length)
		return -ENOENT;
	*floor = (struct trust_floor){.any = true, .serial = serial, .not_before = floor->not_before};
	return trust_hash(text, end, floor->content);
}
