// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads a packet as a person writes it, and says what would be right where it is not.
#include "ruleset/packet_read.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ruleset/ruleset_spell.h"

#define FIRST_DYNAMIC_PORT 49152

#define fail packet_read_fail

int packet_read_fail(struct packet_reader *r, size_t word, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(r->message, r->message_size, format, arguments);
	va_end(arguments);
	*r->ret_word = word;
	return -EINVAL;
}

static bool read_number(const char *text, unsigned max, unsigned *ret)
{
	unsigned number = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned)(*text - '0');
		if (number > max)
			return false;
	}
	*ret = number;
	return true;
}

static const char *next_word(struct packet_reader *r)
{
	return r->at < r->count ? r->words[r->at++] : NULL;
}

static int read_hook(struct packet_reader *r, struct packet *ret)
{
	const char *word = next_word(r);
	if (!word)
		return fail(r, 0, "the direction is missing: in, out or forward");
	if (strcasecmp(word, "in") == 0)
		ret->hook = HOOK_INPUT;
	else if (strcasecmp(word, "out") == 0)
		ret->hook = HOOK_OUTPUT;
	else if (strcasecmp(word, "forward") == 0)
		ret->hook = HOOK_FORWARD;
	else
		return fail(r, 0, "'%s' is no direction; it is one of in, out, forward", word);
	bool bridge = r->policy->role == POLICY_ROLE_BRIDGE && ret->hook == HOOK_FORWARD;
	ret->table = bridge ? RULESET_BRIDGE : RULESET_INET;
	return 0;
}

static int read_icmp_type(struct packet_reader *r, const char *text, struct packet_flow *flow)
{
	unsigned number;
	flow->has_type = true;
	if (read_number(text, 255, &number)) {
		flow->type = (uint8_t)number;
		return 0;
	}
	for (number = 0; number < 256; number++) {
		const char *name = ruleset_spell_icmp(flow->protocol == IPPROTO_ICMPV6, (uint8_t)number);
		if (name && strcasecmp(name, text) == 0) {
			flow->type = (uint8_t)number;
			return 0;
		}
	}
	return fail(r, flow->word,
	            "'%s' is no ICMP type; give its number (0-255) or a name such as echo-request", text);
}

static int read_arp(struct packet_reader *r, const char *operation, struct packet_flow *flow)
{
	flow->arp = true;
	flow->arp_operation = operation && strcasecmp(operation, "reply") == 0 ? 2 : 1;
	if (operation && strcasecmp(operation, "reply") != 0 && strcasecmp(operation, "request") != 0)
		return fail(r, flow->word, "'%s' is no ARP operation this reads; it is request or reply",
		            operation);
	return 0;
}

// "ADDRESS", "ADDRESS4:PORT", "[ADDRESS6]", "[ADDRESS6]:PORT": where the address is, and the port or NULL.
// False: a bracket is not as it should be.
static bool split_end(const char *word, const char **ret_address, size_t *ret_size, const char **ret_port)
{
	const char *colon = strchr(word, ':');
	*ret_address = word;
	*ret_size = strlen(word);
	*ret_port = NULL;
	if (*word == '[') {
		const char *close = strchr(word, ']');
		if (!close || (close[1] && close[1] != ':'))
			return false;
		*ret_address = word + 1;
		*ret_size = (size_t)(close - *ret_address);
		*ret_port = close[1] ? close + 2 : NULL;
	} else if (colon && colon == strrchr(word, ':')) {
		*ret_size = (size_t)(colon - word);
		*ret_port = colon + 1;
	}
	return true;
}

// What stands where a protocol should be.
static int not_a_protocol(struct packet_reader *r, size_t at, const char *word, const char *name)
{
	const char *address, *port;
	size_t size;
	struct prefix prefix;
	if (strcasecmp(name, "ping") == 0)
		return fail(r, at,
		            "'%s' is no protocol this reads; did you mean icmp, with IPv6 addresses icmpv6?",
		            name);
	if (split_end(word, &address, &size, &port) && prefix_parse(address, size, &prefix) == PREFIX_OK)
		return fail(r, at,
		            "the protocol is missing before '%s': tcp, udp, icmp, icmpv6, arp or a number",
		            word);
	return fail(r, at,
	            "'%s' is no protocol this reads; it is tcp, udp, icmp, icmpv6, arp or a number (0-255)",
	            name);
}

