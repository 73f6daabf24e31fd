// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `leadglass status` shows, apart from asking for it.
#ifndef LEADGLASS_CLI_CLI_STATUS_H
#define LEADGLASS_CLI_CLI_STATUS_H

#include <stddef.h>

#include "cli/cli_agent.h"
#include "control/control.h"

struct buffer;
struct json;

#define STATUS_PORTS_MAX 64
#define STATUS_ROWS 20 // of a list that is cut short

// Asks for all of it. *ret leads into the replies, which the caller releases in every case. CLI_GO_ON, or an
// exit code after a message.
#define STATUS_REPLIES 6
int status_ask(struct control *control, struct cli_reply replies[static STATUS_REPLIES],
               struct control_lists *ret);

void status_text(const struct control_lists *facts, size_t rows, struct buffer *out);
void status_json(const struct control_lists *facts, struct json *json); // as one value

// Whose policy it is: a line of the text.
void status_trust(const struct control_status *status, struct buffer *out);

// The bridge and its ports, where the agent has them.
void status_ports(const struct control_lists *facts, struct buffer *out);
void status_ports_json(const struct control_lists *facts, struct json *json); // as one member

// "peer", "service" ... of a control_peer's kind.
const char *status_kind_name(unsigned kind);

// One window of timed access, without line end: "10.20.9.77 to ct-3 port 22".
void status_window(const struct control_window *window, struct buffer *out);
void status_window_json(const struct control_window *window, struct json *json); // as one value

#endif
