// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the wall stands: compared with the kernel, repaired or not, what the agent complains of, the ports.
#include "report/report.h"

#include <inttypes.h>

static const struct page_column alarm_columns[] = {
        {"Kind", 8, PAGE_WORDS}, {"Since", 20, PAGE_WORDS}, {"What", 48, PAGE_WORDS}};
static const struct page_column port_columns[] = {
        {"Port", 16, PAGE_WORDS}, {"In the bridge", 14, PAGE_WORDS}, {"Why not", 46, PAGE_WORDS}};

static void write_comparison(const struct report_agent *agent, struct page *page)
{
	const struct control_status *status = agent->now.status;
	char time[24];

	if (status->wall == CONTROL_WALL_NONE)
		page_fact(page, "Verified", "there is no wall to compare");
	else if (!agent->compared)
		page_fact(page, "Verified", "last %s; for this report the rules could not be compared",
		          report_time(status->verified_at, time));
	else if (agent->differences)
		page_fact(page, "Verified",
		          "%" PRIu64 " difference%s found between the kernel's rules and the policy; the agent "
		          "puts right what it finds:\n%s",
		          agent->differences, agent->differences == 1 ? "" : "s", agent->comparison);
	else
		page_fact(page, "Verified",
		          "the kernel's rules were read back and compared with the policy: no difference (%s)",
		          report_time(status->verified_at, time));
}

static void write_repairs(const struct control_status *status, struct page *page)
{
	char time[24], started[24];

	if (!status->repairs)
		page_fact(page, "Repaired", "never since %s", report_time(status->started_at, started));
	else
		page_fact(page, "Repaired", "%" PRIu32 " time%s since %s, last %s, after a change by %s",
		          status->repairs, status->repairs == 1 ? "" : "s",
		          report_time(status->started_at, started), report_time(status->repaired_at, time),
		          status->repaired_from[0] ? status->repaired_from : "an unknown process");
}

static void write_alarms(const struct report_agent *agent, struct page *page)
{
	char time[24];

	page_part(page, "Alarms and notes");
	if (!agent->now.alarm_count) {
		page_paragraph(page, "None.");
		return;
	}
	page_paragraph(page, "A note is worth knowing; nothing is wrong with the wall.");
	page_table(page, alarm_columns, 3);
	for (size_t i = 0; i < agent->now.alarm_count; i++) {
		page_cell(page, "%s", agent->now.alarms[i].note ? "note" : "ALARM");
		page_cell(page, "%s", report_time(agent->now.alarms[i].since, time));
		page_cell(page, "%s (%s)", agent->now.alarms[i].text, agent->now.alarms[i].name);
	}
}

static void write_ports(const struct report_agent *agent, struct page *page)
{
	if (!agent->now.port_count)
		return;
	page_part(page, "The bridge's ports");
	page_table(page, port_columns, 3);
	for (size_t i = 0; i < agent->now.port_count; i++) {
		const struct control_port *port = &agent->now.ports[i];

		if (port->bridge)
			continue;
		page_cell(page, "%s", port->name);
		page_cell(page, "%s%s", port->joined ? "yes" : "no",
		          port->missing || port->carrier ? "" : ", no cable");
		page_cell(page, "%s", port->why);
	}
}

void report_wall(const struct report_facts *facts, struct page *page)
{
	const struct report_agent *agent = facts->agent;

	if (!agent) {
		page_paragraph(
		        page,
		        "No agent was asked. On the box itself leadglass report, without a policy's name, "
		        "says how the wall stands.");
		return;
	}
	page_fact(page, "Wall", "%s%s%s", control_wall_name((enum control_wall)agent->now.status->wall),
	          agent->now.status->reason[0] ? ": " : "", agent->now.status->reason);
	write_comparison(agent, page);
	write_repairs(agent->now.status, page);
	page_fact(page, "Kernel", "%s",
	          agent->now.status->owned
	                  ? "keeps everybody but the agent from changing the wall"
	                  : "lets others with CAP_NET_ADMIN change the wall: it is watched and repaired");
	page_fact(
	        page, "Survives", "%s",
	        agent->now.status->persistent
	                ? "the wall stands in the kernel also when the agent is stopped or killed (persistent)"
	                : "the wall stands in the kernel also when the agent is stopped or killed (not owned)");
	page_fact(page, "Elements", "%" PRIu32 " in the sets that come from the policy",
	          agent->now.status->elements);
	write_alarms(agent, page);
	write_ports(agent, page);
}
