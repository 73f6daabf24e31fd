// SPDX-License-Identifier: GPL-2.0-or-later
//
// Private to src/agent/agent_ports*.c.
#ifndef LEADGLASS_AGENT_AGENT_PORTS_TELL_H
#define LEADGLASS_AGENT_AGENT_PORTS_TELL_H

#include <stdbool.h>

#include "agent/agent_ports.h"

#define PORTS_LINE_MAX 256

bool ports_any_joined(const struct agent_ports *p);

// Logs who has joined and who has left since `joined` was as `before`, a place for each port.
void ports_log_changes(struct agent *agent, const bool *before);
// Logs that somebody has touched a port which was where it should be; at a bounded rate.
void ports_log_taken(struct agent *agent, const struct agent_port *port);
// Raises and lifts alarms: what the look under way found wrong; interfaces that are missing; others in the
// bridge.
void ports_complain(struct agent *agent);
void ports_look_for_strangers(struct agent *agent);

// The first of them in one line; returns `text`.
const char *ports_first_problem(const struct problems *problems, char text[static PORTS_LINE_MAX]);

#endif