static int read_protocol(struct packet_reader *r, struct packet_flow *flow)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {
	        {"tcp", IPPROTO_TCP},       {"udp", IPPROTO_UDP},      {"icmp", IPPROTO_ICMP},
	        {"icmpv6", IPPROTO_ICMPV6}, {"icmp6", IPPROTO_ICMPV6}, {"ipv6-icmp", IPPROTO_ICMPV6},
	};
	flow->word = r->at;
	const char *word = next_word(r);
	if (!word)
		return fail(r, r->count, "the protocol is missing: tcp, udp, icmp, icmpv6, arp or a number");
	char name[16];
	const char *slash = strchr(word, '/');
	snprintf(name, sizeof name, "%.*s", slash ? (int)(slash - word) : 15, word);
	if (strcasecmp(name, "arp") == 0)
		return read_arp(r, slash ? slash + 1 : NULL, flow);
	int result;
	if (packet_read_frame(r, name, slash ? slash + 1 : NULL, flow, &result))
		return result;

	unsigned number = 256;
	if (!read_number(name, 255, &number))
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (strcasecmp(name, names[i].name) == 0)
				number = names[i].number;
	if (number > 255)
		return not_a_protocol(r, flow->word, word, name);
	flow->protocol = (uint8_t)number;
	if (!slash)
		return 0;
	if (number != IPPROTO_ICMP && number != IPPROTO_ICMPV6)
		return fail(r, flow->word, "only icmp and icmpv6 have a type; write %s", name);
	return read_icmp_type(r, slash + 1, flow);
}

// People write names they know from the policy.
static int not_an_address(struct packet_reader *r, size_t at, const char *text, size_t size)
{
	const struct policy *policy = r->policy;
	struct span addresses = {0};
	char address[PREFIX_TEXT_MAX];
	for (size_t i = 0; i < policy->peer_count; i++)
		if (policy->peers[i].name.size == size && memcmp(policy->peers[i].name.text, text, size) == 0)
			addresses = policy->peers[i].addresses;
	for (size_t i = 0; i < policy->device_count; i++)
		if (policy->devices[i].name.size == size &&
		    memcmp(policy->devices[i].name.text, text, size) == 0)
			addresses = policy->devices[i].addresses;
	if (addresses.count)
		return fail(r, at, "'%.*s' is a name; write its address, %s", (int)size, text,
		            prefix_print(&policy->prefixes[addresses.first].prefix, address));
	return fail(r, at, "'%.*s' is no IPv4 or IPv6 address", (int)size, text);
}

static int read_address(struct packet_reader *r, size_t at, const char *text, size_t size, struct prefix *ret)
{
	char address[PREFIX_TEXT_MAX];
	switch (prefix_parse(text, size, ret)) {
	case PREFIX_OK:
		break;
	case PREFIX_NOT_AN_ADDRESS:
		return not_an_address(r, at, text, size);
	case PREFIX_LEADING_ZERO:
		return fail(r, at, "'%.*s' has a leading zero; write the numbers without", (int)size, text);
	case PREFIX_SCOPE:
		return fail(r, at, "'%.*s' names an interface; write the address alone, and iif or oif",
		            (int)size, text);
	case PREFIX_MAPPED:
		return fail(r, at, "'%.*s' is an IPv4 address in IPv6 clothes; write the IPv4 address",
		            (int)size, text);
	case PREFIX_BAD_LENGTH:
	case PREFIX_HOST_BITS:
		return fail(r, at, "'%.*s' is no single address; a packet has one", (int)size, text);
	}
	if (!prefix_is_exact(ret))
		return fail(r, at, "%s is a network; a packet has one address", prefix_print(ret, address));
	return 0;
}

