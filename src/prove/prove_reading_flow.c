// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sentences of leadglass-policy(5) about connections: what a policy grants, errors about it, DHCP, and what
// the box says and hears.
#include <netinet/in.h>

#include "prove/prove_reading.h"

static const uint8_t client_ports[2][2] = {{0, 68}, {0x02, 0x22}}, server_ports[2][2] = {{0, 67}, {0x02, 0x23}};
// Destination unreachable, packet too big, time exceeded, parameter problem.
static const uint8_t errors4[] = {3, 11, 12}, errors6[] = {1, 2, 3, 4};
static const uint8_t loopback[PROVE_VALUE_MAX] = "lo";

// ---- what sentences are made of ----

void prove_sentence_end(struct prove_question *q, bool accepts, const char *text)
{
	if (!q->error && !q->never)
		q->rules[q->rule_count].sentence = text;
	prove_rule_end(q, accepts ? VERDICT_ACCEPT : VERDICT_DROP, 0);
}

void prove_ask_rows(struct prove_question *q, const struct prove_rows *rows, enum prove_variable a,
                    enum prove_variable b, enum prove_variable c)
{
	const enum prove_variable variables[PROVE_PARTS_MAX] = {a, b, c};
	if (rows->relation.count == 0)
		prove_ask_never(q);
	else
		prove_ask(q, &rows->relation, variables, false);
}

static const uint8_t *octet(uint8_t value)
{
	static const uint8_t values[256] = {
#define FOUR(n) n, (n) + 1, (n) + 2, (n) + 3
#define SIXTEEN(n) FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)
#define SIXTY_FOUR(n) SIXTEEN(n), SIXTEEN((n) + 16), SIXTEEN((n) + 32), SIXTEEN((n) + 48)
	        SIXTY_FOUR(0), SIXTY_FOUR(64), SIXTY_FOUR(128), SIXTY_FOUR(192)};
	return &values[value];
}

void prove_ask_octet(struct prove_question *q, enum prove_variable variable, uint8_t value)
{
	prove_ask_value(q, variable, octet(value), 1, false);
}

void prove_ask_types(struct prove_question *q, const uint8_t *types, size_t count)
{
	struct prove_relation relation = {.rows = types, .count = count, .stride = 1, .parts = 1, .sizes = {1}};
	enum prove_variable variable = PROVE_ICMP_TYPE;
	prove_ask(q, &relation, &variable, false);
}

