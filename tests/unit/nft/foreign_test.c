// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables of others, as dumps made by hand: what is told of which, and what of an answer that is no answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/problem.h"
#include "nft/nft_foreign.h"

#define PORT 4711u
#define INGRESS 0 // of family netdev
#define EGRESS 1

// A kernel that holds these messages; a dump gives those of its kind.
struct script {
	struct nft *nft;
	struct problems problems;
	struct {
		_Alignas(struct nlmsghdr) char data[512];
	} held[32];
	size_t count;

	struct nlmsghdr request;
	bool asked, done;
	size_t at;
	unsigned interrupted; // so many dumps are
	uint8_t refuse;       // this NFT_MSG_GET* ...
	int error;            // ... with this errno

	struct nft_foreign found[32];
	char names[32][3][40];
	size_t found_count;
};

static ssize_t script_send(void *context, const void *data, size_t size)
{
	struct script *s = context;
	memcpy(&s->request, data, sizeof s->request);
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(data);
	assert_int_equal(head->nfgen_family, AF_UNSPEC);
	assert_int_equal(s->request.nlmsg_flags & NLM_F_DUMP, NLM_F_DUMP);
	assert_int_equal(size, sizeof s->request + sizeof *head); // no table: those of everybody
	s->at = 0;
	s->asked = true;
	return (ssize_t)size;
}

static ssize_t script_receive(void *context, void *data, size_t size, bool wait)
{
	struct script *s = context;
	uint16_t wanted = (uint16_t)(s->request.nlmsg_type - 1); // NEW beside GET
	(void)wait;
	assert_true(s->asked);
	bool refused = s->error && (s->request.nlmsg_type & 0xff) == s->refuse;
	for (; !refused && s->at < s->count; s->at++) {
		struct nlmsghdr *held = (void *)s->held[s->at].data;
		if (held->nlmsg_type != wanted)
			continue;
		held->nlmsg_seq = s->request.nlmsg_seq;
		held->nlmsg_pid = PORT;
		held->nlmsg_flags = (uint16_t)(NLM_F_MULTI | (s->interrupted ? NLM_F_DUMP_INTR : 0));
		assert_true(held->nlmsg_len <= size);
		memcpy(data, held, held->nlmsg_len);
		s->at++;
		return (ssize_t)held->nlmsg_len;
	}
	struct nlmsghdr *end = mnl_nlmsg_put_header(data);
	end->nlmsg_type = NLMSG_DONE;
	end->nlmsg_seq = s->request.nlmsg_seq;
	end->nlmsg_pid = PORT;
	if (s->interrupted) {
		end->nlmsg_flags |= NLM_F_DUMP_INTR;
		s->interrupted--;
	}
	*(int32_t *)mnl_nlmsg_put_extra_header(end, sizeof(int32_t)) = refused ? -s->error : 0;
	s->asked = false;
	return (ssize_t)end->nlmsg_len;
}

static int script_room(void *context, size_t size)
{
	(void)context;
	(void)size;
	return 0;
}

static uint32_t script_port(void *context)
{
	(void)context;
	return PORT;
}

static void script_close(void *context)
{
	(void)context;
}

static int setup(void **state)
{
	struct script *s = calloc(1, sizeof *s);
	assert_non_null(s);
	problem_init(&s->problems);
	const struct nft_io io = {script_send, script_receive, script_room, script_port, script_close, s};
	assert_int_equal(nft_open_io(&io, &s->nft), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct script *s = *state;
	nft_close(s->nft);
	problem_fini(&s->problems);
	free(s);
	return 0;
}

// ---- what the kernel holds ----

static struct nlmsghdr *hold(struct script *s, uint8_t type, uint8_t family, const char *table)
{
	assert_in_range(s->count, 0, 31);
	struct nlmsghdr *header = mnl_nlmsg_put_header(s->held[s->count++].data);
	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(header, sizeof *head);
	head->nfgen_family = family;
	mnl_attr_put_strz(header, 1, table); // its name, in every kind of message
	return header;
}

static void hold_base(struct script *s, uint8_t family, const char *table, const char *chain, uint32_t hook,
                      int32_t priority)
{
	struct nlmsghdr *header = hold(s, NFT_MSG_NEWCHAIN, family, table);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, chain);
	struct nlattr *nest = mnl_attr_nest_start(header, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(header, NFTA_HOOK_HOOKNUM, htobe32(hook));
	mnl_attr_put_u32(header, NFTA_HOOK_PRIORITY, htobe32((uint32_t)priority));
	mnl_attr_nest_end(header, nest);
}

static void hold_chain(struct script *s, uint8_t family, const char *table, const char *chain)
{
	mnl_attr_put_strz(hold(s, NFT_MSG_NEWCHAIN, family, table), NFTA_CHAIN_NAME, chain);
}

static void put_expression(struct nlmsghdr *header, const char *name, int32_t verdict)
{
	struct nlattr *element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, name);
	if (strcmp(name, "immediate") == 0) {
		struct nlattr *data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
		mnl_attr_put_u32(header, NFTA_IMMEDIATE_DREG, 0);
		struct nlattr *value = mnl_attr_nest_start(header, NFTA_IMMEDIATE_DATA);
		struct nlattr *code = mnl_attr_nest_start(header, NFTA_DATA_VERDICT);
		mnl_attr_put_u32(header, NFTA_VERDICT_CODE, htobe32((uint32_t)verdict));
		mnl_attr_nest_end(header, code);
		mnl_attr_nest_end(header, value);
		mnl_attr_nest_end(header, data);
	}
	mnl_attr_nest_end(header, element);
}

