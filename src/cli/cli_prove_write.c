// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes the answer of `leadglass prove`, for people and as JSON.
#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/cli_prove.h"
#include "cli/cli_text.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

bool cli_prove_equivalent(const struct cli_prove_answer *answer)
{
	return answer->result.differences == 0 && answer->strange_count == 0;
}

static const char *verdict(bool accepts)
{
	return accepts ? "accept" : "drop";
}

// ---- for people ----

static void write_rule(const struct outcome *outcome, struct buffer *out)
{
	if (!outcome->chain)
		buffer_text(out, "  rule: none; no chain sees it\n");
	cli_outcome(out, outcome);
}

static void write_difference(const struct cli_prove_answer *answer, const struct prove_class *class,
                             struct buffer *out)
{
	struct buffer words = BUFFER_EMPTY, unsaid = BUFFER_EMPTY;
	struct source_place place;
	prove_words(answer->policy, &class->packet, &words, &unsaid);
	out->failed = out->failed || buffer_failed(&words) || buffer_failed(&unsaid);
	buffer_printf(out, "the policy: %s, the ruleset: %s\n  packet: leadglass explain %s %s\n",
	              verdict(class->accepts), verdict(class->outcome.accepted), answer->name,
	              words.data ? words.data : "");
	if (unsaid.size)
		buffer_printf(out, "  besides: %s\n", unsaid.data);
	buffer_printf(out, "  policy: %s", class->sentence);
	if (source_locate(&answer->policy->sources, class->at, &place) == 0)
		buffer_printf(out, " (%s:%u)", place.file, place.line);
	buffer_text(out, "\n");
	write_rule(&class->outcome, out);
	buffer_fini(&words);
	buffer_fini(&unsaid);
}

void cli_prove_text(const struct cli_prove_answer *answer, struct buffer *out)
{
	const struct prove_result *result = &answer->result;
	const char *what = answer->live ? "what the kernel holds" : "the ruleset";
	for (size_t i = 0; i < answer->differences.count; i++)
		write_difference(answer, &answer->differences.items[i], out);
	if (result->differences > answer->differences.count)
		buffer_printf(out, "and %" PRIu64 " more (--all shows them)\n",
		              result->differences - answer->differences.count);
	if (answer->strange_count)
		buffer_printf(out, "not understood, so nothing is proven:\n%s", answer->strange->data);
	if (cli_prove_equivalent(answer))
		buffer_printf(out, "proven: %s does what %s says\n", what, answer->name);
	else
		buffer_printf(out, "not proven: %s does not do what %s says\n", what, answer->name);
	cli_count(out, result->classes, "class");
	buffer_printf(out, " of packets decided, which are %s",
	              answer->stopped ? "not all: --all goes on" : "all there are");
	if (result->differences)
		buffer_printf(out, "; they differ in %" PRIu64, result->differences);
	buffer_text(out, "\n");
	if (result->windows) {
		cli_count(out, result->windows, "service window");
		buffer_text(out, " taken as granted\n");
	}
}

// ---- JSON ----

static void key_buffer(struct json *json, const char *key, struct buffer *text)
{
	json_key(json, key);
	json_text(json, text->data);
	json->out->failed = json->out->failed || buffer_failed(text);
	buffer_fini(text);
}

static void key_rule(struct json *json, const struct outcome *outcome)
{
	struct buffer rule = BUFFER_EMPTY, element = BUFFER_EMPTY;
	if (outcome->rule)
		ruleset_print_rule(outcome->table, outcome->rule, &rule);
	if (outcome->set)
		ruleset_print_element(outcome->set, outcome->element, &element);
	json_key_text(json, "chain", outcome->chain ? outcome->chain->name : NULL);
	key_buffer(json, "rule", &rule);
	json_key_text(json, "set", outcome->set ? outcome->set->name : NULL);
	key_buffer(json, "element", &element);
}

static void write_class(const struct cli_prove_answer *answer, const struct prove_class *class,
                        struct json *json)
{
	struct buffer words = BUFFER_EMPTY, unsaid = BUFFER_EMPTY;
	struct source_place place;
	bool located = source_locate(&answer->policy->sources, class->at, &place) == 0;
	prove_words(answer->policy, &class->packet, &words, &unsaid);
	json_object(json);
	key_buffer(json, "packet", &words);
	key_buffer(json, "besides", &unsaid);
	json_key_text(json, "policy", verdict(class->accepts));
	json_key_text(json, "ruleset", verdict(class->outcome.accepted));
	json_key_text(json, "sentence", class->sentence);
	json_key_text(json, "file", located ? place.file : NULL);
	if (located)
		json_key_number(json, "line", place.line);
	else
		json_key_text(json, "line", NULL);
	key_rule(json, &class->outcome);
	json_end(json);
}

static void key_classes(const struct cli_prove_answer *answer, const char *key,
                        const struct cli_prove_classes *classes, size_t count, struct json *json)
{
	json_key(json, key);
	json_array(json);
	for (size_t list = 0; list < count; list++)
		for (size_t i = 0; i < classes[list].count; i++)
			write_class(answer, &classes[list].items[i], json);
	json_end_array(json);
}

static void key_strange(const struct cli_prove_answer *answer, struct json *json)
{
	const char *text = answer->strange->data ? answer->strange->data : "";
	json_key(json, "not-understood");
	json_array(json);
	while (*text) {
		size_t size = strcspn(text, "\n");
		json_text_n(json, text, size);
		text += size + (text[size] == '\n');
	}
	json_end_array(json);
}

void cli_prove_json(const struct cli_prove_answer *answer, struct buffer *out)
{
	const struct prove_result *result = &answer->result;
	struct json json = JSON_TO(out);
	json_object(&json);
	json_key_text(&json, "policy", answer->name);
	json_key_bool(&json, "live", answer->live);
	json_key_bool(&json, "proven", cli_prove_equivalent(answer));
	json_key_bool(&json, "complete", !answer->stopped);
	json_key_number(&json, "classes", result->classes);
	json_key_number(&json, "accepted", result->accepted);
	json_key_number(&json, "shapes", result->shapes);
	json_key_number(&json, "cells", result->cells);
	json_key_number(&json, "grants", result->granted);
	json_key_number(&json, "windows", result->windows);
	json_key_number(&json, "differences", result->differences);
	key_classes(answer, "shown", &answer->differences, 1, &json);
	key_strange(answer, &json);
	key_classes(answer, "sample", answer->sample, 2, &json);
	json_end(&json);
	buffer_text(out, "\n");
}
