// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which variables a packet of each shape has, and which values they take.
#include "prove/prove_space.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OCTETS(...)                                                                                            \
	{                                                                                                      \
		.first = {__VA_ARGS__}, .last = { __VA_ARGS__ }                                                \
	}
#define ANY                                                                                                    \
	{                                                                                                      \
		.first = {0}, .last = { [0 ... PROVE_VALUE_MAX - 1] = 0xff }                                   \
	}

static const struct prove_interval any = ANY;
static const struct prove_interval reverse = {.first = {0}, .last = {1}};
static const struct prove_interval questions4[] = {OCTETS(8), OCTETS(13), OCTETS(15), OCTETS(17)};
static const struct prove_interval answers4[] = {OCTETS(0), OCTETS(14), OCTETS(16), OCTETS(18)};
static const struct prove_interval questions6[] = {OCTETS(128), OCTETS(139)};
static const struct prove_interval answers6[] = {OCTETS(129), OCTETS(140)};

static int by_name(const void *a, const void *b)
{
	return memcmp(a, b, PROVE_VALUE_MAX);
}

static bool is_known(uint8_t (*names)[PROVE_VALUE_MAX], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp((const char *)names[i], name, PROVE_VALUE_MAX) == 0)
			return true;
	return false;
}

static void add_name(struct prove_interval *list, size_t *count, const uint8_t *name)
{
	memcpy(list[*count].first, name, PROVE_VALUE_MAX);
	memcpy(list[(*count)++].last, name, PROVE_VALUE_MAX);
}

int prove_space_init(struct prove_space *space, uint8_t (*names)[PROVE_VALUE_MAX], size_t count)
{
	*space = (struct prove_space){.other = "eth0"};
	for (unsigned i = 1; is_known(names, count, space->other); i++)
		snprintf(space->other, sizeof space->other, "eth%u", i);
	uint8_t(*all)[PROVE_VALUE_MAX] = calloc(count + 2, sizeof *all);
	space->interfaces = calloc(count + 2, sizeof *space->interfaces);
	space->wired = calloc(count + 2, sizeof *space->wired);
	if (!all || !space->interfaces || !space->wired) {
		free(all);
		return -ENOMEM;
	}
	if (count)
		memcpy(all, names, count * sizeof *all);
	memcpy(all[count], "lo", 3);
	memcpy(all[count + 1], space->other, sizeof space->other);
	qsort(all, count + 2, sizeof *all, by_name);
	for (size_t i = 0; i < count + 2; i++) {
		if (i > 0 && memcmp(all[i], all[i - 1], sizeof *all) == 0)
			continue;
		add_name(space->interfaces, &space->interface_count, all[i]);
		if (strcmp((const char *)all[i], "lo") != 0)
			add_name(space->wired, &space->wired_count, all[i]);
	}
	free(all);
	return 0;
}

void prove_space_fini(struct prove_space *space)
{
	free(space->interfaces);
	free(space->wired);
	*space = (struct prove_space){0};
}

bool prove_state_tracked(enum prove_state state)
{
	return state != PROVE_INVALID && state != PROVE_UNTRACKED;
}

bool prove_state_related(enum prove_state state)
{
	return state == PROVE_RELATED || state == PROVE_RELATED_REPLY;
}

bool prove_state_reply(enum prove_state state)
{
	return state == PROVE_REPLY || state == PROVE_RELATED_REPLY;
}

static bool has_ports(const struct prove_shape *shape)
{
	return shape->ip && (shape->protocol == IPPROTO_TCP || shape->protocol == IPPROTO_UDP);
}

static bool has_type(const struct prove_shape *shape)
{
	return shape->ip && (shape->protocol == IPPROTO_ICMP || shape->protocol == IPPROTO_ICMPV6);
}

// The connection's own addresses and port: those of the packet, or those that it quotes.
static void finish_connection(struct prove_shape *shape)
{
	bool reply = prove_state_reply(shape->state);
	if (!prove_state_tracked(shape->state))
		return;
	if (!prove_state_related(shape->state) || !has_type(shape)) {
		shape->client = reply ? PROVE_DESTINATION : PROVE_SOURCE;
		shape->server = reply ? PROVE_SOURCE : PROVE_DESTINATION;
		if (has_ports(shape))
			shape->called = reply ? PROVE_SOURCE_PORT : PROVE_DESTINATION_PORT;
		return;
	}
	shape->client = PROVE_QUOTED_CLIENT;
	shape->server = PROVE_QUOTED_SERVER;
	shape->called = PROVE_QUOTED_PORT;
	shape->present |= PROVE_BIT(PROVE_QUOTED_PROTOCOL) | PROVE_BIT(PROVE_QUOTED_CLIENT) |
	                  PROVE_BIT(PROVE_QUOTED_SERVER) | PROVE_BIT(PROVE_QUOTED_PORT);
	shape->destination = reply ? shape->client : shape->server;
	shape->present &= ~PROVE_BIT(PROVE_DESTINATION);
}

