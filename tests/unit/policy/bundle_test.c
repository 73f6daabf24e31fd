// SPDX-License-Identifier: GPL-2.0-or-later
//
// Policies in one piece: what comes out is what went in, messages name the author's files, and a damaged bundle
// does no harm.
#include "policy_test.h"

#include <dirent.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/policy_bundle.h"

static void read_bundle(struct reading *r, const struct buffer *bundle, int wanted)
{
	*r = (struct reading){0};
	problem_init(&r->problems);
	int result = policy_bundle_parse(&r->policy, bundle->data, bundle->size, &r->problems);
	problem_print(&r->problems, &r->policy.sources, &r->said);
	if (result != wanted)
		fail_msg("%d: %s", result, said(r));
}

static void round_trip(const struct policy *policy)
{
	struct buffer bundle = BUFFER_EMPTY, before = BUFFER_EMPTY, after = BUFFER_EMPTY, again = BUFFER_EMPTY;
	struct reading r;
	policy_bundle_write(&policy->sources, &bundle);
	assert_false(buffer_failed(&bundle));
	read_bundle(&r, &bundle, 0);
	policy_print(policy, &before);
	policy_print(&r.policy, &after);
	assert_string_equal(before.data, after.data);
	assert_int_equal(r.policy.sources.count, policy->sources.count);
	for (size_t i = 0; i < policy->sources.count; i++)
		assert_string_equal(r.policy.sources.items[i].name, policy->sources.items[i].name);
	policy_bundle_write(&r.policy.sources, &again);
	assert_int_equal(again.size, bundle.size);
	assert_memory_equal(again.data, bundle.data, bundle.size);
	reading_fini(&r);
	buffer_fini(&bundle);
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&again);
}

static unsigned golden_folder(const char *path)
{
	unsigned count = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		size_t size = strlen(entry->d_name);
		char file[512];
		struct policy policy;
		struct problems problems;
		if (size < 6 || strcmp(entry->d_name + size - 5, ".conf") != 0)
			continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		problem_init(&problems);
		assert_int_equal(policy_read(&policy, file, &problems), 0);
		round_trip(&policy);
		count += policy.sources.count > 1;
		policy_fini(&policy);
		problem_fini(&problems);
	}
	closedir(dir);
	return count;
}

static void golden(void **state)
{
	(void)state;
	unsigned with_includes = golden_folder("../../golden/ok") + golden_folder("../../golden/print");
	assert_true(with_includes > 0);
}

static const struct memory_file files[] = {
        {.path = "p/a.conf", .text = "include b.conf\npeer a { address 10.0.0.1; accepts echo }\n"},
        {.path = "p/b.conf", .text = ""},
        {.path = "p/odd %41\x01.conf", .text = "service ntp { to 10.0.0.3 }\nend\nfile 3 x\n"},
        {0}};
static const char first[] = "role host\ndevice d { port 104 }\ninclude a.conf\ninclude \"odd %41\x01.conf\"\n";

static void make(struct buffer *bundle, const char *text, int wanted)
{
	struct reading r;
	assert_int_equal(read_files(&r, files, "p/policy.conf", text), wanted);
	policy_bundle_write(&r.policy.sources, bundle);
	reading_fini(&r);
}

static void includes(void **state)
{
	struct buffer bundle = BUFFER_EMPTY;
	struct reading r;
	(void)state;
	// A name that would need escapes cannot come from an include, but from the command line.
	assert_int_equal(
	        read_files(&r, files, "p/100%\n.conf", "role host\ndevice d { port 104 }\ninclude a.conf\n"),
	        0);
	policy_bundle_write(&r.policy.sources, &bundle);
	assert_string_equal(bundle.data, "leadglass-bundle 1\n"
	                                 "file 47 p/100%25%0A.conf\n"
	                                 "role host\ndevice d { port 104 }\ninclude a.conf\n\n"
	                                 "file 57 p/a.conf\ninclude b.conf\n"
	                                 "peer a { address 10.0.0.1; accepts echo }\n\n"
	                                 "file 0 p/b.conf\n\n"
	                                 "end\n");
	round_trip(&r.policy);
	reading_fini(&r);
	buffer_fini(&bundle);
}

// Messages about a bundle are those about the files.
static void complaints(void **state)
{
	struct buffer bundle = BUFFER_EMPTY;
	struct reading direct, bundled;
	static const char text[] =
	        "role host\ndevice d { port 104 }\ninclude a.conf\ninclude none.conf\ninclude a.conf\nprot 1\n";
	(void)state;
	assert_int_equal(read_files(&direct, files, "p/policy.conf", text), -EINVAL);
	make(&bundle, text, -EINVAL);
	read_bundle(&bundled, &bundle, -EINVAL);
	assert_string_equal(said(&direct), said(&bundled));
	assert_non_null(strstr(said(&bundled), "p/policy.conf:4:9: error: cannot read 'p/none.conf'"));
	assert_non_null(strstr(said(&bundled), "was included already"));
	reading_fini(&direct);
	reading_fini(&bundled);
	buffer_fini(&bundle);
}

