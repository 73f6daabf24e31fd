// SPDX-License-Identifier: GPL-2.0-or-later
//
// What two walls let through, compared: the elements of the compiled sets, merged. What one wall has in a set
// and the other in another (an exact peer that became a network) is the same flow and no difference.
#include "cli/diff.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/json.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

enum flow {
	FLOW_INITIATES,
	FLOW_ACCEPTS,
	FLOW_TCP_TO,
	FLOW_TCP_FROM,
	FLOW_UDP_TO,
	FLOW_UDP_FROM,
	FLOW_PING_TO,
	FLOW_PING_FROM,
	FLOW_MANAGE,
	FLOW_DHCP_TO,
	FLOW_DHCP_FROM,
	FLOW_COUNT,
};

// The names of the sets, less "box_" before, and "_nets" and the family's digit after.
static const struct {
	const char *name, *protocol;
	bool inbound; // the far end opens it
	bool ping;
} flows[FLOW_COUNT] = {
        [FLOW_INITIATES] = {"initiates", "tcp", false, false},
        [FLOW_ACCEPTS] = {"accepts", "tcp", true, false},
        [FLOW_TCP_TO] = {"tcp_to", "tcp", false, false},
        [FLOW_TCP_FROM] = {"tcp_from", "tcp", true, false},
        [FLOW_UDP_TO] = {"udp_to", "udp", false, false},
        [FLOW_UDP_FROM] = {"udp_from", "udp", true, false},
        [FLOW_PING_TO] = {"ping_to", "icmp", false, true},
        [FLOW_PING_FROM] = {"ping_from", "icmp", true, true},
        [FLOW_MANAGE] = {"manage", "tcp", true, false},
        [FLOW_DHCP_TO] = {"dhcp_to", "udp", false, false},
        [FLOW_DHCP_FROM] = {"dhcp_from", "udp", true, false},
};

// A set with what its name and types say.
struct flow_set {
	const struct ruleset_table *table;
	const struct ruleset_set *set;
	enum flow flow;
	bool box;    // of the gateway itself
	bool paired; // the key holds both ends: client . server . port
	size_t address_size, port_at;
};

// Elements of one wall looked for in another.
struct compare {
	const struct diff_wall *here, *there;
	bool opened; // `here` is the new one
	bool apart;  // the roles differ: nothing of one is in the other
	size_t most; // differences to write
	struct buffer *out;
	struct json *json; // NULL: text
	size_t count;
};

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool read_set(const struct ruleset_table *table, const struct ruleset_set *set, struct flow_set *ret)
{
	const char *name = set->name;

	*ret = (struct flow_set){
	        .table = table, .set = set, .box = starts(name, "box_"), .paired = set->type_count == 3};
	name += ret->box ? 4 : 0;
	if (set->constant || set->type_count < 2 || set->type_count > 3)
		return false;
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		const char *rest = name + strlen(flows[i].name);

		if (!starts(name, flows[i].name))
			continue;
		if (starts(rest, "_nets"))
			rest += 5;
		if ((rest[0] != '4' && rest[0] != '6') || rest[1])
			continue;
		ret->flow = (enum flow)i;
		ret->address_size = ruleset_type_size((enum ruleset_type)set->types[0]);
		ret->port_at = ret->address_size * (ret->paired ? 2 : 1);
		return true;
	}
	return false;
}

static const uint8_t *first_key(const struct ruleset_set *set, size_t element)
{
	return set->keys + element * set->key_size * (set->interval ? 2 : 1);
}

static const uint8_t *last_key(const struct ruleset_set *set, size_t element)
{
	return first_key(set, element) + (set->interval ? set->key_size : 0);
}

static unsigned port_of(const struct flow_set *s, const uint8_t *key)
{
	return flows[s->flow].ping ? key[s->port_at] : (unsigned)key[s->port_at] << 8 | key[s->port_at + 1];
}

// ---- is it there, too? ----

enum presence {
	ABSENT,
	IN_PART,
	WHOLE,
};

// One opening: addresses from first to last, ports from `port` on.
struct opening {
	const uint8_t *first, *last;
	unsigned port, port_end;
};

