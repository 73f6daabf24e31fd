// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inside the compiler: how the policy's openings are sorted into sets, and how sets become rules. Private to
// src/ruleset/ruleset_compile*.c.
#ifndef LEADGLASS_RULESET_RULESET_COMPILE_H
#define LEADGLASS_RULESET_RULESET_COMPILE_H

#include "ruleset/ruleset.h"

// One kind of opening; each has at most one set for IPv4 and one for IPv6 in a scope.
enum flow_kind {
	FLOW_INITIATES,
	FLOW_ACCEPTS,
	FLOW_INITIATES_NETS,
	FLOW_ACCEPTS_NETS,
	FLOW_TCP_TO,
	FLOW_TCP_FROM,
	FLOW_UDP_TO,
	FLOW_UDP_FROM,
	FLOW_PING_TO,
	FLOW_PING_FROM,
	FLOW_MANAGE,
	FLOW_ACCESS, // service windows; the only sets that are made though empty
	FLOW_KIND_COUNT,
};

struct flow_info {
	const char *name; // of the set, without the family's digit
	uint8_t protocol; // IPPROTO_TCP, IPPROTO_UDP or IPPROTO_ICMP
	bool inbound;     // the other side opens it
	bool interval;    // prefixes or port ranges
	const char *set_comment;
	const char *rule_comment;
};
const struct flow_info *flow_info(enum flow_kind kind);

#define NO_SET UINT32_MAX

// The sets of one side of the box: what passes for the devices, or what the box does for itself.
struct scope {
	const char *prefix; // of the sets' names: "" or "box_"
	// The key holds both ends (client . server . port) and not only the far end (remote . port).
	bool paired[FLOW_KIND_COUNT];
	uint32_t sets[FLOW_KIND_COUNT][2]; // [kind][enum address_family]: index in the table, NO_SET: none
};

struct compiler {
	const struct policy *policy;
	struct problems *problems;
	struct ruleset_builder b;
	enum ruleset_family family;
	struct source_lines lines; // filled for the first comment
	struct scope devices, box; // role host: everything is in `devices`
	size_t elements;
};

// ruleset_compile_sets.c: makes the sets of a scope in the builder's current table, fills them from the policy,
// and drops those that stay empty but for service windows.
void compile_scope(struct compiler *c, struct scope *scope, bool for_box);
// Sorts, makes disjoint, adds size and details once all elements are in.
int compile_finish_set(struct compiler *c, struct ruleset_set *set);
// A constant set of ICMP types.
uint32_t compile_type_set(struct compiler *c, const char *name, enum ruleset_type type, const uint8_t *values,
                          size_t count, const char *comment);

// ruleset_disjoint.c: makes the elements of an interval set disjoint without changing what they cover.
int ruleset_make_disjoint(struct ruleset_set *set);

// ruleset_compile_rules.c
enum travel {
	TRAVEL_IN,      // to the box
	TRAVEL_OUT,     // from the box
	TRAVEL_THROUGH, // across it
};
struct chain {
	const char *name;       // for log prefixes
	uint32_t index, errors; // errors: the chain ICMP errors of known connections go to
	enum travel travel;
	const struct scope *scope;  // whose flows pass here
	const struct scope *quoted; // of these only errors pass, which the box sends; NULL: none
};
void rules_loopback(struct compiler *c, const struct chain *chain);
// Begins a rule that takes neighbour discovery of these ICMP types; its caller ends it.
void rules_match_neighbour_discovery(struct compiler *c, const struct chain *chain, uint32_t types);
void rules_neighbour_discovery(struct compiler *c, const struct chain *chain, uint32_t types); // lets it pass
// ruleset_compile_dhcp.c
void compile_dhcp_sets(struct compiler *c, const struct policy_service *service);
void rules_dhcp(struct compiler *c, const struct chain *chain, const struct policy_service *service);
void rules_spoofed(struct compiler *c, const struct chain *chain);
void rules_connections(struct compiler *c, const struct chain *chain); // invalid, related
// Who manages the machine, before anything that depends on its routes: an administrator whose way back is
// another interface is not to be locked out, and a forged sender gets no further than one packet of a
// connection.
void rules_manage(struct compiler *c, const struct chain *chain);
void rules_flows(struct compiler *c, const struct chain *chain);
// Service windows, after all that the policy says: what it allows pays nothing for them.
void rules_access(struct compiler *c, const struct chain *chain);
void rules_errors(struct compiler *c, const struct chain *chain, const uint32_t error_types[2]);
typedef void (*rules_match_fn)(struct compiler *c, const void *context);
void rules_drop(struct compiler *c, uint32_t chain, const char *log_name, const char *comment,
                rules_match_fn match, const void *context); // log, bounded; count and drop
void rules_end(struct compiler *c, uint32_t chain, const char *log_name, const char *comment);

// ruleset_compile_bridge.c: MAC ties of role bridge.
struct layer2 {
	uint32_t devices4;       // device addresses ARP is about; NO_SET: none
	uint32_t devices6;       // device addresses neighbour discovery is about; NO_SET: none
	uint32_t groups6;        // in which they are asked for
	uint32_t tied[2];        // addresses that belong to one MAC; NO_SET: none
	uint32_t macs[2];        // MAC . address
	uint32_t tied_macs;      // NO_SET: none
	uint32_t discovery_macs; // those of devices with an IPv6 address
	bool untied6;            // a device has an IPv6 address and no MAC
};
void compile_layer2_sets(struct compiler *c, struct layer2 *ret);
// Nobody with a device's address but from its own MAC.
void rules_layer2(struct compiler *c, const struct chain *chain, const struct layer2 *l);
// A device's MAC with no other address; after DHCP, which has none yet.
void rules_layer2_sources(struct compiler *c, const struct chain *chain, const struct layer2 *l);

// ruleset_compile_frames.c: what is not IP.
struct frame_chains {
	uint32_t frames, arp;
};
void compile_frame_chains(struct compiler *c, struct frame_chains *ret);
// The way there, at the begin of `chain`, and the rules there.
void rules_frames(struct compiler *c, const struct chain *chain, const struct layer2 *l,
                  const struct frame_chains *to);

// ruleset_compile_discovery.c: IPv6 neighbour discovery across a bridge.
struct discovery {
	uint32_t chain;
	uint32_t routers;    // ICMPv6 types
	uint32_t link_local; // source . destination; NO_SET: none
};
void compile_discovery(struct compiler *c, const struct layer2 *l, struct discovery *ret); // sets
// The way there, and the rules there.
void rules_discovery(struct compiler *c, const struct chain *chain, uint32_t types, const struct layer2 *l,
                     struct discovery *d);

// "policy.conf:14", the file without its folder; "" for position 0.
#define PLACE_TEXT_MAX 80
const char *compile_place(const struct compiler *c, source_pos at, char text[static PLACE_TEXT_MAX]);

void match_family(struct compiler *c, enum address_family family);

#endif
