// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files within files, from memory: which path is asked for, what a circle is, and where errors are said to be.
#include "policy_test.h"

#define HOST "role host\ndevice ct-3 { port 11112 }\n"
#define PEER "peer p { address 10.0.0.1; accepts echo }\n"

static void good(struct reading *r, const struct memory_file *files, const char *name, const char *text)
{
	int result = read_files(r, files, name, text);
	if (result != 0)
		fail_msg("%d: %s", result, said(r));
}

static void bad(const struct memory_file *files, const char *name, const char *text, const char *wanted)
{
	struct reading r;
	assert_int_equal(read_files(&r, files, name, text), -EINVAL);
	if (!strstr(said(&r), wanted) || r.problems.count != 1)
		fail_msg("'%s' is not all of: %s", wanted, said(&r));
	reading_fini(&r);
}

// A path is relative to the folder of the file that names it.
static void paths(void **state)
{
	static const struct {
		const char *name, *include, *asked;
	} cases[] = {
	        {"policy.conf", "peers.conf", "peers.conf"},
	        {"policy.conf", "a/b.conf", "a/b.conf"},
	        {"/etc/leadglass/policy.conf", "peers.conf", "/etc/leadglass/peers.conf"},
	        {"/etc/leadglass/policy.conf", "../x", "/etc/leadglass/../x"},
	        {"x/policy.conf", "/etc/peers", "/etc/peers"},
	        {"/policy.conf", "peers", "/peers"},
	        {"-", "peers.conf", "peers.conf"},
	        {"policy.conf", "'with space'", "with space"},
	};
	struct reading r;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct memory_file files[] = {{.path = cases[i].asked, .text = PEER}, {0}};
		char text[200];
		snprintf(text, sizeof text, HOST "include %s\n", cases[i].include);
		good(&r, files, cases[i].name, text);
		assert_int_equal(r.loads, 1);
		assert_int_equal(r.policy.peer_count, 1);
		reading_fini(&r);
	}
}

static void in_place(void **state)
{
	static const struct memory_file files[] = {{.path = "d/a",
	                                            .text = "peer a { address 10.0.0.1 }\ninclude b\n"
	                                                    "peer c { address 10.0.0.3 }"},
	                                           {.path = "d/b", .text = "peer b { address 10.0.0.2 }"},
	                                           {.path = "empty", .text = ""},
	                                           {0}};
	struct reading r;
	struct source_place place;
	(void)state;
	good(&r, files, "policy.conf", HOST "include d/a; peer d { address 10.0.0.4 }\ninclude empty\n");
	assert_int_equal(r.policy.peer_count, 4);
	assert_word(&r.policy.peers[0].name, "a");
	assert_word(&r.policy.peers[1].name, "b");
	assert_word(&r.policy.peers[2].name, "c");
	assert_word(&r.policy.peers[3].name, "d");
	assert_int_equal(source_locate(&r.policy.sources, r.policy.peers[1].name.at, &place), 0);
	assert_string_equal(place.file, "d/b");
	assert_int_equal(source_locate(&r.policy.sources, place.from, &place), 0);
	assert_string_equal(place.file, "d/a");
	assert_int_equal(place.line, 2);
	assert_int_equal(source_locate(&r.policy.sources, place.from, &place), 0);
	assert_string_equal(place.file, "policy.conf");
	assert_int_equal(place.line, 3);
	reading_fini(&r);
}

// The same file by another way of writing its path.
static void circles(void **state)
{
	static const struct memory_file self[] = {
	        {.path = "policy.conf", .text = HOST "include policy.conf\n"},
	        {.path = "./policy.conf", .text = HOST "include ./policy.conf\n"},
	        {.path = "a/../policy.conf", .text = HOST "include a/../policy.conf\n"},
	        {0}};
	static const struct memory_file two[] = {{.path = "d/a", .text = "include ../d/b\n"},
	                                         {.path = "d/../d/b", .text = "include ../d/a\n"},
	                                         {.path = "d/../d/../d/a", .text = "include ../d/b\n"},
	                                         {0}};
	(void)state;
	bad(self, "policy.conf", self[0].text, "policy.conf:3:9: error: policy.conf is being read already");
	bad(self, "policy.conf", self[1].text, "policy.conf is being read already");
	bad(self, "policy.conf", self[2].text, "policy.conf is being read already");
	bad(two, "policy.conf", HOST "include d/a\n", "d/../d/b:1:9: error: d/a is being read already");
}