// A rule of a counter and one more expression; "immediate" with a verdict.
static void hold_rule(struct script *s, uint8_t family, const char *table, const char *chain, const char *name,
                      int32_t verdict)
{
	struct nlmsghdr *header = hold(s, NFT_MSG_NEWRULE, family, table);
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, chain);
	struct nlattr *list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	put_expression(header, "counter", 0);
	put_expression(header, name, verdict);
	mnl_attr_nest_end(header, list);
}

static void hold_accept(struct script *s, uint8_t family, const char *table, const char *chain)
{
	hold_rule(s, family, table, chain, "immediate", NF_ACCEPT);
}

static void hold_target(struct script *s, const char *chain, const char *target, uint16_t flags)
{
	struct nlmsghdr *header = hold(s, NFT_MSG_NEWRULE, NFPROTO_IPV4, "raw");
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, chain);
	struct nlattr *list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	struct nlattr *element = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, "target");
	struct nlattr *data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	mnl_attr_put_strz(header, NFTA_TARGET_NAME, target);
	mnl_attr_put(header, NFTA_TARGET_INFO, sizeof flags, &flags);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, element);
	mnl_attr_nest_end(header, list);
}

static void hold_wall(struct script *s)
{
	hold_base(s, NFPROTO_INET, "leadglass", "input", NF_INET_LOCAL_IN, 0);
	hold_base(s, NFPROTO_INET, "leadglass", "forward", NF_INET_FORWARD, 0);
	hold_base(s, NFPROTO_INET, "leadglass", "output", NF_INET_LOCAL_OUT, 0);
	hold_base(s, NFPROTO_BRIDGE, "leadglass", "forward", NF_INET_FORWARD, -200);
	hold_accept(s, NFPROTO_INET, "leadglass", "input"); // ours is not told
}

// ---- what is found ----

static void take(void *context, const struct nft_foreign *found)
{
	struct script *s = context;
	assert_in_range(s->found_count, 0, 31);
	size_t n = s->found_count++;
	s->found[n] = *found;
	snprintf(s->names[n][0], sizeof s->names[n][0], "%s", found->family);
	snprintf(s->names[n][1], sizeof s->names[n][1], "%s", found->table);
	snprintf(s->names[n][2], sizeof s->names[n][2], "%s", found->chain);
	assert_true(strlen(found->what) < sizeof found->what - 1);
}

static int find(struct script *s)
{
	s->found_count = 0;
	return nft_foreign_find(s->nft, take, s, &s->problems);
}

static void expect(const struct script *s, size_t nth, enum nft_foreign_kind kind, const char *place,
                   const char *words)
{
	char text[128];
	assert_in_range(nth + 1, 1, s->found_count);
	assert_int_equal(s->found[nth].kind, kind);
	snprintf(text, sizeof text, "%s %s %s", s->names[nth][0], s->names[nth][1], s->names[nth][2]);
	assert_string_equal(text, place);
	if (!strstr(s->found[nth].what, words))
		fail_msg("\"%s\" is not in: %s", words, s->found[nth].what);
}

static void nothing_is_there(void **state)
{
	struct script *s = *state;
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 0);
	hold_wall(s);
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 0);
}

