// SPDX-License-Identifier: GPL-2.0-or-later
//
// Answers for the fuzz target `netlink`: those of the fake kernel of the unit tests, written down as they are
// received, and a few messages made by hand.
#include "seeds.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "../unit/nft/fake_answer.h"
#include "../unit/nft/fake_kernel.h"
#include "base/buffer.h"
#include "base/problem.h"
#include "link/link_message.h"
#include "netlink_input.h"
#include "nft/nft_access.h"
#include "nft/nft_conntrack.h"
#include "nft/nft_foreign.h"

// What is said through the seam of the fake kernel.
struct recorder {
	struct fake_kernel kernel;
	struct nft_io io;
	uint32_t sequence;
	struct buffer said;
};

static void begin(struct recorder *r, unsigned question)
{
	const char head[NETLINK_INPUT_HEAD] = {(char)question};
	buffer_clear(&r->said);
	buffer_add(&r->said, head, sizeof head);
}

static ssize_t record_send(void *context, const void *data, size_t size)
{
	struct recorder *r = context;
	r->sequence = ((const struct nlmsghdr *)data)->nlmsg_seq;
	return r->io.send(r->io.context, data, size);
}

static void pause_here(struct recorder *r)
{
	const struct nlmsghdr pause = {.nlmsg_len = sizeof pause, .nlmsg_type = NETLINK_INPUT_PAUSE};
	buffer_add(&r->said, &pause, sizeof pause);
}

static ssize_t record_receive(void *context, void *data, size_t size, bool wait)
{
	struct recorder *r = context;
	ssize_t got = r->io.receive(r->io.context, data, size, wait);
	if (got < 0 && errno == EAGAIN)
		pause_here(r);
	if (got < 0)
		return got;
	size_t start = r->said.size;
	buffer_add(&r->said, data, (size_t)got);
	while (r->said.size % 4 != 0)
		buffer_add(&r->said, "", 1);
	int left = (int)got;
	for (struct nlmsghdr *m = (void *)(r->said.data + start); mnl_nlmsg_ok(m, left);
	     m = mnl_nlmsg_next(m, &left)) {
		m->nlmsg_seq -= r->sequence;
		m->nlmsg_pid -= FAKE_PORT;
	}
	return got;
}

static int record_room(void *context, size_t size)
{
	struct recorder *r = context;
	return r->io.room(r->io.context, size);
}

static uint32_t record_port(void *context)
{
	struct recorder *r = context;
	return r->io.port(r->io.context);
}

static void record_close(void *context)
{
	struct recorder *r = context;
	r->io.close(r->io.context);
}

static struct nft *open_recorder(struct recorder *r)
{
	const struct nft_io io = {.send = record_send,
	                          .receive = record_receive,
	                          .room = record_room,
	                          .port = record_port,
	                          .close = record_close,
	                          .context = r};
	struct nft *nft;
	r->said = BUFFER_EMPTY;
	fake_init(&r->kernel);
	r->io = fake_io(&r->kernel);
	FUZZ_HOLDS(nft_open_io(&io, &nft) == 0);
	return nft;
}

static void close_recorder(struct recorder *r, struct nft *nft)
{
	nft_close(nft);
	fake_fini(&r->kernel);
	buffer_fini(&r->said);
}

static void keep(const struct recorder *r, const char *name)
{
	FUZZ_HOLDS(!buffer_failed(&r->said));
	seed(name, r->said.data, r->said.size);
}

// ---- the wall ----

// 10.0.0.254:104 to 10.0.0.1:58886, picked up in the middle: the device's answer was seen first.
static const char picked_up[] =
        "d40000000001020001000000f0060000020000003400018014000180080001000a0000fe080002000a0000011c000280"
        "0500010006000000060002000068000006000300e60600003400028014000180080001000a000001080002000a0000fe"
        "1c00028005000100060000000600020"
        "0e60600000600030000680000080003000000000a080008000000000008000c0098ec316208000b00000000"
        "01080007000000012b300004802c0001800500010003000000050002000000000005000300000000"
        "00060004000a0000000600050"
        "02a000000";

