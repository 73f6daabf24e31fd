// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is probably not meant in a policy that is about to stand on this machine.
#include "cli/cli.h"

#include <net/if.h>
#include <stdio.h>

#include "base/problem.h"
#include "policy/policy.h"

// An interface that is not there is no error, it may come later; but until then nobody manages this machine.
static void warn_interfaces(const struct policy *policy, struct problems *problems)
{
	struct span interfaces = policy->manage.interfaces;

	for (uint32_t i = 0; i < interfaces.count; i++) {
		const struct word *word = &policy->interfaces[interfaces.first + i];
		char name[IF_NAMESIZE];

		snprintf(name, sizeof name, "%.*s", (int)word->size, word->text);
		if (if_nametoindex(name) == 0)
			problem_addf(problems, PROBLEM_WARNING, word->at, word->size,
			             "until there is, nobody can manage this box through it; `ip link` shows "
			             "the names",
			             "there is no interface '%s' here now", name);
	}
}

void cli_warnings(const struct policy *policy, bool here)
{
	struct problems problems;

	problem_init(&problems);
	if (here)
		warn_interfaces(policy, &problems);
	if (policy_lint(policy, &problems) == 0 && problems.count)
		cli_problems(&problems, &policy->sources);
	problem_fini(&problems);
}
