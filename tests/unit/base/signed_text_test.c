// SPDX-License-Identifier: GPL-2.0-or-later
//
// The marker is found where it stands at the beginning of a line, and in whatever pieces the text comes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/signed_text.h"

#define M SIGNED_TEXT_MARKER

static const struct {
	const char *text;
	size_t end;
} texts[] = {
        {"", 0},
        {"role host\n", 10},
        {M, 0},
        {M "\nMEUCIQ", 0},
        {"role host\n" M "\nMEUCIQ", 10},
        {"role host\r\n" M "\r\nMEUCIQ", 11},
        {"a\n\n\n" M, 4},
        {"a\n" M "\nb\n" M "\n", 2},
        {"# " M "\nrole host\n" M "\n", sizeof M + 12},
        {"a\n-----BEGIN LEADGLASS\n" M, 23},
        {"a\n-" M, 2 + sizeof M},
        {"a\n---\n---\n" M, 10},
        {" " M, sizeof M},
        {"role host" M, 8 + sizeof M},
        {"a\n-----BEGIN LEADGLASS SIGNATURE----", 36},
        {"a\n-----BEGIN LEADGLASS SIGNATURE----\n-", 38},
        {"a\r" M, 1 + sizeof M},
};
#define TEXTS (sizeof texts / sizeof texts[0])

static void whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		if (signed_text_end(texts[i].text, strlen(texts[i].text)) != texts[i].end)
			fail_msg("text %zu: %zu instead of %zu", i,
			         signed_text_end(texts[i].text, strlen(texts[i].text)), texts[i].end);
	}
	assert_int_equal(signed_text_end("a\0\n" M, 3 + sizeof M - 1), 3);
}

static void pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		const size_t size = strlen(texts[i].text);
		for (size_t piece = 1; piece <= size; piece++) {
			struct signed_text_search search = SIGNED_TEXT_SEARCH;
			uint64_t end = size;
			for (size_t at = 0; at < size; at += piece) {
				const size_t left = size - at;
				if (signed_text_search(&search, texts[i].text + at, left < piece ? left : piece,
				                       &end))
					break;
			}
			assert_int_equal(end, texts[i].end);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(pieces)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
