// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who was turned away, and who came through: what the kernel counted, and what the agent heard.
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

static const struct page_column counter_columns[] = {
        {"Where and why", 52, PAGE_WORDS}, {"Packets", 11, PAGE_NUMBER}, {"Octets", 13, PAGE_NUMBER}};
static const struct page_column drop_columns[] = {{"Last seen, first seen", 20, PAGE_WORDS},
                                                  {"Packets", 8, PAGE_NUMBER},
                                                  {"Who tried what", 24, PAGE_WORDS},
                                                  {"Why not", 22, PAGE_WORDS}};
static const struct page_column peer_columns[] = {{"Who", 22, PAGE_WORDS},
                                                  {"Packets", 10, PAGE_NUMBER},
                                                  {"Octets", 13, PAGE_NUMBER},
                                                  {"Begun", 7, PAGE_NUMBER},
                                                  {"Last heard", 20, PAGE_WORDS}};

static void write_counters(const struct report_agent *agent, struct page *page)
{
	page_part(page, "By rule");
	if (!agent->now.counter_count) {
		page_paragraph(page, "Nothing is counted: there is no wall.");
		return;
	}
	page_paragraph(page, "Counted by the kernel, every packet.");
	page_table(page, counter_columns, 3);
	for (size_t i = 0; i < agent->now.counter_count; i++) {
		const struct control_counter *counter = &agent->now.counters[i];

		page_cell(page, "%s%s: %s", strcmp(counter->family, "bridge") == 0 ? "bridge " : "",
		          counter->chain, counter->rule);
		page_cell(page, "%" PRIu64, counter->packets);
		page_cell(page, "%" PRIu64, counter->octets);
	}
}

static void write_drop(const struct control_drop *drop, struct page *page)
{
	struct buffer text = BUFFER_EMPTY;
	char last[24], first[24];

	page_cell(page, "%s\n%s", report_time(drop->last_seen, last), report_time(drop->first_seen, first));
	page_cell(page, "%" PRIu64, drop->count);
	control_drop_print(drop, &text);
	if (drop->mac[0] && (drop->source.length || drop->destination.length))
		buffer_printf(&text, "\nfrom card %s", drop->mac);
	page_cell_text(page, &text);
	buffer_clear(&text);
	buffer_text(&text, drop->chain);
	if (drop->in_interface[0])
		buffer_printf(&text, ", in %s", drop->in_interface);
	if (drop->out_interface[0])
		buffer_printf(&text, ", out %s", drop->out_interface);
	if (drop->reason[0])
		buffer_printf(&text, ": %s", drop->reason);
	page_cell_text(page, &text);
	buffer_fini(&text);
}

static void write_drops(const struct report_agent *agent, struct page *page)
{
	const struct control_status *status = agent->now.status;

	page_part(page, "By who tried it");
	if (!agent->drop_count) {
		page_paragraph(page, status->drops ? "Of those that were dropped the agent heard of none."
		                                   : "Nobody was turned away since the agent started.");
		return;
	}
	if (status->heard >= status->drops)
		page_paragraph(page, "The latest first.");
	else
		page_paragraph(page,
		               "The latest first. The agent heard of %" PRIu64 " of %" PRIu64
		               " packets that were dropped: the kernel logs them at the rate of the policy's "
		               "log block.",
		               status->heard, status->drops);
	if (status->forgotten)
		page_paragraph(page, "Rows that were given up for later ones: %" PRIu64 ".", status->forgotten);
	page_table(page, drop_columns, 4);
	for (size_t i = 0; i < agent->drop_count; i++)
		write_drop(&agent->drops[i], page);
}

static const char *kind(unsigned owner)
{
	switch ((enum policy_owner)owner) {
	case POLICY_OWNER_NONE:
	case POLICY_OWNER_PEER:
		return "";
	case POLICY_OWNER_DEVICE:
		return "device ";
	case POLICY_OWNER_SERVICE:
		return "service ";
	case POLICY_OWNER_MANAGE:
		return "";
	}
	return "";
}

static void write_peers(const struct report_agent *agent, struct page *page)
{
	char time[24];

	page_part(page, "Who came through");
	if (!agent->now.peer_count) {
		page_paragraph(page, "Nobody may.");
		return;
	}
	page_paragraph(
	        page,
	        "Since the agent started. An opening that nobody uses is one that may not be needed. Lists "
	        "of more than 4096 elements are not counted (-).");
	page_table(page, peer_columns, 5);
	for (size_t i = 0; i < agent->now.peer_count; i++) {
		const struct control_peer *peer = &agent->now.peers[i];

		page_cell(page, "%s%s", kind(peer->kind), peer->name);
		if (peer->counted) {
			page_cell(page, "%" PRIu64, peer->packets);
			page_cell(page, "%" PRIu64, peer->octets);
		} else {
			page_cell(page, "-");
			page_cell(page, "-");
		}
		page_cell(page, "%" PRIu64, peer->connections);
		page_cell(page, "%s", report_time(peer->last_heard, time));
	}
}

void report_drops(const struct report_facts *facts, struct page *page)
{
	if (!facts->agent) {
		page_paragraph(page, "No agent was asked.");
		return;
	}
	write_counters(facts->agent, page);
	write_drops(facts->agent, page);
	write_peers(facts->agent, page);
}
