// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who was turned away, and why: a mirror of the table that the outside process keeps, with a reason in the
// policy's words beside each row. New rows are logged, those that go on now and then, all at a bounded rate.
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_outside.h"
#include "agent/agent_pace.h"
#include "base/buffer.h"
#include "ruleset/packet.h"

#define LINES_BURST 10
#define LINE_EVERY 6000               // ms, when there have been that many
#define ROW_EVERY (10 * AGENT_MINUTE) // between two lines about one row

struct drops_entry {
	struct drops_row row;
	struct control_drop shown; // ready to be sent
	int64_t logged_at;         // ms; 0: never
	uint64_t logged_count;     // packets that a line has told
};

struct agent_drops {
	struct drops_entry *entries[DROPS_ROWS_MAX];
	int socket;              // asks for names of interfaces
	uint64_t reasons_number; // the policy that the reasons are about
	uint8_t reasons_hash[TRUST_HASH_SIZE];
	struct agent_pace lines;
	uint64_t suppressed, unsaid; // lines in all, and since the last one
	int64_t ticked_at;
};

int agent_drops_open(struct agent *agent)
{
	struct agent_drops *drops = calloc(1, sizeof *drops);
	if (!drops)
		return -ENOMEM;
	drops->lines = (struct agent_pace){.every = LINE_EVERY, .burst = LINES_BURST};
	// Without it interfaces have no names; the rest is as useful.
	drops->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	agent->drops = drops;
	return 0;
}

void agent_drops_close(struct agent *agent)
{
	if (!agent->drops)
		return;
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++)
		free(agent->drops->entries[i]);
	if (agent->drops->socket >= 0)
		close(agent->drops->socket);
	free(agent->drops);
	agent->drops = NULL;
}

// ---- a row as it is shown ----

