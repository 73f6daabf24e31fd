// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a netlink port to a process: /proc/net/netlink gives the socket's inode, and some process has it open.
#include "nft/nft_owner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>

static bool find_inode(uint32_t port, unsigned long *ret)
{
	char line[256];
	bool found = false;
	FILE *file = fopen("/proc/self/net/netlink", "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof line, file)) {
		unsigned protocol;
		uint32_t its_port;
		// sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
		found = sscanf(line, "%*s %u %" SCNu32 " %*s %*s %*s %*s %*s %*s %lu", &protocol, &its_port,
		               ret) == 3 &&
		        protocol == NETLINK_NETFILTER && its_port == port;
	}
	fclose(file);
	return found;
}

static bool has_open(const char *pid, const char *wanted)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	DIR *folder = opendir(path);
	if (!folder)
		return false;
	bool found = false;
	struct dirent *entry;
	while (!found && (entry = readdir(folder))) {
		char target[64];
		ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
		if (size < 0)
			continue;
		target[size] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(folder);
	return found;
}

static void read_name(const char *pid, char name[static 16])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, name, 15);
	if (fd >= 0)
		close(fd);
	name[size > 0 ? size : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c; c++) // it is what the process likes to be called
		if (*c < ' ' || *c > '~')
			*c = '?';
}

// The kernel gives the first netlink socket of a process the process's number as its port.
static bool guess(uint32_t port, struct nft_owner *ret)
{
	char pid[16];
	snprintf(pid, sizeof pid, "%" PRIu32, port);
	*ret = (struct nft_owner){.pid = (int)port};
	if (port <= INT32_MAX)
		read_name(pid, ret->name);
	return ret->name[0] != '\0';
}

bool nft_owner_find(uint32_t port, struct nft_owner *ret)
{
	unsigned long inode;
	char wanted[64];
	if (!find_inode(port, &inode))
		return false;
	snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
	DIR *folder = opendir("/proc");
	if (!folder)
		return guess(port, ret);
	bool found = false;
	struct dirent *entry;
	while (!found && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !has_open(entry->d_name, wanted))
			continue;
		ret->pid = (int)strtol(entry->d_name, NULL, 10);
		read_name(entry->d_name, ret->name);
		ret->sure = found = true;
	}
	closedir(folder);
	return found || guess(port, ret);
}
