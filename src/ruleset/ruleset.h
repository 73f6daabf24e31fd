// SPDX-License-Identifier: GPL-2.0-or-later
//
// The wall as a value: tables, named sets, chains and rules in a small closed vocabulary. One such value is
// compiled from a policy (ruleset_compile), printed as nft text (ruleset_print), asked about a packet
// (ruleset_evaluate), turned into netlink messages and read back from the kernel (src/nft), and compared with
// another (ruleset_compare). Statements are explicit, as bytecode is: nothing is implied by a later one.
//
// The skeleton of rules depends only on the role and on which kinds of sets are used; what the policy allows is
// the elements of the sets. A changed peer therefore changes elements and nothing else.
#ifndef LEADGLASS_RULESET_RULESET_H
#define LEADGLASS_RULESET_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"
#include "policy/policy.h"

struct buffer;

#define RULESET_TABLE_NAME "leadglass"
#define RULESET_NAME_MAX 31          // octets in the name of a set or chain
#define RULESET_FIELDS_MAX 4         // parts of one set key
#define RULESET_KEY_MAX 48           // octets of the longest set key
#define RULESET_COMMENT_MAX 127      // octets; nft and libnftnl take no more
#define RULESET_ELEMENTS_MAX 2000000 // in all sets together

// Sets of up to this many elements carry a counter and a comment (peer, file and line) on each; in longer ones
// that would cost more than it tells. See docs/architecture.md for the measurement.
#define RULESET_DETAIL_MAX 4096

// Service windows: sets whose elements the kernel lets go by itself. Every wall has them, so that opening one
// changes an element and no rule. The policy knows nothing of their elements.
#define RULESET_ACCESS "access"                 // client . port: to the machine itself; then '4' or '6'
#define RULESET_ACCESS_DEVICES "access_devices" // client . device . port: across a gateway
#define RULESET_TIMED_SIZE 64                   // room of each
// A window that is to stand longer belongs into the policy: an element with more left was not put there by us.
#define RULESET_TIMED_SECONDS_MAX (7u * 24 * 3600)

// Everything a rule can look at. ruleset_field_info says how each is spelled and how long it is; src/nft says
// how it is loaded. Values are in network order unless said otherwise.
enum ruleset_field {
	FIELD_NONE,
	FIELD_IIF, // interface index, host order; only ever compared with 1, loopback
	FIELD_OIF,
	FIELD_IIFNAME, // 16 octets, NUL-padded
	FIELD_OIFNAME,
	FIELD_NFPROTO,     // 1 octet: NFPROTO_IPV4, NFPROTO_IPV6
	FIELD_L4PROTO,     // 1 octet: the transport after any IPv6 extension headers
	FIELD_ETHER_TYPE,  // bridge: meta protocol, 2 octets
	FIELD_ETHER_SADDR, // bridge, 6 octets
	FIELD_ETHER_DADDR,
	FIELD_LLC,             // bridge, 3 octets: DSAP, SSAP, control of an IEEE 802.2 frame
	FIELD_ARP_FORMAT,      // bridge, 6 octets: hardware and protocol type, lengths of their addresses
	FIELD_ARP_OPERATION,   // bridge, 2 octets
	FIELD_ARP_SADDR_ETHER, // bridge, 6 octets
	FIELD_ARP_SADDR_IP,    // bridge, 4 octets
	FIELD_ARP_DADDR_IP,
	FIELD_IP_SADDR,
	FIELD_IP_DADDR,
	FIELD_IP6_SADDR,
	FIELD_IP6_DADDR,
	FIELD_IP6_HOPLIMIT,
	FIELD_TH_SPORT, // tcp or udp: a rule has compared L4PROTO before
	FIELD_TH_DPORT,
	FIELD_ICMP_TYPE,            // L4PROTO icmp compared before
	FIELD_ICMPV6_TYPE,          // L4PROTO ipv6-icmp compared before
	FIELD_CT_STATE,             // a mask of enum ruleset_ct_state: matches when any of its bits is set
	FIELD_CT_DIRECTION,         // 1 octet: 0 original, 1 reply
	FIELD_CT_PROTOCOL,          // 1 octet: the connection's, for an ICMP error the quoted one's
	FIELD_CT_ORIGINAL_IP_SADDR, // the connection's first packet's, as for the two above
	FIELD_CT_ORIGINAL_IP_DADDR,
	FIELD_CT_ORIGINAL_IP6_SADDR,
	FIELD_CT_ORIGINAL_IP6_DADDR,
	FIELD_CT_ORIGINAL_PROTO_DST,
	FIELD_FIB_REVERSE, // 1 octet: `fib saddr . iif oif`: 0 no way back to the source through this interface
	FIELD_COUNT,
};

