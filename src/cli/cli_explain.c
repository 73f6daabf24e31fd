// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass explain`: would this flow pass, through which rule, and which line of the policy says so?
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli_text.h"
#include "policy/policy.h"
#include "ruleset/packet.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "explain",
        .about = "would this flow pass, and why?",
        .synopsis = "[--json] [--run DIR] POLICY in|out|forward PROTOCOL\n"
                    "                         SRC[:PORT] DST[:PORT] [WORD...]",
        .options = CLI_JSON | CLI_RUN,
        .least = 1,
        .most = 64,
        .details = "POLICY is a file, - for standard input, or @running or @NUMBER for one the agent\n"
                   "keeps. Needs no root and no kernel support.\n"
                   "in|out|forward  to this box, from it, or through it\n"
                   "PROTOCOL        tcp, udp, icmp[/TYPE], icmpv6[/TYPE], arp or a number; without\n"
                   "                addresses, in role bridge: eapol, lldp, stp, frame/TYPE\n"
                   "SRC, DST        addresses; an IPv6 address with a port is in brackets.\n"
                   "                tcp and udp need a destination port\n"
                   "WORD            iif NAME, oif NAME, mac ADDRESS, established, reply, invalid,\n"
                   "                spoofed, related [PROTOCOL SRC DST[:PORT]];\n"
                   "                leadglass(8) explains them\n"
                   "\n"
                   "Exit status: 0 it would be accepted, 1 dropped, 2 the flow makes no sense,\n"
                   "3 the policy is invalid.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass explain policy.conf out tcp 10.20.1.10 10.20.0.5:104\n",
};

// The line of the policy behind the verdict: the element's that matched, else the rule's.
static source_pos where(const struct outcome *outcome)
{
	if (outcome->set && outcome->set->origins && outcome->set->origins[outcome->element].at)
		return outcome->set->origins[outcome->element].at;
	return outcome->rule ? outcome->rule->origin.at : 0;
}

static void write_text(const struct policy *policy, const struct outcome *outcome, const char *reason,
                       struct buffer *out)
{
	struct source_place place;

	buffer_printf(out, "%s: %s\n", outcome->accepted ? "accept" : "drop", reason);
	cli_outcome(out, outcome);
	if (source_locate(&policy->sources, where(outcome), &place) == 0)
		buffer_printf(out, "  policy: %s:%u\n", place.file, place.line);
}

static void json_key_buffer(struct json *json, const char *key, struct buffer *text)
{
	json_key(json, key);
	json_text(json, text->data);
	if (buffer_failed(text))
		json->out->failed = true;
	buffer_fini(text);
}

static void write_json(const struct policy *policy, const struct outcome *outcome, const char *reason,
                       struct buffer *out)
{
	struct json json = JSON_TO(out);
	struct buffer text = BUFFER_EMPTY;
	struct source_place place;

	json_object(&json);
	json_key_text(&json, "verdict", outcome->accepted ? "accept" : "drop");
	json_key_text(&json, "reason", reason);
	json_key_text(&json, "family",
	              !outcome->table                          ? NULL
	              : outcome->table->family == RULESET_INET ? "inet"
	                                                       : "bridge");
	json_key_text(&json, "chain", outcome->chain ? outcome->chain->name : NULL);
	if (outcome->rule)
		ruleset_print_rule(outcome->table, outcome->rule, &text);
	json_key_buffer(&json, "rule", &text);
	json_key_text(&json, "set", outcome->set ? outcome->set->name : NULL);
	text = BUFFER_EMPTY;
	if (outcome->set)
		ruleset_print_element(outcome->set, outcome->element, &text);
	json_key_buffer(&json, "element", &text);
	if (source_locate(&policy->sources, where(outcome), &place) == 0) {
		json_key_text(&json, "file", place.file);
		json_key_number(&json, "line", place.line);
	} else {
		json_key_text(&json, "file", NULL);
		json_key_text(&json, "line", NULL);
	}
	json_end(&json);
	buffer_text(out, "\n");
}

static int answer(const struct policy *policy, const struct ruleset *ruleset, const struct packet *packet,
                  bool json)
{
	struct buffer out = BUFFER_EMPTY, reason = BUFFER_EMPTY;
	struct outcome outcome;

	ruleset_evaluate(ruleset, packet, &outcome);
	ruleset_reason(policy, ruleset, packet, &outcome, &reason);
	if (buffer_failed(&reason))
		out.failed = true;
	else if (json)
		write_json(policy, &outcome, reason.data ? reason.data : "", &out);
	else
		write_text(policy, &outcome, reason.data ? reason.data : "", &out);
	buffer_fini(&reason);
	return cli_answer(&out, outcome.accepted ? CLI_YES : CLI_NO);
}

int cli_explain(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct policy policy;
	struct ruleset ruleset;
	struct packet packet;
	char message[256];
	size_t word = 0;
	int status = cli_arguments(&command, argc, argv, &arguments);

	if (status != CLI_GO_ON)
		return status;
	policy_init(&policy);
	ruleset_init(&ruleset);
	status = cli_wall(arguments.operands[0], arguments.run, &policy, &ruleset);
	if (status == CLI_GO_ON) {
		if (packet_parse(&policy, arguments.operands + 1, (size_t)arguments.count - 1, &packet, message,
		                 sizeof(message), &word) == 0) {
			status = answer(&policy, &ruleset, &packet, arguments.options & CLI_JSON);
		} else {
			cli_message("explain: %s", message);
			if (word >= (size_t)arguments.count - 1) // one is missing
				fprintf(stderr, "Usage: leadglass %s %s\n", command.name, command.synopsis);
			status = CLI_USAGE;
		}
	}
	ruleset_fini(&ruleset);
	policy_fini(&policy);
	return status;
}
