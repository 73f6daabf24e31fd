// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the fields a rule looks at are loaded into the kernel's registers: the only place that knows registers,
// header offsets and the kernel's key numbers. Written as nft 1.0 writes the same rule, so that text and
// netlink give the same bytecode.
#ifndef LEADGLASS_NFT_FIELD_H
#define LEADGLASS_NFT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ruleset/ruleset.h"

struct nftnl_expr;
struct nftnl_rule;
struct nlattr;

// A rule being written. Sticky: an expression that could not be made fails the rule, it is never left out.
struct nft_rule_writer {
	struct nftnl_rule *rule;
	int error;
};

struct nftnl_expr *nft_write(struct nft_rule_writer *w,
                             const char *name); // at the rule's end; NULL after a failure
void nft_write_u8(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute, uint8_t value);
void nft_write_u16(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute,
                   uint16_t value);
void nft_write_u32(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute,
                   uint32_t value);
void nft_write_u64(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute,
                   uint64_t value);
void nft_write_data(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute,
                    const void *data, size_t size);

// Register of the n-th four octets: concatenated fields lie in successive ones.
uint32_t nft_register(unsigned slot);

// Octets of a field's value in a register: the field's own size, but for what the kernel stores as a number of
// four.
size_t nft_field_width(enum ruleset_field field);

// Loads a field into the registers from `slot` on. Returns the slots it takes.
unsigned nft_field_write(struct nft_rule_writer *w, enum ruleset_field field, unsigned slot);

// One expression of a rule as the kernel shows it: its attributes by number.
#define NFT_EXPRESSION_ATTRIBUTES 16
struct nft_expression {
	const char *name;
	const struct nlattr *attributes[NFT_EXPRESSION_ATTRIBUTES];
	bool known; // no attribute beyond those
};

// True when the expression has attributes of the given numbers (a mask of 1u << number) and no others.
bool nft_expression_has_only(const struct nft_expression *e, uint32_t mask);

// The field an expression loads, and where to. `transport` is the protocol compared before in the rule (which
// of icmp and icmpv6 an octet of the transport header belongs to). FIELD_NONE when it is nothing that we would
// write.
enum ruleset_field nft_field_read(const struct nft_expression *e, uint8_t transport, uint32_t *ret_register);

#endif
