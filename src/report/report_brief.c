// SPDX-License-Identifier: GPL-2.0-or-later
//
// The first page: what stands here, in a dozen lines, and what this report does not have.
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

static void write_banner(const struct report_agent *agent, struct page *page)
{
	const struct control_status *status = agent->now.status;
	const char *why = status->reason[0] ? ": " : "";

	switch ((enum control_wall)status->wall) {
	case CONTROL_WALL_UP:
		page_banner(page, agent->differences ? PAGE_BAD : PAGE_GOOD, "The wall is up and verified%s%s",
		            why, status->reason);
		return;
	case CONTROL_WALL_UNVERIFIED:
		page_banner(page, PAGE_BAD, "The wall is NOT verified%s%s", why, status->reason);
		return;
	case CONTROL_WALL_CLOSED:
		page_banner(page, PAGE_BAD, "The wall is CLOSED: no DICOM passes%s%s", why, status->reason);
		return;
	case CONTROL_WALL_NONE:
		page_banner(page, PAGE_BAD, "There is NO wall%s%s", why, status->reason);
		return;
	}
}

static void add_trust(struct buffer *text, const struct control_status *status)
{
	char time[24];

	switch ((enum control_trust)status->trust) {
	case CONTROL_TRUST_UNSIGNED:
		buffer_text(text, "not asked for: this box has no trust anchor");
		return;
	case CONTROL_TRUST_SIGNED:
		buffer_printf(text, "signed by %s\nthe trust anchor %s vouches for it", status->signer,
		              status->anchor);
		if (status->not_after)
			buffer_printf(text, "\nthe policy %s on %.10s",
			              status->not_after < status->now ? "EXPIRED" : "expires",
			              report_time(status->not_after, time));
		return;
	case CONTROL_TRUST_NOT:
		buffer_text(text, "NOT TRUSTED: the next start of the agent does not take this policy");
		return;
	case CONTROL_TRUST_UNKNOWN:
		buffer_text(text, "UNKNOWN: whom to trust cannot be read, and no policy is taken");
		return;
	}
}

static void write_agent(const struct report_agent *agent, struct page *page)
{
	const struct control_status *status = agent->now.status;
	struct buffer text = BUFFER_EMPTY;
	size_t alarms = 0;
	char time[24];

	for (size_t i = 0; i < agent->now.alarm_count; i++)
		alarms += !agent->now.alarms[i].note;
	if (status->number) {
		buffer_printf(&text, "number %" PRIu64, status->number);
		if (status->serial)
			buffer_printf(&text, ", serial %" PRIu64, status->serial);
		buffer_printf(&text, ", applied %s", report_time(status->applied_at, time));
		if (status->who[0])
			buffer_printf(&text, " by %s", status->who);
	} else {
		buffer_text(&text, "none");
	}
	page_fact(page, "Policy", "%s", text.size ? text.data : "");
	buffer_clear(&text);
	add_trust(&text, status);
	page_fact(page, "Signature", "%s", text.size ? text.data : "");
	if (status->confirm_seconds)
		page_fact(page, "Confirmation", "NOT CONFIRMED: it goes back by itself in %" PRIu32 " s",
		          status->confirm_seconds);
	page_fact(page, "Verified", "%s%s", report_time(status->verified_at, time),
	          !agent->compared      ? ""
	          : agent->differences  ? "; DIFFERENCES were found for this report"
	          : status->verified_at ? "; compared with the kernel's rules for this report"
	                                : "");
	page_fact(page, "Alarms", "%zu%s", alarms, alarms ? ", in section 2" : "");
	page_fact(page, "Repairs", "%" PRIu32 " since the agent started", status->repairs);
	page_fact(page, "Turned away", "%" PRIu64 " packets since the agent started, %s", status->drops,
	          report_time(status->started_at, time));
	page->out->failed = page->out->failed || buffer_failed(&text);
	buffer_fini(&text);
}

static void write_place(const struct report_facts *facts, struct page *page)
{
	const struct control_status *status = facts->agent ? facts->agent->now.status : NULL;
	const struct policy_header *header = facts->policy ? &facts->policy->header : NULL;
	struct buffer text = BUFFER_EMPTY;

	if (header && header->site.text)
		report_word(&text, &header->site);
	else if (status && status->site[0])
		buffer_text(&text, status->site);
	if (text.size)
		buffer_text(&text, ", ");
	if (header && header->unit.text)
		report_word(&text, &header->unit);
	else if (status && status->unit[0])
		buffer_text(&text, status->unit);
	if (text.size && !buffer_failed(&text))
		page_fact(page, "Site, unit", "%s", text.data);
	page->out->failed = page->out->failed || buffer_failed(&text);
	buffer_fini(&text);
}

void report_brief(const struct report_facts *facts, struct page *page)
{
	static const char *const blanks[] = {"Reviewed by", "on", "Signature"};
	const struct policy *policy = facts->policy;
	char time[24];

	if (facts->agent)
		write_banner(facts->agent, page);
	else
		page_banner(
		        page, PAGE_ASIDE,
		        "About the policy %s alone. No agent was asked: whether this wall stands anywhere is "
		        "not said here.",
		        facts->policy_name);
	write_place(facts, page);
	page_fact(page, facts->agent ? "Host" : "Made on", "%s", facts->host);
	if (policy) {
		size_t peers = policy->peer_count, devices = policy->device_count;

		page_fact(page, "Allowed", "role %s; %zu device%s, %zu peer%s, %zu other service%s%s",
		          policy_role_name(policy->role), devices, devices == 1 ? "" : "s", peers,
		          peers == 1 ? "" : "s", policy->service_count, policy->service_count == 1 ? "" : "s",
		          policy->manage.at ? "; who may administer it is named"
		                            : "; no administration over the network");
	}
	if (facts->agent)
		write_agent(facts->agent, page);
	page_fact(page, "Made", "%s by %s\n%s", report_time(facts->made_at, time), facts->who, facts->command);
	for (size_t i = 0; i < facts->missing_count; i++)
		page_banner(page, PAGE_BAD, "Missing: %s", facts->missing[i]);
	page_paragraph(
	        page,
	        "This report says what leadglass knows of one wall at one moment. It is no certificate and "
	        "no assessment. All times are in UTC, by the clock of the machine it was made on.");
	page_blanks(page, blanks, sizeof(blanks) / sizeof(blanks[0]));
}
