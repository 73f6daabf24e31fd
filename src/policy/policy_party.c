// SPDX-License-Identifier: GPL-2.0-or-later
//
// The two parties of an association: device blocks and peer blocks.
#include "policy/policy_names.h"
#include "policy/policy_parse.h"

#include <string.h>

#define TLS_PORT 2762 // DICOM TLS, registered with IANA; PS3.8 9.1.2

static bool refuse_title(struct policy_parser *p, const struct word *word)
{
	if (memchr(word->text, '\\', word->size))
		return policy_error_word(p, word, "leave it out: DICOM PS3.5 keeps it as a separator",
		                         "a backslash in an AE title");
	return policy_error_word(p, word, "DICOM PS3.5 allows the printable characters of ASCII",
	                         "'%s' is not an AE title", SHOW(word));
}

// PS3.5 6.2, VR AE: at most 16 characters of the default repertoire without backslash and control characters;
// spaces at both ends mean nothing, and there must be more than spaces.
static bool title_read(struct policy_parser *p, const struct word *word, struct word *ret)
{
	struct word title = *word;
	while (title.size > 0 && title.text[0] == ' ') {
		title.text++;
		title.size--;
	}
	while (title.size > 0 && title.text[title.size - 1] == ' ')
		title.size--;
	if (title.size == 0)
		return policy_error_word(p, word, "DICOM PS3.5 asks for at least one other character",
		                         "an AE title with nothing in it but spaces");
	for (uint32_t i = 0; i < title.size; i++)
		if (title.text[i] < ' ' || title.text[i] > '~' || title.text[i] == '\\')
			return refuse_title(p, word);
	if (title.size > POLICY_AE_TITLE_MAX)
		return policy_error_word(p, word, ADVICE("DICOM PS3.5 allows %d", POLICY_AE_TITLE_MAX),
		                         "the AE title '%s' has %u characters", SHOW(&title), title.size);
	*ret = title;
	return true;
}

static bool titles_read(struct policy_parser *p, struct span *span)
{
	struct policy *policy = p->policy;
	bool good = true;
	for (uint32_t i = 1; i < p->line.count; i++) {
		const struct word *word = &p->line.words[i];
		struct word title;
		if (!title_read(p, word, &title)) {
			good = false;
			continue;
		}
		bool before = false;
		for (uint32_t k = 0; k < span->count; k++) {
			const struct word *item = &policy->titles[span->first + k];
			before |= item->size == title.size && memcmp(item->text, title.text, title.size) == 0;
		}
		if (before) {
			good = policy_error_word(p, word, "leave one of them out",
			                         "AE title '%s' is in this list already", SHOW(&title));
			continue;
		}
		if (span->count == POLICY_TITLES_MAX)
			return policy_error_word(p, word, NULL, "more than %d AE titles in one list",
			                         POLICY_TITLES_MAX);
		struct word *item = policy_push(p, &policy->titles, &policy->title_count,
		                                &policy->title_capacity, sizeof *item);
		if (!item)
			return false;
		*item = title;
		policy_span_add(span, policy->title_count - 1);
	}
	return good;
}

// The name in `device NAME {` or `peer NAME {`; false when it was complained about.
static bool party_name(struct policy_parser *p, const char *whose, struct word *ret)
{
	*ret = (struct word){.at = p->line.count ? p->line.words[0].at : p->line.brace_at};
	if (p->line.broken || p->line.count < 2)
		return false;
	if (!policy_name_check(p, &p->line.words[1], whose)) {
		p->incomplete = true; // others may refer to it
		return false;
	}
	*ret = p->line.words[1];
	return true;
}

static bool too_many(struct policy_parser *p, const struct word *name, size_t count, size_t most,
                     const char *what)
{
	if (count < most)
		return false;
	policy_error_word(p, name, NULL, "more than %zu %s in one policy", most, what);
	p->stop = true;
	return true;
}

static bool device_title(struct policy_parser *p, void *block)
{
	return titles_read(p, &((struct policy_device *)block)->titles);
}

