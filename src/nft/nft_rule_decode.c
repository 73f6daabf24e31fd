// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule's expressions as statements: the way back of nft_rule_encode.c, and nothing more than that.
#include "nft/nft_decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/buffer.h"
#include "nft/nft_attribute.h"
#include "nft/nft_field.h"

#define EXPRESSIONS_MAX 128 // the kernel's own limit for one rule

#define BIT(attribute) (1u << (attribute))

struct reader {
	const struct ruleset_table *table;
	struct nft_expression items[EXPRESSIONS_MAX];
	size_t count, at;
	uint8_t transport; // compared last
	uint64_t packets, octets;
	struct ruleset_statement statements[EXPRESSIONS_MAX];
	size_t statement_count;
};

static const struct nft_expression *next(const struct reader *r)
{
	return r->at < r->count ? &r->items[r->at] : NULL;
}

static bool is_called(const struct nft_expression *e, const char *name)
{
	return e && strcmp(e->name, name) == 0;
}

static bool in_register(const struct nlattr *attribute, unsigned slot)
{
	uint32_t number;
	return nft_number(attribute, &number) && number == nft_register(slot);
}

// [ bitwise reg 1 = ( reg 1 & mask ) ^ 0 ]
static bool read_mask(struct reader *r, uint8_t *mask, size_t size)
{
	const struct nft_expression *e = next(r);
	if (!is_called(e, "bitwise"))
		return false;
	const struct nlattr *const *a = e->attributes;
	const uint32_t needed = BIT(NFTA_BITWISE_SREG) | BIT(NFTA_BITWISE_DREG) | BIT(NFTA_BITWISE_LEN) |
	                        BIT(NFTA_BITWISE_MASK) | BIT(NFTA_BITWISE_XOR);
	if (!nft_expression_has_only(e, needed) && !nft_expression_has_only(e, needed | BIT(NFTA_BITWISE_OP)))
		return false;
	size_t mask_size, flip_size;
	const uint8_t *found = nft_data(a[NFTA_BITWISE_MASK], &mask_size);
	const uint8_t *flip = nft_data(a[NFTA_BITWISE_XOR], &flip_size);
	if (!found || !flip || mask_size != size || flip_size != size ||
	    !nft_is(a[NFTA_BITWISE_OP], NFT_BITWISE_BOOL) || !nft_is(a[NFTA_BITWISE_LEN], (uint32_t)size) ||
	    !in_register(a[NFTA_BITWISE_SREG], 0) || !in_register(a[NFTA_BITWISE_DREG], 0))
		return false;
	for (size_t i = 0; i < size; i++)
		if (flip[i])
			return false;
	memcpy(mask, found, size);
	r->at++;
	return true;
}

// [ cmp eq reg 1 VALUE ]
static bool read_cmp(struct reader *r, uint8_t *value, size_t size, bool *ret_equal)
{
	const struct nft_expression *e = next(r);
	if (!is_called(e, "cmp") ||
	    !nft_expression_has_only(e, BIT(NFTA_CMP_SREG) | BIT(NFTA_CMP_OP) | BIT(NFTA_CMP_DATA)))
		return false;
	uint32_t operation;
	size_t found_size;
	const uint8_t *found = nft_data(e->attributes[NFTA_CMP_DATA], &found_size);
	if (!found || found_size != size || !in_register(e->attributes[NFTA_CMP_SREG], 0) ||
	    !nft_number(e->attributes[NFTA_CMP_OP], &operation) ||
	    (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ))
		return false;
	*ret_equal = operation == NFT_CMP_EQ;
	memcpy(value, found, size);
	r->at++;
	return true;
}

