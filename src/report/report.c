// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order of the report, and the small words its sections share.
#include "report/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/problem.h"

static void write_mds2(const struct report_facts *facts, struct page *page)
{
	report_answers(facts, &report_mds2, page);
}

static void write_fda(const struct report_facts *facts, struct page *page)
{
	report_answers(facts, &report_fda, page);
}

static void write_iec(const struct report_facts *facts, struct page *page)
{
	report_answers(facts, &report_iec, page);
}

static void write_allowed(const struct report_facts *facts, struct page *page)
{
	report_allowed(facts, page);
	report_other(facts, page);
}

static void write_policy(const struct report_facts *facts, struct page *page)
{
	const struct sources *sources;

	if (!facts->policy) {
		page_paragraph(page, "%s", report_no_policy(facts));
		return;
	}
	sources = &facts->policy->sources;
	page_paragraph(page,
	               "The text as its author wrote it, with comments, and with its signature where it is "
	               "signed. leadglass show prints the same.");
	for (size_t i = 0; i < sources->count; i++) {
		if (sources->count > 1)
			page_part(page, sources->items[i].name);
		page_verbatim(page, sources->items[i].text, sources->items[i].size);
	}
}

static void write_ruleset(const struct report_facts *facts, struct page *page)
{
	struct buffer text = BUFFER_EMPTY;

	if (!facts->ruleset) {
		page_paragraph(page, "%s", report_no_policy(facts));
		return;
	}
	page_paragraph(page,
	               "All of it, as text of nft(8), made of the policy above: what leadglass loads, and what "
	               "the kernel's rules are compared with. Each element names its line of the policy. "
	               "leadglass render %s prints the same; nft list table inet leadglass shows what the "
	               "kernel holds.",
	               facts->policy_name);
	ruleset_print(facts->ruleset, &text);
	if (buffer_failed(&text))
		page->out->failed = true;
	else
		page_verbatim(page, text.size ? text.data : "", text.size);
	buffer_fini(&text);
}

static const struct {
	const char *title;
	void (*write)(const struct report_facts *facts, struct page *page);
} sections[] = {
        {"What may pass", write_allowed},
        {"How the wall stands", report_wall},
        {"The policy, and who signed it", report_signature},
        {"Who was turned away", report_drops},
        {"The machine and its software", report_machine},
        {"Answers for the MDS2 form", write_mds2},
        {"FDA: security control categories", write_fda},
        {"IEC 62443-4-2", write_iec},
        {"The policy as it was written", write_policy},
        {"The rules", write_ruleset},
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

void report_write(const struct report_facts *facts, enum page_form form, struct buffer *out)
{
	char time[24], running[160];
	struct page page;

	(void)snprintf(running, sizeof(running), "leadglass report, %s, %s", facts->host,
	               report_time(facts->made_at, time));
	page_begin(&page, out, form, "Network protection report", running);
	report_brief(facts, &page);
	page_contents_begin(&page);
	for (size_t i = 0; i < SECTIONS; i++)
		page_contents(&page, (unsigned)i + 1, sections[i].title);
	page_contents_end(&page);
	for (size_t i = 0; i < SECTIONS; i++) {
		page_section(&page, (unsigned)i + 1, sections[i].title);
		sections[i].write(facts, &page);
	}
	page_end(&page);
}

// ---- small words ----

const char *report_no_policy(const struct report_facts *facts)
{
	if (facts->agent && !facts->agent->now.status->number)
		return "No policy stands. The closed wall lets nothing through but what a host says to itself, "
		       "IPv6 "
		       "neighbour discovery, and who may manage the box where a confirmed policy said so.";
	return "The policy could not be had: what passes is not said here.";
}

char *report_time(int64_t when, char text[static 24])
{
	if (when <= 0)
		(void)snprintf(text, 24, "never");
	else
		(void)date_print(when, text);
	return text;
}

void report_word(struct buffer *out, const struct word *word)
{
	if (word->text)
		buffer_add(out, word->text, word->size);
}

void report_words(struct buffer *out, const struct word *words, const struct span *span, const char *separator)
{
	for (uint32_t i = 0; i < span->count; i++) {
		if (i)
			buffer_text(out, separator);
		report_word(out, &words[span->first + i]);
	}
}

void report_prefixes(struct buffer *out, const struct policy *policy, const struct span *span,
                     const char *separator)
{
	char text[PREFIX_TEXT_MAX];

	for (uint32_t i = 0; i < span->count; i++)
		buffer_printf(out, "%s%s", i ? separator : "",
		              prefix_print(&policy->prefixes[span->first + i].prefix, text));
}

void report_ports(struct buffer *out, const struct policy *policy, const struct span *span)
{
	for (uint32_t i = 0; i < span->count; i++) {
		const struct policy_ports *ports = &policy->ports[span->first + i];

		buffer_printf(out, "%s%u", i ? ", " : "", ports->first);
		if (ports->last != ports->first)
			buffer_printf(out, "-%u", ports->last);
	}
}

void report_place(struct buffer *out, const struct sources *sources, source_pos at)
{
	struct source_place place;

	if (source_locate(sources, at, &place) == 0)
		buffer_printf(out, "%s:%u", place.file, place.line);
}
