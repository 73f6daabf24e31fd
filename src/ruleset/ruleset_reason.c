// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why the wall said what it said, in the policy's words. Every sentence is a fact of the policy or of the
// packet that was checked here, not a guess from the verdict.
#include "ruleset/ruleset_reason.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"
#include "ruleset/ruleset_spell.h"

void reason_place(const struct policy *policy, source_pos at, struct buffer *out)
{
	struct source_place place;
	if (source_locate(&policy->sources, at, &place) == 0)
		buffer_printf(out, " (%s:%u)", place.file, place.line);
}

void reason_word(const struct word *word, struct buffer *out)
{
	buffer_add(out, word->text, word->size);
}

void reason_address(const struct prefix *address, struct buffer *out)
{
	char text[PREFIX_TEXT_MAX];
	buffer_text(out, prefix_print(address, text));
}

// Between items of a list of which at most LISTED_MAX are named. False: enough.
#define LISTED_MAX 4
static bool next_listed(uint32_t i, uint32_t count, struct buffer *out)
{
	if (i == LISTED_MAX && count > LISTED_MAX) {
		buffer_printf(out, " or %u more", count - LISTED_MAX);
		return false;
	}
	if (i > 0)
		buffer_text(out, i + 1 == count ? " or " : ", ");
	return true;
}

void reason_span(const struct policy *policy, struct span prefixes, struct buffer *out)
{
	for (uint32_t i = 0; i < prefixes.count && next_listed(i, prefixes.count, out); i++)
		reason_address(&policy->prefixes[prefixes.first + i].prefix, out);
}

void reason_ports(const struct policy *policy, struct span ports, struct buffer *out)
{
	for (uint32_t i = 0; i < ports.count && next_listed(i, ports.count, out); i++) {
		const struct policy_ports *p = &policy->ports[ports.first + i];
		buffer_printf(out, p->first == p->last ? "%u" : "%u-%u", p->first, p->last);
	}
}

void reason_device(const struct question *q, struct buffer *out)
{
	if (q->device && q->policy->role != POLICY_ROLE_HOST)
		reason_word(&q->device->name, out);
	else
		buffer_text(out, "the device");
}

const struct policy_device *reason_find_device(const struct policy *policy, const struct prefix *address)
{
	for (size_t i = 0; i < policy->device_count; i++)
		for (uint32_t k = 0; k < policy->devices[i].addresses.count; k++)
			if (prefix_equal(&policy->prefixes[policy->devices[i].addresses.first + k].prefix,
			                 address))
				return &policy->devices[i];
	return NULL;
}

bool reason_covers(const struct policy *policy, struct span prefixes, const struct prefix *address)
{
	for (uint32_t i = 0; i < prefixes.count; i++)
		if (prefix_contains(&policy->prefixes[prefixes.first + i].prefix, address))
			return true;
	return false;
}

bool reason_has_port(const struct policy *policy, struct span ports, uint16_t port)
{
	for (uint32_t i = 0; i < ports.count; i++)
		if (policy->ports[ports.first + i].first <= port && port <= policy->ports[ports.first + i].last)
			return true;
	return false;
}

bool reason_peer_has_device(const struct policy *policy, const struct policy_peer *peer,
                            const struct policy_device *device)
{
	if (!device || peer->devices.count == 0)
		return true;
	for (uint32_t i = 0; i < peer->devices.count; i++)
		if (&policy->devices[policy->device_refs[peer->devices.first + i]] == device)
			return true;
	return false;
}

bool reason_device_port(const struct question *q, const struct policy_peer *peer, uint16_t port)
{
	const struct policy *policy = q->policy;
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];
		if (q->device && device != q->device)
			continue;
		if (reason_peer_has_device(policy, peer, device) &&
		    reason_has_port(policy, device->ports, port))
			return true;
	}
	return false;
}

