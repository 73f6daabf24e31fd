// SPDX-License-Identifier: GPL-2.0-or-later
//
// The mirror of the table of drops: reasons, the log's pace, and what the other process may say.
#include "parts.h"

#include <netinet/in.h>

#define HEAD "role host\ndevice ct { ae-title CT; port 11112 }\n"
#define PACS "peer pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage; accepts echo }\n"
#define BRIDGE                                                                                                 \
	"role bridge\ndevice ct { address 10.20.1.10; ae-title CT; port 11112; mac 02:00:00:00:00:03 }\n" PACS

static int begin(void **state)
{
	struct parts *made = malloc(sizeof *made);
	assert_non_null(made);
	parts_begin(made);
	assert_int_equal(agent_drops_open(&made->agent), 0);
	parts_stand(1, HEAD PACS);
	*state = made;
	return 0;
}

static int end(void **state)
{
	parts_end();
	free(*state);
	return 0;
}

static struct drops_row make(const char *prefix, const char *from, const char *to, uint8_t protocol,
                             uint16_t port)
{
	struct drops_row row = {.count = 1, .first_seen = agent_unix(), .last_seen = agent_unix()};
	snprintf(row.first.prefix, sizeof row.first.prefix, "%s", prefix);
	row.first.source = parts_address(from);
	row.first.destination = parts_address(to);
	row.first.protocol = protocol;
	row.first.ether_type = row.first.source.family == ADDRESS_IPV6 ? 0x86dd : 0x0800;
	if (port) {
		row.first.ports_known = true;
		row.first.source_port = 40000;
		row.first.port = row.ports[0] = port;
		row.port_count = 1;
	}
	return row;
}

static struct control_drop shown(size_t index)
{
	struct buffer out = BUFFER_EMPTY;
	struct control_drop drop;
	agent_drops_answer(&parts->agent, &out);
	assert_true(out.size >= (index + 1) * sizeof drop);
	memcpy(&drop, out.data + index * sizeof drop, sizeof drop);
	buffer_fini(&out);
	return drop;
}

static void says(const struct drops_row *row, const char *words)
{
	struct drops_row fresh = *row;
	fresh.first_seen = fresh.last_seen = agent_unix();
	agent_drops_row(&parts->agent, 0, &fresh);
	parts->now += 1000;
	struct control_drop drop = shown(0);
	if (!strstr(drop.reason, words))
		fail_msg("\"%s\" is not in \"%s\"", words, drop.reason);
}

static void reasons(void **state)
{
	(void)state;
	struct drops_row row = make("leadglass input: ", "10.20.0.6", "10.20.1.10", IPPROTO_TCP, 11112);
	says(&row, "10.20.0.6 is not a peer");
	assert_string_equal(shown(0).chain, "input");
	assert_int_equal(shown(0).ports[0], 11112);
	assert_int_equal(shown(0).ports[1], 0);
	row = make("leadglass input: ", "10.20.0.5", "10.20.1.10", IPPROTO_TCP, 22);
	says(&row, "22");
	row = make("leadglass output: ", "10.20.1.10", "192.0.2.1", IPPROTO_TCP, 443);
	says(&row, "192.0.2.1");
	row = make("leadglass input spoofed: ", "10.20.0.5", "10.20.1.10", IPPROTO_TCP, 11112);
	says(&row, "spoofed");
	assert_string_equal(shown(0).chain, "input spoofed");
	row = make("leadglass input invalid: ", "10.20.0.5", "10.20.1.10", IPPROTO_TCP, 11112);
	says(&row, "invalid");
	row = make("leadglass forward: ", "10.20.0.5", "10.20.1.10", IPPROTO_TCP, 11112);
	says(&row, "forwards nothing");
	row = make("leadglass input: ", "10.20.0.5", "10.20.1.10", IPPROTO_ICMP, 0);
	row.first.icmp_type = 3;
	says(&row, "an error about a connection that is not allowed");
	row = make("leadglass input: ", "10.20.0.5", "10.20.1.10", IPPROTO_ICMP, 0);
	row.first.icmp_type = 8;
	says(&row, "no service lets 10.20.0.5 ping");
}

