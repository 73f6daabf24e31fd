// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writing a document; see page.h.
#include "report/page.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LABEL 14 // columns of a fact's label

void page_data(struct buffer *out, enum page_form form, const char *text, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint32_t character;
		size_t octets = text_utf8(text + at, size - at, &character);

		if (!octets) {
			buffer_printf(out, "\\x%02x", (unsigned char)text[at]);
			at++;
			continue;
		}
		if ((character < 0x20 && character != '\n' && character != '\t') || character == 0x7f)
			buffer_printf(out, "\\x%02x", (unsigned)character);
		else if (text_deceives(character))
			buffer_printf(out, "\\u{%04x}", (unsigned)character);
		else if (form == PAGE_HTML && octets == 1 && strchr("&<>\"'", (int)character))
			buffer_printf(out, "&#%u;", (unsigned)character);
		else
			buffer_add(out, text + at, octets);
		at += octets;
	}
}

// Formatted, then taken as data.
static void add(struct page *page, struct buffer *out, const char *format, va_list arguments)
        __attribute__((format(printf, 3, 0)));
static void add(struct page *page, struct buffer *out, const char *format, va_list arguments)
{
	buffer_clear(&page->given);
	buffer_vprintf(&page->given, format, arguments);
	if (buffer_failed(&page->given))
		out->failed = true;
	else if (page->given.size)
		page_data(out, page->form, page->given.data, page->given.size);
}

