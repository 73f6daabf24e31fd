// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keeper's side against processes that are up to no good: each test says what its child does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_outside_child.h"
#include "agent/agent_outside_message.h"
#include "agent/agent_outside_netlink.h"
#include "outside_world.h"

#define w outside_world

static int (*behaviour)(const struct outside_birth *birth);
static int nflog_error;
static unsigned births, nflog_opened;
static uint16_t nflog_group;

// Runs in the child.
int outside_child(const struct outside_birth *birth)
{
	return behaviour(birth);
}

int outside_open_nflog(uint16_t group)
{
	nflog_opened++;
	nflog_group = group;
	return nflog_error ? nflog_error : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int outside_open_conntrack(void)
{
	births++;
	return -EOPNOTSUPP;
}

// ---- what children do ----

static int listen_until_end(const struct outside_birth *birth)
{
	struct pollfd fd = {.fd = birth->keeper, .events = POLLIN};
	char order[4096];
	while (poll(&fd, 1, -1) == 1 && recv(birth->keeper, order, sizeof order, 0) > 0)
		continue;
	return 0;
}

static union outside_message good_rows(void)
{
	union outside_message m;
	memset(&m, 0, sizeof m);
	m.rows.kind = OUTSIDE_ROWS;
	m.rows.count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		m.rows.items[i].index = 7 + i;
		m.rows.items[i].row.count = 3;
		m.rows.items[i].row.first.source.length = m.rows.items[i].row.first.destination.length = 32;
	}
	return m;
}

#define ROWS_SIZE (offsetof(struct outside_rows, items) + 2 * sizeof(struct outside_row))

static int talk_sense(const struct outside_birth *birth)
{
	union outside_message m = good_rows();
	send(birth->keeper, &m, ROWS_SIZE, 0);
	memset(&m, 0, sizeof m);
	m.connections.kind = OUTSIDE_CONNECTIONS;
	m.connections.count = 1;
	m.connections.items[0].source.length = m.connections.items[0].destination.length = 32;
	m.connections.items[0].count = 5;
	m.connections.items[0].port = 104;
	send(birth->keeper, &m, offsetof(struct outside_connections, items) + sizeof m.connections.items[0], 0);
	memset(&m, 0, sizeof m);
	m.state.kind = OUTSIDE_STATE;
	m.state.overruns = 11;
	send(birth->keeper, &m, sizeof m.state, 0);
	return listen_until_end(birth);
}

static int talk_nonsense(const struct outside_birth *birth)
{
	union outside_message m = good_rows();
	m.rows.items[1].index = DROPS_ROWS_MAX;
	send(birth->keeper, &m, ROWS_SIZE, 0);
	return listen_until_end(birth);
}

static int talk_too_long(const struct outside_birth *birth)
{
	static char much[sizeof(union outside_message) + 1];
	send(birth->keeper, much, sizeof much, 0);
	return listen_until_end(birth);
}

static int talk_without_end(const struct outside_birth *birth)
{
	union outside_message m = good_rows();
	struct pollfd fd = {.fd = birth->keeper, .events = POLLOUT};
	while (poll(&fd, 1, -1) == 1 && !(fd.revents & POLLHUP))
		send(birth->keeper, &m, ROWS_SIZE, MSG_NOSIGNAL | MSG_DONTWAIT);
	return 0;
}

static int say_nothing_and_close(const struct outside_birth *birth)
{
	close(birth->keeper);
	pause();
	return 0;
}

static int leave(const struct outside_birth *birth)
{
	(void)birth;
	return 3;
}

static int be_killed(const struct outside_birth *birth)
{
	(void)birth;
	raise(SIGKILL);
	return 0;
}

static int be_deaf(const struct outside_birth *birth)
{
	(void)birth;
	pause();
	return 0;
}

static int down_because = ECONNREFUSED;

static int tell_state_down(const struct outside_birth *birth)
{
	union outside_message m;
	memset(&m, 0, sizeof m);
	m.state.kind = OUTSIDE_STATE;
	m.state.count = 1;
	m.state.collectors[0].error = down_because;
	m.state.collectors[0].lost = 12;
	send(birth->keeper, &m, sizeof m.state, 0);
	return listen_until_end(birth);
}

#define FLIPS 100