static void malformed(void **state)
{
	static const char *const texts[] = {
	        "",
	        "leadglass-bundle 1\n",
	        "leadglass-bundle 1\nend\n",
	        "leadglass-bundle 2\nfile 1 a\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a\nx\nend\nx",
	        "leadglass-bundle 1\nfile 1 a\nx\n",
	        "leadglass-bundle 1\nfile 2 a\nx\nend\n",
	        "leadglass-bundle 1\nfile 99999999999999999999 a\nx\nend\n",
	        "leadglass-bundle 1\nfile -1 a\nx\nend\n",
	        "leadglass-bundle 1\nfile 01 a\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 \nx\nend\n",
	        "leadglass-bundle 1\nfile 1a\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a%\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a%4\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a%41\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a%00\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a%0a\nx\nend\n",
	        "leadglass-bundle 1\nfile 1 a\tb\nx\nend\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct buffer bundle = BUFFER_EMPTY;
		struct reading r;
		buffer_add(&bundle, texts[i], strlen(texts[i]));
		read_bundle(&r, &bundle, -EBADMSG);
		assert_int_equal(r.problems.errors, 1);
		reading_fini(&r);
		buffer_fini(&bundle);
	}
}

// Every truncation; every octet replaced by others. Most of it is found out, what is not is another valid
// policy (a bundle carries no checksum: what keeps it does), and nothing is read that is not there (the
// sanitised run).
static void damage(void **state)
{
	static const char octets[] = {'\0', '\n', ' ', '0', '9', '%', 'e', '\xff'};
	struct buffer whole = BUFFER_EMPTY;
	(void)state;
	make(&whole, "role host\ndevice d { port 104 }\ninclude a.conf\n", 0);
	for (size_t cut = 0; cut < whole.size; cut++) {
		struct buffer bundle = BUFFER_EMPTY;
		struct reading r;
		buffer_add(&bundle, whole.data, cut);
		read_bundle(&r, &bundle, -EBADMSG);
		reading_fini(&r);
		buffer_fini(&bundle);
	}
	for (size_t at = 0; at < whole.size; at++) {
		for (size_t i = 0; i < sizeof octets; i++) {
			struct reading r = {0};
			char *copy = malloc(whole.size); // no NUL after it
			assert_non_null(copy);
			memcpy(copy, whole.data, whole.size);
			copy[at] = octets[i];
			problem_init(&r.problems);
			int result = policy_bundle_parse(&r.policy, copy, whole.size, &r.problems);
			assert_true(result == 0 || result == -EBADMSG || result == -EINVAL);
			assert_true((result == 0) == (r.problems.errors == 0));
			reading_fini(&r);
			free(copy);
		}
	}
	buffer_fini(&whole);
}

// What is signed is found in a bundle without taking it apart, and is just what the parser will be given.
static void the_only_file(void **state)
{
	static const struct {
		const char *bundle;
		int wanted;
		const char *text;
	} cases[] = {
	        {"leadglass-bundle 1\nfile 1 a\nx\nend\n", 0, "x"},
	        {"leadglass-bundle 1\nfile 0 a\n\nend\n", 0, ""},
	        {"leadglass-bundle 1\nfile 4 a\nend\n\nend\n", 0, "end\n"},
	        {"leadglass-bundle 1\nfile 9 a b%0A\nfile 1 b\n\nend\n", 0, "file 1 b\n"},
	        {"leadglass-bundle 1\nfile 1 a\nx\nfile 1 b\ny\nend\n", -E2BIG, NULL},
	        {"leadglass-bundle 1\nfile 1 a\nx\nfile ", -E2BIG, NULL},
	        {"leadglass-bundle 1\nfile 1 a\nx\nend\n ", -EBADMSG, NULL},
	        {"leadglass-bundle 1\nfile 1 a\nx\nend", -EBADMSG, NULL},
	        {"leadglass-bundle 1\nfile 1 a\nx", -EBADMSG, NULL},
	        {"leadglass-bundle 1\nfile 2 a\nx\nend\n", -EBADMSG, NULL},
	        {"leadglass-bundle 1\nfile 18446744073709551615 a\nx\nend\n", -EBADMSG, NULL},
	        {"leadglass-bundle 1\nfile -1 a\nx\nend\n", -EBADMSG, NULL},
	        {"leadglass-bundle 1\nend\n", -EBADMSG, NULL},
	        {"leadglass-bundle 2\nfile 1 a\nx\nend\n", -EBADMSG, NULL},
	        {"", -EBADMSG, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t size = strlen(cases[i].bundle), found_size = 0;
		char *copy = malloc(size + 1); // ends where it ends
		const char *found = NULL;
		assert_non_null(copy);
		memcpy(copy, cases[i].bundle, size);
		assert_int_equal(policy_bundle_only(copy, size, &found, &found_size), cases[i].wanted);
		if (cases[i].text) {
			assert_int_equal(found_size, strlen(cases[i].text));
			assert_memory_equal(found, cases[i].text, found_size);
		}
		free(copy);
	}
}

static void odd_names(void **state)
{
	struct reading r;
	(void)state;
	// Whether or not the language takes such a path, the bundle says the same as the files.
	int direct = read_files(&r, files, "p/policy.conf", first);
	struct buffer bundle = BUFFER_EMPTY;
	policy_bundle_write(&r.policy.sources, &bundle);
	reading_fini(&r);
	read_bundle(&r, &bundle, direct);
	reading_fini(&r);
	buffer_fini(&bundle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(golden),       cmocka_unit_test(includes),
	                                   cmocka_unit_test(complaints),   cmocka_unit_test(malformed),
	                                   cmocka_unit_test(damage),       cmocka_unit_test(odd_names),
	                                   cmocka_unit_test(the_only_file)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