static bool device_port(struct policy_parser *p, void *block)
{
	return policy_ports_read(p, 1, p->line.count, false, &((struct policy_device *)block)->ports);
}

static bool device_address(struct policy_parser *p, void *block)
{
	return policy_addresses_read(p, 1, p->line.count, POLICY_ADDRESS_DEVICE,
	                             &((struct policy_device *)block)->addresses);
}

static bool device_mac(struct policy_parser *p, void *block)
{
	struct policy_device *device = block;
	const struct word *word = &p->line.words[1];
	static const struct mac zero;
	if (!mac_parse(word->text, word->size, &device->mac))
		return policy_error_word(p, word, "write six pairs of hexadecimal digits: 00:1b:21:aa:00:03",
		                         "'%s' is not a MAC address", SHOW(word));
	if (device->mac.octets[0] & 1 || memcmp(&device->mac, &zero, sizeof zero) == 0)
		return policy_error_word(p, word,
		                         "write the one on the device's label or in its network settings",
		                         "%s is not the MAC address of one device", SHOW(word));
	device->mac_at = word->at;
	return true;
}

#define DEVICE_EXAMPLE "device ct-3 { ae-title CT3; port 11112 }"

static const struct policy_form device_forms[] = {
        {POLICY_NAME("ae-title"), 1, POLICY_ANY, false, "ae-title CT3", device_title},
        {POLICY_NAME("port"), 1, POLICY_ANY, false, "port 11112", device_port},
        {POLICY_NAME("address"), 1, POLICY_ANY, false, "address 10.20.1.10", device_address},
        {POLICY_NAME("mac"), 1, 1, true, "mac 00:1b:21:aa:00:03", device_mac},
};
static const struct policy_block device_block = {"a device block", device_forms,
                                                 sizeof device_forms / sizeof device_forms[0]};

bool policy_device_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	struct policy *policy = p->policy;
	struct policy_device device = {0};
	bool good = party_name(p, "a device", &device.name);
	if (good && too_many(p, &device.name, policy->device_count, POLICY_DEVICES_MAX, "devices"))
		return false;
	if (!policy_block_read(p, &device_block, &device, DEVICE_EXAMPLE))
		p->incomplete = true;
	if (!good || p->error < 0)
		return false;
	struct policy_device *item =
	        policy_push(p, &policy->devices, &policy->device_count, &policy->device_capacity, sizeof *item);
	if (!item)
		return false;
	*item = device;
	return true;
}

static bool peer_address(struct policy_parser *p, void *block)
{
	return policy_addresses_read(p, 1, p->line.count, POLICY_ADDRESS_PEER,
	                             &((struct policy_peer *)block)->addresses);
}

static bool peer_title(struct policy_parser *p, void *block)
{
	return titles_read(p, &((struct policy_peer *)block)->titles);
}

static bool peer_port(struct policy_parser *p, void *block)
{
	return policy_ports_read(p, 1, p->line.count, false, &((struct policy_peer *)block)->ports);
}

static bool peer_tls(struct policy_parser *p, void *block)
{
	((struct policy_peer *)block)->tls_at = p->line.words[0].at;
	return true;
}

static bool peer_devices(struct policy_parser *p, void *block)
{
	struct policy *policy = p->policy;
	for (uint32_t i = 1; i < p->line.count; i++) {
		uint32_t *item = policy_push(p, &policy->device_refs, &policy->device_ref_count,
		                             &policy->device_ref_capacity, sizeof *item);
		struct word *word = policy_push(p, &p->references, &p->reference_count, &p->reference_capacity,
		                                sizeof *word);
		if (!item || !word)
			return false;
		*item = 0; // known when all devices are
		*word = p->line.words[i];
		policy_span_add(&((struct policy_peer *)block)->devices, policy->device_ref_count - 1);
	}
	return true;
}

