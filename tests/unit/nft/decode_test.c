// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is written comes back statement by statement and set by set, and nothing else passes for it: any octet
// that is changed in what the kernel shows is found, whatever it makes of the messages.
#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/nft_attribute.h"
#include "nft/nft_batch.h"
#include "nft/nft_decode.h"
#include "nft/nft_encode.h"
#include "nft/nft_field.h"

static const struct fixture all = {.peers = 3, .size = 16, .detailed = true, .bridge = true};

// ---- one statement there and back ----

struct round {
	struct ruleset meant, found;
	struct ruleset_builder b;
	uint32_t chain, set;
};

static void round_begin(struct round *r)
{
	static const enum ruleset_type types[] = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE};
	for (int side = 0; side < 2; side++) {
		struct ruleset *ruleset = side ? &r->meant : &r->found;
		ruleset_init(ruleset);
		ruleset_build(&r->b, ruleset);
		ruleset_build_table(&r->b, RULESET_INET);
		r->set = ruleset_build_set(&r->b, "peers", types, 2, false, NULL);
		ruleset_build_chain(&r->b, "errors", HOOK_NONE, 0);
		r->chain = ruleset_build_chain(&r->b, "input", HOOK_INPUT, 0);
	}
	ruleset_build_rule(&r->b, r->chain, (struct ruleset_origin){0}, "a rule");
}

// Encodes the rule, decodes the message, and returns what came back.
static const struct ruleset_rule *round_trip(struct round *r)
{
	struct nft_batch batch;
	const struct nlattr *a[NFTA_RULE_USERDATA + 1];
	const struct ruleset_table *table = &r->meant.tables[0];
	assert_int_equal(ruleset_build_end(&r->b), 0);
	nft_batch_begin(&batch, 1, 1);
	nft_put_rule(&batch, table, &table->chains[r->chain], r->b.rule);
	assert_int_equal(nft_batch_end(&batch), 0);
	assert_int_equal(batch.count, 3);
	const struct nlmsghdr *message = (const void *)(batch.data.data + batch.messages[1].offset);
	assert_int_equal(message->nlmsg_seq, 2);
	nft_attributes_message(message, sizeof(struct nfgenmsg), a, NFTA_RULE_USERDATA + 1);
	assert_string_equal(nft_text(a[NFTA_RULE_TABLE]), "leadglass");
	assert_string_equal(nft_text(a[NFTA_RULE_CHAIN]), "input");

	struct ruleset_builder b;
	ruleset_build(&b, &r->found);
	b.table = &r->found.tables[0];
	assert_int_equal(nft_decode_statements(&b, r->chain, a[NFTA_RULE_EXPRESSIONS], a[NFTA_RULE_USERDATA]),
	                 0);
	nft_batch_fini(&batch);
	return b.rule;
}

static void round_end(struct round *r, const struct ruleset_rule *back)
{
	const struct ruleset_rule *there = r->b.rule;
	if (back->foreign)
		fail_msg("came back as foreign: %s", back->foreign);
	assert_string_equal(back->comment, "a rule");
	assert_int_equal(back->count, there->count);
	for (size_t i = 0; i < there->count; i++)
		assert_true(ruleset_statement_equal(&r->meant.tables[0], &there->statements[i],
		                                    &r->found.tables[0], &back->statements[i]));
	ruleset_fini(&r->meant);
	ruleset_fini(&r->found);
}

static void every_field_compared(void **state)
{
	(void)state;
	for (enum ruleset_field field = FIELD_NONE + 1; field < FIELD_COUNT; field++)
		for (int differs = 0; differs < 2; differs++) {
			struct round r;
			uint8_t value[16];
			for (size_t i = 0; i < sizeof value; i++)
				value[i] = (uint8_t)(0x11 * i + 1);
			round_begin(&r);
			if (field == FIELD_ICMPV6_TYPE)
				ruleset_match_u8(&r.b, FIELD_L4PROTO, IPPROTO_ICMPV6);
			(differs ? ruleset_match_not : ruleset_match)(&r.b, field, value);
			ruleset_verdict(&r.b, VERDICT_ACCEPT);
			round_end(&r, round_trip(&r));
		}
}

