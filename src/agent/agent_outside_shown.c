// SPDX-License-Identifier: GPL-2.0-or-later
//
// What people are told of the outside process: alarms about collectors, and its state in words and numbers.
#include "agent/agent_outside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent_outside_keeper.h"

// What a local rule drops fails like what a permission forbids, and no other is wanted here.
static void tell_collector(struct agent *agent, const char *name, const struct outside_target *target,
                           int error)
{
	char address[INET6_ADDRSTRLEN] = "", service[32] = "syslog {";
	const uint16_t number =
	        ntohs(target->address.any.sa_family == AF_INET ? target->address.ipv4.sin_port
	                                                       : target->address.ipv6.sin6_port);
	if (target->transport == OUTSIDE_TO_TCP ||
	    number != OUTSIDE_SYSLOG_PORT) // what the word means is UDP 514
		snprintf(service, sizeof service, "log-collector { %s %u",
		         target->transport == OUTSIDE_TO_TCP ? "tcp" : "udp", number);
	if (target->address.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &target->address.ipv4.sin_addr, address, sizeof address);
	else
		inet_ntop(AF_INET6, &target->address.ipv6.sin6_addr, address, sizeof address);
	if (error == EPERM && target->transport != OUTSIDE_TO_LOCAL)
		agent_alarm(agent, name,
		            "log lines do not reach %s: the policy does not let it out: service %s to %s }",
		            target->text, service, address);
	else
		agent_alarm(agent, name, "log lines do not reach %s: %s", target->text, strerror(error));
}

static int error_to_tell(const struct agent_outside *o, size_t i)
{
	const struct outside_collector_report *report = &o->state.collectors[i];
	if (report->state == OUTSIDE_UP)
		return 0;
	return report->state == OUTSIDE_DOWN && report->error != 0 ? report->error : o->told[i];
}

void outside_tell_collectors(struct agent *agent, int64_t now)
{
	struct agent_outside *o = agent->outside;
	for (size_t i = 0; i < o->target_count; i++) {
		const int error = error_to_tell(o, i);
		char name[24];
		if (error == o->told[i] || !agent_pace_take(&o->telling, now))
			continue;
		snprintf(name, sizeof name, "collector-%u", (unsigned)i + 1);
		if (error)
			tell_collector(agent, name, &o->targets[i], error);
		else
			agent_alarm_lift(agent, name);
		o->told[i] = error;
	}
}

int64_t outside_next_telling(const struct agent_outside *o)
{
	for (size_t i = 0; i < o->target_count; i++)
		if (error_to_tell(o, i) != o->told[i])
			return agent_pace_next(&o->telling);
	return AGENT_NEVER;
}

static void describe_state(const struct outside_collector_report *report, bool local, uint64_t lost, char *text,
                           size_t size)
{
	char losses[48] = "";
	const char *state = "";
	if (lost > 0)
		snprintf(losses, sizeof losses, "%llu line%s lost", (unsigned long long)lost,
		         lost == 1 ? "" : "s");
	if (report->state == OUTSIDE_DOWN && report->error != 0)
		state = report->error == EPERM && !local ? "not let out by the policy"
		                                         : strerror(report->error);
	if (losses[0] == '\0' && state[0] == '\0')
		text[0] = '\0';
	else
		snprintf(text, size, " (%s%s%s)", state, losses[0] && state[0] ? ", " : "", losses);
}

void agent_outside_describe(const struct agent *agent, char *text, size_t size)
{
	const struct agent_outside *o = agent->outside;
	size_t at = 0;
	if (size == 0)
		return;
	text[0] = '\0';
	for (size_t i = 0; o && i < o->target_count && at < size; i++) {
		const struct outside_collector_report *report = &o->state.collectors[i];
		char state[128];
		describe_state(report, o->targets[i].transport == OUTSIDE_TO_LOCAL,
		               report->lost + o->lost_before[i] + o->lost, state, sizeof state);
		int n = snprintf(text + at, size - at, "%s%s%s", i ? "; " : "", o->targets[i].text, state);
		at += n > 0 ? (size_t)n : 0;
	}
}

void agent_outside_count(const struct agent *agent, struct agent_outside_counts *ret)
{
	const struct agent_outside *o = agent->outside;
	*ret = (struct agent_outside_counts){0};
	if (!o)
		return;
	ret->overruns = o->before.overruns + o->state.overruns;
	ret->connection_overruns = o->before.connection_overruns + o->state.connection_overruns;
	ret->malformed = o->before.malformed + o->state.malformed;
	ret->forgotten = o->before.forgotten + o->state.forgotten;
	ret->heard = o->before.heard + o->state.heard;
}

bool agent_outside_is_collector(const struct agent *agent, const struct prefix *address, uint8_t protocol,
                                uint16_t port)
{
	const struct agent_outside *o = agent->outside;
	for (size_t i = 0; o && i < o->target_count; i++) {
		const struct outside_target *target = &o->targets[i];
		const bool six = target->address.any.sa_family == AF_INET6;
		const void *octets = six ? (const void *)&target->address.ipv6.sin6_addr
		                         : (const void *)&target->address.ipv4.sin_addr;
		if (target->transport != OUTSIDE_TO_LOCAL &&
		    protocol == (target->transport == OUTSIDE_TO_UDP ? IPPROTO_UDP : IPPROTO_TCP) &&
		    port == ntohs(six ? target->address.ipv6.sin6_port : target->address.ipv4.sin_port) &&
		    address->family == (six ? ADDRESS_IPV6 : ADDRESS_IPV4) &&
		    memcmp(address->octets, octets, six ? 16 : 4) == 0)
			return true;
	}
	return false;
}
