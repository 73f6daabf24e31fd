// SPDX-License-Identifier: GPL-2.0-or-later
//
// The canonical form of a policy: one order, one spelling, defaults written out, long lists in lines that a
// serial console shows whole.
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

#define LINE_MAX_COLUMNS 100

// A directive that is being written in a block, and the words to begin it with again when its line is full.
struct line {
	struct buffer *out;
	const char *name;
	struct buffer *lead; // words after the name that each line repeats; may be NULL
	size_t column;       // 0: nothing written yet
};

static bool is_plain(const struct word *word)
{
	if (word->size == 0 || word->text[0] == '#')
		return false;
	for (uint32_t i = 0; i < word->size; i++) {
		unsigned char c = (unsigned char)word->text[i];
		if (c <= ' ' || c >= 0x7f || strchr("{};\"'\\", c))
			return false;
	}
	return true;
}

static void put_word(struct buffer *out, const struct word *word)
{
	if (is_plain(word)) {
		buffer_add(out, word->text, word->size);
		return;
	}
	buffer_text(out, "\"");
	for (uint32_t i = 0; i < word->size; i++) {
		if (word->text[i] == '"' || word->text[i] == '\\')
			buffer_text(out, "\\");
		buffer_add(out, word->text + i, 1);
	}
	buffer_text(out, "\"");
}

static void item(struct line *line, const char *text, size_t size)
{
	if (line->column && line->column + 1 + size > LINE_MAX_COLUMNS) {
		buffer_text(line->out, "\n");
		line->column = 0;
	}
	if (line->column == 0) {
		buffer_text(line->out, "\t");
		buffer_text(line->out, line->name);
		line->column = 8 + strlen(line->name);
		if (line->lead) {
			buffer_add(line->out, line->lead->data, line->lead->size);
			line->column += line->lead->size;
		}
	}
	buffer_text(line->out, " ");
	buffer_add(line->out, text, size);
	line->column += 1 + size;
}

static void end(struct line *line)
{
	if (line->column)
		buffer_text(line->out, "\n");
}

static void put_words(struct buffer *out, const char *name, const struct word *words, const struct span *span)
{
	struct line line = {.out = out, .name = name};
	for (uint32_t i = 0; i < span->count; i++) {
		struct buffer text = BUFFER_EMPTY;
		put_word(&text, &words[span->first + i]);
		if (buffer_failed(&text))
			out->failed = true;
		else
			item(&line, text.data, text.size);
		buffer_fini(&text);
	}
	end(&line);
}

static void prefix_items(struct line *line, const struct policy *policy, const struct span *span)
{
	for (uint32_t i = 0; i < span->count; i++) {
		char text[PREFIX_TEXT_MAX];
		prefix_print(&policy->prefixes[span->first + i].prefix, text);
		item(line, text, strlen(text));
	}
}

static void put_prefixes(struct buffer *out, const char *name, const struct policy *policy,
                         const struct span *span)
{
	struct line line = {.out = out, .name = name};
	prefix_items(&line, policy, span);
	end(&line);
}

// A decimal number that ends before `end`, where it begins; a long list has one for each peer.
static char *number(unsigned value, char *end)
{
	do
		*--end = (char)('0' + value % 10);
	while (value /= 10);
	return end;
}

// It stands somewhere in `text`.
static const char *port_text(const struct policy_ports *ports, char text[static 16])
{
	char *start = text + 15;
	*start = '\0';
	start = number(ports->last, start);
	if (ports->first == ports->last)
		return start;
	*--start = '-';
	return number(ports->first, start);
}

static void put_ports(struct buffer *out, const struct policy *policy, const struct span *span)
{
	struct line line = {.out = out, .name = "port"};
	for (uint32_t i = 0; i < span->count; i++) {
		char space[16];
		const char *text = port_text(&policy->ports[span->first + i], space);
		item(&line, text, strlen(text));
	}
	end(&line);
}

static void put_services(struct buffer *out, const char *name, uint32_t set)
{
	struct line line = {.out = out, .name = name};
	for (int i = 0; set >> i; i++) {
		if (!(set & 1u << i))
			continue;
		const char *service = policy_dicom_name((enum policy_dicom)i);
		item(&line, service, strlen(service));
	}
	end(&line);
}

static void put_single(struct buffer *out, const char *name, const struct word *word)
{
	if (!word->text)
		return;
	buffer_printf(out, "\t%s ", name);
	put_word(out, word);
	buffer_text(out, "\n");
}

static void begin(struct buffer *out, const char *kind, const struct word *name)
{
	buffer_text(out, "\n");
	buffer_text(out, kind);
	buffer_text(out, " ");
	put_word(out, name);
}

static void put_header(struct buffer *out, const struct policy_header *header)
{
	if (!header->at)
		return;
	buffer_text(out, "policy {\n");
	put_single(out, "site", &header->site);
	put_single(out, "unit", &header->unit);
	put_single(out, "serial", &header->serial);
	put_single(out, "not-before", &header->not_before);
	put_single(out, "not-after", &header->not_after);
	buffer_text(out, "}\n\n");
}

static void put_box(struct buffer *out, const struct policy *policy)
{
	const struct policy_box *box = &policy->box;
	if (!box->at)
		return;
	buffer_text(out, "\nbox {\n");
	struct line line = {.out = out, .name = "address"};
	for (uint32_t i = 0; i < box->addresses.count; i++) {
		char text[PREFIX_TEXT_MAX + 4];
		prefix_print(&policy->prefixes[box->addresses.first + i].prefix, text);
		size_t size = strlen(text);
		snprintf(text + size, sizeof text - size, "/%u", policy->box_lengths[box->lengths.first + i]);
		item(&line, text, strlen(text));
	}
	end(&line);
	put_words(out, "interface", policy->interfaces, &box->interfaces);
	buffer_text(out, "}\n");
}

