// SPDX-License-Identifier: GPL-2.0-or-later
//
// The smallest walls there are: one chain, and one rule with what is to be tried in it.
#include "nft/nft_probe.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/problem.h"
#include "nft/nft_conntrack.h"
#include "nft/nft_flowtable.h"

#define ETHERTYPE_IP 0x0800
#define DICOM_PORT 104

static const struct ruleset_origin nowhere = {0};

// 192.0.2.1 (RFC 5737) . 104, padded as in a set
static const uint8_t someone[8] = {192, 0, 2, 1, 0, DICOM_PORT};
static const uint8_t last_one[8] = {192, 0, 2, 255, 0, DICOM_PORT};

static struct ruleset_set *put_set(struct ruleset_builder *b, bool interval, uint32_t *ret_index)
{
	static const enum ruleset_type types[2] = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE};
	*ret_index = ruleset_build_set(b, "probe", types, 2, interval, "what this kernel can do");
	return b->error ? NULL : &b->table->sets[*ret_index];
}

static void match_tcp(struct ruleset_builder *b)
{
	ruleset_match_u8(b, FIELD_NFPROTO, NFPROTO_IPV4);
	ruleset_match_u8(b, FIELD_L4PROTO, 6);
}

static void put_lookup(struct ruleset_builder *b, uint32_t set)
{
	static const enum ruleset_field fields[2] = {FIELD_IP_SADDR, FIELD_TH_DPORT};
	match_tcp(b);
	ruleset_lookup(b, set, fields, 2);
}

static void put_elements(struct ruleset_builder *b, bool interval)
{
	uint32_t index;
	const struct ruleset_set *set = put_set(b, interval, &index);
	ruleset_build_element(b, index, someone, interval ? last_one : NULL, nowhere);
	if (set && !b->error)
		b->error = ruleset_finish_set(&b->table->sets[index]);
	put_lookup(b, index);
}

// A set like those of service windows, with nothing in it.
static void put_timeouts(struct ruleset_builder *b)
{
	uint32_t index;
	struct ruleset_set *set = put_set(b, false, &index);
	if (set) {
		set->timed = set->detailed = true;
		set->size = RULESET_TIMED_SIZE;
	}
	put_lookup(b, index);
}

static void put_counters(struct ruleset_builder *b)
{
	uint32_t index;
	struct ruleset_set *set = put_set(b, false, &index);
	if (set)
		set->detailed = true;
	put_lookup(b, index);
	ruleset_counter(b);
}

static void put_statements(struct ruleset_builder *b, enum nft_feature feature)
{
	switch (feature) {
	case NFT_FEATURE_SETS:
	case NFT_FEATURE_INTERVALS:
		put_elements(b, feature == NFT_FEATURE_INTERVALS);
		return;
	case NFT_FEATURE_TIMEOUTS:
		put_timeouts(b);
		return;
	case NFT_FEATURE_COUNTER:
		put_counters(b);
		return;
	case NFT_FEATURE_META:
		ruleset_match_name(b, FIELD_IIFNAME, "probe");
		match_tcp(b);
		return;
	case NFT_FEATURE_CT:
		ruleset_match_state(b, CT_ESTABLISHED);
		ruleset_match_u8(b, FIELD_CT_DIRECTION, 0);
		match_tcp(b);
		ruleset_match(b, FIELD_CT_ORIGINAL_IP_SADDR, someone);
		return;
	case NFT_FEATURE_CT_BRIDGE:
		ruleset_match_state(b, CT_ESTABLISHED);
		ruleset_match_u8(b, FIELD_CT_DIRECTION, 0);
		return;
	case NFT_FEATURE_FIB:
		ruleset_match_u8(b, FIELD_FIB_REVERSE, 0);
		return;
	case NFT_FEATURE_LIMIT:
		ruleset_limit(b, 10, 1, 5);
		return;
	case NFT_FEATURE_LOG:
		ruleset_log(b, 5, "leadglass probe: ");
		return;
	case NFT_FEATURE_BRIDGE:
		ruleset_match_port(b, FIELD_ETHER_TYPE, ETHERTYPE_IP);
		ruleset_match(b, FIELD_ETHER_SADDR, (const uint8_t[6]){2, 0, 0, 0, 0, 1});
		return;
	case NFT_FEATURE_TABLES:
	case NFT_FEATURE_INET:
	case NFT_FEATURE_PERSIST:
	case NFT_FEATURE_CONNECTIONS:
	case NFT_FEATURE_FLOWTABLE:
	case NFT_FEATURE_COUNT:
		return;
	}
}