static int flip(const struct outside_birth *birth)
{
	union outside_message m;
	memset(&m, 0, sizeof m);
	m.state.kind = OUTSIDE_STATE;
	m.state.count = 1;
	for (int i = 0; i < FLIPS; i++) {
		m.state.collectors[0].state = i & 1 ? OUTSIDE_DOWN : OUTSIDE_UP;
		m.state.collectors[0].error = i & 1 ? ECONNREFUSED : 0;
		m.state.collectors[0].lost = (uint64_t)i;
		send(birth->keeper, &m, sizeof m.state, 0);
	}
	return listen_until_end(birth);
}

static int send_descriptor(const struct outside_birth *birth)
{
	union outside_message m = good_rows();
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {&m, ROWS_SIZE};
	struct msghdr message = {
	        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	control.header = (struct cmsghdr){
	        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), &birth->keeper, sizeof(int));
	sendmsg(birth->keeper, &message, 0);
	return listen_until_end(birth);
}

// Answers an order with as many connections as the order has octets, plus one when a descriptor came with it.
static int tell_orders(const struct outside_birth *birth)
{
	struct pollfd fd = {.fd = birth->keeper, .events = POLLIN};
	while (poll(&fd, 1, -1) == 1) {
		struct outside_order order;
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec part = {&order, sizeof order};
		struct msghdr message = {.msg_iov = &part,
		                         .msg_iovlen = 1,
		                         .msg_control = control,
		                         .msg_controllen = sizeof control};
		union outside_message m;
		if (recvmsg(birth->keeper, &message, 0) <= 0)
			return 0;
		memset(&m, 0, sizeof m);
		m.connections.kind = OUTSIDE_CONNECTIONS;
		m.connections.count = 1;
		m.connections.items[0].source.length = m.connections.items[0].destination.length = 32;
		m.connections.items[0].port = (uint16_t)order.kind;
		m.connections.items[0].count =
		        order.size + 1000 * order.lost + (message.msg_controllen > 0) + 1;
		send(birth->keeper, &m,
		     offsetof(struct outside_connections, items) + sizeof m.connections.items[0], 0);
	}
	return 0;
}

// ---- tests ----

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof w);
	w.now = 1000000;
	births = nflog_opened = 0;
	nflog_error = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	agent_outside_stop(&w.agent);
	assert_null(w.agent.outside);
	return 0;
}

static void begin(int (*child)(const struct outside_birth *birth))
{
	behaviour = child;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	assert_true(agent_outside_running(&w.agent));
	assert_int_equal(nflog_group, 5);
}

static bool is_alarmed(void)
{
	return w.alarm[0] != '\0';
}

static bool has_state(void)
{
	struct agent_outside_counts counts;
	agent_outside_count(&w.agent, &counts);
	return counts.overruns > 0;
}

static void sense(void **state)
{
	(void)state;
	begin(talk_sense);
	assert_true(outside_world_until(has_state));
	assert_int_equal(w.rows, 2);
	assert_int_equal(w.last_index, 8);
	assert_int_equal(w.last_row.count, 3);
	assert_int_equal(w.connection_count, 5);
	assert_int_equal(w.connection_port, 104);
	assert_int_equal(w.alarms, 0);
	assert_int_equal(agent_outside_next(&w.agent), AGENT_NEVER);
	agent_outside_stop(&w.agent);
	assert_int_equal(agent_outside_fd(&w.agent), -1);
	assert_int_equal(agent_outside_next(&w.agent), AGENT_NEVER);
	assert_false(agent_outside_running(&w.agent));
}

static void assert_ended(int (*child)(const struct outside_birth *birth), const char *part)
{
	begin(child);
	assert_true(outside_world_until(is_alarmed));
	if (!strstr(w.alarm, part))
		fail_msg("%s", w.alarm);
	// Not at once: it was started a moment ago.
	assert_false(agent_outside_running(&w.agent));
	assert_int_equal(agent_outside_fd(&w.agent), -1);
	assert_int_equal(agent_outside_next(&w.agent), w.now + 60000);
}

static void nonsense(void **state)
{
	(void)state;
	assert_ended(talk_nonsense, "talked nonsense (a row outside the table)");
	assert_int_equal(w.rows, 0); // not even the good row before it
}

static void too_long(void **state)
{
	(void)state;
	assert_ended(talk_too_long, "talked nonsense (a message too long)");
}

