// SPDX-License-Identifier: GPL-2.0-or-later
//
// From an error's sequence number and offset to the policy line it belongs to.
#include "nft/nft_refusal.h"

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/problem.h"
#include "nft/nft_attribute.h"
#include "nft/nft_element.h"
#include "nft/nft_feature.h"
#include "nft/nft_flowtable.h"
#include "nft/nft_owner.h"

static const struct nlmsghdr *header_of(const struct nft_batch *batch, const struct nft_message *message)
{
	return (const void *)(batch->data.data + message->offset);
}

// The name of the expression that octet `offset` of a rule's message lies in; NULL when it lies in none.
static const char *expression_at(const struct nlmsghdr *header, uint32_t offset)
{
	const struct nlattr *rule[NFTA_RULE_EXPRESSIONS + 1], *parts[NFTA_EXPR_DATA + 1], *element;
	nft_attributes_message(header, MNL_ALIGN(sizeof(struct nfgenmsg)), rule, NFTA_RULE_EXPRESSIONS + 1);
	if (!rule[NFTA_RULE_EXPRESSIONS])
		return NULL;
	mnl_attr_for_each_nested(element, rule[NFTA_RULE_EXPRESSIONS])
	{
		size_t start = (size_t)((const char *)element - (const char *)header);
		if (offset < start || offset >= start + element->nla_len)
			continue;
		nft_attributes_nested(element, parts, NFTA_EXPR_DATA + 1);
		return nft_text(parts[NFTA_EXPR_NAME]);
	}
	return NULL;
}

static bool may_be_missing(int error)
{
	return error == ENOENT || error == EOPNOTSUPP || error == EPROTONOSUPPORT || error == EAFNOSUPPORT ||
	       error == EPROTO;
}

static const char *family_name(const struct ruleset_table *table)
{
	return table && table->family == RULESET_BRIDGE ? "bridge" : "inet";
}

// "the kernel refused ...": names the part, returns where it comes from.
static source_pos name_part(const struct nft_message *m, const struct nlmsghdr *header, uint32_t offset,
                            struct buffer *out)
{
	ptrdiff_t element;
	switch (m->subject) {
	case NFT_SUBJECT_BATCH:
		buffer_text(out, "the transaction");
		return 0;
	case NFT_SUBJECT_TABLE:
	case NFT_SUBJECT_TABLE_DELETE:
		buffer_printf(out, "%stable %s " RULESET_TABLE_NAME,
		              m->subject == NFT_SUBJECT_TABLE ? "" : "to delete ", family_name(m->table));
		return 0;
	case NFT_SUBJECT_RULES_DELETE:
		buffer_printf(out, "to delete the rules of table %s " RULESET_TABLE_NAME,
		              family_name(m->table));
		return 0;
	case NFT_SUBJECT_CHAIN:
	case NFT_SUBJECT_CHAIN_DELETE:
		buffer_printf(out, "%schain %s", m->subject == NFT_SUBJECT_CHAIN ? "" : "to delete ",
		              m->chain->name);
		return 0;
	case NFT_SUBJECT_SET:
	case NFT_SUBJECT_SET_DELETE:
		buffer_printf(out, "%sset %s", m->subject == NFT_SUBJECT_SET ? "" : "to delete ", m->set->name);
		return 0;
	case NFT_SUBJECT_ELEMENTS:
	case NFT_SUBJECT_ELEMENTS_DELETE:
		element = nft_element_at(m->set, header, offset);
		buffer_text(out, m->subject == NFT_SUBJECT_ELEMENTS ? "" : "to delete ");
		if (element < 0) {
			buffer_printf(out, "elements of set %s", m->set->name);
			return 0;
		}
		buffer_text(out, "element ");
		ruleset_print_element(m->set, (size_t)element, out);
		buffer_printf(out, " of set %s", m->set->name);
		return m->set->origins ? m->set->origins[element].at : 0;
	case NFT_SUBJECT_RULE:
		buffer_printf(out, "a rule of chain %s (", m->chain->name);
		ruleset_print_rule(m->table, m->rule, out);
		buffer_text(out, ")");
		return m->rule->origin.at;
	case NFT_SUBJECT_FLOWTABLE:
		buffer_text(out, "the flow table (table inet " NFT_FLOWTABLE_TABLE ")");
		return 0;
	}
	return 0;
}

void nft_refusal_report(const struct nft_batch *batch, const struct nft_refusal *refusal,
                        struct problems *problems)
{
	struct buffer what = BUFFER_EMPTY, instead = BUFFER_EMPTY;
	const struct nft_message *m = nft_batch_find(batch, refusal->sequence);
	source_pos at = 0;

	buffer_text(&what, "the kernel refused ");
	if (m)
		at = name_part(m, header_of(batch, m), refusal->offset, &what);
	buffer_printf(&what, ": %s", strerror(refusal->error));
	if (refusal->text[0])
		buffer_printf(&what, " (%s)", refusal->text);

	if (refusal->error == EPERM)
		buffer_text(&instead, "this needs CAP_NET_ADMIN: run it as root");
	if (m && m->subject == NFT_SUBJECT_RULE && may_be_missing(refusal->error)) {
		const char *expression = expression_at(header_of(batch, m), refusal->offset);
		enum nft_feature feature = nft_feature_of(expression, m->table->family);
		const struct nft_feature_info *info =
		        feature < NFT_FEATURE_COUNT ? nft_feature_info(feature) : NULL;
		if (info)
			buffer_printf(&instead, "this kernel may lack %s: %s (%s)", expression, info->about,
			              info->option);
		else if (expression)
			buffer_printf(&instead, "this kernel may lack the expression %s", expression);
	}
	if (m && m->subject == NFT_SUBJECT_FLOWTABLE && may_be_missing(refusal->error))
		buffer_printf(&instead, "this kernel may lack flow tables (%s)",
		              nft_feature_info(NFT_FEATURE_FLOWTABLE)->option);
	problem_add(problems, PROBLEM_ERROR, at, 0,
	            buffer_failed(&what) ? "the kernel refused the rules" : what.data,
	            instead.size && !buffer_failed(&instead) ? instead.data : NULL);
	buffer_fini(&what);
	buffer_fini(&instead);
}

void nft_owner_report(const struct nft_table_state *state, enum ruleset_family family,
                      struct problems *problems)
{
	const char *name = family == RULESET_BRIDGE ? "bridge" : "inet";
	struct nft_owner owner;
	if (nft_owner_find(state->owner, &owner))
		problem_addf(
		        problems, PROBLEM_ERROR, 0, 0,
		        strcmp(owner.name, "leadglassd") == 0
		                ? "the agent keeps this wall: use leadglass apply; or end the agent first, and "
		                  "the wall stays as it is"
		        : state->persistent ? "ask that process, or end it: its rules stay"
		                            : "ask that process, or end it: its rules go with it",
		        "table %s " RULESET_TABLE_NAME " belongs to %sprocess %d (%s), netlink port %u", name,
		        owner.sure ? "" : "what is probably ", owner.pid, owner.name, state->owner);
	else
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "only the process that owns it can change it",
		             "table %s " RULESET_TABLE_NAME
		             " belongs to the netlink port %u of another process",
		             name, state->owner);
}
