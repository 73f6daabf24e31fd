// SPDX-License-Identifier: GPL-2.0-or-later
//
// What may pass besides DICOM, who may administer the box, who is let in for some time; and what the policy's
// checker warns of.
#include "report/report.h"

#include <string.h>

#include "base/problem.h"

static const struct page_column service_columns[] = {{"Service", 14, PAGE_WORDS},
                                                     {"Opened by", 20, PAGE_WORDS},
                                                     {"to", 20, PAGE_WORDS},
                                                     {"Port", 20, PAGE_WORDS}};
static const struct page_column window_columns[] = {{"Who", 18, PAGE_WORDS},
                                                    {"to", 18, PAGE_WORDS},
                                                    {"until", 20, PAGE_WORDS},
                                                    {"why, and who opened it", 18, PAGE_WORDS}};

static const char *owner(const struct policy *policy, const struct policy_service *service)
{
	if (policy->role == POLICY_ROLE_HOST)
		return "this host";
	return service->for_box ? "the gateway" : "every device";
}

static void write_opening(const struct policy *policy, const struct policy_service *service,
                          const struct policy_opening *opening, struct page *page)
{
	struct buffer text = BUFFER_EMPTY, remote = BUFFER_EMPTY, own = BUFFER_EMPTY;

	report_word(&text, &service->name);
	page_cell_text(page, &text);
	report_prefixes(&remote, policy, &opening->remote, "\n");
	buffer_text(&own, owner(policy, service));
	page_cell_text(page, opening->inbound ? &remote : &own);
	page_cell_text(page, opening->inbound ? &own : &remote);
	buffer_clear(&text);
	switch (opening->protocol) {
	case POLICY_TCP:
		buffer_text(&text, "tcp ");
		report_ports(&text, policy, &opening->ports);
		break;
	case POLICY_UDP:
		buffer_text(&text, "udp ");
		report_ports(&text, policy, &opening->ports);
		break;
	case POLICY_ICMP_ECHO:
		buffer_text(&text, "ICMP echo");
		break;
	}
	page_cell_text(page, &text);
	buffer_fini(&own);
	buffer_fini(&remote);
	buffer_fini(&text);
}

static void write_services(const struct policy *policy, struct page *page)
{
	page_part(page, "Other services");
	if (!policy->service_count) {
		page_paragraph(page, "None.");
		return;
	}
	page_table(page, service_columns, 4);
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct policy_service *service = &policy->services[i];

		for (uint32_t k = 0; k < service->openings.count; k++)
			write_opening(policy, service, &policy->openings[service->openings.first + k], page);
		if (!service->openings.count && service->kind == POLICY_SERVICE_DHCP) {
			page_cell(page, "dhcp");
			page_cell(page, "%s", owner(policy, service));
			page_cell(page, "any server");
			page_cell(page, "DHCP, as a client");
		}
	}
}

static void write_manage(const struct policy *policy, struct page *page)
{
	struct buffer text = BUFFER_EMPTY;
	const char *what = policy->role == POLICY_ROLE_HOST ? "this host" : "the gateway";

	page_part(page, "Who may administer it");
	if (!policy->manage.at) {
		page_paragraph(page, "Nobody over the network: %s is reached at its console only.", what);
		return;
	}
	report_prefixes(&text, policy, &policy->manage.from, ", ");
	buffer_text(&text, ", TCP port ");
	report_ports(&text, policy, &policy->manage.ports);
	if (policy->manage.interfaces.count) {
		buffer_text(&text, ", through ");
		report_words(&text, policy->interfaces, &policy->manage.interfaces, ", ");
	}
	buffer_text(&text, " (");
	report_place(&text, &policy->sources, policy->manage.at);
	buffer_text(&text, "). How they prove who they are is up to the service on that port.");
	if (!buffer_failed(&text))
		page_paragraph(page, "%s", text.data);
	page->out->failed = page->out->failed || buffer_failed(&text);
	buffer_fini(&text);
}