static void an_accept_counts_ahead_of_ours(void **state)
{
	static const struct {
		uint8_t family;
		uint32_t hook;
		int32_t priority;
		bool told;
	} cases[] = {
	        {NFPROTO_IPV4, NF_INET_LOCAL_IN, -1, true},
	        {NFPROTO_IPV4, NF_INET_LOCAL_IN, 0, true}, // the kernel asks the younger chain first
	        {NFPROTO_IPV4, NF_INET_LOCAL_IN, 1, false},
	        {NFPROTO_IPV6, NF_INET_FORWARD, -300, true},
	        {NFPROTO_INET, NF_INET_LOCAL_OUT, -300, true},
	        {NFPROTO_INET, NF_INET_PRE_ROUTING, -300, false}, // we have nothing there
	        {NFPROTO_INET, NF_INET_POST_ROUTING, -300, false},
	        {NFPROTO_INET, NF_INET_INGRESS, -300, false},
	        {NFPROTO_BRIDGE, NF_INET_FORWARD, -200, true},
	        {NFPROTO_BRIDGE, NF_INET_FORWARD, -199, false},
	        {NFPROTO_BRIDGE, NF_INET_LOCAL_IN, -300, false},
	        {NFPROTO_NETDEV, INGRESS, -300, false},
	        {NFPROTO_ARP, NF_INET_LOCAL_IN, -300, false},
	        {NFPROTO_INET, 0xffffffff, -300, false},
	};
	struct script *s = *state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		s->count = 0;
		hold_wall(s);
		hold_base(s, cases[i].family, "x", "c", cases[i].hook, cases[i].priority);
		hold_rule(s, cases[i].family, "x", "c", "immediate", NF_DROP);
		hold_rule(s, cases[i].family, "x", "c", "immediate", NFT_RETURN);
		assert_int_equal(find(s), 0);
		assert_int_equal(s->found_count, 0);
		hold_accept(s, cases[i].family, "x", "c");
		hold_accept(s, cases[i].family, "x", "c"); // told once
		assert_int_equal(find(s), 0);
		assert_int_equal(s->found_count, cases[i].told);
		if (cases[i].told)
			assert_non_null(strstr(s->found[0].what, "opens nothing"));
	}
}

// While the wall is down it is compared with where the wall will be.
static void without_a_wall(void **state)
{
	struct script *s = *state;
	hold_base(s, NFPROTO_IPV4, "filter", "INPUT", NF_INET_LOCAL_IN, 0);
	hold_base(s, NFPROTO_IPV4, "filter", "OUTPUT", NF_INET_LOCAL_OUT, 10);
	hold_accept(s, NFPROTO_IPV4, "filter", "INPUT");
	hold_accept(s, NFPROTO_IPV4, "filter", "OUTPUT");
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 1);
	expect(s, 0, NFT_FOREIGN_ACCEPT, "ip filter INPUT", "chain INPUT of table ip filter: ");
}

static void an_accept_in_a_chain_that_others_go_to(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_IPV4, "filter", "INPUT", NF_INET_LOCAL_IN, 0);
	hold_base(s, NFPROTO_IPV4, "filter", "POSTROUTING", NF_INET_POST_ROUTING, 0);
	hold_base(s, NFPROTO_IPV4, "other", "INPUT", NF_INET_LOCAL_IN, 0);
	hold_base(s, NFPROTO_IPV6, "filter", "INPUT", NF_INET_LOCAL_IN, 0);
	hold_chain(s, NFPROTO_IPV4, "filter", "ufw-user-input");
	hold_accept(s, NFPROTO_IPV4, "filter", "ufw-user-input");
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 1);
	expect(s, 0, NFT_FOREIGN_ACCEPT, "ip filter INPUT", "");
}

static void a_redirect_at_a_device(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_NETDEV, "tap", "in", INGRESS, -500);
	hold_base(s, NFPROTO_NETDEV, "tap", "out", EGRESS, 0);
	hold_base(s, NFPROTO_INET, "both", "in", NF_INET_INGRESS, 0);
	hold_base(s, NFPROTO_IPV4, "copy", "in", NF_INET_PRE_ROUTING, 0);
	hold_rule(s, NFPROTO_NETDEV, "tap", "in", "fwd", 0);
	hold_rule(s, NFPROTO_NETDEV, "tap", "in", "dup", 0); // told once
	hold_rule(s, NFPROTO_NETDEV, "tap", "out", "dup", 0);
	hold_rule(s, NFPROTO_NETDEV, "tap", "sub", "fwd", 0);
	hold_rule(s, NFPROTO_NETDEV, "unhooked", "sub", "fwd", 0); // no packet comes to it
	hold_rule(s, NFPROTO_INET, "both", "in", "fwd", 0);
	hold_rule(s, NFPROTO_IPV4, "copy", "in", "dup", 0); // its copies pass our output chain
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 4);
	expect(s, 0, NFT_FOREIGN_INGRESS, "netdev tap in", "without the wall");
	expect(s, 1, NFT_FOREIGN_INGRESS, "netdev tap out", "");
	expect(s, 2, NFT_FOREIGN_INGRESS, "inet both in", "");
	expect(s, 3, NFT_FOREIGN_INGRESS, "netdev tap sub", "");
}

