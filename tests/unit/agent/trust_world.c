// SPDX-License-Identifier: GPL-2.0-or-later
//
// The stand-ins of trust_world.h.
#include "trust_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct trust_world trusted;

void trust_world_reset(void)
{
	trusted = (struct trust_world){.code = TRUST_GOOD, .valid_to = INT64_MAX};
}

void trust_world_add(void)
{
	char path[128];
	int fd;

	(void)mkdir(world.trust, 0755);
	snprintf(path, sizeof path, "%s/anchor%zu.pem", world.trust, trusted.anchors++);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
}

// ---- a life ----

int trust_begin_alone(void **state)
{
	trust_world_reset();
	return change_begin(state);
}

int trust_begin(void **state)
{
	int r = trust_begin_alone(state);

	change_stop();
	trust_world_add();
	change_start();
	return r;
}

struct control_status trust_status(void)
{
	struct control_status ret = {0};

	agent_trust_fill(&world.agent, &ret);
	return ret;
}

void trust_tick(bool minute)
{
	agent_trust_tick(&world.agent, minute);
}

void trust_refused(const char *words)
{
	assert_int_equal(world.answer.error, -EKEYREJECTED);
	if (!strstr(world.said, words))
		fail_msg("not in \"%s\": %s", words, world.said);
}

// ---- src/trust ----

int trust_read_at(int folder, const char *path, struct trust *ret, struct problems *problems)
{
	assert_true(folder >= 0);
	assert_string_equal(path, world.trust);
	trusted.reads++;
	*ret = (struct trust){0};
	if (trusted.read_error) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "what is it here for?", "take it away");
		return trusted.read_error;
	}
	ret->count = trusted.anchors;
	return 0;
}

void trust_fini(struct trust *trust)
{
	*trust = (struct trust){0};
}

int trust_verify_bundle_apart(const char *bundle, size_t size, const struct trust *trust,
                              struct trust_verdict *ret, struct problems *problems)
{
	assert_true(trust->count > 0); // nobody is asked where nobody is trusted
	trusted.verified++;
	*ret = (struct trust_verdict){.code = TRUST_UNCHECKED};
	if (trusted.apart_error) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the signature cannot be checked", NULL);
		return trusted.apart_error;
	}
	if (trusted.good_after && trusted.verified > trusted.good_after)
		trusted.code = TRUST_GOOD;
	ret->code = trusted.code;
	if (trusted.bad_anchor) {
		snprintf(ret->bad_anchor, sizeof ret->bad_anchor, "spoilt");
		snprintf(ret->bad_anchor_why, sizeof ret->bad_anchor_why, "it is nothing");
	}
	if (trusted.code != TRUST_GOOD)
		return 0;
	snprintf(ret->signer, sizeof ret->signer, "CN=desk");
	snprintf(ret->anchor, sizeof ret->anchor, "st-anna");
	ret->valid_to = trusted.valid_to;
	return trust_hash(bundle, size, ret->content);
}

void trust_verdict_tell(const struct trust_verdict *verdict, const char *file, const struct trust *trust,
                        struct problems *problems)
{
	(void)trust;
	if (verdict->bad_anchor[0])
		problem_add(problems, PROBLEM_WARNING, 0, 0, "trust anchor spoilt cannot be used", NULL);
	if (verdict->code != TRUST_GOOD)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "sign it", "%s is not signed", file);
}

int trust_judge(const struct policy *policy, const struct trust_verdict *verdict, const struct trust *trust,
                const struct trust_floor *floor, int64_t now, enum trust_when when, struct problems *problems,
                struct trust_floor *ret)
{
	assert_true(trust->count > 0);
	assert_int_equal(verdict->code, TRUST_GOOD);
	trusted.when = when;
	trusted.judged_at = now;
	if (trusted.judge_refuses || (floor->any && policy->header.serial_number < floor->serial)) {
		problem_addf(problems, PROBLEM_ERROR, policy->header.at, 6, "sign it again",
		             "serial %" PRIu64 " is too low", policy->header.serial_number);
		return -EKEYREJECTED;
	}
	*ret = (struct trust_floor){.any = true,
	                            .serial = policy->header.serial_number,
	                            .not_before = policy->header.not_before_time};
	memcpy(ret->content, verdict->content, sizeof ret->content);
	return 0;
}

int64_t trust_built(void)
{
	return trusted.built;
}

bool trust_clock(int64_t now, int64_t built, const struct trust_floor *floor, int64_t *ret_time)
{
	const int64_t passed = floor->any && floor->not_before > built ? floor->not_before : built;

	*ret_time = now < passed ? passed : now;
	return now >= passed;
}
