// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the agent counts, as OpenMetrics 1.0 text and, in the file, as the older Prometheus text format 0.0.4,
// which is what node_exporter's textfile collector reads. They differ in what comes before a counter's samples:
// the older one wants TYPE and HELP of the name with "_total", and without it takes the samples for something
// untyped.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_peers.h"
#include "agent/agent_ports.h"
#include "base/buffer.h"
#include "base/file.h"

#define PEERS_MAX 1000 // with samples of their own

struct metrics {
	struct buffer *text;
	bool older; // Prometheus text format
};

// "# TYPE leadglass_repairs counter"; the samples follow, those of a counter with "_total" after the name.
static void family(struct metrics *out, const char *name, const char *type, const char *unit, const char *help)
{
	const char *suffix = out->older && strcmp(type, "counter") == 0 ? "_total" : "";
	buffer_printf(out->text, "# TYPE leadglass_%s%s %s\n", name, suffix, type);
	if (unit && !out->older)
		buffer_printf(out->text, "# UNIT leadglass_%s %s\n", name, unit);
	buffer_printf(out->text, "# HELP leadglass_%s%s %s\n", name, suffix, help);
}

static void gauge(struct metrics *out, const char *name, const char *unit, const char *help, int64_t value)
{
	family(out, name, "gauge", unit, help);
	buffer_printf(out->text, "leadglass_%s %" PRId64 "\n", name, value);
}

static void counter(struct metrics *out, const char *name, const char *help, uint64_t value)
{
	family(out, name, "counter", NULL, help);
	buffer_printf(out->text, "leadglass_%s_total %" PRIu64 "\n", name, value);
}

// ,name="value" with what the format wants escaped; octets that are no UTF-8 never get into a policy.
static void label(struct metrics *out, const char *separator, const char *name, const char *value)
{
	buffer_printf(out->text, "%s%s=\"", separator, name);
	for (const char *c = value; *c; c++) {
		if (*c == '\\' || *c == '"')
			buffer_add(out->text, "\\", 1);
		if (*c == '\n')
			buffer_text(out->text, "\\n");
		else
			buffer_add(out->text, c, 1);
	}
	buffer_text(out->text, "\"");
}

// ---- the wall ----

static void put_policy(const struct control_status *status, struct metrics *out)
{
	char text[TRUST_HASH_TEXT_SIZE];
	family(out, "policy_info", "gauge", NULL, "The policy that stands; number 0 is the closed wall.");
	buffer_text(out->text, "leadglass_policy_info");
	snprintf(text, sizeof text, "%" PRIu64, status->number);
	label(out, "{", "number", text);
	snprintf(text, sizeof text, "%" PRIu64, status->serial);
	label(out, ",", "serial", text);
	label(out, ",", "hash", trust_hash_print(status->hash, text));
	label(out, ",", "site", status->site);
	label(out, ",", "unit", status->unit);
	buffer_text(out->text, "} 1\n");
}

static void put_build(const struct control_status *status, struct metrics *out)
{
	family(out, "build_info", "gauge", NULL, "The agent's version.");
	buffer_text(out->text, "leadglass_build_info");
	label(out, "{", "version", status->version);
	buffer_text(out->text, "} 1\n");
}

static void put_wall(const struct control_status *status, struct metrics *out)
{
	bool stands = status->wall == CONTROL_WALL_UP || status->wall == CONTROL_WALL_CLOSED;
	put_build(status, out);
	gauge(out, "wall_up", NULL, "1 while the kernel verifiably holds the policy.",
	      status->wall == CONTROL_WALL_UP);
	gauge(out, "wall_closed", NULL, "1 while the closed wall stands: nothing passes but who administers.",
	      status->wall == CONTROL_WALL_CLOSED);
	gauge(out, "wall_verified", NULL, "1 when the last comparison with the kernel found no difference.",
	      stands);
	put_policy(status, out);
	gauge(out, "policy_peers", NULL, "Peers in the policy.", status->peers);
	gauge(out, "policy_elements", NULL, "Elements in the sets of the wall.", status->elements);
	gauge(out, "confirm_left_seconds", "seconds", "Left to confirm the policy; 0 when none waits.",
	      status->confirm_seconds);
	gauge(out, "start_time_seconds", "seconds", "When the agent started, since 1970.", status->started_at);
	if (status->verified_at)
		gauge(out, "verified_age_seconds", "seconds",
		      "Since the kernel was last found to hold the policy.",
		      status->now > status->verified_at ? status->now - status->verified_at : 0);
	if (status->applied_at)
		gauge(out, "applied_time_seconds", "seconds", "When the policy was applied, since 1970.",
		      status->applied_at);
	gauge(out, "table_owned", NULL, "1 when the kernel keeps other programs from the tables.",
	      status->owned);
	counter(out, "repairs", "Times that somebody's change of the wall was put right.", status->repairs);
	gauge(out, "access_windows", NULL, "Service windows open now.", status->windows);
	gauge(out, "outside_up", NULL, "1 while the process that reads dropped packets runs.", status->outside);
	counter(out, "drops_heard",
	        "Dropped packets whose records were read: a sample of those that are counted.", status->heard);
	counter(out, "drops_forgotten_rows", "Rows of the list of who was turned away given up for others.",
	        status->forgotten);
	counter(out, "log_suppressed_lines", "Lines about dropped packets that were suppressed.",
	        status->drops_suppressed);
}

