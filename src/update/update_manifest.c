// SPDX-License-Identifier: GPL-2.0-or-later
//
// The manifest of an update: one block in the policies' syntax, read by their reader, which knows how to
// complain.
#include "update/update.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_block.h"

// What the block fills: where each directive stood, 0 for those that are missing.
struct reading {
	struct update_manifest *manifest;
	source_pos version_at, size_at, hash_at;
};

static bool read_board(struct policy_parser *p, void *block)
{
	struct update_manifest *manifest = ((struct reading *)block)->manifest;
	const struct word *word = &p->line.words[1];
	if (!policy_name_check(p, word, "a board"))
		return false;
	memcpy(manifest->board, word->text, word->size);
	manifest->board_at = word->at;
	return true;
}

static bool read_serial(struct policy_parser *p, void *block)
{
	struct update_manifest *manifest = ((struct reading *)block)->manifest;
	const struct word *word = &p->line.words[1];
	if (!policy_number(word->text, word->size, UINT64_MAX, &manifest->serial) || manifest->serial == 0)
		return policy_error_word(p, word, "write a whole number from 1 on, counted up with every image",
		                         "'%s' is not a serial number", SHOW(word));
	manifest->serial_at = word->at;
	return true;
}

static bool read_version(struct policy_parser *p, void *block)
{
	struct reading *reading = block;
	const struct word *word = &p->line.words[1];
	if (word->size == 0 || word->size >= UPDATE_NAME_MAX)
		return policy_error_word(p, word, "write what people call it, such as 1.2",
		                         "a version of %u octets; it has 1 to %d", word->size,
		                         UPDATE_NAME_MAX - 1);
	memcpy(reading->manifest->version, word->text, word->size);
	reading->version_at = word->at;
	return true;
}

static bool read_size(struct policy_parser *p, void *block)
{
	struct reading *reading = block;
	const struct word *word = &p->line.words[1];
	if (!policy_number(word->text, word->size, UPDATE_IMAGE_MAX, &reading->manifest->image_size) ||
	    reading->manifest->image_size == 0)
		return policy_error_word(p, word, ADVICE("in octets, from 1 to %u", UPDATE_IMAGE_MAX),
		                         "'%s' is not the size of an image", SHOW(word));
	reading->size_at = word->at;
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(struct policy_parser *p, void *block)
{
	struct reading *reading = block;
	const struct word *word = &p->line.words[1];
	bool good = word->size == 2 * TRUST_HASH_SIZE;
	for (size_t i = 0; good && i < TRUST_HASH_SIZE; i++) {
		int high = digit(word->text[2 * i]), low = digit(word->text[2 * i + 1]);
		good = high >= 0 && low >= 0;
		reading->manifest->image_hash[i] = (uint8_t)(good ? high << 4 | low : 0);
	}
	if (!good)
		return policy_error_word(p, word, "as sha256sum prints it: 64 digits, a to f in lower case",
		                         "'%s' is not a SHA-256", SHOW(word));
	reading->hash_at = word->at;
	return true;
}

#define EXAMPLE "update { board NAME; serial 7; version 1.2; image-size OCTETS; image-sha256 DIGITS }"

static const struct policy_form forms[] = {
        {POLICY_NAME("board"), 1, 1, true, "board qemu-arm64", read_board},
        {POLICY_NAME("serial"), 1, 1, true, "serial 7", read_serial},
        {POLICY_NAME("version"), 1, 1, true, "version 1.2", read_version},
        {POLICY_NAME("image-size"), 1, 1, true, "image-size 4194304", read_size},
        {POLICY_NAME("image-sha256"), 1, 1, true, "image-sha256 5f2b...", read_hash},
};
static const struct policy_block update_block = {"an update block", forms, sizeof forms / sizeof forms[0]};

static bool read_update(struct policy_parser *p, void *manifest)
{
	struct reading reading = {.manifest = manifest};
	const struct word name = p->line.words[0];
	if (!policy_block_read(p, &update_block, &reading, EXAMPLE))
		return false;
	const source_pos seen[] = {reading.manifest->board_at, reading.manifest->serial_at, reading.version_at,
	                           reading.size_at, reading.hash_at};
	bool whole = true;
	for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
		if (seen[i] == 0)
			whole = policy_error_word(p, &name, ADVICE("write, for example: %s", forms[i].example),
			                          "the update block has no %s", forms[i].name);
	}
	return whole;
}

static const struct policy_form top_forms[] = {
        {POLICY_NAME("update"), 0, 0, true, EXAMPLE, read_update},
};
static const struct policy_block top = {"the manifest of an update", top_forms, 1};

static void directive(struct policy_parser *p, source_pos *seen, struct update_manifest *manifest)
{
	struct policy_directive *line = &p->line;
	const struct policy_form *form = line->count ? policy_form_find(top_forms, 1, &line->words[0]) : NULL;
	if (form && policy_form_check(p, form, seen)) {
		form->read(p, manifest);
		return;
	}
	if (!form && !line->broken)
		policy_form_unknown(p, &top);
	if (line->opens)
		policy_block_skip(p);
}

static void read_all(struct policy_parser *p, struct update_manifest *manifest)
{
	source_pos seen = 0;
	for (bool more = true; more && !p->stop && p->error == 0;) {
		switch (policy_lex_next(&p->lex, &p->line)) {
		case POLICY_LEX_DIRECTIVE:
			directive(p, &seen, manifest);
			break;
		case POLICY_LEX_CLOSE:
			policy_error(p, p->line.brace_at, 1,
			             "remove it, or look for the '{' that is missing above",
			             "a '}' that closes nothing");
			break;
		case POLICY_LEX_END:
			more = false;
			break;
		}
		// A policy's directive in the block has ended it, and was said.
		more = more && !p->line_waits;
		if (p->lex.error)
			p->error = p->lex.error;
	}
	if (!seen && !problem_any_error(p->problems))
		problem_add(p->problems, PROBLEM_ERROR, 0, 0, "the manifest has no update block",
		            "write, for example: " EXAMPLE);
}

int update_manifest_read(const char *name, char *text, size_t size, size_t skip, struct policy *holder,
                         struct update_manifest *ret, struct problems *problems)
{
	struct policy_parser *p = calloc(1, sizeof *p);
	source_pos start;
	int r = p ? source_add(&holder->sources, name, text, size, 0, &start) : -ENOMEM;

	*ret = (struct update_manifest){0};
	if (r == 0) {
		*p = (struct policy_parser){.policy = holder, .problems = problems};
		policy_lex_begin(&p->lex, holder, problems, text + skip, size - skip, start + (source_pos)skip);
		read_all(p, ret);
		r = p->error;
		if (r == 0 && problem_any_error(problems))
			r = problems->lost ? -ENOMEM : -EINVAL;
	} else {
		free(text);
	}
	free(p);
	return r;
}

bool update_manifest_begins(const char *text, size_t size)
{
	struct policy_parser *p = calloc(1, sizeof *p);
	struct policy holder;
	struct problems problems;
	if (!p)
		return false;
	policy_init(&holder);
	problem_init(&problems);
	policy_lex_begin(&p->lex, &holder, &problems, text, size, 1);
	bool found = policy_lex_next(&p->lex, &p->line) == POLICY_LEX_DIRECTIVE && p->line.count > 0 &&
	             policy_word_equal(&p->line.words[0], top_forms[0].name);
	problem_fini(&problems);
	policy_fini(&holder);
	free(p);
	return found;
}
