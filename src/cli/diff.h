// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two policies compared: by what they say (diff_policy.c, over the facts of diff_facts.c) and by what they let
// through (diff_flows.c, over the compiled sets). Neither looks at the text: order, comments and spelling do
// not count.
#ifndef LEADGLASS_CLI_DIFF_H
#define LEADGLASS_CLI_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

struct json;

// The parts of a policy facts are about, in the order they are shown.
enum diff_part {
	DIFF_ROLE,
	DIFF_HEADER,
	DIFF_PASS,
	DIFF_FLOWTABLE,
	DIFF_BOX,
	DIFF_MANAGE,
	DIFF_LOG,
	DIFF_DEVICE,
	DIFF_SERVICE,     // for devices
	DIFF_BOX_SERVICE, // `for box`
	DIFF_PEER,
};

// One statement of a policy: device "ct-3" has "port" "11112".
struct diff_fact {
	const char *name; // of the device, service or peer; the policy's, not NUL-terminated
	uint32_t name_size;
	uint8_t part;        // enum diff_part
	uint8_t key;         // diff_key_name; 0: that it is there at all
	uint32_t value_size; // octets of it
	size_t value;        // where in `values`
};

struct diff_facts {
	struct diff_fact *items; // sorted; no two are equal
	size_t count, capacity;
	struct buffer values; // NUL after each
};

const char *diff_part_name(enum diff_part part);
const char *diff_part_suffix(enum diff_part part); // what follows the name
const char *diff_key_name(unsigned key);

// How a key and its values are written.
enum diff_style {
	DIFF_LIST, // "port 104 105"
	DIFF_EACH, // values of several words, each after the key: "tcp 443 to 10.20.0.7; tcp 80 to 10.20.0.8"
	DIFF_FLAG, // the key alone: "tls"
};
enum diff_style diff_key_style(unsigned key);

// All that `policy` says. 0 or -ENOMEM. The facts point into the policy; diff_facts_fini in every case.
int diff_facts(const struct policy *policy, struct diff_facts *ret);
void diff_facts_fini(struct diff_facts *facts);

// Order by part, name, key, value; parts of it: by part and name, by part, name and key.
int diff_compare_name(const struct diff_fact *a, const struct diff_fact *b);
int diff_compare_key(const struct diff_fact *a, const struct diff_fact *b);
int diff_compare(const struct diff_facts *a_facts, const struct diff_fact *a, const struct diff_facts *b_facts,
                 const struct diff_fact *b);

// How much is written: lines in all, values in one list.
struct diff_bounds {
	size_t lines, values;
};

// Writes each difference between what two policies say, a line ("~ peer main-pacs: address +10.20.0.6"), at
// most `bounds->lines` of them and then how many more. Returns how many there are. The JSON form writes an
// array of all.
size_t diff_policy(const struct diff_facts *old, const struct diff_facts *new, const struct diff_bounds *bounds,
                   struct buffer *out);
size_t diff_policy_json(const struct diff_facts *old, const struct diff_facts *new, struct json *out);

// The same for the flows that one wall lets through and the other does not. Where the roles differ the walls
// stand in different places, and no flow of one is a flow of the other.
struct diff_wall {
	const struct policy *policy;
	const struct ruleset *ruleset;
};
struct diff_flow_counts {
	size_t opened, closed;
};
struct diff_flow_counts diff_flows(const struct diff_wall *old, const struct diff_wall *new,
                                   const struct diff_bounds *bounds, struct buffer *out);
struct diff_flow_counts diff_flows_json(const struct diff_wall *old, const struct diff_wall *new,
                                        struct json *out);

// ---- both of it (diff_report.c) ----

// A policy with all that is made of it.
struct diff_side {
	struct policy policy;
	struct ruleset ruleset;
	struct diff_facts facts;
};
void diff_side_init(struct diff_side *side);
void diff_side_fini(struct diff_side *side);
// Makes the rest of side->policy, which was read. CLI_GO_ON, or the exit code after a message.
int diff_side_make(struct diff_side *side);

extern const struct diff_bounds diff_short, diff_all; // for a screen; without bounds

// What changes, in what the policies say and in flows. Whether anything does.
bool diff_report(const struct diff_side *old, const struct diff_side *new, const struct diff_bounds *bounds,
                 struct buffer *out);
bool diff_report_json(const struct diff_side *old, const struct diff_side *new, struct json *json);

#endif