static void every_other_statement(void **state)
{
	(void)state;
	static const uint32_t units[] = {1, 60, 3600};
	static const enum ruleset_field key[] = {FIELD_IP_SADDR, FIELD_TH_DPORT};
	for (int kind = 0; kind < 9; kind++) {
		struct round r;
		round_begin(&r);
		if (kind < 3)
			ruleset_limit(&r.b, 4000000000u, units[kind], 5);
		else if (kind == 3)
			ruleset_log(&r.b, 65535, "leadglass input: ");
		else if (kind == 4)
			ruleset_log(&r.b, 0, "a prefix of the greatest length, 43 octets..");
		else if (kind == 5)
			ruleset_lookup(&r.b, r.set, key, 2);
		else if (kind == 6)
			ruleset_lookup_absent(&r.b, r.set, key, 2);
		else if (kind == 7)
			ruleset_counter(&r.b);
		if (kind == 4) { // one too long for the builder: nothing to send
			assert_int_equal(ruleset_build_end(&r.b), -EINVAL);
			ruleset_fini(&r.meant);
			ruleset_fini(&r.found);
			continue;
		}
		if (kind == 8)
			ruleset_goto(&r.b, 0);
		else
			ruleset_verdict(&r.b, VERDICT_DROP);
		round_end(&r, round_trip(&r));
	}
}

static void a_rule_without_verdict(void **state)
{
	(void)state;
	struct round r;
	round_begin(&r);
	ruleset_limit(&r.b, 10, 1, 5);
	ruleset_log(&r.b, 5, "leadglass forward: ");
	round_end(&r, round_trip(&r));
}

static void concatenations_take_successive_registers(void **state)
{
	(void)state;
	assert_int_equal(nft_register(0), NFT_REG_1);
	assert_int_equal(nft_register(1), 9);
	assert_int_equal(nft_register(2), 10);
	assert_int_equal(nft_register(4), NFT_REG_2);
	assert_int_equal(nft_register(8), NFT_REG_3);
}

// What nft 1.0.6 makes of `ip saddr . tcp dport @peers accept`, octet by octet (from its --debug=mnl).
static void bytes_are_those_of_nft(void **state)
{
	(void)state;
	static const uint8_t wanted[] = {
	        0x34, 0x00, 0x01, 0x80, 0x0c, 0x00, 0x01, 0x00, 'p',  'a',  'y',  'l',  'o',  'a',  'd',
	        0x00, 0x24, 0x00, 0x02, 0x80, 0x08, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00,
	        0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x08,
	        0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x04, 0x34, 0x00, 0x01, 0x80, 0x0c, 0x00, 0x01, 0x00,
	        'p',  'a',  'y',  'l',  'o',  'a',  'd',  0x00, 0x24, 0x00, 0x02, 0x80, 0x08, 0x00, 0x01,
	        0x00, 0x00, 0x00, 0x00, 0x09, 0x08, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00,
	        0x03, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x02,
	};
	static const enum ruleset_field key[] = {FIELD_IP_SADDR, FIELD_TH_DPORT};
	struct round r;
	struct nft_batch batch;
	const struct nlattr *a[NFTA_RULE_USERDATA + 1];
	round_begin(&r);
	ruleset_lookup(&r.b, r.set, key, 2);
	ruleset_verdict(&r.b, VERDICT_ACCEPT);
	const struct ruleset_table *table = &r.meant.tables[0];
	nft_batch_begin(&batch, 1, 1);
	nft_put_rule(&batch, table, &table->chains[r.chain], r.b.rule);
	assert_int_equal(nft_batch_end(&batch), 0);
	nft_attributes_message((const void *)(batch.data.data + batch.messages[1].offset),
	                       sizeof(struct nfgenmsg), a, NFTA_RULE_USERDATA + 1);
	assert_true(mnl_attr_get_payload_len(a[NFTA_RULE_EXPRESSIONS]) > sizeof wanted);
	assert_memory_equal(mnl_attr_get_payload(a[NFTA_RULE_EXPRESSIONS]), wanted, sizeof wanted);
	nft_batch_fini(&batch);
	ruleset_fini(&r.meant);
	ruleset_fini(&r.found);
}

