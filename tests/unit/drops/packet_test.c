// SPDX-License-Identifier: GPL-2.0-or-later
//
// Packets as far as a copy of their first octets goes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datagram.h"
#include "drops/drops_packet.h"

#define IPV4(protocol, flags, header_words)                                                                    \
	0x40 | (header_words), 0, 0, 60, 0, 1, (flags) >> 8, (flags)&0xff, 64, protocol, 0, 0, 10, 0, 0, 1,    \
	        10, 0, 0, 2
#define IPV6(next)                                                                                             \
	0x60, 0, 0, 0, 0, 60, next, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd,  \
	        0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define PORTS 0x9c, 0x41, 0x2b, 0x68 // 40001 to 11112

static struct drops_record read_size(uint16_t type, const uint8_t *packet, size_t size)
{
	struct drops_record record = {.ether_type = type};
	uint8_t *copy = exact_copy(packet, size);
	assert_non_null(copy);
	drops_read_packet(drops_cursor(copy, size), &record);
	free(copy);
	return record;
}

#define read_packet(type, ...)                                                                                 \
	read_size(type, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_addresses(const struct drops_record *record, const char *source, const char *destination)
{
	char text[PREFIX_TEXT_MAX];
	assert_string_equal(prefix_print(&record->source, text), source);
	assert_string_equal(prefix_print(&record->destination, text), destination);
}

static void assert_ports(const struct drops_record *record, uint8_t protocol)
{
	assert_int_equal(record->protocol, protocol);
	assert_true(record->ports_known);
	assert_int_equal(record->source_port, 40001);
	assert_int_equal(record->port, 11112);
}

static void assert_no_ports(const struct drops_record *record, uint8_t protocol)
{
	assert_int_equal(record->protocol, protocol);
	assert_false(record->ports_known);
	assert_int_equal(record->source_port, 0);
	assert_int_equal(record->port, 0);
}

static void ipv4(void **state)
{
	(void)state;
	static const uint8_t with_ports[] = {6, 17, 33, 132, 136};
	for (size_t i = 0; i < sizeof with_ports; i++) {
		struct drops_record record = read_packet(0x0800, IPV4(with_ports[i], 0, 5), PORTS);
		assert_addresses(&record, "10.0.0.1", "10.0.0.2");
		assert_ports(&record, with_ports[i]);
	}
	struct drops_record record = read_packet(0x0800, IPV4(47, 0, 5), PORTS); // GRE has none
	assert_no_ports(&record, 47);
	record = read_packet(0x0800, IPV4(1, 0, 5), 8, 0);
	assert_int_equal(record.icmp_type, 8);
	assert_no_ports(&record, 1);
}

static void ipv4_options(void **state)
{
	(void)state;
	struct drops_record record = read_packet(0x0800, IPV4(6, 0, 7), 1, 1, 1, 1, 1, 1, 1, 1, PORTS);
	assert_ports(&record, 6);
	record = read_packet(0x0800, IPV4(6, 0, 15), 1, 1, 1, 1, PORTS); // options that go on beyond the copy
	assert_addresses(&record, "10.0.0.1", "10.0.0.2");
	assert_no_ports(&record, 6);
	record = read_packet(0x0800, IPV4(6, 0, 4), PORTS); // a header shorter than itself
	assert_int_equal(record.source.length, 0);
	assert_int_equal(record.destination.length, 0);
}

static void ipv4_fragments(void **state)
{
	(void)state;
	struct drops_record record = read_packet(0x0800, IPV4(17, 0x2000, 5), PORTS); // the first
	assert_ports(&record, 17);
	record = read_packet(0x0800, IPV4(17, 0x2001, 5), PORTS);
	assert_addresses(&record, "10.0.0.1", "10.0.0.2");
	assert_no_ports(&record, 17);
	record = read_packet(0x0800, IPV4(17, 0x1000, 5), PORTS); // the last one
	assert_no_ports(&record, 17);
	record = read_packet(0x0800, IPV4(17, 0x4000, 5), PORTS); // "don't fragment" is none
	assert_ports(&record, 17);
}

static void ipv6(void **state)
{
	(void)state;
	struct drops_record record = read_packet(0x86dd, IPV6(6), PORTS);
	assert_addresses(&record, "2001:db8::1", "2001:db8::2");
	assert_ports(&record, 6);
	record = read_packet(0x86dd, IPV6(58), 128, 0);
	assert_int_equal(record.icmp_type, 128);
	assert_no_ports(&record, 58);
	record = read_packet(0x86dd, IPV6(59), PORTS); // no next header
	assert_no_ports(&record, 59);
	record = read_packet(0x86dd, IPV6(50), PORTS); // encrypted
	assert_no_ports(&record, 50);
}

static void ipv6_extensions(void **state)
{
	(void)state;
	struct drops_record record = read_packet(0x86dd, IPV6(0),          //
	                                         43, 0, 0, 0, 0, 0, 0, 0,  // hop by hop
	                                         60, 1, 0, 0, 0, 0, 0, 0,  // routing, two units
	                                         0, 0, 0, 0, 0, 0, 0, 0,   //
	                                         51, 0, 0, 0, 0, 0, 0, 0,  // destination options
	                                         135, 1, 0, 0, 0, 0, 0, 0, // authentication: 12 octets
	                                         0, 0, 0, 0,               //
	                                         17, 0, 0, 0, 0, 0, 0, 0,  // mobility
	                                         PORTS);
	assert_ports(&record, 17);
}

static void ipv6_fragments(void **state)
{
	(void)state;
	struct drops_record record = read_packet(0x86dd, IPV6(44), 17, 0, 0, 1, 0, 0, 0, 9, PORTS);
	assert_ports(&record, 17);
	record = read_packet(0x86dd, IPV6(44), 17, 0, 0, 8, 0, 0, 0, 9, PORTS);
	assert_no_ports(&record, 17);
	// In a later fragment what looks like one more extension header is data.
	record = read_packet(0x86dd, IPV6(44), 60, 0, 0, 9, 0, 0, 0, 9, 17, 0, 0, 0, 0, 0, 0, 0, PORTS);
	assert_no_ports(&record, 60);
}

// Extension headers without end fill the copy: what comes after them is not known.
static void ipv6_endless(void **state)
{
	(void)state;
	uint8_t packet[128] = {IPV6(0)};
	for (size_t i = 40; i < sizeof packet; i += 8)
		packet[i] = 60;
	struct drops_record record = read_size(0x86dd, packet, sizeof packet);
	assert_addresses(&record, "2001:db8::1", "2001:db8::2");
	assert_no_ports(&record, 0);
}

// What its header calls an IP packet may be anything, above all on a bridge.
static void mislabelled(void **state)
{
	(void)state;
	struct drops_record record = read_packet(0x0800, IPV6(6), PORTS);
	assert_int_equal(record.source.length, 0);
	record = read_packet(0x86dd, IPV4(6, 0, 5), PORTS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	assert_int_equal(record.source.length, 0);
	record = read_packet(0x88cc, IPV4(6, 0, 5), PORTS);
	assert_int_equal(record.source.length, 0);
	assert_int_equal(record.protocol, 0);
}

static void truncated(void **state)
{
	(void)state;
	static const uint8_t v4[] = {IPV4(6, 0, 6), 1, 1, 1, 1, PORTS};
	for (size_t size = 0; size < sizeof v4; size++) {
		struct drops_record record = read_size(0x0800, v4, size);
		assert_int_equal(record.source.length, size < 20 ? 0 : 32);
		assert_no_ports(&record, size < 20 ? 0 : 6);
	}
	static const uint8_t v6[] = {IPV6(60), 6, 0, 0, 0, 0, 0, 0, 0, PORTS};
	for (size_t size = 0; size < sizeof v6; size++) {
		struct drops_record record = read_size(0x86dd, v6, size);
		assert_int_equal(record.source.length, size < 40 ? 0 : 128);
		assert_no_ports(&record, size < 48 ? 0 : 6);
	}
}

static void random_octets(void **state)
{
	static const uint16_t types[] = {0x0800, 0x86dd};
	uint64_t seed = 1;
	(void)state;
	for (size_t i = 0; i < 300000; i++) {
		uint8_t packet[128];
		size_t size = next_random(&seed) % (sizeof packet + 1);
		for (size_t j = 0; j < size; j++)
			packet[j] = (uint8_t)next_random(&seed);
		uint16_t type = types[i % 2];
		if (size > 6 && type == 0x0800)
			packet[0] = 0x40 | (packet[0] & 15);
		if (size > 6 && type == 0x86dd) {
			packet[0] = 0x60;
			packet[6] = (const uint8_t[]){0, 43, 44, 51, 60, 135}[packet[6] % 6];
		}
		struct drops_record record = read_size(type, packet, size);
		assert_true(record.source.length == record.destination.length);
		assert_true(record.source.length == 0 || prefix_is_exact(&record.source));
		assert_true(record.ports_known || (record.port == 0 && record.source_port == 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ipv4),
	        cmocka_unit_test(ipv4_options),
	        cmocka_unit_test(ipv4_fragments),
	        cmocka_unit_test(ipv6),
	        cmocka_unit_test(ipv6_extensions),
	        cmocka_unit_test(ipv6_fragments),
	        cmocka_unit_test(ipv6_endless),
	        cmocka_unit_test(mislabelled),
	        cmocka_unit_test(truncated),
	        cmocka_unit_test(random_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
