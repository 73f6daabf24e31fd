// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why no line of the policy allows a connection: what would have to be different for the nearest line to allow
// it. Called only for what was dropped, and says nothing that was not looked up.
#include "ruleset/ruleset_reason.h"

#include <netinet/in.h>
#include <string.h>

#include "base/buffer.h"

static void say_port(const struct question *q)
{
	const struct packet *p = q->packet;
	buffer_printf(q->out, "%s %u", p->ct_protocol == IPPROTO_UDP ? "udp" : "tcp", p->ct_destination_port);
}

// ---- services ----

static bool service_concerns(const struct question *q, const struct policy_service *service)
{
	if (q->policy->role == POLICY_ROLE_HOST)
		return true;
	return service->for_box ? q->box : q->devices;
}

static bool opening_is_for(const struct policy_opening *opening, uint8_t protocol, bool inbound)
{
	if (opening->inbound != inbound)
		return false;
	switch (opening->protocol) {
	case POLICY_TCP:
		return protocol == IPPROTO_TCP;
	case POLICY_UDP:
		return protocol == IPPROTO_UDP;
	case POLICY_ICMP_ECHO:
		return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
	}
	return false;
}

struct near_service {
	const struct policy_service *service;
	const struct policy_opening *opening;
	bool same_port; // the port (or ping) is right and the address wrong; else the other way round
	bool allows;    // both are right, of this or another service
};

// A service with the right port before one with the right address.
static void find_near_service(const struct question *q, struct near_service *ret)
{
	const struct policy *policy = q->policy;
	const struct packet *p = q->packet;
	*ret = (struct near_service){0};
	for (size_t s = 0; s < policy->service_count; s++) {
		const struct policy_service *service = &policy->services[s];
		if (!service_concerns(q, service) || service->kind == POLICY_SERVICE_DHCP)
			continue;
		for (uint32_t o = 0; o < service->openings.count; o++) {
			const struct policy_opening *opening = &policy->openings[service->openings.first + o];
			if (!opening_is_for(opening, p->ct_protocol, q->inbound))
				continue;
			bool port = opening->protocol == POLICY_ICMP_ECHO ||
			            reason_has_port(policy, opening->ports, p->ct_destination_port);
			bool address = reason_covers(policy, opening->remote, q->remote);
			ret->allows |= port && address;
			if (port == address || ret->same_port || (ret->service && !port))
				continue;
			ret->service = service;
			ret->opening = opening;
			ret->same_port = port;
		}
	}
}

static void reason_service(const struct question *q, const struct near_service *near)
{
	bool ping = near->opening->protocol == POLICY_ICMP_ECHO;
	buffer_text(q->out, "service ");
	reason_word(&near->service->name, q->out);
	if (near->same_port) {
		buffer_text(q->out, q->inbound ? " is from " : " is to ");
		reason_span(q->policy, near->opening->remote, q->out);
		buffer_text(q->out, ", not ");
		reason_address(q->remote, q->out);
	} else if (!ping) {
		buffer_printf(q->out, " is %s ", near->opening->protocol == POLICY_TCP ? "tcp" : "udp");
		reason_ports(q->policy, near->opening->ports, q->out);
		buffer_printf(q->out, ", not %u", q->packet->ct_destination_port);
	}
	reason_place(q->policy, near->opening->at, q->out);
}

// ---- manage ----

static bool interface_fits(const struct question *q, const char *interface)
{
	const struct policy *policy = q->policy;
	struct span interfaces = policy->manage.interfaces;
	for (uint32_t i = 0; i < interfaces.count; i++)
		if (policy_word_equal(&policy->interfaces[interfaces.first + i], interface))
			return true;
	return interfaces.count == 0;
}

