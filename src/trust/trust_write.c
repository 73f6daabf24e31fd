// SPDX-License-Identifier: GPL-2.0-or-later
//
// The trust folder, changed: by root, for `leadglass trust`.
#include "trust/trust_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/trusted.h"

static int cannot(const char *verb, const char *path, const char *file, int r, struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0,
	             r == -ENOSPC                  ? "make room on the disk"
	             : r == -EACCES || r == -EPERM ? "this needs root"
	                                           : NULL,
	             "cannot %s %s%s%s: %s", verb, path, *file ? "/" : "", file, strerror(-r));
	return r;
}

// Puts the entry of a new folder onto the disk. 0 or -errno.
static int sync_parent(const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	int parent = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = parent < 0 || fsync(parent) < 0 ? -errno : 0;
	if (parent >= 0)
		close(parent);
	free(copy);
	return r;
}

// Others are to read it (it holds nothing secret, and the agent is not root), whatever the umask.
static int make_folder(const char *path)
{
	if (mkdir(path, 0755) < 0)
		return -errno;
	int r = chmod(path, 0755) < 0 ? -errno : sync_parent(path);
	if (r < 0)
		rmdir(path);
	return r;
}

// The folder's descriptor, made when it is missing; or -errno with a problem.
static int open_folder(const char *path, struct problems *problems)
{
	int folder = trusted_open_folder(path, "--trust", problems);
	if (folder != -ENOENT)
		return folder;
	int r = make_folder(path);
	if (r < 0)
		return cannot("make the folder", path, "", r, problems);
	folder = trusted_open_folder(path, "--trust", problems);
	return folder == -ENOENT ? cannot("make the folder", path, "", folder, problems) : folder;
}

static int write_file(int folder, const char *path, const char *file, const char *text, size_t size,
                      struct problems *problems)
{
	int r = file_write_hidden(folder, file, text, size, 0644);
	return r < 0 ? cannot("write", path, file, r, problems) : 0;
}

static const char *file_name(const char *name, char file[static TRUST_FILE_MAX])
{
	snprintf(file, TRUST_FILE_MAX, "%s.pem", name);
	return file;
}

static const struct trust_anchor *find(const struct trust *trust, const char *name)
{
	for (size_t i = 0; i < trust->count; i++)
		if (strcmp(trust->anchors[i].name, name) == 0)
			return &trust->anchors[i];
	return NULL;
}

// What is in the folder and would not go with a new anchor. 0; 1: it is there already; -errno with a problem.
static int may_add(int folder, const char *path, const char *name, const char *text, size_t size,
                   struct problems *problems)
{
	struct trust trust;
	int r = trust_read_at(folder, path, &trust, problems);
	if (r < 0)
		return r;
	const struct trust_anchor *there = find(&trust, name);
	if (there && there->size == size && memcmp(there->text, text, size) == 0) {
		r = 1;
	} else if (there) {
		// Removed first, what stands would be nobody's, or unsigned policies would be taken.
		problem_addf(
		        problems, PROBLEM_ERROR, 0, 0,
		        "add this one under another name, apply a policy signed under it, then remove that "
		        "one",
		        "there is another anchor '%s' in %s", name, path);
		r = -EEXIST;
	} else if (trust.count == TRUST_ANCHORS_MAX) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "remove one that is needed no more",
		             "there are %d trust anchors in %s, and no more are taken", TRUST_ANCHORS_MAX,
		             path);
		r = -E2BIG;
	}
	trust_fini(&trust);
	return r;
}

int trust_add(const char *path, const char *name, const char *text, size_t size, struct problems *problems)
{
	enum trust_scope scope;
	char file[TRUST_FILE_MAX];
	int r = trust_name_read(path, name, &scope, problems);
	if (r < 0)
		return r;
	if (size > TRUST_ANCHOR_MAX) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "a trust anchor is one certificate or key",
		             "the anchor '%s' has %zu octets; the limit is %u", name, size, TRUST_ANCHOR_MAX);
		return -E2BIG;
	}
	int folder = open_folder(path, problems);
	if (folder < 0)
		return folder;
	r = may_add(folder, path, name, text, size, problems);
	if (r == 0)
		r = write_file(folder, path, file_name(name, file), text, size, problems);
	close(folder);
	return r > 0 ? 0 : r;
}

static int no_anchor(const char *path, const char *name, struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0, "leadglass trust list shows which there are",
	             "there is no anchor '%s' in %s", name, path);
	return -ENOENT;
}

int trust_remove(const char *path, const char *name, struct problems *problems)
{
	enum trust_scope scope;
	char file[TRUST_FILE_MAX];
	int r = trust_name_read(path, name, &scope, problems);
	if (r < 0)
		return r;
	int folder = trusted_open_folder(path, "--trust", problems);
	if (folder == -ENOENT)
		return no_anchor(path, name, problems);
	if (folder < 0)
		return folder;
	file_name(name, file);
	if (unlinkat(folder, file, 0) < 0 || fsync(folder) < 0)
		r = -errno;
	close(folder);
	if (r == -ENOENT)
		return no_anchor(path, name, problems);
	return r < 0 ? cannot("remove", path, file, r, problems) : 0;
}

static int check_word(const char *what, const char *word, struct problems *problems)
{
	const char *wrong = word ? trust_identity_wrong(word, strlen(word)) : NULL;
	if (!wrong)
		return 0;
	problem_addf(problems, PROBLEM_ERROR, 0, 0, "write it as the policy's block `policy' has it",
	             "'%s' cannot be the name of a %s: %s", word, what, wrong);
	return -EINVAL;
}

int trust_identify(const char *path, const char *site, const char *unit, struct problems *problems)
{
	struct trust trust = {0};
	struct buffer text = BUFFER_EMPTY;
	int r = check_word("site", site, problems);
	if (r == 0)
		r = check_word("unit", unit, problems);
	int folder = r < 0 || (!site && !unit) ? r : open_folder(path, problems);
	if (folder < 0 || (!site && !unit))
		return folder;
	// What is written whole need not be readable now.
	if (!site || !unit)
		r = trust_identity_load(folder, path, &trust, problems);
	if (!site)
		site = trust.site;
	if (!unit)
		unit = trust.unit;
	if (*site)
		buffer_printf(&text, "site %s\n", site);
	if (*unit)
		buffer_printf(&text, "unit %s\n", unit);
	if (r == 0 && buffer_failed(&text)) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "out of memory", NULL);
		r = -ENOMEM;
	}
	if (r == 0)
		r = write_file(folder, path, TRUST_IDENTITY, text.data, text.size, problems);
	buffer_fini(&text);
	close(folder);
	return r;
}
