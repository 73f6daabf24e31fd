// SPDX-License-Identifier: GPL-2.0-or-later
//
// The trust folder, read. Nobody guesses what a file in it may have been meant for: what is not understood is
// an error, and then no policy is taken. (A crash leaves temporary files; their names begin with a dot.)
#include "trust/trust_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/trusted.h"

static const char ending[] = ".pem";

static bool name_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '-';
}

int trust_name_read(const char *path, const char *name, enum trust_scope *ret, struct problems *problems)
{
	size_t size = strlen(name);
	if (size >= TRUST_NAME_MAX) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "name the anchor by fewer",
		             "the name of the anchor %s in %s has %zu octets; the limit is %d", name, path,
		             size, TRUST_NAME_MAX - 1);
		return -ENAMETOOLONG;
	}
	bool good = size > 0 && name[0] != '.' && name[0] != '-';
	for (size_t i = 0; i < size; i++)
		good &= name_octet(name[i]);
	if (!good) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "letters, digits, '_', and, but not first, '-' and '.'",
		             "'%s' in %s cannot be the name of an anchor", name, path);
		return -EINVAL;
	}
	const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
	bool site = strcmp(last, "site") == 0, oem = strcmp(last, "oem") == 0;
	// An anchor is not to be worth everything because of a slip in its name.
	if ((!dot && (site || oem)) ||
	    (!site && !oem && (!strcasecmp(last, "site") || !strcasecmp(last, "oem")))) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "write NAME.site or NAME.oem for one that may not change everything",
		             "the name of the anchor '%s' in %s does not say what it may change", name, path);
		return -EINVAL;
	}
	*ret = site ? TRUST_SITE : oem ? TRUST_OEM : TRUST_ALL;
	return 0;
}

// The name of the file as an anchor's. 0; 1: it is none, and of no matter; or -errno with a problem.
static int classify(const char *path, const char *file, struct trust *ret, struct problems *problems)
{
	size_t size = strlen(file), tail = sizeof ending - 1;
	if (file[0] == '.' || strcmp(file, TRUST_IDENTITY) == 0)
		return 1;
	if (size <= tail || strcmp(file + size - tail, ending) != 0) {
		problem_addf(
		        problems, PROBLEM_ERROR, 0, 0,
		        "trust anchors are NAME.pem, NAME.site.pem or NAME.oem.pem; take everything else away",
		        "%s/%s is no trust anchor by its name", path, file);
		return -EINVAL;
	}
	char name[256];
	struct trust_anchor anchor = {0};
	snprintf(name, sizeof name, "%.*s", (int)(size - tail), file);
	int r = trust_name_read(path, name, &anchor.scope, problems);
	if (r < 0)
		return r;
	if (ret->count == TRUST_ANCHORS_MAX) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "take those away that are needed no more",
		             "more than %d trust anchors in %s", TRUST_ANCHORS_MAX, path);
		return -E2BIG;
	}
	memcpy(anchor.name, name, size - tail + 1);
	ret->anchors[ret->count++] = anchor;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct trust_anchor *x = a, *y = b;
	return strcmp(x->name, y->name);
}

// Each name in the folder; one that is wrong ends it. What readdir says of its own is *ret_error.
static int each_name(DIR *dir, const char *path, struct trust *ret, struct problems *problems, int *ret_error)
{
	struct dirent *entry;
	int r = 0;
	while (errno = 0, r >= 0 && (entry = readdir(dir)))
		r = classify(path, entry->d_name, ret, problems);
	*ret_error = r < 0 ? 0 : -errno;
	return r < 0 ? r : *ret_error;
}

static int list(int folder, const char *path, struct trust *ret, struct problems *problems)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	// Whatever errno says: a folder that was not read is no empty one, which would ask for no signature.
	int error = errno ? -errno : -EIO, r = error;
	if (dir) {
		r = each_name(dir, path, ret, problems, &error);
		closedir(dir);
	} else if (fd >= 0) {
		close(fd);
	}
	if (error < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read the folder %s: %s", path,
		             strerror(-error));
	qsort(ret->anchors, ret->count, sizeof ret->anchors[0], by_name);
	return r;
}

static int load(int folder, const char *path, struct trust_anchor *anchor, struct problems *problems)
{
	char file[TRUST_FILE_MAX];
	snprintf(file, sizeof file, "%.*s%s", TRUST_NAME_MAX - 1, anchor->name, ending);
	int fd = trusted_open(folder, path, file, problems);
	if (fd == -EBADMSG)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "a trust anchor is a file; take this away",
		             "%s/%s is no regular file", path, file);
	else if (fd == -ENOENT)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "try again",
		             "%s/%s was taken away while the folder was read", path, file);
	if (fd < 0)
		return fd;
	int r = file_read_open(fd, TRUST_ANCHOR_MAX, &anchor->text, &anchor->size);
	close(fd);
	if (r ==
	    -EFBIG) { // it vouches for nobody, and the others count all the same: nothing, which is no anchor
		anchor->text = calloc(1, 1);
		r = anchor->text ? 0 : -ENOMEM;
	}
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s/%s: %s", path, file,
		             strerror(-r));
	return r;
}

static int read_folder(int folder, const char *path, bool identity, struct trust *ret,
                       struct problems *problems)
{
	int r = list(folder, path, ret, problems);
	for (size_t i = 0; r == 0 && i < ret->count; i++)
		r = load(folder, path, &ret->anchors[i], problems);
	if (r == 0 && identity)
		r = trust_identity_load(folder, path, ret, problems);
	if (r < 0)
		trust_fini(ret);
	return r;
}

static int begin(const char *path, struct trust *ret, struct problems *problems)
{
	*ret = (struct trust){0};
	int size = snprintf(ret->path, sizeof ret->path, "%s", path);
	if (size >= 0 && (size_t)size < sizeof ret->path)
		return 0;
	*ret = (struct trust){0};
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "the path of the trust folder is over %zu octets: %s",
	             sizeof ret->path - 1, path);
	return -ENAMETOOLONG;
}

static int read_path(const char *path, bool identity, struct trust *ret, struct problems *problems)
{
	int r = begin(path, ret, problems);
	if (r < 0)
		return r;
	int folder = trusted_open_folder(path, "--trust", problems);
	if (folder == -ENOENT)
		return 0;
	if (folder < 0) {
		trust_fini(ret);
		return folder;
	}
	r = read_folder(folder, path, identity, ret, problems);
	close(folder);
	return r;
}

int trust_read(const char *path, struct trust *ret, struct problems *problems)
{
	return read_path(path, true, ret, problems);
}

int trust_read_anchors(const char *path, struct trust *ret, struct problems *problems)
{
	return read_path(path, false, ret, problems);
}

int trust_read_at(int folder, const char *path, struct trust *ret, struct problems *problems)
{
	struct stat status;
	int r = begin(path, ret, problems);
	if (r < 0)
		return r;
	if (fstat(folder, &status) < 0) {
		r = -errno;
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read the folder %s: %s", path,
		             strerror(-r));
	} else if (!trusted_status(path, "", &status, problems)) {
		r = -EPERM;
	}
	if (r == 0)
		return read_folder(folder, path, true, ret, problems);
	trust_fini(ret);
	return r;
}

void trust_fini(struct trust *trust)
{
	if (!trust)
		return;
	for (size_t i = 0; i < trust->count; i++)
		free(trust->anchors[i].text);
	*trust = (struct trust){0};
}
