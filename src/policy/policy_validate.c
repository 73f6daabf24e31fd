// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the parts of a policy must be to each other, once all of it was read. Where something was passed over
// (`incomplete`), nothing is called missing.
#include "policy/policy_index.h"
#include "policy/policy_names.h"
#include "policy/policy_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void role(struct policy_parser *p)
{
	if (!p->role_seen && !p->incomplete)
		policy_error(p, p->policy->sources.items[0].start, 1,
		             "say where the wall stands: role host, role router or role bridge",
		             "no role is given");
}

static bool is_gateway(const struct policy *policy)
{
	return policy->role == POLICY_ROLE_ROUTER || policy->role == POLICY_ROLE_BRIDGE;
}

static void device_twice(void *context, size_t first, size_t second)
{
	struct policy_parser *p = context;
	const struct policy_device *devices = p->policy->devices;
	const struct word *name = &devices[second].name;
	policy_error_word(p, name, "give one of them another name", "device %s is there twice, first in %s",
	                  SHOW(name), WHERE(p, devices[first].name.at, name->at));
}

static void peer_twice(void *context, size_t first, size_t second)
{
	struct policy_parser *p = context;
	const struct policy_peer *peers = p->policy->peers;
	const struct word *name = &peers[second].name;
	policy_error_word(p, name, "give one of them another name", "peer %s is there twice, first in %s",
	                  SHOW(name), WHERE(p, peers[first].name.at, name->at));
}

static void peer_names(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	struct policy_index index;
	p->error = policy_index_init(&index, policy->peers, sizeof *policy->peers, policy->peer_count);
	if (p->error < 0)
		return;
	policy_index_fill(&index, policy->peer_count, peer_twice, p);
	policy_index_fini(&index);
}

// The gateway itself and the devices may each have a service of one name.
static void service_names(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	for (size_t i = 1; i < policy->service_count; i++) {
		const struct policy_service *service = &policy->services[i];
		for (size_t k = 0; k < i; k++) {
			const struct policy_service *first = &policy->services[k];
			if (first->for_box != service->for_box || first->name.size != service->name.size ||
			    memcmp(first->name.text, service->name.text, first->name.size) != 0)
				continue;
			policy_error_word(p, &service->name, "put its lines into one block",
			                  "service %s is there twice, first in %s", SHOW(&service->name),
			                  WHERE(p, first->name.at, service->name.at));
			break;
		}
	}
}

static void device_addresses(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	const struct policy_device *with = NULL;
	for (size_t i = 0; i < policy->device_count && !with; i++)
		if (policy->devices[i].addresses.count > 0)
			with = &policy->devices[i];
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct word *name = &policy->devices[i].name;
		if (policy->devices[i].addresses.count > 0 || p->incomplete)
			continue;
		if (is_gateway(policy))
			policy_error_word(p, name,
			                  ADVICE("in role %s add a line such as: address 10.20.1.10",
			                         policy_role_name(policy->role)),
			                  "device %s has no address", SHOW(name));
		else if (with && policy->role == POLICY_ROLE_HOST)
			policy_error_word(p, name, "give an address to all devices or to none",
			                  "device %s has no address, %s has", SHOW(name), SHOW(&with->name));
	}
}

struct owned {
	const struct policy_prefix *address;
	const struct policy_device *device;
};

static int by_address(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int order = prefix_compare(&x->address->prefix, &y->address->prefix);
	if (order != 0)
		return order;
	return x->address->at < y->address->at ? -1 : x->address->at > y->address->at;
}

static void same_address(struct policy_parser *p, const struct owned *first, const struct owned *second)
{
	char text[PREFIX_TEXT_MAX];
	source_pos at = second->address->at;
	const char *shown = prefix_print(&second->address->prefix, text);
	uint32_t length = policy_lex_word_length(source_text(&p->policy->sources, at));
	if (first->device == second->device)
		policy_error(p, at, length, "leave one of them out", "address %s is there twice, first in %s",
		             shown, WHERE(p, first->address->at, at));
	else if (is_gateway(p->policy))
		policy_error(p, at, length, "each device has its own",
		             "address %s is that of device %s too, in %s", shown, SHOW(&first->device->name),
		             WHERE(p, first->address->at, at));
}

static void unique_addresses(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	size_t count = 0;
	for (size_t i = 0; i < policy->device_count; i++)
		count += policy->devices[i].addresses.count;
	struct owned *list = malloc((count + 1) * sizeof *list);
	if (!list) {
		p->error = -ENOMEM;
		return;
	}
	count = 0;
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];
		for (uint32_t k = 0; k < device->addresses.count; k++)
			list[count++] = (struct owned){&policy->prefixes[device->addresses.first + k], device};
	}
	qsort(list, count, sizeof *list, by_address);
	for (size_t i = 1; i < count; i++)
		if (prefix_equal(&list[i - 1].address->prefix, &list[i].address->prefix))
			same_address(p, &list[i - 1], &list[i]);
	free(list);
}

static const struct word *nearest_device(const struct policy_parser *p, const struct word *word)
{
	const struct word *nearest = NULL;
	size_t least = policy_edits_limit(word);
	for (size_t i = 0; i < p->policy->device_count && p->problems->count < PROBLEMS_MAX; i++) {
		const struct word *name = &p->policy->devices[i].name;
		size_t edits = policy_edits(word, name->text, name->size);
		if (edits < least) {
			least = edits;
			nearest = name;
		}
	}
	return nearest;
}

