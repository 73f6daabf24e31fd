// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files within files. The parser knows them by path and by what is in them, never by what lies on a disk.
#include "policy/policy_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signed_text.h"

// Drops `.` and empty parts of a path, and a folder with the `..` after it: the name two paths to one file most
// likely share.
static void simplify(char *path)
{
	bool absolute = *path == '/';
	char *start = path + absolute, *to = start,
	     *fixed = start; // what lies before `fixed` is not taken back
	for (const char *from = start; *from;) {
		size_t size = strcspn(from, "/");
		bool up = size == 2 && memcmp(from, "..", 2) == 0;
		if (up && to > fixed) {
			while (to > fixed && *--to != '/')
				continue;
		} else if (size > 0 && !(size == 1 && *from == '.') && !(up && absolute)) {
			if (to > start)
				*to++ = '/';
			memmove(to, from, size);
			to += size;
			if (up)
				fixed = to;
		}
		from += size;
		while (*from == '/')
			from++;
	}
	*to = '\0';
}

// The path of `word` against the folder of the file that names it; NULL when out of memory.
static char *resolve(const char *including, const struct word *word)
{
	const char *slash = strrchr(including, '/');
	size_t folder = slash && word->text[0] != '/' ? (size_t)(slash - including) + 1 : 0;
	char *path = malloc(folder + word->size + 1);
	if (!path)
		return NULL;
	memcpy(path, including, folder);
	memcpy(path + folder, word->text, word->size);
	path[folder + word->size] = '\0';
	return path;
}

static const struct source *current(const struct policy_parser *p)
{
	const struct sources *sources = &p->policy->sources;
	for (size_t i = sources->count; i-- > 0;)
		if (sources->items[i].text == p->lex.text)
			return &sources->items[i];
	return NULL;
}

static bool being_read(const struct policy_parser *p, const struct source *source)
{
	bool is = source->text == p->lex.text;
	for (unsigned i = 0; i < p->depth; i++)
		is |= source->text == p->outer[i].text;
	return is;
}

// Whether two names mean one file, as far as names can tell. 0, 1 or -ENOMEM.
static int same_name(const char *a, const char *b)
{
	char *x = strdup(a), *y = strdup(b);
	int same = -ENOMEM;
	if (x && y) {
		simplify(x);
		simplify(y);
		same = strcmp(x, y) == 0;
	}
	free(x);
	free(y);
	return same;
}

// Complains when the file was read before. Symbolic links can make equal names of different files and different
// names of one, so the content must agree too; what escapes this ends at the limit of depth.
static bool is_new(struct policy_parser *p, const struct word *word, const char *path, const char *text,
                   size_t size)
{
	const struct sources *sources = &p->policy->sources;
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->items[i];
		if (source->size != size || memcmp(source->text, text, size) != 0)
			continue;
		int same = same_name(source->name, path);
		if (same < 0) {
			p->error = same;
			return false;
		}
		if (!same)
			continue;
		if (being_read(p, source))
			return policy_error_word(p, word,
			                         "a file must not include itself, not through others either",
			                         "%s is being read already", source->name);
		return policy_error_word(p, word, "leave one of them out", "%s was included already, in %s",
		                         source->name, WHERE(p, source->from, word->at));
	}
	return true;
}

static bool too_large(struct policy_parser *p, const char *name, source_pos from, uint32_t length)
{
	if (from)
		policy_error(p, from, length, "the limit is for all files of a policy together",
		             "with %s the policy is over %u MiB", name, POLICY_FILE_MAX >> 20);
	else
		policy_error(p, 0, 0, NULL, "%s is over %u MiB", name, POLICY_FILE_MAX >> 20);
	p->stop = true;
	return false;
}

bool policy_file_begin(struct policy_parser *p, const char *name, char *text, size_t size, source_pos from)
{
	source_pos start;
	if (size > POLICY_FILE_MAX - p->octets) {
		free(text);
		return too_large(p, name, from, 1);
	}
	int r = source_add(&p->policy->sources, name, text, size, from, &start);
	if (r < 0) {
		free(text);
		p->error = r; // positions cannot run out within POLICY_FILE_MAX
		return false;
	}
	p->octets += size;
	size_t end = signed_text_end(text, size);
	policy_lex_begin(&p->lex, p->policy, p->problems, text, end, start);
	if (from == 0)
		p->is_signed = end < size;
	else if (end < size)
		policy_error(p, start + (source_pos)end, sizeof SIGNED_TEXT_MARKER - 1,
		             "take this line and those after it away, and sign the whole: leadglass print "
		             "writes a policy as one file",
		             "a signature in a file that is included");
	return true;
}

// What a file that could not be read was perhaps to be.
static const char *unread_advice(const struct word *word, int error)
{
	bool pattern = false;
	for (uint32_t i = 0; i < word->size; i++)
		pattern |= strchr("*?[", word->text[i]) != NULL;
	if (error == -EISDIR || pattern)
		return "include reads one file; patterns and folders are not read";
	return word->text[0] == '/' ? NULL : "a path is relative to the folder of the file that names it";
}

static bool load(struct policy_parser *p, const struct word *word, const char *path)
{
	const struct sources *sources = &p->policy->sources;
	char *text = NULL;
	size_t size = 0;
	int r = p->loader->load(p->loader->context, path, &text, &size);
	if (r == -ENOMEM) {
		p->error = r;
		return false;
	}
	if (r == -EFBIG)
		return policy_error_word(p, word, NULL, "%s is over %u MiB", path, POLICY_FILE_MAX >> 20);
	if (r < 0)
		return policy_error_word(p, word, unread_advice(word, r), "cannot read '%s': %s", path,
		                         strerror(-r));
	if (!is_new(p, word, path, text, size)) {
		free(text);
		return false;
	}
	if (sources->count == POLICY_FILES_MAX) {
		free(text);
		p->stop = true;
		return policy_error_word(p, word, NULL, "more than %d files in one policy", POLICY_FILES_MAX);
	}
	struct policy_lex outer = p->lex;
	if (!policy_file_begin(p, path, text, size, word->at))
		return false;
	p->outer[p->depth++] = outer;
	return true;
}

bool policy_include_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	const struct word word = p->line.words[1];
	const struct source *including = current(p);
	bool incomplete_before = p->incomplete;
	p->incomplete = true; // unless it is read
	if (p->is_signed)
		return policy_error_word(p, &p->line.words[0],
		                         "write it as one file (leadglass print POLICY) and sign that",
		                         "a signed policy includes nothing: what is included is not signed");
	if (word.size == 0 || memchr(word.text, '\0', word.size))
		return policy_error_word(p, &word, NULL, "an empty path");
	if (!p->loader)
		return policy_error_word(p, &word, NULL, "files cannot be included here");
	if (p->depth == POLICY_INCLUDE_DEPTH_MAX)
		return policy_error_word(p, &word, "does a file include itself?",
		                         "files within files, more than %d deep", POLICY_INCLUDE_DEPTH_MAX);
	char *path = resolve(including ? including->name : "", &word);
	if (!path) {
		p->error = -ENOMEM;
		return false;
	}
	bool good = load(p, &word, path);
	free(path);
	p->incomplete = !good || incomplete_before;
	return good;
}
