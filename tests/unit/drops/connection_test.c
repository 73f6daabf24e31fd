// SPDX-License-Identifier: GPL-2.0-or-later
//
// New connections as conntrack tells of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "datagram.h"
#include "drops/drops_connection.h"
#include "recorded.h"

#define NEW (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW)

struct heard {
	struct drops_connection connections[16];
	size_t count, bad;
};

static void hear(void *context, const struct drops_connection *connection)
{
	struct heard *heard = context;
	assert_true(heard->count < sizeof heard->connections / sizeof heard->connections[0]);
	heard->connections[heard->count++] = *connection;
}

static struct heard read_octets(const void *octets, size_t size)
{
	struct heard heard = {.count = 0};
	void *copy = exact_copy(octets, size);
	assert_non_null(copy);
	drops_read_connections(copy, size, hear, &heard, &heard.bad);
	free(copy);
	return heard;
}

static void assert_connection(const struct heard *heard, const char *source, const char *destination,
                              uint8_t protocol, uint16_t port)
{
	char text[PREFIX_TEXT_MAX];
	assert_int_equal(heard->count, 1);
	assert_int_equal(heard->bad, 0);
	assert_string_equal(prefix_print(&heard->connections[0].source, text), source);
	assert_string_equal(prefix_print(&heard->connections[0].destination, text), destination);
	assert_int_equal(heard->connections[0].protocol, protocol);
	assert_int_equal(heard->connections[0].port, port);
}

static void recorded(void **state)
{
	(void)state;
	struct heard heard = read_octets(recorded_connection_tcp4, sizeof recorded_connection_tcp4);
	assert_connection(&heard, "10.7.0.1", "10.7.0.2", 6, 11112);
	heard = read_octets(recorded_connection_udp6, sizeof recorded_connection_udp6);
	assert_connection(&heard, "fd00:7::1", "fd00:7::2", 17, 162);
	heard = read_octets(recorded_tcp4_syn, sizeof recorded_tcp4_syn); // NFLOG's
	assert_int_equal(heard.count, 0);
	assert_int_equal(heard.bad, 0);
}

// ICMP has no ports; a tuple needs addresses of one family and a protocol.
static void made(void **state)
{
	static const uint8_t address[16] = {10, 0, 0, 1}, icmp = 1;
	(void)state;
	for (int wrong = 0; wrong < 5; wrong++) {
		struct datagram addresses = {.size = 0}, protocol = {.size = 0}, tuple = {.size = 0},
		                d = {.size = 0};
		datagram_attribute(&addresses, CTA_IP_V4_SRC, address, wrong == 1 ? 16 : 4);
		datagram_attribute(&addresses, wrong == 2 ? CTA_IP_V6_DST : CTA_IP_V4_DST, address, 4);
		if (wrong != 3)
			datagram_attribute(&protocol, CTA_PROTO_NUM, &icmp, 1);
		datagram_attribute(&tuple, CTA_TUPLE_IP, addresses.octets, addresses.size);
		datagram_attribute(&tuple, CTA_TUPLE_PROTO, protocol.octets, protocol.size);
		datagram_message(&d, NEW, 2);
		datagram_attribute(&d, wrong == 4 ? CTA_TUPLE_REPLY : (CTA_TUPLE_ORIG | NLA_F_NESTED),
		                   tuple.octets, tuple.size);
		struct heard heard = read_octets(d.octets, d.size);
		if (wrong == 0)
			assert_connection(&heard, "10.0.0.1", "10.0.0.1", 1, 0);
		assert_int_equal(heard.count, wrong == 0 ? 1 : 0);
		assert_int_equal(heard.bad, wrong == 0 ? 0 : 1);
	}
}

static void truncated(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof recorded_connection_tcp4; size++) {
		uint8_t octets[sizeof recorded_connection_tcp4];
		memcpy(octets, recorded_connection_tcp4, sizeof octets);
		struct heard heard = read_octets(octets, size);
		assert_int_equal(heard.count, 0);
		uint32_t length = (uint32_t)size;
		if (size >= sizeof length)
			memcpy(octets, &length, sizeof length);
		heard = read_octets(octets, size);
		assert_true(heard.count + heard.bad == (size > 0 ? 1 : 0));
	}
}

static void random_octets(void **state)
{
	uint64_t seed = 7;
	size_t found = 0;
	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		uint8_t octets[sizeof recorded_connection_udp6];
		memcpy(octets, recorded_connection_udp6, sizeof octets);
		for (uint32_t n = next_random(&seed) % 6 + 1; n > 0; n--)
			octets[next_random(&seed) % sizeof octets] = (uint8_t)next_random(&seed);
		struct heard heard = read_octets(octets, sizeof octets);
		found += heard.count;
		for (size_t j = 0; j < heard.count; j++)
			assert_true(prefix_is_exact(&heard.connections[j].source) &&
			            prefix_is_exact(&heard.connections[j].destination));
	}
	assert_true(found > 200000 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(recorded),
	        cmocka_unit_test(made),
	        cmocka_unit_test(truncated),
	        cmocka_unit_test(random_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