static int build(enum nft_feature feature, struct ruleset *ret)
{
	bool bridge = feature == NFT_FEATURE_BRIDGE || feature == NFT_FEATURE_CT_BRIDGE;
	struct ruleset_builder b;
	ruleset_init(ret);
	ruleset_build(&b, ret);
	ruleset_build_table(&b, bridge ? RULESET_BRIDGE : RULESET_INET);
	uint32_t chain = bridge ? ruleset_build_chain(&b, "forward", HOOK_FORWARD, -200)
	                        : ruleset_build_chain(&b, "input", HOOK_INPUT, 0);
	ruleset_build_rule(&b, chain, nowhere, "probe");
	put_statements(&b, feature);
	ruleset_verdict(&b, VERDICT_DROP);
	int r = ruleset_build_end(&b);
	if (r < 0)
		ruleset_fini(ret);
	return r;
}

static int only_read(struct nft *nft, struct problems *problems)
{
	struct ruleset found;
	struct nft_state state;
	int r = nft_read(nft, &found, &state, problems);
	if (r == 0)
		ruleset_fini(&found);
	return r;
}

static int ask_connections(struct nft *nft, struct problems *problems)
{
	uint32_t count;
	int r = nft_conntrack_count(nft, &count);
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL,
		             "the kernel does not say how many connections there are: %s", strerror(-r));
	return r;
}

static int put_flowtable(struct nft *nft, struct problems *problems)
{
	static const struct nft_interface loopback = {.name = "lo"}; // every network namespace has it
	int r = nft_flowtable_put(nft, &loopback, 1, problems);
	return r < 0 ? r : nft_flowtable_remove(nft, problems);
}

static int load(struct nft *nft, enum nft_feature feature, struct problems *problems)
{
	const struct nft_load_options options = {0};
	struct nft_load_result result = {0};
	struct ruleset meant;
	int r = build(feature, &meant);
	if (r == 0)
		r = nft_load(nft, &meant, NULL, &options, problems, &result);
	ruleset_fini(&meant);
	if (r == 0 && feature == NFT_FEATURE_PERSIST && !result.persistent) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the kernel refused a table that outlives its owner",
		            NULL);
		r = -EOPNOTSUPP;
	}
	if (result.committed) {
		int removed = nft_remove(nft, problems);
		r = r == 0 ? removed : r;
	}
	return r;
}

int nft_probe(struct nft *nft, enum nft_feature feature, struct problems *problems)
{
	if (feature == NFT_FEATURE_TABLES)
		return only_read(nft, problems);
	if (feature == NFT_FEATURE_FLOWTABLE)
		return put_flowtable(nft, problems);
	return feature == NFT_FEATURE_CONNECTIONS ? ask_connections(nft, problems)
	                                          : load(nft, feature, problems);
}

enum nft_feature nft_probe_needs(enum nft_feature feature)
{
	switch (feature) {
	case NFT_FEATURE_TABLES:
	case NFT_FEATURE_CONNECTIONS:
		return feature;
	case NFT_FEATURE_INET:
	case NFT_FEATURE_BRIDGE:
		return NFT_FEATURE_TABLES;
	case NFT_FEATURE_CT_BRIDGE:
		return NFT_FEATURE_BRIDGE;
	case NFT_FEATURE_COUNTER:
	case NFT_FEATURE_TIMEOUTS:
		return NFT_FEATURE_SETS;
	case NFT_FEATURE_FLOWTABLE:
		return NFT_FEATURE_CT;
	case NFT_FEATURE_SETS:
	case NFT_FEATURE_INTERVALS:
	case NFT_FEATURE_META:
	case NFT_FEATURE_CT:
	case NFT_FEATURE_FIB:
	case NFT_FEATURE_LIMIT:
	case NFT_FEATURE_LOG:
	case NFT_FEATURE_PERSIST:
		return NFT_FEATURE_INET;
	case NFT_FEATURE_COUNT:
		break;
	}
	return feature;
}