// "leadglass input spoofed: " is "input spoofed".
static void chain_of(const struct drops_record *record, char ret[static 32])
{
	static const char begin[] = "leadglass ";
	const char *text = record->prefix;
	if (strncmp(text, begin, sizeof begin - 1) == 0)
		text += sizeof begin - 1;
	snprintf(ret, 32, "%.*s", (int)strcspn(text, ":"), text);
	for (char *c = ret; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static void name_interface(const struct agent_drops *drops, uint32_t index, char ret[static 16])
{
	struct ifreq request = {.ifr_ifindex = (int)index};
	ret[0] = '\0';
	if (index == 0)
		return;
	if (drops->socket >= 0 && ioctl(drops->socket, SIOCGIFNAME, &request) == 0)
		snprintf(ret, 16, "%.15s", request.ifr_name);
	else
		snprintf(ret, 16, "#%" PRIu32, index);
}

static void show(const struct agent_drops *drops, struct drops_entry *entry, bool fresh)
{
	const struct drops_row *row = &entry->row;
	const struct drops_record *first = &row->first;
	struct control_drop *shown = &entry->shown;
	if (fresh) {
		*shown = (struct control_drop){.source = first->source, .destination = first->destination};
		shown->protocol = first->protocol;
		shown->icmp_type = first->icmp_type;
		shown->ether_type = first->ether_type;
		chain_of(first, shown->chain);
		if (first->mac_known)
			mac_print(&(struct mac){{first->mac[0], first->mac[1], first->mac[2], first->mac[3],
			                         first->mac[4], first->mac[5]}},
			          shown->mac);
		name_interface(drops, first->in_interface, shown->in_interface);
		name_interface(drops, first->out_interface, shown->out_interface);
	}
	for (size_t i = 0; i < DROPS_PORTS_KEPT; i++)
		shown->ports[i] = i < row->port_count ? row->ports[i] : 0;
	shown->port_count = row->port_count;
	shown->count = row->count;
	shown->first_seen = row->first_seen;
	shown->last_seen = row->last_seen;
}

// ---- reasons ----

static void fill_packet(const struct drops_entry *entry, struct packet *ret)
{
	const struct drops_record *first = &entry->row.first;
	const char *chain = entry->shown.chain;
	bool bridge = strncmp(chain, "bridge", 6) == 0, output = strncmp(chain, "output", 6) == 0;
	bool forward = bridge || strncmp(chain, "forward", 7) == 0;
	bool discovery =
	        first->protocol == IPPROTO_ICMPV6 && first->icmp_type >= 133 && first->icmp_type <= 136;
	uint16_t by_family = first->source.family == ADDRESS_IPV6 ? 0x86dd : 0x0800;
	*ret = (struct packet){
	        .hook = forward  ? HOOK_FORWARD
	                : output ? HOOK_OUTPUT
	                         : HOOK_INPUT,
	        .table = bridge ? RULESET_BRIDGE : RULESET_INET,
	        .ether_type = first->ether_type ? first->ether_type : by_family,
	        .source = first->source,
	        .destination = first->destination,
	        .protocol = first->protocol,
	        .source_port = first->source_port,
	        .destination_port = first->port,
	        .icmp_type = first->icmp_type,
	        // Not in the record. A bridge drops discovery from the link too, others none.
	        .hop_limit = bridge && discovery ? 255 : 64,
	        .spoofed = strstr(chain, "spoofed") != NULL,
	        .ct_state = strstr(chain, "invalid") ? CT_INVALID : CT_NEW,
	        .ct_source = first->source,
	        .ct_destination = first->destination,
	        .ct_protocol = first->protocol,
	        .ct_destination_port = first->port,
	};
	memcpy(ret->in_interface, entry->shown.in_interface, sizeof ret->in_interface);
	memcpy(ret->out_interface, entry->shown.out_interface, sizeof ret->out_interface);
	memcpy(ret->ether_source.octets, first->mac, sizeof first->mac);
	ret->arp_source = ret->ether_source;
	memcpy(ret->arp_format, packet_arp_format, sizeof ret->arp_format);
}

static bool is_icmp_error(const struct drops_record *record)
{
	uint8_t type = record->icmp_type;
	if (record->protocol == IPPROTO_ICMP)
		return type == 3 || type == 11 || type == 12;
	return record->protocol == IPPROTO_ICMPV6 && type >= 1 && type <= 4;
}

// What the record tells too little of to ask the policy; NULL: it can be asked.
static const char *plain_reason(const struct drops_entry *entry)
{
	const struct drops_record *first = &entry->row.first;
	bool invalid = strstr(entry->shown.chain, "invalid") != NULL;
	if (first->source.length == 0 && first->ether_type == 0x0806)
		return strstr(entry->shown.chain, "spoofed")
		               ? "ARP for a device's address from another MAC address"
		               : "ARP is passed for the devices' addresses only";
	if (first->source.length == 0 &&
	    (!first->ether_type || first->ether_type == 0x0800 || first->ether_type == 0x86dd))
		return "only IPv4, IPv6 and ARP can be allowed";
	if (is_icmp_error(first) && !invalid)
		return "an error about a connection that is not allowed";
	return NULL;
}

// A packet that the policy as it stands would let pass was dropped by another, or answers a connection.
static bool ask_as_answer(const struct agent_wall *wall, struct packet *packet, struct outcome *outcome)
{
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return false;
	packet->ct_state = CT_ESTABLISHED;
	packet->ct_reply = true;
	packet->ct_source = packet->destination;
	packet->ct_destination = packet->source;
	packet->ct_destination_port = packet->source_port;
	ruleset_evaluate(&wall->ruleset, packet, outcome);
	return !outcome->accepted;
}

static void give_reason(const struct agent *agent, struct drops_entry *entry)
{
	const struct agent_wall *wall = agent->standing;
	struct buffer text = BUFFER_EMPTY;
	struct packet packet;
	struct outcome outcome;
	const char *plain = plain_reason(entry);
	entry->shown.reason[0] = '\0';
	if (plain || !wall) {
		snprintf(entry->shown.reason, sizeof entry->shown.reason, "%s", plain ? plain : "");
		return;
	}
	fill_packet(entry, &packet);
	ruleset_evaluate(&wall->ruleset, &packet, &outcome);
	if (outcome.accepted) {
		struct packet answer = packet;
		struct outcome of_answer;
		// Refused while the old policy stood, or, where that cannot be, in the other direction.
		if (entry->row.last_seen >= agent->applied_at && ask_as_answer(wall, &answer, &of_answer)) {
			packet = answer;
			outcome = of_answer;
		} else {
			buffer_text(&text, "would pass now: ");
		}
	}
	ruleset_reason(&wall->policy, &wall->ruleset, &packet, &outcome, &text);
	if (!buffer_failed(&text) && text.data)
		snprintf(entry->shown.reason, sizeof entry->shown.reason, "%s", text.data);
	buffer_fini(&text);
}

// Reasons are the standing policy's.
static void renew_reasons(struct agent *agent)
{
	struct agent_drops *drops = agent->drops;
	const struct agent_wall *wall = agent->standing;
	if (!wall || (wall->number == drops->reasons_number &&
	              memcmp(wall->hash, drops->reasons_hash, sizeof wall->hash) == 0))
		return;
	drops->reasons_number = wall->number;
	memcpy(drops->reasons_hash, wall->hash, sizeof wall->hash);
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++)
		if (drops->entries[i])
			give_reason(agent, drops->entries[i]);
}

// ---- the log ----

static void add_ports(const struct control_drop *shown, struct buffer *out)
{
	size_t named = shown->port_count < DROPS_PORTS_KEPT ? shown->port_count : DROPS_PORTS_KEPT;
	for (size_t i = 0; i < named; i++)
		buffer_printf(out, "%s%u", i ? "," : "", shown->ports[i]);
	if (shown->port_count > named)
		buffer_printf(out, " and %" PRIu32 " more", shown->port_count - (uint32_t)named);
}

static const char *protocol_name(const struct control_drop *shown, char text[static 24])
{
	if (shown->source.length == 0) {
		snprintf(text, 24, "frame 0x%04x", shown->ether_type);
		return shown->ether_type == 0x0806 ? "arp" : text;
	}
	switch (shown->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		snprintf(text, 24, "%s/%u", shown->protocol == IPPROTO_ICMP ? "icmp" : "icmpv6",
		         shown->icmp_type);
		return text;
	}
	snprintf(text, 24, "protocol %u", shown->protocol);
	return text;
}

// Who, to whom and what: "10.20.9.9 to 10.20.1.10 tcp 22,80".
static void add_flow(const struct control_drop *shown, struct buffer *out)
{
	char source[PREFIX_TEXT_MAX], destination[PREFIX_TEXT_MAX], protocol[24];
	if (shown->source.length)
		buffer_printf(out, "%s to %s ", prefix_print(&shown->source, source),
		              prefix_print(&shown->destination, destination));
	else if (shown->mac[0])
		buffer_printf(out, "%s ", shown->mac);
	buffer_text(out, protocol_name(shown, protocol));
	if (shown->port_count) {
		buffer_text(out, " ");
		add_ports(shown, out);
	}
}

static void write_line(struct agent *agent, const struct drops_entry *entry)
{
	const struct control_drop *shown = &entry->shown;
	struct buffer flow = BUFFER_EMPTY, ports = BUFFER_EMPTY;
	char source[PREFIX_TEXT_MAX] = "", destination[PREFIX_TEXT_MAX] = "", protocol[24], count[24],
	     more[64] = "";
	uint64_t unsaid = agent->drops->unsaid;
	add_flow(shown, &flow);
	add_ports(shown, &ports);
	if (buffer_failed(&flow) || buffer_failed(&ports) || !flow.data) {
		buffer_fini(&flow);
		buffer_fini(&ports);
		return;
	}
	if (shown->source.length) {
		prefix_print(&shown->source, source);
		prefix_print(&shown->destination, destination);
	}
	snprintf(count, sizeof count, "%" PRIu64, shown->count);
	if (unsaid)
		snprintf(more, sizeof more, " (%" PRIu64 " lines were suppressed before)", unsaid);
	struct agent_field fields[] = {
	        {"src", source},
	        {"dst", destination},
	        {"proto", protocol_name(shown, protocol)},
	        {"ports", ports.data ? ports.data : ""},
	        {"count", count},
	        {"chain", shown->chain},
	        {"iif", shown->in_interface},
	        {"oif", shown->out_interface},
	        {"mac", shown->mac},
	        {"reason", shown->reason},
	};
	agent_log(agent, LOG_NOTICE, "DROP", fields, sizeof fields / sizeof *fields,
	          "turned away: %s%s%s, %s: %s%s", flow.data, shown->count > 1 ? ", packets: " : "",
	          shown->count > 1 ? count : "", shown->chain, shown->reason, more);
	agent->drops->unsaid = 0;
	buffer_fini(&flow);
	buffer_fini(&ports);
}

// A line on its way to a collector: a line about it would be the next to be turned away. An alarm stands.
static bool is_our_log(const struct agent *agent, const struct drops_entry *entry)
{
	const struct drops_record *first = &entry->row.first;
	return strncmp(entry->shown.chain, "output", 6) == 0 &&
	       agent_outside_is_collector(agent, &first->destination, first->protocol, first->port);
}

// A line about the row, when there may be one.
static void log_entry(struct agent *agent, struct drops_entry *entry, int64_t now)
{
	struct agent_drops *drops = agent->drops;
	entry->logged_at = now;
	entry->logged_count = entry->row.count;
	if (is_our_log(agent, entry))
		return;
	if (agent_pace_take(&drops->lines, now)) {
		write_line(agent, entry);
		return;
	}
	drops->suppressed++;
	drops->unsaid++;
}

static bool is_due(const struct drops_entry *entry, int64_t now)
{
	return entry->row.count > entry->logged_count && now - entry->logged_at >= ROW_EVERY;
}

// ---- from the outside ----

static bool is_address(const struct prefix *prefix)
{
	return prefix->length == 0 || (prefix->family == ADDRESS_IPV4 && prefix->length == 32) ||
	       (prefix->family == ADDRESS_IPV6 && prefix->length == 128);
}

// The process that says it reads packets and may have been taken over by one.
static bool is_sound(const struct drops_row *row)
{
	const struct drops_record *first = &row->first;
	return memchr(first->prefix, '\0', sizeof first->prefix) && is_address(&first->source) &&
	       is_address(&first->destination) && first->source.family == first->destination.family &&
	       first->source.family <= ADDRESS_IPV6 &&
	       (first->source.length == 0) == (first->destination.length == 0);
}

static bool is_same(const struct drops_row *a, const struct drops_row *b)
{
	return a->first_seen == b->first_seen && a->count <= b->count &&
	       a->first.protocol == b->first.protocol && prefix_equal(&a->first.source, &b->first.source) &&
	       prefix_equal(&a->first.destination, &b->first.destination) &&
	       strcmp(a->first.prefix, b->first.prefix) == 0;
}

void agent_drops_row(struct agent *agent, size_t index, const struct drops_row *row)
{
	struct agent_drops *drops = agent->drops;
	if (!drops || index >= DROPS_ROWS_MAX || !is_sound(row))
		return;
	struct drops_entry *entry = drops->entries[index];
	bool fresh = !entry || !is_same(&entry->row, row);
	if (!entry)
		entry = drops->entries[index] = malloc(sizeof *entry);
	if (!entry)
		return;
	if (fresh)
		*entry = (struct drops_entry){0};
	entry->row = *row;
	show(drops, entry, fresh);
	renew_reasons(agent);
	if (fresh)
		give_reason(agent, entry);
	int64_t now = agent_now();
	if (fresh || is_due(entry, now))
		log_entry(agent, entry, now);
	agent_tell_followers(agent, &entry->shown);
}

void agent_drops_answer(struct agent *agent, struct buffer *out)
{
	if (!agent->drops)
		return;
	renew_reasons(agent);
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++)
		if (agent->drops->entries[i])
			buffer_add(out, &agent->drops->entries[i]->shown,
			           sizeof agent->drops->entries[i]->shown);
}

