// SPDX-License-Identifier: GPL-2.0-or-later
//
// NFLOG datagrams: recorded ones, hand-made ones, cut off at every octet, and octets at random.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datagram.h"
#include "drops/drops.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "recorded.h"

#define PACKET (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)

struct heard {
	struct drops_record records[64];
	size_t count, bad;
};

static void hear(void *context, const struct drops_record *record)
{
	struct heard *heard = context;
	assert_true(heard->count < sizeof heard->records / sizeof heard->records[0]);
	heard->records[heard->count++] = *record;
}

static struct heard read_octets(const void *octets, size_t size)
{
	struct heard heard = {.count = 0};
	void *copy = exact_copy(octets, size);
	assert_non_null(copy);
	drops_read(copy, size, hear, &heard, &heard.bad);
	free(copy);
	return heard;
}

static void assert_record(const struct drops_record *r, const char *prefix, const char *source,
                          const char *destination, uint8_t protocol, int source_port, int port)
{
	char text[PREFIX_TEXT_MAX];
	assert_string_equal(r->prefix, prefix);
	assert_string_equal(prefix_print(&r->source, text), source);
	assert_string_equal(prefix_print(&r->destination, text), destination);
	assert_int_equal(r->protocol, protocol);
	assert_int_equal(r->ports_known, source_port >= 0);
	if (source_port >= 0) {
		assert_int_equal(r->source_port, source_port);
		assert_int_equal(r->port, port);
	}
}

#define assert_recorded(name, ...)                                                                             \
	do {                                                                                                   \
		struct heard heard = read_octets(recorded_##name, sizeof recorded_##name);                     \
		assert_int_equal(heard.count, 1);                                                              \
		assert_int_equal(heard.bad, 0);                                                                \
		assert_record(&heard.records[0], __VA_ARGS__);                                                 \
	} while (0)

static void recorded(void **state)
{
	(void)state;
	assert_recorded(tcp4_syn, "leadglass input: ", "10.9.0.1", "10.9.0.2", 6, 40001, 11112);
	assert_recorded(udp6, "leadglass input: ", "fd00:9::1", "fd00:9::2", 17, 5000, 161);
	assert_recorded(ping4, "leadglass input: ", "10.9.0.1", "10.9.0.2", 1, -1, -1);
	assert_recorded(udp6_extensions, "leadglass input: ", "fd00:9::1", "fd00:9::2", 17, 5001, 162);
	assert_recorded(udp4_options, "leadglass input: ", "10.9.0.1", "10.9.0.2", 17, 5002, 514);
}

static void recorded_more(void **state)
{
	(void)state;
	struct heard heard = read_octets(recorded_tcp4_out, sizeof recorded_tcp4_out);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.records[0].port, 443);
	assert_int_equal(heard.records[0].ether_type, 0x0800);
	assert_int_equal(heard.records[0].in_interface, 0);
	assert_true(heard.records[0].out_interface > 0);
	assert_false(heard.records[0].mac_known);

	heard = read_octets(recorded_tcp4_syn, sizeof recorded_tcp4_syn);
	assert_true(heard.records[0].in_interface > 0);
	assert_int_equal(heard.records[0].out_interface, 0);
	assert_true(heard.records[0].mac_known);

	heard = read_octets(recorded_ping4, sizeof recorded_ping4);
	assert_int_equal(heard.records[0].icmp_type, 8);

	heard = read_octets(recorded_six_together, sizeof recorded_six_together);
	assert_int_equal(heard.count, 6);
	assert_int_equal(heard.bad, 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(heard.records[i].port, 1000 + i);
}

static void recorded_bridge(void **state)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 8, 1};
	(void)state;
	assert_recorded(bridge_udp4, "leadglass bridge: ", "10.8.0.1", "10.8.0.2", 17, 5002, 514);
	struct heard heard = read_octets(recorded_bridge_arp, sizeof recorded_bridge_arp);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.records[0].ether_type, 0x0806);
	assert_int_equal(heard.records[0].source.length, 0);
	assert_memory_equal(heard.records[0].mac, mac, sizeof mac);
	heard = read_octets(recorded_bridge_lldp, sizeof recorded_bridge_lldp);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.records[0].ether_type, 0x88cc);
	assert_int_equal(heard.records[0].source.length, 0);
	assert_true(heard.records[0].mac_known);
	assert_memory_equal(heard.records[0].mac, mac, sizeof mac);
	// The port, not the bridge: in and out differ.
	assert_int_not_equal(heard.records[0].in_interface, heard.records[0].out_interface);
	assert_true(heard.records[0].in_interface > 0 && heard.records[0].out_interface > 0);
}