// What may be in a set: decides the nft type name and how an element is printed.
enum ruleset_type {
	TYPE_IPV4_ADDR,
	TYPE_IPV6_ADDR,
	TYPE_INET_SERVICE,
	TYPE_ICMP_TYPE,
	TYPE_ICMPV6_TYPE,
	TYPE_IFNAME,
	TYPE_ETHER_ADDR,
	TYPE_OTHER, // fields that are never part of a set key
};

struct ruleset_field_info {
	const char *nft; // "ip saddr", "th dport", "ct original proto-dst", ...
	uint8_t size;    // octets
	enum ruleset_type type;
};
const struct ruleset_field_info *ruleset_field_info(enum ruleset_field field);
const char *ruleset_type_name(enum ruleset_type type); // "ipv4_addr"
size_t ruleset_type_size(enum ruleset_type type);      // octets: 4, 16, 2, 1, 1, 16, 6; 0 for TYPE_OTHER

// Bits of FIELD_CT_STATE; the kernel's own values (NF_CT_STATE_BIT, NF_CT_STATE_UNTRACKED_BIT).
enum ruleset_ct_state {
	CT_INVALID = 1,
	CT_ESTABLISHED = 2,
	CT_RELATED = 4,
	CT_NEW = 8,
	CT_UNTRACKED = 64,
};

enum ruleset_verdict {
	VERDICT_DROP,
	VERDICT_ACCEPT,
	VERDICT_GOTO,
};

enum ruleset_statement_kind {
	STATEMENT_COMPARE, // go on when field == value (or !=)
	STATEMENT_LOOKUP,  // go on when the fields, laid side by side, are in the set (or are not)
	STATEMENT_LIMIT,   // go on while under the rate
	STATEMENT_COUNTER,
	STATEMENT_LOG,     // to an NFLOG group
	STATEMENT_VERDICT, // always the last
};

struct ruleset_statement {
	enum ruleset_statement_kind kind;
	union {
		struct {
			enum ruleset_field field;
			bool differs;      // !=
			uint8_t value[16]; // field_info.size octets; ct state: a uint32_t in host order
		} compare;
		struct {
			uint8_t fields[RULESET_FIELDS_MAX]; // enum ruleset_field
			uint8_t field_count;
			bool absent;  // != @set
			uint32_t set; // index into the table's sets
		} lookup;
		struct {
			uint32_t rate;    // packets a unit
			uint32_t seconds; // the unit: 1, 60, 3600
			uint32_t burst;   // packets
		} limit;
		struct {
			uint16_t group;
			char prefix[44]; // "leadglass input: "; at most 43 octets
		} log;
		struct {
			enum ruleset_verdict verdict;
			uint32_t chain; // VERDICT_GOTO: index into the table's chains
		} verdict;
	};
};

// Where something came from. `at` is 0 when it was read from the kernel or belongs to no line.
struct ruleset_origin {
	source_pos at;
	uint32_t owner; // RULESET_OWNER(kind, index)
};
#define RULESET_OWNER(kind, index) ((uint32_t)(kind) << 28 | (uint32_t)(index))
#define RULESET_OWNER_KIND(owner) ((enum policy_owner)((owner) >> 28))
#define RULESET_OWNER_INDEX(owner) ((size_t)((owner)&0xfffffffu))

struct ruleset_rule {
	struct ruleset_statement *statements;
	size_t count, capacity;
	struct ruleset_origin origin;
	char *comment;   // shown by `nft list ruleset`; may be NULL only in what was read from the kernel
	char *foreign;   // read from the kernel: what in it we would never write (NULL: nothing)
	uint64_t handle; // read from the kernel; else 0
	uint64_t packets, octets; // of its counter, read from the kernel
};

enum ruleset_hook {
	HOOK_NONE, // a chain others go to
	HOOK_INPUT,
	HOOK_FORWARD,
	HOOK_OUTPUT,
	HOOK_OTHER, // read from the kernel only
};

