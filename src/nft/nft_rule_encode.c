// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule's statements as expressions, one by one what nft 1.0 makes of the same text.
#include "nft/nft_encode.h"

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_batch.h"
#include "nft/nft_field.h"

// More than the longest expression takes, and what a rule has besides: names, comment.
#define EXPRESSION_ROOM 256
#define RULE_ROOM 1024

// ct state invalid      [ ct load state => reg 1 ] [ bitwise reg 1 = ( reg 1 & mask ) ^ 0 ] [ cmp neq reg 1 0 ]
static void write_mask(struct nft_rule_writer *w, const uint8_t *mask, size_t size)
{
	static const uint8_t nothing[16] = {0};
	struct nftnl_expr *e = nft_write(w, "bitwise");
	nft_write_u32(w, e, NFTNL_EXPR_BITWISE_SREG, nft_register(0));
	nft_write_u32(w, e, NFTNL_EXPR_BITWISE_DREG, nft_register(0));
	nft_write_u32(w, e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nft_write_u32(w, e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)size);
	nft_write_data(w, e, NFTNL_EXPR_BITWISE_MASK, mask, size);
	nft_write_data(w, e, NFTNL_EXPR_BITWISE_XOR, nothing, size);
}

// iif lo                [ meta load iif => reg 1 ] [ cmp eq reg 1 0x00000001 ]
void nft_write_compare(struct nft_rule_writer *w, const struct ruleset_statement *s)
{
	static const uint8_t nothing[16] = {0};
	size_t size = nft_field_width(s->compare.field);
	const uint8_t *value = s->compare.value;
	uint32_t number = value[0];
	bool equal = !s->compare.differs;
	nft_field_write(w, s->compare.field, 0);
	if (s->compare.field == FIELD_CT_STATE) {
		write_mask(w, value, size);
		value = nothing;
		equal = !equal; // some of the bits: the masked value is not 0
	}
	struct nftnl_expr *e = nft_write(w, "cmp");
	nft_write_u32(w, e, NFTNL_EXPR_CMP_SREG, nft_register(0));
	nft_write_u32(w, e, NFTNL_EXPR_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
	if (size == ruleset_field_info(s->compare.field)->size)
		nft_write_data(w, e, NFTNL_EXPR_CMP_DATA, value, size);
	else
		nft_write_data(w, e, NFTNL_EXPR_CMP_DATA, &number, sizeof number);
}

// ip saddr . tcp dport @accepts4
//                       [ payload load 4b @ network header + 12 => reg 1 ]
//                       [ payload load 2b @ transport header + 2 => reg 9 ] [ lookup reg 1 set accepts4 ]
static void write_lookup(struct nft_rule_writer *w, const struct ruleset_table *table,
                         const struct ruleset_statement *s)
{
	unsigned slot = 0;
	for (size_t i = 0; i < s->lookup.field_count && i < RULESET_FIELDS_MAX; i++)
		slot += nft_field_write(w, s->lookup.fields[i], slot);
	if (!w->error && (s->lookup.set >= table->set_count || slot == 0))
		w->error = -EINVAL;
	struct nftnl_expr *e = nft_write(w, "lookup");
	if (w->error)
		return;
	const char *name = table->sets[s->lookup.set].name;
	nft_write_u32(w, e, NFTNL_EXPR_LOOKUP_SREG, nft_register(0));
	nft_write_data(w, e, NFTNL_EXPR_LOOKUP_SET, name, strlen(name) + 1);
	if (s->lookup.absent)
		nft_write_u32(w, e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

// limit rate 10/second burst 5 packets
static void write_limit(struct nft_rule_writer *w, const struct ruleset_statement *s)
{
	struct nftnl_expr *e = nft_write(w, "limit");
	nft_write_u64(w, e, NFTNL_EXPR_LIMIT_RATE, s->limit.rate);
	nft_write_u64(w, e, NFTNL_EXPR_LIMIT_UNIT, s->limit.seconds);
	nft_write_u32(w, e, NFTNL_EXPR_LIMIT_BURST, s->limit.burst);
	nft_write_u32(w, e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nft_write_u32(w, e, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

// log prefix "leadglass input: " group 5
static void write_log(struct nft_rule_writer *w, const struct ruleset_statement *s)
{
	struct nftnl_expr *e = nft_write(w, "log");
	nft_write_data(w, e, NFTNL_EXPR_LOG_PREFIX, s->log.prefix, strlen(s->log.prefix) + 1);
	nft_write_u16(w, e, NFTNL_EXPR_LOG_GROUP, s->log.group);
}

static void write_verdict(struct nft_rule_writer *w, const struct ruleset_table *table,
                          const struct ruleset_statement *s)
{
	struct nftnl_expr *e = nft_write(w, "immediate");
	nft_write_u32(w, e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	switch (s->verdict.verdict) {
	case VERDICT_DROP:
		nft_write_u32(w, e, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
		return;
	case VERDICT_ACCEPT:
		nft_write_u32(w, e, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
		return;
	case VERDICT_GOTO:
		nft_write_u32(w, e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_GOTO);
		if (!w->error && s->verdict.chain >= table->chain_count)
			w->error = -EINVAL;
		if (!w->error) {
			const char *name = table->chains[s->verdict.chain].name;
			nft_write_data(w, e, NFTNL_EXPR_IMM_CHAIN, name, strlen(name) + 1);
		}
		return;
	}
	if (!w->error)
		w->error = -EINVAL;
}

static void write_statement(struct nft_rule_writer *w, const struct ruleset_table *table,
                            const struct ruleset_statement *s)
{
	switch (s->kind) {
	case STATEMENT_COMPARE:
		nft_write_compare(w, s);
		return;
	case STATEMENT_LOOKUP:
		write_lookup(w, table, s);
		return;
	case STATEMENT_LIMIT:
		write_limit(w, s);
		return;
	case STATEMENT_COUNTER:
		nft_write(w, "counter");
		return;
	case STATEMENT_LOG:
		write_log(w, s);
		return;
	case STATEMENT_VERDICT:
		write_verdict(w, table, s);
		return;
	}
	if (!w->error)
		w->error = -EINVAL;
}

static int write_comment(struct nftnl_rule *rule, const char *comment)
{
	struct nftnl_udata_buf *userdata = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	if (!userdata)
		return -ENOMEM;
	int r = -ENOMEM;
	if (nftnl_udata_put_strz(userdata, NFTNL_UDATA_RULE_COMMENT, comment))
		r = nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(userdata),
		                        nftnl_udata_buf_len(userdata)) < 0
		            ? -ENOMEM
		            : 0;
	nftnl_udata_buf_free(userdata);
	return r;
}

static int fill_rule(struct nftnl_rule *to, const struct ruleset_table *table,
                     const struct ruleset_chain *chain, const struct ruleset_rule *rule)
{
	struct nft_rule_writer w = {.rule = to};
	if (nftnl_rule_set_str(to, NFTNL_RULE_TABLE, RULESET_TABLE_NAME) < 0 ||
	    nftnl_rule_set_str(to, NFTNL_RULE_CHAIN, chain->name) < 0)
		return -ENOMEM;
	if (rule->comment && strlen(rule->comment) > RULESET_COMMENT_MAX)
		return -EINVAL;
	if (rule->comment && write_comment(to, rule->comment) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < rule->count; i++)
		write_statement(&w, table, &rule->statements[i]);
	return w.error;
}

void nft_put_rule(struct nft_batch *batch, const struct ruleset_table *table, const struct ruleset_chain *chain,
                  const struct ruleset_rule *rule)
{
	struct nftnl_rule *to = nftnl_rule_alloc();
	int r = to ? fill_rule(to, table, chain, rule) : -ENOMEM;
	// A lookup loads up to RULESET_FIELDS_MAX fields, no other statement makes more expressions.
	size_t room = RULE_ROOM + rule->count * (RULESET_FIELDS_MAX + 1) * EXPRESSION_ROOM;
	if (r < 0)
		nft_batch_fail(batch, r);
	struct nlmsghdr *header =
	        nft_batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table, room);
	if (header) {
		nftnl_rule_nlmsg_build_payload(header, to);
		nft_batch_add(
		        batch, header,
		        &(struct nft_message){
		                .subject = NFT_SUBJECT_RULE, .table = table, .chain = chain, .rule = rule});
	}
	if (to)
		nftnl_rule_free(to);
}
