// SPDX-License-Identifier: GPL-2.0-or-later
//
// Counters by who they belong to: they never go backwards, whatever happens to the elements they are on.
#include "parts.h"

#include <errno.h>
#include <netinet/in.h>

#define HEAD "role host\ndevice ct { ae-title CT; port 11112 }\n"
#define PACS                                                                                                   \
	"peer pacs { address 10.20.0.5 2001:db8::5; ae-title PACS; port 104; initiates storage; accepts echo " \
	"}\n"
#define RIS "peer ris { address 10.20.0.9; ae-title RIS; port 11112; initiates worklist }\n"
#define NET "peer ward { address 10.30.0.0/24; ae-title WARD; port 104; accepts query-retrieve }\n"
#define REST                                                                                                   \
	"service dns { to 10.20.0.5 }\nservice ping { from 10.20.9.0/24 }\n"                                   \
	"manage { from 10.20.9.0/24; interface eth0; port 22 }\n"

// What the kernel's counters say: of every element whose comment holds the words, and of every rule that drops.
static struct {
	const char *words;
	uint64_t packets, octets;
} elements[8];
static uint64_t rule_packets;

static void count(struct ruleset *ruleset)
{
	for (size_t t = 0; t < ruleset->table_count; t++) {
		struct ruleset_table *table = &ruleset->tables[t];
		for (size_t s = 0; s < table->set_count; s++)
			for (size_t e = 0; table->sets[s].details && e < table->sets[s].count; e++)
				for (size_t i = 0; i < 8 && elements[i].words; i++) {
					struct ruleset_detail *detail = &table->sets[s].details[e];
					if (!detail->comment || !strstr(detail->comment, elements[i].words))
						continue;
					detail->packets = elements[i].packets;
					detail->octets = elements[i].octets;
				}
		for (size_t c = 0; c < table->chain_count; c++)
			for (size_t r = 0; r < table->chains[c].count; r++)
				table->chains[c].rules[r].packets = rule_packets;
	}
}

static int begin(void **state)
{
	struct parts *made = malloc(sizeof *made);
	assert_non_null(made);
	parts_begin(made);
	made->count = count;
	memset(elements, 0, sizeof elements);
	rule_packets = 0;
	assert_int_equal(agent_peers_open(&made->agent), 0);
	*state = made;
	return 0;
}

static int end(void **state)
{
	parts_end();
	free(*state);
	return 0;
}

static struct control_peer row(const char *name)
{
	struct buffer out = BUFFER_EMPTY;
	struct control_peer found = {0};
	agent_peers_answer(&parts->agent, &out);
	assert_false(buffer_failed(&out));
	for (size_t i = 0; i + sizeof found <= out.size; i += sizeof found) {
		memcpy(&found, out.data + i, sizeof found);
		if (strcmp(found.name, name) == 0) {
			buffer_fini(&out);
			return found;
		}
	}
	buffer_fini(&out);
	return (struct control_peer){0};
}

static void later(int64_t ms)
{
	parts->now += ms;
	agent_peers_sample(&parts->agent);
}

// How many elements are counted for a name in count(): sums are that many times what one has.
static unsigned elements_of(const char *name)
{
	return row(name).elements;
}

static void counted(void **state)
{
	(void)state;
	elements[0].words = "pacs";
	elements[0].packets = 10;
	elements[0].octets = 1000;
	parts_stand(1, HEAD PACS RIS NET REST);
	unsigned n = elements_of("pacs");
	assert_int_equal(n, 4); // two addresses, two directions
	// What was counted before we looked is counted, but nobody was heard.
	assert_int_equal(row("pacs").packets, 10 * n);
	assert_int_equal(row("pacs").last_heard, 0);
	assert_int_equal(row("pacs").kind, POLICY_OWNER_PEER);
	assert_int_equal(row("pacs").counted, 1);
	assert_int_equal(row("ris").packets, 0);
	later(60000);
	assert_int_equal(row("pacs").last_heard, 0);
	elements[0].packets = 13;
	elements[0].octets = 1500;
	later(60000);
	assert_int_equal(row("pacs").packets, 13 * n);
	assert_int_equal(row("pacs").octets, 1500 * n);
	assert_int_equal(row("pacs").last_heard, agent_unix());
	int64_t heard = agent_unix();
	later(60000);
	assert_int_equal(row("pacs").last_heard, heard);
	// Networks, services and manage as well, each its own.
	elements[1].words = "ward";
	elements[1].packets = 5;
	elements[2].words = "ping";
	elements[2].packets = 6;
	elements[3].words = "manage";
	elements[3].packets = 7;
	later(60000);
	assert_int_equal(row("ward").packets, 5 * elements_of("ward"));
	assert_int_equal(row("ping").packets, 6 * elements_of("ping"));
	assert_int_equal(row("ping").kind, POLICY_OWNER_SERVICE);
	assert_int_equal(row("manage").packets, 7 * elements_of("manage"));
	assert_int_equal(row("manage").kind, POLICY_OWNER_MANAGE);
	assert_true(elements_of("ward") && elements_of("ping") && elements_of("manage"));
	assert_int_equal(row("pacs").packets, 13 * n);
}

