// SPDX-License-Identifier: GPL-2.0-or-later
//
// parts POLICY...: loads one policy after the other as leadglassd does, in one process that knows what it has
// loaded, and prints a line for each: the processor time of every part in microseconds, in the order of `enum
// part`. What the kernel does for a netlink message it does within send and receive; the rest is ours.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/problem.h"
#include "nft/nft.h"
#include "nft/nft_talk.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

enum part {
	PARSE,
	LINT,
	COMPILE,
	READ_KERNEL, // what stands there before
	READ_OURS,
	PLAN, // what is to change, and its messages
	TRANSACTION,
	CONNTRACK, // connections that ran before there was a wall
	BACK_KERNEL,
	BACK_OURS, // decoding, sorting, comparing
	PARTS,
};

static struct nft_io inner;
static long long spent[PARTS], last;
static enum part kernel, ours;

static long long nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void lap(enum part part)
{
	const long long now = nanoseconds();
	spent[part] += now - last;
	last = now;
}

static ssize_t measured_send(void *context, const void *data, size_t size)
{
	const unsigned type = ((const struct nlmsghdr *)data)->nlmsg_type;
	if (type == NFNL_MSG_BATCH_BEGIN) {
		lap(PLAN);
		kernel = TRANSACTION;
	} else if (type >> 8 == NFNL_SUBSYS_CTNETLINK) {
		lap(ours);
		kernel = ours = CONNTRACK;
	} else if (kernel != READ_KERNEL) {
		lap(ours);
		kernel = BACK_KERNEL;
		ours = BACK_OURS;
	} else {
		lap(ours);
	}
	ssize_t sent = inner.send(context, data, size);
	lap(kernel);
	if (kernel == TRANSACTION)
		ours = BACK_OURS;
	return sent;
}

static ssize_t measured_receive(void *context, void *data, size_t size, bool wait)
{
	lap(ours);
	ssize_t got = inner.receive(context, data, size, wait);
	lap(kernel);
	return got;
}

static int fail(const char *name, const struct problems *problems)
{
	fprintf(stderr, "parts: %s: %s\n", name, problems->count ? problems->items[0].what : "failed");
	return 1;
}

// What stands, and since when.
static struct ruleset standing;
static uint32_t generation;

static int load(struct nft *nft, const char *name)
{
	const struct nft_load_options options = {.known = generation ? &standing : NULL,
	                                         .known_at = generation};
	struct problems problems;
	struct policy policy;
	struct ruleset ruleset;
	struct nft_load_result result;

	problem_init(&problems);
	policy_init(&policy);
	memset(spent, 0, sizeof spent);
	last = nanoseconds();
	if (policy_read(&policy, name, &problems) < 0)
		return fail(name, &problems);
	lap(PARSE);
	if (policy_lint(&policy, &problems) < 0)
		return fail(name, &problems);
	lap(LINT);
	if (ruleset_compile(&policy, &problems, &ruleset) < 0)
		return fail(name, &problems);
	lap(COMPILE);
	kernel = READ_KERNEL;
	ours = READ_OURS;
	problem_fini(&problems);
	if (nft_load(nft, &ruleset, &policy.sources, &options, &problems, &result) < 0)
		return fail(name, &problems);
	lap(ours);
	for (enum part part = PARSE; part < PARTS; part++)
		printf("%lld%c", spent[part] / 1000, part + 1 < PARTS ? ' ' : '\n');
	ruleset_fini(&standing);
	standing = ruleset;
	generation = result.generation;
	policy_fini(&policy);
	problem_fini(&problems);
	return 0;
}

int main(int argc, char **argv)
{
	struct problems problems;
	struct nft *nft;
	int status = 0;

	problem_init(&problems);
	if (nft_open(&nft, &problems) < 0)
		return fail("netlink", &problems);
	inner = nft->io;
	nft->io.send = measured_send;
	nft->io.receive = measured_receive;
	for (int i = 1; i < argc && status == 0; i++)
		status = load(nft, argv[i]);
	ruleset_fini(&standing);
	nft_close(nft);
	problem_fini(&problems);
	return status;
}
