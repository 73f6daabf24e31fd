// SPDX-License-Identifier: GPL-2.0-or-later
//
// The outside process itself, with the kernel's packets, in a network namespace of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent_outside_netlink.h"
#include "agent/agent_outside_target.h"
#include "agent/agent_syslog.h"
#include "outside_world.h"

#define w outside_world
#define WAIT 20000 // ms

static const char rules[] =
        "ip link set lo up && nft 'table inet t { chain i { type filter hook input priority 0;"
        " udp dport 9000-9099 log prefix \"leadglass input: \" group 5 drop;"
        " udp dport 9100 log prefix \"somebody else: \" group 5 drop;"
        " udp dport 9200 log prefix \"leadglass input: \" group 6 drop;"
        " ct state new accept; }; }'";

static int enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0 || system(rules) != 0)
		fail_msg("no network namespace: %s", strerror(errno));
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof w);
	w.now = 1000000;
	strcpy(w.agent.host, "ct-gateway");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	w.real_time = true;
	agent_outside_stop(&w.agent);
	return 0;
}

static void send_packet(uint16_t port)
{
	const struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&address, sizeof address), 1);
	close(fd);
}

static uint16_t wanted_port;
static uint32_t wanted_ports;
static uint64_t wanted_connections;

static bool has_row(void)
{
	return w.last_row.count > 0 && w.last_row.first.port == wanted_port &&
	       w.last_row.port_count >= wanted_ports;
}

static bool has_connections(void)
{
	return w.connection_count >= wanted_connections;
}

static bool is_alarmed(void)
{
	return w.alarm[0] != '\0';
}

static bool is_collector_alarmed(void)
{
	return w.collector_alarm[0] != '\0';
}

static void assert_row(uint16_t first, uint32_t ports)
{
	char text[PREFIX_TEXT_MAX];
	wanted_port = first;
	wanted_ports = ports;
	assert_true(outside_world_until(has_row));
	assert_string_equal(w.last_row.first.prefix, "leadglass input: ");
	assert_string_equal(prefix_print(&w.last_row.first.source, text), "127.0.0.1");
	assert_int_equal(w.last_row.first.protocol, 17);
	assert_int_equal(w.last_row.port_count, ports);
}

// The process whose parent this one is.
static pid_t child(void)
{
	pid_t found = 0;
	DIR *folder = opendir("/proc");
	assert_non_null(folder);
	for (const struct dirent *entry = readdir(folder); entry && !found; entry = readdir(folder)) {
		char path[300];
		int pid = atoi(entry->d_name), parent = 0;
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		FILE *file = pid > 0 ? fopen(path, "re") : NULL;
		if (!file)
			continue;
		if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) == 1 && parent == getpid())
			found = pid;
		fclose(file);
	}
	closedir(folder);
	assert_true(found > 0);
	return found;
}

static void drops(void **state)
{
	(void)state;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	send_packet(9100); // what others log is none of ours
	send_packet(9000);
	assert_row(9000, 1);
	assert_int_equal(w.last_row.count, 1);
	assert_int_equal(w.last_index, 0);
	for (uint16_t port = 9001; port < 9100; port++)
		send_packet(port);
	assert_row(9000, 100);
	assert_int_equal(w.last_row.count, 100);
	assert_int_equal(w.last_index, 0);
	assert_int_equal(w.last_row.ports[1], 9001);
	assert_int_equal(w.alarms, 0);
}

static void connections(void **state)
{
	(void)state;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	send_packet(9300);
	wanted_connections = 1;
	assert_true(outside_world_until(has_connections));
	assert_int_equal(w.connection_port, 9300);
	assert_int_equal(w.connection_count, 1);
}

static void read_status(pid_t pid, const char *key, char value[static 64])
{
	char path[64], line[256];
	value[0] = '\0';
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, key, strlen(key)) == 0)
			sscanf(line + strlen(key), ": %63s", value);
	fclose(file);
}

// No capability, no way to get one, no file, and nothing of the keeper's descriptors.
static void privileges(void **state)
{
	char value[64], path[64], target[64];
	int others[2];
	size_t sockets = 0;
	(void)state;
	assert_int_equal(pipe(others), 0); // something of the keeper's
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	send_packet(9000);
	assert_row(9000, 1); // it works, so it is in its sandbox
	pid_t pid = child();
	static const char *const none[] = {"CapInh", "CapPrm", "CapEff", "CapAmb"};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		read_status(pid, none[i], value);
		assert_string_equal(value, "0000000000000000");
	}
	read_status(pid, "NoNewPrivs", value);
	assert_string_equal(value, "1");
#ifndef __SANITIZE_ADDRESS__
	read_status(pid, "Seccomp", value);
	assert_string_equal(value, "2");
#endif
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	assert_non_null(folder);
	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
		assert_true(n > 0);
		target[n] = '\0';
		if (strncmp(target, "socket:", 7) == 0)
			sockets++;
		else
			assert_string_equal(target, "/dev/null");
	}
	closedir(folder);
	assert_int_equal(sockets, 3); // keeper, NFLOG, conntrack
	close(others[0]);
	close(others[1]);
}