static void reasons_of_frames(void **state)
{
	(void)state;
	parts_stand(2, BRIDGE);
	struct drops_row row = make("leadglass bridge: ", "10.20.0.6", "10.20.1.10", IPPROTO_TCP, 11112);
	says(&row, "10.20.0.6 is not a peer");
	row = make("leadglass bridge spoofed: ", "10.20.1.10", "10.20.0.5", IPPROTO_TCP, 104);
	row.first.mac_known = true;
	row.first.mac[5] = 9;
	says(&row, "which is at 02:00:00:00:00:03");
	assert_string_equal(shown(0).mac, "00:00:00:00:00:09");
	row = (struct drops_row){.count = 1, .first = {.prefix = "leadglass bridge: ", .ether_type = 0x0806}};
	says(&row, "ARP is passed for the devices' addresses only");
	row = (struct drops_row){.count = 1,
	                         .first = {.prefix = "leadglass bridge spoofed: ", .ether_type = 0x0806}};
	says(&row, "another MAC");
	row = (struct drops_row){.count = 1, .first = {.prefix = "leadglass bridge: ", .ether_type = 0x88cc}};
	says(&row, "LLDP is passed only where the policy says: pass lldp");
	row.first.ether_type = 0x0842;
	says(&row, "frames of type 0x0842 are never passed");
	row.first.ether_type = 0; // it was cut off
	says(&row, "only IPv4, IPv6 and ARP");
	row = make("leadglass bridge: ", "fe80::1", "fe80::2", IPPROTO_ICMPV6, 0);
	row.first.icmp_type = 135;
	says(&row, "none has an IPv6 address");
}

// A row from before a policy that allows it says so; without one it would be a riddle.
static void new_policy(void **state)
{
	(void)state;
	struct drops_row row = make("leadglass input: ", "10.20.0.6", "10.20.1.10", IPPROTO_TCP, 11112);
	says(&row, "is not a peer");
	parts->now += 60000;
	parts_stand(2, HEAD PACS "peer new { address 10.20.0.6; ae-title N; port 104; accepts echo }\n");
	assert_non_null(strstr(shown(0).reason, "would pass now"));
	assert_non_null(strstr(shown(0).reason, "new"));
	// An answer of a peer's to a connection that its device may not open to it.
	parts->now += 60000;
	row = make("leadglass input: ", "10.20.0.6", "10.20.1.10", IPPROTO_TCP, 11112);
	row.first.source_port = 104;
	row.last_seen = agent_unix();
	agent_drops_row(&parts->agent, 0, &row);
	assert_non_null(strstr(shown(0).reason, "it answers"));
}

static void lines(void **state)
{
	(void)state;
	struct drops_row row = make("leadglass input: ", "10.20.0.6", "10.20.1.10", IPPROTO_TCP, 22);
	row.port_count = 7;
	row.ports[1] = 23;
	row.ports[2] = 80;
	row.ports[3] = 443;
	agent_drops_row(&parts->agent, 0, &row);
	assert_int_equal(
	        parts_lines("DROP turned away: 10.20.0.6 to 10.20.1.10 tcp 22,23,80,443 and 3 more, input: "),
	        1);
	assert_int_equal(parts->told, 1);
	assert_int_equal(parts->told_drop.count, 1);
	// It goes on for an hour: a line every ten minutes, with the count.
	for (int second = 1; second <= 3600; second++) {
		parts_run(parts->now + 1000);
		row.count++;
		row.last_seen = agent_unix();
		agent_drops_row(&parts->agent, 0, &row);
	}
	assert_int_equal(parts->log_lines, 1 + 6);
	assert_int_equal(parts_lines("packets: 3600"), 1);
	assert_int_equal(parts->told, 3601);
	// It stops; what was not told yet is told once, and then there is silence.
	row.count++;
	agent_drops_row(&parts->agent, 0, &row);
	parts_run(parts->now + 700000);
	assert_int_equal(parts->log_lines, 8);
	assert_int_equal(parts_lines("packets: 3602"), 1);
	assert_int_equal(agent_drops_next(&parts->agent), AGENT_NEVER);
}

