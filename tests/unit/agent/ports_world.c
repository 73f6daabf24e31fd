// SPDX-License-Identifier: GPL-2.0-or-later
//
// See ports_world.h.
#include "ports_world.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>

struct ports_world *ports_world;

// ---- the namespace ----

void ports_do(const char *format, ...)
{
	char command[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("cannot: %s", command);
}

static bool says(const char *command, const char *words)
{
	char text[8192];
	FILE *out = popen(command, "r");
	assert_non_null(out);
	size_t size = fread(text, 1, sizeof text - 1, out);
	text[size] = '\0';
	pclose(out);
	return strstr(text, words);
}

bool ports_is(const char *interface, const char *words)
{
	char command[128];
	snprintf(command, sizeof command, "ip -d addr show dev %s 2>&1", interface);
	return says(command, words);
}

bool ports_in(const char *interface, const char *bridge)
{
	char words[64];
	snprintf(words, sizeof words, " master %s ", bridge);
	return ports_is(interface, words) && ports_is(interface, ",UP");
}

bool ports_out(const char *interface)
{
	return ports_is(interface, "mtu") && !ports_is(interface, " master ");
}

static void free_wall(struct agent_wall *wall)
{
	if (!wall)
		return;
	policy_fini(&wall->policy);
	free(wall);
}

int ports_begin(void **state)
{
	struct ports_world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("no network namespace: %s", strerror(errno));
	*w = (struct ports_world){.now = 1000000, .verified = true};
	w->agent.options.ports = "device,hospital";
	ports_world = w;
	for (const char *const *name = (const char *const[]){"device", "hospital", "service", NULL}; *name;
	     name++)
		ports_do("ip link add %s type veth peer name far-%.8s && ip link set far-%.8s up", *name, *name,
		         *name);
	*state = w;
	return 0;
}

int ports_end(void **state)
{
	agent_ports_close(&ports_world->agent);
	free_wall(ports_world->agent.standing);
	buffer_fini(&ports_world->log);
	free(*state);
	ports_world = NULL;
	return 0;
}

void ports_start(void)
{
	agent_ports_open(&ports_world->agent);
	assert_non_null(ports_world->agent.ports);
}

void ports_stop(void)
{
	agent_ports_close(&ports_world->agent);
}

void ports_stand(uint64_t number, const char *text)
{
	struct agent *agent = &ports_world->agent;
	struct agent_wall *old = agent->standing;
	struct problems problems;
	agent->standing = NULL;
	if (text) {
		struct agent_wall *wall = calloc(1, sizeof *wall);
		problem_init(&problems);
		assert_non_null(wall);
		assert_int_equal(
		        policy_parse(&wall->policy, "policy.conf", strdup(text), strlen(text), NULL, &problems),
		        0);
		problem_fini(&problems);
		wall->number = number;
		agent->standing = wall;
		agent->verified = true;
		agent->verified_at = agent_unix();
	}
	free_wall(old);
}

void ports_run(void)
{
	struct agent *agent = &ports_world->agent;
	struct pollfd heard = {.fd = agent_ports_fd(agent), .events = POLLIN};
	for (unsigned i = 0; i < 100; i++) {
		agent_ports_tick(agent, ports_world->now, false);
		if (poll(&heard, 1, 0) != 1)
			return;
		agent_ports_heard(agent);
		ports_world->now += 100;
	}
	fail_msg("it never comes to rest");
}

// ---- the rest of the agent ----

int64_t agent_now(void)
{
	return ports_world->now;
}

int64_t agent_unix(void)
{
	return 1770000000 + ports_world->now / 1000;
}

static void add_line(const char *id, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
static void add_line(const char *id, const char *format, va_list arguments)
{
	buffer_printf(&ports_world->log, "%s ", id);
	buffer_vprintf(&ports_world->log, format, arguments);
	buffer_text(&ports_world->log, "\n");
}

void agent_log(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
               size_t count, const char *format, ...)
{
	va_list arguments;
	(void)agent;
	assert_in_range(severity, 0, 7);
	for (size_t i = 0; i < count; i++)
		assert_non_null(fields[i].value);
	va_start(arguments, format);
	add_line(id, format, arguments);
	va_end(arguments);
}

static void raise_alarm(struct agent *agent, const char *name, const char *format, va_list arguments)
        __attribute__((format(printf, 3, 0)));
static void raise_alarm(struct agent *agent, const char *name, const char *format, va_list arguments)
{
	size_t i = 0;
	while (i < agent->alarm_count && strcmp(agent->alarms[i].name, name) != 0)
		i++;
	assert_true(i < AGENT_ALARMS_MAX);
	if (i == agent->alarm_count)
		agent->alarm_count++;
	snprintf(agent->alarms[i].name, sizeof agent->alarms[i].name, "%s", name);
	vsnprintf(agent->alarms[i].text, sizeof agent->alarms[i].text, format, arguments);
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	raise_alarm(agent, name, format, arguments);
	va_end(arguments);
}

void agent_note(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	raise_alarm(agent, name, format, arguments);
	va_end(arguments);
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->alarm_count; i++)
		if (strcmp(agent->alarms[i].name, name) == 0)
			agent->alarms[i] = agent->alarms[--agent->alarm_count];
}

bool ports_alarm(const char *name, const char *words)
{
	const struct agent *agent = &ports_world->agent;
	for (size_t i = 0; i < agent->alarm_count; i++)
		if (strcmp(agent->alarms[i].name, name) == 0)
			return strstr(agent->alarms[i].text, words);
	return false;
}

size_t ports_lines(const char *words)
{
	size_t count = 0;
	for (const char *at = ports_world->log.data; at && *at;) {
		const char *end = strchr(at, '\n'), *found = strstr(at, words);
		count += found && found < end;
		at = end + 1;
	}
	return count;
}

int agent_guard_verify(struct agent *agent, struct buffer *text, size_t *ret_differences)
{
	(void)text;
	*ret_differences = 0;
	ports_world->verifies++;
	agent->verified = ports_world->verified;
	if (agent->verified)
		agent->verified_at = agent_unix();
	return ports_world->verify;
}

int nft_bridge_netfilter_loaded(const char *proc_sys_net)
{
	assert_string_equal(proc_sys_net, NFT_PROC_SYS_NET);
	return ports_world->netfilter;
}

int nft_read(struct nft *nft, struct ruleset *ret, struct nft_state *ret_state, struct problems *problems)
{
	struct ruleset_builder b;
	(void)nft;
	(void)problems;
	ruleset_init(ret);
	ruleset_build(&b, ret);
	ruleset_build_table(&b, RULESET_INET);
	ruleset_build_chain(&b, "forward", HOOK_FORWARD, 0);
	if (ports_world->wall) {
		ruleset_build_table(&b, RULESET_BRIDGE);
		ruleset_build_chain(&b, "forward", HOOK_FORWARD, -200);
	}
	*ret_state =
	        (struct nft_state){.bridge = {.present = ports_world->wall, .dormant = ports_world->dormant}};
	return ruleset_build_end(&b);
}
