// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel says of changes, from octets: recorded (Linux 6.18), made by hand, cut anywhere, with hostile
// lengths, and gathered into datagrams in every way.
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

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/nft_hear.h"

#define ROOM 2048

struct datagram {
	_Alignas(struct nlmsghdr) char data[ROOM];
	size_t size;
};

// ---- datagrams ----

static void put_hex(struct datagram *d, const char *hex)
{
	unsigned octet;
	for (; sscanf(hex, "%2x", &octet) == 1; hex += 2) {
		assert_true(d->size < ROOM);
		d->data[d->size++] = (char)octet;
	}
}

static struct nlmsghdr *begin(struct datagram *d, uint8_t type, uint8_t family)
{
	assert_true(d->size + 256 < ROOM);
	struct nlmsghdr *header = mnl_nlmsg_put_header(d->data + d->size);
	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(header, sizeof *head);
	head->nfgen_family = family;
	return header;
}

static void end(struct datagram *d, const struct nlmsghdr *header)
{
	d->size += MNL_ALIGN(header->nlmsg_len);
}

// Something of a table: in every kind of message its name is attribute 1.
static void put(struct datagram *d, uint8_t type, uint8_t family, const char *table)
{
	struct nlmsghdr *header = begin(d, type, family);
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(header, NFTA_TABLE_FLAGS, 0);
	end(d, header);
}

static void put_end(struct datagram *d, uint32_t generation, uint32_t pid, const char *process)
{
	struct nlmsghdr *header = begin(d, NFT_MSG_NEWGEN, NFPROTO_UNSPEC);
	mnl_attr_put_u32(header, NFTA_GEN_ID, htobe32(generation));
	mnl_attr_put_u32(header, NFTA_GEN_PROC_PID, htobe32(pid));
	mnl_attr_put_strz(header, NFTA_GEN_PROC_NAME, process);
	end(d, header);
}

// ---- hearing ----

struct heard {
	struct nft_seen part, seen[16];
	size_t count;
};

static void hear(struct heard *h, const struct datagram *d)
{
	for (size_t at = 0; at < d->size;) {
		bool ended;
		struct nft_seen seen;
		// A copy that ends where the datagram ends: reading on is found out.
		char *copy = malloc(d->size - at);
		assert_non_null(copy);
		memcpy(copy, d->data + at, d->size - at);
		size_t taken = nft_hear(&h->part, copy, d->size - at, &seen, &ended);
		free(copy);
		assert_in_range(taken, 1, d->size - at);
		assert_true(ended || taken == d->size - at);
		if (ended) {
			assert_in_range(h->count, 0, 15);
			h->seen[h->count++] = seen;
			assert_memory_equal(&h->part, &(struct nft_seen){0}, sizeof h->part);
		}
		at += taken;
	}
}

static void expect(const struct heard *h, size_t nth, bool ours, bool foreign, uint32_t generation,
                   const char *who)
{
	assert_in_range(nth + 1, 1, h->count);
	assert_int_equal(h->seen[nth].ours, ours);
	assert_int_equal(h->seen[nth].foreign, foreign);
	assert_false(h->seen[nth].lost);
	assert_int_equal(h->seen[nth].generation, generation);
	assert_string_equal(h->seen[nth].process, who);
}

// ---- recorded ----

#define NEW_RULE                                                                                               \
	"70000000060a000c01000000130f0000010000040e0001006c656164676c6173730000000a000200696e7075740000000c00" \
	"0300000000000000000234000400300001000e000100696d6d6564696174650000001c0002000800010000000000100002"   \
	"000c0002000800010000000001"
#define NEW_RULE_END "2c0000000f0a000001000000130f00000000000408000100000000040800020000000f13080003006e667400"
// The rule, chain and table inet leadglass, and table ip x.
#define FLUSH                                                                                                  \
	"70000000080a000001000000170f0000010000060e0001006c656164676c6173730000000a000200696e7075740000000c00" \
	"0300000000000000000234000400300001000e000100696d6d6564696174650000001c0002000800010000000000100002"   \
	"000c00020008000100000000013c000000050a000001000000170f0000010000060e0001006c656164676c617373000000"   \
	"0a000300696e7075740000000c000200000000000000000138000000020a000001000000170f0000010000060e0001006c"   \
	"656164676c61737300000008000300000000000c000400000000000000000130000000020a000001000000170f00000200"   \
	"0006060001007800000008000300000000000c0004000000000000000002"
