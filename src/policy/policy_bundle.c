// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy with its files in one piece.
#include "policy/policy_bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "policy/policy_parse.h"

static const char first_line[] = "leadglass-bundle 1\n";
static const char last_line[] = "end\n";

// A name is to stay on its line.
static bool escaped(char octet)
{
	return (unsigned char)octet < ' ' || octet == 0x7f || octet == '%';
}

void policy_bundle_write(const struct sources *sources, struct buffer *out)
{
	buffer_text(out, first_line);
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->items[i];
		buffer_printf(out, "file %zu ", source->size);
		for (const char *c = source->name; *c; c++) {
			if (escaped(*c))
				buffer_printf(out, "%%%02X", (unsigned char)*c);
			else
				buffer_add(out, c, 1);
		}
		buffer_text(out, "\n");
		buffer_add(out, source->text, source->size);
		buffer_text(out, "\n");
	}
	buffer_text(out, last_line);
}

struct file {
	char *name;
	const char *text;
	size_t size;
};

struct bundle {
	struct file *files;
	size_t count, capacity;
	size_t next; // the file that is asked for next when all is as it was written
};

// What is left to read of a bundle.
struct rest {
	const char *text;
	size_t size;
};

static bool take(struct rest *rest, const char *text, size_t size)
{
	if (rest->size < size || memcmp(rest->text, text, size) != 0)
		return false;
	rest->text += size;
	rest->size -= size;
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Takes escapes away, in place. Only what policy_bundle_write writes is right.
static bool unescape(char *name)
{
	char *to = name;
	for (const char *from = name; *from; from++) {
		char octet = *from;
		if (octet == '%') {
			int high = digit(from[1]), low = high < 0 ? -1 : digit(from[2]);
			if (low < 0)
				return false;
			octet = (char)(high << 4 | low);
			if (octet == '\0' || !escaped(octet))
				return false;
			from += 2;
		} else if (escaped(octet)) {
			return false;
		}
		*to++ = octet;
	}
	*to = '\0';
	return to != name;
}

// A file as it stands in a bundle.
struct entry {
	const char *name; // with its escapes
	size_t name_size;
	const char *text;
	size_t size;
};

// Takes one "file SIZE NAME" and what follows off. False when it is no such thing.
static bool take_entry(struct rest *rest, struct entry *ret)
{
	if (!take(rest, "file ", 5))
		return false;
	const char *end = memchr(rest->text, '\n', rest->size);
	const char *space = end ? memchr(rest->text, ' ', (size_t)(end - rest->text)) : NULL;
	uint64_t size;
	if (!space || memchr(space, '\0', (size_t)(end - space)) ||
	    !policy_number(rest->text, (size_t)(space - rest->text), POLICY_FILE_MAX, &size))
		return false;
	rest->size -= (size_t)(end + 1 - rest->text);
	rest->text = end + 1;
	if (rest->size < size)
		return false;
	*ret = (struct entry){.name = space + 1,
	                      .name_size = (size_t)(end - space - 1),
	                      .text = rest->text,
	                      .size = (size_t)size};
	rest->text += size;
	rest->size -= size;
	return take(rest, "\n", 1);
}

// 0, -EBADMSG, -ENOMEM.
static int read_file(struct bundle *bundle, struct rest *rest)
{
	struct entry entry;
	if (bundle->count == POLICY_FILES_MAX || !take_entry(rest, &entry))
		return -EBADMSG;
	int r = array_room(&bundle->files, bundle->count, &bundle->capacity, sizeof *bundle->files);
	char *name = r == 0 ? strndup(entry.name, entry.name_size) : NULL;
	if (!name)
		return -ENOMEM;
	bundle->files[bundle->count++] = (struct file){.name = name, .text = entry.text, .size = entry.size};
	return unescape(name) ? 0 : -EBADMSG;
}

static int read_files(struct bundle *bundle, struct rest rest)
{
	if (!take(&rest, first_line, sizeof first_line - 1))
		return -EBADMSG;
	do {
		int r = read_file(bundle, &rest);
		if (r < 0)
			return r;
	} while (!take(&rest, last_line, sizeof last_line - 1));
	return rest.size == 0 ? 0 : -EBADMSG;
}

static char *copy(const struct file *file)
{
	char *text = malloc(file->size + 1);
	if (text) {
		memcpy(text, file->text, file->size);
		text[file->size] = '\0';
	}
	return text;
}

// In the order they were read, as long as the names agree; a file that is asked for again is found too, so that
// the parser can complain of it.
static int load(void *context, const char *path, char **ret_text, size_t *ret_size)
{
	struct bundle *bundle = context;
	size_t i = bundle->next;
	if (i == bundle->count || strcmp(bundle->files[i].name, path) != 0) {
		for (i = 0; i < bundle->count && strcmp(bundle->files[i].name, path) != 0; i++)
			continue;
		if (i == bundle->count)
			return -ENOENT;
	} else {
		bundle->next++;
	}
	*ret_text = copy(&bundle->files[i]);
	*ret_size = bundle->files[i].size;
	return *ret_text ? 0 : -ENOMEM;
}

int policy_bundle_parse(struct policy *policy, const char *text, size_t size, struct problems *problems)
{
	struct bundle bundle = {0};
	policy_init(policy);
	int r = size > POLICY_BUNDLE_MAX ? -EBADMSG
	                                 : read_files(&bundle, (struct rest){.text = text, .size = size});
	if (r == -EBADMSG)
		problem_add(problems, PROBLEM_ERROR, 0, 0,
		            "this is no policy with its files in one piece, or it is damaged", NULL);
	if (r == 0) {
		const struct policy_loader loader = {.load = load, .context = &bundle};
		char *first = copy(&bundle.files[0]);
		bundle.next = 1;
		r = first ? policy_parse(policy, bundle.files[0].name, first, bundle.files[0].size, &loader,
		                         problems)
		          : -ENOMEM;
	}
	for (size_t i = 0; i < bundle.count; i++)
		free(bundle.files[i].name);
	free(bundle.files);
	return r;
}

int policy_bundle_only(const char *text, size_t size, const char **ret_text, size_t *ret_size)
{
	struct rest rest = {.text = text, .size = size};
	struct entry entry;
	if (size > POLICY_BUNDLE_MAX || !take(&rest, first_line, sizeof first_line - 1) ||
	    !take_entry(&rest, &entry))
		return -EBADMSG;
	if (rest.size >= 5 && memcmp(rest.text, "file ", 5) == 0)
		return -E2BIG;
	if (!take(&rest, last_line, sizeof last_line - 1) || rest.size != 0)
		return -EBADMSG;
	*ret_text = entry.text;
	*ret_size = entry.size;
	return 0;
}
