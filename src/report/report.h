// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass report`: what a hospital keeps in its file about one wall. Everything that is known is gathered by
// the caller; here it is only written. What is not known is said to be so.
#ifndef LEADGLASS_REPORT_REPORT_H
#define LEADGLASS_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/control.h"
#include "policy/policy.h"
#include "report/page.h"
#include "ruleset/ruleset.h"
#include "trust/trust.h"

// What the agent said. Lists may be NULL where their count is 0.
struct report_agent {
	struct control_lists now;
	const struct control_drop *drops; // the latest first
	const struct control_entry *entries;
	size_t drop_count, entry_count;
	bool compared;          // just now, for this report
	uint64_t differences;   // found when it was
	const char *comparison; // in its own words: a line each; "" none
};

struct report_facts {
	int64_t made_at;
	const char *command; // as it was typed
	const char *who;
	const char *version; // of the command

	const char *host, *kernel, *machine; // uname
	const char *release;                 // /etc/leadglass-release; NULL: there is none

	const struct report_agent *agent; // NULL: this is about a policy file, and no agent was asked

	const char *policy_name;       // "@running", "policy.conf"
	const struct policy *policy;   // NULL: there is none, or it could not be had
	const struct ruleset *ruleset; // of it; NULL with it
	const struct problems *warnings;

	const char *trust_folder;
	const struct trust *trust;       // NULL: it was not looked at, or could not be read
	const struct trust_about *about; // of each of its anchors

	const char *const *missing; // what could not be had and why, sentences
	size_t missing_count;
};

void report_write(const struct report_facts *facts, enum page_form form, struct buffer *out);

// ---- sections ----

void report_brief(const struct report_facts *facts, struct page *page); // with title and contents
void report_allowed(const struct report_facts *facts, struct page *page);
void report_other(const struct report_facts *facts, struct page *page); // what passes besides DICOM
void report_wall(const struct report_facts *facts, struct page *page);
void report_signature(const struct report_facts *facts, struct page *page);
void report_drops(const struct report_facts *facts, struct page *page);
void report_machine(const struct report_facts *facts, struct page *page);

// ---- answers to what others ask ----

enum report_verdict {
	REPORT_YES,
	REPORT_IN_PART,
	REPORT_NO,
	REPORT_NOT_OURS, // leadglass cannot answer it
};
const char *report_verdict_name(enum report_verdict verdict);

struct report_answer {
	const char *item;  // "NAUT-2.1"
	const char *asked; // in short; the words of the standard are its publisher's
	enum report_verdict verdict;
	const char *text;
	const char *where; // the evidence
	// What is so on this very box: adds a sentence, and may change the verdict. NULL: nothing depends on
	// it.
	void (*here)(const struct report_facts *facts, enum report_verdict *verdict, struct buffer *text);
};
struct report_questions {
	const char *title;
	const char *about;
	const struct report_answer *answers;
	size_t count;
};
extern const struct report_questions report_mds2, report_fda, report_iec;

void report_answers(const struct report_facts *facts, const struct report_questions *questions,
                    struct page *page);
// The same as one JSON array.
struct json;
void report_answers_json(const struct report_facts *facts, const struct report_questions *questions,
                         struct json *json);

// ---- small words ----

// What is said where there is no policy to be shown.
const char *report_no_policy(const struct report_facts *facts);
// "2026-11-21T23:50:36Z"; "never" for 0.
char *report_time(int64_t when, char text[static 24]);
void report_word(struct buffer *out, const struct word *word);
// All words of a span, with a separator between them; prefixes; ports and ranges.
void report_words(struct buffer *out, const struct word *words, const struct span *span, const char *separator);
void report_prefixes(struct buffer *out, const struct policy *policy, const struct span *span,
                     const char *separator);
void report_ports(struct buffer *out, const struct policy *policy, const struct span *span);
// "policy.conf:9"
void report_place(struct buffer *out, const struct sources *sources, source_pos at);

#endif