static void never_backwards(void **state)
{
	(void)state;
	elements[0].words = "pacs";
	parts_stand(1, HEAD PACS RIS REST);
	unsigned n = elements_of("pacs");
	elements[0].packets = 100;
	later(60000);
	assert_int_equal(row("pacs").packets, 100 * n);
	elements[0].packets = 7; // the set was made anew
	later(60000);
	assert_int_equal(row("pacs").packets, 107 * n);
	// The table is gone for a moment.
	const struct agent_wall *kernel = parts->kernel;
	parts->kernel = NULL;
	later(60000);
	assert_int_equal(row("pacs").packets, 107 * n);
	parts->kernel = kernel;
	elements[0].packets = 0;
	later(60000);
	elements[0].packets = 1;
	later(60000);
	assert_int_equal(row("pacs").packets, 108 * n);
}

static void new_policy(void **state)
{
	(void)state;
	elements[0].words = "pacs";
	parts_stand(1, HEAD PACS RIS REST);
	unsigned n = elements_of("pacs");
	elements[0].packets = 100;
	later(60000);
	int64_t heard = row("pacs").last_heard;
	assert_int_equal(heard, agent_unix());
	// A peer inserted above, one gone; elements that stay go on counting.
	parts->now += 5000;
	parts_stand(2, HEAD NET PACS REST);
	assert_int_equal(row("pacs").packets, 100 * n);
	assert_int_equal(row("pacs").last_heard, heard);
	assert_int_equal(row("ris").elements, 0);
	assert_string_equal(row("ward").name, "ward");
	elements[0].packets = 101;
	later(60000);
	assert_int_equal(row("pacs").packets, 101 * n);
	// One whose elements are all new keeps what it had.
	elements[0].packets = 3;
	parts_stand(3, HEAD "peer pacs { address 10.20.0.77; ae-title PACS; port 104; initiates storage }\n");
	assert_int_equal(row("pacs").packets, 101 * n + 3);
}

static char *many_peers(unsigned peers)
{
	struct buffer text = BUFFER_EMPTY;
	buffer_text(&text, HEAD "service dns { to 10.20.0.53 }\n");
	for (unsigned i = 0; i < peers; i++)
		buffer_printf(&text, "peer p%u { address 10.40.%u.%u; ae-title P; port 104; initiates echo }\n",
		              i, i >> 8, i & 255);
	return buffer_steal(&text);
}

static void open_one(const char *from, const char *to, uint8_t protocol, uint16_t port);

static void too_many(void **state)
{
	(void)state;
	char *text = many_peers(RULESET_DETAIL_MAX + 1);
	parts_stand(1, text);
	free(text);
	struct control_peer one = row("p17");
	assert_int_equal(one.counted, 0);
	assert_int_equal(one.elements, 1);
	// A new connection is all that is heard of it.
	parts->now += 5000;
	assert_int_equal(row("p17").last_heard, 0);
	open_one("10.20.1.10", "10.40.0.17", IPPROTO_TCP, 104);
	assert_int_equal(row("p17").last_heard, agent_unix());
	assert_int_equal(row("p17").connections, 2);
	assert_int_equal(row("p18").last_heard, 0);
	assert_int_equal(row("dns").counted, 1);
	assert_true(parts->skipped_long > 0); // the long list was not even read
	text = many_peers(RULESET_DETAIL_MAX);
	parts_stand(2, text);
	free(text);
	assert_int_equal(row("p17").counted, 1);
	elements[0].words = "p17 ";
	elements[0].packets = 4;
	later(60000);
	assert_int_equal(row("p17").packets, 4);
	assert_int_equal(row("p1").packets, 0);
}

static void not_more_than_once_a_second(void **state)
{
	(void)state;
	parts_stand(1, HEAD PACS);
	unsigned samples = parts->samples;
	for (int i = 0; i < 100; i++) {
		parts->now += 100;
		row("pacs");
	}
	assert_in_range(parts->samples - samples, 9, 10);
	parts->read_error = -EINTR;
	later(60000);
	assert_string_equal(row("pacs").name, "pacs"); // what was known still is
}

static void open_one(const char *from, const char *to, uint8_t protocol, uint16_t port)
{
	struct prefix source = parts_address(from), destination = parts_address(to);
	agent_peers_connection(&parts->agent, &source, &destination, protocol, port, 2);
}

