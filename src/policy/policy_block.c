// SPDX-License-Identifier: GPL-2.0-or-later
//
// Directives against their tables: is the name known here, are there as many words as it takes, was it given
// before, does the block close.
#include "policy/policy_block.h"

#include <string.h>

const struct policy_form *policy_form_find(const struct policy_form *forms, size_t count,
                                           const struct word *name)
{
	for (size_t i = 0; i < count; i++)
		if (forms[i].size == name->size && memcmp(forms[i].name, name->text, name->size) == 0)
			return &forms[i];
	return NULL;
}

// What other programs' configuration files call the same.
static const struct {
	const char *said, *meant;
} other_names[] = {
        {"ip", "address"},       {"host", "address"},   {"src", "address"},     {"aet", "ae-title"},
        {"aetitle", "ae-title"}, {"send", "initiates"}, {"receive", "accepts"},
};

static const char *other_name(const struct policy_form *forms, size_t count, const struct word *name)
{
	for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++) {
		const char *meant = other_names[i].meant;
		struct word word = {.text = meant, .size = (uint32_t)strlen(meant)};
		if (policy_edits(name, other_names[i].said, strlen(other_names[i].said)) == 0 &&
		    policy_form_find(forms, count, &word))
			return meant;
	}
	return NULL;
}

const char *policy_form_nearest(const struct policy_form *forms, size_t count, const struct word *name)
{
	const char *other = other_name(forms, count, name);
	if (other)
		return other;
	const char *names[POLICY_FORMS_MAX];
	size_t shown = 0;
	for (size_t i = 0; i < count; i++)
		if (forms[i].example)
			names[shown++] = forms[i].name;
	return policy_nearest(name, names, shown);
}

// "role, device, peer"
static const char *list(const struct policy_form *forms, size_t count, char text[static POLICY_ADVICE_MAX])
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++) {
		if (!forms[i].example)
			continue;
		memcpy(text + size, ", ", 2);
		size += size ? 2 : 0;
		memcpy(text + size, forms[i].name, forms[i].size);
		size += forms[i].size;
	}
	text[size] = '\0';
	return text;
}

void policy_form_unknown(struct policy_parser *p, const struct policy_block *block)
{
	const struct word *name = &p->line.words[0];
	const char *nearest = policy_form_nearest(block->forms, block->count, name);
	char names[POLICY_ADVICE_MAX];
	const char *advice =
	        nearest ? ADVICE("did you mean '%s'?", nearest)
	                : ADVICE("%s takes: %s", block->name, list(block->forms, block->count, names));
	policy_error_word(p, name, advice, "unknown directive '%s' in %s", SHOW(name), block->name);
}

bool policy_form_check(struct policy_parser *p, const struct policy_form *form, source_pos *seen)
{
	const struct word *name = &p->line.words[0];
	uint32_t given = p->line.count - 1;
	bool good = true;

	if (form->once && *seen)
		good = policy_error_word(p, name, "leave one of them out", "'%s' is given twice, first in %s",
		                         form->name, WHERE(p, *seen, name->at));
	if (*seen == 0)
		*seen = name->at;
	if (p->line.broken || !good)
		return false;
	if (given < form->least)
		return policy_error_word(p, name, ADVICE("write, for example: %s", form->example),
		                         "'%s' needs %s after it", form->name, given ? "more" : "something");
	if (given > form->most && form->most != POLICY_ANY)
		return policy_error_word(
		        p, &p->line.words[form->most + 1], ADVICE("write, for example: %s", form->example),
		        form->most == 0 ? "'%s' takes nothing after it" : "a word too many after '%s'",
		        form->name);
	return true;
}

void policy_block_skip(struct policy_parser *p)
{
	source_pos opening = p->line.brace_at;
	unsigned depth = 1;
	while (depth > 0) {
		switch (policy_lex_next(&p->lex, &p->line)) {
		case POLICY_LEX_DIRECTIVE:
			depth += p->line.opens;
			break;
		case POLICY_LEX_CLOSE:
			depth--;
			break;
		case POLICY_LEX_END:
			if (!p->lex.cut)
				policy_error(p, opening, 1, "write '}' at its end", "this block is not closed");
			return;
		}
	}
}

