// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who may change what: a manufacturer's anchor role and box (where the wall stands), a hospital's everything
// else (what passes it). What is compared is the canonical text, so that comments and spelling are nobody's.
#include "trust/trust_judge.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"

static int hash_part(const struct policy *policy,
                     void (*print)(const struct policy *policy, struct buffer *out),
                     uint8_t ret[static TRUST_HASH_SIZE])
{
	struct buffer text = BUFFER_EMPTY;
	print(policy, &text);
	int r = buffer_failed(&text) ? -ENOMEM : trust_hash(text.data, text.size, ret);
	buffer_fini(&text);
	return r;
}

int trust_parts(const struct policy *policy, uint8_t frame[static TRUST_HASH_SIZE],
                uint8_t rest[static TRUST_HASH_SIZE])
{
	int r = hash_part(policy, policy_print_frame, frame);
	return r < 0 ? r : hash_part(policy, policy_print_rest, rest);
}

// The first thing in the policy but policy block, role and box; 0: there is none.
static source_pos first_of_rest(const struct policy *policy)
{
	source_pos places[] = {policy->device_count ? policy->devices[0].name.at : 0,
	                       policy->peer_count ? policy->peers[0].name.at : 0,
	                       policy->service_count ? policy->services[0].name.at : 0,
	                       policy->manage.at,
	                       policy->log.at,
	                       policy->flowtable_at,
	                       policy->pass_at[POLICY_EAPOL],
	                       policy->pass_at[POLICY_LLDP],
	                       policy->pass_at[POLICY_STP]};
	source_pos first = 0;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (places[i] && (first == 0 || places[i] < first))
			first = places[i];
	return first;
}

// Whether the floor can be compared with; else it is refused.
static bool told(struct trust_judging *judging)
{
	if (!judging->floor->parts)
		trust_refuse(judging, judging->policy->role_at,
		             "have a policy signed once under an anchor that may change everything (NAME.pem)",
		             "the anchor %s may not change everything, and what this box accepted last has not "
		             "been taken apart yet",
		             judging->verdict->anchor);
	return judging->floor->parts;
}

static void oem(struct trust_judging *judging, const struct trust_floor *next)
{
	const struct trust_floor *floor = judging->floor;
	const char *anchor = judging->verdict->anchor;
	if (floor->any) {
		if (told(judging) && memcmp(floor->rest, next->rest, TRUST_HASH_SIZE) != 0)
			trust_refuse(
			        judging, judging->policy->role_at,
			        "change these in the policy that stands (leadglass show), and leave the rest "
			        "as it is",
			        "the anchor %s may change role and box only, and more than these differs from "
			        "the policy this box accepted last",
			        anchor);
		return;
	}
	source_pos first = first_of_rest(judging->policy);
	if (first)
		trust_refuse(judging, first, "the hospital's policy, which is signed after it, says the rest",
		             "the anchor %s may set role and box only, and this is neither", anchor);
}

static bool has_oem(const struct trust *trust)
{
	for (size_t i = 0; i < trust->count; i++)
		if (trust->anchors[i].scope == TRUST_OEM)
			return true;
	return false;
}

static void site(struct trust_judging *judging, const struct trust_floor *next)
{
	const struct trust_floor *floor = judging->floor;
	const char *anchor = judging->verdict->anchor;
	source_pos at = judging->policy->role_at;
	if (floor->any) {
		if (told(judging) && memcmp(floor->frame, next->frame, TRUST_HASH_SIZE) != 0)
			trust_refuse(judging, at,
			             "write them as the policy that stands has them (leadglass show)",
			             "the anchor %s may not change role and box, and they are not those of the "
			             "policy this box accepted last",
			             anchor);
	} else if (has_oem(judging->trust)) {
		trust_refuse(
		        judging, at, "apply the manufacturer's first, and write role and box as they are there",
		        "the anchor %s may not set role and box, and no policy of the manufacturer has set "
		        "them yet",
		        anchor);
	}
}

void trust_judge_scope(struct trust_judging *judging, const struct trust_floor *next)
{
	switch ((enum trust_scope)judging->verdict->scope) {
	case TRUST_ALL:
		return;
	case TRUST_SITE:
		site(judging, next);
		return;
	case TRUST_OEM:
		oem(judging, next);
		return;
	}
	trust_refuse(judging, 0, NULL, "it is not known what the anchor %s may change",
	             judging->verdict->anchor); // no such scope
}
