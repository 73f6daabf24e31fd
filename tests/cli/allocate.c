// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before the C library by allocation.py and tests/net/agent_fail.py: one allocation of the program
// fails.
//
//	FAIL_AT=N       the Nth
//	FAIL_FILE=PATH  the file holds a number (a long) that others may write at any time: how many
//	                allocations until the one that fails; 0: none. Not counted in children.
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
static const long *ours; // NULL: no file. 0 in a child: then nothing is counted

static void begin(void)
{
	const char *text = getenv("FAIL_AT"), *path = getenv("FAIL_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	long *mine;

	counted = text ? strtol(text, NULL, 10) : 0;
	left = &counted;
	if (fd < 0)
		return;
	left = mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	mine = mmap(NULL, sizeof *mine, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (left == MAP_FAILED || mine == MAP_FAILED || madvise(mine, sizeof *mine, MADV_WIPEONFORK) < 0)
		abort();
	*mine = 1;
	ours = mine;
	close(fd);
}

static int fails(void)
{
	if (!left)
		begin();
	if ((ours && !*ours) || *left <= 0 || --*left > 0)
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
