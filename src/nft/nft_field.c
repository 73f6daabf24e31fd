// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fields and registers.
#include "nft/nft_field.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_attribute.h"

#define CT_NO_DIRECTION 0xff

enum load_kind {
	LOAD_NONE,
	LOAD_META,
	LOAD_PAYLOAD,
	LOAD_CT,
	LOAD_FIB,
};

struct load {
	enum load_kind kind;
	uint8_t key;    // meta and ct: what; payload: which header
	uint8_t offset; // payload: into the header; ct: direction
};

#define META(key)                                                                                              \
	{                                                                                                      \
		LOAD_META, (key), 0                                                                            \
	}
#define NETWORK(offset)                                                                                        \
	{                                                                                                      \
		LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, (offset)                                             \
	}
#define TRANSPORT(offset)                                                                                      \
	{                                                                                                      \
		LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, (offset)                                           \
	}
#define LINK(offset)                                                                                           \
	{                                                                                                      \
		LOAD_PAYLOAD, NFT_PAYLOAD_LL_HEADER, (offset)                                                  \
	}
#define CT(key)                                                                                                \
	{                                                                                                      \
		LOAD_CT, (key), CT_NO_DIRECTION                                                                \
	}
#define CT_ORIGINAL(key)                                                                                       \
	{                                                                                                      \
		LOAD_CT, (key), IP_CT_DIR_ORIGINAL                                                             \
	}

static const struct load loads[FIELD_COUNT] = {
        [FIELD_IIF] = META(NFT_META_IIF),
        [FIELD_OIF] = META(NFT_META_OIF),
        [FIELD_IIFNAME] = META(NFT_META_IIFNAME),
        [FIELD_OIFNAME] = META(NFT_META_OIFNAME),
        [FIELD_NFPROTO] = META(NFT_META_NFPROTO),
        [FIELD_L4PROTO] = META(NFT_META_L4PROTO),
        [FIELD_ETHER_TYPE] = META(NFT_META_PROTOCOL),
        [FIELD_ETHER_SADDR] = LINK(6),
        [FIELD_ETHER_DADDR] = LINK(0),
        [FIELD_LLC] = NETWORK(0),
        [FIELD_ARP_FORMAT] = NETWORK(0),
        [FIELD_ARP_OPERATION] = NETWORK(6), // RFC 826, Ethernet and IPv4
        [FIELD_ARP_SADDR_ETHER] = NETWORK(8),
        [FIELD_ARP_SADDR_IP] = NETWORK(14),
        [FIELD_ARP_DADDR_IP] = NETWORK(24),
        [FIELD_IP_SADDR] = NETWORK(12),
        [FIELD_IP_DADDR] = NETWORK(16),
        [FIELD_IP6_SADDR] = NETWORK(8),
        [FIELD_IP6_DADDR] = NETWORK(24),
        [FIELD_IP6_HOPLIMIT] = NETWORK(7),
        [FIELD_TH_SPORT] = TRANSPORT(0),
        [FIELD_TH_DPORT] = TRANSPORT(2),
        [FIELD_ICMP_TYPE] = TRANSPORT(0),
        [FIELD_ICMPV6_TYPE] = TRANSPORT(0),
        [FIELD_CT_STATE] = CT(NFT_CT_STATE),
        [FIELD_CT_DIRECTION] = CT(NFT_CT_DIRECTION),
        [FIELD_CT_PROTOCOL] = CT(NFT_CT_PROTOCOL),
        [FIELD_CT_ORIGINAL_IP_SADDR] = CT_ORIGINAL(NFT_CT_SRC_IP),
        [FIELD_CT_ORIGINAL_IP_DADDR] = CT_ORIGINAL(NFT_CT_DST_IP),
        [FIELD_CT_ORIGINAL_IP6_SADDR] = CT_ORIGINAL(NFT_CT_SRC_IP6),
        [FIELD_CT_ORIGINAL_IP6_DADDR] = CT_ORIGINAL(NFT_CT_DST_IP6),
        [FIELD_CT_ORIGINAL_PROTO_DST] = CT_ORIGINAL(NFT_CT_PROTO_DST),
        [FIELD_FIB_REVERSE] = {LOAD_FIB, 0, 0},
};

