// SPDX-License-Identifier: GPL-2.0-or-later
//
// The trust folder, changed: each change whole or not at all, whichever system call fails. The calls are
// replaced here; the real ones are the next in line.
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

#include "base/buffer.h"
#include "base/file.h"
#include "trust/trust.h"

static char top[] = "/tmp/leadglass-trust-XXXXXX";
static char path[64];

static struct {
	bool watching;
	unsigned calls, fail_at; // which of them, from 1; 0: none
	int with;
} fake;

static bool fails(void)
{
	if (!fake.watching || ++fake.calls != fake.fail_at)
		return false;
	errno = fake.with;
	return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int mkdir(const char *name, mode_t mode)
{
	return fails() ? -1 : REAL(mkdir)(name, mode);
}

int chmod(const char *name, mode_t mode)
{
	return fails() ? -1 : REAL(chmod)(name, mode);
}

int open(const char *name, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return fails() ? -1 : REAL(open)(name, flags, mode);
}

int openat(int where, const char *name, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return fails() ? -1 : REAL(openat)(where, name, flags, mode);
}

int fstat(int fd, struct stat *status)
{
	return fails() ? -1 : REAL(fstat)(fd, status);
}

DIR *fdopendir(int fd)
{
	return fails() ? NULL : REAL(fdopendir)(fd);
}

struct dirent *readdir(DIR *dir)
{
	return fails() ? NULL : REAL(readdir)(dir);
}

ssize_t read(int fd, void *data, size_t size)
{
	return fails() ? -1 : REAL(read)(fd, data, size);
}

int unlinkat(int where, const char *name, int flags)
{
	return fails() ? -1 : REAL(unlinkat)(where, name, flags);
}

int fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : REAL(fchmod)(fd, mode);
}

ssize_t write(int fd, const void *data, size_t size)
{
	return fails() ? -1 : REAL(write)(fd, data, size);
}

int fsync(int fd)
{
	return fails() ? -1 : REAL(fsync)(fd);
}

int renameat(int from, const char *old, int to, const char *new)
{
	return fails() ? -1 : REAL(renameat)(from, old, to, new);
}

// ---- helpers ----

static int clear(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", path);
	return system(command);
}

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/trust", top);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return clear();
}

static const char *in_folder(const char *name)
{
	static char text[400];
	snprintf(text, sizeof text, "%s/%s", path, name);
	return text;
}

static void put(const char *name, const char *text)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void assert_said(struct problems *problems, const char *what)
{
	struct buffer out = BUFFER_EMPTY;
	problem_print(problems, NULL, &out);
	buffer_text(&out, "");
	if (problems->errors != (*what ? 1u : 0u) || !strstr(out.data, what))
		fail_msg("not '%s' but: %s", what, out.data);
	buffer_fini(&out);
	problem_fini(problems);
}

static int add(const char *name, const char *text, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	int r = trust_add(path, name, text, strlen(text), &problems);
	assert_said(&problems, said);
	return r;
}

static int take_away(const char *name, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	int r = trust_remove(path, name, &problems);
	assert_said(&problems, said);
	return r;
}

static int identify(const char *site, const char *unit, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	int r = trust_identify(path, site, unit, &problems);
	assert_said(&problems, said);
	return r;
}

// What a box would read there: "site/unit NAME=TEXT NAME=TEXT"; or the error.
static const char *there(void)
{
	static char text[2000];
	struct trust trust;
	struct problems problems;
	problem_init(&problems);
	int r = trust_read(path, &trust, &problems), size;
	problem_fini(&problems);
	if (r < 0) {
		snprintf(text, sizeof text, "%s", strerror(-r));
		return text;
	}
	size = snprintf(text, sizeof text, "%s/%s", trust.site, trust.unit);
	for (size_t i = 0; i < trust.count; i++)
		size += snprintf(text + size, sizeof text - (size_t)size, " %s=%s", trust.anchors[i].name,
		                 trust.anchors[i].text);
	trust_fini(&trust);
	return text;
}

