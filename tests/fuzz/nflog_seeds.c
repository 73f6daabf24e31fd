// SPDX-License-Identifier: GPL-2.0-or-later
//
// Datagrams for the fuzz target `nflog`: those that the unit tests have from a real kernel.
#include "seeds.h"

#include "../unit/drops/recorded.h"

void make_seeds(void)
{
	seed("tcp4-syn", recorded_tcp4_syn, sizeof recorded_tcp4_syn);
	seed("udp6", recorded_udp6, sizeof recorded_udp6);
	seed("ping4", recorded_ping4, sizeof recorded_ping4);
	seed("udp6-extensions", recorded_udp6_extensions, sizeof recorded_udp6_extensions);
	seed("udp4-options", recorded_udp4_options, sizeof recorded_udp4_options);
	seed("tcp4-out", recorded_tcp4_out, sizeof recorded_tcp4_out);
	seed("six-together", recorded_six_together, sizeof recorded_six_together);
	seed("bridge-arp", recorded_bridge_arp, sizeof recorded_bridge_arp);
	seed("bridge-lldp", recorded_bridge_lldp, sizeof recorded_bridge_lldp);
	seed("bridge-udp4", recorded_bridge_udp4, sizeof recorded_bridge_udp4);
	seed("connection-tcp4", recorded_connection_tcp4, sizeof recorded_connection_tcp4);
	seed("connection-udp6", recorded_connection_udp6, sizeof recorded_connection_udp6);
}
