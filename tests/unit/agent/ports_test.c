// SPDX-License-Identifier: GPL-2.0-or-later
//
// The agent's bridge and its ports, by the interfaces of the kernel this runs on.
#include "ports_world.h"

#include <errno.h>
#include <unistd.h>

static void what_is_given(void **state)
{
	struct agent_port ports[AGENT_PORTS_MAX];
	size_t count;
	(void)state;
	assert_null(agent_ports_parse("device,hospital", ports, &count));
	assert_int_equal(count, 2);
	assert_string_equal(ports[0].name, "device");
	assert_string_equal(ports[1].name, "hospital");
	assert_null(agent_ports_parse("a,b,c,d,e,f,g,h", ports, &count));
	assert_int_equal(count, AGENT_PORTS_MAX);
	static const struct {
		const char *names, *wrong;
	} bad[] = {
	        {"", "names of interfaces"},
	        {"device", "at least two ports"},
	        {"device,", "names of interfaces"},
	        {",device", "names of interfaces"},
	        {"device,,hospital", "names of interfaces"},
	        {"device,device", "one port twice"},
	        {"device,bridge", "not the bridge's own"},
	        {"device,lo", "names of interfaces"},
	        {"device,all", "names of interfaces"},
	        {"device,..", "names of interfaces"},
	        {"device,a/b", "names of interfaces"},
	        {"device, hospital", "names of interfaces"},
	        {"device,sixteen-letters-", "at most 15 characters"},
	        {"a,b,c,d,e,f,g,h,i", "at most 8 ports"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *wrong = agent_ports_parse(bad[i].names, ports, &count);
		if (!wrong || !strstr(wrong, bad[i].wrong))
			fail_msg("%s: %s", bad[i].names, wrong);
		assert_int_equal(count, 0);
	}
}

static void both_in(void)
{
	assert_true(ports_in("device", "bridge"));
	assert_true(ports_in("hospital", "bridge"));
}

static void both_out(void)
{
	assert_true(ports_out("device"));
	assert_true(ports_out("hospital"));
}

static void begin(void)
{
	ports_start();
	ports_stand(1, PORTS_POLICY);
	ports_run();
	both_in();
}

static void they_join_behind_a_wall(void **state)
{
	(void)state;
	ports_start();
	ports_run();
	both_out();
	assert_true(ports_is("bridge", "does not exist"));
	ports_stand(1, PORTS_POLICY);
	ports_run();
	both_in();
	assert_true(ports_is("bridge", "stp_state 0"));
	assert_true(ports_is("bridge", "group_fwd_mask 0 "));
	assert_true(ports_is("bridge", "mcast_snooping 0"));
	assert_true(ports_is("bridge", ",UP"));
	// Nobody hears of the box.
	for (const char *const *name = (const char *const[]){"bridge", "device", "hospital", NULL}; *name;
	     name++)
		assert_false(ports_is(*name, "inet6"));
	assert_int_equal(ports_lines("PORTS-JOINED ports device, hospital joined the bridge"), 1);
	assert_int_equal(ports_world->agent.alarm_count, 0);
	assert_true(ports_out("service"));
}

static void nobody_joins_without(void **state)
{
	(void)state;
	static const char *const why[] = {"no wall stands", "the wall is closed", "role is host",
	                                  "not verified"};
	ports_start();
	for (unsigned i = 0; i < 4; i++) {
		struct buffer rows = BUFFER_EMPTY;
		ports_stand(i == 1 ? 0 : i, i == 0 ? NULL : i == 2 ? PORTS_HOST : PORTS_POLICY);
		ports_world->agent.verified = i != 3;
		ports_run();
		both_out();
		agent_ports_answer(&ports_world->agent, &rows);
		const struct control_port *row = (const void *)rows.data;
		assert_int_equal(rows.size, 3 * sizeof *row);
		assert_true(row[0].bridge && !row[0].joined && row[0].missing);
		assert_string_equal(row[2].name, "hospital");
		for (unsigned k = 0; k < 3; k++)
			assert_non_null(strstr(row[k].why, why[i]));
		buffer_fini(&rows);
	}
	assert_int_equal(ports_lines(""), 0);
	assert_int_equal(ports_world->agent.alarm_count, 0);
}

static void they_leave_a_wall_that_is_not_good(void **state)
{
	(void)state;
	begin();
	ports_world->agent.verified = false;
	ports_run();
	both_out();
	assert_false(ports_is("device", ",UP"));
	assert_false(ports_is("hospital", ",UP"));
	assert_int_equal(
	        ports_lines("PORTS-LEFT ports device, hospital left the bridge: the wall is not verified"), 1);
	ports_world->agent.verified = true;
	ports_run();
	both_in();
	ports_stand(0, "role bridge\n");
	ports_run();
	both_out();
	assert_int_equal(ports_lines("left the bridge: the wall is closed"), 1);
}

static void another_role_comes(void **state)
{
	struct agent_wall coming = {.number = 2, .policy = {.role = POLICY_ROLE_HOST}};
	(void)state;
	begin();
	coming.policy.role = POLICY_ROLE_BRIDGE;
	agent_ports_before(&ports_world->agent, &coming);
	both_in();
	coming.policy.role = POLICY_ROLE_HOST;
	agent_ports_before(&ports_world->agent, &coming);
	both_out();  // although the old wall still stands
	ports_run(); // it was not loaded after all
	both_in();
	agent_ports_before(&ports_world->agent, &coming);
	ports_stand(2, PORTS_HOST);
	ports_run();
	both_out();
	assert_true(ports_is("bridge", "does not exist"));
	assert_int_equal(ports_lines("left the bridge: a policy of role host comes"), 2);
}

static void a_wall_is_looked_at_before_they_join(void **state)
{
	(void)state;
	ports_start();
	ports_stand(1, PORTS_POLICY);
	ports_world->now += 60000; // it was verified a minute ago
	ports_world->verified = false;
	ports_run();
	both_out();
	assert_int_equal(ports_world->verifies, 1);
	ports_world->verified = true;
	ports_world->verify = -ENOMEM;
	ports_world->agent.verified = true;
	ports_world->agent.verified_at = 0;
	ports_run();
	both_out();
	assert_int_equal(ports_world->verifies, 2);
	ports_world->verify = 0;
	ports_world->agent.verified = true;
	ports_world->agent.verified_at = 0;
	ports_run();
	both_in();
	assert_int_equal(ports_world->verifies, 3);
}

static void what_the_bridge_passes_on(void **state)
{
	static const struct {
		const char *pass, *mask;
	} cases[] = {
	        {"pass eapol\n", "group_fwd_mask 0x8 "},
	        {"pass lldp\n", "group_fwd_mask 0x4000 "},
	        {"pass eapol lldp stp\n", "group_fwd_mask 0x4008 "},
	        {"pass stp\n", "group_fwd_mask 0 "},
	        {"", "group_fwd_mask 0 "},
	};
	(void)state;
	ports_start();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char policy[1024];
		snprintf(policy, sizeof policy, "%s%s", PORTS_POLICY, cases[i].pass);
		ports_stand(i + 1, policy);
		ports_run();
		both_in();
		assert_true(ports_is("bridge", cases[i].mask));
	}
	assert_int_equal(ports_lines("PORTS-LEFT"), 0);
}