static int read_end(struct packet_reader *r, const char *which, struct packet_end *end)
{
	end->word = r->at;
	const char *word = next_word(r);
	if (!word)
		return fail(r, r->count, "the %s is missing: ADDRESS or ADDRESS:PORT", which);
	const char *address, *port;
	size_t size;
	if (!split_end(word, &address, &size, &port))
		return fail(r, end->word, "'%s' is written as [ADDRESS]:PORT", word);
	int result = read_address(r, end->word, address, size, &end->address);
	if (result < 0 || !port)
		return result;
	unsigned number;
	if (!read_number(port, 65535, &number) || number == 0)
		return fail(r, end->word, "'%s' is no port; it is a number from 1 to 65535", port);
	end->port = (uint16_t)number;
	end->has_port = true;
	return 0;
}

static int check_ends(struct packet_reader *r, const struct packet_flow *flow)
{
	bool six = flow->source.address.family == ADDRESS_IPV6;
	const struct packet_end *with_port = flow->source.has_port ? &flow->source : &flow->destination;
	if (flow->source.address.family != flow->destination.address.family)
		return fail(r, flow->destination.word,
		            "one address is IPv4 and the other IPv6; a packet has one kind");
	if (six && flow->arp)
		return fail(r, flow->source.word,
		            "arp is about IPv4 addresses; IPv6 uses icmpv6/nd-neighbor-solicit");
	if (six && flow->protocol == IPPROTO_ICMP)
		return fail(r, flow->word, "these are IPv6 addresses: write icmpv6");
	if (!six && flow->protocol == IPPROTO_ICMPV6)
		return fail(r, flow->word, "these are IPv4 addresses: write icmp");
	bool ports = !flow->arp && (flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP);
	if (!ports && with_port->has_port)
		return fail(r, with_port->word, "only tcp and udp have ports; leave it out");
	return 0;
}

static int read_flow(struct packet_reader *r, struct packet_flow *flow)
{
	int result = read_protocol(r, flow);
	if (result < 0 || flow->frame)
		return result;
	result = read_end(r, "source", &flow->source);
	if (result == 0)
		result = read_end(r, "destination", &flow->destination);
	if (result == 0)
		result = check_ends(r, flow);
	return result;
}

static bool has_ports(const struct packet_flow *flow)
{
	return !flow->arp && !flow->frame && (flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP);
}

// What an IPv6 address without brackets may have been meant as, where its last group would do as a port: "; if
// 104 is the port, write [fd20::5]:104".
#define PORT_HINT_MAX 128
static void hint_port(const char *word, char text[static PORT_HINT_MAX])
{
	struct prefix prefix;
	char address[PREFIX_TEXT_MAX];
	unsigned port;
	const char *colon = strrchr(word, ':');
	text[0] = '\0';
	if (*word != '[' && colon && colon[1] != '0' && read_number(colon + 1, 65535, &port) &&
	    prefix_parse(word, (size_t)(colon - word), &prefix) == PREFIX_OK && prefix_is_exact(&prefix) &&
	    prefix.family == ADDRESS_IPV6)
		snprintf(text, PORT_HINT_MAX, "; if %u is the port, write [%s]:%u", port,
		         prefix_print(&prefix, address), port);
}

// The port that was called must be known; the other is any.
static int settle_ports(struct packet_reader *r, struct packet_flow *flow, bool reply)
{
	if (!has_ports(flow))
		return 0;
	struct packet_end *called = reply ? &flow->source : &flow->destination;
	struct packet_end *caller = reply ? &flow->destination : &flow->source;
	char address[PREFIX_TEXT_MAX], hint[PORT_HINT_MAX];
	prefix_print(&called->address, address);
	hint_port(r->words[called->word], hint);
	bool six = called->address.family == ADDRESS_IPV6;
	if (!called->has_port)
		return fail(r, called->word, "%s needs the port that %s; write %s%s%s:PORT%s%s",
		            ruleset_spell_protocol(flow->protocol),
		            reply ? "was called, at its source" : "is called", six ? "[" : "", address,
		            six ? "]" : "",
		            !reply && caller->has_port ? ", or add `reply` if this answers a call" : "", hint);
	if (!caller->has_port)
		caller->port = FIRST_DYNAMIC_PORT;
	return 0;
}

static int read_interface(struct packet_reader *r, const char *option, char name[16])
{
	size_t at = r->at;
	const char *word = next_word(r);
	if (!word)
		return fail(r, r->count, "%s needs the name of an interface", option);
	if (!*word || strlen(word) > 15)
		return fail(r, at, "'%s' is no name of an interface: 1 to 15 octets", word);
	memcpy(name, word, strlen(word) + 1);
	return 0;
}