static void a_queue(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_INET, "ids", "behind", NF_INET_FORWARD, 10);
	hold_base(s, NFPROTO_INET, "ids", "ahead", NF_INET_FORWARD, -10);
	hold_base(s, NFPROTO_INET, "ids", "early", NF_INET_PRE_ROUTING, 0);
	hold_base(s, NFPROTO_ARP, "ids", "arp", NF_INET_LOCAL_IN, 0);
	hold_rule(s, NFPROTO_INET, "ids", "ahead", "queue", 0);
	hold_rule(s, NFPROTO_INET, "ids", "behind", "queue", 0);
	hold_rule(s, NFPROTO_INET, "ids", "early", "immediate", NF_QUEUE | 7 << 16);
	hold_rule(s, NFPROTO_INET, "ids", "sub", "queue", 0);
	hold_rule(s, NFPROTO_ARP, "ids", "arp", "queue", 0);
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 4);
	expect(s, 0, NFT_FOREIGN_QUEUE, "inet ids behind", "after the wall");
	expect(s, 1, NFT_FOREIGN_QUEUE, "inet ids ahead", "around the wall");
	expect(s, 2, NFT_FOREIGN_QUEUE, "inet ids early", "before the wall");
	expect(s, 3, NFT_FOREIGN_QUEUE, "inet ids sub", "around the wall"); // the worst that may be
}

static void no_tracking(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_INET, "raw", "pre", NF_INET_PRE_ROUTING, -300);
	hold_base(s, NFPROTO_INET, "raw", "late", NF_INET_PRE_ROUTING, -200); // it has been tracked by then
	hold_base(s, NFPROTO_INET, "raw", "in", NF_INET_LOCAL_IN, -300);
	hold_base(s, NFPROTO_INET, "raw", "out", NF_INET_LOCAL_OUT, -300);
	hold_base(s, NFPROTO_NETDEV, "dev", "in", INGRESS, 0);
	for (size_t i = 0; i < 4; i++)
		hold_rule(s, NFPROTO_INET, "raw", (const char *[]){"pre", "late", "in", "out"}[i], "notrack",
		          0);
	hold_rule(s, NFPROTO_NETDEV, "dev", "in", "notrack", 0);
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 3);
	expect(s, 0, NFT_FOREIGN_NOTRACK, "inet raw pre", "drops them even where the policy allows");
	expect(s, 1, NFT_FOREIGN_NOTRACK, "inet raw out", "");
	expect(s, 2, NFT_FOREIGN_NOTRACK, "netdev dev in", "");
}

static void translated_addresses(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_IPV4, "nat", "PREROUTING", NF_INET_PRE_ROUTING, -100);
	hold_base(s, NFPROTO_IPV4, "nat", "POSTROUTING", NF_INET_POST_ROUTING, 100);
	hold_base(s, NFPROTO_IPV4, "nat", "OUTPUT", NF_INET_LOCAL_OUT, -100);
	hold_base(s, NFPROTO_IPV4, "nat", "INPUT", NF_INET_LOCAL_IN, 100);
	hold_rule(s, NFPROTO_IPV4, "nat", "PREROUTING", "redir", 0);
	hold_rule(s, NFPROTO_IPV4, "nat", "POSTROUTING", "masq", 0);
	hold_rule(s, NFPROTO_IPV4, "nat", "OUTPUT", "nat", 0);
	hold_rule(s, NFPROTO_IPV4, "nat", "INPUT", "nat", 0);
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 4);
	expect(s, 0, NFT_FOREIGN_NAT, "ip nat PREROUTING", "before the wall");
	expect(s, 1, NFT_FOREIGN_NAT, "ip nat POSTROUTING", "after the wall");
	expect(s, 2, NFT_FOREIGN_NAT, "ip nat OUTPUT", "before the wall");
	expect(s, 3, NFT_FOREIGN_NAT, "ip nat INPUT", "after the wall");
}

