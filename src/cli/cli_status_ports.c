// SPDX-License-Identifier: GPL-2.0-or-later
//
// The status of the bridge and its ports: which have joined, and why the others have not.
#include "cli/cli_status.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli_text.h"
#include "policy/policy.h"

// Names of the ports from `at` on that are as this one is, with a comma between them; marks them as told.
static void add_those_like(const struct control_lists *facts, size_t at, bool *told, struct buffer *text)
{
	const struct control_port *first = &facts->ports[at];
	const char *separator = "";

	for (size_t i = at; i < facts->port_count; i++) {
		const struct control_port *port = &facts->ports[i];

		if (port->bridge || told[i] || port->joined != first->joined ||
		    strcmp(port->why, first->why) != 0)
			continue;
		buffer_printf(text, "%s%s%s", separator, port->name,
		              port->missing || port->carrier ? "" : " (no cable)");
		separator = ", ";
		told[i] = true;
	}
}

void status_ports(const struct control_lists *facts, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;
	bool told[STATUS_PORTS_MAX] = {false}, all = true;
	const char *separator = "";

	for (size_t i = 0; i < facts->port_count && i < STATUS_PORTS_MAX; i++) {
		const struct control_port *port = &facts->ports[i];

		if (port->bridge || told[i])
			continue;
		all = all && port->joined;
		buffer_text(&text, separator);
		add_those_like(facts, i, told, &text);
		buffer_text(&text, port->joined ? " joined the bridge" : " out of the bridge");
		if (!port->joined && port->why[0])
			buffer_printf(&text, ": %s", port->why);
		separator = "; ";
	}
	// In another role that is as it should be.
	cli_line(out, all || facts->status->role != POLICY_ROLE_BRIDGE ? "ports" : "PORTS OUT", &text);
}

static void write_port(const struct control_port *port, struct json *json)
{
	json_object(json);
	json_key_text(json, "name", port->name);
	json_key_bool(json, "joined", port->joined);
	json_key_bool(json, "missing", port->missing);
	json_key_bool(json, "carrier", port->carrier);
	json_key_text(json, "reason", port->why[0] ? port->why : NULL);
	json_end(json);
}

void status_ports_json(const struct control_lists *facts, struct json *json)
{
	const struct control_port *bridge = facts->port_count ? &facts->ports[0] : NULL;

	if (!bridge) {
		json_key_text(json, "bridge", NULL);
		return;
	}
	json_key(json, "bridge");
	json_object(json);
	json_key_text(json, "name", bridge->name);
	json_key_bool(json, "missing", bridge->missing);
	json_key_text(json, "reason", bridge->why[0] ? bridge->why : NULL);
	json_key(json, "ports");
	json_array(json);
	for (size_t i = 1; i < facts->port_count; i++)
		write_port(&facts->ports[i], json);
	json_end_array(json);
	json_end(json);
}
