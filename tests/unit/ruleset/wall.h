// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests: a policy's text compiled, and single rules built by hand.
#ifndef LEADGLASS_TESTS_WALL_H
#define LEADGLASS_TESTS_WALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "policy/policy.h"
#include "ruleset/packet.h"
#include "ruleset/ruleset.h"

struct wall {
	struct policy policy;
	struct problems problems;
	struct ruleset ruleset;
};

// Fails the test with the policy's problems when it has any.
static inline void wall_make(struct wall *wall, const char *text)
{
	policy_init(&wall->policy);
	problem_init(&wall->problems);
	int r = policy_parse(&wall->policy, "policy.conf", strdup(text), strlen(text), NULL, &wall->problems);
	if (r < 0) {
		struct buffer out = BUFFER_EMPTY;
		problem_print(&wall->problems, &wall->policy.sources, &out);
		fail_msg("%s", out.data);
	}
	assert_int_equal(ruleset_compile(&wall->policy, &wall->problems, &wall->ruleset), 0);
}

static inline void wall_drop(struct wall *wall)
{
	ruleset_fini(&wall->ruleset);
	problem_fini(&wall->problems);
	policy_fini(&wall->policy);
}

#define WALL_WORDS_MAX 24

// "in tcp 10.20.0.5 10.20.1.10:11112" in words; `copy` keeps their text.
static inline size_t wall_words(const char *flow, char copy[static 256], char *words[static WALL_WORDS_MAX])
{
	size_t count = 0;
	assert_true(strlen(flow) < 256);
	memcpy(copy, flow, strlen(flow) + 1);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		assert_true(count < WALL_WORDS_MAX);
		words[count++] = word;
	}
	return count;
}

static inline struct packet wall_packet(const struct policy *policy, const char *flow)
{
	char copy[256], *words[WALL_WORDS_MAX], message[256];
	struct packet packet;
	size_t word, count = wall_words(flow, copy, words);
	if (packet_parse(policy, words, count, &packet, message, sizeof message, &word) < 0)
		fail_msg("%s: %s", flow, message);
	return packet;
}

static inline bool wall_accepts(const struct wall *wall, const char *flow)
{
	struct packet packet = wall_packet(&wall->policy, flow);
	struct outcome outcome;
	ruleset_evaluate(&wall->ruleset, &packet, &outcome);
	return outcome.accepted;
}

// A table with the sets that hand-made rules look things up in.
struct bench {
	struct ruleset ruleset;
	struct ruleset_builder b;
	uint32_t input, errors; // chains
	uint32_t pair4, pair6, triple4, names, types4, types6, prefixes4, macs4;
};

static inline uint32_t bench_set(struct bench *bench, const char *name, enum ruleset_type a,
                                 enum ruleset_type b, enum ruleset_type c, bool interval)
{
	enum ruleset_type types[3] = {a, b, c};
	return ruleset_build_set(&bench->b, name, types,
	                         b == TYPE_OTHER   ? 1
	                         : c == TYPE_OTHER ? 2
	                                           : 3,
	                         interval, "for a test");
}

static inline void bench_make(struct bench *bench, enum ruleset_family family)
{
	ruleset_init(&bench->ruleset);
	ruleset_build(&bench->b, &bench->ruleset);
	ruleset_build_table(&bench->b, family);
	bench->pair4 = bench_set(bench, "pair4", TYPE_IPV4_ADDR, TYPE_INET_SERVICE, TYPE_OTHER, false);
	bench->pair6 = bench_set(bench, "pair6", TYPE_IPV6_ADDR, TYPE_INET_SERVICE, TYPE_OTHER, false);
	bench->triple4 = bench_set(bench, "triple4", TYPE_IPV4_ADDR, TYPE_IPV4_ADDR, TYPE_INET_SERVICE, true);
	bench->names = bench_set(bench, "names", TYPE_IFNAME, TYPE_OTHER, TYPE_OTHER, false);
	bench->types4 = bench_set(bench, "types4", TYPE_ICMP_TYPE, TYPE_OTHER, TYPE_OTHER, false);
	bench->types6 = bench_set(bench, "types6", TYPE_ICMPV6_TYPE, TYPE_OTHER, TYPE_OTHER, false);
	bench->prefixes4 = bench_set(bench, "prefixes4", TYPE_IPV4_ADDR, TYPE_OTHER, TYPE_OTHER, true);
	bench->macs4 = bench_set(bench, "macs4", TYPE_ETHER_ADDR, TYPE_IPV4_ADDR, TYPE_OTHER, false);
	bench->input = ruleset_build_chain(&bench->b, "input", HOOK_INPUT, 0);
	bench->errors = ruleset_build_chain(&bench->b, "input_errors", HOOK_NONE, 0);
}

static inline void bench_look(struct bench *bench, uint32_t set, enum ruleset_field a, enum ruleset_field b,
                              enum ruleset_field c)
{
	enum ruleset_field fields[3] = {a, b, c};
	ruleset_lookup(&bench->b, set, fields, b == FIELD_NONE ? 1 : c == FIELD_NONE ? 2 : 3);
}

static inline void bench_rule(struct bench *bench)
{
	ruleset_build_rule(&bench->b, bench->input, (struct ruleset_origin){0}, "c");
}

#define NETWORK_4 2
#define NETWORK_6 10
#define TRANSPORT_ICMP 1
#define TRANSPORT_TCP 6
#define TRANSPORT_UDP 17
#define TRANSPORT_ICMP6 58

#endif
