// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the policy's openings to set elements.
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "ruleset/ruleset_compile.h"

// Room is given to the kernel up front: sizing a hash set cuts the kernel's share of a load up to five times.
#define SET_SIZE_MIN 64

static const struct flow_info infos[FLOW_KIND_COUNT] = {
        [FLOW_INITIATES] = {"initiates", IPPROTO_TCP, false, false, "DICOM associations devices open to peers",
                            "associations devices open (initiates)"},
        [FLOW_ACCEPTS] = {"accepts", IPPROTO_TCP, true, false, "DICOM associations peers open to devices",
                          "associations peers open (accepts)"},
        [FLOW_INITIATES_NETS] = {"initiates_nets", IPPROTO_TCP, false, true,
                                 "DICOM associations devices open to peers given as networks",
                                 "associations devices open (initiates)"},
        [FLOW_ACCEPTS_NETS] = {"accepts_nets", IPPROTO_TCP, true, true,
                               "DICOM associations peers given as networks open to devices",
                               "associations peers open (accepts)"},
        [FLOW_TCP_TO] = {"tcp_to", IPPROTO_TCP, false, true, "TCP services used", "services used, tcp"},
        [FLOW_TCP_FROM] = {"tcp_from", IPPROTO_TCP, true, true, "TCP services offered",
                           "services offered, tcp"},
        [FLOW_UDP_TO] = {"udp_to", IPPROTO_UDP, false, true, "UDP services used", "services used, udp"},
        [FLOW_UDP_FROM] = {"udp_from", IPPROTO_UDP, true, true, "UDP services offered",
                           "services offered, udp"},
        [FLOW_PING_TO] = {"ping_to", IPPROTO_ICMP, false, true, "who may be pinged", "ping to"},
        [FLOW_PING_FROM] = {"ping_from", IPPROTO_ICMP, true, true, "who may ping", "ping from"},
        [FLOW_MANAGE] = {"manage", IPPROTO_TCP, true, true, "who may administer this machine", "manage"},
        [FLOW_ACCESS] = {RULESET_ACCESS, IPPROTO_TCP, true, false, "service windows, each until its timeout",
                         "service window"},
};

const struct flow_info *flow_info(enum flow_kind kind)
{
	return &infos[kind];
}

const char *compile_place(const struct compiler *c, source_pos at, char text[static PLACE_TEXT_MAX])
{
	const char *file;
	uint32_t line;
	text[0] = '\0';
	if (source_line(&c->policy->sources, &c->lines, at, &file, &line)) {
		const char *slash = strrchr(file, '/');
		snprintf(text, PLACE_TEXT_MAX, "%.60s:%u", slash ? slash + 1 : file, line);
	}
	return text;
}

// Who may administer the box, and for how long somebody may reach it, is said of nothing else.
static void name_set(const struct scope *scope, enum flow_kind kind, enum address_family family,
                     char name[static RULESET_NAME_MAX + 1])
{
	const char *prefix = kind == FLOW_MANAGE || kind == FLOW_ACCESS ? "" : scope->prefix;
	const char *base = infos[kind].name;
	if (kind == FLOW_ACCESS && scope->paired[kind])
		base = RULESET_ACCESS_DEVICES;
	snprintf(name, RULESET_NAME_MAX + 1, "%s%s%c", prefix, base, family == ADDRESS_IPV4 ? '4' : '6');
}

static void make_set(struct compiler *c, struct scope *scope, enum flow_kind kind, enum address_family family)
{
	const struct flow_info *info = &infos[kind];
	enum ruleset_type address = family == ADDRESS_IPV4 ? TYPE_IPV4_ADDR : TYPE_IPV6_ADDR;
	enum ruleset_type last = TYPE_INET_SERVICE;
	if (info->protocol == IPPROTO_ICMP)
		last = family == ADDRESS_IPV4 ? TYPE_ICMP_TYPE : TYPE_ICMPV6_TYPE;
	enum ruleset_type types[3] = {address, address, last};
	char name[RULESET_NAME_MAX + 1];
	name_set(scope, kind, family, name);
	bool paired = scope->paired[kind];
	scope->sets[kind][family] = ruleset_build_set(&c->b, name, paired ? types : types + 1, paired ? 3 : 2,
	                                              info->interval, info->set_comment);
	if (!c->b.error)
		c->b.table->sets[scope->sets[kind][family]].timed = kind == FLOW_ACCESS;
}

