// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the outside process reads: datagrams of NFLOG and of conntrack, with packets of strangers in them. The
// records go into the table of drops, and what would be told of it to the keeper must be what the keeper takes.
#include "readable.h"

#include <string.h>

#include "agent/agent_outside_message.h"
#include "base/address.h"
#include "drops/drops.h"
#include "drops/drops_connection.h"

static struct drops_table *table;
static int64_t now;

static void hold_exact(const struct prefix *p, bool may_be_none)
{
	static const uint8_t none[16];
	if (may_be_none && p->length == 0)
		FUZZ_HOLDS(memcmp(p->octets, none, sizeof none) == 0);
	else
		FUZZ_HOLDS(prefix_is_exact(p));
}

// A row as the outside process would send it.
static void hold_message(size_t index, const struct drops_row *row)
{
	static union outside_message message;
	message.rows.kind = OUTSIDE_ROWS;
	message.rows.count = 1;
	message.rows.items[0] = (struct outside_row){.index = (uint32_t)index, .row = *row};
	const size_t size = offsetof(struct outside_rows, items) + sizeof message.rows.items[0];
	// Interfaces have numbers the kernel gives, which are positive as an int.
	const bool possible = row->first.in_interface <= INT32_MAX && row->first.out_interface <= INT32_MAX;
	FUZZ_HOLDS(!outside_check(&message, size, 1) || !possible);
}

static void take_record(void *context, const struct drops_record *record)
{
	(void)context;
	hold_exact(&record->source, true);
	hold_exact(&record->destination, true);
	FUZZ_HOLDS(record->source.family == record->destination.family &&
	           record->source.length == record->destination.length);
	FUZZ_HOLDS(memchr(record->prefix, '\0', sizeof record->prefix));
	hold_readable(record->prefix, strlen(record->prefix));
	FUZZ_HOLDS(record->ports_known || (record->port == 0 && record->source_port == 0));
	now += record->icmp_type % 3 ? 1 : 3600;
	size_t index = drops_table_add(table, record, now);
	const struct drops_row *row = index < DROPS_ROWS_MAX ? drops_table_row(table, index) : NULL;
	FUZZ_HOLDS(row && row->count > 0 && row->last_seen == now && row->first_seen <= now);
	FUZZ_HOLDS(prefix_equal(&row->first.source, &record->source));
	FUZZ_HOLDS(drops_table_changed(table, 0) <= index);
	hold_message(index, row);
}

static void take_connection(void *context, const struct drops_connection *connection)
{
	static union outside_message message;
	(void)context;
	hold_exact(&connection->source, false);
	hold_exact(&connection->destination, false);
	message.connections.kind = OUTSIDE_CONNECTIONS;
	message.connections.count = 1;
	message.connections.items[0] = (struct outside_connection){.source = connection->source,
	                                                           .destination = connection->destination,
	                                                           .protocol = connection->protocol,
	                                                           .port = connection->port,
	                                                           .count = 1};
	FUZZ_HOLDS(!outside_check(
	        &message, offsetof(struct outside_connections, items) + sizeof message.connections.items[0],
	        1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t bad = 0;
	// One table for all inputs: it is full most of the time, and making one takes longer than all the rest.
	// Should an input fail only after others, they are to be given to the program together.
	if (!table)
		table = drops_table_new();
	FUZZ_HOLDS(table);
	drops_read(data, size, take_record, NULL, &bad);
	drops_read_connections(data, size, take_connection, NULL, &bad);
	return 0;
}
