// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a kernel is asked for, which role needs it, and what its lack costs. What nf_tables has nothing to do
// with is tried here.
#include "cli/cli_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "base/problem.h"
#include "sandbox/sandbox.h"

#define BRIDGE_NETFILTER "/proc/sys/net/bridge"
#define LANDLOCK_SCOPES 6 // the version from which on others' sockets and processes can be kept away

static int say(struct problems *problems, const char *what, int error)
{
	if (error < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s: %s", what, strerror(-error));
	return error;
}

static int try_ipv6(struct problems *problems)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return say(problems, "no IPv6 socket", error);
}

static int try_bridge_device(struct problems *problems)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? -errno : 0;

	if (!error && ioctl(fd, SIOCBRADDBR, "probe") < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	return say(problems, "no bridge could be made", error);
}

// There for every network namespace once the module is loaded.
static int try_no_bridge_netfilter(struct problems *problems)
{
	struct stat about;

	if (stat(BRIDGE_NETFILTER, &about) < 0)
		return 0;
	problem_add(problems, PROBLEM_ERROR, 0, 0, BRIDGE_NETFILTER " is there", NULL);
	return -EEXIST;
}

static int try_landlock(struct problems *problems)
{
	int version = sandbox_landlock_version();

	return say(problems, "no Landlock", version < 0 ? version : 0);
}

static int try_landlock_scopes(struct problems *problems)
{
	int version = sandbox_landlock_version();

	if (version >= LANDLOCK_SCOPES)
		return 0;
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "Landlock is of version %d",
	             version < 0 ? 0 : version);
	return -EOPNOTSUPP;
}

static int try_filters(struct problems *problems)
{
	return say(problems, "no seccomp filters", sandbox_has_filters());
}

#define NO_WALL "no wall can be loaded"
#define NO_BRIDGE "no wall of role bridge can be loaded"
#define OTHER .nft = NFT_FEATURE_COUNT

const struct probe_feature probe_features[] = {
        {.nft = NFT_FEATURE_TABLES, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_INET, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_META, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_SETS, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_INTERVALS,
         .roles = PROBE_ALL,
         .without = "no wall can be loaded whose policy names networks"},
        {.nft = NFT_FEATURE_TIMEOUTS, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_COUNTER, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_CT, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_FIB, .roles = PROBE_ALL, .without = NO_WALL},
        {.nft = NFT_FEATURE_LIMIT,
         .roles = PROBE_ALL,
         .without = "no wall can be loaded unless its policy says log { drops off }"},
        {.nft = NFT_FEATURE_LOG,
         .roles = PROBE_ALL,
         .without = "no wall can be loaded unless its policy says log { drops off }"},
        {.nft = NFT_FEATURE_BRIDGE, .roles = PROBE_BRIDGE, .without = NO_BRIDGE},
        {.nft = NFT_FEATURE_CT_BRIDGE, .roles = PROBE_BRIDGE, .without = NO_BRIDGE},
        {OTHER, .name = "bridge-device", .about = "bridges", .option = "CONFIG_BRIDGE",
         .try = try_bridge_device, .roles = PROBE_BRIDGE, .without = "there is no bridge to stand in"},
        {OTHER, .name = "no-br_netfilter", .about = "no br_netfilter",
         .option = "CONFIG_BRIDGE_NETFILTER off, or its module not loaded", .try = try_no_bridge_netfilter,
         .roles = PROBE_BRIDGE,
         .without = "role bridge is refused: on some kernels frames would get around its rules"},
        {.nft = NFT_FEATURE_PERSIST,
         .roles = PROBE_ALL,
         .useful = true,
         .without = "another program with CAP_NET_ADMIN can change the wall, until the agent repairs it"},
        {.nft = NFT_FEATURE_CONNECTIONS,
         .roles = PROBE_ALL,
         .useful = true,
         .without = "connections that run when a wall is first put up may have to be opened anew"},
        {.nft = NFT_FEATURE_FLOWTABLE,
         .roles = PROBE_ROUTER,
         .useful = true,
         .without =
                 "every packet takes the whole way through the kernel, also where the policy has a flowtable"},
        {OTHER, .name = "ipv6", .about = "IPv6", .option = "CONFIG_IPV6", .try = try_ipv6, .roles = PROBE_ALL,
         .useful = true, .without = "nothing with an IPv6 address can be reached"},
        {OTHER, .name = "landlock", .about = "Landlock",
         .option = "CONFIG_SECURITY_LANDLOCK, and landlock in CONFIG_LSM", .try = try_landlock,
         .roles = PROBE_ALL, .useful = true,
         .without = "an agent that was taken over could open files that it does not need"},
        {OTHER, .name = "landlock-scopes", .about = "Landlock's scopes",
         .option = "CONFIG_SECURITY_LANDLOCK since Linux 6.12", .try = try_landlock_scopes, .roles = PROBE_ALL,
         .useful = true,
         .without = "the agent's process that reads strangers' octets could, taken over, signal its other one"},
        {OTHER, .name = "seccomp", .about = "seccomp filters", .option = "CONFIG_SECCOMP_FILTER",
         .try = try_filters, .roles = PROBE_ALL, .useful = true,
         .without = "an agent that was taken over could make any system call"},
        {.without = NULL},
};
_Static_assert(sizeof probe_features / sizeof *probe_features <= PROBE_FEATURES_MAX, "room in probe_result");

const char *probe_name(const struct probe_feature *feature)
{
	return feature->name ? feature->name : nft_feature_info(feature->nft)->name;
}

const char *probe_about(const struct probe_feature *feature)
{
	return feature->about ? feature->about : nft_feature_info(feature->nft)->about;
}

const char *probe_option(const struct probe_feature *feature)
{
	return feature->option ? feature->option : nft_feature_info(feature->nft)->option;
}