static void manage_interface(const struct question *q, const char *interface)
{
	const struct policy *policy = q->policy;
	struct span interfaces = policy->manage.interfaces;
	buffer_text(q->out, "the box is managed through ");
	for (uint32_t i = 0; i < interfaces.count; i++) {
		buffer_text(q->out, i == 0 ? "" : i + 1 == interfaces.count ? " or " : ", ");
		reason_word(&policy->interfaces[interfaces.first + i], q->out);
	}
	if (interface[0])
		buffer_printf(q->out, ", not through %s", interface);
	else
		buffer_text(q->out, ", and this packet names no interface");
	reason_place(policy, interfaces.count ? policy->interfaces[interfaces.first].at : 0, q->out);
}

// How near the manage block is to allowing this.
struct near_manage {
	bool address, port, interface;
};

static struct near_manage find_near_manage(const struct question *q)
{
	const struct policy *policy = q->policy;
	const struct packet *p = q->packet;
	if (!policy->manage.at || !q->box || !q->inbound || p->ct_protocol != IPPROTO_TCP)
		return (struct near_manage){0};
	return (struct near_manage){
	        .address = reason_covers(policy, policy->manage.from, q->remote),
	        .port = reason_has_port(policy, policy->manage.ports, p->ct_destination_port),
	        .interface = interface_fits(q, p->hook == HOOK_OUTPUT ? p->out_interface : p->in_interface),
	};
}

static void reason_manage(const struct question *q, const struct near_manage *near)
{
	const struct policy *policy = q->policy;
	if (near->port) {
		buffer_text(q->out, "the box is managed from ");
		reason_span(policy, policy->manage.from, q->out);
		buffer_text(q->out, ", not from ");
		reason_address(q->remote, q->out);
	} else {
		reason_address(q->remote, q->out);
		buffer_text(q->out, " may manage the box on ");
		reason_ports(policy, policy->manage.ports, q->out);
		buffer_printf(q->out, ", not %u", q->packet->ct_destination_port);
	}
	reason_place(policy, policy->manage.at, q->out);
}

// Forwarded to a device, and manage would allow it to the box. False: no.
static bool manage_of_device(const struct question *q)
{
	const struct policy *policy = q->policy;
	const struct packet *p = q->packet;
	if (!policy->manage.at || p->hook != HOOK_FORWARD || !q->inbound || p->ct_protocol != IPPROTO_TCP ||
	    !reason_covers(policy, policy->manage.from, q->remote) ||
	    !reason_has_port(policy, policy->manage.ports, p->ct_destination_port))
		return false;
	buffer_text(q->out, "manage is for the box, not for the devices behind it");
	reason_place(policy, policy->manage.at, q->out);
	buffer_printf(q->out, "; for a device write a service: tcp %u from ", p->ct_destination_port);
	reason_address(q->remote, q->out);
	return true;
}

// ---- all together ----

static bool has_device_address(const struct policy *policy)
{
	for (size_t i = 0; i < policy->device_count; i++)
		if (policy->devices[i].addresses.count)
			return true;
	return false;
}

// What the remote end is, when nothing is near that would allow this: a peer that speaks DICOM only, or a
// stranger.
static void reason_remote(const struct question *q, const struct policy_peer *peer)
{
	if (q->devices && !peer) {
		reason_stranger(q);
		return;
	}
	if (!q->devices) {
		buffer_text(q->out, "nothing in the policy allows this ");
		buffer_text(q->out, q->inbound ? "to the box itself" : "from the box itself");
		buffer_text(q->out, peer ? "; " : "");
	}
	if (peer) {
		reason_word(&peer->name, q->out);
		buffer_text(q->out,
		            q->devices ? " is a peer for DICOM over tcp only" : " is a peer of the devices");
		reason_place(q->policy, peer->name.at, q->out);
	}
}

static void say_protected(const struct question *q)
{
	if (q->devices)
		reason_device(q, q->out);
	else
		buffer_text(q->out, "the box");
}

static void reason_ping(const struct question *q)
{
	buffer_text(q->out, "no service lets ");
	if (q->inbound)
		reason_address(q->remote, q->out);
	else
		say_protected(q);
	buffer_text(q->out, " ping ");
	if (q->inbound)
		say_protected(q);
	else
		reason_address(q->remote, q->out);
}

