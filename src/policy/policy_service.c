// SPDX-License-Identifier: GPL-2.0-or-later
//
// Service blocks: the known services, whose ports are known too, and services of one's own.
#include "policy/policy_names.h"
#include "policy/policy_parse.h"

#include <string.h>

struct service_reader {
	struct policy_service service;
	bool explained; // that a line does not go with the service
};

static const struct {
	const char *example;
	uint16_t port;
} known[] = {
        [POLICY_SERVICE_DNS] = {"service dns { to 10.20.0.53 }", 53},
        [POLICY_SERVICE_NTP] = {"service ntp { to 10.20.0.123 }", 123},
        [POLICY_SERVICE_DHCP] = {"service dhcp", 67},
        [POLICY_SERVICE_PING] = {"service ping { from 10.20.9.0/24 }", 0},
        [POLICY_SERVICE_SYSLOG] = {"service syslog { to 10.20.0.14 }", 514},
        [POLICY_SERVICE_CUSTOM] = {"service hl7 { tcp 2575 to 10.20.0.9 }", 0},
};

static void opening(struct policy_parser *p, struct policy_service *service, struct policy_opening opening)
{
	struct policy *policy = p->policy;
	struct policy_opening *item = policy_push(p, &policy->openings, &policy->opening_count,
	                                          &policy->opening_capacity, sizeof *item);
	if (!item)
		return;
	*item = opening;
	policy_span_add(&service->openings, policy->opening_count - 1);
}

// `to ADDRESS ...` or `from ADDRESS ...` of a known service
static bool known_line(struct policy_parser *p, struct policy_service *service, bool inbound)
{
	struct policy_opening o = {.protocol = POLICY_UDP, .inbound = inbound, .at = p->line.words[0].at};
	if (!policy_addresses_read(p, 1, p->line.count, POLICY_ADDRESS_REMOTE, &o.remote))
		return false;
	if (service->kind == POLICY_SERVICE_PING)
		o.protocol = POLICY_ICMP_ECHO;
	else
		policy_port_add(p, known[service->kind].port, known[service->kind].port, o.at, &o.ports);
	opening(p, service, o);
	if (service->kind == POLICY_SERVICE_DNS) {
		o.protocol = POLICY_TCP;
		opening(p, service, o);
	}
	return p->error == 0;
}

static bool read_to(struct policy_parser *p, void *block)
{
	return known_line(p, &((struct service_reader *)block)->service, false);
}

static bool read_from(struct policy_parser *p, void *block)
{
	return known_line(p, &((struct service_reader *)block)->service, true);
}

// A line that goes with the other sort of service. Said once a block.
static bool wrong_sort(struct policy_parser *p, void *block)
{
	struct service_reader *reader = block;
	const struct word *line = &p->line.words[0], *name = &reader->service.name;
	if (reader->explained || !name->text)
		return false;
	reader->explained = true;
	if (reader->service.kind != POLICY_SERVICE_CUSTOM)
		return policy_error_word(p, line, ADVICE("write: %s", known[reader->service.kind].example),
		                         "'%s' in service %s, whose ports are known", SHOW(line), SHOW(name));
	const char *nearest = policy_service_kind_nearest(name);
	struct prefix prefix;
	bool address = p->line.count > 1 && prefix_parse(line[1].text, line[1].size, &prefix) == PREFIX_OK;
	const char *mine = SHOW(address ? &line[1] : line);
	if (policy_word_equal(name, "ssh") && policy_word_equal(line, "from"))
		return policy_error_word(p, line,
		                         ADVICE("to administer this host use: manage { from %s }",
		                                address ? mine : "10.20.9.0/24"),
		                         "'from' without tcp or udp; ssh is not a known service");
	const char *lines = ADVICE("a service of your own has lines such as: tcp 443 %s %s", SHOW(line),
	                           address ? mine : "10.20.0.9");
	return policy_error_word(p, line,
	                         nearest ? ADVICE("did you mean 'service %s'? %s", nearest, lines) : lines,
	                         "'%s' without tcp or udp; %s is not a known service", SHOW(line), SHOW(name));
}