#define FLUSH_END "2c0000000f0a000001000000170f00000000000608000100000000060800020000000f17080003006e667400"
// iptables-nft made its table; the rule is left out here.
#define IPTABLES                                                                                               \
	"3c000000000a000402000000190f0000020000070b00010066696c746572000008000300000000010c0004000000000000"   \
	"000003080002000000000070000000030a000403000000190f0000020000070b00010066696c74657200000a000300494e"   \
	"5055540000000c00020000000000000000011400040008000100000000010800020000000000080005000000000"          \
	"10b00070066696c746572000008000a00000000010800060000000000"
#define IPTABLES_END                                                                                           \
	"380000000f0a000002000000190f00000000000708000100000000070800020000000f191100030069707461626c65732d6e" \
	"667400000000"

static void what_was_recorded(void **state)
{
	static const char *const datagrams[] = {NEW_RULE,  NEW_RULE_END, FLUSH,
	                                        FLUSH_END, IPTABLES,     IPTABLES_END};
	struct heard h = {0};
	(void)state;
	for (size_t i = 0; i < sizeof datagrams / sizeof *datagrams; i++) {
		struct datagram d = {.size = 0};
		put_hex(&d, datagrams[i]);
		hear(&h, &d);
	}
	assert_int_equal(h.count, 3);
	expect(&h, 0, true, false, 4, "nft");
	assert_int_equal(h.seen[0].pid, 0xf13);
	expect(&h, 1, true, true, 6, "nft");
	expect(&h, 2, false, true, 7, "iptables-nft");
}

// ---- by hand ----

