// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a record says of the packet itself, from its first octets. Private to src/drops.
#ifndef LEADGLASS_DROPS_DROPS_PACKET_H
#define LEADGLASS_DROPS_DROPS_PACKET_H

#include "drops/drops.h"
#include "drops/drops_cursor.h"

// Reads the packet from its network header on, as record->ether_type says; a copy that is cut off is read as
// far as it goes. Fills in addresses, protocol, ports and ICMP type.
void drops_read_packet(struct drops_cursor packet, struct drops_record *record);

#endif
