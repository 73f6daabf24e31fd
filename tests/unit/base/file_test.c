// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading files whole: the limit, pipes, folders, nothing there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char path[] = "/tmp/leadglass-file-test-XXXXXX";

static int make(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, "0123456789", 10) != 10)
		return -1;
	return close(fd);
}

static int drop(void **state)
{
	(void)state;
	return unlink(path);
}

static void limits(void **state)
{
	char *text;
	size_t size;
	(void)state;
	assert_int_equal(file_read(path, 10, &text, &size), 0);
	assert_int_equal(size, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	assert_int_equal(file_read(path, 9, &text, &size), -EFBIG);
	assert_int_equal(file_read("/dev/zero", 100000, &text, &size), -EFBIG);
	assert_int_equal(file_read("/dev/null", 10, &text, &size), 0);
	assert_int_equal(size, 0);
	assert_string_equal(text, "");
	free(text);
}

static void cannot(void **state)
{
	char *text;
	size_t size;
	(void)state;
	assert_int_equal(file_read("/nowhere/at/all", 10, &text, &size), -ENOENT);
	assert_int_equal(file_read("/tmp", 10, &text, &size), -EISDIR);
}

static void standard_input_in_pieces(void **state)
{
	int ends[2], saved = dup(STDIN_FILENO);
	char *text, piece[5000];
	size_t size;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	memset(piece, 'x', sizeof piece);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write(ends[1], piece, sizeof piece), sizeof piece);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	assert_int_equal(file_read("-", 1 << 20, &text, &size), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(size, 15000);
	assert_int_equal(text[14999], 'x');
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(limits), cmocka_unit_test(cannot),
	                                   cmocka_unit_test(standard_input_in_pieces)};
	return cmocka_run_group_tests(tests, make, drop);
}
