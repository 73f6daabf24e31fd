// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a policy says, as a sorted list of small statements: two policies are then compared by walking two
// lists.
#include "cli/diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/array.h"
#include "policy/policy.h"

enum key {
	KEY_PRESENT,
	KEY_ROLE,
	KEY_SITE,
	KEY_UNIT,
	KEY_SERIAL,
	KEY_NOT_BEFORE,
	KEY_NOT_AFTER,
	KEY_ADDRESS,
	KEY_MAC,
	KEY_TITLE,
	KEY_PORT,
	KEY_TLS,
	KEY_DEVICES,
	KEY_INITIATES,
	KEY_ACCEPTS,
	KEY_TO,
	KEY_FROM,
	KEY_TCP,
	KEY_UDP,
	KEY_INTERFACE,
	KEY_DROPS,
	KEY_GROUP,
	KEY_FRAME,
};

const char *diff_part_name(enum diff_part part)
{
	static const char *const names[] = {
	        [DIFF_ROLE] = "role",       [DIFF_HEADER] = "policy",
	        [DIFF_PASS] = "pass",       [DIFF_FLOWTABLE] = "flowtable",
	        [DIFF_BOX] = "box",         [DIFF_MANAGE] = "manage",
	        [DIFF_LOG] = "log",         [DIFF_DEVICE] = "device",
	        [DIFF_SERVICE] = "service", [DIFF_BOX_SERVICE] = "service",
	        [DIFF_PEER] = "peer",
	};
	return names[part];
}

const char *diff_part_suffix(enum diff_part part)
{
	return part == DIFF_BOX_SERVICE ? " for box" : "";
}

const char *diff_key_name(unsigned key)
{
	static const char *const names[] = {
	        [KEY_PRESENT] = "",
	        [KEY_ROLE] = "role",
	        [KEY_SITE] = "site",
	        [KEY_UNIT] = "unit",
	        [KEY_SERIAL] = "serial",
	        [KEY_NOT_BEFORE] = "not-before",
	        [KEY_NOT_AFTER] = "not-after",
	        [KEY_ADDRESS] = "address",
	        [KEY_MAC] = "mac",
	        [KEY_TITLE] = "ae-title",
	        [KEY_PORT] = "port",
	        [KEY_TLS] = "tls",
	        [KEY_DEVICES] = "devices",
	        [KEY_INITIATES] = "initiates",
	        [KEY_ACCEPTS] = "accepts",
	        [KEY_TO] = "to",
	        [KEY_FROM] = "from",
	        [KEY_TCP] = "tcp",
	        [KEY_UDP] = "udp",
	        [KEY_INTERFACE] = "interface",
	        [KEY_DROPS] = "drops",
	        [KEY_GROUP] = "group",
	        [KEY_FRAME] = "frame",
	};
	return names[key];
}

enum diff_style diff_key_style(unsigned key)
{
	return key == KEY_TLS ? DIFF_FLAG : key == KEY_TCP || key == KEY_UDP ? DIFF_EACH : DIFF_LIST;
}

// ---- gathering ----

struct gather {
	const struct policy *policy;
	struct diff_facts *facts;
	struct word name; // whom the facts are about
	enum diff_part part;
	bool failed;
};

static void add_n(struct gather *g, enum key key, const char *value, size_t size)
{
	struct diff_facts *facts = g->facts;
	size_t at = facts->values.size;

	buffer_add(&facts->values, value, size);
	buffer_add(&facts->values, "", 1);
	if (buffer_failed(&facts->values) ||
	    array_room(&facts->items, facts->count, &facts->capacity, sizeof(*facts->items))) {
		g->failed = true;
		return;
	}
	facts->items[facts->count++] = (struct diff_fact){
	        .name = g->name.text ? g->name.text : "",
	        .name_size = g->name.size,
	        .part = (uint8_t)g->part,
	        .key = (uint8_t)key,
	        .value_size = (uint32_t)size,
	        .value = at,
	};
}