static void what_cannot_be_written_fails_the_batch(void **state)
{
	(void)state;
	static char long_comment[RULESET_COMMENT_MAX + 2];
	memset(long_comment, 'x', sizeof long_comment - 1);
	for (int fault = 0; fault < 7; fault++) {
		struct round r;
		struct nft_batch batch;
		round_begin(&r);
		ruleset_match_u8(&r.b, FIELD_L4PROTO, IPPROTO_TCP);
		ruleset_goto(&r.b, 0);
		struct ruleset_table *table = &r.meant.tables[0];
		struct ruleset_rule *rule = r.b.rule;
		if (fault == 0)
			rule->statements[0].compare.field = FIELD_NONE;
		else if (fault == 1)
			rule->statements[0].compare.field = FIELD_COUNT + 3;
		else if (fault == 2)
			rule->statements[1].verdict.chain = 77;
		else if (fault == 3)
			rule->statements[0] =
			        (struct ruleset_statement){.kind = STATEMENT_LOOKUP, .lookup = {.set = 77}};
		else if (fault == 4)
			rule->statements[0].kind = STATEMENT_VERDICT + 1;
		nft_batch_begin(&batch, 1, 1);
		char *comment = rule->comment;
		if (fault == 5)
			rule->comment = long_comment;
		if (fault == 6)
			table->sets[0].interval = true, table->sets[0].type_count = 1;
		if (fault == 6)
			nft_put_set(&batch, table, &table->sets[0], 1);
		else
			nft_put_rule(&batch, table, &table->chains[r.chain], rule);
		rule->comment = comment;
		assert_int_equal(batch.count, 1);
		nft_put_table(&batch, table, 0); // a no-op by now
		assert_int_equal(batch.count, 1);
		assert_int_equal(nft_batch_end(&batch), -EINVAL);
		nft_batch_fini(&batch);
		ruleset_fini(&r.meant);
		ruleset_fini(&r.found);
	}
}

// ---- what the kernel shows, changed ----

// Alignment octets at an attribute's end say nothing, nor does the mark of nesting.
static void mark_silent(const struct nlattr *attribute, const char *start, bool *silent, bool nested)
{
	size_t at = (size_t)((const char *)attribute - start);
	for (size_t i = attribute->nla_len; i < (size_t)MNL_ALIGN(attribute->nla_len); i++)
		silent[at + i] = true;
	silent[at + 3] = true;
	// A text that reaches one octet into its padding is the same text.
	size_t longer = attribute->nla_len ^ 1u;
	if (longer > attribute->nla_len && MNL_ALIGN(longer) == (size_t)MNL_ALIGN(attribute->nla_len))
		silent[at] = true;
	if (!nested)
		return;
	const struct nlattr *inner;
	mnl_attr_for_each_nested(inner, attribute)
	{
		mark_silent(inner, start, silent, inner->nla_type & NLA_F_NESTED);
	}
}

static void any_octet_of_a_rule_counts(void **state)
{
	struct world *w = *state;
	struct ruleset meant;
	assert_int_equal(fixture_build(&all, &meant), 0);
	assert_int_equal(world_load(w, all, false), 0);
	size_t changed = 0;
	struct nlmsghdr *message;
	for (size_t nth = 0; (message = fake_message(&w->kernel, NFT_MSG_NEWRULE, nth)); nth++) {
		const struct nlattr *a[NFTA_RULE_USERDATA + 1];
		nft_attributes_message(message, sizeof(struct nfgenmsg), a, NFTA_RULE_USERDATA + 1);
		char *start = (char *)(uintptr_t)a[NFTA_RULE_EXPRESSIONS];
		size_t size = a[NFTA_RULE_EXPRESSIONS]->nla_len;
		bool silent[8192] = {0};
		assert_true(size < sizeof silent);
		mark_silent(a[NFTA_RULE_EXPRESSIONS], start, silent, true);
		for (size_t i = MNL_ATTR_HDRLEN; i < size; i++) {
			size_t differences = 0;
			if (silent[i])
				continue;
			start[i] ^= 1;
			int r = nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &differences);
			start[i] ^= 1;
			assert_int_equal(r, 0);
			if (differences == 0)
				fail_msg("rule %zu: octet %zu of %zu counts for nothing", nth, i, size);
			changed++;
		}
	}
	assert_true(changed > 2000);
	ruleset_fini(&meant);
}