static bool services_read(struct policy_parser *p, uint32_t *set, source_pos *at)
{
	bool good = true;
	if (!*at)
		*at = p->line.words[0].at;
	for (uint32_t i = 1; i < p->line.count; i++) {
		const struct word *word = &p->line.words[i];
		int service = policy_dicom_from_word(word);
		if (service < 0 && memchr(word->text, ',', word->size)) {
			good = policy_error_word(p, word, "separate them with spaces",
			                         "a comma in a list of services");
		} else if (service < 0) {
			const char *nearest = policy_dicom_nearest(word);
			good = policy_error_word(
			        p, word,
			        nearest ? ADVICE("did you mean '%s'?", nearest)
			                : "known are, among others: echo, storage, storage-commitment, "
			                  "worklist, mpps, query-retrieve, print",
			        "'%s' is not a DICOM service", SHOW(word));
		} else if (*set & 1u << service) {
			good = policy_error_word(p, word, "leave one of them out", "%s is in this list already",
			                         policy_dicom_name((enum policy_dicom)service));
		} else {
			*set |= 1u << service;
		}
	}
	return good;
}

static bool peer_initiates(struct policy_parser *p, void *block)
{
	struct policy_peer *peer = block;
	return services_read(p, &peer->initiates, &peer->initiates_at);
}

static bool peer_accepts(struct policy_parser *p, void *block)
{
	struct policy_peer *peer = block;
	return services_read(p, &peer->accepts, &peer->accepts_at);
}

#define PEER_EXAMPLE "peer main-pacs { address 10.20.0.5; port 104; initiates storage }"

static const struct policy_form peer_forms[] = {
        {POLICY_NAME("address"), 1, POLICY_ANY, false, "address 10.20.0.5", peer_address},
        {POLICY_NAME("ae-title"), 1, POLICY_ANY, false, "ae-title MAIN_PACS", peer_title},
        {POLICY_NAME("port"), 1, POLICY_ANY, false, "port 104", peer_port},
        {POLICY_NAME("initiates"), 1, POLICY_ANY, false, "initiates echo storage", peer_initiates},
        {POLICY_NAME("accepts"), 1, POLICY_ANY, false, "accepts echo storage-commitment", peer_accepts},
        {POLICY_NAME("devices"), 1, POLICY_ANY, false, "devices ct-3", peer_devices},
        {POLICY_NAME("tls"), 0, 0, true, "tls", peer_tls},
};
static const struct policy_block peer_block = {"a peer block", peer_forms,
                                               sizeof peer_forms / sizeof peer_forms[0]};

static bool peer_complete(struct policy_parser *p, struct policy_peer *peer)
{
	bool good = true;
	if (peer->addresses.count == 0)
		good = policy_error_word(p, &peer->name, "add a line such as: address 10.20.0.5",
		                         "peer %s has no address", SHOW(&peer->name));
	if (peer->ports.count > 0 || (!peer->tls_at && !peer->initiates))
		return good;
	if (peer->tls_at)
		policy_port_add(p, TLS_PORT, TLS_PORT, peer->tls_at, &peer->ports);
	else
		good = policy_error_word(
		        p, &peer->name,
		        "say where it listens; registered for DICOM are 104, 11112 and, with tls, 2762",
		        "the device initiates to peer %s, but it has no port", SHOW(&peer->name));
	return good;
}

bool policy_peer_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	struct policy *policy = p->policy;
	struct policy_peer peer = {0};
	bool good = party_name(p, "a peer", &peer.name);
	if (good && too_many(p, &peer.name, policy->peer_count, POLICY_PEERS_MAX, "peers"))
		return false;
	if (policy_block_read(p, &peer_block, &peer, PEER_EXAMPLE))
		good = good && peer_complete(p, &peer);
	else
		good = false;
	// What is wrong in itself is not compared with others, but its name is taken.
	if (!peer.name.text || p->error < 0)
		return false;
	struct policy_peer *item =
	        policy_push(p, &policy->peers, &policy->peer_count, &policy->peer_capacity, sizeof *item);
	if (!item)
		return false;
	*item = peer;
	return good;
}