static void add(struct gather *g, enum key key, const char *value)
{
	add_n(g, key, value, strlen(value));
}

static void add_word(struct gather *g, enum key key, const struct word *word)
{
	if (word->text)
		add_n(g, key, word->text, word->size);
}

static void add_number(struct gather *g, enum key key, unsigned number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", number);
	add(g, key, text);
}

static void about(struct gather *g, enum diff_part part, const struct word *name)
{
	g->part = part;
	g->name = name ? *name : (struct word){0};
	add(g, KEY_PRESENT, "");
}

static void add_prefixes(struct gather *g, enum key key, struct span span)
{
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < span.count; i++)
		add(g, key, prefix_print(&g->policy->prefixes[span.first + i].prefix, text));
}

static const char *ports_print(const struct policy_ports *ports, char text[static 16])
{
	if (ports->first == ports->last)
		(void)snprintf(text, 16, "%u", ports->first);
	else
		(void)snprintf(text, 16, "%u-%u", ports->first, ports->last);
	return text;
}

static void add_ports(struct gather *g, enum key key, struct span span)
{
	char text[16];

	for (size_t i = 0; i < span.count; i++)
		add(g, key, ports_print(&g->policy->ports[span.first + i], text));
}

static void add_words(struct gather *g, enum key key, const struct word *words, struct span span)
{
	for (size_t i = 0; i < span.count; i++)
		add_word(g, key, &words[span.first + i]);
}

static void add_dicom(struct gather *g, enum key key, uint32_t services)
{
	for (unsigned i = 0; i < POLICY_DICOM_COUNT; i++) {
		if (services & 1u << i)
			add(g, key, policy_dicom_name((enum policy_dicom)i));
	}
}

static void gather_header(struct gather *g)
{
	const struct policy_header *header = &g->policy->header;

	if (!header->at)
		return;
	about(g, DIFF_HEADER, NULL);
	add_word(g, KEY_SITE, &header->site);
	add_word(g, KEY_UNIT, &header->unit);
	add_word(g, KEY_SERIAL, &header->serial);
	add_word(g, KEY_NOT_BEFORE, &header->not_before);
	add_word(g, KEY_NOT_AFTER, &header->not_after);
}

static void gather_pass(struct gather *g)
{
	if (g->policy->pass)
		about(g, DIFF_PASS, NULL);
	for (unsigned i = 0; i < POLICY_FRAME_COUNT; i++) {
		if (g->policy->pass & 1u << i)
			add(g, KEY_FRAME, policy_frame_name((enum policy_frame)i));
	}
}

static void gather_flowtable(struct gather *g)
{
	if (!g->policy->flowtable_at)
		return;
	about(g, DIFF_FLOWTABLE, NULL);
	add_words(g, KEY_INTERFACE, g->policy->interfaces, g->policy->flowtable);
}

static void gather_box(struct gather *g)
{
	const struct policy_box *box = &g->policy->box;
	char text[PREFIX_TEXT_MAX + 8], address[PREFIX_TEXT_MAX];

	if (!box->at)
		return;
	about(g, DIFF_BOX, NULL);
	for (size_t i = 0; i < box->addresses.count; i++) {
		prefix_print(&g->policy->prefixes[box->addresses.first + i].prefix, address);
		if (i < box->lengths.count)
			(void)snprintf(text, sizeof(text), "%s/%u", address,
			               g->policy->box_lengths[box->lengths.first + i]);
		add(g, KEY_ADDRESS, i < box->lengths.count ? text : address);
	}
	add_words(g, KEY_INTERFACE, g->policy->interfaces, box->interfaces);
}

static void gather_manage(struct gather *g)
{
	const struct policy_manage *manage = &g->policy->manage;

	if (!manage->at)
		return;
	about(g, DIFF_MANAGE, NULL);
	add_prefixes(g, KEY_FROM, manage->from);
	add_ports(g, KEY_PORT, manage->ports);
	add_words(g, KEY_INTERFACE, g->policy->interfaces, manage->interfaces);
}

