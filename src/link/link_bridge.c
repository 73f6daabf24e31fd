// SPDX-License-Identifier: GPL-2.0-or-later
//
// A bridge that passes on what comes, and takes no part in anything itself.
#include <errno.h>
#include <stdio.h>

#include "link/link.h"
#include "link/link_talk.h"

int link_bridge_make(struct link *link, const char *name, uint16_t forwards, struct problems *problems)
{
	struct link_message message;
	link_message_bridge(&message, name, forwards);
	int error = link_ask(link, &message, NULL, NULL);
	if (error)
		link_complain(link, problems, error, "make the bridge", name,
		              error == -EOPNOTSUPP ? "this kernel has no bridges (CONFIG_BRIDGE, module bridge)"
		                                   : NULL);
	return error;
}

bool link_bridge_is(const struct link_interface *bridge, uint16_t forwards)
{
	return !bridge->stp && !bridge->snooping && bridge->forwards == forwards;
}

int link_bridge_set(struct link *link, const struct link_interface *bridge, uint16_t forwards,
                    struct problems *problems)
{
	struct link_message message;
	link_message_bridge_set(&message, bridge->index, forwards);
	return link_do(link, &message, problems, "set up the bridge", bridge->name);
}