static size_t put(uint8_t *key, size_t at, const void *octets, size_t size)
{
	memcpy(key + at, octets, size);
	return at + (size + 3) / 4 * 4;
}

struct element {
	enum flow_kind kind;
	const struct prefix *local; // of the device; NULL where the key does not hold it
	const struct prefix *remote;
	uint16_t first, last; // ports, or an ICMP type
	struct ruleset_origin origin;
};

static void add_element(struct compiler *c, struct scope *scope, const struct element *e)
{
	const struct flow_info *info = &infos[e->kind];
	enum address_family family = e->remote->family;
	size_t octets = address_octets(family), at = 0;
	uint8_t keys[2][RULESET_KEY_MAX] = {0}, remote[2][16], local[2][16];

	if (c->b.error)
		return;
	if (++c->elements > RULESET_ELEMENTS_MAX) {
		problem_addf(c->problems, PROBLEM_ERROR, e->origin.at, 1,
		             "give peers the devices they are for (`devices NAME`), or prefixes instead of "
		             "addresses",
		             "this policy makes more than %u openings, the limit", RULESET_ELEMENTS_MAX);
		c->b.error = -E2BIG;
		return;
	}
	prefix_range(e->remote, remote[0], remote[1]);
	if (scope->paired[e->kind])
		prefix_range(e->local, local[0], local[1]);
	for (int end = 0; end < 2; end++) {
		uint16_t port = end ? e->last : e->first;
		uint8_t type = (uint8_t)port, ports[2] = {(uint8_t)(port >> 8), (uint8_t)port};
		at = 0;
		if (scope->paired[e->kind] && !info->inbound)
			at = put(keys[end], at, local[end], octets);
		at = put(keys[end], at, remote[end], octets);
		if (scope->paired[e->kind] && info->inbound)
			at = put(keys[end], at, local[end], octets);
		if (info->protocol == IPPROTO_ICMP)
			put(keys[end], at, &type, 1);
		else
			put(keys[end], at, ports, 2);
	}
	ruleset_build_element(&c->b, scope->sets[e->kind][family], keys[0], info->interval ? keys[1] : NULL,
	                      e->origin);
}

// The element for each of the device's addresses of the same family, or the one element of a key that does not
// hold the near end.
static void add_for_device(struct compiler *c, struct scope *scope, const struct policy_device *device,
                           struct element *e)
{
	if (!scope->paired[e->kind]) {
		add_element(c, scope, e);
		return;
	}
	for (uint32_t i = 0; i < device->addresses.count; i++) {
		e->local = &c->policy->prefixes[device->addresses.first + i].prefix;
		if (e->local->family == e->remote->family)
			add_element(c, scope, e);
	}
}

static void add_association(struct compiler *c, struct scope *scope, const struct policy_device *device,
                            const struct policy_prefix *address, struct span ports, bool inbound,
                            uint32_t owner)
{
	bool exact = prefix_is_exact(&address->prefix);
	struct element e = {.remote = &address->prefix, .origin = {address->at, owner}};
	if (inbound)
		e.kind = exact ? FLOW_ACCEPTS : FLOW_ACCEPTS_NETS;
	else
		e.kind = exact ? FLOW_INITIATES : FLOW_INITIATES_NETS;
	for (uint32_t i = 0; i < ports.count; i++) {
		e.first = e.last = c->policy->ports[ports.first + i].first;
		add_for_device(c, scope, device, &e);
	}
}

static void add_peer(struct compiler *c, struct scope *scope, const struct policy_peer *peer, uint32_t owner)
{
	const struct policy *policy = c->policy;
	size_t device_count = peer->devices.count ? peer->devices.count : policy->device_count;
	for (uint32_t a = 0; a < peer->addresses.count; a++) {
		const struct policy_prefix *address = &policy->prefixes[peer->addresses.first + a];
		for (size_t d = 0; d < device_count; d++) {
			size_t index = peer->devices.count ? policy->device_refs[peer->devices.first + d] : d;
			const struct policy_device *device = &policy->devices[index];
			// Where the key does not hold the device, one device is as good as all.
			if (peer->initiates && (d == 0 || scope->paired[FLOW_INITIATES]))
				add_association(c, scope, device, address, peer->ports, false, owner);
			if (peer->accepts)
				add_association(c, scope, device, address, device->ports, true, owner);
		}
	}
}

