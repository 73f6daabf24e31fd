// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever the text is, the reader comes to an end, says something when it refuses, and what it takes can be
// printed and read again. The texts are mutations of good and bad ones, the same in each run.
#include "policy_test.h"

#include <dirent.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/json.h"
#include "base/signed_text.h"

#define ROUNDS 30 // of each file

static uint32_t state_of_chance = 1;

static uint32_t chance(uint32_t below)
{
	state_of_chance = state_of_chance * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(state_of_chance >> 8) * below >> 24);
}

static const char *const pieces[] = {"{",
                                     "}",
                                     ";",
                                     "\n",
                                     "\"",
                                     "'",
                                     "\\",
                                     " ",
                                     "#",
                                     "\r",
                                     "\t",
                                     "/",
                                     ":",
                                     "-",
                                     "0",
                                     "include policy.conf\n",
                                     "peer x {",
                                     "\x80",
                                     "\xe2\x80\xae",
                                     "\xc3\xa4",
                                     "for box",
                                     "10.0.0.0/8",
                                     "::/0",
                                     "role router\n",
                                     "port 65535",
                                     "devices ct-3",
                                     "tls",
                                     "service dhcp\n",
                                     "\xef\xbb\xbf",
                                     "udp 1-9 to 224.0.0.1",
                                     "\n" SIGNED_TEXT_MARKER "\n",
                                     "not-before 2026-11-21"};

// A text with some of it cut, doubled, exchanged or put in.
static char *mutate(const char *text, size_t size, size_t *ret_size)
{
	struct buffer out = BUFFER_EMPTY;
	size_t at = 0;
	while (at < size) {
		size_t step = 1 + chance((uint32_t)size / 2 + 1);
		if (step > size - at)
			step = size - at;
		buffer_add(&out, text + at, step);
		at += step;
		size_t piece = chance(sizeof pieces / sizeof pieces[0]), back = chance((uint32_t)at);
		switch (chance(5)) {
		case 0:
			buffer_text(&out, pieces[piece]);
			break;
		case 1:
			at += chance(8);
			break;
		case 2:
			buffer_add(&out, text + back, at < back + 40 ? at - back : 40);
			break;
		case 3:
			out.data[chance((uint32_t)out.size)] = (char)chance(256);
			break;
		default:
			break;
		}
	}
	buffer_text(&out, "");
	*ret_size = out.size;
	return buffer_steal(&out);
}

static struct buffer print(const struct policy *policy)
{
	struct buffer text = BUFFER_EMPTY;
	policy_print(policy, &text);
	assert_false(buffer_failed(&text));
	return text;
}

static void judge(char *text, size_t size)
{
	struct reading r, again;
	char *copy = malloc(size + 1);
	memcpy(copy, text, size + 1);
	struct memory_file self[] = {{.path = "policy.conf", .text = copy}, {0}};
	int result = read_malloced(&r, self, "policy.conf", text, size);
	if (result == 0) {
		assert_int_equal(r.problems.count, 0);
		struct buffer first = print(&r.policy);
		if (read_text(&again, first.data) != 0)
			fail_msg("printed, but not readable: %s\n%s", said(&again), first.data);
		struct buffer second = print(&again.policy);
		assert_string_equal(first.data, second.data);
		assert_int_equal(policy_lint(&r.policy, &r.problems), 0);
		struct buffer out = BUFFER_EMPTY;
		struct json json = JSON_TO(&out);
		policy_json(&r.policy, &json);
		assert_false(buffer_failed(&out));
		buffer_fini(&out);
		buffer_fini(&first);
		buffer_fini(&second);
		reading_fini(&again);
	} else {
		assert_int_equal(result, -EINVAL);
		assert_true(r.problems.errors > 0);
	}
	reading_fini(&r);
	free(copy);
}

static unsigned mutate_folder(const char *folder)
{
	unsigned judged = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[600], *text;
		size_t size, changed;
		if (!strstr(entry->d_name, ".conf") || strstr(entry->d_name, "too-many"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		assert_int_equal(file_read(path, 1 << 20, &text, &size), 0);
		for (int i = 0; i < ROUNDS && size > 0; i++, judged++) {
			char *mutated = mutate(text, size, &changed);
			judge(mutated, changed);
		}
		free(text);
	}
	closedir(dir);
	return judged;
}

static void mutations(void **state)
{
	(void)state;
	const char *seed = getenv("LEADGLASS_TEST_SEED");
	if (seed)
		state_of_chance = (uint32_t)strtoul(seed, NULL, 10);
	assert_true(mutate_folder("../../golden/print") >= ROUNDS);
	assert_true(mutate_folder("../../golden/bad") >= ROUNDS);
	assert_true(mutate_folder("../../golden/warn") >= ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mutations)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
