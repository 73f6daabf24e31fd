// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_copy: what is written is read again; what is damaged, forged or somebody else's is not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/file.h"

#define BUNDLE "leadglass-bundle 1\nend\n"

struct folder {
	char path[32];
	int fd;
};

static int begin(void **state)
{
	struct folder *folder = calloc(1, sizeof *folder);

	strcpy(folder->path, "/tmp/leadglass-copy-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = folder;
	return 0;
}

static int end(void **state)
{
	struct folder *folder = *state;

	unlinkat(folder->fd, "standing", 0);
	unlinkat(folder->fd, "other", 0);
	close(folder->fd);
	rmdir(folder->path);
	free(folder);
	return 0;
}

static int write_copy(struct folder *folder, uint64_t number)
{
	char bundle[] = BUNDLE;
	const struct agent_wall wall = {.number = number, .bundle = bundle, .bundle_size = strlen(bundle)};

	return agent_copy_write(folder->fd, &wall);
}

static int read_copy(struct folder *folder)
{
	uint64_t number = 0;
	char *bundle = NULL;
	size_t size = 0;
	int error = agent_copy_read(folder->fd, &number, &bundle, &size);

	free(bundle);
	return error;
}

static void test_round_trip(void **state)
{
	struct folder *folder = *state;
	uint64_t number = 0;
	char *bundle = NULL;
	size_t size = 0;
	struct stat about;

	assert_int_equal(read_copy(folder), -ENOENT);
	assert_int_equal(write_copy(folder, UINT64_MAX), 0);
	assert_int_equal(agent_copy_read(folder->fd, &number, &bundle, &size), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(size, strlen(BUNDLE));
	assert_string_equal(bundle, BUNDLE);
	free(bundle);
	fstatat(folder->fd, "standing", &about, 0);
	assert_int_equal(about.st_mode & 07777, 0600);
}

static void test_damage(void **state)
{
	struct folder *folder = *state;
	char path[64], *good;
	size_t size;

	assert_int_equal(write_copy(folder, 12), 0);
	snprintf(path, sizeof path, "%s/standing", folder->path);
	assert_int_equal(file_read(path, 4096, &good, &size), 0);
	for (size_t i = 0; i < size; i++) { // cut
		assert_int_equal(file_write_durable(folder->fd, "standing", good, i, 0600), 0);
		assert_int_equal(read_copy(folder), -EBADMSG);
	}
	for (size_t i = 0; i < size * 8; i++) { // flipped
		good[i / 8] = (char)(good[i / 8] ^ 1 << i % 8);
		assert_int_equal(file_write_durable(folder->fd, "standing", good, size, 0600), 0);
		assert_int_equal(read_copy(folder), -EBADMSG);
		good[i / 8] = (char)(good[i / 8] ^ 1 << i % 8);
	}
	free(good);
}

// Whole, but not this.
static void test_another_file(void **state)
{
	static const char *const names[] = {"record", "policy.", "policy.0", "policy.x", "closed"};
	struct folder *folder = *state;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buffer out = BUFFER_EMPTY;

		state_seal(names[i], BUNDLE, strlen(BUNDLE), &out);
		assert_int_equal(file_write_durable(folder->fd, "standing", out.data, out.size, 0600), 0);
		assert_int_equal(read_copy(folder), -EBADMSG);
		buffer_fini(&out);
	}
}

static void test_not_ours(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(write_copy(folder, 3), 0);
	assert_int_equal(fchmodat(folder->fd, "standing", 0620, 0), 0);
	assert_int_equal(read_copy(folder), -EPERM);
	assert_int_equal(fchmodat(folder->fd, "standing", 0600, 0), 0);
	assert_int_equal(read_copy(folder), 0);
	assert_int_equal(renameat(folder->fd, "standing", folder->fd, "other"), 0);
	assert_int_equal(symlinkat("other", folder->fd, "standing"), 0);
	assert_int_equal(read_copy(folder), -ELOOP);
	unlinkat(folder->fd, "standing", 0);
	assert_int_equal(mkfifoat(folder->fd, "standing", 0600), 0); // nobody writes into it, and nobody waits
	assert_int_equal(read_copy(folder), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_round_trip, begin, end),
	        cmocka_unit_test_setup_teardown(test_damage, begin, end),
	        cmocka_unit_test_setup_teardown(test_another_file, begin, end),
	        cmocka_unit_test_setup_teardown(test_not_ours, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
