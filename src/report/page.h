// SPDX-License-Identifier: GPL-2.0-or-later
//
// A document of numbered sections, written once as text for a terminal (80 columns) or as one HTML page that
// loads nothing and runs nothing. Whoever writes it says what there is: paragraphs, facts, tables, text as it
// stands. Everything given is data: what HTML would take for markup, and what a terminal would act upon, is
// written so that it can be read (page_data).
#ifndef LEADGLASS_REPORT_PAGE_H
#define LEADGLASS_REPORT_PAGE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

#define PAGE_COLUMNS_MAX 6

enum page_form {
	PAGE_TEXT,
	PAGE_HTML,
};

enum page_kind {
	PAGE_WORDS,
	PAGE_NUMBER, // to the right
	PAGE_ANSWER, // "yes", "no": told apart at a glance
	PAGE_TITLED, // words, of which the first line is a title
};

struct page_column {
	const char *title;
	unsigned width; // columns of text; in HTML its share of the table
	enum page_kind kind;
};

enum page_mood {
	PAGE_GOOD,
	PAGE_BAD,
	PAGE_ASIDE,
};

enum page_open {
	PAGE_NOTHING,
	PAGE_FACTS,
	PAGE_TABLE,
};

struct page {
	struct buffer *out; // not owned; a failure is the buffer's
	enum page_form form;
	enum page_open open;
	bool after_section; // nothing stands below its title yet
	const struct page_column *columns;
	size_t column_count, cell_count;
	struct buffer cells[PAGE_COLUMNS_MAX]; // of the row that is being written
	struct buffer given, text;             // what was given, and as data: kept from one call to the next
};

// `running` stands at the foot of each printed page, in HTML.
void page_begin(struct page *page, struct buffer *out, enum page_form form, const char *title,
                const char *running);
// Ends whatever is open. Called once, last; releases everything but `out`.
void page_end(struct page *page);

// Only HTML has a list of contents.
void page_contents_begin(struct page *page);
void page_contents(struct page *page, unsigned number, const char *title);
void page_contents_end(struct page *page);

void page_section(struct page *page, unsigned number, const char *title);
void page_part(struct page *page, const char *title);
void page_paragraph(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
// One that is to be seen first.
void page_banner(struct page *page, enum page_mood mood, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void page_fact(struct page *page, const char *label, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

// `columns` stay the caller's and are read until something else begins. A line end in a cell begins a line.
void page_table(struct page *page, const struct page_column *columns, size_t count);
void page_cell(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_cell_text(struct page *page, const struct buffer *text);

void page_verbatim(struct page *page, const char *text, size_t size);

// Lines to be filled in by hand, with their labels: on paper only, so HTML only.
void page_blanks(struct page *page, const char *const *labels, size_t count);

// ---- the forms (page_text.c, page_html.c) ----

// Adds what was given as data, so that it is read and not acted upon: control characters, those that turn the
// direction of writing and what is no UTF-8 as \x1b, \u{202e}; in HTML also what is markup there. Line ends and
// tabs stay.
void page_data(struct buffer *out, enum page_form form, const char *text, size_t size);

struct page_row {
	const struct page_column *columns;
	const struct buffer *cells; // finished: data already
	size_t count;
	bool head;
};
void page_text_row(struct buffer *out, const struct page_row *row);
// A paragraph of finished text, the first line beginning in `column`, broken before column 80.
void page_text_wrap(struct buffer *out, size_t column, size_t indent, const char *text);

void page_html_begin(struct buffer *out, const char *title, const char *running);
void page_html_table(struct buffer *out, const struct page_column *columns, size_t count);
void page_html_row(struct buffer *out, const struct page_row *row);

// The style of the page; `running` stands in it as a CSS string.
void page_style(struct buffer *out, const char *running);

#endif