static void add_header(struct datagram *d, uint16_t type)
{
	const struct nfulnl_msg_packet_hdr header = {.hw_protocol = htons(type)};
	datagram_attribute(d, NFULA_PACKET_HDR, &header, sizeof header);
}

static void bridge_ports(void **state)
{
	struct datagram d = {.size = 0};
	(void)state;
	for (int i = 0; i < 2; i++) {
		datagram_message(&d, PACKET, i == 0 ? NFPROTO_BRIDGE : NFPROTO_INET);
		add_header(&d, 0x88cc);
		datagram_number(&d, NFULA_IFINDEX_INDEV, 3);
		datagram_number(&d, NFULA_IFINDEX_PHYSINDEV, 4);
		datagram_number(&d, NFULA_IFINDEX_OUTDEV, 5);
		datagram_number(&d, NFULA_IFINDEX_PHYSOUTDEV, 6);
	}
	struct heard heard = read_octets(d.octets, d.size);
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.records[0].in_interface, 4);
	assert_int_equal(heard.records[0].out_interface, 6);
	assert_int_equal(heard.records[1].in_interface, 3);
	assert_int_equal(heard.records[1].out_interface, 5);
}

static void prefixes(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *wanted; // NULL: malformed
	} cases[] = {
	        {"leadglass input: ", 18, "leadglass input: "},
	        {"", 1, ""},
	        {"line\nbreak\t\x1b[31m\xff", 18, "line?break??[31m?"},
	        {"not terminated", 14, NULL},
	        {"", 0, NULL},
	        {"0123456789012345678901234567890123456789012345678901234567890", 62,
	         "0123456789012345678901234567890123456789012"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct datagram d = {.size = 0};
		datagram_message(&d, PACKET, NFPROTO_INET);
		add_header(&d, 0x88cc);
		datagram_attribute(&d, NFULA_PREFIX, cases[i].text, cases[i].size);
		struct heard heard = read_octets(d.octets, d.size);
		assert_int_equal(heard.count, cases[i].wanted ? 1 : 0);
		assert_int_equal(heard.bad, cases[i].wanted ? 0 : 1);
		if (cases[i].wanted)
			assert_string_equal(heard.records[0].prefix, cases[i].wanted);
	}
}

// A packet that this host has just made may not carry its type yet.
static void type_from_family(void **state)
{
	static const uint8_t packet[40] = {0x60, 0, 0, 0, 0, 0, 59};
	struct datagram d = {.size = 0};
	(void)state;
	datagram_message(&d, PACKET, NFPROTO_IPV6);
	add_header(&d, 0);
	datagram_attribute(&d, NFULA_PAYLOAD, packet, sizeof packet);
	datagram_message(&d, PACKET, NFPROTO_IPV4);
	add_header(&d, 0);
	struct heard heard = read_octets(d.octets, d.size);
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.records[0].ether_type, 0x86dd);
	assert_int_equal(heard.records[0].protocol, 59);
	assert_int_equal(heard.records[1].ether_type, 0x0800);
	assert_int_equal(heard.records[1].source.length, 0);
}

static void macs(void **state)
{
	static const struct nfulnl_msg_packet_hw infiniband = {.hw_addrlen = 0x1400, .hw_addr = {1, 2, 3}};
	static const struct nfulnl_msg_packet_hw other = {.hw_addrlen = 0x0800, .hw_addr = {1, 2, 3}};
	struct datagram d = {.size = 0};
	(void)state;
	datagram_message(&d, PACKET, NFPROTO_INET);
	add_header(&d, 0x88cc);
	datagram_attribute(&d, NFULA_HWADDR, &other, sizeof other);
	struct heard heard = read_octets(d.octets, d.size);
	assert_int_equal(heard.count, 1); // eight octets are no MAC
	assert_false(heard.records[0].mac_known);
	datagram_message(&d, PACKET, NFPROTO_INET);
	add_header(&d, 0x88cc);
	datagram_attribute(&d, NFULA_HWADDR, &infiniband, sizeof infiniband);
	heard = read_octets(d.octets, d.size);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.bad, 1); // longer than its room
}

