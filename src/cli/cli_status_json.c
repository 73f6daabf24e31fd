// SPDX-License-Identifier: GPL-2.0-or-later
//
// The status for programs: everything there is.
#include "cli/cli_status.h"

#include "base/json.h"
#include "cli/cli_text.h"
#include "policy/policy.h"

static void write_wall(const struct control_status *status, struct json *json)
{
	json_key_text(json, "wall", control_wall_name((enum control_wall)status->wall));
	json_key_text(json, "reason", status->reason[0] ? status->reason : NULL);
	cli_json_time(json, "now", status->now);
	cli_json_time(json, "verified_at", status->verified_at);
	json_key_number(json, "repairs", status->repairs);
	cli_json_time(json, "repaired_at", status->repaired_at);
	json_key_text(json, "changed_by", status->repaired_from[0] ? status->repaired_from : NULL);
	json_key_bool(json, "owned", status->owned);
	json_key_bool(json, "persistent", status->persistent);
	json_key(json, "flowtable");
	json_object(json);
	json_key_text(json, "state", control_flowtable_name((enum control_flowtable)status->flowtable));
	json_key_text(json, "reason", status->flowtable_why[0] ? status->flowtable_why : NULL);
	json_end(json);
	json_key_number(json, "generation", status->generation);
	json_key_number(json, "elements", status->elements);
	json_key_number(json, "drops", status->drops);
	json_key_number(json, "drops_suppressed", status->drops_suppressed);
	json_key_number(json, "heard", status->heard);
	json_key_number(json, "forgotten", status->forgotten);
}

static void write_policy(const struct control_status *status, struct json *json)
{
	json_key(json, "policy");
	json_object(json);
	cli_json_number(json, "number", status->number);
	cli_json_number(json, "confirmed", status->confirmed);
	cli_json_number(json, "confirm_seconds", status->confirm_seconds);
	cli_json_number(json, "serial", status->serial);
	cli_json_hash(json, "hash", status->hash);
	json_key_text(json, "role", status->role ? policy_role_name((enum policy_role)status->role) : NULL);
	json_key_text(json, "site", status->site[0] ? status->site : NULL);
	json_key_text(json, "unit", status->unit[0] ? status->unit : NULL);
	json_key_number(json, "peers", status->peers);
	cli_json_time(json, "applied_at", status->applied_at);
	json_key_text(json, "who", status->who[0] ? status->who : NULL);
	json_key_text(json, "trust", control_trust_name((enum control_trust)status->trust));
	json_key_text(json, "signer", status->signer[0] ? status->signer : NULL);
	json_key_text(json, "anchor", status->anchor[0] ? status->anchor : NULL);
	cli_json_time(json, "not_after", status->not_after);
	cli_json_time(json, "signer_to", status->signer_to);
	json_end(json);
}

static void write_agent(const struct control_status *status, struct json *json)
{
	json_key(json, "agent");
	json_object(json);
	json_key_text(json, "version", status->version);
	cli_json_time(json, "started_at", status->started_at);
	json_key_bool(json, "capabilities", status->capabilities);
	json_key_bool(json, "seccomp", status->seccomp);
	json_key_bool(json, "landlock", status->landlock);
	json_key_bool(json, "outside", status->outside);
	json_key_text(json, "collector", status->collector[0] ? status->collector : NULL);
	json_end(json);
}

static void write_alarms(const struct control_lists *facts, struct json *json)
{
	json_key(json, "alarms");
	json_array(json);
	for (size_t i = 0; i < facts->alarm_count; i++) {
		json_object(json);
		json_key_text(json, "name", facts->alarms[i].name);
		json_key_bool(json, "note", facts->alarms[i].note);
		cli_json_time(json, "since", facts->alarms[i].since);
		json_key_text(json, "text", facts->alarms[i].text);
		json_end(json);
	}
	json_end_array(json);
}

void status_window_json(const struct control_window *window, struct json *json)
{
	char text[PREFIX_TEXT_MAX];

	json_object(json);
	json_key_text(json, "from", prefix_print(&window->from, text));
	json_key_text(json, "to", window->box ? NULL : prefix_print(&window->to, text));
	json_key_number(json, "port", window->port);
	json_key_number(json, "seconds", window->seconds);
	json_key_number(json, "packets", window->packets);
	json_key_text(json, "reason", window->reason);
	json_key_text(json, "who", window->who);
	json_end(json);
}

static void write_windows(const struct control_lists *facts, struct json *json)
{
	json_key(json, "windows");
	json_array(json);
	for (size_t i = 0; i < facts->window_count; i++)
		status_window_json(&facts->windows[i], json);
	json_end_array(json);
}

// Null where nobody counts: 0 would be an answer.
static void write_counted(struct json *json, const char *key, bool counted, uint64_t number)
{
	if (counted)
		json_key_number(json, key, number);
	else
		json_key_text(json, key, NULL);
}

static void write_peers(const struct control_lists *facts, struct json *json)
{
	json_key(json, "peers");
	json_array(json);
	for (size_t i = 0; i < facts->peer_count; i++) {
		const struct control_peer *peer = &facts->peers[i];

		json_object(json);
		json_key_text(json, "name", peer->name);
		json_key_text(json, "kind", status_kind_name(peer->kind));
		json_key_number(json, "elements", peer->elements);
		json_key_bool(json, "counted", peer->counted);
		write_counted(json, "packets", peer->counted, peer->packets);
		write_counted(json, "octets", peer->counted, peer->octets);
		json_key_number(json, "connections", peer->connections);
		cli_json_time(json, "last_heard", peer->last_heard);
		json_end(json);
	}
	json_end_array(json);
}

static void write_counters(const struct control_lists *facts, struct json *json)
{
	json_key(json, "dropped");
	json_array(json);
	for (size_t i = 0; i < facts->counter_count; i++) {
		const struct control_counter *counter = &facts->counters[i];

		json_object(json);
		json_key_text(json, "family", counter->family);
		json_key_text(json, "chain", counter->chain);
		json_key_text(json, "rule", counter->rule);
		json_key_number(json, "packets", counter->packets);
		json_key_number(json, "octets", counter->octets);
		json_end(json);
	}
	json_end_array(json);
}

void status_json(const struct control_lists *facts, struct json *json)
{
	json_object(json);
	write_wall(facts->status, json);
	write_policy(facts->status, json);
	status_ports_json(facts, json);
	write_agent(facts->status, json);
	write_alarms(facts, json);
	write_windows(facts, json);
	write_peers(facts, json);
	write_counters(facts, json);
	json_end(json);
}