static const uint32_t fib_flags = NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT;

struct nftnl_expr *nft_write(struct nft_rule_writer *w, const char *name)
{
	if (w->error)
		return NULL;
	struct nftnl_expr *expression = nftnl_expr_alloc(name);
	if (!expression) {
		w->error = -ENOMEM;
		return NULL;
	}
	nftnl_rule_add_expr(w->rule, expression);
	return expression;
}

void nft_write_data(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute,
                    const void *data, size_t size)
{
	if (!w->error && nftnl_expr_set(expression, attribute, data, (uint32_t)size) < 0)
		w->error = -ENOMEM;
}

void nft_write_u8(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute, uint8_t value)
{
	nft_write_data(w, expression, attribute, &value, sizeof value);
}

void nft_write_u16(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute, uint16_t value)
{
	nft_write_data(w, expression, attribute, &value, sizeof value);
}

void nft_write_u32(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute, uint32_t value)
{
	nft_write_data(w, expression, attribute, &value, sizeof value);
}

void nft_write_u64(struct nft_rule_writer *w, struct nftnl_expr *expression, uint16_t attribute, uint64_t value)
{
	nft_write_data(w, expression, attribute, &value, sizeof value);
}

// The same memory has names for 16 octets and for 4; nft and the kernel use the wide one where a wide one
// starts.
uint32_t nft_register(unsigned slot)
{
	return slot % 4 == 0 ? NFT_REG_1 + slot / 4 : NFT_REG32_00 + slot;
}

size_t nft_field_width(enum ruleset_field field)
{
	return field == FIELD_FIB_REVERSE ? sizeof(uint32_t) : ruleset_field_info(field)->size;
}

static unsigned slots(enum ruleset_field field)
{
	return (ruleset_field_info(field)->size + 3u) / 4;
}

unsigned nft_field_write(struct nft_rule_writer *w, enum ruleset_field field, unsigned slot)
{
	const struct load *load = &loads[field < FIELD_COUNT ? field : FIELD_NONE];
	uint32_t to = nft_register(slot);
	struct nftnl_expr *e;
	switch (load->kind) {
	case LOAD_NONE:
		if (!w->error)
			w->error = -EINVAL;
		break;
	case LOAD_META:
		e = nft_write(w, "meta");
		nft_write_u32(w, e, NFTNL_EXPR_META_KEY, load->key);
		nft_write_u32(w, e, NFTNL_EXPR_META_DREG, to);
		break;
	case LOAD_PAYLOAD:
		e = nft_write(w, "payload");
		nft_write_u32(w, e, NFTNL_EXPR_PAYLOAD_DREG, to);
		nft_write_u32(w, e, NFTNL_EXPR_PAYLOAD_BASE, load->key);
		nft_write_u32(w, e, NFTNL_EXPR_PAYLOAD_OFFSET, load->offset);
		nft_write_u32(w, e, NFTNL_EXPR_PAYLOAD_LEN, ruleset_field_info(field)->size);
		break;
	case LOAD_CT:
		e = nft_write(w, "ct");
		nft_write_u32(w, e, NFTNL_EXPR_CT_KEY, load->key);
		if (load->offset != CT_NO_DIRECTION)
			nft_write_u8(w, e, NFTNL_EXPR_CT_DIR, load->offset);
		nft_write_u32(w, e, NFTNL_EXPR_CT_DREG, to);
		break;
	case LOAD_FIB:
		e = nft_write(w, "fib");
		nft_write_u32(w, e, NFTNL_EXPR_FIB_DREG, to);
		nft_write_u32(w, e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_OIF);
		nft_write_u32(w, e, NFTNL_EXPR_FIB_FLAGS, fib_flags);
		break;
	}
	return slots(field);
}

bool nft_expression_has_only(const struct nft_expression *e, uint32_t mask)
{
	if (!e->known)
		return false;
	for (unsigned i = 0; i < NFT_EXPRESSION_ATTRIBUTES; i++)
		if (!e->attributes[i] != !(mask & 1u << i))
			return false;
	return true;
}

