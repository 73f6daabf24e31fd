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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(not_loaded, folder_new, folder_free),
	        cmocka_unit_test_setup_teardown(loaded, folder_new, folder_free),
	        cmocka_unit_test_setup_teardown(cannot_be_told, folder_new, folder_free),
	        cmocka_unit_test(this_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