static void connections(void **state)
{
	(void)state;
	parts_stand(1, HEAD PACS RIS NET REST);
	open_one("10.20.0.5", "10.20.1.10", IPPROTO_TCP, 11112); // accepts
	open_one("10.20.1.10", "10.20.0.5", IPPROTO_TCP, 104);   // initiates
	open_one("2001:db8::10", "2001:db8::5", IPPROTO_TCP, 104);
	assert_int_equal(row("pacs").connections, 6);
	open_one("10.20.1.10", "10.20.0.5", IPPROTO_UDP, 53); // the same machine, another purpose
	assert_int_equal(row("pacs").connections, 6);
	assert_int_equal(row("dns").connections, 2);
	open_one("10.30.0.7", "10.20.1.10", IPPROTO_TCP, 11112);
	assert_int_equal(row("ward").connections, 2);
	open_one("10.20.9.4", "10.20.1.10", IPPROTO_TCP, 22);
	assert_int_equal(row("manage").connections, 2);
	open_one("10.20.9.4", "10.20.1.10", IPPROTO_ICMP, 0);
	assert_int_equal(row("ping").connections, 2);
	open_one("10.99.0.1", "10.20.1.10", IPPROTO_TCP, 11112); // nobody
	open_one("10.20.1.10", "10.20.0.5", IPPROTO_TCP, 4242);
	struct prefix four = parts_address("10.20.0.5"), six = parts_address("2001:db8::5");
	agent_peers_connection(&parts->agent, &four, &six, IPPROTO_TCP, 104, 1); // nonsense
	assert_int_equal(row("pacs").connections + row("ris").connections + row("ward").connections +
	                         row("dns").connections + row("manage").connections + row("ping").connections,
	                 14);
}

static void connections_through(void **state)
{
	(void)state;
	static const char *const roles[] = {"router", "bridge"};
	for (size_t i = 0; i < 2; i++) {
		char text[512];
		snprintf(text, sizeof text,
		         "role %s\nbox { address 10.20.1.250/24; interface service }\n"
		         "device ct { address 10.20.1.10; ae-title CT; port 11112 }\n" PACS
		         "service ntp for box { to 10.20.0.123 }\n",
		         roles[i]);
		parts_stand(i + 1, text);
		uint64_t before = row("pacs").connections, ntp = row("ntp").connections;
		open_one("10.20.1.10", "10.20.0.5", IPPROTO_TCP, 104);
		open_one("10.20.0.5", "10.20.1.10", IPPROTO_TCP, 11112);
		open_one("10.20.1.250", "10.20.0.5", IPPROTO_TCP, 104); // the box is no device
		open_one("10.20.1.250", "10.20.0.123", IPPROTO_UDP, 123);
		assert_int_equal(row("pacs").connections - before, 4);
		assert_int_equal(row("ntp").connections - ntp, 2);
	}
}

static void dropped(void **state)
{
	struct buffer out = BUFFER_EMPTY;
	(void)state;
	rule_packets = 50;
	parts_stand(1, HEAD PACS);
	agent_counters_answer(&parts->agent, &out);
	size_t rows = out.size / sizeof(struct control_counter);
	assert_true(rows >= 5); // input: spoofed, invalid, errors, end; output; forward
	assert_int_equal(agent_counters_drops(&parts->agent), 50 * rows);
	const struct control_counter *first = (const struct control_counter *)(const void *)out.data;
	bool input = false;
	for (size_t i = 0; i < rows; i++) {
		assert_string_equal(first[i].family, "inet");
		assert_true(first[i].rule[0]);
		assert_null(strstr(first[i].rule, ": log"));
		input = input ||
		        (strcmp(first[i].chain, "input") == 0 && strcmp(first[i].rule, "default deny") == 0);
	}
	assert_true(input);
	rule_packets = 8; // the rules were exchanged
	later(60000);
	assert_int_equal(agent_counters_drops(&parts->agent), 58 * rows);
	buffer_fini(&out);
}

// Rules that read the same are told apart, and a rival's do not fill the memory.
static void add_rules(struct ruleset *ruleset)
{
	struct ruleset_builder b;
	ruleset_build(&b, ruleset);
	b.table = &ruleset->tables[0];
	for (int i = 0; i < 1000; i++) {
		ruleset_build_rule(&b, 0, (struct ruleset_origin){0}, i < 2 ? "twin" : "rival %d", i);
		ruleset_counter(&b);
		ruleset_verdict(&b, VERDICT_DROP);
	}
	assert_int_equal(ruleset_build_end(&b), 0);
}

static void rivals_rules(void **state)
{
	struct buffer out = BUFFER_EMPTY;
	size_t twins = 0;
	(void)state;
	rule_packets = 1;
	parts->tamper = add_rules;
	parts_stand(1, HEAD PACS);
	later(60000);
	agent_counters_answer(&parts->agent, &out);
	assert_int_equal(out.size / sizeof(struct control_counter), 256);
	for (size_t i = 0; i < 256; i++)
		twins += strcmp(((struct control_counter *)(void *)out.data)[i].rule, "twin") == 0;
	assert_int_equal(twins, 2);
	assert_int_equal(agent_counters_drops(&parts->agent), 256);
	buffer_fini(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(counted),  TEST(never_backwards),     TEST(new_policy),
	        TEST(too_many), TEST(connections),         TEST(not_more_than_once_a_second),
	        TEST(dropped),  TEST(connections_through), TEST(rivals_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