// Any octet anywhere, in messages of every kind: an answer, and no access outside the message (sanitised
// build).
static void any_octet_anywhere_is_survived(void **state)
{
	struct world *w = *state;
	static const uint8_t flips[] = {0x01, 0xff};
	static const uint16_t types[] = {NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWSET, NFT_MSG_NEWSETELEM,
	                                 NFT_MSG_NEWRULE};
	struct ruleset meant;
	assert_int_equal(fixture_build(&all, &meant), 0);
	assert_int_equal(world_load(w, all, false), 0);
	for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
		struct nlmsghdr *message;
		for (size_t nth = 0; nth < 3 && (message = fake_message(&w->kernel, types[t], nth)); nth++)
			for (size_t i = sizeof *message; i < message->nlmsg_len; i++)
				for (size_t f = 0; f < sizeof flips; f++) {
					size_t differences;
					((uint8_t *)message)[i] ^= flips[f];
					int r = nft_verify(w->nft, &meant, NULL, NULL, &w->problems,
					                   &differences);
					((uint8_t *)message)[i] ^= flips[f];
					// A rule in a chain that is not shown looks like a change in between.
					assert_true(r == 0 || r == -EINTR || r == -EBADMSG);
				}
	}
	ruleset_fini(&meant);
}

// ---- foreign parts ----

struct shown {
	_Alignas(struct nlmsghdr) char data[8192];
	struct nlmsghdr *header;
};

static struct nlmsghdr *show(struct shown *s, uint8_t type)
{
	memset(s->data, 0, sizeof s->data);
	s->header = nftnl_nlmsg_build_hdr(s->data, type, NFPROTO_INET, 0, 0);
	mnl_attr_put_strz(s->header, 1, RULESET_TABLE_NAME);
	return s->header;
}

static struct ruleset read_all_of(struct world *w)
{
	struct ruleset found;
	struct nft_state now;
	assert_int_equal(nft_read(w->nft, &found, &now, &w->problems), 0);
	return found;
}

static void add_rule(struct world *w, const char *const *expressions)
{
	struct shown s;
	show(&s, NFT_MSG_NEWRULE);
	mnl_attr_put_strz(s.header, NFTA_RULE_CHAIN, "input");
	struct nlattr *list = mnl_attr_nest_start(s.header, NFTA_RULE_EXPRESSIONS);
	for (; *expressions; expressions++) {
		struct nlattr *element = mnl_attr_nest_start(s.header, NFTA_LIST_ELEM);
		mnl_attr_put_strz(s.header, NFTA_EXPR_NAME, *expressions);
		struct nlattr *data = mnl_attr_nest_start(s.header, NFTA_EXPR_DATA);
		mnl_attr_nest_end(s.header, data);
		mnl_attr_nest_end(s.header, element);
	}
	mnl_attr_nest_end(s.header, list);
	fake_add(&w->kernel, s.header);
}

static void strange_rules_are_foreign(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, all, false), 0);
	static const char *const rejecting[] = {"counter", "reject", NULL}, *const empty[] = {NULL};
	static const char *const known_names[] = {"meta", "cmp", "immediate", NULL};
	static const char *many[200];
	for (size_t i = 0; i < 199; i++)
		many[i] = "counter";
	add_rule(w, rejecting);
	add_rule(w, empty);
	add_rule(w, known_names);
	add_rule(w, many);
	struct ruleset found = read_all_of(w);
	const struct ruleset_chain *chain = fixture_chain(&found, "input");
	const struct ruleset_rule *last = &chain->rules[chain->count - 4];
	assert_string_equal(last[0].foreign, "expressions: counter reject");
	assert_null(last[0].comment);
	assert_int_equal(last[0].count, 0);
	assert_string_equal(last[1].foreign, "expressions: none");
	assert_string_equal(last[2].foreign, "expressions: meta cmp immediate");
	assert_non_null(last[3].foreign);
	ruleset_fini(&found);
}

static void add_set(struct world *w, const char *name, uint32_t flags, uint32_t key_type, uint32_t key_length,
                    bool timeout)
{
	struct shown s;
	show(&s, NFT_MSG_NEWSET);
	mnl_attr_put_strz(s.header, NFTA_SET_NAME, name);
	mnl_attr_put_u32(s.header, NFTA_SET_FLAGS, htonl(flags));
	mnl_attr_put_u32(s.header, NFTA_SET_KEY_TYPE, htonl(key_type));
	mnl_attr_put_u32(s.header, NFTA_SET_KEY_LEN, htonl(key_length));
	if (timeout)
		mnl_attr_put_u64(s.header, NFTA_SET_TIMEOUT, 1000);
	fake_add(&w->kernel, s.header);
}