// How the addresses of element `e` of `s` lie to the opening's: apart, meeting or covering them.
static enum presence addresses(const struct flow_set *s, size_t e, const struct opening *o)
{
	const uint8_t *first = first_key(s->set, e), *last = last_key(s->set, e);
	enum presence presence = WHOLE;

	for (size_t at = 0; at < s->port_at; at += s->address_size) {
		if (memcmp(last + at, o->first + at, s->address_size) < 0 ||
		    memcmp(first + at, o->last + at, s->address_size) > 0)
			return ABSENT;
		if (memcmp(first + at, o->first + at, s->address_size) > 0 ||
		    memcmp(last + at, o->last + at, s->address_size) < 0)
			presence = IN_PART;
	}
	return presence;
}

static bool has_port(const struct flow_set *s, size_t e, unsigned port)
{
	return port >= port_of(s, first_key(s->set, e)) && port <= port_of(s, last_key(s->set, e));
}

// The elements of a sorted hash set that can be in the opening: the first not before its first key.
static size_t lower_bound(const struct ruleset_set *set, const uint8_t *key)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(set->keys + middle * set->key_size, key, set->key_size) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// Looks for the opening in one set: on WHOLE, o->port has moved past the ports that are covered.
static enum presence find_in_set(const struct flow_set *s, struct opening *o)
{
	enum presence best = ABSENT;
	size_t e = s->set->interval ? 0 : lower_bound(s->set, o->first);

	for (; e < s->set->count; e++) {
		enum presence presence;

		if (!s->set->interval && memcmp(first_key(s->set, e), o->last, s->set->key_size) > 0)
			break;
		if (port_of(s, last_key(s->set, e)) < o->port || port_of(s, first_key(s->set, e)) > o->port_end)
			continue;
		presence = addresses(s, e, o);
		if (presence == WHOLE && has_port(s, e, o->port)) {
			o->port = port_of(s, last_key(s->set, e)) + 1;
			return WHOLE;
		}
		if (presence != ABSENT)
			best = IN_PART;
	}
	return best;
}

static bool same_layout(const struct flow_set *a, const struct flow_set *b)
{
	return a->table->family == b->table->family && a->flow == b->flow && a->box == b->box &&
	       a->set->type_count == b->set->type_count && a->set->types[0] == b->set->types[0];
}

// Whether the flows of element `e` are in `there`, in whichever sets.
static enum presence find(const struct diff_wall *there, const struct flow_set *here, size_t e)
{
	struct opening o = {.first = first_key(here->set, e), .last = last_key(here->set, e)};
	enum presence best = ABSENT;
	bool moved;

	o.port = port_of(here, o.first);
	o.port_end = port_of(here, o.last);
	do {
		moved = false;
		for (size_t t = 0; t < there->ruleset->table_count; t++) {
			const struct ruleset_table *table = &there->ruleset->tables[t];

			for (size_t s = 0; s < table->set_count; s++) {
				struct flow_set set;
				enum presence presence;

				if (!read_set(table, &table->sets[s], &set) || !same_layout(here, &set))
					continue;
				presence = find_in_set(&set, &o);
				if (presence != ABSENT)
					best = IN_PART;
				if (presence == WHOLE && o.port > o.port_end)
					return WHOLE;
				moved = moved || presence == WHOLE;
			}
		}
	} while (moved);
	return best;
}

// ---- saying it ----

#define RANGE_TEXT_MAX (2 * PREFIX_TEXT_MAX)

