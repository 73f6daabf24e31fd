// SPDX-License-Identifier: GPL-2.0-or-later
//
// The policy for programs. Keys are the language's words; a list that is empty is there and empty.
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static void key_word(struct json *out, const char *key, const struct word *word)
{
	json_key(out, key);
	if (word->text)
		json_text_n(out, word->text, word->size);
	else
		json_text(out, NULL);
}

static void key_words(struct json *out, const char *key, const struct word *words, const struct span *span)
{
	json_key(out, key);
	json_array(out);
	for (uint32_t i = 0; i < span->count; i++)
		json_text_n(out, words[span->first + i].text, words[span->first + i].size);
	json_end_array(out);
}

static void key_prefixes(struct json *out, const char *key, const struct policy *policy,
                         const struct span *span)
{
	char text[PREFIX_TEXT_MAX];
	json_key(out, key);
	json_array(out);
	for (uint32_t i = 0; i < span->count; i++)
		json_text(out, prefix_print(&policy->prefixes[span->first + i].prefix, text));
	json_end_array(out);
}

static void key_ports(struct json *out, const struct policy *policy, const struct span *span)
{
	json_key(out, "ports");
	json_array(out);
	for (uint32_t i = 0; i < span->count; i++)
		json_number(out, policy->ports[span->first + i].first);
	json_end_array(out);
}

static void key_ranges(struct json *out, const struct policy *policy, const struct span *span)
{
	json_key(out, "ports");
	json_array(out);
	for (uint32_t i = 0; i < span->count; i++) {
		const struct policy_ports *ports = &policy->ports[span->first + i];
		json_object(out);
		json_key_number(out, "first", ports->first);
		json_key_number(out, "last", ports->last);
		json_end(out);
	}
	json_end_array(out);
}

static void key_services(struct json *out, const char *key, uint32_t set)
{
	json_key(out, key);
	json_array(out);
	for (int i = 0; i < POLICY_DICOM_COUNT; i++)
		if (set & 1u << i)
			json_text(out, policy_dicom_name((enum policy_dicom)i));
	json_end_array(out);
}

static void header(struct json *out, const struct policy_header *header)
{
	json_key(out, "policy");
	json_object(out);
	key_word(out, "site", &header->site);
	key_word(out, "unit", &header->unit);
	if (header->serial.text)
		json_key_number(out, "serial", header->serial_number);
	else
		json_key_text(out, "serial", NULL);
	key_word(out, "not-before", &header->not_before);
	key_word(out, "not-after", &header->not_after);
	json_end(out);
}

static void box(struct json *out, const struct policy *policy)
{
	const struct policy_box *box = &policy->box;
	json_key(out, "box");
	if (!box->at) {
		json_text(out, NULL);
		return;
	}
	json_object(out);
	json_key(out, "addresses");
	json_array(out);
	for (uint32_t i = 0; i < box->addresses.count; i++) {
		char text[PREFIX_TEXT_MAX + 4];
		prefix_print(&policy->prefixes[box->addresses.first + i].prefix, text);
		size_t size = strlen(text);
		snprintf(text + size, sizeof text - size, "/%u", policy->box_lengths[box->lengths.first + i]);
		json_text(out, text);
	}
	json_end_array(out);
	key_words(out, "interfaces", policy->interfaces, &box->interfaces);
	json_end(out);
}

static void device(struct json *out, const struct policy *policy, const struct policy_device *device)
{
	char mac[MAC_TEXT_MAX];
	json_object(out);
	key_word(out, "name", &device->name);
	key_prefixes(out, "addresses", policy, &device->addresses);
	key_words(out, "ae-titles", policy->titles, &device->titles);
	key_ports(out, policy, &device->ports);
	json_key_text(out, "mac", device->mac_at ? mac_print(&device->mac, mac) : NULL);
	json_end(out);
}

static void peer(struct json *out, const struct policy *policy, const struct policy_peer *peer)
{
	json_object(out);
	key_word(out, "name", &peer->name);
	json_key(out, "devices"); // empty: every device
	json_array(out);
	for (uint32_t i = 0; i < peer->devices.count; i++) {
		const struct word *name = &policy->devices[policy->device_refs[peer->devices.first + i]].name;
		json_text_n(out, name->text, name->size);
	}
	json_end_array(out);
	key_prefixes(out, "addresses", policy, &peer->addresses);
	key_words(out, "ae-titles", policy->titles, &peer->titles);
	key_ports(out, policy, &peer->ports);
	json_key_bool(out, "tls", peer->tls_at != 0);
	key_services(out, "initiates", peer->initiates);
	key_services(out, "accepts", peer->accepts);
	json_end(out);
}

static const char *protocol_name(enum policy_protocol protocol)
{
	switch (protocol) {
	case POLICY_TCP:
		return "tcp";
	case POLICY_UDP:
		return "udp";
	case POLICY_ICMP_ECHO:
		return "icmp-echo";
	}
	return NULL;
}

static void service(struct json *out, const struct policy *policy, const struct policy_service *service)
{
	json_object(out);
	key_word(out, "name", &service->name);
	json_key_text(out, "for", service->for_box ? "box" : "devices");
	json_key(out, "openings");
	json_array(out);
	for (uint32_t i = 0; i < service->openings.count; i++) {
		const struct policy_opening *opening = &policy->openings[service->openings.first + i];
		json_object(out);
		json_key_text(out, "protocol", protocol_name(opening->protocol));
		key_ranges(out, policy, &opening->ports);
		key_prefixes(out, opening->inbound ? "from" : "to", policy, &opening->remote);
		json_end(out);
	}
	json_end_array(out);
	json_end(out);
}

static void manage(struct json *out, const struct policy *policy)
{
	const struct policy_manage *manage = &policy->manage;
	json_key(out, "manage");
	if (!manage->at) {
		json_text(out, NULL);
		return;
	}
	json_object(out);
	key_prefixes(out, "from", policy, &manage->from);
	key_words(out, "interfaces", policy->interfaces, &manage->interfaces);
	key_ports(out, policy, &manage->ports);
	json_end(out);
}

static void logging(struct json *out, const struct policy_log *log)
{
	json_key(out, "log");
	json_object(out);
	json_key_number(out, "drops", log->drops); // 0: off
	json_key_number(out, "seconds", log->seconds);
	json_key_number(out, "group", log->group);
	json_end(out);
}

static void pass(struct json *out, uint32_t frames)
{
	json_key(out, "pass");
	json_array(out);
	for (unsigned i = 0; i < POLICY_FRAME_COUNT; i++)
		if (frames & 1u << i)
			json_text(out, policy_frame_name((enum policy_frame)i));
	json_end_array(out);
}

void policy_json(const struct policy *policy, struct json *out)
{
	json_object(out);
	header(out, &policy->header);
	json_key_text(out, "role", policy_role_name(policy->role));
	pass(out, policy->pass);
	key_words(out, "flowtable", policy->interfaces, &policy->flowtable);
	box(out, policy);
	json_key(out, "devices");
	json_array(out);
	for (size_t i = 0; i < policy->device_count; i++)
		device(out, policy, &policy->devices[i]);
	json_end_array(out);
	json_key(out, "peers");
	json_array(out);
	for (size_t i = 0; i < policy->peer_count; i++)
		peer(out, policy, &policy->peers[i]);
	json_end_array(out);
	json_key(out, "services");
	json_array(out);
	for (size_t i = 0; i < policy->service_count; i++)
		service(out, policy, &policy->services[i]);
	json_end_array(out);
	manage(out, policy);
	logging(out, &policy->log);
	json_end(out);
}