// Which end is the protected one. On the box itself the hook tells; what crosses it concerns a device, and one
// of the ends should be one.
static struct question ask(const struct policy *policy, const struct packet *packet, struct buffer *out)
{
	struct question q = {.policy = policy, .packet = packet, .out = out};
	bool host = policy->role == POLICY_ROLE_HOST;
	if (packet->hook == HOOK_FORWARD) {
		const struct policy_device *client = reason_find_device(policy, &packet->ct_source);
		const struct policy_device *server = reason_find_device(policy, &packet->ct_destination);
		q.inbound = !client && server;
		q.device = client ? client : server;
		q.devices = true;
	} else {
		q.inbound = (packet->hook == HOOK_INPUT) != packet->ct_reply;
		q.devices = host;
		q.box = true;
	}
	q.local = q.inbound ? &packet->ct_destination : &packet->ct_source;
	q.remote = q.inbound ? &packet->ct_source : &packet->ct_destination;
	if (host)
		q.device = reason_find_device(policy, q.local);
	return q;
}

static bool rule_asks(const struct outcome *outcome, enum ruleset_field field)
{
	const struct ruleset_rule *rule = outcome->rule;
	for (size_t i = 0; rule && i < rule->count; i++)
		if (rule->statements[i].kind == STATEMENT_COMPARE && rule->statements[i].compare.field == field)
			return true;
	return false;
}

static void say_protocol(const struct packet *p, struct buffer *out)
{
	bool icmp = p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
	const char *name = ruleset_spell_protocol(p->protocol);
	if (name)
		buffer_text(out, name);
	else
		buffer_printf(out, "protocol %u", p->protocol);
	if (!icmp)
		return;
	const char *type = ruleset_spell_icmp(p->protocol == IPPROTO_ICMPV6, p->icmp_type);
	if (type)
		buffer_printf(out, " %s", type);
	else
		buffer_printf(out, " type %u", p->icmp_type);
}

// "10.20.1.10 -> 10.20.0.5 tcp 104"
static void say_connection(const struct packet *p, struct buffer *out)
{
	reason_address(&p->ct_source, out);
	buffer_text(out, " -> ");
	reason_address(&p->ct_destination, out);
	const char *name = ruleset_spell_protocol(p->ct_protocol);
	if (name)
		buffer_printf(out, " %s", name);
	else
		buffer_printf(out, " protocol %u", p->ct_protocol);
	if (p->ct_protocol == IPPROTO_TCP || p->ct_protocol == IPPROTO_UDP)
		buffer_printf(out, " %u", p->ct_destination_port);
}

// ---- accepted ----

static bool device_calls_peer(const struct question *q, const struct policy_peer *peer)
{
	return !q->inbound && peer->initiates && reason_peer_has_device(q->policy, peer, q->device) &&
	       reason_covers(q->policy, peer->addresses, q->remote) &&
	       reason_has_port(q->policy, peer->ports, q->packet->ct_destination_port);
}

static void accepted_peer(struct question *q, const struct policy_peer *peer, source_pos at)
{
	bool calls = device_calls_peer(q, peer);
	if (!calls && q->packet->hook == HOOK_FORWARD &&
	    q->device) { // both ends are devices and one is a peer too
		const struct policy_device *server = reason_find_device(q->policy, &q->packet->ct_destination);
		q->device = server ? server : q->device;
	}
	if (calls)
		reason_device(q, q->out);
	else
		reason_word(&peer->name, q->out);
	buffer_text(q->out, " may call ");
	if (calls)
		reason_word(&peer->name, q->out);
	else
		reason_device(q, q->out);
	buffer_printf(q->out, " on %u", q->packet->ct_destination_port);
	reason_place(q->policy, at, q->out);
}

static void accepted_by_owner(struct question *q, uint32_t owner, source_pos at)
{
	const struct policy *policy = q->policy;
	size_t index = RULESET_OWNER_INDEX(owner);
	switch (RULESET_OWNER_KIND(owner)) {
	case POLICY_OWNER_PEER:
		accepted_peer(q, &policy->peers[index], at);
		return;
	case POLICY_OWNER_SERVICE:
		buffer_text(q->out, "service ");
		reason_word(&policy->services[index].name, q->out);
		buffer_text(q->out, " allows it");
		reason_place(policy, at, q->out);
		return;
	case POLICY_OWNER_MANAGE:
		reason_address(q->remote, q->out);
		buffer_printf(q->out, " may manage the box on %u", q->packet->ct_destination_port);
		reason_place(policy, at, q->out);
		return;
	case POLICY_OWNER_DEVICE:
		buffer_text(q->out, q->packet->ether_type == 0x0806
		                            ? "ARP is passed for the address of "
		                            : "neighbour discovery is passed for the address of ");
		reason_word(&policy->devices[index].name, q->out);
		reason_place(policy, at, q->out);
		return;
	case POLICY_OWNER_NONE:
		return;
	}
}