static void targets_of_iptables(void **state)
{
	static const struct {
		const char *target;
		uint16_t flags;
		int kind; // -1: none
	} cases[] = {
	        {"NFQUEUE", 0, NFT_FOREIGN_QUEUE},  {"NOTRACK", 0, NFT_FOREIGN_NOTRACK},
	        {"CT", 1, NFT_FOREIGN_NOTRACK},     {"CT", 2, -1},
	        {"DNAT", 0, NFT_FOREIGN_NAT},       {"SNAT", 0, NFT_FOREIGN_NAT},
	        {"MASQUERADE", 0, NFT_FOREIGN_NAT}, {"REDIRECT", 0, NFT_FOREIGN_NAT},
	        {"NETMAP", 0, NFT_FOREIGN_NAT},     {"LOG", 1, -1},
	};
	struct script *s = *state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		s->count = 0;
		hold_wall(s);
		hold_base(s, NFPROTO_IPV4, "raw", "PREROUTING", NF_INET_PRE_ROUTING, -300);
		hold_target(s, "PREROUTING", cases[i].target, cases[i].flags);
		assert_int_equal(find(s), 0);
		assert_int_equal(s->found_count, cases[i].kind >= 0);
		if (cases[i].kind >= 0)
			expect(s, 0, (enum nft_foreign_kind)cases[i].kind, "ip raw PREROUTING", "");
	}
}

static void a_flowtable(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	mnl_attr_put_strz(hold(s, NFT_MSG_NEWFLOWTABLE, NFPROTO_INET, "fast"), NFTA_FLOWTABLE_NAME, "f");
	mnl_attr_put_strz(hold(s, NFT_MSG_NEWFLOWTABLE, NFPROTO_INET, "leadglass"), NFTA_FLOWTABLE_NAME, "g");
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 2);
	expect(s, 0, NFT_FOREIGN_FLOWTABLE, "inet fast f", "flowtable f of table inet fast: ");
	expect(s, 1, NFT_FOREIGN_FLOWTABLE, "inet leadglass g", "without the wall");
}

static void a_table_that_is_switched_off(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	mnl_attr_put_u32(hold(s, NFT_MSG_NEWTABLE, NFPROTO_INET, "x"), NFTA_TABLE_FLAGS, htobe32(1));
	mnl_attr_put_u32(hold(s, NFT_MSG_NEWTABLE, NFPROTO_IPV4, "x"), NFTA_TABLE_FLAGS, 0);
	hold_base(s, NFPROTO_INET, "x", "in", NF_INET_LOCAL_IN, -5);
	hold_base(s, NFPROTO_IPV4, "x", "in", NF_INET_LOCAL_IN, -5);
	hold_accept(s, NFPROTO_INET, "x", "in");
	hold_accept(s, NFPROTO_IPV4, "x", "in");
	hold_rule(s, NFPROTO_INET, "x", "sub", "queue", 0);
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 1);
	expect(s, 0, NFT_FOREIGN_ACCEPT, "ip x in", "");
}

// They end up in logs and on terminals.
static void names_are_fit_to_be_printed(void **state)
{
	struct script *s = *state;
	char name[128];
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = '\0';
	for (enum nft_foreign_kind kind = 0; kind <= NFT_FOREIGN_ACCEPT; kind++) {
		static const char *const expressions[] = {NULL, "fwd", "queue", "notrack", "nat", "immediate"};
		s->count = 0;
		hold_wall(s);
		uint8_t family = kind == NFT_FOREIGN_INGRESS ? NFPROTO_NETDEV : NFPROTO_INET;
		hold_base(s, family, name, name, kind == NFT_FOREIGN_INGRESS ? INGRESS : NF_INET_LOCAL_OUT,
		          -300);
		if (kind == NFT_FOREIGN_FLOWTABLE)
			mnl_attr_put_strz(hold(s, NFT_MSG_NEWFLOWTABLE, family, name), NFTA_FLOWTABLE_NAME,
			                  name);
		else
			hold_rule(s, family, name, name, expressions[kind], NF_ACCEPT);
		assert_int_equal(find(s), 0); // take() looks whether the text fits
		assert_int_equal(s->found_count, 1);
		assert_int_equal(s->found[0].kind, kind);
	}
	s->count = 0;
	hold_wall(s);
	hold_base(s, NFPROTO_INET, "a\n\x7f", "\x1b[2J\xc3\xbc", NF_INET_LOCAL_IN, -300);
	hold_accept(s, NFPROTO_INET, "a\n\x7f", "\x1b[2J\xc3\xbc");
	assert_int_equal(find(s), 0);
	expect(s, 0, NFT_FOREIGN_ACCEPT, "inet a?? ?[2J??", "chain ?[2J?? of table inet a??");
}