static void strange_sets_are_foreign(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, all, false), 0);
	add_set(w, "map", NFT_SET_MAP, 7, 4, false);
	add_set(w, "tree", NFT_SET_INTERVAL, 7, 4, false);
	add_set(w, "timed", NFT_SET_TIMEOUT, 7, 4, true);
	add_set(w, "timed2", 0, 7, 4, true);
	add_set(w, "mark", 0, 19, 4, false);
	add_set(w, "long_key", 0, 7, 16, false);
	add_set(w, "five", 0, 7u << 24 | 7u << 18 | 7u << 12 | 7u << 6 | 7u, 20, false);
	add_set(w, "none", 0, 0, 4, false);
	add_set(w, "lengths", NFT_SET_INTERVAL | NFT_SET_CONCAT, 7u << 6 | 13u, 8, false);
	add_set(w, "a_name_longer_than_any_of_ours_and_then_some", 0, 7, 4, false);
	add_set(w, "__set0", NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, 7, 4, false);
	struct ruleset found = read_all_of(w);
	assert_string_equal(fixture_set(&found, "map")->foreign, "a map");
	assert_string_equal(fixture_set(&found, "tree")->foreign, "other flags");
	assert_string_equal(fixture_set(&found, "timed")->foreign, "a timeout of the set's own");
	assert_string_equal(fixture_set(&found, "timed2")->foreign, "a timeout of the set's own");
	assert_string_equal(fixture_set(&found, "mark")->foreign, "keys of another type");
	assert_string_equal(fixture_set(&found, "long_key")->foreign, "keys of another length");
	assert_string_equal(fixture_set(&found, "five")->foreign, "keys of another type");
	assert_string_equal(fixture_set(&found, "none")->foreign, "keys of another type");
	assert_string_equal(fixture_set(&found, "lengths")->foreign, "parts of other lengths");
	assert_string_equal(fixture_set(&found, "a_name_longer_than_any_of_ours_")->foreign, "a name too long");
	assert_null(fixture_set(&found, "__set0"));
	assert_null(fixture_set(&found, "accepts4")->foreign);
	assert_int_equal(found.tables[0].set_count, 7 + 10);
	ruleset_fini(&found);
	// Not even several of them, cut to the same name, keep the wall from being put right.
	add_set(w, "a_name_longer_than_any_of_ours_and_another", 0, 7, 4, false);
	assert_int_equal(world_differences(w, all), 11);
}