static void gather_log(struct gather *g)
{
	const struct policy_log *log = &g->policy->log;
	char text[32];

	about(g, DIFF_LOG, NULL);
	(void)snprintf(text, sizeof(text), "%u/%s", log->drops,
	               log->seconds == 3600 ? "hour"
	               : log->seconds == 60 ? "minute"
	                                    : "second");
	add(g, KEY_DROPS, log->drops ? text : "off");
	add_number(g, KEY_GROUP, log->group);
}

static void gather_device(struct gather *g, const struct policy_device *device)
{
	char text[MAC_TEXT_MAX];

	about(g, DIFF_DEVICE, &device->name);
	add_prefixes(g, KEY_ADDRESS, device->addresses);
	add_words(g, KEY_TITLE, g->policy->titles, device->titles);
	add_ports(g, KEY_PORT, device->ports);
	if (device->mac_at)
		add(g, KEY_MAC, mac_print(&device->mac, text));
}

static void gather_peer(struct gather *g, const struct policy_peer *peer)
{
	about(g, DIFF_PEER, &peer->name);
	add_prefixes(g, KEY_ADDRESS, peer->addresses);
	add_words(g, KEY_TITLE, g->policy->titles, peer->titles);
	add_ports(g, KEY_PORT, peer->ports);
	if (peer->tls_at)
		add(g, KEY_TLS, "yes");
	for (size_t i = 0; i < peer->devices.count; i++)
		add_word(g, KEY_DEVICES,
		         &g->policy->devices[g->policy->device_refs[peer->devices.first + i]].name);
	add_dicom(g, KEY_INITIATES, peer->initiates);
	add_dicom(g, KEY_ACCEPTS, peer->accepts);
}

// As the policy says it: tcp "80 443 to 10.20.0.7"; for the services whose ports go without saying to
// "10.20.0.7".
static void gather_opening(struct gather *g, const struct policy_service *service,
                           const struct policy_opening *opening)
{
	enum key key = opening->inbound ? KEY_FROM : KEY_TO;
	struct buffer value = BUFFER_EMPTY;
	char text[PREFIX_TEXT_MAX];

	if (service->kind == POLICY_SERVICE_CUSTOM)
		key = opening->protocol == POLICY_TCP ? KEY_TCP : KEY_UDP;
	for (size_t i = 0; i < opening->remote.count; i++) {
		buffer_clear(&value);
		if (service->kind == POLICY_SERVICE_CUSTOM) {
			for (size_t p = 0; p < opening->ports.count; p++)
				buffer_printf(&value, "%s ",
				              ports_print(&g->policy->ports[opening->ports.first + p], text));
			buffer_text(&value, opening->inbound ? "from " : "to ");
		}
		buffer_text(&value, prefix_print(&g->policy->prefixes[opening->remote.first + i].prefix, text));
		if (!buffer_failed(&value))
			add_n(g, key, value.data, value.size);
		g->failed = g->failed || buffer_failed(&value);
	}
	buffer_fini(&value);
}

static void gather_service(struct gather *g, const struct policy_service *service)
{
	about(g, service->for_box ? DIFF_BOX_SERVICE : DIFF_SERVICE, &service->name);
	for (size_t i = 0; i < service->openings.count; i++)
		gather_opening(g, service, &g->policy->openings[service->openings.first + i]);
}

// ---- order ----