static unsigned files(void)
{
	unsigned count = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

// ---- the tests ----

static void made(void **state)
{
	struct stat status;
	(void)state;
	mode_t before = umask(0077);
	assert_int_equal(add("st-anna.site", "one", ""), 0);
	umask(before);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0755);
	assert_int_equal(stat(in_folder("st-anna.site.pem"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(identify("st-anna", "ct-room-3", ""), 0);
	assert_int_equal(stat(in_folder("identity"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_string_equal(there(), "st-anna/ct-room-3 st-anna.site=one");
	assert_int_equal(files(), 2);
	clear();
	assert_int_equal(identify("a", "b", ""), 0); // this makes it, too
	assert_string_equal(there(), "a/b");
	snprintf(path, sizeof path, "%s/no/trust", top);
	assert_int_equal(add("a", "x", "cannot make the folder"), -ENOENT);
	assert_int_equal(identify("a", "b", "cannot make the folder"), -ENOENT);
	snprintf(path, sizeof path, "%s/trust", top);
}

static void adds(void **state)
{
	char name[80], *large = malloc(TRUST_ANCHOR_MAX + 2);
	(void)state;
	assert_int_equal(add("a", "one", ""), 0);
	assert_int_equal(add("a", "one", ""), 0); // it is there
	assert_int_equal(add("a", "two", "there is another anchor 'a' in"), -EEXIST);
	assert_int_equal(add("a", "one2", "add this one under another name, apply a policy"), -EEXIST);
	assert_int_equal(add("a.site", "two", ""), 0);
	assert_string_equal(there(), "/ a=one a.site=two");
	static const char *const wrong[] = {"", ".a", "-a", "a/b", "../a", "a b", "a\n", "\xc3\xa4", "a*"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(add(wrong[i], "x", "cannot be the name of an anchor"), -EINVAL);
	assert_int_equal(add("site", "x", "the name of the anchor 'site'"), -EINVAL);
	assert_int_equal(add("a.OEM", "x", "the name of the anchor 'a.OEM'"), -EINVAL);
	memset(name, 'x', TRUST_NAME_MAX);
	name[TRUST_NAME_MAX] = '\0';
	assert_int_equal(add(name, "x", "has 64 octets; the limit is 63"), -ENAMETOOLONG);
	name[TRUST_NAME_MAX - 1] = '\0';
	assert_int_equal(add(name, "x", ""), 0);
	assert_int_equal(take_away(name, ""), 0);
	assert_non_null(large);
	memset(large, 'x', TRUST_ANCHOR_MAX + 1);
	large[TRUST_ANCHOR_MAX + 1] = '\0';
	assert_int_equal(add("large", large, "the anchor 'large' has 16385 octets; the limit is 16384"),
	                 -E2BIG);
	large[TRUST_ANCHOR_MAX] = '\0';
	assert_int_equal(add("large", large, ""), 0);
	free(large);
	for (int i = 3; i < TRUST_ANCHORS_MAX; i++) {
		snprintf(name, sizeof name, "n%d", i);
		assert_int_equal(add(name, "x", ""), 0);
	}
	assert_int_equal(add("last", "x", "there are 16 trust anchors in"), -E2BIG);
	assert_int_equal(add("n3", "x", ""), 0); // which is there
	assert_int_equal(files(), TRUST_ANCHORS_MAX);
}

static void removes(void **state)
{
	(void)state;
	assert_int_equal(take_away("a", "there is no anchor 'a' in"), -ENOENT);
	assert_int_equal(add("a", "one", ""), 0);
	assert_int_equal(add("b.oem", "two", ""), 0);
	assert_int_equal(take_away("b", "there is no anchor 'b' in"), -ENOENT);
	assert_int_equal(take_away("a.pem", "there is no anchor 'a.pem' in"), -ENOENT);
	assert_int_equal(take_away("../trust/a", "cannot be the name of an anchor"), -EINVAL);
	assert_int_equal(take_away("b.oem", ""), 0);
	assert_string_equal(there(), "/ a=one");
	assert_int_equal(mkdir(in_folder("folder.pem"), 0755), 0);
	assert_int_equal(take_away("folder", "cannot remove"), -EISDIR);
}

static void identifies(void **state)
{
	(void)state;
	assert_int_equal(identify(NULL, NULL, ""), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(identify("a", NULL, ""), 0);
	assert_string_equal(there(), "a/");
	assert_int_equal(identify(NULL, "b c", ""), 0);
	assert_string_equal(there(), "a/b c");
	assert_int_equal(identify("d", NULL, ""), 0);
	assert_string_equal(there(), "d/b c");
	static const char *const wrong[] = {"", " a", "a ", "a\nunit b", "*", "\"a\"", "a\x1b", "\xff"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(identify(wrong[i], "u", "cannot be the name of a site"), -EINVAL);
		assert_int_equal(identify("s", wrong[i], "cannot be the name of a unit"), -EINVAL);
		assert_int_equal(identify(NULL, wrong[i], "cannot be the name of a unit"), -EINVAL);
	}
	assert_string_equal(there(), "d/b c");
	// What cannot be read cannot be kept; what is written whole need not be read.
	put("identity", "hospital st-anna\n");
	assert_int_equal(identify("a", NULL, "identity, line 1: not of the form"), -EBADMSG);
	assert_int_equal(identify(NULL, "b", "identity, line 1: not of the form"), -EBADMSG);
	assert_int_equal(identify("a", "b", ""), 0);
	assert_string_equal(there(), "a/b");
}

// In a folder that no box would read, nothing is added; what is wrong can be taken away.
static void broken(void **state)
{
	(void)state;
	assert_int_equal(add("a", "one", ""), 0);
	put("hospital.crt", "x");
	assert_int_equal(add("b", "two", "hospital.crt is no trust anchor by its name"), -EINVAL);
	assert_int_equal(identify("a", "b", ""), 0);
	assert_int_equal(take_away("a", ""), 0);
	assert_int_equal(unlink(in_folder("hospital.crt")), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(add("b", "two", "trust can be written by others"), -EPERM);
	assert_int_equal(take_away("b", "trust can be written by others"), -EPERM);
	assert_int_equal(identify("c", "d", "trust can be written by others"), -EPERM);
	assert_int_equal(chmod(path, 0755), 0);
	assert_string_equal(there(), "a/b");
}

// What a crash left is of no matter to a reader, and not in the way.
static void left_behind(void **state)
{
	(void)state;
	assert_int_equal(add("a", "one", ""), 0);
	put(".b.pem.new", "half");
	put(".identity.new", "half");
	assert_string_equal(there(), "/ a=one");
	assert_int_equal(add("b", "two", ""), 0);
	assert_int_equal(identify("s", "u", ""), 0);
	assert_string_equal(there(), "s/u a=one b=two");
	assert_int_equal(files(), 3);
}

// Each call of each change fails once: said, and the folder reads as before, or as after where only the last
// fsync failed.
static int change(int which, struct problems *problems)
{
	switch (which) {
	case 0:
		return trust_add(path, "new", "two", 3, problems);
	case 1:
		return trust_remove(path, "old.oem", problems);
	case 2:
		return trust_identify(path, "t", "v", problems);
	default:
		return trust_identify(path, "t", NULL, problems);
	}
}

static void every_failure(void **state)
{
	static const char before[] = "s/u old.oem=one";
	static const char *const afters[] = {"s/u new=two old.oem=one", "s/u", "t/v old.oem=one",
	                                     "t/u old.oem=one"};
	static const int errors[] = {ENOSPC, EIO, EACCES};
	unsigned failed = 0;
	(void)state;
	for (int which = 0; which < 4; which++) {
		for (unsigned at = 1, done = 0; !done; at++) {
			struct problems problems;
			clear();
			assert_int_equal(add("old.oem", "one", ""), 0);
			assert_int_equal(identify("s", "u", ""), 0);
			problem_init(&problems);
			fake.with = errors[at % 3];
			fake.fail_at = at;
			fake.calls = 0;
			fake.watching = true;
			int r = change(which, &problems);
			fake.watching = false;
			done = fake.calls < at;
			const char *now = there();
			// Taking a temporary file away after another failure is as far as possible.
			if (done && (r != 0 || strcmp(now, afters[which]) != 0))
				fail_msg("change %d: %d, %s", which, r, now);
			if (!done && (r != -fake.with || problems.errors != 1))
				fail_msg("change %d, call %u: %d, %zu", which, at, r, problems.errors);
			if (!done && strcmp(now, before) != 0 && strcmp(now, afters[which]) != 0)
				fail_msg("change %d, call %u: %s", which, at, now);
			for (size_t i = 0; !done && i < problems.count; i++) {
				assert_non_null(strstr(problems.items[i].what, strerror(fake.with)));
				if (fake.with == ENOSPC && strstr(problems.items[i].what, "cannot write"))
					assert_string_equal(problems.items[i].instead, "make room on the disk");
			}
			failed += !done;
			problem_fini(&problems);
		}
	}
	assert_true(failed > 30);
}

// The folder is made first, by a process that may be cut off at any place: what is left is no folder or an
// empty one.
static void every_failure_anew(void **state)
{
	(void)state;
	for (unsigned at = 1, done = 0; !done; at++) {
		struct problems problems;
		clear();
		problem_init(&problems);
		fake.with = EIO;
		fake.fail_at = at;
		fake.calls = 0;
		fake.watching = true;
		int r = trust_add(path, "new", "two", 3, &problems);
		fake.watching = false;
		done = fake.calls < at;
		assert_int_equal(r, done ? 0 : -EIO);
		assert_int_equal(problems.errors, !done);
		const char *now = there();
		if (strcmp(now, "/ new=two") != 0 && (done || strcmp(now, "/") != 0))
			fail_msg("call %u: %s", at, now);
		problem_fini(&problems);
	}
}

static int group_begin(void **state)
{
	(void)state;
	umask(022);
	return mkdtemp(top) ? 0 : -1;
}

static int group_end(void **state)
{
	(void)state;
	return rmdir(top);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(made),   TEST(adds),        TEST(removes),       TEST(identifies),
	        TEST(broken), TEST(left_behind), TEST(every_failure), TEST(every_failure_anew),
	};
	return cmocka_run_group_tests(tests, group_begin, group_end);
}