struct ruleset_chain {
	char name[RULESET_NAME_MAX + 1];
	enum ruleset_hook hook;
	int32_t priority;
	bool accepts; // the chain's policy; always false in what we compile
	char *foreign;
	struct ruleset_rule *rules;
	size_t count, capacity;
};

// Detail of one element, kept only where it is wanted (see RULESET_DETAIL_MAX).
struct ruleset_detail {
	char *comment;            // NULL: none
	uint64_t packets, octets; // read from the kernel
	bool expires;             // it has a timeout; only in timed sets
	uint64_t left_ms;         // until it goes, when it expires
};

// A named set. Elements are keys: the fields' values, each padded with zeros to a multiple of four octets, as
// in the kernel's registers. In an interval set each element is a first and a last key (both inclusive, part by
// part). After ruleset_finish_set elements are sorted by key and no two are equal or overlap.
struct ruleset_set {
	char name[RULESET_NAME_MAX + 1];
	uint8_t types[RULESET_FIELDS_MAX]; // enum ruleset_type
	uint8_t type_count;
	uint8_t key_size; // octets of one key, padded
	bool interval;
	bool constant; // never changes after it was made (neighbour_discovery)
	bool detailed; // elements carry counters and comments
	bool timed;    // elements have timeouts, come from elsewhere than the policy, and stay across loads
	uint32_t size; // room given to the kernel; 0: none given (interval and constant sets)
	char *foreign;
	uint8_t *keys; // count * key_size octets, or twice that in an interval set: first, last, first, ...
	struct ruleset_origin *origins; // one for each element; NULL in what was read from the kernel
	struct ruleset_detail *details; // one for each element when detailed; else NULL
	size_t count, capacity;
	char *comment; // what is in it, in one line, for the printer; NULL in what was read from the kernel
};

enum ruleset_family {
	RULESET_INET,
	RULESET_BRIDGE,
};

struct ruleset_table {
	enum ruleset_family family;
	struct ruleset_set *sets;
	size_t set_count, set_capacity;
	struct ruleset_chain *chains;
	size_t chain_count, chain_capacity;
};

struct ruleset {
	struct ruleset_table tables[2]; // inet first; bridge only in role bridge
	size_t table_count;
};

void ruleset_init(struct ruleset *ruleset);
void ruleset_fini(struct ruleset *ruleset);

// Compiles a valid policy (ruleset_compile.c). 0; -E2BIG with a problem naming the limit when the policy makes
// more than RULESET_ELEMENTS_MAX elements; -ENOMEM. On failure `ret` is empty.
int ruleset_compile(const struct policy *policy, struct problems *problems, struct ruleset *ret);

// Text that `nft -f` loads: idempotent (it makes the table, empties it and fills it), nothing but our table.
void ruleset_print(const struct ruleset *ruleset, struct buffer *out);
// One rule or element, as in that text, for messages.
void ruleset_print_rule(const struct ruleset_table *table, const struct ruleset_rule *rule, struct buffer *out);
void ruleset_print_element(const struct ruleset_set *set, size_t element, struct buffer *out);

// ---- building (used by the compiler and by what reads the kernel) ----
// Sticky: everything goes through a builder; after the first failure each call is a no-op and
// ruleset_builder_end returns the error. A rule is therefore never made with a statement left out.

struct ruleset_builder {
	struct ruleset *ruleset;
	struct ruleset_table *table;
	struct ruleset_chain *chain;
	struct ruleset_rule *rule;
	int error;
};

void ruleset_build(struct ruleset_builder *b, struct ruleset *ruleset);
int ruleset_build_end(struct ruleset_builder *b); // 0 or the first error

void ruleset_build_table(struct ruleset_builder *b, enum ruleset_family family);
// Both return the index within the table (0 after a failure). `types` ends with the count.
uint32_t ruleset_build_set(struct ruleset_builder *b, const char *name, const enum ruleset_type *types,
                           size_t type_count, bool interval, const char *comment);
uint32_t ruleset_build_chain(struct ruleset_builder *b, const char *name, enum ruleset_hook hook,
                             int32_t priority);
// `key_last` only for interval sets. Keys are key_size octets, padded.
void ruleset_build_element(struct ruleset_builder *b, uint32_t set_index, const uint8_t *key,
                           const uint8_t *key_last, struct ruleset_origin origin);

void ruleset_build_rule(struct ruleset_builder *b, uint32_t chain_index, struct ruleset_origin origin,
                        const char *comment_format, ...) __attribute__((format(printf, 4, 5)));
