// SPDX-License-Identifier: GPL-2.0-or-later
//
// The status for people, in 80 columns: the wall first, in plain words.
#include "cli/cli_status.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/cli_text.h"
#include "policy/policy.h"

#define NAME_COLUMNS 29
#define DROP_COLUMNS 58

const char *status_kind_name(unsigned kind)
{
	switch ((enum policy_owner)kind) {
	case POLICY_OWNER_NONE:
		return "other";
	case POLICY_OWNER_DEVICE:
		return "device";
	case POLICY_OWNER_PEER:
		return "peer";
	case POLICY_OWNER_SERVICE:
		return "service";
	case POLICY_OWNER_MANAGE:
		return "manage";
	}
	return "other";
}

// The closed wall of a box that never had a policy lets nobody in, not even who may manage.
static bool somebody_manages(const struct control_lists *facts)
{
	for (size_t i = 0; i < facts->peer_count; i++) {
		if (facts->peers[i].kind == POLICY_OWNER_MANAGE)
			return true;
	}
	return false;
}

static void write_wall(const struct control_lists *facts, struct buffer *out)
{
	const struct control_status *status = facts->status;
	struct buffer text = BUFFER_EMPTY;

	switch ((enum control_wall)status->wall) {
	case CONTROL_WALL_UP:
		buffer_text(&text, "The wall is up and verified");
		break;
	case CONTROL_WALL_UNVERIFIED:
		buffer_text(&text, "THE WALL IS NOT VERIFIED");
		break;
	case CONTROL_WALL_CLOSED:
		buffer_text(&text, somebody_manages(facts) ? "THE WALL IS CLOSED, only who may manage passes"
		                                           : "THE WALL IS CLOSED, nothing passes");
		break;
	case CONTROL_WALL_NONE:
		buffer_text(&text, "THERE IS NO WALL");
		break;
	}
	if (status->reason[0])
		buffer_printf(&text, ": %s", status->reason);
	if (status->wall == CONTROL_WALL_CLOSED && !strstr(status->reason, "leadglass apply"))
		buffer_text(&text, "; leadglass apply POLICY gives it one");
	if (buffer_failed(&text))
		out->failed = true;
	else
		cli_wrap(out, 0, 0, text.data ? text.data : "?");
	buffer_fini(&text);
}

static void write_confirm(const struct control_status *status, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	if (!status->confirm_seconds)
		return;
	cli_span(&text, status->confirm_seconds);
	buffer_text(&text, " left for leadglass confirm; then it goes back to ");
	if (status->confirmed)
		buffer_printf(&text, "policy %llu", (unsigned long long)status->confirmed);
	else
		buffer_text(&text, "the closed wall");
	cli_line(out, "UNCONFIRMED", &text);
}

static void write_policy(const struct control_status *status, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	if (!status->number)
		return;
	buffer_printf(&text, "%llu", (unsigned long long)status->number);
	if (status->serial)
		buffer_printf(&text, ", serial %llu", (unsigned long long)status->serial);
	if (status->site[0] || status->unit[0])
		buffer_printf(&text, " of %s%s%s", status->site, status->site[0] && status->unit[0] ? " " : "",
		              status->unit);
	buffer_printf(&text, "; role %s; hash ", policy_role_name((enum policy_role)status->role));
	cli_hash(&text, status->hash, 6);
	if (status->applied_at) {
		buffer_text(&text, "; applied ");
		cli_ago(&text, status->now, status->applied_at);
		if (status->who[0])
			buffer_printf(&text, " by %s", status->who);
	}
	cli_line(out, "policy", &text);
}

static void write_checks(const struct control_status *status, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	if (status->wall == CONTROL_WALL_NONE)
		return;
	if (status->verified_at)
		buffer_text(&text, "last ");
	cli_ago(&text, status->now, status->verified_at);
	if (status->repairs) {
		buffer_printf(&text, "; repaired %u %s, last ", status->repairs,
		              status->repairs == 1 ? "time" : "times");
		cli_ago(&text, status->now, status->repaired_at);
		buffer_printf(&text, "; changed by %s",
		              status->repaired_from[0] ? status->repaired_from : "an unknown process");
	}
	cli_line(out, "verified", &text);

	buffer_text(&text, status->owned ? "lets nobody else change the wall"
	                                 : "lets others change the wall: it is watched and repaired");
	cli_line(out, "kernel", &text);

	if (status->flowtable == CONTROL_FLOWTABLE_ACTIVE)
		buffer_text(&text, "active: takes over TCP connections that the wall has let through");
	else if (status->flowtable != CONTROL_FLOWTABLE_NONE)
		buffer_printf(&text, "%s: %s",
		              status->flowtable == CONTROL_FLOWTABLE_LACKING ? "the kernel has none"
		                                                             : "waiting",
		              status->flowtable_why);
	cli_line(out, "flowtable", &text);
}

static void add_word(struct buffer *text, bool there, const char *word, const char *without)
{
	if (!there)
		word = without;
	if (word)
		buffer_printf(text, "%s%s", text->size ? ", " : "", word);
}

static void write_agent(const struct control_status *status, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	buffer_printf(&text, "%s, since ", status->version);
	cli_date(&text, status->started_at);
	cli_line(out, "agent", &text);

	add_word(&text, status->capabilities, "one capability", "NO CAPABILITIES DROPPED");
	add_word(&text, status->seccomp, "seccomp", "NO SECCOMP");
	add_word(&text, status->landlock, "Landlock", "NO LANDLOCK");
	add_word(&text, status->outside, "drops read apart", "DROPS ARE NOT READ");
	cli_line(out, "hardening", &text);

	buffer_text(&text, status->collector);
	if (status->drops_suppressed)
		buffer_printf(&text, "%s%llu lines suppressed", text.size ? "; " : "",
		              (unsigned long long)status->drops_suppressed);
	cli_line(out, "log", &text);
}

