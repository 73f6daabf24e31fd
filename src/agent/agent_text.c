// SPDX-License-Identifier: GPL-2.0-or-later
//
// Problems as text; see agent_text.h.
#include "agent/agent_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

const char *agent_text_error(int error)
{
	return error == -ENOMEM ? "out of memory" : strerror(-error);
}

void agent_text_problems(const struct problems *problems, const struct sources *sources, int error,
                         struct buffer *out)
{
	bool placed = false;

	if (!out)
		return;
	for (size_t i = 0; i < problems->count; i++)
		placed = placed || problems->items[i].at != 0;
	if (placed) {
		problem_print(problems, sources, out);
	} else {
		for (size_t i = 0; i < problems->count; i++) {
			const struct problem *problem = &problems->items[i];

			buffer_printf(out, "leadglass: %s%s%s%s\n",
			              problem->level == PROBLEM_WARNING ? "warning: " : "", problem->what,
			              problem->instead ? "; " : "", problem->instead ? problem->instead : "");
		}
		if (problems->dropped)
			buffer_printf(out, "leadglass: and %zu more\n", problems->dropped);
	}
	if (problems->lost)
		buffer_text(out, "leadglass: out of memory\n");
	else if (error && !problems->count)
		buffer_printf(out, "leadglass: %s\n", agent_text_error(error));
}

void agent_text_why(const struct problems *problems, int error, char *ret, size_t size)
{
	const struct problem *found = NULL;

	for (size_t i = 0; i < problems->count && !found; i++) {
		if (problems->items[i].level == PROBLEM_ERROR)
			found = &problems->items[i];
	}
	text_cut(ret, size,
	         snprintf(ret, size, "%s%s%s", found ? found->what : agent_text_error(error),
	                  found && found->instead ? "; " : "", found && found->instead ? found->instead : ""));
}

void agent_text_line(const struct buffer *text, char *ret, size_t size)
{
	static const char command[] = "leadglass: ";
	const char *line = text->size ? text->data : "";
	size_t length;

	if (strncmp(line, command, sizeof command - 1) == 0)
		line += sizeof command - 1;
	length = strcspn(line, "\n");
	text_cut(ret, size, snprintf(ret, size, "%.*s", (int)length, line));
}
