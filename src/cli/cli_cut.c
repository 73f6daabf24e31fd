// SPDX-License-Identifier: GPL-2.0-or-later
//
// The connection a command is typed over, as packets that the new wall is asked about.
#include "cli/cli_cut.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli_agent.h"
#include "policy/policy.h"
#include "ruleset/packet.h"
#include "ruleset/ruleset.h"

#define SSH_PORT 22

void cli_cut_fini(struct cli_cut *cut)
{
	buffer_fini(&cut->reason);
}

// ---- this machine's addresses ----

static bool read_sockaddr(const struct sockaddr *from, struct prefix *ret)
{
	*ret = (struct prefix){0};
	if (!from)
		return false;
	if (from->sa_family == AF_INET) {
		struct sockaddr_in address;

		memcpy(&address, from, sizeof(address));
		ret->family = ADDRESS_IPV4;
		ret->length = 32;
		memcpy(ret->octets, &address.sin_addr, 4);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 address;

		memcpy(&address, from, sizeof(address));
		ret->family = ADDRESS_IPV6;
		ret->length = 128;
		memcpy(ret->octets, &address.sin6_addr, 16);
		return true;
	}
	return false;
}

// The interface that has the address; false when none has.
static bool interface_of(const struct prefix *address, char name[static IF_NAMESIZE])
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		struct prefix own;

		if (read_sockaddr(i->ifa_addr, &own) && prefix_equal(&own, address)) {
			snprintf(name, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1, i->ifa_name);
			found = true;
		}
	}
	freeifaddrs(list);
	return found;
}

// The address of ours from which packets go there: where a terminal's line in utmp knows the other end only.
static bool own_address(const struct prefix *there, struct prefix *ret)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&address;
	socklen_t size = there->family == ADDRESS_IPV4 ? sizeof(*ipv4) : sizeof(*ipv6);
	bool found;
	int fd;

	if (there->family == ADDRESS_IPV4) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(SSH_PORT);
		memcpy(&ipv4->sin_addr, there->octets, 4);
	} else {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(SSH_PORT);
		memcpy(&ipv6->sin6_addr, there->octets, 16);
	}
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	found = connect(fd, (struct sockaddr *)&address, size) == 0; // of a datagram socket: sends nothing
	size = sizeof(address);
	found = found && getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
	        read_sockaddr((struct sockaddr *)&address, ret);
	close(fd);
	return found;
}

// ---- asking the wall ----

struct question {
	const struct policy *policy;
	const struct ruleset *ruleset;
	const struct cli_cut *cut;
	uint16_t port;
	struct buffer *reason;
};

#define END_MAX (PREFIX_TEXT_MAX + 10)

static char *print_end(const struct prefix *address, uint16_t port, char text[static END_MAX])
{
	char name[PREFIX_TEXT_MAX];

	snprintf(text, END_MAX, address->family == ADDRESS_IPV6 ? "[%s]:%u" : "%s:%u",
	         prefix_print(address, name), port);
	return text;
}

// Whether such a packet passes; if not, the reason is kept. What cannot be asked passes: the question is put
// together here, and a mistake in it is no reason to keep anybody from applying a policy.
static bool passes(const struct question *q, bool in, bool under_way)
{
	char ours[END_MAX], theirs[END_MAX], message[256], words[8][END_MAX];
	char *list[8];
	size_t count = 0, word;
	struct packet packet;
	struct outcome outcome;

	print_end(&q->cut->to, q->port, ours);
	print_end(&q->cut->from, q->cut->from_port ? q->cut->from_port : 49152, theirs);
	snprintf(words[count++], END_MAX, "%s", in ? "in" : "out");
	snprintf(words[count++], END_MAX, "tcp");
	snprintf(words[count++], END_MAX, "%s", in ? theirs : ours);
	snprintf(words[count++], END_MAX, "%s", in ? ours : theirs);
	snprintf(words[count++], END_MAX, "%s", in ? "iif" : "oif");
	snprintf(words[count++], END_MAX, "%s", q->cut->interface);
	if (under_way || !in)
		snprintf(words[count++], END_MAX, "%s", in ? "established" : "reply");
	for (size_t i = 0; i < count; i++)
		list[i] = words[i];
	if (packet_parse(q->policy, list, count, &packet, message, sizeof(message), &word))
		return true;
	ruleset_evaluate(q->ruleset, &packet, &outcome);
	if (!outcome.accepted && !q->reason->size)
		ruleset_reason(q->policy, q->ruleset, &packet, &outcome, q->reason);
	return outcome.accepted;
}

