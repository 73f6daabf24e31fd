// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each signed policy that fixture.py makes, good or broken in its own way, gets the verdict and the words that
// verdicts.txt has for it.
#include "made.h"

#include <dirent.h>
#include <stdio.h>

struct one {
	char *name, *anchors; // pieces of the line
	struct buffer words;
};

static struct {
	struct one items[256];
	size_t count;
	char *text;
} table;

// A line that does not begin with a tab begins a case.
static void read_table(void)
{
	FILE *file = fopen("verdicts.txt", "r");
	size_t size = 0;
	assert_non_null(file);
	assert_true(getdelim(&table.text, &size, '\0', file) > 0);
	fclose(file);
	char *rest = table.text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (line[0] == '\t') {
			assert_true(table.count > 0);
			buffer_printf(&table.items[table.count - 1].words, "%s\n", line + 1);
			continue;
		}
		assert_true(table.count < sizeof table.items / sizeof *table.items);
		struct one *one = &table.items[table.count++];
		one->name = strtok_r(line, " ", &one->anchors);
		one->anchors += strspn(one->anchors, " ");
	}
}

static void each_has_its_verdict(void **state)
{
	bool seen[TRUST_CODE_COUNT] = {false};
	size_t wrong = 0;
	(void)state;
	for (size_t i = 0; i < table.count; i++) {
		const struct one *one = &table.items[i];
		char path[300];
		struct trust trust;
		struct trust_verdict verdict;
		size_t size;
		snprintf(path, sizeof path, "signed/%s", one->name);
		char *text = made_read(path, &size);
		made_trust(&trust, one->anchors);
		made_verify(text, size, &trust, &verdict);
		struct buffer words = made_words(&verdict, &trust);
		if (!one->words.data || strcmp(words.data, one->words.data) != 0) {
			print_error("%s %s\n\t%s", one->name, one->anchors, words.data);
			wrong++;
		}
		seen[verdict.code] = true;
		buffer_fini(&words);
		made_trust_fini(&trust);
		free(text);
	}
	assert_int_equal(wrong, 0);
	for (size_t code = 0; code < TRUST_CODE_COUNT; code++) {
		if (!seen[code] && code != TRUST_UNCHECKED)
			fail_msg("no case has code %zu", code);
	}
}

static void none_is_left_out(void **state)
{
	DIR *folder = opendir(TRUST_MADE "/signed");
	(void)state;
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		size_t i = 0;
		while (i < table.count && strcmp(table.items[i].name, entry->d_name) != 0)
			i++;
		if (i == table.count && entry->d_name[0] != '.')
			fail_msg("verdicts.txt has no %s", entry->d_name);
	}
	closedir(folder);
}

static int setup(void **state)
{
	(void)state;
	read_table();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < table.count; i++)
		buffer_fini(&table.items[i].words);
	free(table.text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_has_its_verdict),
	                                   cmocka_unit_test(none_is_left_out)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