// "10.20.0.5", "10.20.0.0/24", or first-last where no prefix says it.
static void print_range(const struct flow_set *s, const uint8_t *first, const uint8_t *last, char *text)
{
	struct prefix prefix = {.family = s->address_size == 4 ? ADDRESS_IPV4 : ADDRESS_IPV6};
	unsigned length = 0, bits = (unsigned)s->address_size * 8;
	uint8_t range[2][16];
	char ends[2][PREFIX_TEXT_MAX];

	while (length < bits && !((first[length / 8] ^ last[length / 8]) & 0x80 >> length % 8))
		length++;
	memcpy(prefix.octets, first, s->address_size);
	prefix.length = (uint8_t)length;
	prefix_range(&prefix, range[0], range[1]);
	if (memcmp(range[0], first, s->address_size) == 0 && memcmp(range[1], last, s->address_size) == 0) {
		prefix_print(&prefix, text);
		return;
	}
	prefix.length = (uint8_t)bits;
	prefix_print(&prefix, ends[0]);
	memcpy(prefix.octets, last, s->address_size);
	prefix_print(&prefix, ends[1]);
	(void)snprintf(text, RANGE_TEXT_MAX, "%s-%s", ends[0], ends[1]);
}

// The sets of DHCP do not have the box in their name.
static bool is_for_box(const struct policy *policy, const struct flow_set *s, struct ruleset_origin origin)
{
	return s->box || (RULESET_OWNER_KIND(origin.owner) == POLICY_OWNER_SERVICE &&
	                  policy->services[RULESET_OWNER_INDEX(origin.owner)].for_box);
}

// Who stands at the near end: the device with that address, the only device, or the box.
static struct word near_name(const struct policy *policy, const struct flow_set *s,
                             struct ruleset_origin origin, const uint8_t *local)
{
	static const char the_device[] = "the device", the_box[] = "the box", this_box[] = "this box";

	if (is_for_box(policy, s, origin) || (s->flow == FLOW_MANAGE && policy->role != POLICY_ROLE_HOST))
		return (struct word){.text = the_box, .size = sizeof(the_box) - 1};
	if (s->flow == FLOW_MANAGE)
		return (struct word){.text = this_box, .size = sizeof(this_box) - 1};
	for (size_t d = 0; local && d < policy->device_count; d++) {
		const struct span addresses_of = policy->devices[d].addresses;

		for (size_t i = 0; i < addresses_of.count; i++) {
			const struct prefix *address = &policy->prefixes[addresses_of.first + i].prefix;

			if (address_octets(address->family) == s->address_size &&
			    memcmp(address->octets, local, s->address_size) == 0)
				return policy->devices[d].name;
		}
	}
	if (policy->device_count == 1)
		return policy->devices[0].name;
	return (struct word){.text = the_device, .size = sizeof(the_device) - 1};
}

static struct word far_name(const struct policy *policy, struct ruleset_origin origin)
{
	size_t index = RULESET_OWNER_INDEX(origin.owner);

	switch (RULESET_OWNER_KIND(origin.owner)) {
	case POLICY_OWNER_PEER:
		return policy->peers[index].name;
	case POLICY_OWNER_SERVICE:
		return policy->services[index].name;
	case POLICY_OWNER_NONE:
	case POLICY_OWNER_DEVICE:
	case POLICY_OWNER_MANAGE:
		break;
	}
	return (struct word){0};
}

// The DICOM services behind an element; 0 where it is none's.
static uint32_t dicom_services(const struct policy *policy, const struct flow_set *s,
                               struct ruleset_origin origin)
{
	const struct policy_peer *peer;

	if (RULESET_OWNER_KIND(origin.owner) != POLICY_OWNER_PEER)
		return 0;
	peer = &policy->peers[RULESET_OWNER_INDEX(origin.owner)];
	return s->flow == FLOW_INITIATES ? peer->initiates : peer->accepts;
}

// One difference, taken apart for both ways of writing it.
struct flow_text {
	const struct flow_set *set;
	struct word near, far;
	char local[RANGE_TEXT_MAX], remote[RANGE_TEXT_MAX]; // local "": any
	char port[16];
	uint32_t services;
	bool partly;
};

