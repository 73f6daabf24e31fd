// SPDX-License-Identifier: GPL-2.0-or-later
//
// The state folder: who may have written it, one process at a time, whole files.
#include "state/state_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/trusted.h"
#include "state/state_record.h"

#define NAME_SIZE 32           // "policy.18446744073709551615" and a NUL
#define SEALED_MAX (66u << 20) // octets of a file: a policy with its includes (64 MiB) and what is around it

// Made when it is missing.
static int open_folder(const char *path, struct problems *problems)
{
	int r = trusted_open_folder(path, "--state", problems);
	if (r == -ENOENT && mkdir(path, 0700) == 0)
		r = trusted_open_folder(path, "--state", problems);
	if (r == -ENOENT)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot open the folder %s: %s", path,
		             strerror(-r));
	return r;
}

// 0 or -errno with a problem.
static int claim(int folder, const char *path, struct problems *problems)
{
	struct stat status;
	int r = fstat(folder, &status) < 0 ? -errno : 0;
	// Whoever may open the folder could hold its lock, and keep us out. One that is root's while we are not
	// stays as it is.
	if (r == 0 && status.st_uid == geteuid() && (status.st_mode & 07077) && fchmod(folder, 0700) < 0)
		r = -errno;
	if (r == 0 && flock(folder, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (r == -EBUSY)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL,
		             "another process uses %s: leadglassd runs already", path);
	else if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot lock %s: %s", path, strerror(-r));
	return r;
}

int state_open(const char *path, struct state_store **ret, struct problems *problems)
{
	*ret = NULL;
	struct state_store *store = malloc(sizeof *store);
	char *copy = strdup(path);
	int r = -ENOMEM, folder = -1;
	if (store && copy)
		r = folder = open_folder(path, problems);
	if (r >= 0)
		r = claim(folder, path, problems);
	if (r < 0) {
		if (folder >= 0)
			close(folder);
		free(store);
		free(copy);
		return r;
	}
	*store = (struct state_store){.folder = folder, .path = copy};
	*ret = store;
	return 0;
}

void state_close(struct state_store *store)
{
	if (!store)
		return;
	close(store->folder);
	free(store->path);
	free(store);
}

int state_folder(const struct state_store *store)
{
	return store->folder;
}

// ---- one file ----

int state_damaged(const struct state_store *store, const char *name, struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s/%s is damaged and is not used", store->path,
	             name);
	return -EBADMSG;
}

// The file as it lies on the disk.
static int read_sealed(const struct state_store *store, const char *name, char **ret_file, size_t *ret_size,
                       struct problems *problems)
{
	int fd = trusted_open(store->folder, store->path, name, problems);
	if (fd == -EBADMSG)
		return state_damaged(store, name, problems);
	if (fd < 0)
		return fd;
	int r = file_read_open(fd, SEALED_MAX, ret_file, ret_size);
	close(fd);
	if (r == -EFBIG)
		return state_damaged(store, name, problems);
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s/%s: %s", store->path, name,
		             strerror(-r));
	return r;
}

int state_read_text(const struct state_store *store, const char *name, char **ret_text, size_t *ret_size,
                    struct problems *problems)
{
	char *file = NULL, *text;
	const char *found;
	size_t size = 0;
	*ret_text = NULL;
	*ret_size = 0;
	int r = read_sealed(store, name, &file, &size, problems);
	if (!file)
		return r;
	if (state_unseal(file, size, &found, &text, &size) < 0 || strcmp(found, name) != 0) {
		free(file);
		return state_damaged(store, name, problems);
	}
	memmove(file, text, size + 1);
	*ret_text = file;
	*ret_size = size;
	return 0;
}

int state_write_text(const struct state_store *store, const char *name, const char *text, size_t size,
                     struct problems *problems)
{
	struct buffer file = BUFFER_EMPTY;
	state_seal(name, text, size, &file);
	int r = buffer_failed(&file) ? -ENOMEM
	                             : file_write_durable(store->folder, name, file.data, file.size, 0600);
	buffer_fini(&file);
	if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, r == -ENOSPC ? "make room on the disk" : NULL,
		             "cannot write %s/%s: %s", store->path, name, strerror(-r));
	return r;
}

