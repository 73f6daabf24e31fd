// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass allow`: service windows, which the kernel closes by itself.
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_agent.h"
#include "cli/cli_status.h"
#include "cli/cli_text.h"
#include "policy/policy.h"

#define FOR_MOST (7u * 86400) // seconds; what lasts longer belongs into the policy

static const struct cli_command command = {
        .name = "allow",
        .about = "let somebody in for some time",
        .synopsis = "--for TIME --from ADDRESS [--to NAME] --to-port PORT\n"
                    "                       --reason TEXT [--json] [--run DIR]\n"
                    "       leadglass allow --list [--json] [--run DIR]\n"
                    "       leadglass allow --close --from ADDRESS [--to NAME] --to-port PORT\n"
                    "                       [--run DIR]\n"
                    "       leadglass allow --close --all [--run DIR]",
        .options = CLI_FOR | CLI_FROM | CLI_TO | CLI_TO_PORT | CLI_REASON | CLI_LIST | CLI_CLOSE | CLI_ALL |
                   CLI_JSON | CLI_RUN,
        .least = 0,
        .most = 0,
        .details = "Opens one TCP port to one address until the time is over; the kernel closes it,\n"
                   "also when no agent runs. Without --to it is a port of this box; on a gateway\n"
                   "--to names a device of the policy. Opening and closing need root and are logged\n"
                   "with who and why. A policy that is applied meanwhile changes nothing about it;\n"
                   "the same service window given again lasts from now on.\n"
                   "\n"
                   "Exit status: 0 done, 1 no such window is open, 2 usage, 4 the agent refused.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass allow --for 2h --from 10.20.9.77 --to-port 22 --reason \"new tube\"\n",
};

static int usage(const char *what)
{
	cli_message("allow: %s", what);
	fprintf(stderr, "Usage: leadglass %s %s\n", command.name, command.synopsis);
	return CLI_USAGE;
}

// ---- what is asked for ----

static int read_address(const char *option, const char *text, struct prefix *ret)
{
	enum prefix_error error = prefix_parse(text, strlen(text), ret);

	if (error == PREFIX_OK && prefix_is_exact(ret))
		return CLI_GO_ON;
	if (error == PREFIX_OK || error == PREFIX_HOST_BITS)
		cli_message("allow: %s %s: a service window is for one address, not for a network", option,
		            text);
	else
		cli_message("allow: %s %s: not an address; write, for example, 10.20.9.77", option, text);
	return CLI_USAGE;
}

static int read_port(const char *text, uint16_t *ret)
{
	unsigned long port = 0;

	if (strlen(text) <= 5 && !text[strspn(text, "0123456789")] && text[0] != '0')
		port = strtoul(text, NULL, 10);
	if (!port || port > 0xffff) {
		cli_message("allow: --to-port %s: not a TCP port, 1 to 65535", text);
		return CLI_USAGE;
	}
	*ret = (uint16_t)port;
	return CLI_GO_ON;
}

// A device's address of the same family as the other end's; NULL: it has none.
static const struct prefix *device_address(const struct policy *policy, const struct policy_device *device,
                                           enum address_family family)
{
	for (uint32_t i = 0; i < device->addresses.count; i++) {
		const struct prefix *address = &policy->prefixes[device->addresses.first + i].prefix;

		if (address->family == family)
			return address;
	}
	return NULL;
}

static int find_device(const struct policy *policy, const char *name, struct control_window *window)
{
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct policy_device *device = &policy->devices[i];
		const struct prefix *address;

		if (!policy_word_equal(&device->name, name))
			continue;
		if (policy->role == POLICY_ROLE_HOST) { // which is this box
			window->box = 1;
			return CLI_GO_ON;
		}
		address = device_address(policy, device, window->from.family);
		if (!address) {
			cli_message("allow: --to %s: it has no %s address", name,
			            window->from.family == ADDRESS_IPV4 ? "IPv4" : "IPv6");
			return CLI_USAGE;
		}
		window->to = *address;
		return CLI_GO_ON;
	}
	cli_message("allow: --to %s: the policy that stands has no such device", name);
	return CLI_USAGE;
}

// --to: an address is the agent's to judge, a name is looked up in the policy that stands.
static int read_to(const struct cli_arguments *arguments, struct control_window *window)
{
	struct policy policy;
	int status;

	if (!arguments->to) {
		window->box = 1;
		return CLI_GO_ON;
	}
	if (prefix_parse(arguments->to, strlen(arguments->to), &window->to) == PREFIX_OK)
		return read_address("--to", arguments->to, &window->to);
	policy_init(&policy);
	status = cli_read("@running", arguments->run, &policy);
	if (status == CLI_GO_ON)
		status = find_device(&policy, arguments->to, window);
	policy_fini(&policy);
	return status;
}

static int read_reason(const char *text, struct control_window *window)
{
	if (strlen(text) >= sizeof(window->reason)) {
		cli_message("allow: --reason: %zu octets at most", sizeof(window->reason) - 1);
		return CLI_USAGE;
	}
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			cli_message("allow: --reason: one line of text");
			return CLI_USAGE;
		}
	}
	memcpy(window->reason, text, strlen(text) + 1);
	return CLI_GO_ON;
}