static void br_netfilter(void **state)
{
	(void)state;
	ports_start();
	ports_stand(1, PORTS_POLICY);
	ports_world->netfilter = -ENOENT; // it cannot be told
	ports_run();
	both_out();
	ports_world->netfilter = 1;
	ports_world->now += 10000;
	ports_run();
	both_out();
	assert_non_null(strstr(ports_world->agent.ports->why, "br_netfilter is loaded"));
	ports_world->netfilter = 0;
	ports_world->now += 10000;
	ports_run();
	both_in();
	ports_world->netfilter = 1; // loaded later it changes nothing
	ports_do("ip link set device nomaster");
	ports_run();
	both_in();
	ports_world->agent.verified = false;
	ports_run();
	both_out();
	ports_world->agent.verified = true;
	ports_run();
	both_out();
}

static void they_are_put_back(void **state)
{
	(void)state;
	begin();
	ports_do("ip link set device nomaster");
	ports_run();
	both_in();
	assert_int_equal(ports_lines("PORT-TAKEN port device was taken out of the bridge by somebody else"), 1);
	ports_do("ip link add br0 type bridge && ip link set hospital master br0");
	ports_run();
	both_in();
	assert_int_equal(ports_lines("PORT-TAKEN port hospital was put into br0"), 1);
	ports_do("ip link set hospital down");
	ports_run();
	both_in();
	assert_int_equal(ports_lines("PORT-TAKEN port hospital was taken down"), 1);
	ports_do("ip link set bridge down type bridge stp_state 1 group_fwd_mask 8");
	ports_run();
	both_in();
	assert_true(ports_is("bridge", "stp_state 0"));
	assert_true(ports_is("bridge", "group_fwd_mask 0 "));
	assert_true(ports_is("bridge", ",UP"));
	ports_do("ip link del bridge");
	ports_run();
	both_in();
}

