// SPDX-License-Identifier: GPL-2.0-or-later
//
// The document for a terminal: 80 columns, cells broken within their column.
#include "report/page.h"

#include <string.h>

#define COLUMNS 80

// Columns of a piece of UTF-8 text: one for each character.
static size_t width_of(const char *text, size_t size)
{
	size_t width = 0;

	for (size_t i = 0; i < size; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

// Octets of the first `width` characters at most.
static size_t cut(const char *text, size_t size, size_t width)
{
	size_t at = 0;

	while (at < size) {
		size_t next = at + 1;

		while (next < size && ((unsigned char)text[next] & 0xc0) == 0x80)
			next++;
		if (width-- == 0)
			return at;
		at = next;
	}
	return at;
}

void page_text_wrap(struct buffer *out, size_t column, size_t indent, const char *text)
{
	size_t at = column;

	for (;;) {
		size_t size = strcspn(text, " \n"), width = width_of(text, size);

		if (at > column && at + 1 + width > COLUMNS) {
			buffer_printf(out, "\n%*s", (int)indent, "");
			at = column = indent;
		} else if (at > column) {
			buffer_text(out, " ");
			at++;
		}
		// One that is longer than a line is cut where the line ends.
		while (at + width > COLUMNS && at < COLUMNS) {
			size_t part = cut(text, size, COLUMNS - at);

			buffer_add(out, text, part);
			buffer_printf(out, "\n%*s", (int)indent, "");
			text += part;
			size -= part;
			width -= COLUMNS - at;
			at = column = indent;
		}
		buffer_add(out, text, size);
		at += width;
		text += size;
		if (!*text)
			break;
		if (*text++ == '\n') {
			if (!*text)
				break;
			buffer_printf(out, "\n%*s", (int)indent, "");
			at = column = indent;
		}
	}
	buffer_text(out, "\n");
}

// Takes what fits into `width` columns from *text, at a space where there is one.
static size_t take(const char **text, size_t width, size_t *ret_skip)
{
	size_t line = strcspn(*text, "\n"), fits = cut(*text, line, width), at = fits;

	*ret_skip = 0;
	if (fits == line) {
		*ret_skip = (*text)[line] == '\n';
		return line;
	}
	while (at > 0 && (*text)[at] != ' ')
		at--;
	if (at == 0)
		return fits; // one long word
	*ret_skip = 1;
	return at;
}

static void write_piece(struct buffer *out, const struct page_column *column, const char *text, size_t size,
                        bool last)
{
	size_t width = width_of(text, size), room = column->width > width ? column->width - width : 0;

	if (column->kind == PAGE_NUMBER)
		buffer_printf(out, "%*s", (int)room, "");
	buffer_add(out, text, size);
	if (column->kind != PAGE_NUMBER && !last)
		buffer_printf(out, "%*s", (int)room, "");
	if (!last)
		buffer_text(out, "  ");
}

// Spaces at the end of a line that has nothing more.
static void trim(struct buffer *out)
{
	while (!buffer_failed(out) && out->size && out->data[out->size - 1] == ' ')
		out->data[--out->size] = '\0';
}

void page_text_row(struct buffer *out, const struct page_row *row)
{
	const char *rest[PAGE_COLUMNS_MAX];
	bool more = true;

	for (size_t i = 0; i < row->count; i++) {
		if (buffer_failed(&row->cells[i])) {
			out->failed = true;
			return;
		}
		rest[i] = row->cells[i].data ? row->cells[i].data : "";
	}
	while (more) {
		more = false;
		for (size_t i = 0; i < row->count; i++) {
			const char *text = rest[i];
			size_t skip, size = take(&text, row->columns[i].width, &skip);

			write_piece(out, &row->columns[i], text, size, i + 1 == row->count);
			rest[i] += size + skip;
			more = more || *rest[i];
		}
		trim(out);
		buffer_text(out, "\n");
	}
	if (!row->head)
		return;
	for (size_t i = 0; i < row->count; i++) {
		for (size_t k = 0; k < row->columns[i].width; k++)
			buffer_text(out, "-");
		buffer_text(out, i + 1 < row->count ? "  " : "\n");
	}
}