static bool port_passes(const struct policy *policy, const struct ruleset *ruleset, uint16_t port,
                        struct cli_cut *cut)
{
	struct question q = {policy, ruleset, cut, port, &cut->reason};

	// A new one first: of one that is under way an outsider would read that its reply is not expected.
	return passes(&q, true, false) && passes(&q, true, true) && passes(&q, false, true);
}

// Where only the other end is known: any port through which one manages, for there are no others to come in by.
static bool some_port_passes(const struct policy *policy, const struct ruleset *ruleset, struct cli_cut *cut)
{
	struct span ports = policy->manage.ports;

	cut->port = SSH_PORT;
	if (port_passes(policy, ruleset, SSH_PORT, cut))
		return true;
	for (uint32_t i = 0; policy->manage.at && i < ports.count; i++) {
		cut->port = policy->ports[ports.first + i].first;
		if (port_passes(policy, ruleset, cut->port, cut))
			return true;
	}
	cut->port = SSH_PORT;
	return false;
}

static bool through_window(const struct control_window *windows, size_t count, struct cli_cut *cut)
{
	for (size_t i = 0; i < count; i++) {
		if (windows[i].box && windows[i].port == cut->port &&
		    prefix_equal(&windows[i].from, &cut->from)) {
			cut->seconds = windows[i].seconds;
			return true;
		}
	}
	return false;
}

static bool is_managed(const struct policy *policy, const struct cli_cut *cut)
{
	struct span from = policy->manage.from, ports = policy->manage.ports;
	bool address = false, port = false;

	for (uint32_t i = 0; policy->manage.at && i < from.count; i++)
		address = address || prefix_contains(&policy->prefixes[from.first + i].prefix, &cut->from);
	for (uint32_t i = 0; policy->manage.at && i < ports.count; i++) {
		const struct policy_ports *range = &policy->ports[ports.first + i];

		port = port || (cut->port >= range->first && cut->port <= range->last);
	}
	return address && port;
}

void cli_cut_find(const struct policy *policy, const struct ruleset *ruleset,
                  const struct control_window *windows, size_t window_count, struct cli_cut *ret)
{
	struct cli_login login;
	char other[IF_NAMESIZE];
	bool kept;

	*ret = (struct cli_cut){0};
	if (!cli_login(&login))
		return;
	ret->from = login.from;
	ret->to = login.to;
	ret->from_port = login.from_port;
	ret->port = login.to_port;
	// From this machine to itself: not through the wall.
	if (prefix_is_loopback(&login.from) || interface_of(&login.from, other)) {
		ret->verdict = CLI_CUT_KEPT;
		return;
	}
	ret->verdict = CLI_CUT_UNKNOWN;
	if ((!login.to.length && !own_address(&login.from, &ret->to)) ||
	    !interface_of(&ret->to, ret->interface))
		return;
	kept = ret->port ? port_passes(policy, ruleset, ret->port, ret)
	                 : some_port_passes(policy, ruleset, ret);
	if (kept)
		ret->verdict = CLI_CUT_KEPT;
	else if (through_window(windows, window_count, ret))
		ret->verdict = CLI_CUT_BY_WINDOW;
	else
		ret->verdict = CLI_CUT_CUT;
	ret->managed = ret->verdict == CLI_CUT_CUT && is_managed(policy, ret);
}

void cli_cut_print(const struct cli_cut *cut, struct buffer *out)
{
	char from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];

	buffer_text(out, prefix_print(&cut->from, from));
	if (cut->to.length)
		buffer_printf(out, " to %s", prefix_print(&cut->to, to));
	if (cut->port)
		buffer_printf(out, " port %u", cut->port);
	if (cut->interface[0])
		buffer_printf(out, " (%s)", cut->interface);
}
