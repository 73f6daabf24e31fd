// SPDX-License-Identifier: GPL-2.0-or-later
//
// Conntrack's entries, as a kernel (6.18) dumped them: which are read, which are turned round, and what is sent
// for it.
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "nft/nft_attribute.h"
#include "nft/nft_conntrack.h"
#include "policy/policy.h"

// 10.99.0.1:22 to 10.99.0.2:58886, picked up in the middle.
static const char picked4[] = "d40000000001020001000000f0060000020000003400018014000180080001000a63000108000200"
                              "0a6300021c00028005000100"
                              "0600000006000200001600000600"
                              "0300e60600003400028014000180080001000a630002080002000a6300011c000280050001"
                              "000600000006000200e60600000600030000160000080003000000000a080008000000000008000c"
                              "0098ec316208000b00000000"
                              "01080007000000012b300004802c0001800500010003000000050002000000000005000300000000"
                              "00060004000a000000060005"
                              "002a000000";
// [2001:db8:99::1]:22 to [2001:db8:99::2]:54832, picked up in the middle.
static const char picked6[] = "040100000001020001000000f00600000a0000004c0001802c0001801400030020010db800990000"
                              "000000000000000114000400"
                              "20010db80099000000000000000000021c0002800500010006000000060002000016000006000300"
                              "d63000004c0002802c000180"
                              "1400030020010db80099000000000000000000021400040020010db8009900000000000000000001"
                              "1c0002800500010006000000"
                              "06000200d63000000600030000160000080003000000000a080008000000000008000c00471d0f14"
                              "08000b000000000108000700"
                              "0000012b300004802c00018005000100030000000500020000000000050003000000000006000400"
                              "0a000000060005002a000000";
// 10.99.0.2:40770 to 10.99.0.1:23, seen from its first packet on.
static const char begun4[] = "d40000000001020001000000f0060000020000003400018014000180080001000a630002080002000"
                             "a6300011c00028005000100"
                             "06000000060002009f42000006000300001700003400028014000180080001000a630001080002000"
                             "a6300021c00028005000100"
                             "0600000006000200001700000600"
                             "03009f420000080003000000000e080008000000000008000c008556a56908000b00000000"
                             "01080007000006977f300004802c0001800500010003000000050002000a000000050003000a00000"
                             "00600040023000000060005"
                             "0023000000";
static const char udp4[] = "a40000000001020001000000f0060000020000003400018014000180080001000a630001080002000a6"
                           "300021c00028005000100"
                           "110000000600020086140000060003000063000034000280"
                           "14000180080001000a630002080002000a6300011c00028005000100110000000600020000630000060"
                           "00300861400000800030000"
                           "000008080008000000000008000c00e7c291e708000b0000000001080007000000001d";

struct entry {
	_Alignas(struct nlmsghdr) uint8_t data[512];
	size_t size;
};

static const struct nlmsghdr *message(const struct entry *entry)
{
	return (const void *)entry->data;
}

