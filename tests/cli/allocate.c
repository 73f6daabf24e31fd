// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before the C library by allocation.py and tests/net/agent_fail.py: one allocation of the program
// fails.
//
//	FAIL_AT=N       the Nth
//	FAIL_FILE=PATH  the file holds two numbers (longs) that others may write at any time: how many
//	                allocations until the one that fails; 0: none. The first is for the program
//	                itself. The second is taken, and becomes 0, by the next process it makes that
//	                allocates anything; when that one's has failed it becomes -1.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

static long counted = -1; // allocations until the one that fails; 0: done with it
static long *left;

// Of this process alone, and zero in one that was made just now.
static struct own {
	enum { MADE, PROGRAM, CHILD } who;
	long left;
} * own; // NULL: no file

static void begin(void)
{
	const char *text = getenv("FAIL_AT"), *path = getenv("FAIL_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	counted = text ? strtol(text, NULL, 10) : 0;
	left = &counted;
	if (fd < 0)
		return;
	left = mmap(NULL, 2 * sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	own = mmap(NULL, sizeof *own, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (left == MAP_FAILED || own == MAP_FAILED || madvise(own, sizeof *own, MADV_WIPEONFORK) < 0)
		abort();
	own->who = PROGRAM;
	close(fd);
}

static int fails_in_child(void)
{
	if (own->who == MADE) {
		own->who = CHILD;
		own->left = left[1];
		if (own->left > 0)
			left[1] = 0;
	}
	if (own->left <= 0 || --own->left > 0)
		return 0;
	left[1] = -1;
	errno = ENOMEM;
	return 1;
}

static int fails(void)
{
	if (!left)
		begin();
	if (own && own->who != PROGRAM)
		return fails_in_child();
	if (*left <= 0 || --*left > 0)
		return 0;
	errno = ENOMEM; // as POSIX has it, and callers rely on
	return 1;
}

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t size)
{
	void *(*function)(size_t);
	*(void **)&function = real("malloc");
	return fails() ? NULL : function(size);
}

void *calloc(size_t count, size_t size)
{
	void *(*function)(size_t, size_t);
	*(void **)&function = real("calloc");
	return fails() ? NULL : function(count, size);
}

void *realloc(void *old, size_t size)
{
	void *(*function)(void *, size_t);
	*(void **)&function = real("realloc");
	return fails() ? NULL : function(old, size);
}