// A directive that may only stand at the top level stands in a block: its `}` is missing, most likely.
static bool begins_next(const struct policy_parser *p)
{
	const struct policy_directive *line = &p->line;
	const struct policy_form *form =
	        policy_form_find(policy_top_forms, policy_top_form_count, &line->words[0]);
	if (!form)
		return false;
	return line->opens || form->read == policy_role_read || form->read == policy_service_read;
}

// A block that is being read.
struct reading {
	const struct policy_block *block;
	void *target;
	source_pos opening;
	source_pos seen[POLICY_FORMS_MAX];
	bool explained; // that an `include` stands within: perhaps the block was meant to end before it
};

static void unclosed(struct policy_parser *p, const struct reading *reading)
{
	const struct word *next = &p->line.words[0];
	if (!reading->explained)
		policy_error(
		        p, reading->opening, 1,
		        ADVICE("write '}' before '%s' in %s", SHOW(next), WHERE(p, next->at, reading->opening)),
		        "%s begins here and is not closed", reading->block->name);
	p->line_waits = true;
	p->owed++;
}

// A directive that the block does not know. True when the block is over with it.
static bool unknown(struct policy_parser *p, struct reading *reading)
{
	if (policy_word_equal(&p->line.words[0], "include")) {
		policy_error_word(p, &p->line.words[0],
		                  "write it before or after the block, or was a '}' forgotten?",
		                  "'include' within %s", reading->block->name);
		reading->explained = true;
		return false;
	}
	if (begins_next(p)) {
		unclosed(p, reading);
		return true;
	}
	if (!p->line.broken)
		policy_form_unknown(p, reading->block);
	return false;
}

// One directive of a block; true when all of it was right.
static bool directive(struct policy_parser *p, struct reading *reading)
{
	struct policy_directive *line = &p->line;
	const struct policy_block *block = reading->block;
	const struct policy_form *form = NULL;
	if (line->count > 0) {
		form = policy_form_find(block->forms, block->count, &line->words[0]);
		if (!form && unknown(p, reading))
			return false;
	}
	bool good = form && policy_form_check(p, form, &reading->seen[form - block->forms]);
	if (line->opens) {
		if (form && !line->broken)
			policy_error(p, line->brace_at, 1, "blocks do not stand within blocks",
			             "'%s' takes no block", form->name);
		policy_block_skip(p);
		return false;
	}
	return good && form->read(p, reading->target);
}

static bool opened(struct policy_parser *p, const struct policy_block *block, const char *example)
{
	if (p->line.opens)
		return true;
	p->line.brace_at = policy_lex_late_brace(&p->lex);
	if (p->line.brace_at) {
		policy_error(p, p->line.brace_at, 1, "write it at the end of the directive's line",
		             "a '{' on a line of its own");
		return true;
	}
	if (!p->line.broken)
		policy_error_word(p, &p->line.words[p->line.count - 1],
		                  ADVICE("write, for example: %s", example), "%s must follow", block->name);
	return false;
}

bool policy_block_read(struct policy_parser *p, const struct policy_block *block, void *target,
                       const char *example)
{
	if (!opened(p, block, example))
		return false;
	struct reading reading = {.block = block, .target = target, .opening = p->line.brace_at};
	bool good = true;
	while (!p->stop && p->error == 0) {
		switch (policy_lex_next(&p->lex, &p->line)) {
		case POLICY_LEX_DIRECTIVE:
			good = directive(p, &reading) && good;
			if (p->line_waits)
				return false;
			break;
		case POLICY_LEX_CLOSE:
			return good;
		case POLICY_LEX_END:
			if (!p->lex.cut && !reading.explained)
				policy_error(p, reading.opening, 1, "write '}' at its end",
				             "%s begins here and is not closed", block->name);
			return false;
		}
	}
	return false;
}