static void make(const char *hex, struct entry *ret)
{
	*ret = (struct entry){.size = strlen(hex) / 2};
	for (size_t i = 0; i < ret->size; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		ret->data[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	assert_int_equal(message(ret)->nlmsg_len, ret->size);
}

static bool reads(const struct entry *entry)
{
	struct nft_connection connection;
	return nft_connection_read(message(entry), &connection);
}

static void reads_both_families(void **state)
{
	(void)state;
	struct entry entry;
	struct nft_connection c;
	char text[PREFIX_TEXT_MAX];
	make(picked4, &entry);
	assert_true(nft_connection_read(message(&entry), &c));
	assert_string_equal(prefix_print(&c.source, text), "10.99.0.1");
	assert_string_equal(prefix_print(&c.destination, text), "10.99.0.2");
	assert_int_equal(c.source_port, 22);
	assert_int_equal(c.destination_port, 58886);
	make(picked6, &entry);
	assert_true(nft_connection_read(message(&entry), &c));
	assert_string_equal(prefix_print(&c.source, text), "2001:db8:99::1");
	assert_string_equal(prefix_print(&c.destination, text), "2001:db8:99::2");
	assert_int_equal(c.source_port, 22);
	assert_int_equal(c.destination_port, 54832);
}

static void leaves_what_is_certain_or_not_tcp(void **state)
{
	(void)state;
	struct entry entry;
	make(begun4, &entry);
	assert_false(reads(&entry));
	make(udp4, &entry);
	assert_false(reads(&entry));
	make(picked4, &entry);
	((struct nlmsghdr *)entry.data)->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	assert_false(reads(&entry));
}

// The octets of the reply tuple's addresses and ports: another there, and it is no mirror.
static void leaves_translated_ones(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t is;
	} octets[] = {{87, 2}, {95, 1}, {113, 0x06}, {121, 0x16}};
	for (size_t i = 0; i < sizeof octets / sizeof *octets; i++) {
		struct entry entry;
		make(picked4, &entry);
		assert_int_equal(entry.data[octets[i].at], octets[i].is);
		entry.data[octets[i].at] ^= 0x40;
		assert_false(reads(&entry));
	}
}

// Every shorter message, at a length of its own so that a sanitiser sees a step beyond it.
static void reads_no_truncated_message(void **state)
{
	(void)state;
	const char *const all[] = {picked4, picked6};
	for (size_t i = 0; i < 2; i++) {
		struct entry entry;
		make(all[i], &entry);
		// The last attribute is what tells that it was picked up: nothing shorter is read.
		for (size_t size = sizeof(struct nlmsghdr); size < entry.size - 2; size++) {
			struct nlmsghdr *cut = malloc(size);
			assert_non_null(cut);
			memcpy(cut, entry.data, size);
			cut->nlmsg_len = (uint32_t)size;
			struct nft_connection c;
			assert_false(nft_connection_read(cut, &c));
			free(cut);
		}
	}
}

// Each octet at each of a few values: it may be read or not, but never beyond its end, and what is then sent
// always names an entry (a request to delete that names none deletes them all).
static void survives_any_octet(void **state)
{
	(void)state;
	static const uint8_t values[] = {0, 1, 3, 4, 5, 0x7f, 0x80, 0xff};
	const char *const all[] = {picked4, picked6};
	for (size_t n = 0; n < 2; n++) {
		struct entry entry;
		make(all[n], &entry);
		for (size_t at = sizeof(struct nlmsghdr); at < entry.size; at++)
			for (size_t v = 0; v < sizeof values; v++) {
				struct nlmsghdr *odd = malloc(entry.size);
				assert_non_null(odd);
				memcpy(odd, entry.data, entry.size);
				((uint8_t *)odd)[at] = values[v];
				struct nft_connection c;
				if (nft_connection_read(odd, &c)) {
					assert_non_null(c.attributes[CTA_TUPLE_ORIG]);
					assert_non_null(c.attributes[CTA_TUPLE_REPLY]);
				}
				free(odd);
			}
	}
}

static void reads_none_with_an_attribute_missing(void **state)
{
	(void)state;
	// Where the tuples, an address, the protocol, a port and the state are numbered: 15 is nothing.
	static const size_t types[] = {22, 26, 30, 38, 46, 50, 58, 66, 74};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		struct entry entry;
		make(picked4, &entry);
		assert_true(reads(&entry));
		entry.data[types[i]] = 15;
		assert_false(reads(&entry));
	}
}

// ---- judging and turning ----

static void compile(const char *text, struct ruleset *ret)
{
	struct policy policy;
	struct problems problems;
	problem_init(&problems);
	policy_init(&policy);
	ruleset_init(ret);
	assert_int_equal(policy_parse(&policy, "policy.conf", strdup(text), strlen(text), NULL, &problems), 0);
	assert_int_equal(ruleset_compile(&policy, &problems, ret), 0);
	policy_fini(&policy);
	problem_fini(&problems);
}

static bool is_reversed(const char *policy, const char *hex)
{
	struct ruleset ruleset;
	struct entry entry;
	struct nft_connection c;
	compile(policy, &ruleset);
	make(hex, &entry);
	assert_true(nft_connection_read(message(&entry), &c));
	bool reversed = nft_connection_is_reversed(&c, &ruleset);
	ruleset_fini(&ruleset);
	return reversed;
}

