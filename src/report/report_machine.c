// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine: name, kernel, image, versions, and what the agent gave up of its own rights.
#include "report/report.h"

#include <string.h>

static void write_agent(const struct control_status *status, struct page *page)
{
	char time[24];

	page_part(page, "The agent");
	page_fact(page, "leadglassd", "%s, since %s", status->version, report_time(status->started_at, time));
	page_fact(page, "Capabilities", "%s",
	          status->capabilities ? "CAP_NET_ADMIN alone (root also keeps what makes its helper nobody)"
	                               : "NOT GIVEN UP");
	page_fact(page, "seccomp", "%s", status->seccomp ? "in force: a list of system calls" : "NOT IN FORCE");
	page_fact(page, "Landlock", "%s",
	          status->landlock ? "in force: its own folders and no others" : "NOT IN FORCE");
	page_fact(page, "Helper", "%s",
	          status->outside ? "what strangers send is read by a process that holds nothing"
	                          : "DOES NOT RUN: who is turned away is not known");
	page_fact(page, "Log", "standard error (the journal)%s%s", status->collector[0] ? ", and " : "",
	          status->collector);
}

static void write_release(const char *release, struct page *page)
{
	page_part(page, "The image");
	if (!release) {
		page_paragraph(
		        page,
		        "There is no /etc/leadglass-release: this machine does not run the firmware image, "
		        "and what else is installed on it leadglass does not know.");
		return;
	}
	page_verbatim(page, release, strlen(release));
	page_paragraph(
	        page,
	        "The bill of materials of this image (CycloneDX 1.5) was written when it was built, beside "
	        "the image; it is not on the box.");
}

void report_machine(const struct report_facts *facts, struct page *page)
{
	page_fact(page, "Host", "%s", facts->host);
	page_fact(page, "Kernel", "%s, %s", facts->kernel, facts->machine);
	page_fact(page, "leadglass", "%s (the command)", facts->version);
	if (!facts->agent) {
		page_paragraph(page,
		               "This is the machine the report was made on, not one the policy stands on.");
		return;
	}
	write_agent(facts->agent->now.status, page);
	write_release(facts->release, page);
}
