// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is valid but probably not meant. Every warning here is to be true and worth somebody's time each time it
// is shown: a person who learns to ignore them ignores the one that matters.
#include "policy/policy_lint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void policy_warn(struct policy_lint *lint, source_pos at, uint32_t length, const char *instead,
                 const char *format, ...)
{
	char what[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	problem_add(lint->problems, PROBLEM_WARNING, at, length, what, instead);
}

uint32_t policy_lint_length(const struct policy_lint *lint, source_pos at)
{
	const char *text = source_text(&lint->policy->sources, at);
	return text ? policy_lex_word_length(text) : 1;
}

static void warn_word(struct policy_lint *lint, const struct word *word, const char *instead, const char *what)
{
	policy_warn(lint, word->at, policy_lint_length(lint, word->at), instead, "%s", what);
}

static void whole(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	uint32_t length = policy_lint_length(lint, policy->role_at);
	if (policy->peer_count == 0)
		policy_warn(lint, policy->role_at, length, "add a peer block for each partner of the device",
		            "there is no peer: no DICOM passes");
	// A gateway without a box block is reached by console only, and says so by leaving the block out.
	if (policy->manage.at == 0 && (policy->role == POLICY_ROLE_HOST || policy->box.at))
		policy_warn(lint, policy->role_at, length,
		            "to administer it by ssh add: manage { from 10.20.9.0/24 }",
		            "there is no manage block: the box can be administered by its console only");
}

static void flowtable(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	if (policy->flowtable.count == 1)
		policy_warn(lint, policy->flowtable_at, policy_lint_length(lint, policy->flowtable_at),
		            "name the interface on the other side too: flowtable eth0 eth1",
		            "a flow table of one interface takes over only what leaves by the one it came by");
}

// Which families the devices have, as bits 1u << enum address_family; all where devices have no address.
static unsigned families(const struct policy *policy, const struct span *addresses)
{
	unsigned found = 0;
	for (uint32_t i = 0; i < addresses->count; i++)
		found |= 1u << policy->prefixes[addresses->first + i].prefix.family;
	return found;
}

static unsigned device_families(const struct policy *policy, const struct policy_peer *peer, unsigned all)
{
	unsigned found = 0;
	if (peer->devices.count == 0)
		return all;
	for (uint32_t i = 0; i < peer->devices.count; i++)
		found |= families(policy,
		                  &policy->devices[policy->device_refs[peer->devices.first + i]].addresses);
	return found ? found : all;
}

static void peer_matches(struct policy_lint *lint, const struct policy_peer *peer, unsigned all)
{
	const struct policy *policy = lint->policy;
	unsigned mine = families(policy, &peer->addresses), theirs = device_families(policy, peer, all);
	if (!peer->initiates && !peer->accepts)
		warn_word(lint, &peer->name, "add a line such as: initiates echo storage",
		          "this peer can never match: it has neither 'initiates' nor 'accepts'");
	else if (all && !(mine & theirs))
		warn_word(lint, &peer->name, "give the device or the peer an address of the other's kind",
		          mine & 1u << ADDRESS_IPV4
		                  ? "this peer can never match: it has IPv4 addresses, its devices only IPv6"
		                  : "this peer can never match: it has IPv6 addresses, its devices only IPv4");
}

// Services whose answers come on an association in the other direction. `initiated` is what the device opens to
// any of its peers: the answer may go to another node of the same archive.
static void answers(struct policy_lint *lint, const struct policy_peer *peer, uint32_t answered_elsewhere,
                    uint32_t initiated)
{
	const uint32_t commitment = 1u << POLICY_STORAGE_COMMITMENT, storage = 1u << POLICY_STORAGE,
	               query = 1u << POLICY_QUERY_RETRIEVE;
	if (peer->initiates & commitment && !(peer->accepts & commitment) && !(answered_elsewhere & commitment))
		policy_warn(lint, peer->initiates_at, 9, "add: accepts storage-commitment",
		            "the results of storage commitment come on an association that the peer opens, "
		            "and the device accepts none from it");
	if (peer->initiates & query && !(peer->accepts & storage) && !(answered_elsewhere & storage))
		policy_warn(lint, peer->initiates_at, 9,
		            "add: accepts storage (a device that only asks, or uses C-GET, needs none)",
		            "a retrieval with C-MOVE makes the peer store to the device, and the device "
		            "accepts no storage");
	if (peer->accepts & query && !(initiated & storage))
		policy_warn(
		        lint, peer->accepts_at, 7,
		        "add: initiates storage (a peer that only asks, or uses C-GET, needs none)",
		        "a retrieval with C-MOVE makes the device store to a peer, and the device initiates "
		        "storage to none");
	if (peer->accepts & commitment && !(initiated & commitment))
		policy_warn(
		        lint, peer->accepts_at, 7,
		        "add: initiates storage-commitment, or take it out of 'accepts'",
		        "storage commitment is asked for in one direction and answered in the other, and the "
		        "device initiates it to no peer");
}

static void peer_ports(struct policy_lint *lint, const struct policy_peer *peer)
{
	for (uint32_t i = 0; peer->tls_at && i < peer->ports.count; i++) {
		const struct policy_ports *port = &lint->policy->ports[peer->ports.first + i];
		if (port->first == 104)
			policy_warn(lint, port->at, policy_lint_length(lint, port->at),
			            "DICOM over TLS is registered on 2762",
			            "port 104 is registered for DICOM without TLS");
	}
}

static void peers(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	uint32_t elsewhere = 0, initiated = 0;
	unsigned all = 0;
	// A peer that only ever answers is where another one's answers come from.
	for (size_t i = 0; i < policy->peer_count; i++)
		if (!(policy->peers[i].initiates &
		      (1u << POLICY_STORAGE_COMMITMENT | 1u << POLICY_QUERY_RETRIEVE)))
			elsewhere |= policy->peers[i].accepts;
	for (size_t i = 0; i < policy->peer_count; i++)
		initiated |= policy->peers[i].initiates;
	for (size_t i = 0; i < policy->device_count; i++)
		all |= families(policy, &policy->devices[i].addresses);
	for (size_t i = 0; i < policy->peer_count; i++) {
		peer_matches(lint, &policy->peers[i], all);
		answers(lint, &policy->peers[i], elsewhere, initiated);
		peer_ports(lint, &policy->peers[i]);
	}
}

static int devices(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	bool *named = calloc(policy->device_count + 1, sizeof *named);
	bool all = policy->peer_count == 0; // and then there is one warning for that
	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < policy->peer_count; i++)
		all |= policy->peers[i].devices.count == 0;
	for (size_t i = 0; i < policy->device_ref_count; i++)
		named[policy->device_refs[i]] = true;
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];
		if (!all && !named[i])
			warn_word(lint, &device->name, "name it in the 'devices' line of a peer",
			          "no peer may talk to this device");
		if (device->mac_at && policy->role != POLICY_ROLE_BRIDGE)
			policy_warn(lint, device->mac_at, policy_lint_length(lint, device->mac_at),
			            "leave it out, or see whether the role should be bridge",
			            "a MAC address is checked in role bridge only");
	}
	free(named);
	return 0;
}

