// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass list`: what is loaded, read from the kernel alone: how the tables stand, what each line of the
// policy has let through, what was dropped.
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "cli/cli_text.h"
#include "nft/nft.h"
#include "ruleset/ruleset.h"

static const struct cli_command command = {
        .name = "list",
        .about = "what is loaded: peers with their counters, drops",
        .synopsis = "[--json]",
        .options = CLI_JSON,
        .least = 0,
        .most = 0,
        .details = "Needs CAP_NET_ADMIN (root). Counters begin at 0 when an element or rule is\n"
                   "loaded. Sets too long to count element by element are shown with their size.\n"
                   "\n"
                   "Exit status: 0 there is a wall, 1 there is none, 4 the kernel could not be\n"
                   "asked.\n"
                   "\n"
                   "Example:\n"
                   "  leadglass list\n",
};

// What one line of the policy let through: the sum over the elements with its comment, "main-pacs
// policy.conf:14".
struct line {
	const char *comment; // the ruleset's
	size_t order;        // of its first element
	size_t elements;
	uint64_t packets, octets;
};

struct lines {
	struct line *items;
	size_t count, capacity;
};

static int by_comment(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->comment, y->comment);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

// Takes "main-pacs policy.conf:14" apart. False when it does not end in a file and a line.
static bool policy_line(const char *comment, const char **ret_file, size_t *ret_size, unsigned long *ret_line)
{
	const char *file = strrchr(comment, ' '), *colon = strrchr(comment, ':');

	if (!file || !colon || colon < file || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")])
		return false;
	*ret_file = file + 1;
	*ret_size = (size_t)(colon - file) - 1;
	*ret_line = strtoul(colon + 1, NULL, 10);
	return true;
}

// As the policy reads, file by file; what has no line of the policy comes last, in the order of the sets.
static int by_policy_line(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	const char *x_file = "", *y_file = "";
	size_t x_size = 0, y_size = 0;
	unsigned long x_line = 0, y_line = 0;
	bool x_placed = policy_line(x->comment, &x_file, &x_size, &x_line);
	bool y_placed = policy_line(y->comment, &y_file, &y_size, &y_line);
	int order = strncmp(x_file, y_file, x_size < y_size ? x_size : y_size);

	if (x_placed != y_placed)
		return x_placed ? -1 : 1;
	if (!order)
		order = (x_size > y_size) - (x_size < y_size);
	if (!order)
		order = (x_line > y_line) - (x_line < y_line);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int gather_elements(const struct ruleset *ruleset, struct lines *lines)
{
	for (size_t t = 0; t < ruleset->table_count; t++) {
		for (size_t s = 0; s < ruleset->tables[t].set_count; s++) {
			const struct ruleset_set *set = &ruleset->tables[t].sets[s];

			if (!set->details || set->constant)
				continue;
			if (array_room_for(&lines->items, lines->count, set->count, &lines->capacity,
			                   sizeof(*lines->items)))
				return -1;
			for (size_t e = 0; e < set->count; e++) {
				const struct ruleset_detail *detail = &set->details[e];

				lines->items[lines->count] = (struct line){
				        .comment = detail->comment ? detail->comment : "(no comment)",
				        .order = lines->count,
				        .elements = 1,
				        .packets = detail->packets,
				        .octets = detail->octets,
				};
				lines->count++;
			}
		}
	}
	return 0;
}

// One line for each comment: sort, add up neighbours, and into the order of the policy.
static int gather(const struct ruleset *ruleset, struct lines *ret)
{
	size_t kept = 0;

	*ret = (struct lines){0};
	if (gather_elements(ruleset, ret))
		return -1;
	if (!ret->count)
		return 0;
	qsort(ret->items, ret->count, sizeof(*ret->items), by_comment);
	for (size_t i = 1; i < ret->count; i++) {
		struct line *into = &ret->items[kept], *line = &ret->items[i];

		if (strcmp(into->comment, line->comment) == 0) {
			into->elements++;
			into->packets += line->packets;
			into->octets += line->octets;
		} else {
			ret->items[++kept] = *line;
		}
	}
	ret->count = kept + 1;
	qsort(ret->items, ret->count, sizeof(*ret->items), by_policy_line);
	return 0;
}

// A rule that counts and drops.
static bool is_drop(const struct ruleset_rule *rule)
{
	bool counts = false;

	for (size_t i = 0; i < rule->count; i++)
		counts = counts || rule->statements[i].kind == STATEMENT_COUNTER;
	return counts && rule->statements[rule->count - 1].kind == STATEMENT_VERDICT &&
	       rule->statements[rule->count - 1].verdict.verdict == VERDICT_DROP;
}

static const char *family_name(const struct ruleset_table *table)
{
	return table->family == RULESET_INET ? "inet" : "bridge";
}

static const struct nft_table_state *state_of(const struct ruleset_table *table, const struct nft_state *state)
{
	return table->family == RULESET_INET ? &state->inet : &state->bridge;
}

// ---- text, in 80 columns ----

#define NAME_COLUMN 60

static void write_head(const struct ruleset_table *table, const struct nft_table_state *state,
                       struct buffer *out)
{
	size_t rules = 0;

	for (size_t c = 0; c < table->chain_count; c++)
		rules += table->chains[c].count;
	buffer_printf(out, "table %s " RULESET_TABLE_NAME ": ", family_name(table));
	cli_count(out, table->chain_count, "chain");
	buffer_text(out, ", ");
	cli_count(out, rules, "rule");
	buffer_text(out, ", ");
	cli_count(out, table->set_count, "set");
	if (state->owned)
		buffer_printf(out, "; owned by netlink port %u%s", state->owner,
		              state->persistent ? ", persistent" : "");
	else
		buffer_text(out, state->persistent ? "; persistent, not owned now" : "; not owned");
	buffer_text(out, "\n");
	for (size_t s = 0; s < table->set_count; s++) {
		const struct ruleset_set *set = &table->sets[s];

		if (!set->detailed && !set->constant) {
			buffer_printf(out, "  %s: ", set->name);
			cli_count(out, set->count, "element");
			buffer_text(out, ", not counted one by one\n");
		}
	}
}

// A name and two counters; where the name is too long for its column the counters stand below it.
static void write_row(const char *name, uint64_t packets, uint64_t octets, struct buffer *out)
{
	buffer_printf(out, strlen(name) > NAME_COLUMN ? "%s\n%*s " : "%s%*s ", name,
	              (int)(strlen(name) > NAME_COLUMN ? NAME_COLUMN : NAME_COLUMN - strlen(name)), "");
	cli_number(out, packets, 9);
	buffer_text(out, " ");
	cli_number(out, octets, 9);
	buffer_text(out, "\n");
}

static void write_lines(const struct lines *lines, struct buffer *out)
{
	if (!lines->count)
		return;
	buffer_printf(out, "\n%-*s %9s %9s\n", NAME_COLUMN, "LET THROUGH", "PACKETS", "OCTETS");
	for (size_t i = 0; i < lines->count; i++)
		write_row(lines->items[i].comment, lines->items[i].packets, lines->items[i].octets, out);
}

static void write_drop(const struct ruleset_table *table, const struct ruleset_chain *chain,
                       const struct ruleset_rule *rule, struct buffer *out)
{
	struct buffer name = BUFFER_EMPTY;

	buffer_printf(&name, "%s%s: %s", table->family == RULESET_INET ? "" : "bridge ", chain->name,
	              rule->comment ? rule->comment : "(no comment)");
	if (buffer_failed(&name))
		out->failed = true;
	else
		write_row(name.data, rule->packets, rule->octets, out);
	buffer_fini(&name);
}

static void write_drops(const struct ruleset *ruleset, struct buffer *out)
{
	buffer_printf(out, "\n%-*s %9s %9s\n", NAME_COLUMN, "DROPPED", "PACKETS", "OCTETS");
	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct ruleset_table *table = &ruleset->tables[t];

		for (size_t c = 0; c < table->chain_count; c++) {
			const struct ruleset_chain *chain = &table->chains[c];

			for (size_t r = 0; r < chain->count; r++) {
				if (is_drop(&chain->rules[r]))
					write_drop(table, chain, &chain->rules[r], out);
			}
		}
	}
}

static void write_text(const struct ruleset *ruleset, const struct nft_state *state, const struct lines *lines,
                       struct buffer *out)
{
	for (size_t t = 0; t < ruleset->table_count; t++)
		write_head(&ruleset->tables[t], state_of(&ruleset->tables[t], state), out);
	write_lines(lines, out);
	write_drops(ruleset, out);
}

// ---- JSON ----

static void json_table(const struct ruleset_table *table, const struct nft_table_state *state,
                       struct json *json)
{
	json_object(json);
	json_key_text(json, "family", family_name(table));
	json_key_bool(json, "owned", state->owned);
	json_key_bool(json, "persistent", state->persistent);
	json_key_number(json, "owner", state->owner);
	json_key(json, "sets");
	json_array(json);
	for (size_t s = 0; s < table->set_count; s++) {
		json_object(json);
		json_key_text(json, "name", table->sets[s].name);
		json_key_number(json, "elements", table->sets[s].count);
		json_key_bool(json, "counted", table->sets[s].detailed);
		json_end(json);
	}
	json_end_array(json);
	json_key(json, "drops");
	json_array(json);
	for (size_t c = 0; c < table->chain_count; c++) {
		const struct ruleset_chain *chain = &table->chains[c];

		for (size_t r = 0; r < chain->count; r++) {
			if (!is_drop(&chain->rules[r]))
				continue;
			json_object(json);
			json_key_text(json, "chain", chain->name);
			json_key_text(json, "rule", chain->rules[r].comment);
			json_key_number(json, "packets", chain->rules[r].packets);
			json_key_number(json, "octets", chain->rules[r].octets);
			json_end(json);
		}
	}
	json_end_array(json);
	json_end(json);
}

static void write_json(const struct ruleset *ruleset, const struct nft_state *state, const struct lines *lines,
                       struct buffer *out)
{
	struct json json = JSON_TO(out);

	json_object(&json);
	json_key_bool(&json, "loaded", ruleset->table_count > 0);
	json_key_number(&json, "generation", state->generation);
	json_key(&json, "tables");
	json_array(&json);
	for (size_t t = 0; t < ruleset->table_count; t++)
		json_table(&ruleset->tables[t], state_of(&ruleset->tables[t], state), &json);
	json_end_array(&json);
	json_key(&json, "passed");
	json_array(&json);
	for (size_t i = 0; i < lines->count; i++) {
		json_object(&json);
		json_key_text(&json, "comment", lines->items[i].comment);
		json_key_number(&json, "elements", lines->items[i].elements);
		json_key_number(&json, "packets", lines->items[i].packets);
		json_key_number(&json, "octets", lines->items[i].octets);
		json_end(&json);
	}
	json_end_array(&json);
	json_end(&json);
	buffer_text(out, "\n");
}

static int answer(const struct ruleset *ruleset, const struct nft_state *state, unsigned options)
{
	struct buffer out = BUFFER_EMPTY;
	struct lines lines;
	int status = ruleset->table_count ? CLI_YES : CLI_NO;

	if (gather(ruleset, &lines))
		out.failed = true;
	else if (options & CLI_JSON)
		write_json(ruleset, state, &lines, &out);
	else if (status == CLI_NO)
		buffer_text(&out, "no wall: there is no inet or bridge table named " RULESET_TABLE_NAME "\n");
	else
		write_text(ruleset, state, &lines, &out);
	free(lines.items);
	return cli_answer(&out, status);
}

int cli_list(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct ruleset ruleset;
	struct problems problems;
	struct nft_state state = {0};
	struct nft *nft = NULL;
	int status = cli_arguments(&command, argc, argv, &arguments);
	int error;

	if (status != CLI_GO_ON)
		return status;
	ruleset_init(&ruleset);
	problem_init(&problems);
	error = nft_open(&nft, &problems);
	if (!error)
		error = nft_read(nft, &ruleset, &state, &problems);
	nft_close(nft);
	if (error) {
		cli_failure(error, &problems, NULL);
		status = cli_exit_of(error);
	} else {
		status = answer(&ruleset, &state, arguments.options);
	}
	problem_fini(&problems);
	ruleset_fini(&ruleset);
	return status;
}
