// SPDX-License-Identifier: GPL-2.0-or-later
//
// Answers to what forms, guidances and standards ask, as a table and as JSON.
#include "report/report.h"

#include "base/json.h"

static const struct page_column columns[] = {{"Item", 10, PAGE_WORDS},
                                             {"Answer", 8, PAGE_ANSWER},
                                             {"Asked, and answered", 36, PAGE_TITLED},
                                             {"Evidence", 19, PAGE_WORDS}};

const char *report_verdict_name(enum report_verdict verdict)
{
	switch (verdict) {
	case REPORT_YES:
		return "yes";
	case REPORT_IN_PART:
		return "in part";
	case REPORT_NO:
		return "no";
	case REPORT_NOT_OURS:
		return "not ours";
	}
	return "?";
}

static void finish(const struct report_facts *facts, const struct report_answer *answer,
                   enum report_verdict *verdict, struct buffer *text)
{
	*verdict = answer->verdict;
	buffer_clear(text);
	buffer_text(text, answer->text);
	if (answer->here)
		answer->here(facts, verdict, text);
}

void report_answers(const struct report_facts *facts, const struct report_questions *questions,
                    struct page *page)
{
	struct buffer text = BUFFER_EMPTY;
	enum report_verdict verdict;

	page_paragraph(page, "%s", questions->title);
	page_paragraph(page, "%s", questions->about);
	page_table(page, columns, 4);
	for (size_t i = 0; i < questions->count; i++) {
		const struct report_answer *answer = &questions->answers[i];

		finish(facts, answer, &verdict, &text);
		page_cell(page, "%s", answer->item);
		page_cell(page, "%s", report_verdict_name(verdict));
		page_cell(page, "%s\n%s", answer->asked, text.data ? text.data : "");
		page_cell(page, "%s", answer->where);
	}
	page->out->failed = page->out->failed || buffer_failed(&text);
	buffer_fini(&text);
}

void report_answers_json(const struct report_facts *facts, const struct report_questions *questions,
                         struct json *json)
{
	struct buffer text = BUFFER_EMPTY;
	enum report_verdict verdict;

	json_array(json);
	for (size_t i = 0; i < questions->count; i++) {
		const struct report_answer *answer = &questions->answers[i];

		finish(facts, answer, &verdict, &text);
		json_object(json);
		json_key_text(json, "item", answer->item);
		json_key_text(json, "asked", answer->asked);
		json_key_text(json, "answer", report_verdict_name(verdict));
		json_key_text(json, "text", text.data ? text.data : "");
		json_key_text(json, "evidence", answer->where);
		json_end(json);
	}
	json_end_array(json);
	json->out->failed = json->out->failed || buffer_failed(&text);
	buffer_fini(&text);
}
