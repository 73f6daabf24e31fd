// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory runs out at the n-th allocation, for every n: the folder is then not read, and a policy that is not to
// stand does not. The program brings its own malloc, which counts and fails on request.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "question.h"

// glibc's own, under the names that stay when malloc is replaced
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *old);

static struct {
	bool counting;
	size_t calls, fail_at; // the call that fails, from 1; 0: none
	size_t live;           // allocated and not freed
} heap;

static bool fails(void)
{
	bool is = heap.counting && ++heap.calls == heap.fail_at;
	if (is)
		errno = ENOMEM;
	return is;
}

static void *counted(void *now)
{
	if (heap.counting && now)
		heap.live++;
	return now;
}

void *malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	void *now = __libc_realloc(old, size);
	return old ? now : counted(now);
}

void free(void *old)
{
	if (heap.counting && old)
		heap.live--;
	__libc_free(old);
}

// Begins to count; the allocation `at` fails.
static void count_to(size_t at)
{
	heap.calls = heap.live = 0;
	heap.fail_at = at;
	heap.counting = true;
}

// Whether it was reached.
static bool counted_to(void)
{
	heap.counting = false;
	return heap.calls >= heap.fail_at;
}

static char folder[] = "/tmp/leadglass-trust-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void reads(void **state)
{
	size_t at = 1;
	(void)state;
	put("a.pem", "one");
	put("b.site.pem", "two");
	put("identity", "site s\nunit u\n");
	for (bool reached = true; reached; at++) {
		struct trust trust;
		struct problems problems;
		problem_init(&problems);
		count_to(at);
		int r = trust_read(folder, &trust, &problems);
		size_t count = trust.count;
		trust_fini(&trust);
		bool told = problem_any_error(&problems);
		problem_fini(&problems);
		reached = counted_to();
		if (r != (reached ? -ENOMEM : 0) || told != reached || count != (reached ? 0 : 2) ||
		    heap.live != 0)
			fail_msg("call %zu: %d, %zu anchors, %zu live", at, r, count, heap.live);
	}
	assert_true(at > 4);
}

// The same with a folder that is not to be believed: no failure makes it so.
static void refuses(void **state)
{
	size_t at = 1;
	(void)state;
	put("hospital.crt", "x");
	for (bool reached = true; reached; at++) {
		struct trust trust;
		struct problems problems;
		problem_init(&problems);
		count_to(at);
		int r = trust_read(folder, &trust, &problems);
		bool told = problem_any_error(&problems);
		problem_fini(&problems);
		reached = counted_to();
		if (r >= 0 || !told || trust.count != 0 || heap.live != 0)
			fail_msg("call %zu: %d, %zu live", at, r, heap.live);
	}
}

static void judge(const char *text, enum trust_scope scope, int wanted)
{
	struct question q = good(text);
	struct policy policy;
	size_t at = 1;
	parse(&policy, text);
	q.floor = (struct trust_floor){.any = true, .serial = 3, .parts = true};
	q.verdict.scope = (uint32_t)scope;
	for (bool reached = true; reached; at++) {
		struct trust_floor next = {0};
		struct problems problems;
		problem_init(&problems);
		count_to(at);
		int r = trust_judge(&policy, &q.verdict, &q.trust, &q.floor, q.now, q.when, &problems, &next);
		bool told = problem_any_error(&problems);
		problem_fini(&problems);
		reached = counted_to();
		bool right = r == wanted || (reached && r == -ENOMEM);
		if (!right || next.any != (r == 0) || told != (r < 0) || heap.live != 0)
			fail_msg("call %zu: %d, %zu live", at, r, heap.live);
	}
	assert_true(at > 2);
	policy_fini(&policy);
}

static void judges(void **state)
{
	(void)state;
	judge(UNIT HOST, TRUST_ALL, 0);
	judge(UNIT HOST, TRUST_SITE, -EKEYREJECTED);
	judge(UNIT HOST, TRUST_OEM, -EKEYREJECTED);
	judge("policy { site x; unit y; serial 2; not-after 2001-01-01 }\n" HOST, TRUST_ALL, -EKEYREJECTED);
	judge(HOST, TRUST_ALL, -EKEYREJECTED);
}

static int begin(void **state)
{
	(void)state;
	umask(022);
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char command[100];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(refuses),
	                                   cmocka_unit_test(judges)};
	return cmocka_run_group_tests(tests, begin, end);
}