// The same into page->text. NULL when memory ran out.
static const char *finish(struct page *page, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
static const char *finish(struct page *page, const char *format, va_list arguments)
{
	buffer_clear(&page->text);
	add(page, &page->text, format, arguments);
	if (!buffer_failed(&page->text))
		return page->text.size ? page->text.data : "";
	page->out->failed = true;
	return NULL;
}

static void add_text(struct buffer *out, enum page_form form, const char *text)
{
	page_data(out, form, text, strlen(text));
}

// ---- what is open ----

static void write_row(struct page *page, bool head)
{
	struct page_row row = {
	        .columns = page->columns, .cells = page->cells, .count = page->column_count, .head = head};

	if (page->form == PAGE_HTML)
		page_html_row(page->out, &row);
	else
		page_text_row(page->out, &row);
	for (size_t i = 0; i < page->column_count; i++)
		buffer_clear(&page->cells[i]);
	page->cell_count = 0;
}

static void close(struct page *page)
{
	if (page->open == PAGE_TABLE) {
		if (page->cell_count)
			write_row(page, false);
		if (page->form == PAGE_HTML)
			buffer_text(page->out, "</tbody>\n</table>\n");
	} else if (page->open == PAGE_FACTS && page->form == PAGE_HTML) {
		buffer_text(page->out, "</dl>\n");
	}
	page->open = PAGE_NOTHING;
}

// Something new begins: what was open ends, and in text an empty line comes between.
static void begin(struct page *page)
{
	close(page);
	if (page->form == PAGE_TEXT && !page->after_section)
		buffer_text(page->out, "\n");
	page->after_section = false;
}

void page_begin(struct page *page, struct buffer *out, enum page_form form, const char *title,
                const char *running)
{
	*page = (struct page){.out = out, .form = form, .after_section = true};
	if (form == PAGE_HTML) {
		page_html_begin(out, title, running);
		return;
	}
	add_text(out, form, title);
	buffer_text(out, "\n");
	for (size_t i = 0; i < strlen(title); i++)
		buffer_text(out, "=");
	buffer_text(out, "\n\n");
}

void page_end(struct page *page)
{
	close(page);
	if (page->form == PAGE_HTML)
		buffer_text(page->out, "</main>\n</body>\n</html>\n");
	for (size_t i = 0; i < PAGE_COLUMNS_MAX; i++) {
		page->out->failed = page->out->failed || buffer_failed(&page->cells[i]);
		buffer_fini(&page->cells[i]);
	}
	buffer_fini(&page->given);
	buffer_fini(&page->text);
}

// ---- headings ----

void page_contents_begin(struct page *page)
{
	close(page);
	if (page->form == PAGE_HTML)
		buffer_text(page->out, "<nav>\n<h2>Contents</h2>\n<ol>\n");
}

void page_contents(struct page *page, unsigned number, const char *title)
{
	if (page->form != PAGE_HTML)
		return;
	buffer_printf(page->out, "<li><a href=\"#section-%u\">", number);
	add_text(page->out, page->form, title);
	buffer_text(page->out, "</a></li>\n");
}

void page_contents_end(struct page *page)
{
	if (page->form == PAGE_HTML)
		buffer_text(page->out, "</ol>\n</nav>\n");
}

void page_section(struct page *page, unsigned number, const char *title)
{
	close(page);
	if (page->form == PAGE_HTML) {
		buffer_printf(page->out, "<h2 id=\"section-%u\"><span class=\"number\">%u</span> ", number,
		              number);
		add_text(page->out, page->form, title);
		buffer_text(page->out, "</h2>\n");
	} else {
		size_t size = (size_t)snprintf(NULL, 0, "%u %s", number, title);

		buffer_printf(page->out, "\n\n%u ", number);
		add_text(page->out, page->form, title);
		buffer_text(page->out, "\n");
		for (size_t i = 0; i < size; i++)
			buffer_text(page->out, "-");
		buffer_text(page->out, "\n\n");
	}
	page->after_section = true;
}

void page_part(struct page *page, const char *title)
{
	begin(page);
	if (page->form == PAGE_HTML) {
		buffer_text(page->out, "<h3>");
		add_text(page->out, page->form, title);
		buffer_text(page->out, "</h3>\n");
	} else {
		buffer_text(page->out, "-- ");
		add_text(page->out, page->form, title);
		buffer_text(page->out, "\n\n");
	}
	page->after_section = true;
}

// ---- text ----

static void write_block(struct page *page, const char *class, const char *format, va_list arguments)
        __attribute__((format(printf, 3, 0)));
static void write_block(struct page *page, const char *class, const char *format, va_list arguments)
{
	const char *text = finish(page, format, arguments);

	begin(page);
	if (!text)
		return;
	if (page->form == PAGE_HTML)
		buffer_printf(page->out, "<p%s%s%s>%s</p>\n", class ? " class=\"" : "", class ? class : "",
		              class ? "\"" : "", text);
	else
		page_text_wrap(page->out, 0, 0, text);
}

void page_paragraph(struct page *page, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_block(page, NULL, format, arguments);
	va_end(arguments);
}

void page_banner(struct page *page, enum page_mood mood, const char *format, ...)
{
	static const char *const classes[] = {
	        [PAGE_GOOD] = "banner good", [PAGE_BAD] = "banner bad", [PAGE_ASIDE] = "banner aside"};
	va_list arguments;

	va_start(arguments, format);
	write_block(page, classes[mood], format, arguments);
	va_end(arguments);
}

void page_fact(struct page *page, const char *label, const char *format, ...)
{
	const char *text;
	va_list arguments;

	if (page->open != PAGE_FACTS) {
		begin(page);
		page->open = PAGE_FACTS;
		if (page->form == PAGE_HTML)
			buffer_text(page->out, "<dl>\n");
	}
	va_start(arguments, format);
	text = finish(page, format, arguments);
	va_end(arguments);
	if (!text)
		return;
	if (page->form == PAGE_HTML) {
		buffer_printf(page->out, "<dt>%s</dt><dd>%s</dd>\n", label, text);
	} else {
		buffer_printf(page->out, "%-*s", LABEL, label);
		page_text_wrap(page->out, LABEL, LABEL, text);
	}
}

void page_verbatim(struct page *page, const char *text, size_t size)
{
	begin(page);
	if (page->form == PAGE_HTML)
		buffer_text(page->out, "<pre>");
	page_data(page->out, page->form, text, size);
	if (!size || text[size - 1] != '\n')
		buffer_text(page->out, "\n");
	if (page->form == PAGE_HTML)
		buffer_text(page->out, "</pre>\n");
}

void page_blanks(struct page *page, const char *const *labels, size_t count)
{
	if (page->form != PAGE_HTML)
		return;
	begin(page);
	buffer_text(page->out, "<table class=\"blanks\">\n<tr>");
	for (size_t i = 0; i < count; i++)
		buffer_printf(page->out, "<td>%s</td>", labels[i]);
	buffer_text(page->out, "</tr>\n</table>\n");
}

// ---- tables ----

void page_table(struct page *page, const struct page_column *columns, size_t count)
{
	begin(page);
	page->open = PAGE_TABLE;
	page->columns = columns;
	page->column_count = count;
	if (page->form == PAGE_HTML)
		page_html_table(page->out, columns, count);
	for (size_t i = 0; i < count; i++)
		add_text(&page->cells[i], page->form, columns[i].title);
	write_row(page, true);
	if (page->form == PAGE_HTML)
		buffer_text(page->out, "</thead>\n<tbody>\n");
}

// The cell that comes next; the row before it is written when it is full.
static struct buffer *next_cell(struct page *page)
{
	if (page->cell_count == page->column_count)
		write_row(page, false);
	return &page->cells[page->cell_count++];
}

void page_cell(struct page *page, const char *format, ...)
{
	struct buffer *cell = next_cell(page);
	va_list arguments;

	va_start(arguments, format);
	add(page, cell, format, arguments);
	va_end(arguments);
}

void page_cell_text(struct page *page, const struct buffer *text)
{
	struct buffer *cell = next_cell(page);

	if (buffer_failed(text))
		cell->failed = true;
	else if (text->size)
		page_data(cell, page->form, text->data, text->size);
}