static void add_element(struct world *w, const char *set, uint32_t flags, size_t key_length, uint16_t more)
{
	struct shown s;
	static const uint8_t key[16] = {192, 0, 2, 1, 0, 104};
	show(&s, NFT_MSG_NEWSETELEM);
	mnl_attr_put_strz(s.header, NFTA_SET_ELEM_LIST_SET, set);
	struct nlattr *list = mnl_attr_nest_start(s.header, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(s.header, NFTA_LIST_ELEM);
	if (key_length) {
		struct nlattr *nest = mnl_attr_nest_start(s.header, NFTA_SET_ELEM_KEY);
		mnl_attr_put(s.header, NFTA_DATA_VALUE, key_length, key);
		mnl_attr_nest_end(s.header, nest);
	}
	if (flags)
		mnl_attr_put_u32(s.header, NFTA_SET_ELEM_FLAGS, htonl(flags));
	if (more)
		mnl_attr_put_u64(s.header, more, 1);
	mnl_attr_nest_end(s.header, element);
	mnl_attr_nest_end(s.header, list);
	fake_add(&w->kernel, s.header);
}

static void strange_elements_make_a_set_foreign(void **state)
{
	struct world *w = *state;
	static const struct {
		size_t key_length;
		const char *why;
		uint32_t flags;
		uint16_t more;
	} kinds[] = {
	        {0, "a catch-all element", NFT_SET_ELEM_CATCHALL, 0},
	        {8, "an element with flags", NFT_SET_ELEM_INTERVAL_END, 0},
	        {8, "an element with a timeout", 0, NFTA_SET_ELEM_TIMEOUT},
	        {8, "an element that expires", 0, NFTA_SET_ELEM_EXPIRATION},
	        {8, "an element with a value (a map)", 0, NFTA_SET_ELEM_DATA},
	        {8, "an element with an object", 0, NFTA_SET_ELEM_OBJREF},
	        {8, "an element with several expressions", 0, NFTA_SET_ELEM_EXPRESSIONS},
	        {8, "an interval", 0, NFTA_SET_ELEM_KEY_END},
	        {8, "an element with an expression of its own", 0, NFTA_SET_ELEM_EXPR},
	        {0, "an element without a key of the set's length", 0, 0},
	        {7, "an element without a key of the set's length", 0, 0},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		assert_int_equal(world_load(w, all, false), 0);
		add_element(w, "accepts4", kinds[i].flags, kinds[i].key_length, kinds[i].more);
		struct ruleset found = read_all_of(w);
		assert_string_equal(fixture_set(&found, "accepts4")->foreign, kinds[i].why);
		ruleset_fini(&found);
		assert_true(world_differences(w, all) > 0);
		assert_int_equal(world_load(w, all, false), 0);
		assert_int_equal(w->result.change, NFT_EXCHANGED);
	}
	// An ordinary one more is found as what it is.
	add_element(w, "accepts4", 0, 8, 0);
	assert_int_equal(world_differences(w, all), 1);
}

static void add_chain(struct world *w, const char *name, const char *type, uint32_t hook, uint32_t flags,
                      bool device)
{
	struct shown s;
	show(&s, NFT_MSG_NEWCHAIN);
	mnl_attr_put_strz(s.header, NFTA_CHAIN_NAME, name);
	struct nlattr *nest = mnl_attr_nest_start(s.header, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(s.header, NFTA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(s.header, NFTA_HOOK_PRIORITY, htonl(0));
	if (device)
		mnl_attr_put_strz(s.header, NFTA_HOOK_DEV, "eth0");
	mnl_attr_nest_end(s.header, nest);
	mnl_attr_put_strz(s.header, NFTA_CHAIN_TYPE, type);
	mnl_attr_put_u32(s.header, NFTA_CHAIN_FLAGS, htonl(flags));
	fake_add(&w->kernel, s.header);
}

static void strange_chains_are_foreign(void **state)
{
	struct world *w = *state;
	assert_int_equal(world_load(w, all, false), 0);
	add_chain(w, "nat", "nat", NF_INET_LOCAL_IN, 1, false);
	add_chain(w, "early", "filter", NF_INET_PRE_ROUTING, 1, false);
	add_chain(w, "bound", "filter", NF_INET_LOCAL_IN, 1, true);
	add_chain(w, "flags", "filter", NF_INET_LOCAL_IN, 3, false);
	add_chain(w, "plain", "filter", NF_INET_LOCAL_IN, 1, false);
	struct ruleset found = read_all_of(w);
	assert_string_equal(fixture_chain(&found, "nat")->foreign, "another type than filter");
	assert_string_equal(fixture_chain(&found, "early")->foreign, "another hook");
	assert_int_equal(fixture_chain(&found, "early")->hook, HOOK_OTHER);
	assert_string_equal(fixture_chain(&found, "bound")->foreign, "bound to devices");
	assert_string_equal(fixture_chain(&found, "flags")->foreign, "chain flags");
	assert_null(fixture_chain(&found, "plain")->foreign);
	assert_null(fixture_chain(&found, "input")->foreign);
	ruleset_fini(&found);
	assert_int_equal(world_differences(w, all), 5);
}

static void key_types_there_and_back(void **state)
{
	(void)state;
	for (unsigned a = 0; a < TYPE_OTHER; a++)
		for (unsigned b = 0; b <= TYPE_OTHER; b++) {
			struct ruleset_set set = {.types = {(uint8_t)a, (uint8_t)b},
			                          .type_count = b == TYPE_OTHER ? 1 : 2};
			enum ruleset_type types[RULESET_FIELDS_MAX];
			size_t count;
			assert_true(nft_key_type_read(nft_key_type(&set), types, &count));
			assert_int_equal(count, set.type_count);
			assert_int_equal(types[0], a);
			if (count == 2)
				assert_int_equal(types[1], b);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_field_compared),
	        cmocka_unit_test(every_other_statement),
	        cmocka_unit_test(a_rule_without_verdict),
	        cmocka_unit_test(concatenations_take_successive_registers),
	        cmocka_unit_test(bytes_are_those_of_nft),
	        cmocka_unit_test(what_cannot_be_written_fails_the_batch),
	        world_test(any_octet_of_a_rule_counts),
	        world_test(any_octet_anywhere_is_survived),
	        world_test(strange_rules_are_foreign),
	        world_test(strange_sets_are_foreign),
	        world_test(strange_elements_make_a_set_foreign),
	        world_test(strange_chains_are_foreign),
	        cmocka_unit_test(key_types_there_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