static void write_alarms(const struct control_lists *facts, struct buffer *out)
{
	for (size_t i = 0; i < facts->alarm_count; i++) {
		struct buffer text = BUFFER_EMPTY;

		buffer_printf(&text, "%s (%s, ", facts->alarms[i].text, facts->alarms[i].name);
		cli_ago(&text, facts->status->now, facts->alarms[i].since);
		buffer_text(&text, ")");
		cli_line(out, facts->alarms[i].note ? "note" : "ALARM", &text);
	}
}

void status_window(const struct control_window *window, struct buffer *out)
{
	char from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];

	buffer_printf(out, "%s to %s port %u", prefix_print(&window->from, from),
	              window->box ? "this box" : prefix_print(&window->to, to), window->port);
}

static void write_windows(const struct control_lists *facts, struct buffer *out)
{
	for (size_t i = 0; i < facts->window_count; i++) {
		const struct control_window *window = &facts->windows[i];
		struct buffer text = BUFFER_EMPTY;

		status_window(window, &text);
		buffer_text(&text, " for another ");
		cli_span(&text, window->seconds);
		buffer_printf(&text, " (%s%s%s)", window->who, window->reason[0] ? ": " : "", window->reason);
		cli_line(out, "OPEN", &text);
	}
}

static void write_more(size_t count, size_t rows, struct buffer *out)
{
	if (count > rows)
		buffer_printf(out, "and %zu more (--all shows them)\n", count - rows);
}

static void write_peer(const struct control_status *status, const struct control_peer *peer, struct buffer *out)
{
	struct buffer name = BUFFER_EMPTY;
	bool plain = peer->kind == POLICY_OWNER_PEER || !strcmp(peer->name, status_kind_name(peer->kind));

	buffer_printf(&name, "%s%s%s", plain ? "" : status_kind_name(peer->kind), plain ? "" : " ", peer->name);
	if (buffer_failed(&name))
		out->failed = true;
	else
		cli_name(out, name.data, NAME_COLUMNS);
	buffer_fini(&name);
	if (peer->counted) {
		cli_number(out, peer->packets, 9);
		cli_number(out, peer->octets, 12);
	} else {
		buffer_printf(out, "%9s%12s", "-", "-");
	}
	cli_number(out, peer->connections, 13);
	buffer_text(out, "  ");
	if (peer->counted || peer->last_heard)
		cli_ago(out, status->now, peer->last_heard);
	else
		buffer_text(out, "-");
	buffer_text(out, "\n");
}

static void write_peers(const struct control_lists *facts, size_t rows, struct buffer *out)
{
	size_t heard = 0, uncounted = 0;

	if (!facts->peer_count)
		return;
	buffer_printf(out, "\n%-*s%9s%12s%13s  %s\n", NAME_COLUMNS, "PEER", "PACKETS", "OCTETS", "CONNECTIONS",
	              "LAST HEARD");
	for (size_t i = 0; i < facts->peer_count; i++) {
		heard += facts->peers[i].last_heard != 0;
		uncounted += !facts->peers[i].counted && !facts->peers[i].last_heard;
		if (i < rows)
			write_peer(facts->status, &facts->peers[i], out);
	}
	write_more(facts->peer_count, rows, out);
	if (facts->peer_count - uncounted > 1)
		buffer_printf(out, "%zu of %zu were heard since the agent started\n", heard,
		              facts->peer_count - uncounted);
	if (uncounted)
		buffer_printf(out, "%zu %s not counted: %s list is too long\n", uncounted,
		              uncounted == 1 ? "is" : "are", uncounted == 1 ? "its" : "their");
}

static void write_counter(const struct control_counter *counter, struct buffer *out)
{
	char name[sizeof(counter->family) + sizeof(counter->chain) + sizeof(counter->rule) + 4];
	bool bridge = strcmp(counter->family, "bridge") == 0;

	(void)snprintf(name, sizeof(name), "%s%s: %s", bridge ? "bridge " : "", counter->chain, counter->rule);
	cli_name(out, name, DROP_COLUMNS);
	cli_number(out, counter->packets, 9);
	cli_number(out, counter->octets, 12);
	buffer_text(out, "\n");
}

// What dropped nothing is left out, unless everything is asked for.
static void write_counters(const struct control_lists *facts, size_t rows, struct buffer *out)
{
	bool all = rows == SIZE_MAX;
	size_t count = 0;

	if (!facts->counter_count)
		return;
	for (size_t i = 0; i < facts->counter_count; i++) {
		if (!all && !facts->counters[i].packets)
			continue;
		if (!count)
			buffer_printf(out, "\n%-*s%9s%12s\n", DROP_COLUMNS, "DROPPED", "PACKETS", "OCTETS");
		if (count++ < rows)
			write_counter(&facts->counters[i], out);
	}
	if (!count)
		buffer_text(out, "\nnothing was dropped yet\n");
	write_more(count, rows, out);
}

void status_text(const struct control_lists *facts, size_t rows, struct buffer *out)
{
	write_wall(facts, out);
	write_confirm(facts->status, out);
	write_alarms(facts, out);
	status_ports(facts, out);
	write_windows(facts, out);
	write_policy(facts->status, out);
	status_trust(facts->status, out);
	write_checks(facts->status, out);
	write_agent(facts->status, out);
	write_peers(facts, rows, out);
	write_counters(facts, rows, out);
}