static bool is_icmp(const struct prove_shape *shape)
{
	return shape->protocol == (shape->family == ADDRESS_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

// ---- connections ----

// The connection is one that is granted. `kind` is what it is; its protocol was asked for.
static void say_granted(const struct prove_reading *r, const struct prove_shape *shape, enum prove_whose whose,
                        bool inbound, enum prove_kind kind, struct prove_question *q, const char *text)
{
	const struct prove_grants *grants = &r->grants[whose][inbound][shape->family][kind];
	bool related = prove_state_related(shape->state);
	for (int tied = 0; tied < 2; tied++) {
		enum prove_variable far = inbound ? shape->client : shape->server,
		                    near = inbound ? shape->server : shape->client;
		prove_rule_begin(q);
		if (related) // a ping has no errors
			prove_ask_octet(q, PROVE_QUOTED_PROTOCOL,
			                kind == PROVE_TCP ? IPPROTO_TCP : IPPROTO_UDP);
		if (related)
			prove_ask_types(q, shape->family == ADDRESS_IPV4 ? errors4 : errors6,
			                shape->family == ADDRESS_IPV4 ? sizeof errors4 : sizeof errors6);
		if (tied)
			prove_ask_rows(q, &grants->tied, far, near, shape->called);
		else
			prove_ask_rows(q, &grants->loose, far, shape->called, PROVE_ABSENT);
		prove_sentence_end(q, true, text);
	}
}

// Echo, asked by who may ask; the answer to it goes the other way.
static void say_ping(const struct prove_reading *r, const struct prove_shape *shape, enum prove_whose whose,
                     bool inbound, struct prove_question *q)
{
	const struct prove_grants *grants = &r->grants[whose][inbound][shape->family][PROVE_PING];
	uint8_t request = shape->family == ADDRESS_IPV4 ? 8 : 128,
	        reply = shape->family == ADDRESS_IPV4 ? 0 : 129;
	for (int tied = 0; tied < 2; tied++) {
		prove_rule_begin(q);
		prove_ask_octet(q, PROVE_ICMP_TYPE, shape->state == PROVE_REPLY ? reply : request);
		if (tied)
			prove_ask_rows(q, &grants->tied, inbound ? shape->client : shape->server,
			               inbound ? shape->server : shape->client, PROVE_ABSENT);
		else
			prove_ask_rows(q, &grants->loose, inbound ? shape->client : shape->server, PROVE_ABSENT,
			               PROVE_ABSENT);
		prove_sentence_end(q, true, "a ping that the policy grants");
	}
}

void prove_sentences_grants(const struct prove_reading *r, const struct prove_shape *shape,
                            enum prove_whose whose, bool inbound, struct prove_question *q)
{
	if (prove_state_related(shape->state)) {
		for (enum prove_kind kind = PROVE_TCP; kind <= PROVE_UDP; kind++)
			say_granted(r, shape, whose, inbound, kind, q,
			            "an error about a connection that the policy grants");
	} else if (shape->protocol == IPPROTO_TCP) {
		say_granted(r, shape, whose, inbound, PROVE_TCP, q, "a connection that the policy grants");
	} else if (shape->protocol == IPPROTO_UDP) {
		say_granted(r, shape, whose, inbound, PROVE_UDP, q, "datagrams that the policy grants");
	} else if (is_icmp(shape)) {
		say_ping(r, shape, whose, inbound, q);
	}
}

// Who manages the box. What passes has to pass through the interfaces given; an error about it may come another
// way, for it is the connection that has to be allowed.
static void say_manage(const struct prove_reading *r, const struct prove_shape *shape, struct prove_question *q)
{
	bool related = prove_state_related(shape->state) && is_icmp(shape),
	     four = shape->family == ADDRESS_IPV4;
	if (!related && shape->protocol != IPPROTO_TCP)
		return;
	prove_rule_begin(q);
	if (related) {
		prove_ask_octet(q, PROVE_QUOTED_PROTOCOL, IPPROTO_TCP);
		prove_ask_types(q, four ? errors4 : errors6, four ? sizeof errors4 : sizeof errors6);
	} else if (r->policy->manage.interfaces.count) {
		prove_ask_rows(q, &r->manage_interfaces,
		               shape->hook == HOOK_INPUT ? PROVE_IN_INTERFACE : PROVE_OUT_INTERFACE,
		               PROVE_ABSENT, PROVE_ABSENT);
	}
	prove_ask_rows(q, &r->manage[shape->family], shape->client, shape->called, PROVE_ABSENT);
	prove_sentence_end(q, true, related ? "an error about who manages the box" : "who manages the box");
}

// Connections that a conntrack helper of somebody else's expects are nothing the policy knows; but whoever
// manages the box was let in before.
bool prove_sentences_state(const struct prove_shape *shape, struct prove_question *q)
{
	bool expected = prove_state_related(shape->state) && !is_icmp(shape);
	if (prove_state_tracked(shape->state) && !expected)
		return false;
	prove_rule_begin(q);
	prove_sentence_end(q, false,
	                   expected ? "only errors are related to a connection that is granted"
	                            : "it belongs to no connection and begins none");
	return true;
}

// ---- DHCP (RFC 2131 4.1, RFC 8415 7.2), as a client: judged by its ports and by who is asked and answers ----

static void say_dhcp(const struct prove_shape *shape, bool answer, const struct prove_relation *who,
                     struct prove_question *q)
{
	enum prove_variable end = answer ? PROVE_SOURCE : shape->destination;
	enum prove_variable server = answer ? PROVE_SOURCE_PORT : PROVE_DESTINATION_PORT;
	enum prove_variable client = answer ? PROVE_DESTINATION_PORT : PROVE_SOURCE_PORT;
	prove_rule_begin(q);
	prove_ask_value(q, client, client_ports[shape->family], 2, false);
	prove_ask_value(q, server, server_ports[shape->family], 2, false);
	if (who)
		prove_ask(q, who, &end, false);
	prove_sentence_end(q, true, answer ? "a DHCP server's answer" : "asking a DHCP server");
}

void prove_sentences_dhcp(const struct prove_reading *r, const struct prove_shape *shape,
                          enum prove_whose whose, struct prove_question *q)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};
	static const uint8_t servers6[16] = {0xff, 0x02, [13] = 1, [15] = 2}; // ff02::1:2
	static const uint8_t link[2][16] = {{0xfe, 0x80}, {0xfe, 0xbf, [2 ... 15] = 0xff}};
	static const struct prove_relation all4 = {.rows = broadcast, .count = 1, .parts = 1, .sizes = {4}},
	                                   all6 = {.rows = servers6, .count = 1, .parts = 1, .sizes = {16}},
	                                   on_link = {.rows = link[0],
	                                              .count = 1,
	                                              .last = 16,
	                                              .parts = 1,
	                                              .sizes = {16}};
	bool four = shape->family == ADDRESS_IPV4;
	const struct prove_relation *named = &r->servers[whose][shape->family].relation;
	if (!r->dhcp[whose] || shape->protocol != IPPROTO_UDP)
		return;
	if (shape->hook != HOOK_INPUT) {
		say_dhcp(shape, false, four ? &all4 : &all6, q);
		if (named->count)
			say_dhcp(shape, false, named, q);
	}
	if (shape->hook == HOOK_OUTPUT)
		return;
	if (named->count)
		say_dhcp(shape, true, named, q);
	if (!four)
		say_dhcp(shape, true, &on_link, q);
	else if (!named->count)
		say_dhcp(shape, true, NULL, q);
}

