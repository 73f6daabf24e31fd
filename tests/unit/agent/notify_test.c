// SPDX-License-Identifier: GPL-2.0-or-later
//
// The service manager's socket, under each kind of name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/agent_notify.h"

static int listen_as(const struct sockaddr_un *address, socklen_t size)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)address, size), 0);
	return fd;
}

static void expect(int manager, const char *wanted)
{
	char message[1024];
	const ssize_t size = recv(manager, message, sizeof message - 1, 0);

	assert_true(size >= 0);
	message[size] = '\0';
	assert_string_equal(message, wanted);
}

static void talk_to(int manager)
{
	char text[600], cut[600];
	const int notify = agent_notify_open();

	assert_true(notify >= 0);
	agent_notify(notify, "READY=1\nSTATUS=policy %d, %s", 7, "verified");
	agent_notify(notify, "WATCHDOG=1");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	agent_notify(notify, "STATUS=%s", text);
	expect(manager, "READY=1\nSTATUS=policy 7, verified");
	expect(manager, "WATCHDOG=1");
	snprintf(cut, sizeof cut, "STATUS=%.*s", 511 - 7, text);
	expect(manager, cut);
	close(notify);
}

static void a_path(void **state)
{
	char folder[] = "/tmp/leadglass-notify-XXXXXX";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int manager;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder);
	manager = listen_as(&address, sizeof address);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	talk_to(manager);
	close(manager);
	assert_int_equal(agent_notify_open(), -1); // nobody listens any more
	unlink(address.sun_path);
	assert_int_equal(agent_notify_open(), -1);
	rmdir(folder);
}

// A manager under an abstract name that the kernel chose; NOTIFY_SOCKET says it.
static int listen_abstract(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof address;
	char name[sizeof address.sun_path + 1] = "";
	int manager = listen_as(&address, sizeof(sa_family_t));

	assert_int_equal(getsockname(manager, (struct sockaddr *)&address, &size), 0);
	memcpy(name, address.sun_path, size - offsetof(struct sockaddr_un, sun_path));
	name[0] = '@';
	setenv("NOTIFY_SOCKET", name, 1);
	return manager;
}

static void an_abstract_name(void **state)
{
	int manager = listen_abstract();

	(void)state;
	talk_to(manager);
	close(manager);
}

static void no_manager(void **state)
{
	static const char *const names[] = {"", "/", "@", "relative", "vsock:2:1234"};
	char long_name[200];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(agent_notify_open(), -1);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		assert_int_equal(agent_notify_open(), -1);
	}
	memset(long_name, '/', sizeof long_name);
	long_name[sizeof long_name - 1] = '\0';
	setenv("NOTIFY_SOCKET", long_name, 1);
	assert_int_equal(agent_notify_open(), -1);
	agent_notify(-1, "READY=%d", 1);
}

static void a_manager_that_has_gone(void **state)
{
	int manager = listen_abstract();
	int notify = agent_notify_open();

	(void)state;
	close(manager);
	agent_notify(notify, "WATCHDOG=1"); // no SIGPIPE
	close(notify);
}

// Each of these waited a second once, and every apply with it.
static void a_manager_that_does_not_read(void **state)
{
	int manager = listen_abstract();
	int notify = agent_notify_open();

	(void)state;
	alarm(60);
	for (int i = 0; i < 1000; i++)
		agent_notify(notify, "STATUS=policy %d", i);
	alarm(0);
	expect(manager, "STATUS=policy 0");
	close(manager);
	close(notify);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_path),
	        cmocka_unit_test(an_abstract_name),
	        cmocka_unit_test(no_manager),
	        cmocka_unit_test(a_manager_that_has_gone),
	        cmocka_unit_test(a_manager_that_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