// The keeper would have to close it, which can take as long as its sender likes: what holds it is given away.
static void descriptors(void **state)
{
	(void)state;
	assert_ended(send_descriptor, "talked nonsense (descriptors)");
	assert_int_equal(w.discarded, 1);
	assert_int_equal(w.rows, 0);
}

static void too_much(void **state)
{
	(void)state;
	assert_ended(talk_without_end, "talked nonsense (too many messages)");
	assert_true(w.rows <= 400);
}

static void closed(void **state)
{
	(void)state;
	assert_ended(say_nothing_and_close, "was ended by signal 9");
}

static void left(void **state)
{
	(void)state;
	assert_ended(leave, "ended");
}

// Dies, is started again after a minute, and, when it has lived for longer, at once.
static void again(void **state)
{
	(void)state;
	assert_ended(be_killed, "was ended by signal 9");
	assert_int_equal(births, 1);
	agent_outside_tick(&w.agent, w.now += 59999);
	assert_false(agent_outside_running(&w.agent));
	behaviour = talk_sense;
	agent_outside_tick(&w.agent, w.now += 1);
	assert_true(agent_outside_running(&w.agent));
	assert_int_equal(births, 2);
	assert_true(outside_world_until(has_state));
	assert_true(is_alarmed()); // for a minute yet
	assert_int_equal(agent_outside_next(&w.agent), w.now + 60000);
	agent_outside_tick(&w.agent, w.now += 60000);
	assert_false(is_alarmed());
	assert_int_equal(agent_outside_next(&w.agent), AGENT_NEVER);

	struct agent_outside_counts counts;
	w.now += 1000000;
	agent_outside_stop(&w.agent);
	begin(talk_sense);
	w.now += 60000;
	assert_true(outside_world_until(has_state));
	behaviour = listen_until_end;
	shutdown(agent_outside_fd(&w.agent), SHUT_RDWR); // as its death would
	assert_true(outside_world_until(is_alarmed));
	assert_true(agent_outside_running(&w.agent));
	assert_non_null(strstr(w.alarm, "at once"));
	agent_outside_count(&w.agent, &counts);
	assert_int_equal(counts.overruns, 11); // what the dead one counted
}

static void busy(void **state)
{
	(void)state;
	behaviour = talk_sense;
	nflog_error = -EBUSY;
	assert_int_equal(agent_outside_start(&w.agent, 5), -EBUSY);
	assert_true(agent_outside_running(&w.agent)); // the rest works
	assert_non_null(strstr(w.alarm, "another program reads NFLOG group 5"));
	assert_true(outside_world_until(has_state));
	int64_t wait = 1000;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(agent_outside_next(&w.agent), w.now + wait);
		agent_outside_tick(&w.agent, w.now += wait);
		wait = wait * 2 < 60000 ? wait * 2 : 60000;
	}
	nflog_error = 0;
	agent_outside_tick(&w.agent, w.now += 60000);
	assert_false(is_alarmed());
	assert_int_equal(agent_outside_next(&w.agent), AGENT_NEVER);
}

static uint64_t wanted_connections;

static bool has_connections(void)
{
	return w.connection_count >= wanted_connections;
}

static void group(void **state)
{
	(void)state;
	begin(tell_orders);
	agent_outside_group(&w.agent, 5);
	assert_int_equal(nflog_opened, 1); // the same
	agent_outside_group(&w.agent, 6);
	assert_int_equal(nflog_group, 6);
	wanted_connections = 2; // with a descriptor
	assert_true(outside_world_until(has_connections));
	assert_int_equal(w.connection_port, OUTSIDE_GROUP);
	nflog_error = -EBUSY;
	agent_outside_group(&w.agent, 7);
	assert_true(is_alarmed());
	wanted_connections = 3; // without one: the old group is not read any more
	assert_true(outside_world_until(has_connections));
	nflog_error = 0;
	agent_outside_tick(&w.agent, w.now += 1000);
	assert_false(is_alarmed());
	assert_int_equal(nflog_group, 7);
	wanted_connections = 5;
	assert_true(outside_world_until(has_connections));
}