static void take_apart(const struct diff_wall *wall, const struct flow_set *s, size_t e, struct flow_text *ret)
{
	const uint8_t *first = first_key(s->set, e), *last = last_key(s->set, e);
	size_t remote_at = s->paired && !flows[s->flow].inbound ? s->address_size : 0;
	size_t local_at = s->paired && !remote_at ? s->address_size : 0;
	const struct ruleset_origin origin = s->set->origins ? s->set->origins[e] : (struct ruleset_origin){0};

	*ret = (struct flow_text){.set = s, .services = dicom_services(wall->policy, s, origin)};
	ret->near = near_name(wall->policy, s, origin, s->paired ? first + local_at : NULL);
	ret->far = far_name(wall->policy, origin);
	print_range(s, first + remote_at, last + remote_at, ret->remote);
	if (s->paired)
		print_range(s, first + local_at, last + local_at, ret->local);
	if (port_of(s, first) == port_of(s, last))
		(void)snprintf(ret->port, sizeof(ret->port), "%u", port_of(s, first));
	else
		(void)snprintf(ret->port, sizeof(ret->port), "%u-%u", port_of(s, first), port_of(s, last));
}

static void add_near(const struct flow_text *t, struct buffer *out)
{
	buffer_add(out, t->near.text, t->near.size);
	if (t->local[0])
		buffer_printf(out, " (%s)", t->local);
}

static void add_what(const struct flow_text *t, struct buffer *out)
{
	const char *comma = " open ";

	if (t->set->flow == FLOW_MANAGE) {
		buffer_text(out, " administer ");
	} else if (flows[t->set->flow].ping) {
		buffer_text(out, " ping ");
	} else if (t->set->flow == FLOW_DHCP_TO) {
		buffer_text(out, " ask for an address: ");
	} else if (t->set->flow == FLOW_DHCP_FROM) {
		buffer_text(out, " hand an address to ");
	} else {
		for (unsigned i = 0; i < POLICY_DICOM_COUNT; i++) {
			if (!(t->services & 1u << i))
				continue;
			buffer_printf(out, "%s%s", comma, policy_dicom_name((enum policy_dicom)i));
			comma = ", ";
		}
		if (!t->services)
			buffer_printf(out, "%s%s", comma, flows[t->set->flow].protocol);
		buffer_text(out, " to ");
	}
}

// "ct-3 may open storage to 10.20.0.5:104 (main-pacs)", "10.20.0.5 (main-pacs) may open echo to ct-3 on port
// 11112"
static void write_flow(const struct flow_text *t, bool opened, struct buffer *out)
{
	bool bracket = t->set->address_size == 16 && strchr(t->remote, ':');

	buffer_text(out, opened ? "+ " : "- ");
	if (flows[t->set->flow].inbound) {
		buffer_text(out, t->remote);
		if (t->far.text)
			buffer_printf(out, " (%.*s)", (int)t->far.size, t->far.text);
		buffer_text(out, " may");
		add_what(t, out);
		add_near(t, out);
		if (!flows[t->set->flow].ping && t->set->flow != FLOW_DHCP_FROM) // whose port is the server's
			buffer_printf(out, " on port %s", t->port);
	} else {
		add_near(t, out);
		buffer_text(out, " may");
		add_what(t, out);
		buffer_printf(out, "%s%s%s", bracket ? "[" : "", t->remote, bracket ? "]" : "");
		if (!flows[t->set->flow].ping)
			buffer_printf(out, ":%s", t->port);
		if (t->far.text)
			buffer_printf(out, " (%.*s)", (int)t->far.size, t->far.text);
	}
	buffer_text(out, t->partly ? ", in part\n" : "\n");
}

static void json_end_of_flow(struct json *json, const char *key, const struct word *name, const char *address)
{
	json_key(json, key);
	json_object(json);
	json_key(json, "name");
	if (name->text)
		json_text_n(json, name->text, name->size);
	else
		json_text(json, NULL);
	json_key_text(json, "address", address[0] ? address : NULL);
	json_end(json);
}

static void json_flow(const struct flow_text *t, bool opened, struct json *json)
{
	bool inbound = flows[t->set->flow].inbound, ping = flows[t->set->flow].ping;

	json_object(json);
	json_key_text(json, "change", opened ? "opened" : "closed");
	json_key_text(json, "kind", flows[t->set->flow].name);
	json_end_of_flow(json, "from", inbound ? &t->far : &t->near, inbound ? t->remote : t->local);
	json_end_of_flow(json, "to", inbound ? &t->near : &t->far, inbound ? t->local : t->remote);
	json_key_text(json, "protocol",
	              ping && t->set->address_size == 16 ? "icmpv6" : flows[t->set->flow].protocol);
	json_key_text(json, "port", ping ? NULL : t->port);
	json_key(json, "services");
	json_array(json);
	for (unsigned i = 0; i < POLICY_DICOM_COUNT; i++) {
		if (t->services & 1u << i)
			json_text(json, policy_dicom_name((enum policy_dicom)i));
	}
	json_end_array(json);
	json_key_bool(json, "in_part", t->partly);
	json_end(json);
}