#define DEVICE "device ct { ae-title CT; port 104 }\n"
#define HOST "role host\n" DEVICE

static void judges_by_the_wall(void **state)
{
	(void)state;
	assert_false(is_reversed(HOST, picked4)); // not allowed at all
	assert_true(is_reversed(HOST "manage { from 10.99.0.0/24; port 22 }\n", picked4));
	assert_false(is_reversed(HOST "manage { from 10.98.0.0/24; port 22 }\n", picked4));
	assert_false(is_reversed(HOST "manage { from 10.99.0.0/24; port 23 }\n", picked4));
	assert_true(is_reversed(HOST "manage { from 2001:db8:99::/64; port 22 }\n", picked6));
	assert_false(is_reversed(HOST "manage { from 10.99.0.0/24; port 22 }\n", picked6));
	// Through an interface, and through one of several.
	assert_true(is_reversed(HOST "manage { from 10.99.0.2; interface eth7; port 22 }\n", picked4));
	assert_true(is_reversed(HOST "manage { from 10.99.0.2; interface eth7 eth8; port 22 }\n", picked4));
	// Services, both ways.
	assert_true(is_reversed(HOST "service s { tcp 22 to 10.99.0.1 }\n", picked4));
	assert_true(is_reversed(HOST "service s { tcp 22 from 10.99.0.2 }\n", picked4));
	assert_false(is_reversed(HOST "service s { tcp 58886 to 10.99.0.2 }\n", picked4)); // as it stands
	// Allowed as it stands, and the other way round too.
	assert_false(is_reversed(HOST "service s { tcp 22 from 10.99.0.2 }\n"
	                              "service t { tcp 58886 to 10.99.0.2 }\n",
	                         picked4));
}

static void judges_across_the_box(void **state)
{
	(void)state;
#define BEHIND "device ct { ae-title CT; port 22; address 10.99.0.1 2001:db8:99::1"
#define PEER                                                                                                   \
	"peer p { address 10.99.0.2 2001:db8:99::2; ae-title P; port 104; initiates storage; accepts echo "    \
	"storage }\n"
	assert_true(is_reversed("role router\n" BEHIND " }\n" PEER, picked4));
	assert_true(is_reversed("role router\n" BEHIND " }\n" PEER, picked6));
	assert_true(is_reversed("role bridge\n" BEHIND " }\n" PEER, picked4));
	assert_true(is_reversed("role bridge\n" BEHIND "; mac 02:00:00:00:00:01 }\n" PEER, picked4));
	assert_true(is_reversed("role bridge\n" BEHIND "; mac 02:00:00:00:00:01 }\n" PEER, picked6));
	assert_false(is_reversed("role router\n" BEHIND " }\n", picked4));
}

struct turned {
	struct entry entries[4];
	const struct nlmsghdr *list[4];
	struct ruleset ruleset;
};

static void prepare(struct world *w, struct turned *t)
{
	const char *const all[] = {udp4, picked4, begun4, picked6};
	for (size_t i = 0; i < 4; i++) {
		make(all[i], &t->entries[i]);
		t->list[i] = message(&t->entries[i]);
	}
	w->kernel.entries = t->list;
	w->kernel.entry_count = 4;
	compile(HOST "manage { from 10.99.0.0/24 2001:db8:99::/64; port 22 }\n", &t->ruleset);
}

static bool same(const struct nlattr *a, const struct nlattr *b)
{
	return a && b && a->nla_len == b->nla_len && memcmp(a + 1, b + 1, a->nla_len - sizeof *a) == 0;
}