static bool only_ping_from(struct policy_parser *p, void *block)
{
	const struct policy_service *service = &((struct service_reader *)block)->service;
	return policy_error_word(p, &p->line.words[0],
	                         "say whom it may ask with 'to'; what others ask for is a service of your own",
	                         "'from' in service %s, which only asks others", SHOW(&service->name));
}

// The `to` or `from` among words[first] ...; count of words when there is none.
static uint32_t direction(const struct policy_directive *line, uint32_t first)
{
	while (first < line->count && !policy_word_equal(&line->words[first], "to") &&
	       !policy_word_equal(&line->words[first], "from"))
		first++;
	return first;
}

// `tcp PORT ... to ADDRESS ...`
static bool custom_line(struct policy_parser *p, struct policy_service *service, enum policy_protocol protocol)
{
	const struct policy_directive *line = &p->line;
	const struct word *name = &line->words[0];
	const char *example = protocol == POLICY_TCP ? "tcp 443 to 10.20.0.9" : "udp 514 to 10.20.0.9";
	uint32_t middle = direction(line, 1), second = direction(line, middle + 1);

	if (middle == line->count)
		return policy_error_word(p, name, ADVICE("write, for example: %s", example),
		                         "neither 'to' nor 'from' after the ports");
	if (middle == 1)
		return policy_error_word(p, &line->words[middle], ADVICE("write, for example: %s", example),
		                         "no port before '%s'", SHOW(&line->words[middle]));
	if (middle + 1 == line->count)
		return policy_error_word(p, &line->words[middle], ADVICE("write, for example: %s", example),
		                         "no address after '%s'", SHOW(&line->words[middle]));
	if (second < line->count)
		return policy_error_word(p, &line->words[second], "write a line for each direction",
		                         "a second direction in one line");

	struct policy_opening o = {.protocol = protocol, .at = name->at};
	o.inbound = policy_word_equal(&line->words[middle], "from");
	bool good = policy_ports_read(p, 1, middle, true, &o.ports);
	bool group = protocol == POLICY_UDP && !o.inbound;
	good = policy_addresses_read(p, middle + 1, line->count,
	                             group ? POLICY_ADDRESS_TARGET : POLICY_ADDRESS_REMOTE, &o.remote) &&
	       good;
	if (good)
		opening(p, service, o);
	return good && p->error == 0;
}

static bool read_tcp(struct policy_parser *p, void *block)
{
	return custom_line(p, &((struct service_reader *)block)->service, POLICY_TCP);
}

static bool read_udp(struct policy_parser *p, void *block)
{
	return custom_line(p, &((struct service_reader *)block)->service, POLICY_UDP);
}

static const struct policy_form to_forms[] = {
        {POLICY_NAME("to"), 1, POLICY_ANY, false, "to 10.20.0.53", read_to},
        {POLICY_NAME("from"), 0, POLICY_ANY, false, NULL, only_ping_from},
        {POLICY_NAME("tcp"), 0, POLICY_ANY, false, NULL, wrong_sort},
        {POLICY_NAME("udp"), 0, POLICY_ANY, false, NULL, wrong_sort},
};
static const struct policy_form ping_forms[] = {
        {POLICY_NAME("to"), 1, POLICY_ANY, false, "to 10.20.0.1", read_to},
        {POLICY_NAME("from"), 1, POLICY_ANY, false, "from 10.20.9.0/24", read_from},
        {POLICY_NAME("tcp"), 0, POLICY_ANY, false, NULL, wrong_sort},
        {POLICY_NAME("udp"), 0, POLICY_ANY, false, NULL, wrong_sort},
};
static const struct policy_form custom_forms[] = {
        {POLICY_NAME("tcp"), 0, POLICY_ANY, false, "tcp 443 to 10.20.0.9", read_tcp},
        {POLICY_NAME("udp"), 0, POLICY_ANY, false, "udp 514 to 10.20.0.9", read_udp},
        {POLICY_NAME("to"), 0, POLICY_ANY, false, NULL, wrong_sort},
        {POLICY_NAME("from"), 0, POLICY_ANY, false, NULL, wrong_sort},
};

