// SPDX-License-Identifier: GPL-2.0-or-later
//
// Users and capabilities, as /proc tells them. Root only (77 without).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sandbox/sandbox.h"
#include "child.h"

#define NET_ADMIN "0000000000001000"
#define CHANGE_USER_TOO "00000000000010c0"
#define NOTHING "0000000000000000"
#define NOBODY 65534 // "nobody" and "nogroup" of every Debian

// The words after `key` in /proc/self/status, with single blanks between them.
static const char *status_of(const char *key)
{
	static char line[512];
	const size_t length = strlen(key);
	FILE *file = fopen("/proc/self/status", "r");
	char *out;

	if (!file)
		return "unreadable";
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, key, length) != 0 || line[length] != ':')
			continue;
		fclose(file);
		out = line;
		for (char *word = strtok(line + length + 1, " \t\n"); word; word = strtok(NULL, " \t\n")) {
			if (out != line)
				*out++ = ' ';
			memmove(out, word, strlen(word) + 1);
			out += strlen(out);
		}
		*out = '\0';
		return line;
	}
	fclose(file);
	return "missing";
}

#define CHECK_STATUS(key, wanted)                                                                              \
	do {                                                                                                   \
		const char *found = status_of(key);                                                            \
		if (strcmp(found, wanted) != 0) {                                                              \
			dprintf(2, "%s:%d: %s is '%s', not '%s'\n", __FILE__, __LINE__, key, found, wanted);   \
			return 1;                                                                              \
		}                                                                                              \
	} while (0)

static int check_keeper(const char *capabilities)
{
	CHECK_STATUS("CapPrm", capabilities);
	CHECK_STATUS("CapEff", capabilities);
	CHECK_STATUS("CapInh", NOTHING);
	CHECK_STATUS("CapAmb", NOTHING);
	CHECK_STATUS("NoNewPrivs", "1");
	CHILD_CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHILD_CHECK(prctl(PR_GET_KEEPCAPS) == 0);
	return 0;
}

// What only CAP_NET_ADMIN may.
static int use_privilege(void)
{
	const int size = 1 << 20, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	const int error = setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0 ? errno : 0;

	close(fd);
	return error;
}

static int become_nobody(const void *argument)
{
	CHILD_CHECK(sandbox_become("nobody", argument) == 0);
	CHILD_CHECK(check_keeper(NET_ADMIN) == 0);
	CHECK_STATUS("Uid", "65534 65534 65534 65534");
	CHECK_STATUS("Gid", "65534 65534 65534 65534");
	CHECK_STATUS("Groups", argument ? "4 65534" : "65534"); // 4: adm
	CHECK_STATUS("CapBnd", NOTHING);
	CHILD_CHECK(use_privilege() == 0);
	CHILD_CHECK(setuid(0) == -1 && setgid(0) == -1 && setgroups(0, NULL) == -1);
	CHILD_CHECK(sandbox_become("nobody", argument) == 0); // nothing left to do
	CHILD_CHECK(sandbox_become("daemon", NULL) == -EPERM);

	CHILD_CHECK(sandbox_drop_all() == 0);
	CHECK_STATUS("CapPrm", NOTHING);
	CHECK_STATUS("CapEff", NOTHING);
	CHILD_CHECK(use_privilege() == EPERM);
	CHILD_CHECK(sandbox_become(NULL, NULL) == -EPERM);
	return 0;
}

static void root_becomes_a_user(void **state)
{
	(void)state;
	assert_int_equal(child_run(become_nobody, NULL), 0);
}

static void with_one_more_group(void **state)
{
	(void)state;
	assert_int_equal(child_run(become_nobody, "adm"), 0);
}

static int stay_root(const void *argument)
{
	(void)argument;
	CHILD_CHECK(sandbox_become(NULL, NULL) == 0);
	CHILD_CHECK(check_keeper(CHANGE_USER_TOO) == 0);
	CHECK_STATUS("Uid", "0 0 0 0");
	CHECK_STATUS("CapBnd", NOTHING);
	CHILD_CHECK(use_privilege() == 0);

	CHILD_CHECK(sandbox_drop_all() == 0);
	CHECK_STATUS("CapPrm", NOTHING);
	CHECK_STATUS("CapEff", NOTHING);
	CHECK_STATUS("Uid", "0 65534 65534 65534"); // the first is for whoever ends it
	CHECK_STATUS("Gid", "65534 65534 65534 65534");
	CHECK_STATUS("Groups", "");
	CHILD_CHECK(use_privilege() == EPERM);
	CHILD_CHECK(open("/etc/shadow", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
	return 0;
}

static void root_without_its_powers(void **state)
{
	(void)state;
	assert_int_equal(child_run(stay_root, NULL), 0);
}

// As a service manager starts it: a user, one ambient capability. CAP_SETPCAP is gone with the rest.
static int become_service(bool privileged)
{
	const uint32_t net_admin = 1u << CAP_NET_ADMIN;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	        {.effective = net_admin, .permitted = net_admin, .inheritable = net_admin}};

	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY) || prctl(PR_SET_KEEPCAPS, 0))
		return -errno;
	if (!privileged)
		memset(data, 0, sizeof data);
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	if (privileged && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0)
		return -errno;
	return 0;
}

static int start_as_service(const void *user)
{
	CHILD_CHECK(become_service(true) == 0);
	CHECK_STATUS("CapAmb", NET_ADMIN);
	CHILD_CHECK(sandbox_become("daemon", NULL) == -EPERM);
	CHILD_CHECK(sandbox_become(user, "adm") == 0);
	CHILD_CHECK(check_keeper(NET_ADMIN) == 0);
	CHECK_STATUS("Uid", "65534 65534 65534 65534");
	CHECK_STATUS("Groups", "");
	CHILD_CHECK(use_privilege() == 0);
	return 0;
}

static void started_with_an_ambient_capability(void **state)
{
	(void)state;
	assert_int_equal(child_run(start_as_service, "nobody"), 0);
	assert_int_equal(child_run(start_as_service, NULL), 0);
}

static int start_unprivileged(const void *argument)
{
	(void)argument;
	CHILD_CHECK(become_service(false) == 0);
	CHILD_CHECK(sandbox_become(NULL, NULL) == -EPERM);
	CHILD_CHECK(sandbox_become("nobody", NULL) == -EPERM);
	return 0;
}

static void without_privilege_it_says_so(void **state)
{
	(void)state;
	assert_int_equal(child_run(start_unprivileged, NULL), 0);
}

static int name_nobody_has(const void *argument)
{
	(void)argument;
	CHILD_CHECK(sandbox_become("leadglass-nobody", NULL) == -ENOENT);
	CHILD_CHECK(sandbox_become(NULL, "leadglass-nobody") == -ENOENT);
	CHECK_STATUS("NoNewPrivs", "0"); // nothing was done
	CHECK_STATUS("Uid", "0 0 0 0");
	return 0;
}

static void an_unknown_name_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(child_run(name_nobody_has, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(root_becomes_a_user),
	        cmocka_unit_test(with_one_more_group),
	        cmocka_unit_test(root_without_its_powers),
	        cmocka_unit_test(started_with_an_ambient_capability),
	        cmocka_unit_test(without_privilege_it_says_so),
	        cmocka_unit_test(an_unknown_name_changes_nothing),
	};

	if (geteuid() != 0) {
		puts("changing users needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
