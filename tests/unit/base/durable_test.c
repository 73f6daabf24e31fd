// SPDX-License-Identifier: GPL-2.0-or-later
//
// file_write_durable with each of its system calls failing once, and cut short: the old file stays whole,
// nothing stays behind. The calls are replaced here; the real ones are the next in line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum call {
	CALL_UNLINK,
	CALL_OPEN,
	CALL_MODE,
	CALL_WRITE,
	CALL_SYNC,
	CALL_CLOSE,
	CALL_RENAME,
	CALL_SYNC_FOLDER,
	CALLS,
};

static struct {
	bool watching;
	enum call fails; // CALLS: none
	int with;
	bool short_writes, interrupted;
	char order[64]; // what was called, a letter each
} fake = {.fails = CALLS};

static char folder_path[] = "/tmp/leadglass-durable-XXXXXX";
static int folder;

static bool fails(enum call call)
{
	static const char letters[] = "uomwscrS";
	size_t size = strlen(fake.order);
	if (!fake.watching)
		return false;
	if (size < sizeof fake.order - 1)
		fake.order[size] = letters[call];
	if (fake.fails != call)
		return false;
	fake.fails = CALLS; // once
	errno = fake.with;
	return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int unlinkat(int where, const char *name, int flags)
{
	return fails(CALL_UNLINK) ? -1 : REAL(unlinkat)(where, name, flags);
}

int openat(int where, const char *name, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return fails(CALL_OPEN) ? -1 : REAL(openat)(where, name, flags, mode);
}

int fchmod(int fd, mode_t mode)
{
	return fails(CALL_MODE) ? -1 : REAL(fchmod)(fd, mode);
}

ssize_t write(int fd, const void *data, size_t size)
{
	if (fake.watching && fake.interrupted) {
		fake.interrupted = false;
		errno = EINTR;
		return -1;
	}
	if (fails(CALL_WRITE))
		return -1;
	return REAL(write)(fd, data, fake.watching && fake.short_writes && size > 1 ? size / 2 : size);
}

int fsync(int fd)
{
	return fails(fd == folder ? CALL_SYNC_FOLDER : CALL_SYNC) ? -1 : REAL(fsync)(fd);
}

int close(int fd)
{
	bool failed = fails(CALL_CLOSE);
	int error = errno, r = REAL(close)(fd); // a close that fails closes all the same
	errno = failed ? error : errno;
	return failed ? -1 : r;
}

int renameat(int from, const char *old, int to, const char *new)
{
	return fails(CALL_RENAME) ? -1 : REAL(renameat)(from, old, to, new);
}

static bool hidden; // its temporary file

static int put(const char *text)
{
	memset(fake.order, 0, sizeof fake.order);
	fake.watching = true;
	int r = (hidden ? file_write_hidden : file_write_durable)(folder, "record", text, strlen(text), 0640);
	fake.watching = false;
	return r;
}

// What is in the folder: its only file's text, or "" when it is empty.
static void assert_holds(const char *wanted)
{
	char path[256], *text = NULL;
	size_t size;
	unsigned files = 0;
	DIR *dir = opendir(folder_path);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		files += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	assert_int_equal(files, *wanted ? 1 : 0);
	if (!*wanted)
		return;
	snprintf(path, sizeof path, "%s/record", folder_path);
	assert_int_equal(file_read(path, 1 << 20, &text, &size), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(folder_path))
		return -1;
	folder = open(folder_path, O_RDONLY | O_DIRECTORY);
	return folder < 0 ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	unlinkat(folder, "record", 0);
	close(folder);
	return rmdir(folder_path);
}

static void in_order(void **state)
{
	struct stat status;
	(void)state;
	mode_t umask_before = umask(0277);
	assert_int_equal(put("one"), 0);
	umask(umask_before);
	assert_string_equal(fake.order, "uomwscrS");
	assert_holds("one");
	assert_int_equal(fstatat(folder, "record", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(put(""), 0);
	assert_int_equal(fstatat(folder, "record", &status, 0), 0);
	assert_int_equal(status.st_size, 0);
	fake.short_writes = fake.interrupted = true;
	assert_int_equal(put("a longer one"), 0);
	fake.short_writes = false;
	assert_string_equal(fake.order, "uomwwwwwscrS");
	assert_holds("a longer one");
}

static void each_fails(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool there = i & 1;
		hidden = i & 2;
		for (enum call call = 0; call < CALLS; call++) {
			unlinkat(folder, "record", 0);
			if (there)
				assert_int_equal(put("old"), 0);
			fake.fails = call;
			fake.with = call == CALL_WRITE ? ENOSPC : EIO;
			assert_int_equal(put("new"), -fake.with);
			assert_int_equal(fake.fails, CALLS);
			// The last comes too late to keep the new one out.
			assert_holds(call == CALL_SYNC_FOLDER ? "new" : there ? "old" : "");
		}
	}
	hidden = false;
}

// What a crash left under the temporary name is neither written into nor followed.
static void left_behind(void **state)
{
	struct stat status;
	char target[256];
	(void)state;
	unlinkat(folder, "record", 0);
	snprintf(target, sizeof target, "%s.target", folder_path);
	int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	close(fd);
	for (int i = 0; i < 2; i++) {
		hidden = i;
		assert_int_equal(symlinkat(target, folder, hidden ? ".record.new" : "record.new"), 0);
		assert_int_equal(put("text"), 0);
		assert_holds("text");
	}
	hidden = false;
	assert_int_equal(stat(target, &status), 0);
	assert_int_equal(status.st_size, 0);
	unlink(target);
}

static void names(void **state)
{
	char name[300];
	(void)state;
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(file_write_durable(folder, name, "x", 1, 0600), -ENAMETOOLONG);
	name[252] = '\0'; // with ".new" one too long
	assert_int_equal(file_write_durable(folder, name, "x", 1, 0600), -ENAMETOOLONG);
	assert_int_equal(file_write_durable(folder, "no/where", "x", 1, 0600), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(each_fails),
	                                   cmocka_unit_test(left_behind), cmocka_unit_test(names)};
	return cmocka_run_group_tests(tests, begin, end);
}