static bool read_compare(struct reader *r, enum ruleset_field field, struct ruleset_statement *s)
{
	size_t size = nft_field_width(field);
	uint8_t value[16] = {0};
	uint32_t number;
	bool equal;
	s->kind = STATEMENT_COMPARE;
	s->compare.field = field;
	if (field == FIELD_CT_STATE) {
		if (!read_mask(r, s->compare.value, size) || !read_cmp(r, value, size, &equal))
			return false;
		for (size_t i = 0; i < size; i++)
			if (value[i])
				return false;
		s->compare.differs = equal;
		return true;
	}
	if (!read_cmp(r, value, size, &equal))
		return false;
	s->compare.differs = !equal;
	if (size == ruleset_field_info(field)->size) {
		memcpy(s->compare.value, value, size);
	} else {
		memcpy(&number, value, sizeof number);
		if (number > UINT8_MAX)
			return false;
		s->compare.value[0] = (uint8_t)number;
	}
	if (field == FIELD_L4PROTO)
		r->transport = equal ? s->compare.value[0] : 0;
	return true;
}

// Fields loaded into successive registers, and then [ lookup reg 1 set NAME ]
static bool read_lookup(struct reader *r, struct ruleset_statement *s)
{
	const struct nft_expression *e = next(r);
	const uint32_t needed = BIT(NFTA_LOOKUP_SET) | BIT(NFTA_LOOKUP_SREG);
	// The kernel shows the flags also when there are none.
	if (!is_called(e, "lookup") || (!nft_expression_has_only(e, needed) &&
	                                !nft_expression_has_only(e, needed | BIT(NFTA_LOOKUP_FLAGS))))
		return false;
	const char *name = nft_text(e->attributes[NFTA_LOOKUP_SET]);
	uint32_t flags = 0;
	nft_number(e->attributes[NFTA_LOOKUP_FLAGS], &flags);
	if (!name || !in_register(e->attributes[NFTA_LOOKUP_SREG], 0) || (flags && flags != NFT_LOOKUP_F_INV))
		return false;
	for (uint32_t i = 0; i < r->table->set_count; i++) {
		const struct ruleset_set *set = &r->table->sets[i];
		if (strcmp(set->name, name) != 0 || set->type_count != s->lookup.field_count)
			continue;
		for (size_t k = 0; k < set->type_count; k++)
			if (ruleset_field_info(s->lookup.fields[k])->type != set->types[k])
				return false;
		s->kind = STATEMENT_LOOKUP;
		s->lookup.set = i;
		s->lookup.absent = flags;
		r->at++;
		return true;
	}
	return false;
}

static bool read_fields(struct reader *r, struct ruleset_statement *s)
{
	uint8_t fields[RULESET_FIELDS_MAX];
	uint32_t to;
	unsigned slot = 0, count = 0;
	for (; next(r); r->at++) {
		enum ruleset_field field = nft_field_read(next(r), r->transport, &to);
		if (field == FIELD_NONE)
			break;
		if (to != nft_register(slot) || count == RULESET_FIELDS_MAX)
			return false;
		slot += (ruleset_field_info(field)->size + 3u) / 4;
		fields[count++] = (uint8_t)field;
	}
	if (count == 0)
		return false;
	if (!is_called(next(r), "lookup"))
		return count == 1 && read_compare(r, fields[0], s);
	memcpy(s->lookup.fields, fields, count);
	s->lookup.field_count = (uint8_t)count;
	return read_lookup(r, s);
}

static bool read_limit(struct reader *r, struct ruleset_statement *s)
{
	const struct nft_expression *e = next(r);
	const struct nlattr *const *a = e->attributes;
	uint64_t rate, unit;
	uint32_t burst;
	const uint32_t needed = BIT(NFTA_LIMIT_RATE) | BIT(NFTA_LIMIT_UNIT) | BIT(NFTA_LIMIT_BURST) |
	                        BIT(NFTA_LIMIT_TYPE) | BIT(NFTA_LIMIT_FLAGS);
	if (!nft_expression_has_only(e, needed) && !nft_expression_has_only(e, needed | BIT(NFTA_LIMIT_PAD)))
		return false;
	if (!nft_number64(a[NFTA_LIMIT_RATE], &rate) || !nft_number64(a[NFTA_LIMIT_UNIT], &unit) ||
	    !nft_number(a[NFTA_LIMIT_BURST], &burst) || !nft_is(a[NFTA_LIMIT_TYPE], NFT_LIMIT_PKTS) ||
	    !nft_is(a[NFTA_LIMIT_FLAGS], 0) || rate > UINT32_MAX || unit > UINT32_MAX)
		return false;
	s->kind = STATEMENT_LIMIT;
	s->limit.rate = (uint32_t)rate;
	s->limit.seconds = (uint32_t)unit;
	s->limit.burst = burst;
	r->at++;
	return true;
}