// Two different files are never taken for one, though their names look alike.
static void no_circles(void **state)
{
	static const struct memory_file linked[] = {{.path = "link/../policy.conf", .text = PEER}, {0}};
	static const struct memory_file twins[] = {
	        {.path = "a", .text = "# nothing"}, {.path = "b", .text = "# nothing"}, {0}};
	struct reading r;
	(void)state;
	good(&r, linked, "policy.conf", HOST "include link/../policy.conf\n");
	reading_fini(&r);
	good(&r, twins, "policy.conf", HOST "include a\ninclude b\n");
	reading_fini(&r);
	bad(twins, "policy.conf", HOST "include a\ninclude .//a\n", "cannot read './/a'");
}

static void twice(void **state)
{
	static const struct memory_file files[] = {
	        {.path = "a", .text = PEER}, {.path = "./a", .text = PEER}, {0}};
	(void)state;
	bad(files, "policy.conf", HOST "include a\ninclude ./a\n",
	    "a was included already, in line 3; leave one of them out");
}

// A circle of which neither name nor content tells ends at the limit.
struct endless {
	unsigned loads;
};

static int endless_load(void *context, const char *path, char **ret_text, size_t *ret_size)
{
	struct endless *endless = context;
	char text[32];
	(void)path;
	int size = snprintf(text, sizeof text, "include next-%u\n", ++endless->loads);
	*ret_text = strdup(text);
	*ret_size = (size_t)size;
	return 0;
}

static void depth(void **state)
{
	struct endless endless = {0};
	struct policy_loader loader = {.load = endless_load, .context = &endless};
	struct policy policy;
	struct problems problems;
	(void)state;
	problem_init(&problems);
	assert_int_equal(policy_parse(&policy, "p", strdup("role host\ninclude x\n"), 20, &loader, &problems),
	                 -EINVAL);
	assert_int_equal(endless.loads, POLICY_INCLUDE_DEPTH_MAX);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.items[0].what, "files within files, more than 8 deep");
	policy_fini(&policy);
	problem_fini(&problems);
}

static void failures(void **state)
{
	static const struct memory_file files[] = {{.path = "denied", .error = -EACCES},
	                                           {.path = "large", .error = -EFBIG},
	                                           {.path = "memory", .error = -ENOMEM},
	                                           {0}};
	struct reading r;
	struct policy policy;
	struct problems problems;
	(void)state;
	bad(files, "policy.conf", HOST "include none\n",
	    "3:9: error: cannot read 'none': No such file or directory");
	bad(files, "policy.conf", HOST "include denied\n", "cannot read 'denied': Permission denied");
	bad(files, "policy.conf", HOST "include large\n", "large is over 64 MiB");
	// what is in the file that cannot be read is not missed
	bad(files, "policy.conf", "include none\n" PEER, "cannot read 'none'");
	assert_int_equal(read_files(&r, files, "policy.conf", HOST "include memory\n"), -ENOMEM);
	reading_fini(&r);

	problem_init(&problems);
	assert_int_equal(policy_parse(&policy, "p", strdup("role host\ninclude x\n"), 20, NULL, &problems),
	                 -EINVAL);
	assert_string_equal(problems.items[0].what, "files cannot be included here");
	policy_fini(&policy);
	problem_fini(&problems);
}

static int many_load(void *context, const char *path, char **ret_text, size_t *ret_size)
{
	unsigned *loads = context;
	char text[64];
	(void)path;
	int size = snprintf(text, sizeof text, "# %u\n", ++*loads);
	*ret_text = strdup(text);
	*ret_size = (size_t)size;
	return 0;
}

static void many(void **state)
{
	unsigned loads = 0;
	struct policy_loader loader = {.load = many_load, .context = &loads};
	struct policy policy;
	struct problems problems;
	struct buffer text = BUFFER_EMPTY;
	(void)state;
	buffer_text(&text, "role host\n");
	for (unsigned i = 0; i < POLICY_FILES_MAX - 1; i++)
		buffer_printf(&text, "include f%u\n", i);
	size_t size = text.size;
	problem_init(&problems);
	char *copy = strdup(text.data);
	assert_int_equal(policy_parse(&policy, "p", copy, size, &loader, &problems), 0);
	policy_fini(&policy);
	buffer_text(&text, "include more\ninclude even-more\n");
	size = text.size;
	assert_int_equal(policy_parse(&policy, "p", buffer_steal(&text), size, &loader, &problems), -EINVAL);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.items[0].what, "more than 1024 files in one policy");
	policy_fini(&policy);
	problem_fini(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(paths),      cmocka_unit_test(in_place), cmocka_unit_test(circles),
	        cmocka_unit_test(no_circles), cmocka_unit_test(twice),    cmocka_unit_test(depth),
	        cmocka_unit_test(failures),   cmocka_unit_test(many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
