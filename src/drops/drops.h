// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who was turned away: NFLOG messages become records, records become rows of a bounded table. No socket, no
// clock: both belong to the caller. The octets come from the network by way of the kernel and are trusted in
// nothing.
#ifndef LEADGLASS_DROPS_DROPS_H
#define LEADGLASS_DROPS_DROPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

#define DROPS_ROWS_MAX 256
#define DROPS_PREFIX_MAX 44
#define DROPS_PORTS_KEPT 4 // ports named in a row; more are only counted

// One packet that was logged.
struct drops_record {
	char prefix[DROPS_PREFIX_MAX];     // of the log rule: "leadglass input spoofed: "
	struct prefix source, destination; // exact; length 0 when it was no IP packet, or cut off before them
	uint16_t ether_type;               // host order; 0 unknown
	uint8_t protocol;                  // transport, after any extension headers; 0 unknown
	bool ports_known;                  // source_port and port are there
	uint16_t source_port, port;        // host order; port is the destination's
	uint8_t icmp_type;
	uint32_t in_interface, out_interface; // indices; 0 none
	uint8_t mac[6];                       // the frame's sender, where the kernel says it (mac_known)
	bool mac_known;
};

// Reads every NFLOG packet of a netlink datagram of NETLINK_NETFILTER and gives it to `report`. Malformed
// messages are counted in *ret_bad, never an error.
void drops_read(const void *datagram, size_t size,
                void (*report)(void *context, const struct drops_record *record), void *context,
                size_t *ret_bad);

// One line of the table: the same source, destination, transport and log prefix. Source ports do not count, and
// a scan of many ports is one row. What is no IP packet goes by ether type, source and MAC: who asks by ARP for
// every address is one row too.
struct drops_row {
	struct drops_record first; // the first packet of the row
	uint64_t count; // packets logged (the kernel logs at a bounded rate; its counters have them all)
	uint16_t ports[DROPS_PORTS_KEPT]; // destination ports, the first ones seen
	uint32_t port_count;              // different ones: exact up to 256, an estimate (some 15 %) beyond
	int64_t first_seen, last_seen;    // seconds since 1970
};

struct drops_table;
struct drops_table *drops_table_new(void); // NULL: out of memory; everything it ever needs is allocated here
void drops_table_free(struct drops_table *table);

// Counts one packet. The row's index, below DROPS_ROWS_MAX. A full table gives up the row that was seen longest
// ago, where one of many packets counts as seen later than it was: 10 minutes for 2, an hour for 8, six for 64,
// a day for 1,024. The cost of a packet does not depend on who sent the others.
size_t drops_table_add(struct drops_table *table, const struct drops_record *record, int64_t now);
const struct drops_row *drops_table_row(const struct drops_table *table, size_t index); // NULL: not in use
// Rows changed since it was last asked: the lowest such index at or after `from`, taken off the list;
// DROPS_ROWS_MAX: none.
size_t drops_table_changed(struct drops_table *table, size_t from);
uint64_t drops_table_forgotten(const struct drops_table *table); // rows given up

#endif
