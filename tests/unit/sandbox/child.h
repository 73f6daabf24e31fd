// SPDX-License-Identifier: GPL-2.0-or-later
//
// What cannot be taken back is tried in a child process.
#ifndef LEADGLASS_TESTS_UNIT_SANDBOX_CHILD_H
#define LEADGLASS_TESTS_UNIT_SANDBOX_CHILD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// Calls function(argument) in a child; its wait status. The child exits with what the function returns.
static inline int child_run(int (*function)(const void *argument), const void *argument)
{
	const struct rlimit none = {0, 0};
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		_exit(function(argument));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return status;
}

// For the functions: says what failed, as the child's exit status is not seen by anybody else.
#define CHILD_CHECK(condition)                                                                                 \
	do {                                                                                                   \
		if (!(condition)) {                                                                            \
			dprintf(2, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);           \
			return 1;                                                                              \
		}                                                                                              \
	} while (0)

#endif