static enum load_kind kind_of(const struct nft_expression *e)
{
	if (strcmp(e->name, "meta") == 0 &&
	    nft_expression_has_only(e, 1u << NFTA_META_KEY | 1u << NFTA_META_DREG))
		return LOAD_META;
	if (strcmp(e->name, "payload") == 0 &&
	    nft_expression_has_only(e, 1u << NFTA_PAYLOAD_DREG | 1u << NFTA_PAYLOAD_BASE |
	                                       1u << NFTA_PAYLOAD_OFFSET | 1u << NFTA_PAYLOAD_LEN))
		return LOAD_PAYLOAD;
	const uint32_t ct = 1u << NFTA_CT_KEY | 1u << NFTA_CT_DREG;
	if (strcmp(e->name, "ct") == 0 &&
	    (nft_expression_has_only(e, ct) || nft_expression_has_only(e, ct | 1u << NFTA_CT_DIRECTION)))
		return LOAD_CT;
	if (strcmp(e->name, "fib") == 0 &&
	    nft_expression_has_only(e, 1u << NFTA_FIB_DREG | 1u << NFTA_FIB_RESULT | 1u << NFTA_FIB_FLAGS))
		return LOAD_FIB;
	return LOAD_NONE;
}

// What a load is, as in the table above, and the octets it takes when it says so.
static bool read_load(const struct nft_expression *e, struct load *ret, uint32_t *ret_size,
                      uint32_t *ret_register)
{
	const struct nlattr *const *a = e->attributes;
	uint32_t key = 0, offset = 0;
	*ret = (struct load){.kind = kind_of(e)};
	*ret_size = 0;
	switch (ret->kind) {
	case LOAD_NONE:
		return false;
	case LOAD_META:
		if (!nft_number(a[NFTA_META_KEY], &key) || !nft_number(a[NFTA_META_DREG], ret_register))
			return false;
		break;
	case LOAD_PAYLOAD:
		if (!nft_number(a[NFTA_PAYLOAD_BASE], &key) || !nft_number(a[NFTA_PAYLOAD_OFFSET], &offset) ||
		    !nft_number(a[NFTA_PAYLOAD_LEN], ret_size) ||
		    !nft_number(a[NFTA_PAYLOAD_DREG], ret_register))
			return false;
		break;
	case LOAD_CT:
		if (!nft_number(a[NFTA_CT_KEY], &key) || !nft_number(a[NFTA_CT_DREG], ret_register))
			return false;
		offset = CT_NO_DIRECTION;
		if (a[NFTA_CT_DIRECTION])
			offset = mnl_attr_get_payload_len(a[NFTA_CT_DIRECTION]) == 1
			                 ? mnl_attr_get_u8(a[NFTA_CT_DIRECTION])
			                 : UINT32_MAX;
		break;
	case LOAD_FIB:
		if (!nft_is(a[NFTA_FIB_RESULT], NFT_FIB_RESULT_OIF) || !nft_is(a[NFTA_FIB_FLAGS], fib_flags) ||
		    !nft_number(a[NFTA_FIB_DREG], ret_register))
			return false;
		break;
	}
	ret->key = (uint8_t)key;
	ret->offset = (uint8_t)offset;
	return key <= UINT8_MAX && offset <= UINT8_MAX;
}

enum ruleset_field nft_field_read(const struct nft_expression *e, uint8_t transport, uint32_t *ret_register)
{
	struct load load;
	uint32_t size;
	if (!read_load(e, &load, &size, ret_register))
		return FIELD_NONE;
	for (enum ruleset_field field = FIELD_NONE + 1; field < FIELD_COUNT; field++) {
		const struct load *candidate = &loads[field];
		if (candidate->kind != load.kind || candidate->key != load.key ||
		    candidate->offset != load.offset)
			continue;
		if (load.kind == LOAD_PAYLOAD && size != ruleset_field_info(field)->size)
			continue;
		if (field == FIELD_ICMP_TYPE && transport == IPPROTO_ICMPV6)
			continue; // the next one is it
		return field;
	}
	return FIELD_NONE;
}