static int read_window(const struct cli_arguments *arguments, struct control_window *window)
{
	int status;

	if (!arguments->from)
		return usage("--from is missing: who may come in");
	if (!arguments->to_port)
		return usage("--to-port is missing: to which TCP port");
	status = read_address("--from", arguments->from, &window->from);
	if (status == CLI_GO_ON)
		status = read_port(arguments->to_port, &window->port);
	return status == CLI_GO_ON ? read_to(arguments, window) : status;
}

// ---- the three things it does ----

static void write_window(const struct control_window *window, struct buffer *out)
{
	status_window(window, out);
	buffer_text(out, ": ");
	cli_span(out, window->seconds);
	buffer_printf(out, " left, %" PRIu64 " packet%s\n", window->packets, window->packets == 1 ? "" : "s");
	buffer_printf(out, "  %s%s%s\n", window->who[0] ? window->who : "somebody",
	              window->reason[0] ? ": " : "", window->reason);
}

static int list(const struct cli_arguments *arguments)
{
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	const void *items;
	size_t count;
	int status = cli_agent_ask_once(arguments->run, CONTROL_WINDOWS, NULL, &reply);

	if (status == CLI_GO_ON && !cli_reply_items(&reply, CONTROL_WINDOWS, &items, &count))
		status = CLI_KERNEL;
	if (status == CLI_GO_ON) {
		const struct control_window *windows = items;
		bool as_json = arguments->options & CLI_JSON;

		if (as_json)
			json_array(&json);
		for (size_t i = 0; i < count; i++) {
			if (as_json)
				status_window_json(&windows[i], &json);
			else
				write_window(&windows[i], &out);
		}
		if (as_json)
			json_end_array(&json);
		buffer_text(&out, as_json ? "\n" : count ? "" : "no service window is open\n");
		status = cli_answer(&out, CLI_YES);
	}
	cli_reply_fini(&reply);
	return status;
}

// When it closes, as people read it here.
static void write_end(uint32_t seconds, struct buffer *out)
{
	time_t end = time(NULL) + (time_t)seconds;
	char text[32] = "";
	struct tm parts;

	if (localtime_r(&end, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
	buffer_printf(out, "until %s (", text);
	cli_span(out, seconds);
	buffer_text(out, ")");
}

static int open_window(const struct cli_arguments *arguments)
{
	struct control_request request = {0};
	struct control_window *window = &request.window;
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	int status;

	if (!arguments->lasts)
		return usage("--for is missing: for how long");
	if (!arguments->reason)
		return usage("--reason is missing: it stands in the log");
	status = cli_duration(&command, "--for", arguments->lasts, FOR_MOST, &window->seconds);
	if (status == CLI_GO_ON)
		status = read_reason(arguments->reason, window);
	if (status == CLI_GO_ON)
		status = read_window(arguments, window);
	if (status == CLI_GO_ON) {
		cli_who(request.who);
		memcpy(window->who, request.who, sizeof(window->who));
		status = cli_agent_ask_once(arguments->run, CONTROL_ALLOW, &request, &reply);
	}
	if (status == CLI_GO_ON) {
		if (arguments->options & CLI_JSON) {
			struct json json = JSON_TO(&out);

			status_window_json(window, &json);
		} else {
			status_window(window, &out);
			buffer_text(&out, " is open ");
			write_end(window->seconds, &out);
		}
		buffer_text(&out, "\n");
		status = cli_answer(&out, CLI_YES);
	}
	cli_reply_fini(&reply);
	return status;
}

static int close_windows(const struct cli_arguments *arguments)
{
	struct control_request request = {0};
	struct cli_reply reply = {0};
	struct buffer out = BUFFER_EMPTY;
	bool all = arguments->options & CLI_ALL;
	int result = CLI_YES;
	int status = all ? CLI_GO_ON : read_window(arguments, &request.window);

	if (all && (arguments->from || arguments->to || arguments->to_port))
		return usage("--close takes --all or says which service window");
	if (status == CLI_GO_ON)
		status = cli_agent_ask_once(arguments->run, CONTROL_CLOSE, &request, &reply);
	if (status == CLI_GO_ON) {
		if (all && !reply.answer.number) {
			cli_message("no service window is open");
			result = CLI_NO;
		} else if (all) {
			cli_count(&out, (size_t)reply.answer.number, "service window");
			buffer_text(&out, " closed\n");
		} else {
			status_window(&request.window, &out);
			buffer_text(&out, " is closed\n");
		}
		status = cli_answer(&out, result);
	}
	cli_reply_fini(&reply);
	return status;
}

int cli_allow(int argc, char **argv)
{
	const unsigned which = CLI_FROM | CLI_TO | CLI_TO_PORT, how = CLI_FOR | CLI_REASON;
	struct cli_arguments arguments;
	int status = cli_arguments(&command, argc, argv, &arguments);
	unsigned given = arguments.options;

	if (status != CLI_GO_ON)
		return status;
	if ((given & CLI_LIST) && (given & (which | how | CLI_CLOSE | CLI_ALL)))
		return usage("--list stands alone");
	if ((given & CLI_CLOSE) && (given & (how | CLI_JSON)))
		return usage("--close takes neither --for nor --reason, and answers in one line");
	if ((given & CLI_ALL) && !(given & CLI_CLOSE))
		return usage("--all goes with --close");
	if (given & CLI_LIST)
		return list(&arguments);
	return given & CLI_CLOSE ? close_windows(&arguments) : open_window(&arguments);
}
