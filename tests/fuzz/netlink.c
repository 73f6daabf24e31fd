// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel answers: its rules as they are read back, refusals, service windows, tables of others,
// conntrack's entries, interfaces and addresses, and what it tells unasked. netlink_input.h says how an input
// is read.
#include "readable.h"

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include "link/link_read.h"
#include "netlink_input.h"
#include "nft/nft.h"
#include "nft/nft_access.h"
#include "nft/nft_conntrack.h"
#include "nft/nft_foreign.h"
#include "nft/nft_hear.h"

#define PORT 4711u

// A kernel that says what the input says, whatever it is asked.
struct kernel {
	const uint8_t *at;
	size_t left;
	uint32_t sequence; // of the request
	bool pause;
};

static ssize_t take_request(void *context, const void *data, size_t size)
{
	struct kernel *kernel = context;
	const struct nlmsghdr *request = data;
	FUZZ_HOLDS(size >= sizeof *request && request->nlmsg_len <= size);
	kernel->sequence = request->nlmsg_seq;
	return (ssize_t)size;
}

// The length of the message at the front; 0: it is none, and what is left is given as it is.
static size_t message_size(const struct kernel *kernel, struct nlmsghdr *ret)
{
	if (kernel->left < sizeof *ret)
		return 0;
	memcpy(ret, kernel->at, sizeof *ret);
	size_t size = MNL_ALIGN((size_t)ret->nlmsg_len);
	return ret->nlmsg_len < sizeof *ret || size > kernel->left ? 0 : size;
}

// A datagram: the messages up to one that ends an answer.
static ssize_t give(void *context, void *data, size_t room, bool wait)
{
	struct kernel *kernel = context;
	struct nlmsghdr header = {0};
	size_t given = 0, size;
	kernel->pause = kernel->pause && wait;
	while (!kernel->pause && kernel->left > 0 && header.nlmsg_type != NLMSG_DONE &&
	       header.nlmsg_type != NLMSG_ERROR) {
		size = message_size(kernel, &header);
		if (header.nlmsg_type == NETLINK_INPUT_PAUSE && size > 0 && given > 0)
			break;
		kernel->pause = size > 0 && header.nlmsg_type == NETLINK_INPUT_PAUSE && !wait;
		header.nlmsg_seq += kernel->sequence;
		header.nlmsg_pid += PORT;
		if (size == 0)
			size = kernel->left;
		FUZZ_HOLDS(given + size <= room);
		memcpy((uint8_t *)data + given, kernel->at, size);
		if (size >= sizeof header)
			memcpy((uint8_t *)data + given, &header, sizeof header);
		kernel->at += size;
		kernel->left -= size;
		given += size;
	}
	if (given > 0 && !kernel->pause)
		return (ssize_t)given;
	errno = wait ? EIO : EAGAIN;
	return -1;
}

static int make_room(void *context, size_t size)
{
	(void)context;
	(void)size;
	return 0;
}

static uint32_t port(void *context)
{
	(void)context;
	return PORT;
}

static void end(void *context)
{
	(void)context;
}

// ---- questions ----

// An interval may end before it begins, which the kernel would not hold, and then nothing is in it.
static void hold_set(const struct ruleset_set *set)
{
	for (size_t i = 0; i < set->count && !set->interval && !set->foreign; i++)
		FUZZ_HOLDS(ruleset_find(set, set->keys + i * set->key_size) == (ptrdiff_t)i);
}

static void hold_read(struct nft *nft, struct problems *problems)
{
	struct ruleset found;
	struct nft_state state;
	struct buffer out = BUFFER_EMPTY;
	int r = nft_read(nft, &found, &state, problems);
	hold_problems(problems, NULL, r);
	if (r < 0)
		return;
	FUZZ_HOLDS(found.table_count == (size_t)(state.inet.present + state.bridge.present));
	ruleset_print(&found, &out);
	ruleset_compare(&found, &found, NULL, NULL);
	for (size_t t = 0; t < found.table_count; t++)
		for (size_t i = 0; i < found.tables[t].set_count; i++)
			hold_set(&found.tables[t].sets[i]);
	buffer_fini(&out);
	ruleset_fini(&found);
}

static const struct ruleset *wall(unsigned question)
{
	static struct ruleset walls[2];
	struct ruleset *wall = &walls[question == NETLINK_LOAD_TWO];
	const struct fixture fixture = netlink_input_wall(question);
	if (wall->table_count == 0)
		FUZZ_HOLDS(fixture_build(&fixture, wall) == 0);
	return wall;
}

static void hold_load(struct nft *nft, unsigned question, struct problems *problems)
{
	const struct nft_load_options options = {0};
	struct nft_load_result result = {0};
	int r = nft_load(nft, wall(question), NULL, &options, problems, &result);
	// It is up when it was seen to be up, and there is no other way.
	FUZZ_HOLDS((r == 0) == (result.committed && result.verified));
	hold_problems(problems, NULL, r);
}

