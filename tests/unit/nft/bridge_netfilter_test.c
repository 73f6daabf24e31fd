// SPDX-License-Identifier: GPL-2.0-or-later
//
// br_netfilter is told by what it puts into /proc/sys/net, here in a folder made for it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/problem.h"
#include "nft/nft.h"

static char folder[24];

static int folder_new(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/leadglass-XXXXXX", sizeof "/tmp/leadglass-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static void path_of(const char *name, char path[static 64])
{
	snprintf(path, 64, "%s/%s", folder, name);
}

static void make(const char *name)
{
	char path[64];
	path_of(name, path);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int folder_free(void **state)
{
	char path[64];
	(void)state;
	path_of("bridge", path);
	rmdir(path);
	path_of("core", path);
	rmdir(path);
	return rmdir(folder);
}

static const struct policy gateway = {.role = POLICY_ROLE_BRIDGE, .device_count = 1},
                           frames_only = {.role = POLICY_ROLE_BRIDGE, .pass = 1u << POLICY_LLDP},
                           closed = {.role = POLICY_ROLE_BRIDGE},
                           router = {.role = POLICY_ROLE_ROUTER, .device_count = 1};

static int refuse(const struct policy *policy)
{
	struct problems problems;
	problem_init(&problems);
	int r = nft_bridge_netfilter_refuse(policy, folder, &problems);
	assert_int_equal(problems.errors, r != 0);
	problem_fini(&problems);
	return r;
}

static void assert_refused(int error, const char *what, const char *instead)
{
	struct problems problems;
	problem_init(&problems);
	assert_int_equal(nft_bridge_netfilter_refuse(&gateway, folder, &problems), error);
	assert_int_equal(problems.errors, 1);
	assert_non_null(strstr(problems.items[0].what, what));
	assert_non_null(strstr(problems.items[0].instead, instead));
	problem_fini(&problems);
}

static void not_loaded(void **state)
{
	(void)state;
	make("core");
	assert_int_equal(nft_bridge_netfilter_loaded(folder), 0);
	assert_int_equal(refuse(&gateway), 0);
}

static void loaded(void **state)
{
	(void)state;
	make("core");
	make("bridge");
	assert_int_equal(nft_bridge_netfilter_loaded(folder), 1);
	assert_refused(-EEXIST, "br_netfilter is loaded", "modprobe -r br_netfilter");
	assert_int_equal(refuse(&frames_only), -EEXIST);
	// Nothing crosses these: they are better than no wall.
	assert_int_equal(refuse(&closed), 0);
	assert_int_equal(refuse(&router), 0);
}

// Without proc there is no answer, and no answer lets nothing through.
static void cannot_be_told(void **state)
{
	char long_name[400];
	(void)state;
	assert_int_equal(nft_bridge_netfilter_loaded(folder), -ENOENT);
	assert_refused(-ENOENT, "cannot tell whether", "mount proc");
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	assert_int_equal(nft_bridge_netfilter_loaded(long_name), -ENAMETOOLONG);
}

static void this_kernel(void **state)
{
	struct stat status;
	(void)state;
	assert_int_equal(nft_bridge_netfilter_loaded(NFT_PROC_SYS_NET),
	                 stat("/proc/sys/net/bridge", &status) == 0);
}

static bool heard(const int pair[2], const char *event, size_t size)
{
	assert_int_equal(send(pair[1], event, size, 0), (ssize_t)size);
	return nft_bridge_netfilter_heard(pair[0]);
}
#define HEARD(pair, event) heard(pair, event, sizeof event)

// As the kernel has them: action, path, and environment behind it.
static void events(void **state)
{
	static const char path_only[] = {'a', 'd', 'd', '@', '/', 'm', 'o', 'd', 'u', 'l', 'e', '/'};
	char long_event[300];
	int pair[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	assert_false(nft_bridge_netfilter_heard(pair[0]));
	assert_true(HEARD(pair, "add@/module/br_netfilter\0ACTION=add\0SUBSYSTEM=module\0SEQNUM=1234"));
	assert_true(HEARD(pair, "remove@/module/br_netfilter\0ACTION=remove"));
	assert_false(nft_bridge_netfilter_heard(pair[0])); // it was read
	assert_false(HEARD(pair, "add@/module/br_netfilter2\0ACTION=add"));
	assert_false(HEARD(pair, "add@/module/bridge\0NAME=@/module/br_netfilter"));
	assert_false(HEARD(pair, "add"));
	assert_false(heard(pair, path_only, sizeof path_only));
	assert_false(heard(pair, "", 0));
	memset(long_event, '@', sizeof long_event);
	assert_false(heard(pair, long_event, sizeof long_event));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(send(pair[1], "add@/module/bridge", 19, 0), 19);
	assert_true(HEARD(pair, "add@/module/br_netfilter")); // behind others
	close(pair[0]);
	close(pair[1]);
}

static void on_this_kernel(void **state)
{
	int fd = nft_bridge_netfilter_watch();
	(void)state;
	assert_true(fd >= 0 || fd == -EPROTONOSUPPORT || fd == -EPERM); // containers
	if (fd < 0)
		return;
	(void)nft_bridge_netfilter_heard(fd); // whatever it is, it does not wait
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(not_loaded, folder_new, folder_free),
	        cmocka_unit_test_setup_teardown(loaded, folder_new, folder_free),
	        cmocka_unit_test_setup_teardown(cannot_be_told, folder_new, folder_free),
	        cmocka_unit_test(this_kernel),
	        cmocka_unit_test(events),
	        cmocka_unit_test(on_this_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
