// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which policy it is, who has signed it, who may sign, and which policies there were.
#include "report/report.h"

#include <inttypes.h>
#include <stdint.h>

static const struct page_column history_columns[] = {
        {"No.", 4, PAGE_NUMBER},   {"Applied", 20, PAGE_WORDS}, {"Serial", 6, PAGE_NUMBER},
        {"Peers", 6, PAGE_NUMBER}, {"By", 19, PAGE_WORDS},      {"What became of it", 15, PAGE_WORDS}};

static void write_word(struct page *page, const char *label, const struct word *word)
{
	if (word->text)
		page_fact(page, label, "%.*s", (int)word->size, word->text);
}

static void write_header(const struct policy *policy, struct page *page)
{
	const struct policy_header *header = &policy->header;

	page_part(page, "What the policy says it is for");
	if (!header->at) {
		page_paragraph(
		        page,
		        "It has no policy block: it is bound to no site, no unit, no serial and no dates.");
		return;
	}
	write_word(page, "Site", &header->site);
	write_word(page, "Unit", &header->unit);
	write_word(page, "Serial", &header->serial);
	write_word(page, "Not before", &header->not_before);
	write_word(page, "Not after", &header->not_after);
}

static void write_signature(const struct control_status *status, struct page *page)
{
	char time[24];

	switch ((enum control_trust)status->trust) {
	case CONTROL_TRUST_UNSIGNED:
		page_fact(page, "Signature",
		          "not asked for: there is no trust anchor, and root may apply any policy");
		return;
	case CONTROL_TRUST_SIGNED:
		page_fact(page, "Signed by", "%s", status->signer);
		page_fact(page, "Vouched by", "the trust anchor %s", status->anchor);
		if (status->signer_to)
			page_fact(page, "Certificate", "valid until %s%s", report_time(status->signer_to, time),
			          status->signer_to < status->now ? ": EXPIRED, the next policy needs another"
			                                          : "");
		if (status->not_after)
			page_fact(page, "Policy ends", "%s%s", report_time(status->not_after, time),
			          status->not_after < status->now ? ": EXPIRED; the wall stays, with an alarm"
			                                          : "");
		return;
	case CONTROL_TRUST_NOT:
		page_fact(page, "Signature",
		          "NOT TRUSTED: none of the trust anchors vouches for it, or it is for another box. It "
		          "stands; "
		          "the next start of the agent does not take it");
		return;
	case CONTROL_TRUST_UNKNOWN:
		page_fact(page, "Signature",
		          "UNKNOWN: the trust folder cannot be read, and no policy is taken");
		return;
	}
}

static void write_standing(const struct control_status *status, struct page *page)
{
	char hash[TRUST_HASH_TEXT_SIZE], time[24];

	if (!status->number) {
		page_paragraph(page, "No policy stands.");
		return;
	}
	page_fact(page, "Number", "%" PRIu64 "%s", status->number,
	          status->confirmed == status->number ? ", confirmed" : ", NOT CONFIRMED");
	page_fact(page, "SHA-256", "%s", trust_hash_print(status->hash, hash));
	page_fact(page, "Applied", "%s%s%s", report_time(status->applied_at, time),
	          status->who[0] ? " by " : "", status->who);
	write_signature(status, page);
}

static void write_anchor(const struct trust_anchor *anchor, const struct trust_about *about, struct page *page)
{
	char key[TRUST_HASH_TEXT_SIZE], fingerprint[TRUST_FINGERPRINT_SIZE], time[24];

	page_fact(page, "Trust anchor", "%s%s%s", anchor->name,
	          about->good ? "" : ": CANNOT BE USED: ", about->why);
	page_fact(page, "may change", "%s", trust_scope_may(anchor->scope));
	if (about->subject[0])
		page_fact(page, "subject", "%s", about->subject);
	if (!about->is_key && about->valid_to)
		page_fact(page, "valid until", "%s", report_time(about->valid_to, time));
	page_fact(page, about->is_key ? "key" : "fingerprint", "%s, SHA-256 %s", about->kind,
	          about->is_key ? trust_hash_print(about->key, key)
	                        : trust_fingerprint_print(about->whole, fingerprint));
}

static void write_anchors(const struct report_facts *facts, struct page *page)
{
	page_part(page, "Who may sign");
	if (!facts->trust) {
		page_paragraph(page, "The trust folder was not read.");
		return;
	}
	if (!facts->trust->count) {
		page_paragraph(page,
		               "There is no trust anchor in %s: whoever is root on this box changes the wall.",
		               facts->trust_folder);
		return;
	}
	page_paragraph(page,
	               "From %s, as this command finds it. Certificates are not looked up in revocation lists.",
	               facts->trust_folder);
	for (size_t i = 0; i < facts->trust->count; i++)
		write_anchor(&facts->trust->anchors[i], &facts->about[i], page);
}

static void write_history(const struct report_agent *agent, struct page *page)
{
	char time[24];

	page_part(page, "Policies before it");
	if (!agent->entry_count) {
		page_paragraph(page, "No policy was ever applied here.");
		return;
	}
	page_paragraph(page,
	               "The agent keeps the last 16. Who applied a policy is what sudo and the login said.");
	page_table(page, history_columns, 6);
	for (size_t i = 0; i < agent->entry_count; i++) {
		const struct control_entry *entry = &agent->entries[i];

		page_cell(page, "%" PRIu64, entry->number);
		page_cell(page, "%s", entry->applied_at ? report_time(entry->applied_at, time) : "-");
		if (entry->serial)
			page_cell(page, "%" PRIu64, entry->serial);
		else
			page_cell(page, "-");
		page_cell(page, "%" PRIu32, entry->peers);
		page_cell(page, "%s", entry->who);
		page_cell(page, "%s%s", entry->standing ? "stands, " : "",
		          entry->pending ? "to be confirmed" : entry->outcome);
	}
}

void report_signature(const struct report_facts *facts, struct page *page)
{
	if (facts->agent)
		write_standing(facts->agent->now.status, page);
	else
		page_paragraph(
		        page,
		        "No agent was asked. leadglass verify-signature says who has signed a policy file.");
	if (facts->policy)
		write_header(facts->policy, page);
	if (!facts->agent)
		return;
	write_anchors(facts, page);
	write_history(facts->agent, page);
}
