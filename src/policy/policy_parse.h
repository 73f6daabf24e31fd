// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the files of the parser share: its state, the tables that say which directives a block takes, and how
// values and complaints are handled. Rule for all of them: one cause, one error. What follows from an error
// that was already reported is not reported again (see `broken` and `incomplete`).
#ifndef LEADGLASS_POLICY_PARSE_H
#define LEADGLASS_POLICY_PARSE_H

#include "base/array.h"
#include "policy/policy.h"
#include "policy/policy_lex.h"

struct policy_parser {
	struct policy *policy;
	struct problems *problems;
	const struct policy_loader *loader;
	struct policy_lex lex;                             // of the file being read
	struct policy_lex outer[POLICY_INCLUDE_DEPTH_MAX]; // of those that include it
	unsigned depth;
	size_t octets; // in all files
	int error;     // sticky: -ENOMEM
	bool stop;     // a limit was passed: reading on is pointless

	struct policy_directive line; // the one being looked at
	bool line_waits;              // a block left it to the top level: it was not closed
	unsigned owed;                // `}` of such blocks still to come, perhaps
	bool outside;    // a directive stood outside its block: those after it, and a `}`, follow from that
	bool is_signed;  // the policy ends at the marker of its signature
	bool incomplete; // something of unknown content was passed over: do not complain that things are
	                 // missing
	bool role_seen;

	struct word *references; // the words of policy.device_refs, until devices are known
	size_t reference_count, reference_capacity;
};

// One directive: what may follow its name, and who reads it. `block` is what the block fills.
struct policy_form {
	const char *name;
	uint8_t size;        // of the name
	uint8_t least, most; // parameters; most may be POLICY_ANY
	bool once;           // a second one in the same block is an error
	const char *example; // NULL: known only to explain that it does not belong here
	bool (*read)(struct policy_parser *p, void *block); // false when it complained
};

#define POLICY_FORMS_MAX 11
#define POLICY_ANY 255
#define POLICY_NAME(text) text, sizeof text - 1 // the first two members
struct policy_block {
	const char *name; // "a peer block"
	const struct policy_form *forms;
	size_t count;
};

// Reads the block that p->line opens into `target`. True when all of it was right: only then may the caller
// complain about what is missing in it. `example` is shown when there is no block at all.
bool policy_block_read(struct policy_parser *p, const struct policy_block *block, void *target,
                       const char *example);

// ---- top-level directives, one for each file of the parser ----
extern const struct policy_form policy_top_forms[];
extern const size_t policy_top_form_count;
bool policy_device_read(struct policy_parser *p, void *unused);
bool policy_peer_read(struct policy_parser *p, void *unused);
bool policy_service_read(struct policy_parser *p, void *unused);
bool policy_box_read(struct policy_parser *p, void *unused);
bool policy_manage_read(struct policy_parser *p, void *unused);
bool policy_log_read(struct policy_parser *p, void *unused);
bool policy_header_read(struct policy_parser *p, void *unused);
bool policy_pass_read(struct policy_parser *p, void *unused);
bool policy_flowtable_read(struct policy_parser *p, void *unused);
bool policy_role_read(struct policy_parser *p, void *unused);
bool policy_include_read(struct policy_parser *p, void *unused);

// Begins to read a file; takes `text` over. False when it complained (or p->error is set).
bool policy_file_begin(struct policy_parser *p, const char *name, char *text, size_t size, source_pos from);

// After all files: what the parts must be to each other.
void policy_validate(struct policy_parser *p);

// ---- values (policy_values.c): each complains about what it cannot take and then returns false ----

// What an address may be where it stands.
enum policy_address_use {
	POLICY_ADDRESS_DEVICE,  // exact
	POLICY_ADDRESS_PEER,    // a host or a network of hosts, like the next two
	POLICY_ADDRESS_MANAGER, // and never shown how to write every address, as a peer is not
	POLICY_ADDRESS_REMOTE,  // of a service
	POLICY_ADDRESS_TARGET,  // also a group of hosts
};
// They read words[first] ... words[last - 1] and add to *span.
bool policy_addresses_read(struct policy_parser *p, uint32_t first, uint32_t last, enum policy_address_use use,
                           struct span *span);
bool policy_ports_read(struct policy_parser *p, uint32_t first, uint32_t last, bool ranges, struct span *span);
bool policy_interfaces_read(struct policy_parser *p, struct span *span);
bool policy_name_check(struct policy_parser *p, const struct word *word, const char *whose);
bool policy_number(const char *text, size_t size, uint64_t most, uint64_t *ret); // decimal, no leading zero
// Whether an address may stand there (policy_address.c, like the next one).
bool policy_address_suits(struct policy_parser *p, const struct word *word, const struct prefix *prefix,
                          enum policy_address_use use);
// Says why an address is none, and what was probably meant.
void policy_address_refuse(struct policy_parser *p, const struct word *word, enum prefix_error error,
                           const struct prefix *prefix, enum policy_address_use use);

// A word with a `#` in it was perhaps to end in a comment.
#define POLICY_COMMENT_ADVICE "a comment begins with a '#' after a space"

// Adds the default port of a peer or block where none was given.
void policy_port_add(struct policy_parser *p, uint16_t first, uint16_t last, source_pos at, struct span *span);

// Room for one more item: a pointer to it, counted, or NULL with p->error set.
void *policy_push(struct policy_parser *p, void *items, size_t *count, size_t *capacity, size_t item_size);

static inline void policy_span_add(struct span *span, size_t index)
{
	if (span->count == 0)
		span->first = (uint32_t)index;
	span->count++;
}

// ---- complaints ----

void policy_error(struct policy_parser *p, source_pos at, uint32_t length, const char *instead,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
// At a word, all of it underlined. As an expression it is false, which is what a reader that complains returns.
void policy_complain(struct policy_parser *p, const struct word *word, const char *instead, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
#define policy_error_word(...) (policy_complain(__VA_ARGS__), policy_refused())
static inline bool policy_refused(void)
{
	return false;
}

// A word as messages show it: cut when it is long.
#define POLICY_SHOW_MAX 72
const char *policy_show(const struct word *word, char text[static POLICY_SHOW_MAX]);
#define SHOW(word) policy_show((word), (char[POLICY_SHOW_MAX]){0})

// "line 12", or "peers.conf:12" when that is not the file of `here`. Only for a complaint that will be shown:
// counting lines costs a walk over the file.
#define POLICY_WHERE_MAX 300
const char *policy_where(const struct policy *policy, const struct problems *problems, source_pos at,
                         source_pos here, char text[static POLICY_WHERE_MAX]);
#define WHERE(p, at, here) policy_where((p)->policy, (p)->problems, (at), (here), (char[POLICY_WHERE_MAX]){0})

// A short text made for `instead`.
#define POLICY_ADVICE_MAX 400
const char *policy_advice(char text[static POLICY_ADVICE_MAX], const char *format, ...)
        __attribute__((format(printf, 2, 3)));
#define ADVICE(...) policy_advice((char[POLICY_ADVICE_MAX]){0}, __VA_ARGS__)

#endif