static void whose_table_it_is(void **state)
{
	static const struct {
		uint8_t type, family;
		const char *table;
		bool ours, foreign;
	} cases[] = {
	        {NFT_MSG_NEWTABLE, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_DELTABLE, NFPROTO_BRIDGE, "leadglass", true, false},
	        {NFT_MSG_NEWCHAIN, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_DELCHAIN, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_NEWRULE, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_DELRULE, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_NEWSET, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_DELSET, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_NEWSETELEM, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_DELSETELEM, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_NEWOBJ, NFPROTO_INET, "leadglass", true, false},
	        {NFT_MSG_NEWFLOWTABLE, NFPROTO_INET, "leadglass", true, false},
	        {200, NFPROTO_INET, "leadglass", true, false}, // a kind of a later kernel
	        {NFT_MSG_NEWTABLE, NFPROTO_IPV4, "leadglass", false, true},
	        {NFT_MSG_NEWTABLE, NFPROTO_INET, "leadglass2", false, true},
	        {NFT_MSG_DELTABLE, NFPROTO_IPV6, "x", false, true},
	        {NFT_MSG_NEWCHAIN, NFPROTO_NETDEV, "x", false, true},
	        {NFT_MSG_DELCHAIN, NFPROTO_INET, "x", false, true},
	        {NFT_MSG_NEWRULE, NFPROTO_INET, "x", false, true},
	        {NFT_MSG_DELRULE, NFPROTO_INET, "x", false, true},
	        {NFT_MSG_NEWFLOWTABLE, NFPROTO_INET, "x", false, true},
	        {NFT_MSG_DELFLOWTABLE, NFPROTO_INET, "x", false, true},
	        {NFT_MSG_NEWSET, NFPROTO_INET, "x", false, false},
	        {NFT_MSG_NEWSETELEM, NFPROTO_INET, "x", false, false},
	        {NFT_MSG_DELSETELEM, NFPROTO_INET, "x", false, false},
	        {NFT_MSG_NEWOBJ, NFPROTO_INET, "x", false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct heard h = {0};
		struct datagram d = {.size = 0};
		put(&d, cases[i].type, cases[i].family, cases[i].table);
		put_end(&d, 9, 1, "p");
		hear(&h, &d);
		assert_int_equal(h.count, 1);
		expect(&h, 0, cases[i].ours, cases[i].foreign, 9, "p");
	}
}

// About which table it is cannot be told: then it may be ours.
static void a_message_without_a_name(void **state)
{
	for (int how = 0; how < 3; how++) {
		struct heard h = {0};
		struct datagram d = {.size = 0};
		struct nlmsghdr *header = begin(&d, NFT_MSG_NEWRULE, NFPROTO_INET);
		if (how == 1)
			mnl_attr_put(header, NFTA_TABLE_NAME, 4, "leadglass"); // not terminated
		if (how == 2)
			header->nlmsg_len = sizeof *header + 2; // not even a family
		end(&d, header);
		put_end(&d, 9, 1, "p");
		hear(&h, &d);
		expect(&h, 0, true, true, 9, "p");
	}
	(void)state;
}

static void other_subsystems_are_passed_over(void **state)
{
	struct heard h = {0};
	struct datagram d = {.size = 0};
	(void)state;
	put(&d, NFT_MSG_NEWRULE, NFPROTO_INET, "leadglass");
	((struct nlmsghdr *)(void *)d.data)->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8;
	size_t at = d.size;
	put_end(&d, 1, 1, "p");
	((struct nlmsghdr *)(void *)(d.data + at))->nlmsg_type = NFNL_SUBSYS_IPSET << 8 | NFT_MSG_NEWGEN;
	put_end(&d, 9, 1, "p");
	hear(&h, &d);
	assert_int_equal(h.count, 1);
	expect(&h, 0, false, false, 9, "p");
}

static void names_are_fit_to_be_printed(void **state)
{
	static const struct {
		const char *name, *shown;
	} cases[] = {
	        {"", ""},
	        {"Web Content", "Web Content"},
	        {"a\x1b[2Jb\nc", "a?[2Jb?c"},
	        {"\x7f\x80\xff\t", "????"},
	        {"of fifteen octet", "of fifteen octe"},
	        {"a name of more octets than a process may have", "a name of more "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct heard h = {0};
		struct datagram d = {.size = 0};
		put_end(&d, 9, 1, cases[i].name);
		hear(&h, &d);
		expect(&h, 0, false, false, 9, cases[i].shown);
	}
}

// Older kernels say neither the process nor its name.
static void an_end_without_a_process(void **state)
{
	struct heard h = {0};
	struct datagram d = {.size = 0};
	(void)state;
	struct nlmsghdr *header = begin(&d, NFT_MSG_NEWGEN, NFPROTO_UNSPEC);
	mnl_attr_put_u32(header, NFTA_GEN_ID, htobe32(77));
	mnl_attr_put_u16(header, NFTA_GEN_PROC_PID, 1); // of another length: not read
	end(&d, header);
	hear(&h, &d);
	expect(&h, 0, false, false, 77, "");
	assert_int_equal(h.seen[0].pid, 0);
}

// ---- datagrams in every way ----

#define MESSAGES 9

// Three transactions: ours and a foreign one; a foreign one; nothing of interest.
static void put_nth(struct datagram *d, unsigned n)
{
	static const struct {
		uint8_t type;
		const char *table;
	} messages[MESSAGES] = {
	        {NFT_MSG_NEWTABLE, "x"}, {NFT_MSG_NEWRULE, "x"},    {NFT_MSG_DELRULE, "leadglass"},
	        {NFT_MSG_NEWGEN, "one"}, {NFT_MSG_DELTABLE, "y"},   {NFT_MSG_NEWGEN, "two"},
	        {NFT_MSG_NEWSET, "x"},   {NFT_MSG_NEWSETELEM, "x"}, {NFT_MSG_NEWGEN, "three"},
	};
	if (messages[n].type == NFT_MSG_NEWGEN)
		put_end(d, n, n, messages[n].table);
	else
		put(d, messages[n].type, NFPROTO_INET, messages[n].table);
}

static void every_split_over_datagrams(void **state)
{
	(void)state;
	// Bit n: a datagram ends after message n.
	for (unsigned cuts = 0; cuts < 1u << (MESSAGES - 1); cuts++) {
		struct heard h = {0};
		struct datagram d = {.size = 0};
		for (unsigned n = 0; n < MESSAGES; n++) {
			put_nth(&d, n);
			if (n == MESSAGES - 1 || cuts & 1u << n) {
				hear(&h, &d);
				d.size = 0;
			}
		}
		assert_int_equal(h.count, 3);
		expect(&h, 0, true, true, 3, "one");
		expect(&h, 1, false, true, 5, "two");
		expect(&h, 2, false, false, 8, "three");
	}
}

// A datagram that ends within a message: what came before it stays known, and it is said that something is
// lost.
static void cut_anywhere(void **state)
{
	struct datagram whole = {.size = 0};
	(void)state;
	for (unsigned n = 0; n < MESSAGES; n++)
		put_nth(&whole, n);
	for (size_t size = 1; size < whole.size; size++) {
		struct heard h = {0};
		struct datagram d = whole;
		size_t complete = 0, at = 0, messages = 0;
		while (at < size) {
			const struct nlmsghdr *m = (const void *)(d.data + at);
			at += m->nlmsg_len;
			if (at <= size && ++messages &&
			    m->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN))
				complete++;
		}
		d.size = size;
		hear(&h, &d);
		bool cut = at != size;
		assert_int_equal(h.count, complete + cut);
		if (cut) {
			assert_true(h.seen[complete].lost);
			assert_int_equal(h.seen[complete].ours, complete == 0 && messages == 3);
		}
	}
}

static void hostile_lengths(void **state)
{
	static const uint32_t lengths[] = {0,          1,          15,          17,         0x7fffffff,
	                                   0x80000000, 0x80000010, 0xfffffff0u, 0xffffffffu};
	(void)state;
	for (unsigned n = 0; n < MESSAGES; n++)
		for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
			struct heard h = {0};
			struct datagram d = {.size = 0};
			size_t at = 0;
			for (unsigned k = 0; k < MESSAGES; k++) {
				at = k == n ? d.size : at;
				put_nth(&d, k);
			}
			((struct nlmsghdr *)(void *)(d.data + at))->nlmsg_len = lengths[i];
			hear(&h, &d);
			assert_in_range(h.count, 1, MESSAGES);
			assert_true(h.seen[h.count - 1].lost);
		}
}

