// SPDX-License-Identifier: GPL-2.0-or-later
//
// The text of a policy. What is taken is printed and read again, compiled, printed as rules, and asked about
// packets: those that its lines `#? FLOW` write as `explain` takes them. What is refused is refused with words
// that fit a terminal.
#include "readable.h"

#include <errno.h>
#include <string.h>

#include "policy/policy.h"
#include "ruleset/packet.h"
#include "ruleset/ruleset.h"

#define FLOWS_MAX 16
#define WORDS_MAX 16
static const char flow_begins[] = "#? ";

static void read_text(const char *text, size_t size, struct policy *ret, struct problems *problems,
                      int *ret_error)
{
	char *copy = malloc(size + 1);
	FUZZ_HOLDS(copy);
	memcpy(copy, text, size);
	copy[size] = '\0';
	problem_init(problems);
	*ret_error = policy_parse(ret, "policy.conf", copy, size, NULL, problems);
}

// Both walls give the packet the same answer, and a reason of one line.
static void hold_packet(const struct policy *policy, const struct ruleset *a, const struct ruleset *b,
                        const struct packet *packet)
{
	struct outcome outcome, other;
	struct buffer out = BUFFER_EMPTY;
	ruleset_evaluate(a, packet, &outcome);
	ruleset_evaluate(b, packet, &other);
	FUZZ_HOLDS(outcome.accepted == other.accepted);
	FUZZ_HOLDS(!outcome.accepted || (outcome.rule && packet->hook != HOOK_NONE));
	ruleset_reason(policy, a, packet, &outcome, &out);
	FUZZ_HOLDS(out.size > 0 && !memchr(out.data, '\n', out.size));
	hold_readable(out.data, out.size);
	if (outcome.set)
		ruleset_print_element(outcome.set, outcome.element, &out);
	buffer_fini(&out);
}

static void ask(const struct policy *policy, const struct ruleset *a, const struct ruleset *b, char *flow)
{
	char *words[WORDS_MAX], *rest, message[256] = "";
	size_t count = 0, wrong = 0;
	struct packet packet;
	for (char *word = strtok_r(flow, " ", &rest); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	if (packet_parse(policy, words, count, &packet, message, sizeof message, &wrong) == 0)
		hold_packet(policy, a, b, &packet);
	else
		FUZZ_HOLDS(message[0] && memchr(message, '\0', sizeof message) && wrong <= count);
}

static void ask_all(const struct policy *policy, const struct ruleset *a, const struct ruleset *b,
                    const char *text, size_t size)
{
	for (unsigned i = 0; i < FLOWS_MAX; i++) {
		const char *flow = memmem(text, size, flow_begins, sizeof flow_begins - 1);
		if (!flow)
			return;
		flow += sizeof flow_begins - 1;
		size -= (size_t)(flow - text);
		const char *end = memchr(flow, '\n', size);
		size_t length = end ? (size_t)(end - flow) : size;
		char *copy = strndup(flow, length);
		FUZZ_HOLDS(copy);
		ask(policy, a, b, copy);
		free(copy);
		text = flow + length;
		size -= length;
	}
}

// A comment names the line it comes from, and that is another one in the canonical text.
static bool count_difference(void *context, const struct ruleset_difference *difference)
{
	*(size_t *)context += difference->kind != DIFFERENCE_ELEMENT_CHANGED;
	return true;
}

static void hold_wall(const struct policy *policy, const struct policy *again, const char *text, size_t size)
{
	struct ruleset a, b;
	struct problems problems;
	size_t differences = 0;
	struct buffer out = BUFFER_EMPTY;
	problem_init(&problems);
	int r = ruleset_compile(policy, &problems, &a);
	FUZZ_HOLDS(ruleset_compile(again, &problems, &b) == r);
	FUZZ_HOLDS(r == 0 || r == -E2BIG);
	if (r == 0) {
		FUZZ_HOLDS(ruleset_compare(&a, &a, NULL, NULL) == 0);
		ruleset_compare(&a, &b, count_difference, &differences);
		FUZZ_HOLDS(differences == 0);
		ruleset_print(&a, &out);
		hold_readable(out.data, out.size);
		ask_all(policy, &a, &b, text, size);
	}
	buffer_fini(&out);
	ruleset_fini(&a);
	ruleset_fini(&b);
	problem_fini(&problems);
}

static void hold_taken(const struct policy *policy, const char *text, size_t size)
{
	struct buffer printed = BUFFER_EMPTY, twice = BUFFER_EMPTY;
	struct policy again;
	struct problems problems;
	int r;
	policy_print(policy, &printed);
	FUZZ_HOLDS(printed.size > 0);
	read_text(printed.data, printed.size, &again, &problems, &r);
	FUZZ_HOLDS(r == 0 && problems.count == 0);
	policy_print(&again, &twice);
	FUZZ_HOLDS(twice.size == printed.size && memcmp(twice.data, printed.data, twice.size) == 0);
	hold_wall(policy, &again, text, size);
	buffer_clear(&twice);
	policy_json(policy, &JSON_TO(&twice));
	hold_json(twice.data, twice.size);
	buffer_fini(&printed);
	buffer_fini(&twice);
	problem_fini(&problems);
	policy_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy;
	struct problems problems;
	int r;
	read_text((const char *)data, size, &policy, &problems, &r);
	FUZZ_HOLDS(r == 0 || r == -EINVAL);
	if (r == 0) {
		FUZZ_HOLDS(policy_lint(&policy, &problems) == 0);
		hold_taken(&policy, (const char *)data, size);
	}
	hold_problems(&problems, &policy.sources, r);
	problem_fini(&problems);
	policy_fini(&policy);
	return 0;
}
