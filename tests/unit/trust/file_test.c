// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signed policies of any length, read from a file in pieces: wherever two pieces meet, the verdict is that of
// the text in memory; memory does not grow with the file.
#include "made.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/signed_text.h"
#include "trust/trust_content.h"

static char *key, *chain;
static size_t key_size, chain_size;
static struct trust trust;

// A signed policy of `size` octets before the marker.
static void signed_text(struct buffer *out, size_t size)
{
	static const char line[] = "# sixty-four octets of a comment that says nothing of any interest\n";
	struct problems problems;
	problem_init(&problems);
	*out = BUFFER_EMPTY;
	while (out->size + sizeof line <= size)
		buffer_add(out, line, sizeof line - 1);
	while (out->size + 1 < size)
		buffer_text(out, "#");
	if (size > 0)
		buffer_text(out, "\n");
	assert_int_equal(trust_sign(out, key, key_size, chain, chain_size, &problems), 0);
	problem_fini(&problems);
}

static FILE *file_of(const char *text, size_t size)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fflush(file), 0);
	return file;
}

static void both(const char *text, size_t size, uint32_t code)
{
	struct trust_verdict by_text, by_file;
	struct problems problems;
	FILE *file = file_of(text, size);
	problem_init(&problems);
	made_verify(text, size, &trust, &by_text);
	assert_int_equal(trust_verify_file_apart(fileno(file), &trust, &by_file, &problems), 0);
	assert_int_equal(by_text.code, code);
	assert_int_equal(by_file.code, code);
	assert_int_equal(by_file.size, by_text.size);
	assert_memory_equal(by_file.content, by_text.content, sizeof by_text.content);
	assert_string_equal(by_file.detail, by_text.detail);
	problem_fini(&problems);
	fclose(file);
}

// The marker, and one in the middle of a line, astride of two pieces.
static void pieces_meet(void **state)
{
	const size_t marker = strlen(SIGNED_TEXT_MARKER);
	(void)state;
	for (size_t size = TRUST_CONTENT_PIECE - marker - 2; size <= TRUST_CONTENT_PIECE + 2; size++) {
		struct buffer out;
		signed_text(&out, size);
		both(out.data, out.size, TRUST_GOOD);
		out.data[size - 1] = '#';
		both(out.data, out.size, TRUST_MARKER_PLACE);
		out.data[size - 1] = '\n';
		out.data[size] = '#';
		both(out.data, out.size, TRUST_NOT_SIGNED);
		both(out.data, size, TRUST_NOT_SIGNED);
		buffer_fini(&out);
	}
}

// As many octets after the policy as there may be, and one more.
static void the_most_that_may_follow(void **state)
{
	struct buffer out;
	(void)state;
	signed_text(&out, 3 * TRUST_CONTENT_PIECE);
	while (out.size < 3 * TRUST_CONTENT_PIECE + TRUST_SIGNATURE_MAX)
		buffer_text(&out, "\n");
	both(out.data, out.size, TRUST_GOOD);
	buffer_text(&out, "\n");
	both(out.data, out.size, TRUST_SIGNATURE_LONG);
	buffer_fini(&out);
}

static long most_memory(size_t size)
{
	struct rusage usage;
	struct buffer out;
	struct trust_verdict verdict;
	struct problems problems;
	signed_text(&out, size);
	FILE *file = file_of(out.data, out.size);
	buffer_fini(&out);
	problem_init(&problems);
	assert_int_equal(trust_verify_file_apart(fileno(file), &trust, &verdict, &problems), 0);
	assert_int_equal(verdict.code, TRUST_GOOD);
	assert_int_equal(verdict.size, size);
	problem_fini(&problems);
	fclose(file);
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
	return usage.ru_maxrss; // KiB, the most of any child so far
}

static void ten_megabytes(void **state)
{
	(void)state;
	long small = most_memory(1000), large = most_memory(10u << 20);
#ifndef __SANITIZE_ADDRESS__ // whose allocator keeps what was freed, also the parent's
	if (large > small + 256)
		fail_msg("%ld KiB for a small policy, %ld KiB for one of 10 MiB", small, large);
#else
	(void)small;
	(void)large;
#endif
}

// ---- what is no file ----

static void expect(int fd, int wanted, const char *words)
{
	struct trust_verdict verdict;
	struct problems problems;
	struct buffer said = BUFFER_EMPTY;
	problem_init(&problems);
	assert_int_equal(trust_verify_file_apart(fd, &trust, &verdict, &problems), wanted);
	assert_int_equal(verdict.code, TRUST_UNCHECKED);
	problem_print(&problems, NULL, &said);
	assert_string_equal(said.data, words);
	buffer_fini(&said);
	problem_fini(&problems);
}

static void no_files(void **state)
{
	int ends[2], folder = open("/", O_RDONLY | O_DIRECTORY), written = open("/dev/null", O_WRONLY);
	FILE *file = tmpfile();
	char path[64];
	(void)state;
	assert_true(file && folder >= 0 && written >= 0);
	assert_int_equal(pipe(ends), 0);
	expect(ends[0], -ESPIPE, "error: the signature cannot be checked: it is no regular file\n");
	expect(folder, -ESPIPE, "error: the signature cannot be checked: it is no regular file\n");
	expect(written, -ESPIPE, "error: the signature cannot be checked: it is no regular file\n");
	expect(-1, -EBADF, "error: the signature cannot be checked: Bad file descriptor\n");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
	int unreadable = open(path, O_WRONLY);
	expect(unreadable, -EBADF, "error: the signature cannot be checked: Bad file descriptor\n");
	close(unreadable);
	close(folder);
	close(written);
	close(ends[0]);
	close(ends[1]);
	fclose(file);
}

static int setup(void **state)
{
	(void)state;
	key = made_read("sign/p256.key", &key_size);
	chain = made_read("sign/p256.crt", &chain_size);
	made_trust(&trust, "p256-sign");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(key);
	free(chain);
	made_trust_fini(&trust);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_meet),
	                                   cmocka_unit_test(the_most_that_may_follow),
	                                   cmocka_unit_test(ten_megabytes), cmocka_unit_test(no_files)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