// Messages of other kinds, and those that are no packets, are none of ours and none of them is bad.
static void other_messages(void **state)
{
	const struct nlmsghdr end = {.nlmsg_len = sizeof end, .nlmsg_type = NLMSG_DONE};
	struct datagram d = {.size = 0};
	(void)state;
	datagram_octets(&d, &end, sizeof end);
	datagram_message(&d, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, 0);
	datagram_message(&d, NFNL_SUBSYS_CTNETLINK << 8, 0);
	datagram_message(&d, PACKET, NFPROTO_INET);
	add_header(&d, 0x88cc);
	struct heard heard = read_octets(d.octets, d.size);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.bad, 0);
}

static void bad_lengths(void **state)
{
	(void)state;
	for (uint32_t length = 0; length < 24; length++) {
		struct datagram d = {.size = 0};
		datagram_message(&d, PACKET, NFPROTO_INET);
		add_header(&d, 0x88cc);
		uint32_t right;
		memcpy(&right, d.octets, sizeof right);
		memcpy(d.octets, &length, sizeof length);
		struct heard heard = read_octets(d.octets, d.size);
		assert_int_equal(heard.count, 0);
		assert_true(heard.bad > 0);
		uint32_t more = right + 1 + length;
		memcpy(d.octets, &more, sizeof more);
		heard = read_octets(d.octets, d.size);
		assert_int_equal(heard.count, 0);
		assert_true(heard.bad > 0);
	}
	// An attribute that claims more, or less than its own head.
	for (uint16_t length = 0; length < 16; length++) {
		struct datagram d = {.size = 0};
		datagram_message(&d, PACKET, NFPROTO_INET);
		add_header(&d, 0x88cc);
		memcpy(d.octets + 20, &length, sizeof length);
		struct heard heard = read_octets(d.octets, d.size);
		assert_int_equal(heard.count, length == 8 ? 1 : 0);
		assert_int_equal(heard.bad, length == 8 ? 0 : 1);
	}
}

static void truncated(void **state)
{
	(void)state;
	// The message's own length kept: garbage at its end. Shortened with it: fewer or cut-off attributes.
	for (size_t size = 0; size < sizeof recorded_udp6_extensions; size++) {
		uint8_t octets[sizeof recorded_udp6_extensions];
		memcpy(octets, recorded_udp6_extensions, sizeof octets);
		struct heard heard = read_octets(octets, size);
		assert_int_equal(heard.count, 0);
		assert_int_equal(heard.bad, size > 0 ? 1 : 0);
		uint32_t length = (uint32_t)size;
		if (size >= sizeof length)
			memcpy(octets, &length, sizeof length);
		heard = read_octets(octets, size);
		assert_true(heard.count + heard.bad == (size > 0 ? 1 : 0));
		if (heard.count > 0)
			assert_true(memchr(heard.records[0].prefix, 0, DROPS_PREFIX_MAX) != NULL);
	}
}

static void random_octets(void **state)
{
	uint64_t seed = 42;
	size_t found = 0;
	(void)state;
	for (size_t i = 0; i < 300000; i++) {
		uint8_t octets[sizeof recorded_six_together];
		size_t size = i % 4 == 0 ? sizeof recorded_six_together : sizeof recorded_bridge_udp4;
		memcpy(octets, i % 4 == 0 ? recorded_six_together : recorded_bridge_udp4, size);
		for (uint32_t n = next_random(&seed) % 8 + 1; n > 0; n--)
			octets[next_random(&seed) % size] = (uint8_t)next_random(&seed);
		struct heard heard = read_octets(octets, size);
		found += heard.count;
		for (size_t j = 0; j < heard.count; j++)
			for (const char *c = heard.records[j].prefix; *c != '\0'; c++)
				assert_true(*c >= ' ' && *c <= '~');
	}
	assert_true(found > 300000 / 2); // the octets were not all thrown away at the door
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(recorded),
	        cmocka_unit_test(recorded_more),
	        cmocka_unit_test(recorded_bridge),
	        cmocka_unit_test(bridge_ports),
	        cmocka_unit_test(prefixes),
	        cmocka_unit_test(type_from_family),
	        cmocka_unit_test(macs),
	        cmocka_unit_test(other_messages),
	        cmocka_unit_test(bad_lengths),
	        cmocka_unit_test(truncated),
	        cmocka_unit_test(random_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
