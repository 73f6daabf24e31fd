// SPDX-License-Identifier: GPL-2.0-or-later
//
// How near a connection is to what peers may do, and who is nearest to a stranger.
#include "ruleset/ruleset_reason.h"

#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"
#include "ruleset/ruleset_spell.h"

static enum reason_near peer_nearness(const struct question *q, const struct policy_peer *peer)
{
	uint16_t port = q->packet->ct_destination_port;
	if (!reason_covers(q->policy, peer->addresses, q->remote))
		return NEAR_NOTHING;
	if (!reason_peer_has_device(q->policy, peer, q->device))
		return NEAR_DEVICE;
	if (!(q->inbound ? peer->accepts : peer->initiates))
		return NEAR_DIRECTION;
	bool has_port =
	        q->inbound ? reason_device_port(q, peer, port) : reason_has_port(q->policy, peer->ports, port);
	return has_port ? NEAR_ALL : NEAR_PORT;
}

enum reason_near reason_nearest_peer(const struct question *q, const struct policy_peer **ret_peer)
{
	enum reason_near best = NEAR_NOTHING;
	for (size_t i = 0; i < q->policy->peer_count; i++) {
		enum reason_near nearness = peer_nearness(q, &q->policy->peers[i]);
		if (nearness > best) {
			best = nearness;
			*ret_peer = &q->policy->peers[i];
		}
	}
	return best;
}

static source_pos ports_at(const struct policy *policy, struct span ports)
{
	return ports.count ? policy->ports[ports.first].at : 0;
}

// The ports of the device asked about, or of all a peer may call where the policy does not tell devices apart.
static source_pos say_device_ports(const struct question *q, const struct policy_peer *peer)
{
	const struct policy *policy = q->policy;
	const char *comma = "";
	source_pos at = 0;
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];
		if ((q->device && device != q->device) || !reason_peer_has_device(policy, peer, device))
			continue;
		buffer_text(q->out, comma);
		reason_ports(policy, device->ports, q->out);
		comma = " or ";
		at = at ? at : ports_at(policy, device->ports);
	}
	return at;
}

static void peer_port(const struct question *q, const struct policy_peer *peer)
{
	source_pos at;
	reason_word(&peer->name, q->out);
	if (q->inbound) {
		buffer_text(q->out, " may call ");
		reason_device(q, q->out);
		buffer_text(q->out, " on ");
		at = say_device_ports(q, peer);
	} else {
		buffer_text(q->out, " may be called on ");
		reason_ports(q->policy, peer->ports, q->out);
		at = ports_at(q->policy, peer->ports);
	}
	buffer_printf(q->out, ", not %u", q->packet->ct_destination_port);
	reason_place(q->policy, at ? at : peer->name.at, q->out);
}

static void peer_devices(const struct question *q, const struct policy_peer *peer)
{
	const struct policy *policy = q->policy;
	reason_word(&peer->name, q->out);
	buffer_text(q->out, " is for ");
	for (uint32_t i = 0; i < peer->devices.count; i++) {
		buffer_text(q->out, i == 0 ? "" : i + 1 == peer->devices.count ? " and " : ", ");
		reason_word(&policy->devices[policy->device_refs[peer->devices.first + i]].name, q->out);
	}
	buffer_text(q->out, ", not for ");
	reason_word(&q->device->name, q->out);
	reason_place(policy, peer->name.at, q->out);
}

void reason_peer(const struct question *q, enum reason_near nearness, const struct policy_peer *peer)
{
	switch (nearness) {
	case NEAR_DEVICE:
		peer_devices(q, peer);
		return;
	case NEAR_DIRECTION:
		reason_device(q, q->out);
		buffer_text(q->out, q->inbound ? " accepts nothing from " : " initiates nothing to ");
		reason_word(&peer->name, q->out);
		reason_place(q->policy, peer->name.at, q->out);
		return;
	case NEAR_PORT:
		peer_port(q, peer);
		return;
	case NEAR_NOTHING:
	case NEAR_ALL:
		break;
	}
}

// ---- the nearest address ----

struct nearest {
	const struct policy_prefix *address;
	const struct word *name;
	uint8_t distance[16];
	bool found;
};

// Leading bits in common decide, then who is less far: both are the order of the XOR of the addresses, a prefix
// being as far as its nearest address.
static void consider(struct nearest *nearest, const struct policy_prefix *candidate, const struct word *name,
                     const struct prefix *wanted)
{
	uint8_t first[16] = {0}, last[16] = {0}, distance[16] = {0};
	if (candidate->prefix.family != wanted->family)
		return;
	prefix_range(&candidate->prefix, first, last);
	for (size_t i = 0; i < address_octets(wanted->family); i++) // bits the prefix leaves open are not far
		distance[i] = (wanted->octets[i] ^ first[i]) & (uint8_t) ~(first[i] ^ last[i]);
	if (nearest->found && memcmp(distance, nearest->distance, sizeof distance) >= 0)
		return;
	*nearest = (struct nearest){.address = candidate, .name = name, .found = true};
	memcpy(nearest->distance, distance, sizeof distance);
}

static void consider_span(struct nearest *nearest, const struct policy *policy, struct span addresses,
                          const struct word *name, const struct prefix *wanted)
{
	for (uint32_t i = 0; i < addresses.count; i++)
		consider(nearest, &policy->prefixes[addresses.first + i], name, wanted);
}