static void they_are_kept_out(void **state)
{
	(void)state;
	ports_start();
	ports_stand(0, "role bridge\n");
	ports_run();
	ports_do("ip link add br0 type bridge && ip link set device master br0 up");
	ports_run();
	both_out();
	assert_false(ports_is("device", ",UP"));
	assert_true(ports_is("br0", "mtu")); // it is somebody's
}

static void interfaces_come_and_go(void **state)
{
	(void)state;
	ports_do("ip link del hospital");
	ports_start();
	ports_stand(1, PORTS_POLICY);
	ports_run();
	assert_true(ports_in("device", "bridge"));
	assert_true(ports_alarm("port-missing", "there is no interface hospital"));
	ports_do("ip link add hospital type veth peer name far-hospital");
	ports_run();
	both_in();
	assert_false(ports_alarm("port-missing", ""));
	ports_do("ip link set far-hospital name renamed && ip link set hospital down && ip link set hospital "
	         "name x");
	ports_run();
	assert_true(ports_alarm("port-missing", "hospital"));
	assert_true(ports_alarm("port-foreign", "interface x is in the bridge"));
	assert_int_equal(ports_lines("PORTS-LEFT port hospital left the bridge"), 1);
	ports_do("ip link set x name hospital");
	ports_run();
	both_in();
	assert_int_equal(ports_world->agent.alarm_count, 0);
}

static void a_stranger_in_the_bridge(void **state)
{
	(void)state;
	begin();
	ports_do("ip link add tap type veth peer name far-tap && ip link set tap master bridge");
	ports_run();
	assert_true(ports_alarm("port-foreign", "interface tap"));
	ports_do("ip link del tap");
	ports_run();
	assert_int_equal(ports_world->agent.alarm_count, 0);
}

static void what_cannot_be_a_bridge(void **state)
{
	(void)state;
	ports_do("ip link add bridge type veth peer name other");
	ports_start();
	ports_stand(1, PORTS_POLICY);
	ports_run();
	both_out();
	assert_true(ports_alarm("ports", "named bridge that is no bridge; give it another name"));
	ports_do("ip link del bridge");
	ports_run();
	both_in();
	assert_int_equal(ports_world->agent.alarm_count, 0);
}

static void what_cannot_be_a_port(void **state)
{
	(void)state;
	ports_do("ip link del device && ip link add device type bridge");
	ports_start();
	ports_stand(1, PORTS_POLICY);
	ports_run();
	assert_true(ports_out("device"));
	assert_true(ports_in("hospital", "bridge"));
	assert_true(ports_alarm("ports", "cannot make a port of device"));
	assert_true(ports_alarm("ports", "it is a bridge itself"));
	assert_true(agent_ports_next(&ports_world->agent) < AGENT_NEVER); // it is tried again
}

static void left_behind(void **state)
{
	(void)state;
	ports_do("ip link add bridge type bridge && ip link set bridge up &&"
	         " ip link set device master bridge up && ip link set hospital master bridge up");
	ports_world->wall = true;
	ports_start();
	both_in(); // behind the wall of the agent before
	ports_stop();
	ports_world->dormant = true;
	ports_start();
	both_out();
	assert_int_equal(ports_lines("left the bridge: the kernel holds no wall of role bridge"), 1);
	ports_stop();
	ports_do("ip link add br0 type bridge && ip link set device master br0 up");
	ports_world->wall = ports_world->dormant = false;
	ports_start();
	both_out();
	assert_false(ports_is("device", ",UP"));
}

static void a_killed_agent_and_the_next_one(void **state)
{
	(void)state;
	begin();
	ports_stop();
	both_in();
	ports_world->wall = true;
	ports_start();
	both_in();
	ports_run();
	both_in();
	assert_int_equal(ports_lines("PORTS-LEFT"), 0);
}

// ---- the box's addresses ----