// The devices a peer names, turned into indices. `named[i]` is the last peer (its index + 1) that named device
// i.
static void references(struct policy_parser *p, size_t peer, const struct policy_index *index, uint32_t *named)
{
	struct policy *policy = p->policy;
	const struct span *span = &policy->peers[peer].devices;
	for (uint32_t i = span->first; i < span->first + span->count; i++) {
		const struct word *word = &p->references[i];
		size_t device = policy_index_find(index, word);
		if (device == SIZE_MAX) {
			const struct word *nearest = p->incomplete ? NULL : nearest_device(p, word);
			if (!p->incomplete)
				policy_error_word(p, word,
				                  nearest ? ADVICE("did you mean '%s'?", SHOW(nearest))
				                          : "name a device block of this policy",
				                  "there is no device '%s'", SHOW(word));
			continue;
		}
		if (named[device] == peer + 1)
			policy_error_word(p, word, "leave one of them out", "device %s is in this list already",
			                  SHOW(word));
		named[device] = (uint32_t)peer + 1;
		policy->device_refs[i] = (uint32_t)device;
	}
}

static bool listens(const struct policy *policy, const struct policy_peer *peer, bool any)
{
	if (peer->devices.count == 0)
		return any;
	for (uint32_t i = 0; i < peer->devices.count; i++)
		if (policy->devices[policy->device_refs[peer->devices.first + i]].ports.count > 0)
			return true;
	return false;
}

static void peers(struct policy_parser *p, const struct policy_index *index)
{
	const struct policy *policy = p->policy;
	uint32_t *named = calloc(policy->device_count + 1, sizeof *named);
	bool any = false;
	if (!named) {
		p->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < policy->device_count; i++)
		any |= policy->devices[i].ports.count > 0;

	size_t errors = p->problems->errors;
	if (policy->device_count == 0 && policy->peer_count > 0 && !p->incomplete)
		policy_error_word(p, &policy->peers[0].name,
		                  "add a block such as: device ct-3 { ae-title CT3; port 11112 }",
		                  "there are peers, but no device that is their partner");
	for (size_t i = 0; i < policy->peer_count; i++)
		if (policy->peers[i].devices.count > 0)
			references(p, i, index, named);
	// Indices hold only when every name was found.
	for (size_t i = 0; i < policy->peer_count && !p->incomplete && p->problems->errors == errors; i++) {
		const struct policy_peer *peer = &policy->peers[i];
		if (!peer->accepts || listens(policy, peer, any))
			continue;
		policy_error(p, peer->accepts_at, (uint32_t)strlen("accepts"),
		             "add a line to the device that says where it listens, such as: port 11112",
		             "peer %s opens associations to a device that has no port", SHOW(&peer->name));
		break; // one cause: the devices
	}
	free(named);
}

static void services(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	for (size_t i = 0; i < policy->service_count; i++) {
		const struct policy_service *service = &policy->services[i];
		if (service->for_box && policy->role == POLICY_ROLE_HOST)
			policy_error(p, service->for_at, 3, "leave 'for box' out",
			             "'for box' in role host, where the box is the device itself");
		else if (service->for_box && policy->box.at == 0 && is_gateway(policy) && !p->incomplete)
			policy_error(p, service->for_at, 3,
			             "add a block such as: box { address 10.20.1.250/24; interface service }",
			             "'for box', but no box block says how the gateway is reached");
		else if (!service->for_box && is_gateway(policy) && policy->device_count == 0 && !p->incomplete)
			policy_error_word(p, &service->name,
			                  "add a device block, or write 'for box' after the name",
			                  "service %s is for devices, and there is none", SHOW(&service->name));
	}
}

static void box(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	if (policy->box.at && policy->role == POLICY_ROLE_HOST)
		policy_error(p, policy->box.at, 3,
		             "leave it out; addresses of the device stand in its device block",
		             "a box block in role host, where the box is the device itself");
}

static void pass(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	source_pos first = 0;
	if (!policy->pass || policy->role == POLICY_ROLE_BRIDGE || policy->role == POLICY_ROLE_NONE)
		return;
	for (size_t i = 0; i < POLICY_FRAME_COUNT; i++)
		if (policy->pass_at[i] && (!first || policy->pass_at[i] < first))
			first = policy->pass_at[i];
	policy_error(p, first, policy_lex_word_length(source_text(&policy->sources, first)),
	             "leave it out; only role bridge passes frames on", "'pass' in role %s, which %s",
	             policy_role_name(policy->role),
	             policy->role == POLICY_ROLE_HOST ? "passes nothing on" : "passes on IP packets only");
}

static void flowtable(struct policy_parser *p)
{
	const struct policy *policy = p->policy;
	if (!policy->flowtable_at || policy->role == POLICY_ROLE_ROUTER || policy->role == POLICY_ROLE_NONE)
		return;
	policy_error(p, policy->flowtable_at, (uint32_t)strlen("flowtable"),
	             "leave it out; only role router has a flow table", "'flowtable' in role %s, which %s",
	             policy_role_name(policy->role),
	             policy->role == POLICY_ROLE_HOST ? "passes nothing on" : "does not route");
}

void policy_validate(struct policy_parser *p)
{
	struct policy_index index;
	const struct policy *policy = p->policy;
	role(p);
	box(p);
	pass(p);
	flowtable(p);
	p->error = policy_index_init(&index, policy->devices, sizeof *policy->devices, policy->device_count);
	if (p->error < 0)
		return;
	policy_index_fill(&index, policy->device_count, device_twice, p);
	device_addresses(p);
	unique_addresses(p);
	if (p->error == 0)
		peer_names(p);
	if (p->error == 0)
		peers(p, &index);
	if (p->error == 0) {
		service_names(p);
		services(p);
	}
	policy_index_fini(&index);
}