static void say_nearest(const struct question *q, const struct nearest *nearest)
{
	if (!nearest->found)
		return;
	buffer_text(q->out, "; ");
	reason_word(nearest->name, q->out);
	buffer_text(q->out, " is ");
	reason_address(&nearest->address->prefix, q->out);
	reason_place(q->policy, nearest->address->at, q->out);
}

void reason_stranger(const struct question *q)
{
	struct nearest nearest = {0};
	for (size_t i = 0; i < q->policy->peer_count; i++)
		consider_span(&nearest, q->policy, q->policy->peers[i].addresses, &q->policy->peers[i].name,
		              q->remote);
	reason_address(q->remote, q->out);
	buffer_text(q->out, " is not a peer");
	if (q->policy->peer_count == 0)
		buffer_text(q->out, "; the policy has none");
	say_nearest(q, &nearest);
}

// Across a gateway one end must be a device; on a host that gives its addresses associations go by them.
void reason_no_device(const struct question *q)
{
	const struct packet *p = q->packet;
	bool client_is_peer = false, server_is_peer = false, host = q->policy->role == POLICY_ROLE_HOST;
	struct nearest nearest = {0};
	for (size_t i = 0; i < q->policy->peer_count; i++) {
		client_is_peer |= reason_covers(q->policy, q->policy->peers[i].addresses, &p->ct_source);
		server_is_peer |= reason_covers(q->policy, q->policy->peers[i].addresses, &p->ct_destination);
	}
	bool both = !host && client_is_peer == server_is_peer;
	const struct prefix *wanted = host ? q->local : client_is_peer ? &p->ct_destination : &p->ct_source;
	if (both) {
		buffer_text(q->out, "neither ");
		reason_address(&p->ct_source, q->out);
		buffer_text(q->out, " nor ");
		reason_address(&p->ct_destination, q->out);
		buffer_text(q->out, " is a device");
	} else {
		reason_address(wanted, q->out);
		buffer_text(q->out, host ? " is no address of the device" : " is no device");
	}
	for (size_t i = 0; i < q->policy->device_count; i++) {
		consider_span(&nearest, q->policy, q->policy->devices[i].addresses, &q->policy->devices[i].name,
		              wanted);
		if (both)
			consider_span(&nearest, q->policy, q->policy->devices[i].addresses,
			              &q->policy->devices[i].name, &p->ct_destination);
	}
	say_nearest(q, &nearest);
}

// ---- the wrong end ----

// Exact addresses only: this host may lie in a peer's network.
static const struct policy_peer *peer_at(const struct policy *policy, const struct prefix *address)
{
	for (size_t i = 0; i < policy->peer_count; i++)
		for (uint32_t k = 0; k < policy->peers[i].addresses.count; k++)
			if (prefix_equal(&policy->prefixes[policy->peers[i].addresses.first + k].prefix,
			                 address))
				return &policy->peers[i];
	return NULL;
}

static void say_end(const struct prefix *address, uint16_t port, struct buffer *out)
{
	bool brackets = port && address->family == ADDRESS_IPV6;
	buffer_text(out, brackets ? " [" : " ");
	reason_address(address, out);
	buffer_text(out, brackets ? "]" : "");
	if (port)
		buffer_printf(out, ":%u", port);
}

// A new connection of a host, `in` and `out` taken for each other.
bool reason_swapped(const struct question *q)
{
	const struct policy *policy = q->policy;
	const struct packet *p = q->packet;
	if (policy->role != POLICY_ROLE_HOST || p->ct_state != CT_NEW || q->device ||
	    reason_covers(policy, policy->box.addresses, q->local))
		return false;
	const struct policy_peer *peer = peer_at(policy, q->local);
	if (!peer)
		return false;
	reason_address(q->local, q->out);
	buffer_text(q->out, " is ");
	reason_word(&peer->name, q->out);
	buffer_text(q->out, q->inbound ? ", not this host; what is sent to " : ", not this host; what ");
	reason_word(&peer->name, q->out);
	buffer_printf(q->out, q->inbound ? " is: out %s" : " sends is: in %s",
	              ruleset_spell_protocol(p->protocol));
	say_end(&p->source, p->source_port_given ? p->source_port : 0, q->out);
	say_end(&p->destination, p->destination_port, q->out);
	return true;
}

// Whether a peer or a service of the devices has one of these addresses: then something may pass to them.
static bool is_remote(const struct policy *policy, struct span addresses)
{
	for (uint32_t a = 0; a < addresses.count; a++) {
		const struct prefix *address = &policy->prefixes[addresses.first + a].prefix;
		for (size_t i = 0; i < policy->peer_count; i++)
			if (reason_covers(policy, policy->peers[i].addresses, address))
				return true;
		for (size_t i = 0; i < policy->service_count; i++)
			for (uint32_t k = 0; k < policy->services[i].openings.count; k++)
				if (!policy->services[i].for_box &&
				    reason_covers(
				            policy,
				            policy->openings[policy->services[i].openings.first + k].remote,
				            address))
					return true;
	}
	return false;
}

bool reason_between_devices(const struct question *q)
{
	const struct policy *policy = q->policy;
	const struct policy_device *client = reason_find_device(policy, &q->packet->ct_source);
	const struct policy_device *server = reason_find_device(policy, &q->packet->ct_destination);
	if (q->packet->hook != HOOK_FORWARD || !client || !server || client == server ||
	    is_remote(policy, client->addresses) || is_remote(policy, server->addresses))
		return false;
	reason_word(&client->name, q->out);
	buffer_text(q->out, " and ");
	reason_word(&server->name, q->out);
	buffer_text(q->out, " are both devices; the wall passes no connection between them");
	return true;
}
