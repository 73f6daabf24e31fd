// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy grants, as rows.
#include "prove/prove_reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

// One end, or a range of ports: first and last value.
struct range {
	uint8_t first[16], last[16];
	size_t size;
};

static struct range range_of(const struct prefix *prefix)
{
	struct range range = {.size = address_octets(prefix->family)};
	prefix_range(prefix, range.first, range.last);
	return range;
}

static struct range ports_of(const struct policy_ports *ports)
{
	return (struct range){.first = {(uint8_t)(ports->first >> 8), (uint8_t)ports->first},
	                      .last = {(uint8_t)(ports->last >> 8), (uint8_t)ports->last},
	                      .size = 2};
}

static struct range octets_of(const uint8_t *octets, size_t size)
{
	struct range range = {.size = size};
	memcpy(range.first, octets, size);
	memcpy(range.last, octets, size);
	return range;
}

// Up to three ends; those after the first without a size are left out.
static void add_row(struct prove_reading *r, struct prove_rows *rows, source_pos at, const struct range *a,
                    const struct range *b, const struct range *c)
{
	struct prove_relation *relation = &rows->relation;
	const struct range *ends[3] = {a, b, c};
	size_t size = 0;
	relation->parts = 0;
	for (size_t i = 0; i < 3 && ends[i]; i++) {
		relation->at[i] = (uint8_t)size;
		relation->sizes[i] = (uint8_t)ends[i]->size;
		relation->parts++;
		size += ends[i]->size;
	}
	relation->last = size;
	relation->stride = 2 * size + sizeof at;
	if (!r->error)
		r->error = array_room(&rows->octets, relation->count, &rows->capacity, relation->stride);
	if (r->error)
		return;
	uint8_t *row = rows->octets + relation->count * relation->stride;
	for (size_t i = 0; i < 3 && ends[i]; i++) {
		memcpy(row + relation->at[i], ends[i]->first, ends[i]->size);
		memcpy(row + size + relation->at[i], ends[i]->last, ends[i]->size);
	}
	memcpy(row + 2 * size, &at, sizeof at);
	relation->count++;
}

static int by_octet(const void *a, const void *b)
{
	return memcmp(a, b, 1);
}

static int by_mac(const void *a, const void *b)
{
	return memcmp(a, b, 6);
}