static void put_trust(const struct agent *agent, const struct control_status *status, struct metrics *out)
{
	gauge(out, "trust_anchors", NULL, "Whose signed policies are taken; 0: nobody asks for signatures.",
	      (int64_t)agent->trust.anchors);
	gauge(out, "trust_readable", NULL, "0 while nobody can tell who may sign, and no policy is taken.",
	      !agent->trust.unreadable);
	gauge(out, "policy_signed", NULL, "1 while the policy that stands is one signed by a trust anchor.",
	      status->trust == CONTROL_TRUST_SIGNED);
	if (status->not_after)
		gauge(out, "policy_not_after_seconds", "seconds", "When the policy ends, since 1970.",
		      status->not_after);
	if (status->signer_to)
		gauge(out, "signer_not_after_seconds", "seconds",
		      "When the first of the signer's certificates ends, since 1970.", status->signer_to);
	gauge(out, "clock_believed", NULL, "0 while the clock stands before what is known to have been made.",
	      agent->trust.believed);
	counter(out, "policies_refused", "Policies refused for who signed them, or how.",
	        agent->trust.refusals);
}

static void put_ports(const struct agent *agent, struct metrics *out)
{
	struct buffer answer = BUFFER_EMPTY;
	agent_ports_answer(agent, &answer);
	const struct control_port *ports = (const void *)answer.data;
	const size_t count = buffer_failed(&answer) ? 0 : answer.size / sizeof *ports;
	if (count)
		family(out, "port_joined", "gauge", NULL, "1 while a port of --ports is in the bridge.");
	for (size_t i = 0; i < count; i++) {
		if (ports[i].bridge)
			continue;
		buffer_text(out->text, "leadglass_port_joined");
		label(out, "{", "port", ports[i].name);
		buffer_printf(out->text, "} %d\n", ports[i].joined);
	}
	buffer_fini(&answer);
}

static void put_alarms(const struct agent *agent, struct metrics *out)
{
	size_t alarms = agent_alarm_count(agent);
	gauge(out, "alarms", NULL, "Standing complaints of the agent.", (int64_t)alarms);
	gauge(out, "notes", NULL, "What is worth knowing and no complaint.",
	      (int64_t)(agent->alarm_count - alarms));
	if (!alarms)
		return;
	family(out, "alarm_time_seconds", "gauge", "seconds", "Since when an alarm stands, since 1970.");
	for (size_t i = 0; i < agent->alarm_count; i++) {
		if (agent->alarms[i].note)
			continue;
		buffer_text(out->text, "leadglass_alarm_time_seconds");
		label(out, "{", "name", agent->alarms[i].name);
		buffer_printf(out->text, "} %" PRId64 "\n", agent->alarms[i].since);
	}
}

// ---- what was dropped ----

static void put_drop(const struct control_counter *row, const char *name, uint64_t value, struct metrics *out)
{
	buffer_printf(out->text, "leadglass_%s_total", name);
	label(out, "{", "family", row->family);
	label(out, ",", "chain", row->chain);
	label(out, ",", "rule", row->rule);
	buffer_printf(out->text, "} %" PRIu64 "\n", value);
}

static bool same_labels(const struct control_counter *a, const struct control_counter *b)
{
	return strcmp(a->family, b->family) == 0 && strcmp(a->chain, b->chain) == 0 &&
	       strcmp(a->rule, b->rule) == 0;
}

// Rules that read the same are one to whoever reads this, and no sample may be there twice.
static size_t merge_twins(struct control_counter *rows, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;
		while (k < kept && !same_labels(&rows[k], &rows[i]))
			k++;
		if (k == kept) {
			rows[kept++] = rows[i];
			continue;
		}
		rows[k].packets += rows[i].packets;
		rows[k].octets += rows[i].octets;
	}
	return kept;
}

static void put_drops(struct agent *agent, struct metrics *out)
{
	struct buffer answer = BUFFER_EMPTY;
	agent_counters_answer(agent, &answer);
	if (buffer_failed(&answer))
		out->text->failed = true;
	struct control_counter *rows = (struct control_counter *)(void *)answer.data;
	size_t count = rows && !out->text->failed ? merge_twins(rows, answer.size / sizeof *rows) : 0;
	if (count)
		family(out, "dropped_packets", "counter", "packets", "Packets dropped, by the rule that did.");
	for (size_t i = 0; i < count; i++)
		put_drop(&rows[i], "dropped_packets", rows[i].packets, out);
	if (count)
		family(out, "dropped_bytes", "counter", "bytes",
		       "Octets of packets dropped, by the rule that did.");
	for (size_t i = 0; i < count; i++)
		put_drop(&rows[i], "dropped_bytes", rows[i].octets, out);
	buffer_fini(&answer);
}

