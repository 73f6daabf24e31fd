// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads conntrack's entries over ctnetlink and turns round those that a server's packet began.
#include "nft/nft_conntrack.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "nft/nft_attribute.h"
#include "nft/nft_talk.h"

#define ATTEMPTS 4
#define COPY_MAX 96 // octets of an attribute taken over; a tuple of IPv6 addresses has 72
#define TCP_LOOSE "/proc/sys/net/netfilter/nf_conntrack_tcp_loose"

// ---- reading ----

static bool read_address(const struct nlattr *attribute, enum address_family family, struct prefix *ret)
{
	size_t size = address_octets(family);
	*ret = (struct prefix){.family = (uint8_t)family, .length = (uint8_t)(size * 8)};
	if (!attribute || mnl_attr_get_payload_len(attribute) != size)
		return false;
	memcpy(ret->octets, mnl_attr_get_payload(attribute), size);
	return true;
}

static bool read_tuple(const struct nlattr *tuple, struct nft_connection *ret)
{
	const struct nlattr *a[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];
	if (!tuple || mnl_attr_get_payload_len(tuple) > COPY_MAX)
		return false;
	nft_attributes_nested(tuple, a, CTA_TUPLE_MAX + 1);
	nft_attributes_nested(a[CTA_TUPLE_IP], ip, CTA_IP_MAX + 1);
	nft_attributes_nested(a[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX + 1);

	const struct nlattr *number = proto[CTA_PROTO_NUM];
	if (!number || mnl_attr_get_payload_len(number) != 1 || mnl_attr_get_u8(number) != IPPROTO_TCP)
		return false;
	bool four = ip[CTA_IP_V4_SRC];
	enum address_family family = four ? ADDRESS_IPV4 : ADDRESS_IPV6;
	return read_address(ip[four ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], family, &ret->source) &&
	       read_address(ip[four ? CTA_IP_V4_DST : CTA_IP_V6_DST], family, &ret->destination) &&
	       nft_number16(proto[CTA_PROTO_SRC_PORT], &ret->source_port) &&
	       nft_number16(proto[CTA_PROTO_DST_PORT], &ret->destination_port);
}

static bool is_mirror(const struct nft_connection *a, const struct nft_connection *b)
{
	return prefix_equal(&a->source, &b->destination) && prefix_equal(&a->destination, &b->source) &&
	       a->source_port == b->destination_port && a->destination_port == b->source_port;
}

static bool is_liberal(const struct nlattr *flags)
{
	struct nf_ct_tcp_flags value;
	if (!flags || mnl_attr_get_payload_len(flags) != sizeof value)
		return false;
	memcpy(&value, mnl_attr_get_payload(flags), sizeof value);
	return value.flags & IP_CT_TCP_FLAG_BE_LIBERAL;
}

// What conntrack has seen begin it knows the windows of. Only where it has not is it lenient about them, and
// only there may it be wrong about who called whom.
static bool was_picked_up(const struct nlattr *info)
{
	const struct nlattr *a[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];
	nft_attributes_nested(info, a, CTA_PROTOINFO_MAX + 1);
	nft_attributes_nested(a[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX + 1);
	return is_liberal(tcp[CTA_PROTOINFO_TCP_FLAGS_ORIGINAL]) &&
	       is_liberal(tcp[CTA_PROTOINFO_TCP_FLAGS_REPLY]);
}

bool nft_connection_read(const struct nlmsghdr *message, struct nft_connection *ret)
{
	struct nft_connection reply;
	*ret = (struct nft_connection){0};
	if (message->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return false;
	nft_attributes_message(message, sizeof(struct nfgenmsg), ret->attributes, CTA_MAX + 1);
	return was_picked_up(ret->attributes[CTA_PROTOINFO]) &&
	       read_tuple(ret->attributes[CTA_TUPLE_ORIG], ret) &&
	       read_tuple(ret->attributes[CTA_TUPLE_REPLY], &reply) && is_mirror(ret, &reply);
}

// ---- judging ----

static bool is_accepted(const struct ruleset *ruleset, const struct packet *packet)
{
	struct outcome outcome;
	ruleset_evaluate(ruleset, packet, &outcome);
	return outcome.accepted && outcome.chain; // no chain: the wall is not on this packet's way
}

static bool is_accepted_through(const struct ruleset *ruleset, struct packet *packet, const uint8_t *name)
{
	memcpy(packet->in_interface, name, sizeof packet->in_interface);
	memcpy(packet->out_interface, name, sizeof packet->out_interface);
	return is_accepted(ruleset, packet);
}

// An entry does not tell the interface: any that the wall knows by name may be the one.
static bool is_accepted_somehow(const struct ruleset *ruleset, const struct ruleset_table *table,
                                struct packet *packet)
{
	if (is_accepted(ruleset, packet))
		return true;
	for (size_t i = 0; i < table->set_count; i++) {
		const struct ruleset_set *set = &table->sets[i];
		for (size_t e = 0; set->types[0] == TYPE_IFNAME && set->type_count == 1 && e < set->count; e++)
			if (is_accepted_through(ruleset, packet, set->keys + e * set->key_size))
				return true;
	}
	for (size_t c = 0; c < table->chain_count; c++)
		for (size_t r = 0; r < table->chains[c].count; r++) {
			const struct ruleset_rule *rule = &table->chains[c].rules[r];
			for (size_t s = 0; s < rule->count; s++)
				if (rule->statements[s].kind == STATEMENT_COMPARE &&
				    rule->statements[s].compare.field == FIELD_IIFNAME &&
				    is_accepted_through(ruleset, packet, rule->statements[s].compare.value))
					return true;
		}
	return false;
}

// Nor does it tell the frame's sender: where the wall ties an address to a MAC address, it was that one.
static void find_mac(const struct ruleset_table *table, struct packet *packet)
{
	enum ruleset_type address = packet->source.family == ADDRESS_IPV4 ? TYPE_IPV4_ADDR : TYPE_IPV6_ADDR;
	for (size_t i = 0; i < table->set_count; i++) {
		const struct ruleset_set *set = &table->sets[i];
		if (set->interval || set->type_count != 2 || set->types[0] != TYPE_ETHER_ADDR ||
		    set->types[1] != address)
			continue;
		for (size_t e = 0; e < set->count; e++) {
			const uint8_t *key = set->keys + e * set->key_size; // the MAC address is padded to 8
			if (memcmp(key + 8, packet->source.octets, ruleset_type_size(address)) == 0)
				memcpy(packet->ether_source.octets, key, sizeof packet->ether_source.octets);
		}
	}
}

static bool may_open(const struct ruleset *ruleset, const struct prefix *source, uint16_t source_port,
                     const struct prefix *destination, uint16_t destination_port)
{
	static const enum ruleset_hook hooks[] = {HOOK_INPUT, HOOK_OUTPUT, HOOK_FORWARD};
	for (size_t t = 0; t < ruleset->table_count; t++)
		for (size_t h = 0; h < sizeof hooks / sizeof *hooks; h++) {
			struct packet packet = {
			        .hook = hooks[h],
			        .table = ruleset->tables[t].family,
			        .ether_type = source->family == ADDRESS_IPV4 ? 0x0800 : 0x86dd,
			        .source = *source,
			        .destination = *destination,
			        .protocol = IPPROTO_TCP,
			        .source_port = source_port,
			        .destination_port = destination_port,
			        .hop_limit = 64,
			        .ct_state = CT_NEW,
			        .ct_source = *source,
			        .ct_destination = *destination,
			        .ct_protocol = IPPROTO_TCP,
			        .ct_destination_port = destination_port,
			};
			find_mac(&ruleset->tables[t], &packet);
			if (is_accepted_somehow(ruleset, &ruleset->tables[t], &packet))
				return true;
		}
	return false;
}

bool nft_connection_is_reversed(const struct nft_connection *connection, const struct ruleset *ruleset)
{
	const struct nft_connection *c = connection;
	if (prefix_is_loopback(&c->source) || prefix_is_loopback(&c->destination))
		return false; // the wall lets it pass, however it stands
	return !may_open(ruleset, &c->source, c->source_port, &c->destination, c->destination_port) &&
	       may_open(ruleset, &c->destination, c->destination_port, &c->source, c->source_port);
}

// ---- turning ----

struct turning {
	struct nft *nft;
	const struct ruleset *ruleset;
	struct buffer
	        requests; // pairs of messages, each at its aligned length: delete one entry, make the other
};

static void copy(struct nlmsghdr *to, uint16_t type, const struct nlattr *from)
{
	if (from && mnl_attr_get_payload_len(from) <= COPY_MAX)
		mnl_attr_put(to, type, mnl_attr_get_payload_len(from), mnl_attr_get_payload(from));
}

static struct nlmsghdr *begin(struct nft *nft, struct nft_request *request, uint16_t type, uint16_t flags,
                              uint8_t family)
{
	memset(request, 0, sizeof *request);
	struct nlmsghdr *header = mnl_nlmsg_put_header(request->data);
	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++nft->sequence;
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(header, sizeof *head);
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	return header;
}

static void put_delete(struct turning *turning, const struct nft_connection *c, uint8_t family)
{
	struct nft_request request;
	struct nlmsghdr *m = begin(turning->nft, &request, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family);
	copy(m, CTA_TUPLE_ORIG | NLA_F_NESTED, c->attributes[CTA_TUPLE_ORIG]);
	copy(m, CTA_ID, c->attributes[CTA_ID]);
	copy(m, CTA_ZONE, c->attributes[CTA_ZONE]);
	buffer_add(&turning->requests, m, MNL_ALIGN(m->nlmsg_len));
}

static void put_tcp(struct nlmsghdr *m, const struct nft_connection *c)
{
	const struct nf_ct_tcp_flags lenient = {
	        .flags = IP_CT_TCP_FLAG_SACK_PERM | IP_CT_TCP_FLAG_BE_LIBERAL,
	        .mask = IP_CT_TCP_FLAG_SACK_PERM | IP_CT_TCP_FLAG_BE_LIBERAL,
	};
	const struct nlattr *a[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];
	nft_attributes_nested(c->attributes[CTA_PROTOINFO], a, CTA_PROTOINFO_MAX + 1);
	nft_attributes_nested(a[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX + 1);

	struct nlattr *outer = mnl_attr_nest_start(m, CTA_PROTOINFO);
	struct nlattr *inner = mnl_attr_nest_start(m, CTA_PROTOINFO_TCP);
	copy(m, CTA_PROTOINFO_TCP_STATE, tcp[CTA_PROTOINFO_TCP_STATE]);
	mnl_attr_put(m, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof lenient, &lenient);
	mnl_attr_put(m, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof lenient, &lenient);
	mnl_attr_nest_end(m, inner);
	mnl_attr_nest_end(m, outer);
}

// The same connection, called from the other end. Without it a server that has data under way would wait for
// its client, which has nothing to say but to acknowledge what the wall now keeps from it.
static void put_reversed(struct turning *turning, const struct nft_connection *c, uint8_t family)
{
	struct nft_request request;
	struct nlmsghdr *m =
	        begin(turning->nft, &request, IPCTNL_MSG_CT_NEW, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, family);
	copy(m, CTA_TUPLE_ORIG | NLA_F_NESTED, c->attributes[CTA_TUPLE_REPLY]);
	copy(m, CTA_TUPLE_REPLY | NLA_F_NESTED, c->attributes[CTA_TUPLE_ORIG]);
	mnl_attr_put_u32(m, CTA_STATUS, htobe32(IPS_CONFIRMED | IPS_SEEN_REPLY));
	copy(m, CTA_TIMEOUT, c->attributes[CTA_TIMEOUT]);
	copy(m, CTA_MARK, c->attributes[CTA_MARK]);
	copy(m, CTA_ZONE, c->attributes[CTA_ZONE]);
	put_tcp(m, c);
	buffer_add(&turning->requests, m, MNL_ALIGN(m->nlmsg_len));
}

static int take_connection(void *context, const struct nlmsghdr *message)
{
	struct turning *turning = context;
	struct nft_connection connection;
	if (!nft_connection_read(message, &connection) ||
	    !nft_connection_is_reversed(&connection, turning->ruleset))
		return 0;
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	put_delete(turning, &connection, head->nfgen_family);
	put_reversed(turning, &connection, head->nfgen_family);
	return buffer_failed(&turning->requests) ? -ENOMEM : 0;
}

static int take_count(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *a[CTA_STATS_GLOBAL_MAX + 1];
	nft_attributes_message(message, sizeof(struct nfgenmsg), a, CTA_STATS_GLOBAL_MAX + 1);
	return nft_number(a[CTA_STATS_GLOBAL_ENTRIES], context) ? 0 : -EBADMSG;
}

int nft_conntrack_count(struct nft *nft, uint32_t *ret)
{
	struct nft_request request;
	return nft_ask(nft, begin(nft, &request, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC), take_count,
	               ret);
}

static int find_reversed(struct turning *turning)
{
	uint32_t count = 0;
	int r = nft_conntrack_count(turning->nft, &count);
	if (r < 0 || count == 0)
		return r;
	r = -EINTR;
	for (unsigned i = 0; r == -EINTR && i < ATTEMPTS; i++) {
		struct nft_request request;
		buffer_clear(&turning->requests);
		r = nft_ask(turning->nft,
		            begin(turning->nft, &request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC),
		            take_connection, turning);
	}
	return r;
}

static int ignore(void *context, const struct nlmsghdr *message)
{
	(void)context;
	(void)message;
	return 0;
}

// The first thing that went wrong; each is tried. What has no entry to delete has ended, and is not made anew;
// what cannot be made because it is there has been made by the client's own packet.
static int send_requests(struct turning *turning)
{
	int error = 0;
	bool deleted = false;
	for (size_t at = 0; at < turning->requests.size;) {
		const struct nlmsghdr *request = (const void *)(turning->requests.data + at);
		bool deletes = (request->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE;
		at += MNL_ALIGN(request->nlmsg_len);
		if (!deletes && !deleted)
			continue;
		int r = nft_ask(turning->nft, request, ignore, NULL);
		deleted = deletes && r == 0;
		if (r < 0 && r != -ENOENT && r != -EEXIST && !error)
			error = r;
	}
	return error;
}

static bool picks_nothing_up(void)
{
	FILE *file = fopen(TCP_LOOSE, "re");
	if (!file)
		return false; // no conntrack here, or /proc is not to be seen
	int first = fgetc(file);
	fclose(file);
	return first == '0';
}

void nft_conntrack_turn(struct nft *nft, const struct ruleset *ruleset, struct problems *problems)
{
	struct turning turning = {.nft = nft, .ruleset = ruleset};
	int r = find_reversed(&turning);
	if (r == 0)
		r = send_requests(&turning);
	buffer_fini(&turning.requests);
	if (r < 0)
		problem_addf(
		        problems, PROBLEM_WARNING, 0, 0,
		        "those in which conntrack saw the server's packet first may have to be opened anew",
		        "cannot look through the TCP connections that were already running: %s", strerror(-r));
	if (picks_nothing_up())
		problem_add(problems, PROBLEM_WARNING, 0, 0,
		            "TCP connections that were already running end, unless conntrack saw them begin",
		            "this kernel picks up no running connections: " TCP_LOOSE " is 0");
}
