// SPDX-License-Identifier: GPL-2.0-or-later
//
// The report: all that is gathered for it, and it as JSON; and what it shares with the subcommands that show a
// part of it.
#ifndef LEADGLASS_CLI_CLI_REPORT_H
#define LEADGLASS_CLI_CLI_REPORT_H

#include <stddef.h>

#include "report/report.h"

struct json;

void report_json(const struct report_facts *facts, struct json *json); // as one value

// The answer of `leadglass history --json`, and one row of that of `leadglass drops --json`.
void history_json(const struct control_entry *entries, size_t count, struct json *json);
void drops_json(const struct control_drop *drop, struct json *json);

#endif
