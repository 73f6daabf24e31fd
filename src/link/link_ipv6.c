// SPDX-License-Identifier: GPL-2.0-or-later
//
// IPv6 gives an interface an address as soon as it is up, and another one when a router says so, asked or not:
// a box between two networks would be seen by both. rtnetlink can keep it from the first; the second is a
// setting below /proc only.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link/link.h"
#include "link/link_talk.h"

int link_ipv6_folder(const struct link *link)
{
	return link->ipv6;
}

// Writes a setting unless it is so already. 0, -ENOENT the interface has no IPv6, or -errno.
static int set(const struct link *link, const char *name, const char *key, char value)
{
	char path[LINK_NAME_MAX + 32], now = 0;
	int error = 0;
	snprintf(path, sizeof path, "%s/%s", name, key);
	int fd = openat(link->ipv6, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, &now, 1) < 0)
		error = -errno;
	close(fd);
	if (error || now == value)
		return error;
	fd = openat(link->ipv6, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, &value, 1) != 1)
		error = errno ? -errno : -EIO;
	close(fd);
	return error;
}

static int set_link_local(struct link *link, const struct link_interface *interface, bool makes)
{
	struct link_message message;
	link_message_link_local(&message, interface->index, makes);
	int error = link_ask(link, &message, NULL, NULL);
	// It has no IPv6 at all: booted without, or too small an MTU.
	return error == -EAFNOSUPPORT || error == -EOPNOTSUPP ? 0 : error;
}

int link_ipv6(struct link *link, const struct link_interface *interface, bool on, struct problems *problems)
{
	int error = 0;
	link->said[0] = '\0';
	if (link->ipv6 < 0)
		return 0;
	if (interface->link_local != on)
		error = set_link_local(link, interface, on);
	if (!error)
		error = set(link, interface->name, "accept_ra", '0');
	if (!error)
		error = set(link, interface->name, "disable_ipv6", on ? '0' : '1');
	if (!error || error == -ENOENT)
		return 0;
	link_complain(link, problems, error, on ? "set up IPv6 on" : "keep IPv6 off", interface->name,
	              error == -EROFS || error == -EACCES
	                      ? "leadglassd has to be able to write /proc/sys/net/ipv6/conf"
	                      : NULL);
	return error;
}