static char *policy_name(uint64_t number, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "policy.%" PRIu64, number);
	return name;
}

// ---- the folder ----

// The number of a policy file; 0: it is none.
static uint64_t policy_number_of(const char *name)
{
	char same[NAME_SIZE];
	if (strncmp(name, "policy.", 7) != 0)
		return 0;
	uint64_t number = strtoull(name + 7, NULL, 10);
	return strcmp(policy_name(number, same), name) == 0 ? number : 0;
}

// Whether it is the temporary file of one of ours.
static bool temporary(const char *name)
{
	char base[NAME_SIZE];
	size_t size = strlen(name);
	if (size < 4 || size - 4 >= sizeof base || strcmp(name + size - 4, ".new") != 0)
		return false;
	memcpy(base, name, size - 4);
	base[size - 4] = '\0';
	return strcmp(base, "record") == 0 || strcmp(base, "closed") == 0 || strcmp(base, "accepted") == 0 ||
	       policy_number_of(base);
}

// NULL when it cannot be looked into.
static DIR *look_into(const struct state_store *store)
{
	int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	if (!folder && fd >= 0)
		close(fd);
	return folder;
}

static uint64_t newest(const struct state_store *store)
{
	uint64_t most = 0;
	DIR *folder = look_into(store);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		uint64_t number = policy_number_of(entry->d_name);
		if (number > most && number < UINT64_MAX)
			most = number;
	}
	if (folder)
		closedir(folder);
	return most;
}

void state_sweep(struct state_store *store, const struct state_record *record)
{
	uint64_t keep = newest(store);
	DIR *folder = look_into(store);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		uint64_t number = policy_number_of(entry->d_name);
		bool goes = temporary(entry->d_name) || (number && number != keep);
		for (size_t i = 0; i < record->count; i++)
			goes &= record->entries[i].number != number;
		if (goes)
			unlinkat(store->folder, entry->d_name, 0);
	}
	if (folder)
		closedir(folder);
}

// ---- what is kept ----

int state_read_record(struct state_store *store, struct state_record *ret, struct problems *problems)
{
	char *text;
	size_t size;
	int r = state_read_text(store, "record", &text, &size, problems);
	if (r == 0) {
		r = state_record_parse(text, size, ret);
		free(text);
		if (r == -EBADMSG)
			state_damaged(store, "record", problems);
	}
	if (r < 0)
		*ret = (struct state_record){.next = 1};
	uint64_t last = newest(store);
	if (ret->next <= last)
		ret->next = last + 1;
	return r;
}

int state_write_record(struct state_store *store, const struct state_record *record, struct problems *problems)
{
	struct buffer text = BUFFER_EMPTY;
	state_record_print(record, &text);
	int r = buffer_failed(&text) ? -ENOMEM
	                             : state_write_text(store, "record", text.data, text.size, problems);
	buffer_fini(&text);
	return r;
}

int state_read_policy(struct state_store *store, uint64_t number, char **ret_text, size_t *ret_size,
                      struct problems *problems)
{
	char name[NAME_SIZE];
	return state_read_text(store, policy_name(number, name), ret_text, ret_size, problems);
}

int state_write_policy(struct state_store *store, uint64_t number, const char *text, size_t size,
                       struct problems *problems)
{
	char name[NAME_SIZE];
	return state_write_text(store, policy_name(number, name), text, size, problems);
}

void state_remove_policy(struct state_store *store, uint64_t number)
{
	char name[NAME_SIZE];
	unlinkat(store->folder, policy_name(number, name), 0);
}

int state_read_closed(struct state_store *store, char **ret_text, size_t *ret_size, struct problems *problems)
{
	return state_read_text(store, "closed", ret_text, ret_size, problems);
}

int state_write_closed(struct state_store *store, const char *text, size_t size, struct problems *problems)
{
	return state_write_text(store, "closed", text, size, problems);
}
