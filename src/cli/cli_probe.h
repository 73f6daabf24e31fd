// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of `leadglass probe`: what is tried, trying it, and saying what was found.
#ifndef LEADGLASS_CLI_PROBE_H
#define LEADGLASS_CLI_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "nft/nft_feature.h"
#include "policy/policy.h"

struct buffer;
struct nft;
struct problems;

#define PROBE_HOST (1u << POLICY_ROLE_HOST)
#define PROBE_ROUTER (1u << POLICY_ROLE_ROUTER)
#define PROBE_BRIDGE (1u << POLICY_ROLE_BRIDGE)
#define PROBE_ALL (PROBE_HOST | PROBE_ROUTER | PROBE_BRIDGE)

struct probe_feature {
	const char *name, *about, *option; // as struct nft_feature_info; NULL: that one's
	enum nft_feature nft;              // tried by nft_probe; NFT_FEATURE_COUNT: by `try`
	int (*try)(struct problems *problems);
	unsigned roles;      // PROBE_...: those it matters for
	bool useful;         // they can do without; else each of them needs it
	const char *without; // what its lack costs
};

// All, in the order they are told in. Ends with one without `without`.
extern const struct probe_feature probe_features[];
#define PROBE_FEATURES_MAX 24

const char *probe_name(const struct probe_feature *feature);
const char *probe_about(const struct probe_feature *feature);
const char *probe_option(const struct probe_feature *feature);

enum probe_found {
	PROBE_UNTRIED, // something that it needs lacks
	PROBE_THERE,
	PROBE_LACKS,
};

// What the trying process leaves, in memory shared with it.
struct probe_result {
	enum probe_found found[PROBE_FEATURES_MAX]; // by the index in probe_features
	char why[PROBE_FEATURES_MAX][256];          // the kernel's words; "" when it is there
	bool policy_loads;
	int error;     // -errno: no namespace to try in, or no memory; the rest says nothing then
	bool finished; // else the process died
};

// Tries everything, and loads `wall` (NULL: none; its refusal is then told on standard error, with the lines of
// `sources`), in a process and a network namespace of their own, which end with the call. 0, or an exit code
// after a message.
int probe_try(const struct ruleset *wall, const struct sources *sources, struct probe_result *ret);

// What is asked, for the answer.
struct probe_question {
	unsigned roles;     // PROBE_...
	const char *policy; // its name; NULL: none was given
	bool all;           // also what is there
};

// Whether everything a role needs is there.
bool probe_ready(const struct probe_result *result, enum policy_role role);

void probe_write_text(const struct probe_question *question, const struct probe_result *result,
                      struct buffer *out);
void probe_write_json(const struct probe_question *question, const struct probe_result *result,
                      struct buffer *out);

#endif