// ---- the box, or in role host the device ----

// RFC 4861: 133 and 135 ask, 134 and 136 tell. A host looks for routers and is told of them, never the reverse.
static void say_discovery(const struct prove_reading *r, const struct prove_shape *shape,
                          struct prove_question *q)
{
	static const uint8_t all[] = {133, 134, 135, 136}, in[] = {134, 135, 136}, out[] = {133, 135, 136};
	bool host = r->policy->role == POLICY_ROLE_HOST;
	if (shape->family != ADDRESS_IPV6 || shape->protocol != IPPROTO_ICMPV6)
		return;
	prove_rule_begin(q);
	prove_ask_octet(q, PROVE_HOP_LIMIT, 255);
	if (host)
		prove_ask_types(q, shape->hook == HOOK_INPUT ? in : out, sizeof in);
	else
		prove_ask_types(q, all, sizeof all);
	prove_sentence_end(q, true, "IPv6 neighbour discovery");
}

static void say_spoofed(struct prove_question *q)
{
	prove_rule_begin(q);
	prove_ask_octet(q, PROVE_REVERSE, 0);
	prove_sentence_end(q, false, "its source is not reached through the interface it came by");
}

static void say_box(const struct prove_reading *r, const struct prove_shape *shape, struct prove_question *q)
{
	bool in = shape->hook == HOOK_INPUT, inbound = in != prove_state_reply(shape->state);
	bool first =
	        shape->state == PROVE_NEW || shape->state == PROVE_ESTABLISHED || shape->state == PROVE_RELATED;
	prove_rule_begin(q);
	prove_ask_value(q, in ? PROVE_IN_INTERFACE : PROVE_OUT_INTERFACE, loopback, sizeof loopback, false);
	prove_sentence_end(q, true, "loopback");
	say_discovery(r, shape, q);
	prove_sentences_dhcp(r, shape, PROVE_BOX, q);
	// Nobody is to be locked out by routes: managing is judged before them.
	if (in && first && shape->protocol == IPPROTO_TCP)
		say_manage(r, shape, q);
	if (in)
		say_spoofed(q);
	if (prove_sentences_state(shape, q))
		return;
	if (inbound)
		say_manage(r, shape, q);
	prove_sentences_grants(r, shape, PROVE_BOX, inbound, q);
	// A router tells both ends of what it forwards that there is no way on, or that a packet is too big.
	if (r->policy->role == POLICY_ROLE_ROUTER && !in && prove_state_related(shape->state)) {
		prove_sentences_grants(r, shape, PROVE_DEVICES, false, q);
		prove_sentences_grants(r, shape, PROVE_DEVICES, true, q);
	}
}

static void say_routed(const struct prove_reading *r, const struct prove_shape *shape, struct prove_question *q)
{
	say_spoofed(q);
	if (prove_sentences_state(shape, q))
		return;
	prove_sentences_grants(r, shape, PROVE_DEVICES, false, q);
	prove_sentences_grants(r, shape, PROVE_DEVICES, true, q);
}

void prove_sentences(const struct prove_reading *r, const struct prove_shape *shape, struct prove_question *q)
{
	prove_side_begin(q, PROVE_POLICY);
	prove_chain_add(q, true, false);
	if (shape->table == RULESET_BRIDGE)
		prove_sentences_bridge(r, shape, q);
	else if (shape->hook != HOOK_FORWARD)
		say_box(r, shape, q);
	else if (r->policy->role == POLICY_ROLE_ROUTER)
		say_routed(r, shape, q);
	prove_rule_begin(q);
	prove_sentence_end(q, false, "nothing in the policy grants it");
}