static size_t read_hex(const char *hex, void *ret)
{
	size_t size = strlen(hex) / 2;
	for (size_t i = 0; i < size; i++) {
		const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		((uint8_t *)ret)[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return size;
}

static void load(struct recorder *r, struct nft *nft, unsigned question, const char *name)
{
	const struct nft_load_options options = {0};
	const struct fixture fixture = netlink_input_wall(question);
	struct nft_load_result result;
	struct problems problems;
	struct ruleset wall;
	problem_init(&problems);
	FUZZ_HOLDS(fixture_build(&fixture, &wall) == 0);
	begin(r, question);
	nft_load(nft, &wall, NULL, &options, &problems, &result);
	keep(r, name);
	ruleset_fini(&wall);
	problem_fini(&problems);
}

static void window(struct recorder *r, struct nft *nft, unsigned question, const char *name)
{
	const struct fixture fixture = netlink_input_wall(question);
	const struct nft_access access = {
	        .from = {.octets = {10, 9, 0, 7}, .family = ADDRESS_IPV4, .length = 32},
	        .box = true,
	        .port = 22,
	        .ms = 600000,
	        .comment = "alice: replace the tube",
	};
	struct problems problems;
	struct ruleset wall;
	problem_init(&problems);
	FUZZ_HOLDS(fixture_build(&fixture, &wall) == 0);
	begin(r, question);
	if (question == NETLINK_ACCESS_OPEN)
		nft_access_open(nft, &wall, &access, &problems);
	else
		nft_access_close(nft, &wall, &access, &problems);
	keep(r, name);
	ruleset_fini(&wall);
	problem_fini(&problems);
}

static void read_all(struct recorder *r, struct nft *nft, const char *name)
{
	struct problems problems;
	struct ruleset found;
	struct nft_state state;
	problem_init(&problems);
	begin(r, NETLINK_READ);
	FUZZ_HOLDS(nft_read(nft, &found, &state, &problems) == 0);
	keep(r, name);
	ruleset_fini(&found);
	problem_fini(&problems);
}

static void list(struct recorder *r, struct nft *nft, const char *name)
{
	struct problems problems;
	struct nft_access *windows = NULL;
	size_t count;
	problem_init(&problems);
	begin(r, NETLINK_ACCESS_LIST);
	FUZZ_HOLDS(nft_access_list(nft, &windows, &count, &problems) == 0);
	keep(r, name);
	free(windows);
	problem_fini(&problems);
}

static void remove_wall(struct recorder *r, struct nft *nft)
{
	struct problems problems;
	problem_init(&problems);
	begin(r, NETLINK_REMOVE);
	FUZZ_HOLDS(nft_remove(nft, &problems) == 0);
	keep(r, "remove");
	problem_fini(&problems);
}

static void ignore(void *context, const struct nft_foreign *found)
{
	(void)context;
	(void)found;
}

// The wall again, as if it were somebody else's.
static void foreign(struct recorder *r, struct nft *nft)
{
	struct problems problems;
	problem_init(&problems);
	for (size_t i = 0; i < r->kernel.count; i++) {
		struct nlmsghdr *m = r->kernel.objects[i].message;
		char *name = memmem(m, m->nlmsg_len, RULESET_TABLE_NAME, sizeof RULESET_TABLE_NAME - 1);
		if (name)
			memcpy(name, "strangers", sizeof RULESET_TABLE_NAME - 1);
	}
	begin(r, NETLINK_FOREIGN);
	FUZZ_HOLDS(nft_foreign_find(nft, ignore, NULL, &problems) == 0);
	keep(r, "foreign");
	problem_fini(&problems);
}

static void walls(void)
{
	struct recorder r;
	struct nft *nft = open_recorder(&r);
	_Alignas(struct nlmsghdr) char entry[512] = {0};
	const struct nlmsghdr *const entries[] = {(void *)entry};
	FUZZ_HOLDS(read_hex(picked_up, entry) == entries[0]->nlmsg_len);
	r.kernel.entries = entries;
	r.kernel.entry_count = 1;
	load(&r, nft, NETLINK_LOAD, "load-first");
	load(&r, nft, NETLINK_LOAD, "load-again");
	read_all(&r, nft, "read");
	window(&r, nft, NETLINK_ACCESS_OPEN, "open");
	window(&r, nft, NETLINK_ACCESS_OPEN, "open-longer");
	list(&r, nft, "list");
	read_all(&r, nft, "read-window");
	window(&r, nft, NETLINK_ACCESS_CLOSE, "close");
	load(&r, nft, NETLINK_LOAD_TWO, "load-two");
	read_all(&r, nft, "read-two");
	r.kernel.refuse = true;
	r.kernel.refuse_type = NFT_MSG_NEWRULE;
	r.kernel.refuse_error = ENOENT;
	r.kernel.refuse_text = "no such thing";
	r.kernel.refuse_offset = 80;
	r.kernel.alter = true;
	load(&r, nft, NETLINK_LOAD, "load-refused");
	r.kernel.refuse = r.kernel.alter = false;
	remove_wall(&r, nft);
	load(&r, nft, NETLINK_LOAD, "load-anew");
	foreign(&r, nft);
	close_recorder(&r, nft);
}

static void conntrack(void)
{
	struct recorder r;
	struct nft *nft = open_recorder(&r);
	_Alignas(struct nlmsghdr) char entry[512] = {0};
	const struct nlmsghdr *const entries[] = {(void *)entry};
	const struct fixture fixture = netlink_input_wall(NETLINK_CONNTRACK);
	struct problems problems;
	struct ruleset wall;
	problem_init(&problems);
	read_hex(picked_up, entry);
	r.kernel.entries = entries;
	r.kernel.entry_count = 1;
	FUZZ_HOLDS(fixture_build(&fixture, &wall) == 0);
	begin(&r, NETLINK_CONNTRACK);
	nft_conntrack_turn(nft, &wall, &problems);
	keep(&r, "conntrack");
	ruleset_fini(&wall);
	problem_fini(&problems);
	close_recorder(&r, nft);
}

// ---- unasked ----

static void put(struct buffer *out, const struct nlmsghdr *message)
{
	buffer_add(out, message, MNL_ALIGN(message->nlmsg_len));
}

static void links(struct buffer *out)
{
	const struct prefix address = {.octets = {10, 20, 1, 250}, .family = ADDRESS_IPV4, .length = 32};
	struct link_message m;
	link_message_bridge(&m, "bridge", 0x4008);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(&m.header))->ifi_index = 7;
	put(out, &m.header);
	link_message_master(&m, 3, 7);
	mnl_attr_put_strz(&m.header, IFLA_IFNAME, "eth0");
	put(out, &m.header);
	link_message_link_local(&m, 4, true);
	mnl_attr_put_strz(&m.header, IFLA_IFNAME, "eth1");
	put(out, &m.header);
	link_message_address(&m, true, 7, &address, 24);
	put(out, &m.header);
}

static void change(struct buffer *out, uint8_t type, const char *table)
{
	_Alignas(struct nlmsghdr) char data[256] = {0};
	struct nlmsghdr *m = mnl_nlmsg_put_header(data);
	m->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	((struct nfgenmsg *)mnl_nlmsg_put_extra_header(m, sizeof(struct nfgenmsg)))->nfgen_family =
	        NFPROTO_INET;
	if (type == NFT_MSG_NEWGEN) {
		mnl_attr_put_u32(m, NFTA_GEN_ID, htobe32(7));
		mnl_attr_put_u32(m, NFTA_GEN_PROC_PID, htobe32(4711));
		mnl_attr_put_strz(m, NFTA_GEN_PROC_NAME, "nft");
	} else {
		mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
	}
	put(out, m);
}

static void unasked(void)
{
	const char head[NETLINK_INPUT_HEAD] = {NETLINK_HEARD};
	_Alignas(struct nlmsghdr) char entry[512] = {0};
	struct buffer out = BUFFER_EMPTY;
	buffer_add(&out, head, sizeof head);
	links(&out);
	seed("links", out.data, out.size);
	read_hex(picked_up, entry);
	put(&out, (void *)entry);
	seed("links-connection", out.data, out.size);
	buffer_clear(&out);
	buffer_add(&out, head, sizeof head);
	change(&out, NFT_MSG_NEWTABLE, RULESET_TABLE_NAME);
	change(&out, NFT_MSG_NEWRULE, "strangers");
	change(&out, NFT_MSG_NEWGEN, NULL);
	change(&out, NFT_MSG_DELTABLE, RULESET_TABLE_NAME);
	change(&out, NFT_MSG_NEWGEN, NULL);
	seed("heard", out.data, out.size);
	buffer_fini(&out);
}

void make_seeds(void)
{
	walls();
	conntrack();
	unasked();
}