static enum flow_kind opening_kind(const struct policy_opening *opening)
{
	switch (opening->protocol) {
	case POLICY_TCP:
		return opening->inbound ? FLOW_TCP_FROM : FLOW_TCP_TO;
	case POLICY_UDP:
		return opening->inbound ? FLOW_UDP_FROM : FLOW_UDP_TO;
	case POLICY_ICMP_ECHO:
		break;
	}
	return opening->inbound ? FLOW_PING_FROM : FLOW_PING_TO;
}

static void add_to_all_devices(struct compiler *c, struct scope *scope, struct element *e)
{
	if (!scope->paired[e->kind]) {
		add_element(c, scope, e);
		return;
	}
	for (size_t d = 0; d < c->policy->device_count; d++)
		add_for_device(c, scope, &c->policy->devices[d], e);
}

static void add_opening(struct compiler *c, struct scope *scope, const struct policy_opening *opening,
                        uint32_t owner)
{
	const struct policy *policy = c->policy;
	for (uint32_t r = 0; r < opening->remote.count; r++) {
		const struct policy_prefix *remote = &policy->prefixes[opening->remote.first + r];
		struct element e = {.kind = opening_kind(opening),
		                    .remote = &remote->prefix,
		                    .origin = {remote->at, owner}};
		if (opening->protocol == POLICY_ICMP_ECHO) {
			// Both ways by one set: an echo reply nobody asked for is `ct state invalid`.
			bool four = remote->prefix.family == ADDRESS_IPV4;
			e.first = e.last = four ? 8 : 128;
			add_to_all_devices(c, scope, &e);
			e.first = e.last = four ? 0 : 129;
			add_to_all_devices(c, scope, &e);
		}
		for (uint32_t p = 0; p < opening->ports.count; p++) {
			e.first = policy->ports[opening->ports.first + p].first;
			e.last = policy->ports[opening->ports.first + p].last;
			add_to_all_devices(c, scope, &e);
		}
	}
}

static void add_manage(struct compiler *c, struct scope *scope)
{
	const struct policy *policy = c->policy;
	for (uint32_t f = 0; f < policy->manage.from.count; f++) {
		const struct policy_prefix *from = &policy->prefixes[policy->manage.from.first + f];
		struct element e = {.kind = FLOW_MANAGE,
		                    .remote = &from->prefix,
		                    .origin = {from->at, RULESET_OWNER(POLICY_OWNER_MANAGE, 0)}};
		for (uint32_t p = 0; p < policy->manage.ports.count; p++) {
			e.first = policy->ports[policy->manage.ports.first + p].first;
			e.last = policy->ports[policy->manage.ports.first + p].last;
			add_element(c, scope, &e);
		}
	}
}

static void owner_name(const struct policy *policy, uint32_t owner, struct buffer *out)
{
	size_t index = RULESET_OWNER_INDEX(owner);
	const struct word *name = NULL;
	switch (RULESET_OWNER_KIND(owner)) {
	case POLICY_OWNER_DEVICE:
		name = &policy->devices[index].name;
		break;
	case POLICY_OWNER_PEER:
		name = &policy->peers[index].name;
		break;
	case POLICY_OWNER_SERVICE:
		name = &policy->services[index].name;
		break;
	case POLICY_OWNER_MANAGE:
		buffer_text(out, "manage ");
		break;
	case POLICY_OWNER_NONE:
		break;
	}
	if (name) {
		buffer_add(out, name->text, name->size);
		buffer_text(out, " ");
	}
}