static void write_windows(const struct report_agent *agent, struct page *page)
{
	char time[24], prefix[PREFIX_TEXT_MAX];

	page_part(page, "Let in for some time");
	if (!agent->now.window_count) {
		page_paragraph(page, "Nobody: no service window is open.");
		return;
	}
	page_paragraph(page,
	               "Service windows (leadglass allow). The kernel closes each when its time is over.");
	page_table(page, window_columns, 4);
	for (size_t i = 0; i < agent->now.window_count; i++) {
		const struct control_window *window = &agent->now.windows[i];

		page_cell(page, "%s", prefix_print(&window->from, prefix));
		page_cell(page, "%s tcp %u", window->box ? "this box" : prefix_print(&window->to, prefix),
		          window->port);
		page_cell(page, "%s", report_time(agent->now.status->now + window->seconds, time));
		page_cell(page, "%s%s%s", window->reason, window->reason[0] ? "\n" : "", window->who);
	}
}

static void write_always(const struct policy *policy, struct page *page)
{
	struct buffer frames = BUFFER_EMPTY;

	page_part(page, "What always passes, and what never does");
	for (unsigned i = 0; i < POLICY_FRAME_COUNT; i++) {
		if (policy->pass & 1u << i)
			buffer_printf(&frames, "%s%s", frames.size ? ", " : "",
			              policy_frame_name((enum policy_frame)i));
	}
	page_paragraph(page,
	               "Besides: what a host says to itself; IPv6 neighbour discovery with hop limit 255; ICMP "
	               "errors about a connection that is allowed at that moment.%s%s%s",
	               policy->role == POLICY_ROLE_BRIDGE ? " ARP crosses for the devices' addresses." : "",
	               frames.size ? " Of other frames, in both directions and for whoever is on either side: "
	                           : "",
	               frames.size ? frames.data : "");
	page_paragraph(
	        page,
	        "Never: a packet that belongs to no connection and begins none%s. The policy is asked for "
	        "every packet, so what is taken out of it is cut off at once.",
	        policy->role == POLICY_ROLE_BRIDGE
	                ? "; an address of a device from another card, where the policy names its card"
	                : "; a packet whose source is not reached through the interface it came by");
	if (policy->flowtable_at)
		page_paragraph(
		        page,
		        "The policy asks for a flow table: while it stands, TCP connections that the wall has "
		        "let through pass without being asked for again. It goes with each change of the "
		        "policy, in the same moment, so what is taken out is cut off at once all the same.");
	page->out->failed = page->out->failed || buffer_failed(&frames);
	buffer_fini(&frames);
}

static void write_warnings(const struct report_facts *facts, struct page *page)
{
	struct buffer place = BUFFER_EMPTY;

	page_part(page, "What the checker warns of");
	if (!facts->warnings || !facts->warnings->count) {
		page_paragraph(
		        page,
		        "Nothing: leadglass check finds nothing in this policy that is probably not meant.");
		return;
	}
	for (size_t i = 0; i < facts->warnings->count; i++) {
		const struct problem *problem = &facts->warnings->items[i];

		buffer_clear(&place);
		report_place(&place, &facts->policy->sources, problem->at);
		page_banner(page, PAGE_ASIDE, "%s%s%s%s%s", place.size ? place.data : "",
		            place.size ? ": " : "", problem->what, problem->instead ? "; " : "",
		            problem->instead ? problem->instead : "");
	}
	page->out->failed = page->out->failed || buffer_failed(&place);
	buffer_fini(&place);
}

void report_other(const struct report_facts *facts, struct page *page)
{
	if (facts->policy) {
		write_services(facts->policy, page);
		write_manage(facts->policy, page);
	}
	if (facts->agent)
		write_windows(facts->agent, page);
	if (facts->policy) {
		write_always(facts->policy, page);
		write_warnings(facts, page);
	}
}