static void a_dump_that_is_interrupted(void **state)
{
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_IPV4, "x", "in", NF_INET_LOCAL_IN, -5);
	hold_accept(s, NFPROTO_IPV4, "x", "in");
	s->interrupted = 15;
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 1);
	assert_int_equal(s->problems.count, 0);
	s->interrupted = 1000;
	assert_int_equal(find(s), -EINTR);
	assert_int_equal(s->found_count, 0);
	assert_int_equal(s->problems.count, 1);
}

static void a_dump_that_is_refused(void **state)
{
	static const uint8_t types[] = {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE,
	                                NFT_MSG_GETFLOWTABLE};
	struct script *s = *state;
	hold_wall(s);
	hold_base(s, NFPROTO_IPV4, "x", "in", NF_INET_LOCAL_IN, -5);
	hold_accept(s, NFPROTO_IPV4, "x", "in");
	for (size_t i = 0; i < sizeof types; i++) {
		s->refuse = types[i];
		s->error = EPERM;
		assert_int_equal(find(s), -EPERM);
		assert_int_equal(s->found_count, 0);
		assert_int_equal(s->problems.count, i + 1);
	}
}

// Any octet of what the kernel shows, changed: it may find anything, but reads nothing that is not there.
static void every_octet_changed(void **state)
{
	static const char values[] = {0, 1, 3, 4, 0x7f, (char)0x80, (char)0xff};
	struct script *s = *state;
	size_t found = 0, tries = 0;
	hold_wall(s);
	hold_base(s, NFPROTO_IPV4, "raw", "PREROUTING", NF_INET_PRE_ROUTING, -300);
	hold_target(s, "PREROUTING", "CT", 1);
	hold_rule(s, NFPROTO_IPV4, "raw", "PREROUTING", "immediate", NF_QUEUE);
	mnl_attr_put_strz(hold(s, NFT_MSG_NEWFLOWTABLE, NFPROTO_INET, "fast"), NFTA_FLOWTABLE_NAME, "f");
	mnl_attr_put_u32(hold(s, NFT_MSG_NEWTABLE, NFPROTO_INET, "x"), NFTA_TABLE_FLAGS, htobe32(1));
	for (size_t m = 0; m < s->count; m++)
		for (size_t i = sizeof(struct nlmsghdr);
		     i < ((struct nlmsghdr *)(void *)s->held[m].data)->nlmsg_len; i++)
			for (size_t v = 0; v < sizeof values; v++) {
				char kept = s->held[m].data[i];
				s->held[m].data[i] = values[v];
				assert_int_equal(find(s), 0);
				found += s->found_count;
				tries++;
				s->held[m].data[i] = kept;
			}
	assert_int_equal(find(s), 0);
	assert_int_equal(s->found_count, 3);
	assert_true(found > tries); // most octets matter little
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (enum nft_foreign_kind kind = 0; kind <= NFT_FOREIGN_ACCEPT; kind++)
		assert_string_not_equal(nft_foreign_kind_name(kind), "?");
	assert_string_equal(nft_foreign_kind_name(NFT_FOREIGN_FLOWTABLE), "flowtable");
	assert_true(nft_foreign_is_bypass(NFT_FOREIGN_FLOWTABLE));
	assert_true(nft_foreign_is_bypass(NFT_FOREIGN_INGRESS));
	assert_true(nft_foreign_is_bypass(NFT_FOREIGN_QUEUE));
	for (enum nft_foreign_kind kind = NFT_FOREIGN_NOTRACK; kind <= NFT_FOREIGN_ACCEPT; kind++)
		assert_false(nft_foreign_is_bypass(kind));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        test(nothing_is_there),
	        test(an_accept_counts_ahead_of_ours),
	        test(without_a_wall),
	        test(an_accept_in_a_chain_that_others_go_to),
	        test(a_redirect_at_a_device),
	        test(a_queue),
	        test(no_tracking),
	        test(translated_addresses),
	        test(targets_of_iptables),
	        test(a_flowtable),
	        test(a_table_that_is_switched_off),
	        test(names_are_fit_to_be_printed),
	        test(a_dump_that_is_interrupted),
	        test(a_dump_that_is_refused),
	        test(every_octet_changed),
	        cmocka_unit_test(kinds_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
