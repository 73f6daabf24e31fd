// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy's life as a value.
#include "policy/policy.h"

#include <stdlib.h>

void policy_init(struct policy *policy)
{
	*policy = (struct policy){
	        .log = {.drops = POLICY_LOG_DROPS_DEFAULT, .seconds = 1, .group = POLICY_LOG_GROUP_DEFAULT},
	};
	source_init(&policy->sources);
}

void policy_fini(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->unescaped_count; i++)
		free(policy->unescaped[i]);
	free(policy->unescaped);
	free(policy->devices);
	free(policy->peers);
	free(policy->services);
	free(policy->prefixes);
	free(policy->ports);
	free(policy->titles);
	free(policy->interfaces);
	free(policy->openings);
	free(policy->device_refs);
	free(policy->box_lengths);
	source_fini(&policy->sources);
	policy_init(policy);
}
