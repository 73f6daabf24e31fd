// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy of several files, each begun by a line `%% NAME`, the policy first; or a bundle of such files, as
// the agent gets it. What was read from files is in the bundle, and read from there it is the same.
#include "readable.h"

#include <errno.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/policy_bundle.h"

#define FILES_MAX 32
#define LOADS_MAX 200 // of one policy: files that include each other twice double with every level
static const char file_begins[] = "%% ";

struct file {
	const char *name, *text;
	size_t name_size, size;
};

struct files {
	struct file items[FILES_MAX];
	size_t count;
	unsigned loads;
};

// The beginning of the next file, at the beginning of a line; the end when there is none.
static const char *next_file(const char *text, const char *end)
{
	const size_t begins = sizeof file_begins - 1;
	while ((size_t)(end - text) >= begins && memcmp(text, file_begins, begins) != 0) {
		const char *line = memchr(text, '\n', (size_t)(end - text));
		if (!line)
			return end;
		text = line + 1;
	}
	return (size_t)(end - text) >= begins ? text : end;
}

static void take_apart(const char *text, size_t size, struct files *ret)
{
	const char *end = text + size, *at = next_file(text, end);
	while (at < end && ret->count < FILES_MAX) {
		const char *name = at + sizeof file_begins - 1,
		           *line = memchr(name, '\n', (size_t)(end - name));
		if (!line)
			return;
		at = next_file(line + 1, end);
		ret->items[ret->count++] = (struct file){.name = name,
		                                         .name_size = (size_t)(line - name),
		                                         .text = line + 1,
		                                         .size = (size_t)(at - line - 1)};
	}
}

static int load(void *context, const char *path, char **ret_text, size_t *ret_size)
{
	struct files *files = context;
	if (++files->loads > LOADS_MAX)
		return -EMFILE;
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = &files->items[i];
		if (file->name_size != strlen(path) || memcmp(file->name, path, file->name_size) != 0)
			continue;
		*ret_text = fuzz_copy(file->text, file->size);
		*ret_size = file->size;
		return 0;
	}
	return -ENOENT;
}

// Of a policy that was taken.
static void hold_same(const struct policy *a, const struct policy *b)
{
	struct buffer x = BUFFER_EMPTY, y = BUFFER_EMPTY;
	policy_print(a, &x);
	policy_print(b, &y);
	FUZZ_HOLDS(x.size == y.size && memcmp(x.data, y.data, x.size) == 0);
	buffer_fini(&x);
	buffer_fini(&y);
}

static void hold_bundle(const struct policy *policy)
{
	struct buffer bundle = BUFFER_EMPTY, again = BUFFER_EMPTY;
	struct policy other;
	struct problems problems;
	const char *text;
	size_t size;
	problem_init(&problems);
	policy_bundle_write(&policy->sources, &bundle);
	FUZZ_HOLDS(policy_bundle_parse(&other, bundle.data, bundle.size, &problems) == 0);
	hold_same(policy, &other);
	policy_bundle_write(&other.sources, &again);
	FUZZ_HOLDS(again.size == bundle.size && memcmp(again.data, bundle.data, again.size) == 0);
	int r = policy_bundle_only(bundle.data, bundle.size, &text, &size);
	FUZZ_HOLDS(r == (policy->sources.count > 1 ? -E2BIG : 0));
	FUZZ_HOLDS(r || (size == policy->sources.items[0].size &&
	                 memcmp(text, policy->sources.items[0].text, size) == 0));
	buffer_fini(&bundle);
	buffer_fini(&again);
	problem_fini(&problems);
	policy_fini(&other);
}

static void read_files(struct files *files)
{
	struct policy policy;
	struct problems problems;
	const struct policy_loader loader = {.load = load, .context = files};
	const struct file *first = &files->items[0];
	char *name = fuzz_copy(first->name, first->name_size);
	problem_init(&problems);
	int r = policy_parse(&policy, name, fuzz_copy(first->text, first->size), first->size, &loader,
	                     &problems);
	FUZZ_HOLDS(r == 0 || r == -EINVAL);
	FUZZ_HOLDS(policy.sources.count <= files->loads + 1);
	// An empty name is none a bundle can hold, and nobody can open such a file.
	if (r == 0 && name[0])
		hold_bundle(&policy);
	hold_problems(&problems, &policy.sources, r);
	free(name);
	problem_fini(&problems);
	policy_fini(&policy);
}

// What is signed is the octets policy_bundle_only gives, and the parser must be shown the same.
static void hold_only(const struct policy *policy, const char *data, size_t size)
{
	const char *text;
	size_t only;
	if (policy_bundle_only(data, size, &text, &only) != 0)
		return;
	FUZZ_HOLDS(text >= data && only <= size && text + only <= data + size);
	FUZZ_HOLDS(policy->sources.count == 1 && policy->sources.items[0].size == only);
	FUZZ_HOLDS(memcmp(policy->sources.items[0].text, text, only) == 0);
}

static void read_bundle(const char *data, size_t size)
{
	struct policy policy;
	struct problems problems;
	problem_init(&problems);
	int r = policy_bundle_parse(&policy, data, size, &problems);
	FUZZ_HOLDS(r == 0 || r == -EINVAL || r == -EBADMSG);
	if (r == 0) {
		hold_bundle(&policy);
		hold_only(&policy, data, size);
	}
	hold_problems(&problems, &policy.sources, r);
	problem_fini(&problems);
	policy_fini(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct files files = {.count = 0};
	take_apart((const char *)data, size, &files);
	if (files.count > 0)
		read_files(&files);
	else
		read_bundle((const char *)data, size);
	return 0;
}