// DHCP is judged by both ports and by servers, not as a connection.
static bool reason_dhcp(const struct question *q)
{
	const struct packet *p = q->packet;
	uint16_t port = p->destination_port;
	if (p->protocol != IPPROTO_UDP || (port != 67 && port != 68 && port != 546 && port != 547))
		return false;
	for (size_t i = 0; i < q->policy->service_count; i++) {
		const struct policy_service *service = &q->policy->services[i];
		if (service->kind != POLICY_SERVICE_DHCP || !service_concerns(q, service))
			continue;
		buffer_text(q->out, "service ");
		reason_word(&service->name, q->out);
		buffer_text(
		        q->out,
		        " passes a client's questions, 68 to 67 and 546 to 547, and answers of its servers");
		reason_place(q->policy, service->name.at, q->out);
		return true;
	}
	return false;
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

static bool is_echo(const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMP)
		return p->icmp_type == 0 || p->icmp_type == 8;
	return p->icmp_type == 128 || p->icmp_type == 129;
}

// False: it is not the protocol that is wrong.
static bool reason_protocol(const struct question *q)
{
	const struct packet *p = q->packet;
	if (is_icmp(p->ct_protocol)) {
		if (is_echo(p))
			return false;
		buffer_text(q->out, "of icmp only ping and errors about allowed connections are passed");
		return true;
	}
	if (p->ct_protocol == IPPROTO_TCP || p->ct_protocol == IPPROTO_UDP)
		return false;
	buffer_printf(q->out, "protocol %u is never passed: only tcp, udp and ping can be allowed",
	              p->ct_protocol);
	return true;
}

static void reason_udp(const struct question *q, const struct policy_peer *peer)
{
	buffer_text(q->out, q->policy->role == POLICY_ROLE_HOST ? "no service allows "
	                                                        : "no service for devices allows ");
	say_port(q);
	buffer_text(q->out, q->inbound ? " from " : " to ");
	reason_address(q->remote, q->out);
	if (peer) {
		buffer_text(q->out, "; ");
		reason_remote(q, peer);
	}
}

void reason_flow(const struct question *q)
{
	const struct policy_peer *peer = NULL;
	uint8_t protocol = q->packet->ct_protocol;
	if (reason_dhcp(q) || reason_protocol(q))
		return;
	enum reason_near nearness = reason_nearest_peer(q, &peer);
	struct near_manage manage = find_near_manage(q);
	struct near_service service;
	find_near_service(q, &service);

	// Associations of a host go by its addresses where the policy gives them; across a gateway all flows
	// do.
	bool by_address = q->packet->hook == HOOK_FORWARD || (q->devices && has_device_address(q->policy) &&
	                                                      protocol == IPPROTO_TCP && nearness == NEAR_ALL);
	if (nearness == NEAR_NOTHING && (reason_swapped(q) || reason_between_devices(q)))
		return;
	if (by_address && !q->device)
		reason_no_device(q);
	else if (manage.address && manage.port && !manage.interface)
		manage_interface(q, q->packet->hook == HOOK_OUTPUT ? q->packet->out_interface
		                                                   : q->packet->in_interface);
	else if (service.allows || (manage.address && manage.port) ||
	         (q->devices && protocol == IPPROTO_TCP && nearness == NEAR_ALL))
		buffer_text(q->out,
		            "default deny: no rule takes it, though the policy allows such a connection");
	else if (q->devices && protocol == IPPROTO_TCP && nearness != NEAR_NOTHING)
		reason_peer(q, nearness, peer);
	else if (manage.address || manage.port)
		reason_manage(q, &manage);
	else if (nearness == NEAR_NOTHING && !service.same_port && manage_of_device(q))
		return;
	else if (service.service)
		reason_service(q, &service);
	else if (is_icmp(protocol))
		reason_ping(q);
	else if (protocol == IPPROTO_UDP && q->devices)
		reason_udp(q, peer);
	else
		reason_remote(q, peer);
}