int diff_compare_name(const struct diff_fact *a, const struct diff_fact *b)
{
	uint32_t size = a->name_size < b->name_size ? a->name_size : b->name_size;
	int order;

	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	if (a->name == b->name && a->name_size == b->name_size)
		return 0;
	order = memcmp(a->name, b->name, size);
	return order ? order : (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

int diff_compare_key(const struct diff_fact *a, const struct diff_fact *b)
{
	int order = diff_compare_name(a, b);

	return order ? order : (a->key > b->key) - (a->key < b->key);
}

int diff_compare(const struct diff_facts *a_facts, const struct diff_fact *a, const struct diff_facts *b_facts,
                 const struct diff_fact *b)
{
	int order = diff_compare_key(a, b);

	return order ? order : strcmp(a_facts->values.data + a->value, b_facts->values.data + b->value);
}

// Facts of one thing, as they were gathered.
struct thing {
	size_t first, end;
};

static int compare_things(const void *a, const void *b, void *context)
{
	const struct diff_facts *facts = context;
	const struct thing *x = a, *y = b;

	return diff_compare_name(&facts->items[x->first], &facts->items[y->first]);
}

// Of facts about one thing.
static int compare_statements(const void *a, const void *b, void *context)
{
	const struct diff_facts *facts = context;
	const struct diff_fact *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return strcmp(facts->values.data + x->value, facts->values.data + y->value);
}

// Every thing begins with that it is there.
static struct thing *find_things(const struct diff_facts *facts, size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < facts->count; i++)
		count += facts->items[i].key == KEY_PRESENT;
	struct thing *things = malloc((count + 1) * sizeof(*things));
	*ret_count = count;
	count = 0;
	for (size_t i = 0; things && i < facts->count; i++) {
		if (facts->items[i].key == KEY_PRESENT)
			things[count++].first = i;
		things[count - 1].end = i + 1;
	}
	return things;
}

// Sorts things by name, and then what is said of each: a policy has ten times as many facts as names, and names
// are what is slow to compare.
static int sort(struct diff_facts *facts)
{
	size_t count, at = 0;
	struct thing *things = find_things(facts, &count);
	struct diff_fact *sorted = malloc((facts->count + 1) * sizeof(*sorted));

	if (!things || !sorted) {
		free(things);
		free(sorted);
		return -ENOMEM;
	}
	qsort_r(things, count, sizeof(*things), compare_things, facts);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = things[i].first; k < things[i].end; k++)
			sorted[at++] = facts->items[k];
	}
	free(things);
	free(facts->items);
	facts->items = sorted;
	facts->capacity = facts->count + 1;
	facts->count = at;
	for (size_t first = 0, end; first < at; first = end) {
		// Two blocks may be about one thing.
		for (end = first + 1; end < at && diff_compare_name(&sorted[first], &sorted[end]) == 0; end++)
			;
		qsort_r(sorted + first, end - first, sizeof(*sorted), compare_statements, facts);
	}
	return 0;
}

int diff_facts(const struct policy *policy, struct diff_facts *ret)
{
	struct gather g = {.policy = policy, .facts = ret};
	size_t kept = 0;

	*ret = (struct diff_facts){0};
	about(&g, DIFF_ROLE, NULL);
	add(&g, KEY_ROLE, policy_role_name(policy->role));
	gather_header(&g);
	gather_pass(&g);
	gather_flowtable(&g);
	gather_box(&g);
	gather_manage(&g);
	gather_log(&g);
	for (size_t i = 0; i < policy->device_count; i++)
		gather_device(&g, &policy->devices[i]);
	for (size_t i = 0; i < policy->service_count; i++)
		gather_service(&g, &policy->services[i]);
	for (size_t i = 0; i < policy->peer_count; i++)
		gather_peer(&g, &policy->peers[i]);
	if (g.failed)
		return -ENOMEM;
	if (sort(ret) < 0)
		return -ENOMEM;
	for (size_t i = 1; i < ret->count; i++) {
		if (diff_compare(ret, &ret->items[kept], ret, &ret->items[i]) != 0)
			ret->items[++kept] = ret->items[i];
	}
	ret->count = kept + 1;
	return 0;
}

void diff_facts_fini(struct diff_facts *facts)
{
	free(facts->items);
	buffer_fini(&facts->values);
	*facts = (struct diff_facts){0};
}