static int read_mac(struct packet_reader *r, struct packet *ret)
{
	size_t at = r->at;
	const char *word = next_word(r);
	if (ret->table != RULESET_BRIDGE)
		return fail(r, at - 1, "the wall looks at MAC addresses only where it forwards in role bridge");
	if (!word || !mac_parse(word, strlen(word), &ret->ether_source))
		return fail(r, at, "mac needs an address like 00:1b:21:aa:00:03");
	return 0;
}

// After `related` an ICMP error says what it is about.
static int read_related(struct packet_reader *r, const struct packet_flow *flow, struct packet_options *options)
{
	options->related = true;
	options->related_word = r->at - 1;
	if (flow->arp || flow->frame || (flow->protocol != IPPROTO_ICMP && flow->protocol != IPPROTO_ICMPV6))
		return 0;
	if (r->at == r->count)
		return fail(r, r->count,
		            "say which connection the error is about: related tcp SRC DST:PORT, as its first "
		            "packet went");
	int result = read_flow(r, &options->about);
	if (result == 0 && options->about.frame)
		return fail(r, options->about.word, "a connection is one of tcp, udp or icmp, not of %s",
		            r->words[options->about.word]);
	if (result == 0)
		result = settle_ports(r, &options->about, false);
	if (result == 0 && options->about.source.address.family != flow->source.address.family)
		return fail(r, options->about.source.word,
		            "the error and what it is about are not both IPv4 or both IPv6");
	return result;
}

static int read_option(struct packet_reader *r, const struct packet_flow *flow, struct packet *ret,
                       struct packet_options *options)
{
	size_t at = r->at;
	const char *word = next_word(r);
	if (strcasecmp(word, "iif") == 0) {
		if (ret->hook == HOOK_OUTPUT)
			return fail(r, at, "what goes out came by no interface; write oif NAME");
		return read_interface(r, word, ret->in_interface);
	}
	if (strcasecmp(word, "oif") == 0) {
		if (ret->hook == HOOK_INPUT)
			return fail(r, at, "what comes in leaves by no interface; write iif NAME");
		return read_interface(r, word, ret->out_interface);
	}
	if (strcasecmp(word, "mac") == 0) {
		options->mac = true;
		return read_mac(r, ret);
	}
	if (strcasecmp(word, "related") == 0)
		return read_related(r, flow, options);
	if (strcasecmp(word, "reply") == 0) {
		options->reply = true;
		options->reply_word = at;
	} else if (strcasecmp(word, "established") == 0) {
		options->established = true;
	} else if (strcasecmp(word, "invalid") == 0) {
		options->invalid = true;
	} else if (strcasecmp(word, "spoofed") == 0) {
		if (ret->hook == HOOK_OUTPUT)
			return fail(r, at, "spoofed is said of what comes in; this goes out");
		options->spoofed = true;
	} else {
		return fail(
		        r, at,
		        "'%s' is no option; it is one of iif NAME, oif NAME, mac ADDRESS, established, reply, "
		        "related, invalid, spoofed",
		        word);
	}
	return 0;
}

static int check_options(struct packet_reader *r, const struct packet_options *options)
{
	int states = (options->established || options->reply) + options->related + options->invalid;
	if (states > 1)
		return fail(r, options->related ? options->related_word : r->count - 1,
		            "established (or reply), related and invalid exclude each other");
	return 0;
}

int packet_read(struct packet_reader *r, struct packet_flow *flow, struct packet_options *options,
                struct packet *ret)
{
	int result = read_hook(r, ret);
	if (result == 0)
		result = read_flow(r, flow);
	if (result == 0 && flow->arp && ret->table != RULESET_BRIDGE)
		result = fail(r, flow->word, "the wall sees arp only where it forwards in role bridge");
	if (result == 0 && flow->frame && ret->table != RULESET_BRIDGE)
		result = fail(r, flow->word, "the wall sees frames only where it forwards in role bridge");
	while (result == 0 && r->at < r->count)
		result = read_option(r, flow, ret, options);
	if (result == 0)
		result = check_options(r, options);
	if (result == 0)
		result = settle_ports(r, flow, options->reply);
	return result;
}