static void the_box_is_reached(void **state)
{
	(void)state;
	ports_start();
	ports_do("ip addr add 192.0.2.1/24 dev service");
	ports_stand(1, PORTS_POLICY "box { address 10.20.1.250/24 2001:db8::1/64; interface service }\n");
	ports_run();
	assert_true(ports_is("service", "inet 10.20.1.250/24"));
	assert_true(ports_is("service", "inet6 2001:db8::1/64"));
	assert_true(ports_is("service", "inet 192.0.2.1/24")); // somebody else's
	assert_true(ports_is("service", ",UP"));
	ports_do("ip addr del 10.20.1.250/24 dev service");
	ports_run();
	assert_true(ports_is("service", "inet 10.20.1.250/24"));
	// Another length is another address; on the bridge the box has IPv6 only if it is given an address
	// there.
	ports_stand(2, PORTS_POLICY "box { address 10.20.1.250/16; interface bridge }\n");
	ports_run();
	assert_false(ports_is("service", "10.20.1.250"));
	assert_false(ports_is("service", "2001:db8::1"));
	assert_true(ports_is("service", "inet 192.0.2.1/24"));
	assert_true(ports_is("bridge", "inet 10.20.1.250/16"));
	assert_false(ports_is("bridge", "inet6"));
	ports_stand(3, PORTS_POLICY "box { address 2001:db8::1/64; interface bridge }\n");
	ports_run();
	assert_false(ports_is("bridge", "10.20.1.250"));
	assert_true(ports_is("bridge", "inet6 2001:db8::1/64"));
	assert_true(ports_is("bridge", "inet6 fe80::"));
	ports_stand(4, PORTS_POLICY);
	ports_run();
	assert_false(ports_is("bridge", "inet6"));
	both_in();
	assert_int_equal(ports_world->agent.alarm_count, 0);
}

static void addresses_of_an_agent_before(void **state)
{
	(void)state;
	ports_start();
	ports_do("ip addr add 192.0.2.1/24 dev service");
	ports_stand(1, PORTS_POLICY "box { address 10.20.1.250/24; interface service }\n");
	ports_run();
	ports_stop();
	ports_start();
	ports_stand(2, PORTS_POLICY "box { address 10.20.1.251/24; interface service }\n");
	ports_run();
	assert_false(ports_is("service", "10.20.1.250"));
	assert_true(ports_is("service", "inet 10.20.1.251/24"));
	ports_stand(
	        0, "role bridge\nbox { address 10.20.1.251/24; interface service }\n"); // closed: it is managed
	ports_run();
	assert_true(ports_is("service", "inet 10.20.1.251/24"));
	ports_stand(3, PORTS_HOST);
	ports_run();
	assert_false(ports_is("service", "10.20.1.251"));
	assert_true(ports_is("service", "inet 192.0.2.1/24"));
}

static void where_the_box_cannot_be_reached(void **state)
{
	(void)state;
	begin();
	ports_stand(2, PORTS_POLICY "box { address 10.20.1.250/24; interface device }\n");
	ports_run();
	assert_true(ports_alarm("ports", "that is a port of the bridge; name the service port"));
	ports_stand(3, PORTS_POLICY "box { address 10.20.1.250/24; interface console }\n");
	ports_run();
	assert_true(ports_alarm("ports", "there is no interface console"));
	ports_do("ip link add console type veth peer name far-console");
	ports_run();
	assert_true(ports_is("console", "inet 10.20.1.250/24"));
	assert_false(ports_alarm("ports", ""));
	ports_stand(4, PORTS_POLICY "box { address 10.20.1.250/24 }\n");
	ports_run();
	assert_true(ports_alarm("box-interface", "no interface to set them on"));
	assert_false(ports_is("console", "10.20.1.250"));
	both_in();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_given),
	        ports_test(they_join_behind_a_wall),
	        ports_test(nobody_joins_without),
	        ports_test(they_leave_a_wall_that_is_not_good),
	        ports_test(another_role_comes),
	        ports_test(a_wall_is_looked_at_before_they_join),
	        ports_test(what_the_bridge_passes_on),
	        ports_test(br_netfilter),
	        ports_test(they_are_put_back),
	        ports_test(they_are_kept_out),
	        ports_test(interfaces_come_and_go),
	        ports_test(a_stranger_in_the_bridge),
	        ports_test(what_cannot_be_a_bridge),
	        ports_test(what_cannot_be_a_port),
	        ports_test(left_behind),
	        ports_test(a_killed_agent_and_the_next_one),
	        ports_test(the_box_is_reached),
	        ports_test(addresses_of_an_agent_before),
	        ports_test(where_the_box_cannot_be_reached),
	};
	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