uint64_t agent_drops_suppressed(const struct agent *agent)
{
	return agent->drops ? agent->drops->suppressed : 0;
}

int64_t agent_drops_next(const struct agent *agent)
{
	const struct agent_drops *drops = agent->drops;
	int64_t next = AGENT_NEVER;
	if (!drops)
		return next;
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++) {
		const struct drops_entry *entry = drops->entries[i];
		if (entry && entry->row.count > entry->logged_count && entry->logged_at + ROW_EVERY < next)
			next = entry->logged_at + ROW_EVERY;
	}
	if (drops->unsaid && agent_pace_next(&drops->lines) < next)
		next = agent_pace_next(&drops->lines);
	if (next == AGENT_NEVER)
		return next;
	return next > drops->ticked_at + AGENT_MINUTE ? next : drops->ticked_at + AGENT_MINUTE;
}

static void log_unsaid(struct agent *agent, int64_t now)
{
	struct agent_drops *drops = agent->drops;
	char count[24];
	if (!drops->unsaid || !agent_pace_take(&drops->lines, now))
		return;
	snprintf(count, sizeof count, "%" PRIu64, drops->unsaid);
	struct agent_field fields[] = {{"suppressed", count}};
	agent_log(agent, LOG_NOTICE, "DROP", fields, 1,
	          "turned away: %s lines were suppressed; leadglass drops shows "
	          "who it was",
	          count);
	drops->unsaid = 0;
}

void agent_drops_tick(struct agent *agent, int64_t now)
{
	struct agent_drops *drops = agent->drops;
	if (!drops || now < agent_drops_next(agent))
		return;
	drops->ticked_at = now;
	renew_reasons(agent);
	for (size_t i = 0; i < DROPS_ROWS_MAX; i++)
		if (drops->entries[i] && is_due(drops->entries[i], now))
			log_entry(agent, drops->entries[i], now);
	log_unsaid(agent, now);
}
