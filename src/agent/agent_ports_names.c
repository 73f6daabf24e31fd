// SPDX-License-Identifier: GPL-2.0-or-later
//
// The list of ports as it is given to --ports.
#include <stdio.h>
#include <string.h>

#include "agent/agent_ports.h"

#define EXAMPLE "--ports device,hospital"

static bool good_name(const char *name)
{
	// The last two are folders of settings for all interfaces, and no names of any.
	static const char *const others[] = {"", ".", "..", AGENT_PORTS_BRIDGE, "lo", "all", "default"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(name, others[i]) == 0)
			return false;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == '/' || *c == ':')
			return false;
	return true;
}

const char *agent_ports_parse(const char *names, struct agent_port *ret, size_t *ret_count)
{
	size_t count = 0;
	*ret_count = 0;
	for (bool more = true; more; count++) {
		const size_t size = strcspn(names, ",");
		if (count == AGENT_PORTS_MAX)
			return "at most 8 ports";
		if (size > LINK_NAME_MAX)
			return "the name of an interface has at most 15 characters";
		ret[count] = (struct agent_port){0};
		memcpy(ret[count].name, names, size);
		if (!good_name(ret[count].name))
			return "names of interfaces, with a comma between them, and not the bridge's "
			       "own: " EXAMPLE;
		for (size_t i = 0; i < count; i++)
			if (strcmp(ret[i].name, ret[count].name) == 0)
				return "one port twice";
		more = names[size] == ',';
		names += size + more;
	}
	if (count < 2)
		return "a bridge has at least two ports: " EXAMPLE;
	*ret_count = count;
	return NULL;
}
