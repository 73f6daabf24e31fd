// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interfaces of the kernel this runs on, in a network namespace of the test's own; `ip` is the second reader.
// What the agent does with them is tested with the agent (ports_test.c).
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "link/link.h"

struct world {
	struct link *link;
	struct problems problems;
};

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("cannot: %s", command);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("no network namespace: %s", strerror(errno));
	problem_init(&w->problems);
	assert_int_equal(link_open(&w->link, &w->problems), 0);
	run("ip link add device type veth peer name far");
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	link_close(w->link);
	problem_fini(&w->problems);
	free(w);
	return 0;
}

static struct link_interface find(struct world *w, const char *name)
{
	struct link_interface found = {0};
	assert_int_equal(link_find(w->link, name, &found, &w->problems), 0);
	return found;
}

static void complained(struct world *w, const char *words)
{
	assert_int_equal(w->problems.count, 1);
	if (!strstr(w->problems.items[0].what, words) &&
	    !(w->problems.items[0].instead && strstr(w->problems.items[0].instead, words)))
		fail_msg("%s; %s", w->problems.items[0].what, w->problems.items[0].instead);
	problem_fini(&w->problems);
	problem_init(&w->problems);
}

static void what_there_is(void **state)
{
	struct world *w = *state;
	struct link_interface found = find(w, "device");
	assert_string_equal(found.kind, "veth");
	assert_true(found.index && !found.master && !found.up && !found.carrier && found.link_local);
	assert_int_equal(link_find(w->link, "hospital", &found, &w->problems), -ENODEV);
	assert_int_equal(w->problems.count, 0);
	run("ip link set far up && ip link set device up && ip addr add 192.0.2.1/24 dev device");
	found = find(w, "device");
	assert_true(found.up && found.carrier);
	struct link_address *addresses;
	size_t count, seen = 0;
	assert_int_equal(link_addresses(w->link, &addresses, &count, &w->problems), 0);
	for (size_t i = 0; i < count; i++)
		seen += addresses[i].index == found.index && addresses[i].prefix.family == ADDRESS_IPV4 &&
		        addresses[i].length == 24 && addresses[i].prefix.octets[0] == 192 && !addresses[i].ours;
	assert_int_equal(seen, 1);
	free(addresses);
}

static void many(void **state)
{
	struct world *w = *state;
	struct link_interface *all, last;
	size_t count;
	run("for i in $(seq 300); do echo link add b$i type bridge; done | ip -batch -");
	assert_int_equal(link_interfaces(w->link, &all, &count, &w->problems), 0);
	assert_int_equal(count, 303); // and lo, and the pair
	free(all);
	last = find(w, "b300");
	assert_string_equal(last.kind, "bridge");
	assert_true(last.snooping);
	assert_false(link_bridge_is(&last, 0));
}

static void refused(void **state)
{
	struct world *w = *state;
	struct link_interface device = find(w, "device"), gone = {.index = 4711, .name = "gone"}, bridge;
	assert_int_equal(link_bridge_make(w->link, "bridge", 0x4008, &w->problems), 0);
	bridge = find(w, "bridge");
	assert_true(link_bridge_is(&bridge, 0x4008));
	assert_false(link_bridge_is(&bridge, 0x4000));
	assert_int_equal(link_bridge_make(w->link, "bridge", 0, &w->problems), -EEXIST);
	complained(w, "cannot make the bridge bridge: File exists");
	assert_int_equal(link_bridge_set(w->link, &bridge, 1, &w->problems), -EINVAL); // STP's own group
	complained(w, "cannot set up the bridge bridge");
	assert_int_equal(link_join(w->link, &bridge, &bridge, &w->problems), -ELOOP);
	complained(w, "it is a bridge itself");
	assert_int_equal(link_up(w->link, &gone, &w->problems), -ENODEV);
	complained(w, "cannot bring up gone: No such device");
	run("ip link add link device mac0 type macvlan");
	assert_int_equal(link_join(w->link, &device, &bridge, &w->problems), -EBUSY);
	complained(w, "something else has it");
}

static void without_permission(void **state)
{
	struct world *w = *state;
	struct link_interface device = find(w, "device");
	if (seteuid(65534) < 0)
		fail_msg("cannot become nobody");
	int r = link_up(w->link, &device, &w->problems);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -EPERM);
	complained(w, "this needs CAP_NET_ADMIN");
}

static void addresses_twice(void **state)
{
	struct world *w = *state;
	const struct prefix address = {.family = ADDRESS_IPV4, .length = 32, .octets = {10, 20, 1, 250}};
	const struct link_address same = {.prefix = address, .length = 24};
	struct link_interface device = find(w, "device");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(link_address_add(w->link, &device, &address, 24, &w->problems), 0);
	run("ip addr show dev device | grep -q 'inet 10.20.1.250/24'");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(link_address_remove(w->link, &device, &same, &w->problems), 0);
	run("! ip addr show dev device | grep -q 10.20");
	assert_int_equal(link_address_add(w->link, &device, &address, 33, &w->problems), -EINVAL);
	complained(w, "cannot set the address 10.20.1.250 device");
}

static void changes_are_heard(void **state)
{
	struct world *w = *state;
	struct pollfd p = {.fd = link_fd(w->link), .events = POLLIN};
	const struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	struct sockaddr_nl us = to;
	socklen_t size = sizeof us;
	link_heard(w->link);
	assert_false(link_heard(w->link));
	assert_int_equal(poll(&p, 1, 0), 0);
	run("ip link set device up");
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_true(link_heard(w->link));
	assert_false(link_heard(w->link));
	run("ip addr add 192.0.2.1/24 dev device");
	assert_true(link_heard(w->link));
	// More than the socket holds is news too.
	run("for i in $(seq 1 600); do echo link set device mtu $((1300 + i)); done | ip -batch -");
	assert_true(link_heard(w->link));
	assert_false(link_heard(w->link));
	// Another process's lies are not.
	assert_int_equal(getsockname(link_fd(w->link), (struct sockaddr *)&us, &size), 0);
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	us.nl_groups = 0;
	struct nlmsghdr lie = {.nlmsg_len = sizeof lie, .nlmsg_type = RTM_NEWLINK};
	assert_int_equal(sendto(fd, &lie, sizeof lie, 0, (const struct sockaddr *)&us, sizeof us), sizeof lie);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_false(link_heard(w->link));
	close(fd);
}

static void nothing_is_closed(void **state)
{
	(void)state;
	link_close(NULL);
}

#define test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        test(what_there_is),
	        test(many),
	        test(refused),
	        test(without_permission),
	        test(addresses_twice),
	        test(changes_are_heard),
	        cmocka_unit_test(nothing_is_closed),
	};
	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
