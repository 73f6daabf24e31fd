// SPDX-License-Identifier: GPL-2.0-or-later
//
// The document as one HTML page. It loads nothing: no script, no image, no font; and says so to the browser.
#include "report/page.h"

#include <string.h>

void page_html_begin(struct buffer *out, const char *title, const char *running)
{
	buffer_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	                 "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
	                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	                 "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	page_data(out, PAGE_HTML, title, strlen(title));
	buffer_text(out, "</title>\n<style>\n");
	page_style(out, running);
	buffer_text(out, "</style>\n</head>\n<body>\n<main>\n<h1>");
	page_data(out, PAGE_HTML, title, strlen(title));
	buffer_text(out, "</h1>\n");
}

static const char *class_of(enum page_kind kind)
{
	switch (kind) {
	case PAGE_WORDS:
	case PAGE_TITLED:
		return "";
	case PAGE_NUMBER:
		return " class=\"figure\"";
	case PAGE_ANSWER:
		return " class=\"answer\"";
	}
	return "";
}

void page_html_table(struct buffer *out, const struct page_column *columns, size_t count)
{
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += columns[i].width;
	buffer_text(out, "<table>\n<colgroup>");
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, "<col style=\"width:%u%%\">", sum ? columns[i].width * 100 / sum : 0);
	buffer_text(out, "</colgroup>\n<thead>\n");
}

// The cell is data already; only its line ends are markup.
static void write_lines(struct buffer *out, const struct buffer *cell, bool titled)
{
	const char *text = cell->data ? cell->data : "";

	while (*text) {
		size_t size = strcspn(text, "\n");

		buffer_text(out, titled ? "<b>" : "");
		buffer_add(out, text, size);
		buffer_text(out, titled ? "</b>" : "");
		titled = false;
		text += size;
		if (*text) {
			buffer_text(out, "<br>");
			text++;
		}
	}
}

void page_html_row(struct buffer *out, const struct page_row *row)
{
	const char *tag = row->head ? "th" : "td";

	buffer_text(out, "<tr>");
	for (size_t i = 0; i < row->count; i++) {
		if (buffer_failed(&row->cells[i]))
			out->failed = true;
		if (row->columns[i].kind == PAGE_ANSWER && !row->head) {
			// The word itself, less its spaces: "yes", "inpart".
			buffer_text(out, "<td class=\"answer\"><span class=\"");
			for (size_t k = 0; k < row->cells[i].size; k++) {
				char c = row->cells[i].data[k];

				if (c >= 'a' && c <= 'z')
					buffer_add(out, &c, 1);
			}
			buffer_text(out, "\">");
			write_lines(out, &row->cells[i], false);
			buffer_text(out, "</span></td>");
			continue;
		}
		buffer_printf(out, "<%s%s>", tag, class_of(row->columns[i].kind));
		write_lines(out, &row->cells[i], row->columns[i].kind == PAGE_TITLED && !row->head);
		buffer_printf(out, "</%s>", tag);
	}
	buffer_text(out, "</tr>\n");
}
