// SPDX-License-Identifier: GPL-2.0-or-later
//
// The trying: a process of its own enters a network namespace of its own, and both end with the answer.
#include "cli/cli_probe.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/problem.h"
#include "cli/cli.h"
#include "nft/nft.h"
#include "nft/nft_probe.h"

// What the kernel said: the first error, which the later ones follow from.
static void keep_why(const struct problems *problems, char *ret, size_t size)
{
	for (size_t i = 0; i < problems->count; i++) {
		if (problems->items[i].level == PROBLEM_ERROR) {
			snprintf(ret, size, "%s", problems->items[i].what);
			return;
		}
	}
}

static bool is_there(const struct probe_result *result, enum nft_feature feature)
{
	for (size_t i = 0; probe_features[i].without; i++) {
		if (probe_features[i].nft == feature)
			return result->found[i] == PROBE_THERE;
	}
	return false;
}

static int ask_nft(enum nft_feature feature, struct problems *problems)
{
	struct nft *nft = NULL;
	int error = nft_open(&nft, problems); // each its own, as whoever loads a wall has

	if (!error)
		error = nft_probe(nft, feature, problems);
	nft_close(nft);
	return error;
}

static int try_feature(size_t i, struct probe_result *ret)
{
	const struct probe_feature *feature = &probe_features[i];
	struct problems problems;
	int error;

	if (feature->nft != NFT_FEATURE_COUNT) {
		enum nft_feature needs = nft_probe_needs(feature->nft);

		if (needs != feature->nft && !is_there(ret, needs))
			return 0;
	}
	problem_init(&problems);
	error = feature->nft != NFT_FEATURE_COUNT ? ask_nft(feature->nft, &problems) : feature->try(&problems);
	ret->found[i] = error ? PROBE_LACKS : PROBE_THERE;
	if (error)
		keep_why(&problems, ret->why[i], sizeof(ret->why[i]));
	if (problems.lost)
		error = -ENOMEM;
	problem_fini(&problems);
	return error == -ENOMEM ? error : 0;
}

static int try_wall(const struct ruleset *wall, const struct sources *sources, struct probe_result *ret)
{
	const struct nft_load_options options = {0};
	struct nft_load_result result = {0};
	struct problems problems;
	struct nft *nft = NULL;
	int error;

	problem_init(&problems);
	error = nft_open(&nft, &problems);
	if (!error)
		error = nft_load(nft, wall, sources, &options, &problems, &result);
	nft_close(nft);
	if (error && error != -ENOMEM)
		cli_failure(error, &problems, sources);
	ret->policy_loads = !error;
	problem_fini(&problems);
	return error == -ENOMEM ? error : 0;
}

// The child.
static int try_all(const struct ruleset *wall, const struct sources *sources, struct probe_result *ret)
{
	int error = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	for (size_t i = 0; probe_features[i].without && !error; i++)
		error = try_feature(i, ret);
	if (!error && wall)
		error = try_wall(wall, sources, ret);
	return error;
}

static int tell(const struct probe_result *result)
{
	if (!result->finished) {
		cli_message("the process that tries things died");
		return CLI_INTERNAL;
	}
	switch (-result->error) {
	case 0:
		return CLI_GO_ON;
	case ENOMEM:
		cli_message("out of memory");
		return CLI_INTERNAL;
	case EPERM:
		cli_message("probe tries things in a network namespace of its own, and making one needs "
		            "CAP_SYS_ADMIN: run it as root");
		return CLI_KERNEL;
	case EINVAL:
	case ENOSYS:
		cli_message("probe tries things in a network namespace of its own, and this kernel has none "
		            "(CONFIG_NET_NS); leadglass itself does without");
		return CLI_KERNEL;
	default:
		cli_message("cannot make a network namespace to try things in: %s", strerror(-result->error));
		return CLI_KERNEL;
	}
}

int probe_try(const struct ruleset *wall, const struct sources *sources, struct probe_result *ret)
{
	struct probe_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0); // all zero
	pid_t child = shared != MAP_FAILED ? fork() : -1;
	int status;

	if (child < 0) {
		cli_message("cannot start a process to try things in: %s", strerror(errno));
		if (shared != MAP_FAILED)
			munmap(shared, sizeof(*shared));
		return CLI_INTERNAL;
	}
	if (child == 0) {
		shared->error = try_all(wall, sources, shared);
		shared->finished = true;
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*ret = *shared;
	munmap(shared, sizeof(*shared));
	return tell(ret);
}
