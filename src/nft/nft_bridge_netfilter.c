// SPDX-License-Identifier: GPL-2.0-or-later
//
// br_netfilter, which takes bridged frames through other people's rules.
#include "nft/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "base/problem.h"

#define KERNEL_EVENTS 1u // multicast group of the kernel's own uevents; udev's are another
#define HEARD_MAX 1024   // datagrams taken at once

static int exists(const char *folder, const char *name)
{
	char path[256];

	if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
		return -ENAMETOOLONG;
	// faccessat and not stat: Landlock and the keeper's system calls allow it under any path.
	if (faccessat(AT_FDCWD, path, F_OK, 0) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

int nft_bridge_netfilter_loaded(const char *proc_sys_net)
{
	int r = exists(proc_sys_net, "core");

	// Where nothing at all is shown, nothing shown of bridges is no answer.
	return r > 0 ? exists(proc_sys_net, "bridge") : r < 0 ? r : -ENOENT;
}

int nft_bridge_netfilter_refuse(const struct policy *policy, const char *proc_sys_net,
                                struct problems *problems)
{
	bool crosses = policy->role == POLICY_ROLE_BRIDGE && (policy->device_count > 0 || policy->pass);
	int r = crosses ? nft_bridge_netfilter_loaded(proc_sys_net) : 0;

	if (r == 0)
		return 0;
	if (r < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "mount proc at /proc, as every system does",
		             "cannot tell whether the kernel module br_netfilter is loaded: %s/core: %s",
		             proc_sys_net, strerror(-r));
		return r;
	}
	problem_add(problems, PROBLEM_ERROR, 0, 0,
	            "the kernel module br_netfilter is loaded: role bridge is not put up beside it, because it "
	            "takes bridged frames through the rules of iptables and family inet, past what stands in "
	            "family bridge",
	            "unload it (modprobe -r br_netfilter) and keep whatever loads it, such as Docker, off "
	            "this machine; a kernel that has it built in does not serve");
	return -EEXIST;
}

int nft_bridge_netfilter_watch(void)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_EVENTS};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	int error;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

// "add@/module/br_netfilter", and after its NUL what nobody here needs.
static bool is_ours(const char *event)
{
	const char *path = strchr(event, '@');

	return path && strcmp(path, "@/module/br_netfilter") == 0;
}

bool nft_bridge_netfilter_heard(int fd)
{
	bool heard = false;
	char event[64];

	for (size_t i = 0; i < HEARD_MAX; i++) {
		ssize_t got = recv(fd, event, sizeof event - 1, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != ENOBUFS)
			break;
		event[got < 0 ? 0 : got] = '\0';
		heard = heard || got < 0 || is_ours(event); // some were lost: it may have been among them
	}
	return heard;
}
