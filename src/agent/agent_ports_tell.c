// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is said of the ports: in the log, by alarms, and to whoever asks.
#include "agent/agent_ports_tell.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "agent/agent.h"
#include "base/buffer.h"
#include "base/text.h"

#define NAMES_MAX (AGENT_PORTS_MAX * (LINK_NAME_MAX + 2) + 1)

bool ports_any_joined(const struct agent_ports *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->ports[i].joined)
			return true;
	return false;
}

static const char *name_of(const struct agent_ports *p, uint32_t index)
{
	for (size_t i = 0; i < p->all_count; i++)
		if (p->all[i].index == index)
			return p->all[i].name;
	return "another one";
}

const char *ports_first_problem(const struct problems *problems, char text[static PORTS_LINE_MAX])
{
	const struct problem *first = problems->count ? &problems->items[0] : NULL;
	text_cut(text, PORTS_LINE_MAX,
	         snprintf(text, PORTS_LINE_MAX, "%s%s%s", first ? first->what : "out of memory",
	                  first && first->instead ? "; " : "", first && first->instead ? first->instead : ""));
	return text;
}

static size_t name_those(const struct agent_ports *p, const bool *which, char text[static NAMES_MAX])
{
	size_t count = 0, used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < p->count; i++) {
		if (which[i])
			used += (size_t)snprintf(text + used, NAMES_MAX - used, "%s%s", count++ ? ", " : "",
			                         p->ports[i].name);
	}
	return count;
}

void ports_log_changes(struct agent *agent, const bool *before)
{
	const struct agent_ports *p = agent->ports;
	bool came[AGENT_PORTS_MAX] = {false}, went[AGENT_PORTS_MAX] = {false};
	char names[NAMES_MAX];
	const struct agent_field fields[] = {{"ports", names}, {"reason", p->why}};
	for (size_t i = 0; i < p->count; i++) {
		came[i] = p->ports[i].joined && !before[i];
		went[i] = !p->ports[i].joined && before[i];
	}
	size_t count = name_those(p, came, names);
	if (count)
		agent_log(agent, LOG_NOTICE, "PORTS-JOINED", fields, 1, "port%s %s joined the bridge",
		          count == 1 ? "" : "s", names);
	count = name_those(p, went, names);
	if (count)
		agent_log(agent, LOG_WARNING, "PORTS-LEFT", fields, p->why[0] ? 2 : 1,
		          "port%s %s left the bridge%s%s", count == 1 ? "" : "s", names, p->why[0] ? ": " : "",
		          p->why);
}

// Somebody has touched a port that was where it should be.
void ports_log_taken(struct agent *agent, const struct agent_port *port)
{
	struct agent_ports *p = agent->ports;
	const struct agent_field field = {"port", port->name};
	char what[64];
	if (!port->found.index || !agent_pace_take(&p->lines, agent_now()))
		return;
	if (!port->found.master)
		snprintf(what, sizeof what, "taken out of the bridge");
	else if (port->found.master != p->bridge.index)
		snprintf(what, sizeof what, "put into %s", name_of(p, port->found.master));
	else
		snprintf(what, sizeof what, "taken down");
	agent_log(agent, LOG_WARNING, "PORT-TAKEN", &field, 1,
	          "port %s was %s by somebody else: it is put back", port->name, what);
}

void ports_complain(struct agent *agent)
{
	const struct agent_ports *p = agent->ports;
	bool missing[AGENT_PORTS_MAX] = {false};
	char names[NAMES_MAX], text[PORTS_LINE_MAX];
	for (size_t i = 0; i < p->count; i++)
		missing[i] = !p->why[0] && !p->ports[i].found.index;
	if (problem_any_error(&p->problems))
		agent_alarm(agent, "ports", "%s", ports_first_problem(&p->problems, text));
	else
		agent_alarm_lift(agent, "ports");
	if (problem_any_error(&p->ipv6))
		agent_alarm(agent, "ports-ipv6",
		            "this box can be heard of in the networks it stands between: %s",
		            ports_first_problem(&p->ipv6, text));
	else
		agent_alarm_lift(agent, "ports-ipv6");
	if (name_those(p, missing, names))
		agent_alarm(agent, "port-missing",
		            "there is no interface %s: it joins the bridge when there is", names);
	else
		agent_alarm_lift(agent, "port-missing");
}

// Whoever else is in our bridge is behind the wall like the ports, but nobody has asked for it.
void ports_look_for_strangers(struct agent *agent)
{
	const struct agent_ports *p = agent->ports;
	const char *stranger = NULL;
	for (size_t i = 0; p->bridge.index && i < p->all_count; i++) {
		bool ours = p->all[i].master != p->bridge.index;
		for (size_t k = 0; k < p->count; k++)
			ours = ours || p->ports[k].found.index == p->all[i].index;
		if (!ours)
			stranger = p->all[i].name;
	}
	if (stranger)
		agent_alarm(agent, "port-foreign", "interface %s is in the bridge and no port of --ports",
		            stranger);
	else
		agent_alarm_lift(agent, "port-foreign");
}

static void put_row(struct buffer *out, const char *name, const struct link_interface *found, bool bridge,
                    bool joined, const char *why)
{
	struct control_port row;
	memset(&row, 0, sizeof row);
	snprintf(row.name, sizeof row.name, "%s", name);
	row.bridge = bridge;
	row.joined = joined;
	row.missing = !found->index;
	row.carrier = found->carrier;
	snprintf(row.why, sizeof row.why, "%s", joined ? "" : why);
	buffer_add(out, &row, sizeof row);
}

void agent_ports_answer(const struct agent *agent, struct buffer *out)
{
	const struct agent_ports *p = agent->ports;
	if (!p)
		return;
	put_row(out, AGENT_PORTS_BRIDGE, &p->bridge, true, p->bridge.index && ports_any_joined(p), p->why);
	for (size_t i = 0; i < p->count; i++) {
		const struct agent_port *port = &p->ports[i];
		put_row(out, port->name, &port->found, false, port->joined,
		        p->why[0]           ? p->why
		        : port->found.index ? "it cannot join: see the alarms"
		                            : "there is no such interface");
	}
}