static bool read_counter(struct reader *r, struct ruleset_statement *s)
{
	const struct nft_expression *e = next(r);
	if (!e->known)
		return false;
	nft_number64(e->attributes[NFTA_COUNTER_PACKETS], &r->packets);
	nft_number64(e->attributes[NFTA_COUNTER_BYTES], &r->octets);
	s->kind = STATEMENT_COUNTER;
	r->at++;
	return true;
}

static bool read_log(struct reader *r, struct ruleset_statement *s)
{
	const struct nft_expression *e = next(r);
	const struct nlattr *const *a = e->attributes;
	uint16_t threshold = 0;
	const char *prefix = nft_text(a[NFTA_LOG_PREFIX]);
	if (!e->known || !prefix || strlen(prefix) >= sizeof s->log.prefix ||
	    !nft_number16(a[NFTA_LOG_GROUP], &s->log.group) || !nft_is(a[NFTA_LOG_SNAPLEN], 0) ||
	    a[NFTA_LOG_LEVEL] || a[NFTA_LOG_FLAGS])
		return false;
	if (a[NFTA_LOG_QTHRESHOLD] && (!nft_number16(a[NFTA_LOG_QTHRESHOLD], &threshold) || threshold))
		return false;
	s->kind = STATEMENT_LOG;
	memcpy(s->log.prefix, prefix, strlen(prefix) + 1);
	r->at++;
	return true;
}

