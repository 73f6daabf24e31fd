// SPDX-License-Identifier: GPL-2.0-or-later
//
// The counters of agent_peers.c one by one, for who wants a part of them.
#ifndef LEADGLASS_AGENT_AGENT_PEERS_H
#define LEADGLASS_AGENT_AGENT_PEERS_H

#include <stddef.h>

struct agent;
struct control_peer;

// As last sampled: peers, then services, then manage, in the order of the policy.
size_t agent_peers_count(const struct agent *agent);
void agent_peers_row(const struct agent *agent, size_t index, struct control_peer *ret);

#endif