// ---- walking ----

static void judge(struct compare *c, const struct flow_set *s, size_t e)
{
	unsigned type = port_of(s, first_key(s->set, e));
	struct flow_text text;
	enum presence presence;

	if (flows[s->flow].ping && type != 8 && type != 128)
		return; // the answers
	presence = c->apart ? ABSENT : find(c->there, s, e);
	if (presence == WHOLE)
		return;
	c->count++;
	if (c->count > c->most)
		return;
	take_apart(c->here, s, e, &text);
	text.partly = presence == IN_PART;
	if (c->json)
		json_flow(&text, c->opened, c->json);
	else
		write_flow(&text, c->opened, c->out);
}

static const struct ruleset_set *counterpart(const struct ruleset *ruleset, const struct flow_set *s)
{
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct ruleset_table *table = &ruleset->tables[t];

		for (size_t i = 0; table->family == s->table->family && i < table->set_count; i++) {
			if (strcmp(table->sets[i].name, s->set->name) == 0)
				return ruleset_set_same_kind(&table->sets[i], s->set) ? &table->sets[i] : NULL;
		}
	}
	return NULL;
}

// What is in the same set of both is stepped over in a merge, so that two long lists that are nearly the same
// cost no search for each element.
static void walk_set(struct compare *c, const struct flow_set *s)
{
	const struct ruleset_set *other = c->apart ? NULL : counterpart(c->there->ruleset, s);
	size_t size = (size_t)s->set->key_size * (s->set->interval ? 2 : 1);
	size_t o = 0;

	for (size_t e = 0; e < s->set->count; e++) {
		int order = -1;

		while (other && o < other->count) {
			order = memcmp(first_key(other, o), first_key(s->set, e), size);
			if (order >= 0)
				break;
			o++;
		}
		if (!other || o == other->count || order != 0)
			judge(c, s, e);
	}
}

static void walk(struct compare *c)
{
	c->apart = c->here->policy->role != c->there->policy->role;
	for (size_t t = 0; t < c->here->ruleset->table_count; t++) {
		const struct ruleset_table *table = &c->here->ruleset->tables[t];

		for (size_t i = 0; i < table->set_count; i++) {
			struct flow_set s;

			if (read_set(table, &table->sets[i], &s))
				walk_set(c, &s);
		}
	}
}

struct diff_flow_counts diff_flows(const struct diff_wall *old, const struct diff_wall *new,
                                   const struct diff_bounds *bounds, struct buffer *out)
{
	struct diff_flow_counts counts;

	for (int opened = 1; opened >= 0; opened--) {
		struct compare c = {.here = opened ? new : old,
		                    .there = opened ? old : new,
		                    .opened = opened,
		                    .most = bounds->lines,
		                    .out = out};

		walk(&c);
		if (c.count > bounds->lines)
			buffer_printf(out, "%c and %zu more (--all shows them)\n", opened ? '+' : '-',
			              c.count - bounds->lines);
		*(opened ? &counts.opened : &counts.closed) = c.count;
	}
	return counts;
}

struct diff_flow_counts diff_flows_json(const struct diff_wall *old, const struct diff_wall *new,
                                        struct json *out)
{
	struct compare opened = {.here = new, .there = old, .opened = true, .most = SIZE_MAX, .json = out};
	struct compare closed = {.here = old, .there = new, .opened = false, .most = SIZE_MAX, .json = out};

	json_array(out);
	walk(&opened);
	walk(&closed);
	json_end_array(out);
	return (struct diff_flow_counts){.opened = opened.count, .closed = closed.count};
}