static bool read_chain(const struct ruleset_table *table, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; name && i < table->chain_count; i++)
		if (strcmp(table->chains[i].name, name) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

// [ immediate reg 0 VERDICT ]
static bool read_verdict(struct reader *r, struct ruleset_statement *s)
{
	const struct nft_expression *e = next(r);
	const struct nlattr *data[NFTA_DATA_VERDICT + 1], *verdict[NFTA_VERDICT_CHAIN + 1];
	uint32_t code;
	if (!nft_expression_has_only(e, BIT(NFTA_IMMEDIATE_DREG) | BIT(NFTA_IMMEDIATE_DATA)) ||
	    !nft_is(e->attributes[NFTA_IMMEDIATE_DREG], NFT_REG_VERDICT) ||
	    !nft_attributes_nested(e->attributes[NFTA_IMMEDIATE_DATA], data, NFTA_DATA_VERDICT + 1) ||
	    !nft_attributes_nested(data[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_CHAIN + 1) ||
	    !nft_number(verdict[NFTA_VERDICT_CODE], &code))
		return false;
	s->kind = STATEMENT_VERDICT;
	r->at++;
	const char *chain = nft_text(verdict[NFTA_VERDICT_CHAIN]);
	if (code == (uint32_t)NFT_GOTO) {
		s->verdict.verdict = VERDICT_GOTO;
		return read_chain(r->table, chain, &s->verdict.chain);
	}
	s->verdict.verdict = code == NF_ACCEPT ? VERDICT_ACCEPT : VERDICT_DROP;
	return code == NF_ACCEPT || code == NF_DROP;
}

static bool read_statement(struct reader *r, struct ruleset_statement *s)
{
	memset(s, 0, sizeof *s);
	if (is_called(next(r), "limit"))
		return read_limit(r, s);
	if (is_called(next(r), "counter"))
		return read_counter(r, s);
	if (is_called(next(r), "log"))
		return read_log(r, s);
	if (is_called(next(r), "immediate"))
		return read_verdict(r, s);
	return read_fields(r, s);
}

// True when every expression is one of ours.
static bool read_all(struct reader *r)
{
	while (r->at < r->count) {
		if (r->statement_count && r->statements[r->statement_count - 1].kind == STATEMENT_VERDICT)
			return false;
		if (!read_statement(r, &r->statements[r->statement_count]))
			return false;
		r->statement_count++;
	}
	return r->statement_count > 0;
}

static bool read_expressions(struct reader *r, const struct nlattr *expressions)
{
	const struct nlattr *element;
	if (!expressions)
		return true;
	mnl_attr_for_each_nested(element, expressions)
	{
		const struct nlattr *parts[NFTA_EXPR_DATA + 1];
		if (r->count == EXPRESSIONS_MAX || mnl_attr_get_type(element) != NFTA_LIST_ELEM)
			return false;
		struct nft_expression *e = &r->items[r->count++];
		bool all = nft_attributes_nested(element, parts, NFTA_EXPR_DATA + 1);
		const char *name = nft_text(parts[NFTA_EXPR_NAME]);
		e->name = name ? name : "?";
		e->known = nft_attributes_nested(parts[NFTA_EXPR_DATA], e->attributes,
		                                 NFT_EXPRESSION_ATTRIBUTES) &&
		           all;
	}
	return true;
}

// The rule's comment as nft keeps it; NULL when it has none.
static const char *comment_in(const struct nlattr *userdata)
{
	if (!userdata)
		return NULL;
	const uint8_t *at = mnl_attr_get_payload(userdata);
	size_t left = mnl_attr_get_payload_len(userdata);
	for (; left >= 2 && left - 2 >= at[1]; left -= 2u + at[1], at += 2 + at[1])
		if (at[0] == NFTNL_UDATA_RULE_COMMENT && at[1] && at[1 + at[1]] == '\0')
			return (const char *)at + 2;
	return NULL;
}

// For a person, what kind of rule somebody else has put here; `nft list` knows more.
static char *foreign_text(const struct reader *r)
{
	struct buffer text = BUFFER_EMPTY;
	buffer_text(&text, "expressions:");
	for (size_t i = 0; i < r->count; i++)
		buffer_printf(&text, " %s", r->items[i].name);
	if (r->count == 0)
		buffer_text(&text, " none");
	return buffer_steal(&text);
}

static void build(struct ruleset_builder *b, const struct ruleset_statement *s)
{
	enum ruleset_field fields[RULESET_FIELDS_MAX];
	switch (s->kind) {
	case STATEMENT_COMPARE:
		(s->compare.differs ? ruleset_match_not : ruleset_match)(b, s->compare.field, s->compare.value);
		return;
	case STATEMENT_LOOKUP:
		for (size_t i = 0; i < s->lookup.field_count; i++)
			fields[i] = s->lookup.fields[i];
		(s->lookup.absent ? ruleset_lookup_absent : ruleset_lookup)(b, s->lookup.set, fields,
		                                                            s->lookup.field_count);
		return;
	case STATEMENT_LIMIT:
		ruleset_limit(b, s->limit.rate, s->limit.seconds, s->limit.burst);
		return;
	case STATEMENT_COUNTER:
		ruleset_counter(b);
		return;
	case STATEMENT_LOG:
		ruleset_log(b, s->log.group, s->log.prefix);
		return;
	case STATEMENT_VERDICT:
		if (s->verdict.verdict == VERDICT_GOTO)
			ruleset_goto(b, s->verdict.chain);
		else
			ruleset_verdict(b, s->verdict.verdict);
		return;
	}
}

static void build_rule(struct ruleset_builder *b, uint32_t chain, const struct reader *r, bool ours,
                       const char *comment)
{
	ruleset_build_rule(b, chain, (struct ruleset_origin){0}, "%s", comment ? comment : "");
	if (b->error)
		return;
	if (!comment) {
		free(b->rule->comment);
		b->rule->comment = NULL;
	}
	if (!ours) {
		b->rule->foreign = foreign_text(r);
		if (!b->rule->foreign)
			b->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < r->statement_count; i++)
		build(b, &r->statements[i]);
	if (b->error)
		return;
	b->rule->packets = r->packets;
	b->rule->octets = r->octets;
}

int nft_decode_statements(struct ruleset_builder *b, uint32_t chain, const struct nlattr *expressions,
                          const struct nlattr *userdata)
{
	struct reader *r = calloc(1, sizeof *r); // too large for a stack
	if (!r)
		return -ENOMEM;
	r->table = b->table;
	bool ours = read_expressions(r, expressions) && read_all(r);
	build_rule(b, chain, r, ours, comment_in(userdata));
	free(r);
	return b->error;
}
