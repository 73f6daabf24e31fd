// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the tests of src/policy share: a policy read from a text in the test, with files to include that are
// texts too.
#ifndef LEADGLASS_TESTS_POLICY_TEST_H
#define LEADGLASS_TESTS_POLICY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "policy/policy.h"

// A file of the test, by the path it must be asked for with.
struct memory_file {
	const char *path, *text;
	int error; // -errno instead of a text
};

struct reading {
	struct policy policy;
	struct problems problems;
	struct buffer said;              // all problems, as a person sees them
	const struct memory_file *files; // ends with a NULL path
	unsigned loads;
};

static inline int reading_load(void *context, const char *path, char **ret_text, size_t *ret_size)
{
	struct reading *r = context;
	r->loads++;
	for (const struct memory_file *file = r->files; file && file->path; file++) {
		if (strcmp(file->path, path) != 0)
			continue;
		if (file->error)
			return file->error;
		*ret_text = strdup(file->text);
		*ret_size = strlen(file->text);
		return *ret_text ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

// Takes `text` over.
static inline int read_malloced(struct reading *r, const struct memory_file *files, const char *name,
                                char *text, size_t size)
{
	struct policy_loader loader = {.load = reading_load, .context = r};
	*r = (struct reading){.files = files};
	problem_init(&r->problems);
	int result = policy_parse(&r->policy, name, text, size, &loader, &r->problems);
	problem_print(&r->problems, &r->policy.sources, &r->said);
	return result;
}

static inline int read_files(struct reading *r, const struct memory_file *files, const char *name,
                             const char *text)
{
	return read_malloced(r, files, name, strdup(text), strlen(text));
}

static inline int read_text(struct reading *r, const char *text)
{
	return read_files(r, NULL, "policy.conf", text);
}

static inline void reading_fini(struct reading *r)
{
	policy_fini(&r->policy);
	problem_fini(&r->problems);
	buffer_fini(&r->said);
}

static inline const char *said(const struct reading *r)
{
	return r->said.data ? r->said.data : "";
}

// The whole of it must be read without a complaint.
static inline void read_good(struct reading *r, const char *text)
{
	int result = read_text(r, text);
	if (result != 0)
		fail_msg("%d: %s", result, said(r));
	assert_int_equal(r->problems.count, 0);
}

static inline void assert_word(const struct word *word, const char *text)
{
	assert_non_null(word->text);
	if (!policy_word_equal(word, text))
		fail_msg("'%.*s' is not '%s'", (int)word->size, word->text, text);
}

static inline uint32_t line_of(const struct reading *r, source_pos at)
{
	struct source_place place;
	assert_int_equal(source_locate(&r->policy.sources, at, &place), 0);
	return place.line;
}

#endif