static void list_windows(struct nft *nft, struct problems *problems)
{
	struct nft_access *windows = NULL;
	size_t count = 0;
	int r = nft_access_list(nft, &windows, &count, problems);
	hold_problems(problems, NULL, r);
	FUZZ_HOLDS(count <= NFT_ACCESS_MAX && (r == 0 || !windows) && (count == 0 || windows));
	for (size_t i = 0; i < count; i++) {
		FUZZ_HOLDS(prefix_is_exact(&windows[i].from) &&
		           (windows[i].box || prefix_is_exact(&windows[i].to)));
		FUZZ_HOLDS(windows[i].ms <= NFT_ACCESS_SECONDS_MAX * UINT64_C(1000));
		FUZZ_HOLDS(memchr(windows[i].comment, '\0', sizeof windows[i].comment));
	}
	free(windows);
}

static void change_window(struct nft *nft, unsigned question, struct problems *problems)
{
	const struct nft_access access = {
	        .from = {.octets = {10, 9, 0, 7}, .family = ADDRESS_IPV4, .length = 32},
	        .box = true,
	        .port = 22,
	        .ms = 600000,
	        .comment = "alice: replace the tube",
	};
	int r = question == NETLINK_ACCESS_OPEN ? nft_access_open(nft, wall(question), &access, problems)
	                                        : nft_access_close(nft, wall(question), &access, problems);
	hold_problems(problems, NULL, r);
}

static void hold_foreign(void *context, const struct nft_foreign *found)
{
	(void)context;
	FUZZ_HOLDS(found->family && found->table && found->chain && nft_foreign_kind_name(found->kind)[0]);
	FUZZ_HOLDS(found->what[0] && memchr(found->what, '\0', sizeof found->what));
	hold_readable(found->what, strlen(found->what));
}

static void remove_wall(struct nft *nft, struct problems *problems)
{
	int r = nft_remove(nft, problems);
	hold_problems(problems, NULL, r == -ENOENT ? 0 : r);
}

static void ask(struct nft *nft, unsigned question, struct problems *problems)
{
	switch (question) {
	case NETLINK_READ:
		hold_read(nft, problems);
		break;
	case NETLINK_LOAD:
	case NETLINK_LOAD_TWO:
		hold_load(nft, question, problems);
		break;
	case NETLINK_ACCESS_LIST:
		list_windows(nft, problems);
		break;
	case NETLINK_ACCESS_OPEN:
	case NETLINK_ACCESS_CLOSE:
		change_window(nft, question, problems);
		break;
	case NETLINK_FOREIGN:
		hold_problems(problems, NULL, nft_foreign_find(nft, hold_foreign, NULL, problems));
		break;
	case NETLINK_CONNTRACK:
		nft_conntrack_turn(nft, wall(question), problems);
		hold_problems(problems, NULL, 0);
		break;
	case NETLINK_REMOVE:
		remove_wall(nft, problems);
		break;
	default:
		break;
	}
}

// ---- what nobody asked for ----

static void hear(const uint8_t *data, size_t size)
{
	struct nft_seen part = {0}, seen, all = {0};
	while (size > 0) {
		bool ended;
		size_t taken = nft_hear(&part, data, size, &seen, &ended);
		FUZZ_HOLDS(taken > 0 && taken <= size && (ended || taken == size));
		if (ended) {
			FUZZ_HOLDS(memchr(seen.process, '\0', sizeof seen.process));
			hold_readable(seen.process, strlen(seen.process));
			nft_hear_merge(&all, &seen);
		}
		data += taken;
		size -= taken;
	}
}

static void hold_interface(const struct nlmsghdr *message)
{
	struct link_interface interface;
	struct link_address address;
	struct nft_connection connection;
	char said[64];
	if (link_read_interface(message, &interface))
		FUZZ_HOLDS(interface.index > 0 && memchr(interface.name, '\0', sizeof interface.name) &&
		           memchr(interface.kind, '\0', sizeof interface.kind));
	if (link_read_address(message, &address))
		FUZZ_HOLDS(prefix_is_exact(&address.prefix));
	FUZZ_HOLDS(link_read_refusal(message, said, sizeof said) >= 0 && memchr(said, '\0', sizeof said));
	if (nft_connection_read(message, &connection))
		FUZZ_HOLDS(prefix_is_exact(&connection.source) && prefix_is_exact(&connection.destination) &&
		           connection.source.family == connection.destination.family);
}

static void look_at(const uint8_t *data, size_t size)
{
	int left = (int)size;
	for (const struct nlmsghdr *message = (const void *)data; link_message_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		// A message of its own: its end is the end of the memory.
		struct nlmsghdr *copy = malloc(message->nlmsg_len);
		FUZZ_HOLDS(copy);
		memcpy(copy, message, message->nlmsg_len);
		hold_interface(copy);
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < NETLINK_INPUT_HEAD)
		return 0;
	const unsigned question = data[0] % NETLINK_QUESTIONS;
	struct kernel kernel = {.at = data + NETLINK_INPUT_HEAD, .left = size - NETLINK_INPUT_HEAD};
	const struct nft_io io = {.send = take_request,
	                          .receive = give,
	                          .room = make_room,
	                          .port = port,
	                          .close = end,
	                          .context = &kernel};
	struct problems problems;
	struct nft *nft;
	if (question == NETLINK_HEARD) {
		hear(kernel.at, kernel.left);
		look_at(kernel.at, kernel.left);
		return 0;
	}
	FUZZ_HOLDS(nft_open_io(&io, &nft) == 0);
	problem_init(&problems);
	ask(nft, question, &problems);
	problem_fini(&problems);
	nft_close(nft);
	return 0;
}
