// SPDX-License-Identifier: GPL-2.0-or-later
//
// The list, and which expression belongs to what.
#include "nft/nft_feature.h"

#include <string.h>

static const struct nft_feature_info features[NFT_FEATURE_COUNT] = {
        [NFT_FEATURE_TABLES] = {"nf_tables", "rules and transactions",
                                "CONFIG_NF_TABLES, CONFIG_NETFILTER_NETLINK"},
        [NFT_FEATURE_INET] = {"inet", "tables for IPv4 and IPv6", "CONFIG_NF_TABLES_INET"},
        [NFT_FEATURE_SETS] = {"sets", "sets of peers", "CONFIG_NF_TABLES"},
        [NFT_FEATURE_INTERVALS] = {"intervals", "sets of networks", "CONFIG_NF_TABLES since Linux 5.6"},
        [NFT_FEATURE_TIMEOUTS] = {"timeouts", "elements that end by themselves", "CONFIG_NF_TABLES"},
        [NFT_FEATURE_COUNTER] = {"counter", "counters on rules and elements",
                                 "CONFIG_NF_TABLES; older kernels: CONFIG_NFT_COUNTER"},
        [NFT_FEATURE_META] = {"meta", "interfaces and protocols",
                              "CONFIG_NF_TABLES; older kernels: CONFIG_NFT_META"},
        [NFT_FEATURE_CT] = {"ct", "connection tracking for nft", "CONFIG_NFT_CT, CONFIG_NF_CONNTRACK"},
        [NFT_FEATURE_FIB] = {"fib", "reverse path lookups",
                             "CONFIG_NFT_FIB_INET, CONFIG_NFT_FIB_IPV4, CONFIG_NFT_FIB_IPV6"},
        [NFT_FEATURE_LIMIT] = {"limit", "rates", "CONFIG_NFT_LIMIT"},
        [NFT_FEATURE_LOG] = {"log", "NFLOG", "CONFIG_NFT_LOG, CONFIG_NETFILTER_NETLINK_LOG"},
        [NFT_FEATURE_BRIDGE] = {"bridge", "tables for bridges", "CONFIG_NF_TABLES_BRIDGE"},
        [NFT_FEATURE_CT_BRIDGE] = {"ct-bridge", "connection tracking in bridges", "CONFIG_NF_CONNTRACK_BRIDGE"},
        [NFT_FEATURE_PERSIST] = {"persist", "a table that has an owner and outlives it",
                                 "CONFIG_NF_TABLES since Linux 6.9"},
        [NFT_FEATURE_CONNECTIONS] = {"connections", "connection tracking over netlink", "CONFIG_NF_CT_NETLINK"},
        [NFT_FEATURE_FLOWTABLE] = {"flowtable", "flow tables",
                                   "CONFIG_NFT_FLOW_OFFLOAD, CONFIG_NF_FLOW_TABLE_INET since Linux 5.12"},
};

static const struct {
	const char *expression;
	enum nft_feature inet, bridge;
} expressions[] = {
        {"ct", NFT_FEATURE_CT, NFT_FEATURE_CT_BRIDGE},         {"fib", NFT_FEATURE_FIB, NFT_FEATURE_FIB},
        {"limit", NFT_FEATURE_LIMIT, NFT_FEATURE_LIMIT},       {"log", NFT_FEATURE_LOG, NFT_FEATURE_LOG},
        {"counter", NFT_FEATURE_COUNTER, NFT_FEATURE_COUNTER}, {"meta", NFT_FEATURE_META, NFT_FEATURE_META},
};

const struct nft_feature_info *nft_feature_info(enum nft_feature feature)
{
	return &features[feature];
}

enum nft_feature nft_feature_of(const char *expression, enum ruleset_family family)
{
	for (size_t i = 0; expression && i < sizeof expressions / sizeof *expressions; i++)
		if (strcmp(expressions[i].expression, expression) == 0)
			return family == RULESET_BRIDGE ? expressions[i].bridge : expressions[i].inet;
	return NFT_FEATURE_COUNT;
}