// ---- peers ----

enum peer_value {
	PEER_PACKETS,
	PEER_BYTES,
	PEER_CONNECTIONS,
	PEER_HEARD,
	PEER_VALUES,
};

static const struct {
	const char *name, *type, *suffix, *unit, *help;
} peer_values[PEER_VALUES] = {
        [PEER_PACKETS] = {"peer_packets", "counter", "_total", "packets",
                          "Packets to and from who the policy names."},
        [PEER_BYTES] = {"peer_bytes", "counter", "_total", "bytes", "Octets to and from who the policy names."},
        [PEER_CONNECTIONS] = {"peer_connections", "counter", "_total", NULL,
                              "New connections since the agent started."},
        [PEER_HEARD] = {"peer_last_heard_seconds", "gauge", "", "seconds",
                        "When a packet was last counted, since 1970; missing before the first."},
};

static const char *kind_name(uint8_t kind)
{
	switch ((enum policy_owner)kind) {
	case POLICY_OWNER_PEER:
		return "peer";
	case POLICY_OWNER_SERVICE:
		return "service";
	case POLICY_OWNER_MANAGE:
		return "manage";
	case POLICY_OWNER_DEVICE:
		return "device";
	case POLICY_OWNER_NONE:
		break;
	}
	return "";
}

// False: nothing is known of it.
static bool peer_value(const struct control_peer *row, enum peer_value value, uint64_t *ret)
{
	switch (value) {
	case PEER_PACKETS:
		*ret = row->packets;
		return row->counted;
	case PEER_BYTES:
		*ret = row->octets;
		return row->counted;
	case PEER_CONNECTIONS:
		*ret = row->connections;
		return true;
	case PEER_HEARD:
		*ret = (uint64_t)row->last_heard;
		return row->last_heard > 0;
	case PEER_VALUES:
		break;
	}
	return false;
}

static void put_peer_value(const struct agent *agent, size_t count, enum peer_value value, struct metrics *out)
{
	bool begun = false;
	for (size_t i = 0; i < count; i++) {
		struct control_peer row;
		uint64_t number;
		agent_peers_row(agent, i, &row);
		if (!peer_value(&row, value, &number))
			continue;
		if (!begun)
			family(out, peer_values[value].name, peer_values[value].type, peer_values[value].unit,
			       peer_values[value].help);
		begun = true;
		buffer_printf(out->text, "leadglass_%s%s", peer_values[value].name, peer_values[value].suffix);
		label(out, "{", "kind", kind_name(row.kind));
		label(out, ",", "name", row.name);
		buffer_printf(out->text, "} %" PRIu64 "\n", number);
	}
}

static void put_peers(const struct agent *agent, struct metrics *out)
{
	size_t all = agent_peers_count(agent), count = all < PEERS_MAX ? all : PEERS_MAX;
	for (int value = 0; value < PEER_VALUES; value++)
		put_peer_value(agent, count, (enum peer_value)value, out);
	gauge(out, "peers_left_out", NULL,
	      "Peers and services beyond the first thousand, which have no samples here.",
	      (int64_t)(all - count));
}

static void put_all(struct agent *agent, struct metrics *out)
{
	struct control_status status;
	agent_status_fill(agent, &status);
	put_wall(&status, out);
	put_trust(agent, &status, out);
	put_ports(agent, out);
	put_alarms(agent, out);
	put_drops(agent, out);
	put_peers(agent, out);
}

void agent_metrics(struct agent *agent, struct buffer *out)
{
	struct metrics metrics = {.text = out};
	put_all(agent, &metrics);
	buffer_text(out, "# EOF\n");
}

// ---- the file ----

// Whole or not at all for whoever reads it; after a power cut it may be the old one or gone, and is written
// again within a minute: not worth wearing out a flash for. Whatever else lies there under the temporary name
// (a pipe that nobody reads, say) is removed first.
void agent_metrics_write(struct agent *agent)
{
	struct buffer text = BUFFER_EMPTY;
	struct metrics metrics = {.text = &text, .older = true};
	if (!agent->options.metrics_file)
		return;
	put_all(agent, &metrics);
	int r = buffer_failed(&text)
	                ? -ENOMEM
	                : file_write_plain(AT_FDCWD, agent->options.metrics_file, text.data, text.size, 0644);
	buffer_fini(&text);
	if (r < 0)
		agent_alarm(agent, "metrics-file", "%s cannot be written: %s", agent->options.metrics_file,
		            strerror(-r));
	else
		agent_alarm_lift(agent, "metrics-file");
}