static void check_pair(const struct world *w, size_t at, const struct entry *entry)
{
	const struct nlmsghdr *gone = (const void *)w->kernel.ct_requests[at],
	                      *made = (const void *)w->kernel.ct_requests[at + 1];
	const struct nlattr *is[CTA_MAX + 1], *a[CTA_MAX + 1];
	nft_attributes_message(message(entry), sizeof(struct nfgenmsg), is, CTA_MAX + 1);

	assert_int_equal(gone->nlmsg_type, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE);
	assert_true(nft_attributes_message(gone, sizeof(struct nfgenmsg), a, CTA_MAX + 1));
	assert_true(same(a[CTA_TUPLE_ORIG], is[CTA_TUPLE_ORIG]));
	assert_true(same(a[CTA_ID], is[CTA_ID]));

	assert_int_equal(made->nlmsg_type, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW);
	assert_int_equal(made->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	assert_true(nft_attributes_message(made, sizeof(struct nfgenmsg), a, CTA_MAX + 1));
	assert_true(same(a[CTA_TUPLE_ORIG], is[CTA_TUPLE_REPLY]));
	assert_true(same(a[CTA_TUPLE_REPLY], is[CTA_TUPLE_ORIG]));
	assert_true(same(a[CTA_TIMEOUT], is[CTA_TIMEOUT]));
	assert_int_equal(((const uint8_t *)gone)[16], entry->data[16]); // the family
	assert_int_equal(((const uint8_t *)made)[16], entry->data[16]);
}

static void turns_the_reversed_ones(void **state)
{
	struct world *w = *state;
	struct turned t;
	prepare(w, &t);
	nft_conntrack_turn(w->nft, &t.ruleset, &w->problems);
	assert_int_equal(w->problems.count, 0);
	assert_int_equal(w->kernel.ct_request_count, 4);
	check_pair(w, 0, &t.entries[1]);
	check_pair(w, 2, &t.entries[3]);
	ruleset_fini(&t.ruleset);
}

static void an_ended_connection_is_not_made_anew(void **state)
{
	struct world *w = *state;
	struct turned t;
	prepare(w, &t);
	w->kernel.ct_delete_error = ENOENT;
	nft_conntrack_turn(w->nft, &t.ruleset, &w->problems);
	assert_int_equal(w->problems.count, 0);
	assert_int_equal(w->kernel.ct_request_count, 2); // two to delete, none to make
	ruleset_fini(&t.ruleset);
}

static void one_the_client_made_stays(void **state)
{
	struct world *w = *state;
	struct turned t;
	prepare(w, &t);
	w->kernel.ct_new_error = EEXIST;
	nft_conntrack_turn(w->nft, &t.ruleset, &w->problems);
	assert_int_equal(w->problems.count, 0);
	assert_int_equal(w->kernel.ct_request_count, 4);
	ruleset_fini(&t.ruleset);
}

static void failing_is_a_warning(void **state)
{
	struct world *w = *state;
	w->kernel.entries_error = EINVAL; // no ctnetlink in this kernel
	assert_int_equal(world_load(w, (struct fixture){.peers = 3, .size = 16}, false), 0);
	assert_int_equal(w->result.change, NFT_CREATED);
	assert_true(w->result.verified);
	assert_int_equal(w->problems.count, 1);
	assert_int_equal(w->problems.errors, 0);
	assert_non_null(strstr(w->problems.items[0].what, "already running"));
	// A wall stands already: conntrack is not asked.
	assert_int_equal(world_load(w, (struct fixture){.peers = 4, .size = 16}, false), 0);
	assert_int_equal(w->problems.count, 1);

	struct turned t;
	prepare(w, &t);
	w->kernel.entries_error = 0;
	w->kernel.ct_delete_error = EPERM;
	nft_conntrack_turn(w->nft, &t.ruleset, &w->problems);
	assert_int_equal(w->problems.count, 2);
	assert_int_equal(w->problems.errors, 0);
	ruleset_fini(&t.ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_both_families),
	        cmocka_unit_test(leaves_what_is_certain_or_not_tcp),
	        cmocka_unit_test(leaves_translated_ones),
	        cmocka_unit_test(reads_no_truncated_message),
	        cmocka_unit_test(survives_any_octet),
	        cmocka_unit_test(reads_none_with_an_attribute_missing),
	        cmocka_unit_test(judges_by_the_wall),
	        cmocka_unit_test(judges_across_the_box),
	        world_test(turns_the_reversed_ones),
	        world_test(an_ended_connection_is_not_made_anew),
	        world_test(one_the_client_made_stays),
	        world_test(failing_is_a_warning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
