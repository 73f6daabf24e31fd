// SPDX-License-Identifier: GPL-2.0-or-later
//
// policy_read: what it says when there is nothing to read, and that it includes from the disk.
#include "policy_test.h"

#include <unistd.h>

static void assert_refused(const char *path, int error, const char *wanted)
{
	struct policy policy;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	problem_init(&problems);
	assert_int_equal(policy_read(&policy, path, &problems), error);
	problem_print(&problems, &policy.sources, &out);
	assert_string_equal(out.data, wanted);
	buffer_fini(&out);
	policy_fini(&policy);
	problem_fini(&problems);
}

static void nothing_to_read(void **state)
{
	char path[] = "/tmp/leadglass-XXXXXX";
	int fd = mkstemp(path);
	char wanted[100];
	(void)state;
	assert_true(fd >= 0);
	assert_refused("no/such/policy.conf", -ENOENT,
	               "error: cannot read 'no/such/policy.conf': No such file or directory\n");
	assert_refused("/tmp", -EISDIR, "error: cannot read '/tmp': Is a directory\n");
	assert_refused("", -ENOENT, "error: cannot read '': No such file or directory\n");
	assert_int_equal(ftruncate(fd, POLICY_FILE_MAX + 1), 0);
	snprintf(wanted, sizeof wanted, "error: %s is over 64 MiB\n", path);
	assert_refused(path, -EFBIG, wanted);
	close(fd);
	unlink(path);
}

static void from_disk(void **state)
{
	struct policy policy;
	struct problems problems;
	(void)state;
	problem_init(&problems);
	assert_int_equal(policy_read(&policy, "../../golden/print/include.conf", &problems), 0);
	assert_int_equal(policy.sources.count, 4);
	assert_string_equal(policy.sources.items[3].name, "../../golden/print/peers.d/ris.conf");
	assert_int_equal(policy.peer_count, 2);
	policy_fini(&policy);
	problem_fini(&problems);
	policy_fini(&policy); // twice is once
	policy_fini(NULL);
}

// "-" means standard input on the command line, and a file of that name in a policy.
static void dash(void **state)
{
	struct policy policy;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	int ends[2], before = dup(STDIN_FILENO);
	static const char text[] = "role host\ninclude -\n";
	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	problem_init(&problems);
	assert_int_equal(policy_read(&policy, "-", &problems), -EINVAL);
	dup2(before, STDIN_FILENO);
	close(before);
	problem_print(&problems, &policy.sources, &out);
	assert_non_null(strstr(out.data, "-:2:9: error: cannot read '-': No such file or directory"));
	buffer_fini(&out);
	policy_fini(&policy);
	problem_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_to_read), cmocka_unit_test(from_disk),
	                                   cmocka_unit_test(dash)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
