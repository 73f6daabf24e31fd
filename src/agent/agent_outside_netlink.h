// SPDX-License-Identifier: GPL-2.0-or-later
//
// The two netlink sockets that the outside process reads. Only the keeper may open them (CAP_NET_ADMIN).
// Private to src/agent/agent_outside*.c.
#ifndef LEADGLASS_AGENT_AGENT_OUTSIDE_NETLINK_H
#define LEADGLASS_AGENT_AGENT_OUTSIDE_NETLINK_H

#include <stdint.h>

// A socket that gets what is logged into `group`. The descriptor, or -errno: -EBUSY another program has the
// group, -EPERM no CAP_NET_ADMIN, -EOPNOTSUPP this kernel has no NFLOG.
int outside_open_nflog(uint16_t group);
// A socket that hears of new connections. The descriptor or -errno.
int outside_open_conntrack(void);

#endif