#ifdef __x86_64__
// Waits for descriptors and for no time: poll(..., ..., -1).
static void idle(void **state)
{
	char path[64], line[256] = "";
	(void)state;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	send_packet(9000);
	assert_row(9000, 1);
	snprintf(path, sizeof path, "/proc/%d/syscall", (int)child());
	for (int i = 0; i < WAIT / 10; i++) {
		unsigned long call = 0, fds, count, timeout = 0;
		FILE *file = fopen(path, "re");
		assert_non_null(file);
		if (fgets(line, sizeof line, file) &&
		    sscanf(line, "%lu %lx %lx %lx", &call, &fds, &count, &timeout) == 4 && call == 7 &&
		    (uint32_t)timeout == UINT32_MAX)
			i = WAIT;
		fclose(file);
		poll(NULL, 0, 10);
		if (i == WAIT)
			return;
	}
	fail_msg("%s", line);
}
#endif

static void killed(void **state)
{
	(void)state;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	send_packet(9000);
	assert_row(9000, 1);
	pid_t before = child();
	w.now += 60000;
	assert_int_equal(kill(before, SIGKILL), 0);
	assert_true(outside_world_until(is_alarmed));
	assert_non_null(strstr(w.alarm, "was ended by signal 9"));
	assert_true(agent_outside_running(&w.agent));
	assert_int_not_equal(child(), before);
	send_packet(9050);
	assert_row(9050, 1);
}

static void groups(void **state)
{
	(void)state;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	agent_outside_group(&w.agent, 6);
	send_packet(9200);
	assert_row(9200, 1);
	int other = outside_open_nflog(5); // the old one is free
	while (other == -EBUSY) {
		poll(NULL, 0, 10); // until it has closed it
		other = outside_open_nflog(5);
	}
	assert_true(other >= 0);
	agent_outside_group(&w.agent, 5);
	assert_non_null(strstr(w.alarm, "another program reads NFLOG group 5"));
	close(other);
	agent_outside_tick(&w.agent, w.now += 1000);
	assert_false(is_alarmed());
	send_packet(9001);
	assert_row(9200, 2); // the table goes on
}

static void busy(void **state)
{
	(void)state;
	int other = outside_open_nflog(5);
	assert_true(other >= 0);
	assert_int_equal(agent_outside_start(&w.agent, 5), -EBUSY);
	close(other);
}

static size_t line(char out[static AGENT_SYSLOG_MAX], const char *text)
{
	const struct agent_syslog message = {.facility = LOG_DAEMON,
	                                     .severity = LOG_NOTICE,
	                                     .app = "leadglassd",
	                                     .id = "TEST",
	                                     .text = text};
	return agent_syslog_format(&message, out);
}

static int collector(int type, char target[static 32])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(target, 32, "%s:127.0.0.1:%u", type == SOCK_STREAM ? "tcp" : "udp", ntohs(address.sin_port));
	return fd;
}

static void assert_readable(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&one, 1, WAIT), 1);
}

// From inside the sandbox, over both transports; the last line before the end arrives too.
static void collectors(void **state)
{
	char udp_target[32], tcp_target[32], text[AGENT_SYSLOG_MAX], got[AGENT_SYSLOG_MAX] = "";
	size_t size;
	(void)state;
	int udp = collector(SOCK_DGRAM, udp_target), tcp = collector(SOCK_STREAM, tcp_target);
	w.agent.options.syslog[0] = udp_target;
	w.agent.options.syslog[1] = tcp_target;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	size = line(text, "first");
	agent_outside_log(&w.agent, text, size);
	assert_readable(udp);
	assert_true(recv(udp, got, sizeof got - 1, 0) == (ssize_t)size);
	assert_string_equal(got, text);
	assert_readable(tcp);
	int stream = accept4(tcp, NULL, NULL, SOCK_CLOEXEC);
	assert_true(stream >= 0);
	assert_readable(stream);
	ssize_t n = recv(stream, got, sizeof got - 1, 0);
	assert_true(n == (ssize_t)size + 3); // "NN "
	assert_memory_equal(got + 3, text, size);

	size = line(text, "last");
	agent_outside_log(&w.agent, text, size);
	w.real_time = true;
	agent_outside_stop(&w.agent);
	assert_readable(stream);
	n = recv(stream, got, sizeof got - 1, 0);
	assert_true(n == (ssize_t)size + 3);
	assert_memory_equal(got + 3, text, size);
	close(stream);
	close(tcp);
	close(udp);
}

// A collector that is not there, then is: the process tells of its loss from inside the sandbox.
static void losses(void **state)
{
	char target[32], text[AGENT_SYSLOG_MAX], got[AGENT_SYSLOG_MAX] = "";
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	(void)state;
	close(collector(SOCK_DGRAM, target));
	w.agent.options.syslog[0] = target;
	assert_int_equal(agent_outside_start(&w.agent, 5), 0);
	size_t size = line(text, "lost");
	agent_outside_log(&w.agent, text, size);
	assert_true(outside_world_until(is_collector_alarmed));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	address.sin_port = htons((uint16_t)strtoul(strrchr(target, ':') + 1, NULL, 10));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	size = line(text, "not lost");
	agent_outside_log(&w.agent, text, size);
	assert_readable(fd);
	assert_true(recv(fd, got, sizeof got - 1, 0) == (ssize_t)size);
	assert_readable(fd);
	assert_true(recv(fd, got, sizeof got - 1, 0) > 0);
	assert_non_null(strstr(got, " LOST [leadglass@32473 lost=\"1\"]"));
	assert_false(is_alarmed());
	close(fd);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        test(drops),  test(connections), test(privileges), test(killed),
	        test(groups), test(busy),        test(collectors), test(losses),
#ifdef __x86_64__
	        test(idle),
#endif
	};
	if (geteuid() != 0) {
		print_message("network namespaces need root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, enter, NULL);
}