#define BLOCK(title, forms)                                                                                    \
	{                                                                                                      \
		title, forms, sizeof(forms) / sizeof(forms)[0]                                                 \
	}

static const struct policy_block blocks[] = {
        [POLICY_SERVICE_DNS] = BLOCK("a dns block", to_forms),
        [POLICY_SERVICE_NTP] = BLOCK("an ntp block", to_forms),
        [POLICY_SERVICE_DHCP] = BLOCK("a dhcp block", to_forms),
        [POLICY_SERVICE_PING] = BLOCK("a ping block", ping_forms),
        [POLICY_SERVICE_SYSLOG] = BLOCK("a syslog block", to_forms),
        [POLICY_SERVICE_CUSTOM] = BLOCK("a service block", custom_forms),
};

// `service NAME [for box|devices]`
static bool header(struct policy_parser *p, struct policy_service *service)
{
	const struct policy_directive *line = &p->line;
	if (line->broken || line->count < 2)
		return false;
	if (!policy_name_check(p, &line->words[1], "a service"))
		return false;
	service->name = line->words[1];
	service->kind = policy_service_kind_from_word(&service->name);
	if (line->count == 2)
		return true;
	const struct word *whom = &line->words[line->count - 1];
	service->for_at = line->words[2].at;
	service->for_box = policy_word_equal(whom, "box");
	if (!policy_word_equal(&line->words[2], "for"))
		return policy_error_word(p, &line->words[2], "write 'for box', 'for devices' or nothing",
		                         "'%s' after the name of a service", SHOW(&line->words[2]));
	if (line->count == 3 || (!service->for_box && !policy_word_equal(whom, "devices")))
		return policy_error_word(p, whom, "write 'for box' or 'for devices'",
		                         "'for' needs box or devices after it");
	return true;
}

static bool service_complete(struct policy_parser *p, const struct policy_service *service)
{
	if (service->openings.count > 0 || service->kind == POLICY_SERVICE_DHCP)
		return true;
	if (service->kind != POLICY_SERVICE_CUSTOM)
		return policy_error_word(p, &service->name, ADVICE("write: %s", known[service->kind].example),
		                         "service %s names no address", SHOW(&service->name));
	const char *nearest = policy_service_kind_nearest(&service->name);
	return policy_error_word(p, &service->name,
	                         nearest ? ADVICE("did you mean 'service %s'?", nearest)
	                                 : "add a line such as: tcp 443 to 10.20.0.9",
	                         "service %s opens nothing", SHOW(&service->name));
}

// What to show when the block is missing altogether.
static const char *example(const struct policy_service *service)
{
	const char *nearest = service->name.text ? policy_service_kind_nearest(&service->name) : NULL;
	if (!nearest)
		return known[POLICY_SERVICE_CUSTOM].example;
	struct word name = {.text = nearest, .size = (uint32_t)strlen(nearest)};
	return known[policy_service_kind_from_word(&name)].example;
}

bool policy_service_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	struct policy *policy = p->policy;
	struct service_reader reader = {.service.kind = POLICY_SERVICE_CUSTOM};
	struct policy_service *service = &reader.service;

	bool good = header(p, service);
	if (good && policy->service_count == POLICY_SERVICES_MAX) {
		p->stop = true;
		return policy_error_word(p, &service->name, NULL, "more than %d services in one policy",
		                         POLICY_SERVICES_MAX);
	}
	bool bare = service->kind == POLICY_SERVICE_DHCP && !p->line.opens;
	if (!bare) {
		p->line.broken |= !good;
		bool whole = policy_block_read(p, &blocks[service->kind], &reader, example(service));
		if (whole && good)
			service_complete(p, service);
	}
	if (!good || p->error < 0)
		return false;
	struct policy_service *item = policy_push(p, &policy->services, &policy->service_count,
	                                          &policy->service_capacity, sizeof *item);
	if (!item)
		return false;
	*item = *service;
	return true;
}