void ruleset_match(struct ruleset_builder *b, enum ruleset_field field, const void *value);
void ruleset_match_not(struct ruleset_builder *b, enum ruleset_field field, const void *value);
void ruleset_match_u8(struct ruleset_builder *b, enum ruleset_field field, uint8_t value);
void ruleset_match_port(struct ruleset_builder *b, enum ruleset_field field, uint16_t port); // host order
void ruleset_match_name(struct ruleset_builder *b, enum ruleset_field field, const char *interface);
void ruleset_match_state(struct ruleset_builder *b, uint32_t states);
void ruleset_lookup(struct ruleset_builder *b, uint32_t set, const enum ruleset_field *fields, size_t count);
void ruleset_lookup_absent(struct ruleset_builder *b, uint32_t set, const enum ruleset_field *fields,
                           size_t count);
void ruleset_limit(struct ruleset_builder *b, uint32_t rate, uint32_t seconds, uint32_t burst);
void ruleset_counter(struct ruleset_builder *b);
void ruleset_log(struct ruleset_builder *b, uint16_t group, const char *prefix);
void ruleset_verdict(struct ruleset_builder *b, enum ruleset_verdict verdict);
void ruleset_goto(struct ruleset_builder *b, uint32_t chain);

// Sorts a set's elements, drops equal ones (the first stays) and, in an interval set, those that lie inside
// another. Part of compiling; what was read from the kernel goes through it too so that both can be compared.
int ruleset_finish_set(struct ruleset_set *set);

// Finds an exact key (hash sets) or an element that covers the key (interval sets). -1 when there is none.
// The set must be finished.
ptrdiff_t ruleset_find(const struct ruleset_set *set, const uint8_t *key);

// An element of a timed set that is a service window: it ends, and within RULESET_TIMED_SECONDS_MAX.
bool ruleset_is_window(const struct ruleset_set *set, size_t element);

// ---- comparing (ruleset_compare.c) ----

enum ruleset_difference_kind {
	DIFFERENCE_TABLE_MISSING,
	DIFFERENCE_TABLE_EXTRA,
	DIFFERENCE_CHAIN_MISSING, // in meant, not in found
	DIFFERENCE_CHAIN_EXTRA,
	DIFFERENCE_CHAIN_CHANGED, // hook, priority or policy
	DIFFERENCE_RULE_MISSING,
	DIFFERENCE_RULE_EXTRA,
	DIFFERENCE_RULE_CHANGED,
	DIFFERENCE_SET_MISSING,
	DIFFERENCE_SET_EXTRA,
	DIFFERENCE_SET_CHANGED, // types, flags
	DIFFERENCE_ELEMENT_MISSING,
	DIFFERENCE_ELEMENT_EXTRA,
	DIFFERENCE_ELEMENT_CHANGED, // its comment
};

// Called for each difference; what does not apply is NULL or 0. `meant` and `found` sides index their own
// ruleset. Return false to stop.
struct ruleset_difference {
	enum ruleset_difference_kind kind;
	const struct ruleset_table *meant_table, *found_table;
	const struct ruleset_chain *meant_chain, *found_chain;
	const struct ruleset_rule *meant_rule, *found_rule;
	const struct ruleset_set *meant_set, *found_set;
	size_t meant_element, found_element;
};
typedef bool (*ruleset_difference_fn)(void *context, const struct ruleset_difference *difference);

// Compares what was meant with what was found: rules by order and content, sets and chains by name, elements as
// sets; in timed sets whatever is a service window is as it should be, and anything else is extra. Counters,
// handles and origins do not count; a set's `size` counts only as "at least as many as elements". Returns the
// number of differences reported.
size_t ruleset_compare(const struct ruleset *meant, const struct ruleset *found, ruleset_difference_fn report,
                       void *context);
bool ruleset_statement_equal(const struct ruleset_table *a_table, const struct ruleset_statement *a,
                             const struct ruleset_table *b_table, const struct ruleset_statement *b);
// Same name, types and flags: elements can be exchanged one by one.
bool ruleset_set_same_kind(const struct ruleset_set *a, const struct ruleset_set *b);
// One line of English, as `leadglass verify` prints it. `sources` may be NULL.
void ruleset_difference_print(const struct ruleset_difference *difference, const struct sources *sources,
                              struct buffer *out);

#endif