// For each port the smallest DICOM port of a device that is not below it; 0: none.
static uint16_t *device_ports(const struct policy *policy)
{
	uint16_t *next = calloc(UINT16_MAX + 1, sizeof *next);
	if (!next)
		return NULL;
	for (size_t i = 0; i < policy->device_count; i++)
		for (uint32_t k = 0; k < policy->devices[i].ports.count; k++) {
			uint16_t port = policy->ports[policy->devices[i].ports.first + k].first;
			next[port] = port;
		}
	for (size_t port = UINT16_MAX; port-- > 0;)
		if (next[port] == 0)
			next[port] = next[port + 1];
	return next;
}

static void opening(struct policy_lint *lint, const struct policy_service *service,
                    const struct policy_opening *opening, const uint16_t *device_port)
{
	bool to_device = opening->protocol == POLICY_TCP && opening->inbound && !service->for_box;
	for (uint32_t n = 0; n < opening->ports.count; n++) {
		const struct policy_ports *ports = &lint->policy->ports[opening->ports.first + n];
		uint32_t length = policy_lint_length(lint, ports->at);
		if (ports->first == 1 && ports->last == UINT16_MAX)
			policy_warn(lint, ports->at, length, "name the ports that are needed",
			            "every port is opened");
		else if (to_device && device_port[ports->first] && device_port[ports->first] <= ports->last)
			policy_warn(lint, ports->at, length,
			            "make who needs it a peer that the device accepts from",
			            "this opens the DICOM port %u of a device, past the list of peers",
			            device_port[ports->first]);
	}
}

static int services(struct policy_lint *lint)
{
	const struct policy *policy = lint->policy;
	uint16_t *device_port = device_ports(policy);
	if (!device_port)
		return -ENOMEM;
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct policy_service *service = &policy->services[i];
		if (service->kind == POLICY_SERVICE_DHCP && policy->role == POLICY_ROLE_ROUTER &&
		    !service->for_box)
			warn_word(lint, &service->name,
			          "write 'service dhcp for box', or give the devices fixed addresses",
			          "a router passes on no DHCP: the devices get no address by this");
		for (uint32_t k = 0; service->kind == POLICY_SERVICE_CUSTOM && k < service->openings.count; k++)
			opening(lint, service, &policy->openings[service->openings.first + k], device_port);
	}
	free(device_port);
	return 0;
}

int policy_lint(const struct policy *policy, struct problems *problems)
{
	struct policy_lint lint = {.policy = policy, .problems = problems};
	whole(&lint);
	flowtable(&lint);
	int r = devices(&lint);
	peers(&lint);
	if (r == 0)
		r = services(&lint);
	if (r == 0)
		r = policy_lint_addresses(&lint);
	if (r == 0 && problems->lost)
		r = -ENOMEM;
	return r;
}
