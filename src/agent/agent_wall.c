// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy bundle with all that is made of it, and the closed wall that goes with a policy.
#include "agent/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_text.h"
#include "base/buffer.h"
#include "policy/policy_bundle.h"
#include "trust/trust_hash.h"

static struct agent_wall *wall_alloc(uint64_t number, char *bundle, size_t size)
{
	struct agent_wall *wall = calloc(1, sizeof *wall);

	if (!wall)
		return NULL;
	wall->number = number;
	wall->bundle = bundle;
	wall->bundle_size = size;
	wall->shown = -1;
	policy_init(&wall->policy);
	ruleset_init(&wall->ruleset);
	return wall;
}

void agent_wall_free(struct agent_wall *wall)
{
	if (!wall)
		return;
	ruleset_fini(&wall->ruleset);
	policy_fini(&wall->policy);
	free(wall->bundle);
	if (wall->shown >= 0)
		close(wall->shown);
	free(wall);
}

int agent_wall_new(uint64_t number, char *bundle, size_t size, struct agent_wall **ret, struct buffer *text)
{
	struct agent_wall *wall = wall_alloc(number, bundle, size);
	struct problems problems;
	int error;

	*ret = NULL;
	if (!wall) {
		free(bundle);
		return -ENOMEM;
	}
	problem_init(&problems);
	error = trust_hash(bundle, size, wall->hash);
	if (!error)
		error = policy_bundle_parse(&wall->policy, bundle, size, &problems);
	if (!error)
		error = ruleset_compile(&wall->policy, &problems, &wall->ruleset);
	agent_text_problems(&problems, &wall->policy.sources, error, text);
	problem_fini(&problems);
	if (error)
		agent_wall_free(wall);
	else
		*ret = wall;
	return error;
}

// Role bridge, because its wall has a forward chain in family bridge too: a box of which nothing is known may
// be a gateway whose ports are in a bridge, and of what a bridge forwards the other roles' wall sees nothing.
static const char nothing_known[] = "role bridge\n";
static const char nothing_known_no_bridge[] = "role host\n";

int agent_wall_closed(char *text, size_t size, bool bridge, struct agent_wall **ret)
{
	struct buffer bundle = BUFFER_EMPTY;
	struct agent_wall *wall = wall_alloc(0, NULL, 0);
	struct problems problems;
	int error = 0;

	*ret = NULL;
	if (!text) {
		text = strdup(bridge ? nothing_known : nothing_known_no_bridge);
		size = text ? strlen(text) : 0;
	}
	if (!text || !wall) {
		free(text);
		agent_wall_free(wall);
		return -ENOMEM;
	}
	problem_init(&problems);
	error = policy_parse(&wall->policy, "closed", text, size, NULL, &problems);
	if (!error)
		error = ruleset_compile(&wall->policy, &problems, &wall->ruleset);
	problem_fini(&problems);
	if (!error) {
		policy_bundle_write(&wall->policy.sources, &bundle);
		wall->bundle_size = bundle.size;
		wall->bundle = buffer_steal(&bundle);
		error = wall->bundle ? trust_hash(wall->bundle, wall->bundle_size, wall->hash) : -ENOMEM;
	}
	if (error)
		agent_wall_free(wall);
	else
		*ret = wall;
	return error;
}
