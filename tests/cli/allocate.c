// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before the C library by allocation.py: the FAIL_AT-th allocation of the program fails, and only that
// one.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

static long left = -1; // allocations until the one that fails; 0: done with it

static int fails(void)
{
	if (left < 0) {
		const char *text = getenv("FAIL_AT");
		left = text ? strtol(text, NULL, 10) : 0;
	}
	if (left <= 0 || --left > 0)
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