static void say_left(uint64_t ms, struct buffer *out)
{
	uint64_t minutes = ms / 60000;
	if (minutes >= 120)
		buffer_printf(out, "%" PRIu64 " hours", minutes / 60);
	else if (minutes >= 2)
		buffer_printf(out, "%" PRIu64 " minutes", minutes);
	else
		buffer_printf(out, "%" PRIu64 " seconds", ms / 1000);
}

// An element of a timed set let it through; the policy says nothing of it.
static void accepted_window(const struct question *q, const struct outcome *outcome)
{
	const struct ruleset_set *set = outcome->set;
	const struct ruleset_detail *detail = set->details ? &set->details[outcome->element] : NULL;
	buffer_text(q->out, "a service window is open for ");
	reason_address(&q->packet->ct_source, q->out);
	buffer_text(q->out, " to ");
	const struct policy_device *device = reason_find_device(q->policy, &q->packet->ct_destination);
	if (q->policy->role == POLICY_ROLE_HOST)
		buffer_text(q->out, "the device");
	else if (set->type_count < 3) // the key has no second address
		buffer_text(q->out, "the box");
	else if (device)
		reason_word(&device->name, q->out);
	else
		reason_address(&q->packet->ct_destination, q->out);
	buffer_printf(q->out, " on %u", q->packet->ct_destination_port);
	if (detail && detail->expires) {
		buffer_text(q->out, ", for ");
		say_left(detail->left_ms, q->out);
		buffer_text(q->out, " more");
	}
	if (detail && detail->comment)
		buffer_printf(q->out, " (%s)", detail->comment);
}

// "the policy passes eapol on (policy.conf:12)"
static void accepted_frame(const struct question *q, const struct outcome *outcome)
{
	const struct policy *policy = q->policy;
	source_pos at = outcome->rule->origin.at;
	for (enum policy_frame frame = 0; frame < POLICY_FRAME_COUNT; frame++)
		if (policy->pass_at[frame] == at)
			buffer_printf(q->out, "the policy passes %s on", policy_frame_name(frame));
	reason_place(policy, at, q->out);
}

static void reason_accepted(struct question *q, const struct outcome *outcome)
{
	const struct packet *p = q->packet;
	struct ruleset_origin origin = {0};
	if (!outcome->chain) {
		buffer_text(q->out, "the wall has no chain that sees it");
		return;
	}
	if (!outcome->rule) {
		buffer_printf(q->out, "no rule of chain %s takes it, and the chain accepts",
		              outcome->chain->name);
		return;
	}
	if (rule_asks(outcome, FIELD_IIF) || rule_asks(outcome, FIELD_OIF)) {
		buffer_text(q->out, "loopback is always open");
		return;
	}
	origin = outcome->rule->origin;
	if (outcome->set && outcome->set->origins && outcome->set->origins[outcome->element].owner)
		origin = outcome->set->origins[outcome->element];
	if (p->ct_state & CT_RELATED) {
		buffer_text(q->out, "an error about ");
		say_connection(p, q->out);
		buffer_text(q->out, ": ");
	} else if (p->ct_reply) {
		buffer_text(q->out, "it answers ");
		say_connection(p, q->out);
		buffer_text(q->out, ": ");
	}
	if (outcome->set && outcome->set->timed)
		accepted_window(q, outcome);
	else if (RULESET_OWNER_KIND(origin.owner) != POLICY_OWNER_NONE)
		accepted_by_owner(q, origin.owner, origin.at);
	else if (p->ether_type != 0x0800 && p->ether_type != 0x86dd && outcome->rule->origin.at)
		accepted_frame(q, outcome);
	else if (p->protocol == IPPROTO_ICMPV6 && p->icmp_type >= 133 && p->icmp_type <= 136 &&
	         p->table == RULESET_BRIDGE)
		buffer_printf(q->out, "%s is passed for all, where a device has an IPv6 address%s",
		              p->icmp_type <= 134 ? "looking for routers"
		                                  : "discovery of link-local neighbours",
		              p->icmp_type <= 134 ? "" : " and no mac line");
	else if (p->protocol == IPPROTO_ICMPV6 && p->icmp_type >= 133 && p->icmp_type <= 136)
		buffer_text(q->out, "IPv6 neighbour discovery from the link itself is always open");
	else
		buffer_printf(q->out, "rule \"%s\"", outcome->rule->comment ? outcome->rule->comment : "");
}

