// SPDX-License-Identifier: GPL-2.0-or-later
//
// The golden files, through the module itself: NAME.conf and, in NAME.txt, exactly what is to be said of it.
// The command is held against the same files by tests/golden.
#include "policy_test.h"

#include <dirent.h>
#include <unistd.h>

#include "base/file.h"

// What is to be said of one file, into `out`.
typedef void (*say_fn)(const char *path, struct buffer *out);

static void say_bad(const char *path, struct buffer *out)
{
	struct policy policy;
	struct problems problems;
	problem_init(&problems);
	assert_int_equal(policy_read(&policy, path, &problems), -EINVAL);
	problem_print(&problems, &policy.sources, out);
	policy_fini(&policy);
	problem_fini(&problems);
}

static void say_warn(const char *path, struct buffer *out)
{
	struct policy policy;
	struct problems problems;
	problem_init(&problems);
	assert_int_equal(policy_read(&policy, path, &problems), 0);
	assert_int_equal(problems.count, 0); // parsing warns of nothing
	assert_int_equal(policy_lint(&policy, &problems), 0);
	assert_int_equal(problems.errors, 0);
	problem_print(&problems, &policy.sources, out);
	policy_fini(&policy);
	problem_fini(&problems);
}

static void say_print(const char *path, struct buffer *out)
{
	struct policy policy;
	struct problems problems;
	problem_init(&problems);
	assert_int_equal(policy_read(&policy, path, &problems), 0);
	policy_print(&policy, out);
	policy_fini(&policy);
	problem_fini(&problems);
}

static void compare(const char *conf, say_fn say, const char *wanted_path)
{
	struct buffer out = BUFFER_EMPTY;
	char *wanted;
	size_t size;
	if (file_read(wanted_path, 1 << 20, &wanted, &size) < 0)
		fail_msg("%s is missing", wanted_path);
	say(conf, &out);
	buffer_text(&out, "");
	if (out.size != size || memcmp(out.data, wanted, size) != 0)
		fail_msg("%s: not as in %s but:\n%s", conf, wanted_path, out.data);
	buffer_fini(&out);
	free(wanted);
}

static void folder(const char *name, unsigned least, say_fn say)
{
	char back[4096], path[512];
	unsigned count = 0;
	assert_non_null(getcwd(back, sizeof back));
	snprintf(path, sizeof path, "../../golden/%s", name);
	assert_int_equal(chdir(path), 0); // messages name files as they were given
	DIR *dir = opendir(".");
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char wanted[512];
		size_t size = strlen(entry->d_name);
		if (size < 6 || strcmp(entry->d_name + size - 5, ".conf") != 0)
			continue;
		snprintf(wanted, sizeof wanted, "%.*s.txt", (int)(size - 5), entry->d_name);
		compare(entry->d_name, say, wanted);
		if (say == say_print)
			compare(wanted, say, wanted); // the canonical form is its own
		count++;
	}
	closedir(dir);
	assert_int_equal(chdir(back), 0);
	assert_true(count >= least);
}

static void bad(void **state)
{
	(void)state;
	folder("bad", 100, say_bad);
}

static void warn(void **state)
{
	(void)state;
	folder("warn", 20, say_warn);
}

static void print(void **state)
{
	(void)state;
	folder("print", 8, say_print);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(bad), cmocka_unit_test(warn),
	                                   cmocka_unit_test(print)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