void prove_shape_finish(struct prove_shape *shape)
{
	bool bridge = shape->table == RULESET_BRIDGE, arp = shape->ether_type == 0x0806;
	shape->ip = shape->ether_type == 0x0800 || shape->ether_type == 0x86dd;
	shape->family = shape->ether_type == 0x86dd ? ADDRESS_IPV6 : ADDRESS_IPV4;
	shape->destination = shape->client = shape->server = shape->called = PROVE_ABSENT;
	shape->present = 0;
	if (shape->hook != HOOK_OUTPUT)
		shape->present |= PROVE_BIT(PROVE_IN_INTERFACE);
	if (shape->hook != HOOK_INPUT)
		shape->present |= PROVE_BIT(PROVE_OUT_INTERFACE);
	if (bridge)
		shape->present |= PROVE_BIT(PROVE_ETHER_SOURCE) | PROVE_BIT(PROVE_ETHER_DESTINATION);
	if (shape->ip && !bridge && shape->hook != HOOK_OUTPUT)
		shape->present |= PROVE_BIT(PROVE_REVERSE);
	if (shape->ip && shape->family == ADDRESS_IPV6)
		shape->present |= PROVE_BIT(PROVE_HOP_LIMIT);
	if (has_type(shape))
		shape->present |= PROVE_BIT(PROVE_ICMP_TYPE);
	if (has_ports(shape))
		shape->present |= PROVE_BIT(PROVE_SOURCE_PORT) | PROVE_BIT(PROVE_DESTINATION_PORT);
	if (arp)
		shape->present |= PROVE_BIT(PROVE_ARP_FORMAT) | PROVE_BIT(PROVE_ARP_OPERATION) |
		                  PROVE_BIT(PROVE_ARP_SENDER);
	if (shape->ether_type == PACKET_802_2)
		shape->present |= PROVE_BIT(PROVE_LLC);
	if (shape->ip || arp) {
		shape->present |= PROVE_BIT(PROVE_SOURCE) | PROVE_BIT(PROVE_DESTINATION);
		shape->destination = PROVE_DESTINATION;
	}
	if (shape->ip)
		finish_connection(shape);
}

#define LIST(size, list) ((struct prove_domain){size, sizeof(list) / sizeof *(list), list})

static struct prove_domain icmp_types(const struct prove_shape *shape)
{
	bool four = shape->protocol == IPPROTO_ICMP;
	// ICMP within the other family's packets: nobody knows what conntrack would make of its types.
	if (four == (shape->family == ADDRESS_IPV4)) {
		if (shape->state == PROVE_REPLY)
			return four ? LIST(1, answers4) : LIST(1, answers6);
		if (shape->state == PROVE_NEW || shape->state == PROVE_ESTABLISHED)
			return four ? LIST(1, questions4) : LIST(1, questions6);
	}
	return (struct prove_domain){1, 1, &any};
}

struct prove_domain prove_domain(const struct prove_space *space, const struct prove_shape *shape,
                                 enum prove_variable variable)
{
	bool local = shape->table == RULESET_INET && shape->hook != HOOK_FORWARD;
	switch (variable) {
	case PROVE_ICMP_TYPE:
		return icmp_types(shape);
	case PROVE_REVERSE:
		return (struct prove_domain){1, 1, &reverse};
	case PROVE_IN_INTERFACE:
	case PROVE_OUT_INTERFACE:
		if (local)
			return (struct prove_domain){PROVE_VALUE_MAX, space->interface_count,
			                             space->interfaces};
		return (struct prove_domain){PROVE_VALUE_MAX, space->wired_count, space->wired};
	case PROVE_HOP_LIMIT:
	case PROVE_QUOTED_PROTOCOL:
		return (struct prove_domain){1, 1, &any};
	case PROVE_ARP_OPERATION:
	case PROVE_SOURCE_PORT:
	case PROVE_DESTINATION_PORT:
	case PROVE_QUOTED_PORT:
		return (struct prove_domain){2, 1, &any};
	case PROVE_LLC:
		return (struct prove_domain){3, 1, &any};
	case PROVE_ARP_FORMAT:
	case PROVE_ETHER_SOURCE:
	case PROVE_ETHER_DESTINATION:
	case PROVE_ARP_SENDER:
		return (struct prove_domain){6, 1, &any};
	case PROVE_SOURCE:
	case PROVE_DESTINATION:
	case PROVE_QUOTED_CLIENT:
	case PROVE_QUOTED_SERVER:
		return (struct prove_domain){address_octets(shape->family), 1, &any};
	case PROVE_VARIABLE_COUNT:
		break;
	}
	return (struct prove_domain){0};
}