static int add_details(struct compiler *c, struct ruleset_set *set)
{
	if (set->count > RULESET_DETAIL_MAX)
		return 0;
	set->detailed = true;
	if (set->count == 0)
		return 0;
	// Comments alone ask for lines, and counting those of a long policy takes a third of compiling it.
	int r = c->lines.count ? 0 : source_lines_init(&c->lines, &c->policy->sources);
	if (r < 0)
		return r;
	set->details = calloc(set->count, sizeof *set->details);
	if (!set->details)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++) {
		struct buffer comment = BUFFER_EMPTY;
		char place[PLACE_TEXT_MAX];
		owner_name(c->policy, set->origins[i].owner, &comment);
		buffer_text(&comment, compile_place(c, set->origins[i].at, place));
		char *text = buffer_steal(&comment);
		if (!text)
			return -ENOMEM;
		if (strlen(text) > RULESET_COMMENT_MAX)
			text[RULESET_COMMENT_MAX] = '\0';
		set->details[i].comment = text;
	}
	return 0;
}

static uint32_t room_for(size_t count)
{
	// Headroom, so that a growing list is not made anew at every peer; powers of two, as the kernel rounds.
	uint32_t size = SET_SIZE_MIN;
	while (size < count + count / 4)
		size *= 2;
	return size;
}

int compile_finish_set(struct compiler *c, struct ruleset_set *set)
{
	int r = set->interval ? ruleset_make_disjoint(set) : 0;
	if (r == -E2BIG)
		problem_add(c->problems, PROBLEM_ERROR, set->origins[0].at, 1,
		            "the port ranges of services overlap in too many ways",
		            "write fewer, wider ranges");
	if (r == 0)
		r = ruleset_finish_set(set);
	if (r == 0)
		r = add_details(c, set);
	if (!set->interval)
		set->size = set->timed ? RULESET_TIMED_SIZE : room_for(set->count);
	return r;
}

// Finishes the sets that have elements, or get some later, and takes the others out again; nothing refers to
// them yet.
static void keep_used(struct compiler *c, struct scope *scope, size_t from)
{
	struct ruleset_table *table = c->b.table;
	uint32_t kept = (uint32_t)from;
	for (size_t kind = 0; kind < FLOW_KIND_COUNT; kind++) {
		for (size_t family = 0; family < 2; family++) {
			struct ruleset_set *set = &table->sets[scope->sets[kind][family]];
			if (set->count == 0 && !set->timed) {
				free(set->comment);
				*set = (struct ruleset_set){0};
				scope->sets[kind][family] = NO_SET;
				continue;
			}
			if (!c->b.error)
				c->b.error = compile_finish_set(c, set);
			scope->sets[kind][family] = kept;
			if (set != &table->sets[kept]) {
				table->sets[kept] = *set;
				*set = (struct ruleset_set){0};
			}
			kept++;
		}
	}
	table->set_count = kept;
}

void compile_scope(struct compiler *c, struct scope *scope, bool for_box)
{
	const struct policy *policy = c->policy;
	bool host = policy->role == POLICY_ROLE_HOST;
	size_t from = c->b.table ? c->b.table->set_count : 0;
	for (size_t kind = 0; kind < FLOW_KIND_COUNT; kind++)
		for (size_t family = 0; family < 2; family++)
			make_set(c, scope, (enum flow_kind)kind, (enum address_family)family);
	if (c->b.error)
		return;

	if (!for_box)
		for (size_t i = 0; i < policy->peer_count; i++)
			add_peer(c, scope, &policy->peers[i], RULESET_OWNER(POLICY_OWNER_PEER, i));
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct policy_service *service = &policy->services[i];
		// dhcp is not a matter of addresses; it has rules of its own
		if ((!host && service->for_box != for_box) || service->kind == POLICY_SERVICE_DHCP)
			continue;
		for (uint32_t k = 0; k < service->openings.count; k++)
			add_opening(c, scope, &policy->openings[service->openings.first + k],
			            RULESET_OWNER(POLICY_OWNER_SERVICE, i));
	}
	if (host || for_box)
		add_manage(c, scope);
	keep_used(c, scope, from);
}

uint32_t compile_type_set(struct compiler *c, const char *name, enum ruleset_type type, const uint8_t *values,
                          size_t count, const char *comment)
{
	uint32_t index = ruleset_build_set(&c->b, name, &type, 1, false, comment);
	for (size_t i = 0; i < count; i++) {
		uint8_t key[4] = {values[i]};
		ruleset_build_element(&c->b, index, key, NULL, (struct ruleset_origin){0});
	}
	if (!c->b.error)
		c->b.table->sets[index].constant = true;
	return index;
}