static void put_device(struct buffer *out, const struct policy *policy, const struct policy_device *device)
{
	begin(out, "device", &device->name);
	buffer_text(out, " {\n");
	put_prefixes(out, "address", policy, &device->addresses);
	put_words(out, "ae-title", policy->titles, &device->titles);
	put_ports(out, policy, &device->ports);
	if (device->mac_at) {
		char mac[MAC_TEXT_MAX];
		buffer_printf(out, "\tmac %s\n", mac_print(&device->mac, mac));
	}
	buffer_text(out, "}\n");
}

static void put_peer(struct buffer *out, const struct policy *policy, const struct policy_peer *peer)
{
	begin(out, "peer", &peer->name);
	buffer_text(out, " {\n");
	struct line line = {.out = out, .name = "devices"};
	for (uint32_t i = 0; i < peer->devices.count; i++) {
		const struct word *name = &policy->devices[policy->device_refs[peer->devices.first + i]].name;
		item(&line, name->text, name->size);
	}
	end(&line);
	put_prefixes(out, "address", policy, &peer->addresses);
	put_words(out, "ae-title", policy->titles, &peer->titles);
	put_ports(out, policy, &peer->ports);
	if (peer->tls_at)
		buffer_text(out, "\ttls\n");
	put_services(out, "initiates", peer->initiates);
	put_services(out, "accepts", peer->accepts);
	buffer_text(out, "}\n");
}

// `tcp 443 8000-8010 to 10.20.0.9`: the ports and the direction begin each line.
static void put_opening(struct buffer *out, const struct policy *policy, const struct policy_service *service,
                        const struct policy_opening *opening)
{
	struct buffer lead = BUFFER_EMPTY;
	const char *direction = opening->inbound ? "from" : "to";
	struct line line = {.out = out, .name = direction};
	if (service->kind == POLICY_SERVICE_CUSTOM) {
		for (uint32_t i = 0; i < opening->ports.count; i++) {
			char text[16];
			buffer_printf(&lead, " %s", port_text(&policy->ports[opening->ports.first + i], text));
		}
		buffer_printf(&lead, " %s", direction);
		line.name = opening->protocol == POLICY_TCP ? "tcp" : "udp";
		line.lead = &lead;
	}
	if (buffer_failed(&lead)) {
		out->failed = true;
	} else {
		prefix_items(&line, policy, &opening->remote);
		end(&line);
	}
	buffer_fini(&lead);
}

static void put_service(struct buffer *out, const struct policy *policy, const struct policy_service *service)
{
	begin(out, "service", &service->name);
	if (service->for_box)
		buffer_text(out, " for box");
	if (service->openings.count > 0) {
		buffer_text(out, " {\n");
		for (uint32_t i = 0; i < service->openings.count; i++) {
			const struct policy_opening *opening = &policy->openings[service->openings.first + i];
			// One line of a dns block is two openings.
			if (service->kind != POLICY_SERVICE_DNS || opening->protocol == POLICY_UDP)
				put_opening(out, policy, service, opening);
		}
		buffer_text(out, "}");
	}
	buffer_text(out, "\n");
}

static void put_manage(struct buffer *out, const struct policy *policy)
{
	const struct policy_manage *manage = &policy->manage;
	if (!manage->at)
		return;
	buffer_text(out, "\nmanage {\n");
	put_prefixes(out, "from", policy, &manage->from);
	put_words(out, "interface", policy->interfaces, &manage->interfaces);
	put_ports(out, policy, &manage->ports);
	buffer_text(out, "}\n");
}

static void put_log(struct buffer *out, const struct policy_log *log)
{
	buffer_text(out, "\nlog {\n");
	if (log->drops == 0)
		buffer_text(out, "\tdrops off\n");
	else
		buffer_printf(out, "\tdrops %u/%s\n", log->drops,
		              log->seconds == 1    ? "second"
		              : log->seconds == 60 ? "minute"
		                                   : "hour");
	buffer_printf(out, "\tgroup %u\n}\n", log->group);
}

void policy_print_frame(const struct policy *policy, struct buffer *out)
{
	buffer_printf(out, "role %s\n", policy_role_name(policy->role));
	put_box(out, policy);
}

static void put_pass(struct buffer *out, const struct policy *policy)
{
	if (!policy->pass)
		return;
	buffer_text(out, "\npass");
	for (unsigned i = 0; i < POLICY_FRAME_COUNT; i++)
		if (policy->pass & 1u << i)
			buffer_printf(out, " %s", policy_frame_name((enum policy_frame)i));
	buffer_text(out, "\n");
}

static void put_flowtable(struct buffer *out, const struct policy *policy)
{
	if (!policy->flowtable_at)
		return;
	buffer_text(out, "\nflowtable");
	for (uint32_t i = 0; i < policy->flowtable.count; i++) {
		buffer_text(out, " ");
		put_word(out, &policy->interfaces[policy->flowtable.first + i]);
	}
	buffer_text(out, "\n");
}

void policy_print_rest(const struct policy *policy, struct buffer *out)
{
	put_flowtable(out, policy);
	put_pass(out, policy);
	for (size_t i = 0; i < policy->device_count; i++)
		put_device(out, policy, &policy->devices[i]);
	for (size_t i = 0; i < policy->peer_count; i++)
		put_peer(out, policy, &policy->peers[i]);
	for (size_t i = 0; i < policy->service_count; i++)
		put_service(out, policy, &policy->services[i]);
	put_manage(out, policy);
	put_log(out, &policy->log);
}

void policy_print(const struct policy *policy, struct buffer *out)
{
	put_header(out, &policy->header);
	policy_print_frame(policy, out);
	policy_print_rest(policy, out);
}