// ---- dropped ----

static bool is_error_accepted(const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMP)
		return p->icmp_type == 3 || p->icmp_type == 11 || p->icmp_type == 12;
	return p->protocol == IPPROTO_ICMPV6 && p->icmp_type >= 1 && p->icmp_type <= 4;
}

static void reason_related(const struct question *q)
{
	if (q->packet->protocol != IPPROTO_ICMP && q->packet->protocol != IPPROTO_ICMPV6) {
		buffer_text(q->out,
		            "only ICMP errors count as related; a connection must be allowed by itself");
		return;
	}
	if (!is_error_accepted(q->packet)) {
		say_protocol(q->packet, q->out);
		buffer_text(q->out, " is not among the errors that connections need");
		return;
	}
	if (q->packet->ct_protocol != IPPROTO_TCP && q->packet->ct_protocol != IPPROTO_UDP) {
		buffer_text(q->out, "errors are let in about tcp and udp, not about ");
		say_connection(q->packet, q->out);
		return;
	}
	buffer_text(q->out, "an error about ");
	say_connection(q->packet, q->out);
	buffer_text(q->out, ", which is not allowed: ");
	reason_flow(q);
}

static void reason_dropped(const struct question *q, const struct outcome *outcome)
{
	const struct packet *p = q->packet;
	if (rule_asks(outcome, FIELD_FIB_REVERSE)) {
		buffer_text(q->out, "spoofed: the way back to ");
		reason_address(&p->source, q->out);
		buffer_text(q->out, " is not through the interface it came by");
		return;
	}
	if (reason_link(q, outcome))
		return;
	if (p->hook == HOOK_FORWARD && q->policy->role == POLICY_ROLE_HOST) {
		buffer_text(q->out, "role host forwards nothing");
		reason_place(q->policy, q->policy->role_at, q->out);
		return;
	}
	if (rule_asks(outcome, FIELD_CT_STATE) || (p->ct_state & CT_INVALID)) {
		buffer_text(q->out, "invalid: conntrack knows no connection this ");
		say_protocol(p, q->out);
		buffer_text(q->out, " packet belongs to, and it may begin none");
		return;
	}
	if (p->ct_state & CT_UNTRACKED) {
		buffer_text(q->out, "nothing that conntrack does not follow passes, but neighbour discovery");
		return;
	}
	if (p->ct_state & CT_RELATED) {
		reason_related(q);
		return;
	}
	if (p->ct_reply) {
		buffer_text(q->out, "it answers ");
		say_connection(p, q->out);
		buffer_text(q->out, ", which is not allowed: ");
	} else if (p->ct_state & CT_ESTABLISHED) {
		buffer_text(q->out, "established is not enough, the policy is asked for every packet: ");
	}
	reason_flow(q);
}

// Drop records do not tell answers from calls, and a flow copied from one lacks the word.
static void hint_reply(const struct question *q, const struct ruleset *ruleset)
{
	struct packet answer = *q->packet;
	struct outcome outcome;
	bool may_answer = answer.ct_state == CT_NEW || (answer.ct_state == CT_ESTABLISHED && !answer.ct_reply);
	if (!answer.source_port_given || !may_answer)
		return;
	answer.ct_state = CT_ESTABLISHED;
	answer.ct_reply = true;
	answer.ct_source = answer.destination;
	answer.ct_destination = answer.source;
	answer.ct_destination_port = answer.source_port;
	ruleset_evaluate(ruleset, &answer, &outcome);
	if (!outcome.accepted)
		return;
	buffer_text(q->out, "; if this answers ");
	say_connection(&answer, q->out);
	buffer_text(q->out, ", add the word: reply");
}

void ruleset_reason(const struct policy *policy, const struct ruleset *ruleset, const struct packet *packet,
                    const struct outcome *outcome, struct buffer *out)
{
	struct question q = ask(policy, packet, out);
	if (outcome->accepted) {
		reason_accepted(&q, outcome);
		return;
	}
	reason_dropped(&q, outcome);
	hint_reply(&q, ruleset);
}