static int by_address4(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static int by_address6(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

// Sorts rows by their first part, so that a packet need not be held against all of them.
static void finish_rows(struct prove_rows *rows, void *context)
{
	struct prove_reading *r = context;
	struct prove_relation *relation = &rows->relation;
	size_t size = relation->sizes[0];
	if (relation->count == 0 || r->error)
		return;
	qsort(rows->octets, relation->count, relation->stride,
	      size == 4   ? by_address4
	      : size == 6 ? by_mac
	      : size == 1 ? by_octet
	                  : by_address6);
	rows->places = calloc(relation->count, sizeof *rows->places);
	rows->furthest = calloc(relation->count, sizeof *rows->furthest);
	if (!rows->places || !rows->furthest) {
		r->error = -ENOMEM;
		return;
	}
	relation->rows = rows->octets;
	relation->places = rows->places;
	relation->furthest = rows->furthest;
	for (size_t i = 0; i < relation->count; i++) {
		const uint8_t *before = i ? prove_row_last(relation, rows->furthest[i - 1], 0) : NULL;
		bool further = !before || memcmp(prove_row_last(relation, i, 0), before, size) > 0;
		rows->furthest[i] = further ? (uint32_t)i : rows->furthest[i - 1];
		memcpy(&rows->places[i], rows->octets + i * relation->stride + 2 * relation->last,
		       sizeof *rows->places);
	}
}

// ---- who may open what to whom ----

// `near`: an address of a device; NULL: whatever address the box has. `port` NULL: ping.
static void grant(struct prove_reading *r, enum prove_whose whose, bool inbound, enum prove_kind kind,
                  const struct prefix *near, const struct policy_prefix *far, const struct policy_ports *port)
{
	struct prove_grants *grants = &r->grants[whose][inbound][far->prefix.family][kind];
	struct range remote = range_of(&far->prefix), ports = {0};
	const struct range *last = port ? &ports : NULL;
	if (port)
		ports = ports_of(port);
	if (!near) {
		add_row(r, &grants->loose, far->at, &remote, last, NULL);
	} else if (near->family == far->prefix.family) {
		struct range local = range_of(near);
		add_row(r, &grants->tied, far->at, &remote, &local, last);
	}
}

// The same at each address of a device, or of the box when it has none of its own.
static void grant_device(struct prove_reading *r, enum prove_whose whose, bool inbound, enum prove_kind kind,
                         const struct policy_device *device, const struct policy_prefix *far,
                         const struct policy_ports *port)
{
	if (device->addresses.count == 0)
		grant(r, whose, inbound, kind, NULL, far, port);
	for (uint32_t i = 0; i < device->addresses.count; i++)
		grant(r, whose, inbound, kind, &r->policy->prefixes[device->addresses.first + i].prefix, far,
		      port);
}

static bool is_for(const struct policy *policy, const struct policy_peer *peer, size_t device)
{
	for (uint32_t i = 0; i < peer->devices.count; i++)
		if (policy->device_refs[peer->devices.first + i] == device)
			return true;
	return peer->devices.count == 0;
}

// "initiates": the device opens associations to the peer's ports. "accepts": the peer opens them to the
// device's.
static void read_peer(struct prove_reading *r, const struct policy_peer *peer)
{
	const struct policy *policy = r->policy;
	enum prove_whose whose = policy->role == POLICY_ROLE_HOST ? PROVE_BOX : PROVE_DEVICES;
	for (size_t d = 0; d < policy->device_count; d++) {
		const struct policy_device *device = &policy->devices[d];
		if (!is_for(policy, peer, d))
			continue;
		for (uint32_t a = 0; a < peer->addresses.count; a++) {
			const struct policy_prefix *far = &policy->prefixes[peer->addresses.first + a];
			for (uint32_t p = 0; peer->initiates && p < peer->ports.count; p++)
				grant_device(r, whose, false, PROVE_TCP, device, far,
				             &policy->ports[peer->ports.first + p]);
			for (uint32_t p = 0; peer->accepts && p < device->ports.count; p++)
				grant_device(r, whose, true, PROVE_TCP, device, far,
				             &policy->ports[device->ports.first + p]);
		}
	}
}

static void read_opening(struct prove_reading *r, enum prove_whose whose, const struct policy_opening *opening,
                         const struct policy_device *device, const struct policy_prefix *far)
{
	static const enum prove_kind kinds[] = {
	        [POLICY_TCP] = PROVE_TCP, [POLICY_UDP] = PROVE_UDP, [POLICY_ICMP_ECHO] = PROVE_PING};
	enum prove_kind kind = kinds[opening->protocol];
	const struct policy *policy = r->policy;
	for (uint32_t p = 0; p < opening->ports.count || (p == 0 && kind == PROVE_PING); p++) {
		const struct policy_ports *port =
		        kind == PROVE_PING ? NULL : &policy->ports[opening->ports.first + p];
		if (device)
			grant_device(r, whose, opening->inbound, kind, device, far, port);
		else
			grant(r, whose, opening->inbound, kind, NULL, far, port);
	}
}

static void read_dhcp(struct prove_reading *r, enum prove_whose whose, const struct policy_service *service)
{
	const struct policy *policy = r->policy;
	r->dhcp[whose] = true;
	for (uint32_t o = 0; o < service->openings.count; o++) {
		struct span remote = policy->openings[service->openings.first + o].remote;
		for (uint32_t i = 0; i < remote.count; i++) {
			const struct policy_prefix *server = &policy->prefixes[remote.first + i];
			struct range range = range_of(&server->prefix);
			add_row(r, &r->servers[whose][server->prefix.family], server->at, &range, NULL, NULL);
		}
	}
}

// A host's services are used from, and offered at, every address of it; a gateway's devices have addresses.
static void read_service(struct prove_reading *r, const struct policy_service *service)
{
	const struct policy *policy = r->policy;
	bool box = policy->role == POLICY_ROLE_HOST || service->for_box;
	enum prove_whose whose = box ? PROVE_BOX : PROVE_DEVICES;
	if (service->kind == POLICY_SERVICE_DHCP) {
		read_dhcp(r, whose, service);
		return;
	}
	for (uint32_t o = 0; o < service->openings.count; o++) {
		const struct policy_opening *opening = &policy->openings[service->openings.first + o];
		for (uint32_t i = 0; i < opening->remote.count; i++) {
			const struct policy_prefix *far = &policy->prefixes[opening->remote.first + i];
			if (box)
				read_opening(r, whose, opening, NULL, far);
			for (size_t d = 0; !box && d < policy->device_count; d++)
				read_opening(r, whose, opening, &policy->devices[d], far);
		}
	}
}

static void read_manage(struct prove_reading *r)
{
	const struct policy *policy = r->policy;
	for (uint32_t f = 0; f < policy->manage.from.count; f++) {
		const struct policy_prefix *from = &policy->prefixes[policy->manage.from.first + f];
		struct range client = range_of(&from->prefix);
		for (uint32_t p = 0; p < policy->manage.ports.count; p++) {
			struct range ports = ports_of(&policy->ports[policy->manage.ports.first + p]);
			add_row(r, &r->manage[from->prefix.family], from->at, &client, &ports, NULL);
		}
	}
	for (uint32_t i = 0; i < policy->manage.interfaces.count; i++) {
		const struct word *word = &policy->interfaces[policy->manage.interfaces.first + i];
		uint8_t name[PROVE_VALUE_MAX] = {0};
		memcpy(name, word->text, word->size < sizeof name ? word->size : sizeof name - 1);
		struct range range = octets_of(name, sizeof name);
		add_row(r, &r->manage_interfaces, word->at, &range, NULL, NULL);
	}
}

// ---- role bridge ----

static void read_device(struct prove_reading *r, const struct policy_device *device)
{
	struct range mac = octets_of(device->mac.octets, sizeof device->mac.octets);
	bool six = false;
	for (uint32_t i = 0; i < device->addresses.count; i++) {
		const struct policy_prefix *address = &r->policy->prefixes[device->addresses.first + i];
		enum address_family family = address->prefix.family;
		struct range range = range_of(&address->prefix);
		add_row(r, &r->addresses[family], address->at, &range, NULL, NULL);
		if (device->mac_at) {
			add_row(r, &r->tied_addresses[family], address->at, &range, NULL, NULL);
			add_row(r, &r->ties[family], address->at, &mac, &range, NULL);
		}
		if (family == ADDRESS_IPV4)
			continue;
		six = true;
		r->untied6 = r->untied6 || !device->mac_at;
		uint8_t group[16] = {0xff, 0x02, [11] = 1, [12] = 0xff};
		memcpy(group + 13, address->prefix.octets + 13, 3);
		range = octets_of(group, sizeof group);
		add_row(r, &r->groups, address->at, &range, NULL, NULL);
	}
	if (device->mac_at)
		add_row(r, &r->macs, device->mac_at, &mac, NULL, NULL);
	if (device->mac_at && six)
		add_row(r, &r->macs6, device->mac_at, &mac, NULL, NULL);
}

// ---- service windows ----

// Somebody whom leadglass lets in for a while, as if the policy granted it.
static void read_window(struct prove_reading *r, const struct ruleset_set *set, size_t element)
{
	const uint8_t *key = set->keys + element * set->key_size;
	enum address_family family = set->types[0] == TYPE_IPV4_ADDR ? ADDRESS_IPV4 : ADDRESS_IPV6;
	size_t size = address_octets(family);
	struct range client = octets_of(key, size), device = octets_of(key + size, size);
	bool to_device = set->type_count == 3;
	struct range port = octets_of(key + (to_device ? 2 : 1) * size, 2);
	struct prove_grants *grants =
	        &r->grants[to_device ? PROVE_DEVICES : PROVE_BOX][true][family][PROVE_TCP];
	if (to_device)
		add_row(r, &grants->tied, 0, &client, &device, &port);
	else
		add_row(r, &grants->loose, 0, &client, &port, NULL);
	r->windows++;
}

static bool is_windows(const struct ruleset_set *set)
{
	size_t parts = set->type_count;
	return set->timed && !set->interval && (parts == 2 || parts == 3) &&
	       (set->types[0] == TYPE_IPV4_ADDR || set->types[0] == TYPE_IPV6_ADDR) &&
	       set->types[parts - 1] == TYPE_INET_SERVICE && (parts == 2 || set->types[1] == set->types[0]);
}

static void read_windows(struct prove_reading *r, const struct ruleset *ruleset)
{
	for (size_t t = 0; t < ruleset->table_count; t++) {
		for (size_t s = 0; s < ruleset->tables[t].set_count; s++) {
			const struct ruleset_set *set = &ruleset->tables[t].sets[s];
			for (size_t i = 0; is_windows(set) && i < set->count; i++)
				if (ruleset_is_window(set, i))
					read_window(r, set, i);
		}
	}
}

// ---- all rows ----

typedef void (*rows_fn)(struct prove_rows *rows, void *context);

static void each_rows(struct prove_reading *r, rows_fn function, void *context)
{
	struct prove_grants *grants = &r->grants[0][0][0][0];
	struct prove_rows *pairs[] = {r->manage,    r->servers[0],     r->servers[1],
	                              r->addresses, r->tied_addresses, r->ties};
	struct prove_rows *single[] = {&r->manage_interfaces, &r->macs, &r->macs6, &r->groups};
	for (size_t i = 0; i < sizeof r->grants / sizeof *grants; i++) {
		function(&grants[i].loose, context);
		function(&grants[i].tied, context);
	}
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		function(&pairs[i][0], context);
		function(&pairs[i][1], context);
	}
	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		function(single[i], context);
}

int prove_read(struct prove_reading *r, const struct policy *policy, const struct ruleset *ruleset)
{
	*r = (struct prove_reading){.policy = policy};
	for (size_t i = 0; i < policy->peer_count; i++)
		read_peer(r, &policy->peers[i]);
	for (size_t i = 0; i < policy->service_count; i++)
		read_service(r, &policy->services[i]);
	read_manage(r);
	for (size_t i = 0; policy->role == POLICY_ROLE_BRIDGE && i < policy->device_count; i++)
		read_device(r, &policy->devices[i]);
	read_windows(r, ruleset);
	each_rows(r, finish_rows, r);
	return r->error;
}

static void release(struct prove_rows *rows, void *context)
{
	(void)context;
	free(rows->octets);
	free(rows->places);
	free(rows->furthest);
	*rows = (struct prove_rows){0};
}

static void count(struct prove_rows *rows, void *context)
{
	*(size_t *)context += rows->relation.count;
}

void prove_reading_fini(struct prove_reading *r)
{
	each_rows(r, release, NULL);
}

size_t prove_reading_size(struct prove_reading *r)
{
	size_t sum = 0;
	each_rows(r, count, &sum);
	return sum;
}
