// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whose files are believed. (What is made of it is in the tests of state and trust.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/trusted.h"

static char top[] = "/tmp/leadglass-trusted-XXXXXX";

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

// Every mode, every owner: the writers decide, and nobody but root and we may be one.
static void owners(void **state)
{
	struct problems problems;
	uid_t we = geteuid();
	const uid_t users[] = {0, we, we + 1, 65534};
	(void)state;
	problem_init(&problems);
	for (mode_t mode = 0; mode <= 07777; mode++) {
		for (size_t i = 0; i < 4; i++) {
			struct stat status = {.st_mode = S_IFREG | mode, .st_uid = users[i], .st_gid = 7};
			bool ours = users[i] == 0 || users[i] == we, good = ours && !(mode & 0022);
			assert_int_equal(trusted_status("/f", "a", &status, &problems), good);
			assert_said(&problems, good    ? ""
			                       : !ours ? "/f/a belongs to user"
			                               : "/f/a can be written by others and is not used");
		}
	}
	struct stat status = {.st_mode = 0777};
	assert_false(trusted_status("/f", "", &status, &problems));
	assert_said(&problems, "error: /f can be written by others");
}

static int opened(const char *path, const char *option, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	int fd = trusted_open_folder(path, option, &problems);
	assert_said(&problems, said);
	if (fd < 0)
		return fd;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	return 0;
}

static void folders(void **state)
{
	char link[80];
	(void)state;
	assert_int_equal(opened(top, "--x", ""), 0);
	assert_int_equal(opened("/nowhere/at/all", "--x", ""), -ENOENT);
	assert_int_equal(opened("/dev/null", "--x", "cannot open the folder /dev/null: Not a directory"),
	                 -ENOTDIR);
	snprintf(link, sizeof link, "%s/link", top);
	assert_int_equal(symlink(top, link), 0);
	assert_int_equal(opened(link, "--x",
	                        "is a symbolic link and is not followed; name the folder itself with --x\n"),
	                 -EPERM);
	assert_int_equal(opened(link, NULL, "is not followed; name the folder itself\n"), -EPERM);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(chmod(top, 0720), 0);
	assert_int_equal(opened(top, "--x", "can be written by others"), -EPERM);
	assert_int_equal(chmod(top, 0700), 0);
}

// What lies in a folder of others is theirs to exchange.
static void folders_above(void **state)
{
	char in[80];
	(void)state;
	snprintf(in, sizeof in, "%s/in", top);
	assert_int_equal(mkdir(in, 0755), 0);
	assert_int_equal(opened(in, "--x", ""), 0);
	static const mode_t bad[] = {0770, 0707, 0777}, good[] = {01777, 01770, 0755, 0700};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(chmod(top, bad[i]), 0);
		assert_int_equal(opened(in, "--x", "others can put another folder in the place of /tmp/"),
		                 -EPERM);
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(chmod(top, good[i]), 0);
		assert_int_equal(opened(in, "--x", ""), 0);
	}
	if (geteuid() == 0) {
		assert_int_equal(chown(top, 65534, 65534), 0);
		assert_int_equal(opened(in, "--x", "others can put another folder in the place of /tmp/"),
		                 -EPERM);
		assert_int_equal(chown(in, 65534, 65534), 0); // his own: that is for others to judge
		assert_int_equal(opened(in, "--x", "belongs to user 65534"), -EPERM);
		assert_int_equal(chown(top, 0, 0), 0);
	}
	assert_int_equal(rmdir(in), 0);
}

static int opens(int folder, const char *name, const char *said)
{
	struct problems problems;
	problem_init(&problems);
	int fd = trusted_open(folder, top, name, &problems);
	assert_said(&problems, said);
	if (fd < 0)
		return fd;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	return 0;
}

static void files(void **state)
{
	int folder = open(top, O_RDONLY | O_DIRECTORY);
	(void)state;
	assert_int_equal(opens(folder, "none", ""), -ENOENT);
	close(openat(folder, "a", O_CREAT | O_WRONLY, 0640));
	assert_int_equal(opens(folder, "a", ""), 0);
	assert_int_equal(fchmodat(folder, "a", 0660, 0), 0);
	assert_int_equal(opens(folder, "a", "a can be written by others"), -EPERM);
	assert_int_equal(symlinkat("a", folder, "l"), 0);
	assert_int_equal(opens(folder, "l", "l is a symbolic link and is not followed; remove it"), -EPERM);
	assert_int_equal(mkfifoat(folder, "f", 0600), 0); // nobody writes: must not wait
	assert_int_equal(opens(folder, "f", ""), -EBADMSG);
	assert_int_equal(mkdirat(folder, "d", 0700), 0);
	assert_int_equal(opens(folder, "d", ""), -EBADMSG);
	assert_int_equal(opens(folder, "a/x", "cannot read"), -ENOTDIR);
	assert_int_equal(unlinkat(folder, "d", AT_REMOVEDIR), 0);
	unlinkat(folder, "a", 0);
	unlinkat(folder, "l", 0);
	unlinkat(folder, "f", 0);
	close(folder);
}

static int begin(void **state)
{
	(void)state;
	umask(022);
	return mkdtemp(top) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(owners), cmocka_unit_test(folders),
	                                   cmocka_unit_test(folders_above), cmocka_unit_test(files)};
	return cmocka_run_group_tests(tests, begin, end);
}
