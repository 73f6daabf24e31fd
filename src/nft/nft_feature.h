// SPDX-License-Identifier: GPL-2.0-or-later
//
// What leadglass asks of the kernel's nf_tables, feature by feature, and which option a kernel has to be built
// with for it. One list, for what a refusal says and for what is tried beforehand (nft_probe.h).
#ifndef LEADGLASS_NFT_FEATURE_H
#define LEADGLASS_NFT_FEATURE_H

#include "ruleset/ruleset.h"

enum nft_feature {
	NFT_FEATURE_TABLES,
	NFT_FEATURE_INET,
	NFT_FEATURE_SETS,
	NFT_FEATURE_INTERVALS,
	NFT_FEATURE_TIMEOUTS,
	NFT_FEATURE_COUNTER,
	NFT_FEATURE_META,
	NFT_FEATURE_CT,
	NFT_FEATURE_FIB,
	NFT_FEATURE_LIMIT,
	NFT_FEATURE_LOG,
	NFT_FEATURE_BRIDGE,
	NFT_FEATURE_CT_BRIDGE,
	NFT_FEATURE_PERSIST,
	NFT_FEATURE_CONNECTIONS,
	NFT_FEATURE_FLOWTABLE,
	NFT_FEATURE_COUNT,
};

struct nft_feature_info {
	const char *name;   // one word: "fib"
	const char *about;  // "reverse path lookups"
	const char *option; // "CONFIG_NFT_FIB_INET, CONFIG_NFT_FIB_IPV4, ..."
};
const struct nft_feature_info *nft_feature_info(enum nft_feature feature);

// The feature that an expression in a table of this family is of; NFT_FEATURE_COUNT: none has it alone.
enum nft_feature nft_feature_of(const char *expression, enum ruleset_family family);

#endif