// A line that the policy does not let out to the collector is no news for it: that would be another such line.
static void our_own_lines(void **state)
{
	(void)state;
	parts->collector = parts_address("10.20.0.7");
	struct drops_row row = make("leadglass output: ", "10.20.1.10", "10.20.0.7", IPPROTO_UDP, 514);
	for (int minute = 0; minute < 60; minute++) {
		agent_drops_row(&parts->agent, 0, &row);
		row.count++;
		parts_run(parts->now + AGENT_MINUTE);
	}
	assert_int_equal(parts->log_lines, 0);
	assert_int_equal(agent_drops_suppressed(&parts->agent), 0);
	assert_int_equal(shown(0).count, 60); // who asks sees it
	row = make("leadglass output: ", "10.20.1.10", "10.20.0.7", IPPROTO_UDP, 123);
	agent_drops_row(&parts->agent, 1, &row);
	row = make("leadglass input: ", "10.20.0.9", "10.20.0.7", IPPROTO_UDP, 514);
	agent_drops_row(&parts->agent, 2, &row);
	assert_int_equal(parts->log_lines, 2);
}

// A million packets from random sources over an hour.
static void flood(void **state)
{
	(void)state;
	unsigned rows = 0;
	for (int second = 0; second < 3600; second++) {
		for (int i = 0; i < 256; i++) {
			char from[32];
			snprintf(from, sizeof from, "10.%d.%d.%d", 100 + (second >> 8), second & 255, i);
			struct drops_row row = make("leadglass input: ", from, "10.20.1.10", IPPROTO_TCP, 22);
			agent_drops_row(&parts->agent, (size_t)i, &row);
			rows++;
		}
		parts_run(parts->now + 1000);
	}
	assert_in_range(parts->log_lines, 600, 10 + 600 + 2);
	size_t sums = parts_lines("lines were suppressed; leadglass drops shows");
	assert_int_equal(agent_drops_suppressed(&parts->agent) + parts->log_lines - sums, rows);
	parts_run(parts->now + 120000);
	assert_in_range(parts_lines("lines were suppressed; leadglass drops shows"), sums, sums + 1);
	assert_true(parts_lines("lines were suppressed before") > 100);
	// Then a quiet day wakes nobody.
	int64_t next = agent_drops_next(&parts->agent);
	assert_true(next == AGENT_NEVER);
}

// However many rows wait for their line, at most one wake-up a minute.
static void wake_ups(void **state)
{
	(void)state;
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++) {
		char from[32];
		snprintf(from, sizeof from, "10.9.0.%zu", i);
		struct drops_row row = make("leadglass input: ", from, "10.20.1.10", IPPROTO_TCP, 22);
		agent_drops_row(&parts->agent, i, &row);
		row.count = 2;
		agent_drops_row(&parts->agent, i, &row);
		parts->now += 777;
	}
	unsigned woke = 0;
	for (int64_t stop = parts->now + 24 * 3600 * 1000; agent_drops_next(&parts->agent) < stop; woke++) {
		assert_true(agent_drops_next(&parts->agent) > parts->now || woke == 0);
		parts->now = agent_drops_next(&parts->agent);
		agent_drops_tick(&parts->agent, parts->now);
	}
	assert_in_range(woke, 1, 60);
}

static void unsound(void **state)
{
	(void)state;
	struct drops_row good = make("leadglass input: ", "10.20.0.6", "10.20.1.10", IPPROTO_TCP, 22),
	                 bad = good;
	struct buffer out = BUFFER_EMPTY;
	agent_drops_row(&parts->agent, DROPS_ROWS_MAX, &good);
	bad.first.source.family = 7;
	agent_drops_row(&parts->agent, 0, &bad);
	bad = good;
	bad.first.source.length = 200;
	agent_drops_row(&parts->agent, 0, &bad);
	bad = good;
	bad.first.destination = parts_address("2001:db8::1");
	agent_drops_row(&parts->agent, 0, &bad);
	bad = good;
	memset(bad.first.prefix, 'x', sizeof bad.first.prefix);
	agent_drops_row(&parts->agent, 0, &bad);
	agent_drops_answer(&parts->agent, &out);
	assert_int_equal(out.size, 0);
	assert_int_equal(parts->log_lines, 0);
	bad = good;
	bad.port_count = UINT32_MAX;
	bad.count = UINT64_MAX;
	snprintf(bad.first.prefix, sizeof bad.first.prefix, "\x1b[31m%%n: ");
	agent_drops_row(&parts->agent, 0, &bad);
	assert_string_equal(shown(0).chain, "?[31m%n");
	buffer_fini(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(reasons), TEST(reasons_of_frames), TEST(new_policy), TEST(lines),
	        TEST(flood),   TEST(wake_ups),          TEST(unsound),    TEST(our_own_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