static void log_lines(void **state)
{
	(void)state;
	begin(tell_orders);
	agent_outside_log(&w.agent, "hello", 5);
	agent_outside_stop(&w.agent);
	assert_int_equal(w.connections, 0); // without --syslog nobody is told

	w.agent.options.syslog[0] = "udp:127.0.0.1";
	begin(tell_orders);
	agent_outside_log(&w.agent, "hello", 5);
	wanted_connections = 6;
	assert_true(outside_world_until(has_connections));
	assert_int_equal(w.connection_port, OUTSIDE_LOG);
	char large[AGENT_SYSLOG_MAX] = "";
	agent_outside_log(&w.agent, large, sizeof large); // too large, and nothing of that kind is made
	agent_outside_log(&w.agent, large, sizeof large - 1);
	wanted_connections += AGENT_SYSLOG_MAX;
	assert_true(outside_world_until(has_connections));
	assert_int_equal(w.connection_count, wanted_connections);
}

// The keeper does not wait for a process that does not read; what is lost is counted.
static void deaf(void **state)
{
	char text[128];
	(void)state;
	w.agent.options.syslog[0] = "udp:127.0.0.1";
	begin(be_deaf);
	for (int i = 0; i < 10000; i++)
		agent_outside_log(&w.agent, "hello", 5);
	agent_outside_describe(&w.agent, text, sizeof text);
	assert_non_null(strstr(text, "udp 127.0.0.1:514 ("));
	assert_non_null(strstr(text, " lines lost)"));
	w.real_time = true; // stop waits a second for it
}

static bool is_collector_alarmed(void)
{
	return w.collector_alarm[0] != '\0';
}

static bool has_flipped(void)
{
	char text[128];
	agent_outside_describe(&w.agent, text, sizeof text);
	return strstr(text, "99 lines lost");
}

// The log is not its to fill; what holds in the end is told when there is time.
static void flips(void **state)
{
	(void)state;
	w.agent.options.syslog[0] = "tcp:10.20.0.7";
	begin(flip);
	w.lifted = 0;
	assert_true(outside_world_until(has_flipped));
	assert_in_range(w.alarms + w.lifted, 2, 6);
	if (!is_collector_alarmed())
		assert_true(agent_outside_next(&w.agent) != AGENT_NEVER);
	w.now += 10000;
	agent_outside_tick(&w.agent, w.now);
	assert_true(is_collector_alarmed());
	assert_true(agent_outside_next(&w.agent) == AGENT_NEVER);
}

static void describe(void **state)
{
	char text[128], small[8];
	(void)state;
	agent_outside_describe(&w.agent, text, sizeof text);
	assert_string_equal(text, "");
	w.agent.options.syslog[0] = "tcp:10.20.0.7";
	begin(tell_state_down);
	agent_outside_describe(&w.agent, text, sizeof text);
	assert_string_equal(text, "tcp 10.20.0.7:514");
	assert_true(outside_world_until(is_collector_alarmed));
	assert_non_null(strstr(w.collector_alarm, "tcp 10.20.0.7:514: Connection refused"));
	agent_outside_describe(&w.agent, text, sizeof text);
	assert_string_equal(text, "tcp 10.20.0.7:514 (Connection refused, 12 lines lost)");
	agent_outside_describe(&w.agent, small, sizeof small);
	assert_string_equal(small, "tcp 10.");
}

static void not_let_out(void **state)
{
	char text[128];
	struct prefix to = {.octets = {10, 20, 0, 7}, .length = 32},
	              other = {.octets = {10, 20, 0, 8}, .length = 32};
	(void)state;
	w.agent.options.syslog[0] = "udp:10.20.0.7:1514";
	down_because = EPERM;
	begin(tell_state_down);
	down_because = ECONNREFUSED;
	assert_true(outside_world_until(is_collector_alarmed));
	assert_string_equal(w.collector_alarm,
	                    "log lines do not reach udp 10.20.0.7:1514: the policy does not let it "
	                    "out: service log-collector { udp 1514 to 10.20.0.7 }");
	agent_outside_describe(&w.agent, text, sizeof text);
	assert_string_equal(text, "udp 10.20.0.7:1514 (not let out by the policy, 12 lines lost)");
	assert_true(agent_outside_is_collector(&w.agent, &to, 17, 1514));
	assert_false(agent_outside_is_collector(&w.agent, &to, 6, 1514));
	assert_false(agent_outside_is_collector(&w.agent, &to, 17, 514));
	assert_false(agent_outside_is_collector(&w.agent, &other, 17, 1514));
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        test(sense),    test(nonsense),  test(too_long), test(descriptors), test(flips),
	        test(too_much), test(closed),    test(left),     test(again),       test(busy),
	        test(group),    test(log_lines), test(deaf),     test(describe),    test(not_let_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