// Any octet, any value near the edges: it may say anything, but it reads no further than the datagram goes.
static void every_octet_changed(void **state)
{
	static const char values[] = {0, 1, 3, 4, 0x0a, 0x0f, 0x7f, (char)0x80, (char)0xff};
	struct datagram whole = {.size = 0};
	(void)state;
	put_hex(&whole, FLUSH);
	put_hex(&whole, FLUSH_END);
	size_t heard = 0;
	for (size_t i = 0; i < whole.size; i++)
		for (size_t v = 0; v < sizeof values; v++) {
			struct heard h = {0};
			struct datagram d = whole;
			d.data[i] = values[v];
			hear(&h, &d);
			for (size_t n = 0; n < h.count; n++)
				assert_non_null(memchr(h.seen[n].process, '\0', sizeof h.seen[n].process));
			heard += h.count;
		}
	assert_true(heard >= whole.size);
}

static void several_are_merged(void **state)
{
	const struct nft_seen none = {0};
	const struct nft_seen first = {.ours = true, .generation = 5, .pid = 10, .process = "first"};
	const struct nft_seen second = {.foreign = true, .generation = 6, .pid = 11, .process = "second"};
	const struct nft_seen third = {.ours = true, .generation = 7, .pid = 12, .process = "third"};
	const struct nft_seen lost = {.lost = true};
	struct nft_seen all = none;
	(void)state;
	nft_hear_merge(&all, &second);
	assert_string_equal(all.process, "second");
	assert_false(all.ours);
	nft_hear_merge(&all, &first);
	assert_string_equal(all.process, "first");
	nft_hear_merge(&all, &second); // did not touch ours: still the first did
	assert_string_equal(all.process, "first");
	assert_int_equal(all.pid, 10);
	assert_int_equal(all.generation, 6);
	nft_hear_merge(&all, &third);
	assert_string_equal(all.process, "third");
	nft_hear_merge(&all, &lost);
	assert_int_equal(all.generation, 7);
	assert_int_equal(all.pid, 12);
	assert_true(all.lost && all.ours && all.foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_recorded),
	        cmocka_unit_test(whose_table_it_is),
	        cmocka_unit_test(a_message_without_a_name),
	        cmocka_unit_test(other_subsystems_are_passed_over),
	        cmocka_unit_test(names_are_fit_to_be_printed),
	        cmocka_unit_test(an_end_without_a_process),
	        cmocka_unit_test(every_split_over_datagrams),
	        cmocka_unit_test(cut_anywhere),
	        cmocka_unit_test(hostile_lengths),
	        cmocka_unit_test(every_octet_changed),
	        cmocka_unit_test(several_are_merged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
