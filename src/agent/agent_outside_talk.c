// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reports, put together from the table of drops, a small table of connections and the collectors' states. What
// changes while nobody reads them changes the next report: a slow keeper costs no memory.
#include "agent/agent_outside_talk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int talk_init(struct talk *talk, int fd)
{
	memset(talk, 0, sizeof *talk);
	talk->fd = fd;
	talk->state.kind = OUTSIDE_STATE;
	talk->told_at = INT64_MIN / 2;
	talk->table = drops_table_new();
	return talk->table ? 0 : -ENOMEM;
}

void talk_fini(struct talk *talk)
{
	drops_table_free(talk->table);
}

void talk_drop(struct talk *talk, const struct drops_record *record, int64_t unix_now)
{
	drops_table_add(talk->table, record, unix_now);
	talk->state.heard++;
	talk->rows_changed = true;
}

static bool same_connection(const struct outside_connection *a, const struct drops_connection *b)
{
	return a->protocol == b->protocol && a->port == b->port && prefix_equal(&a->source, &b->source) &&
	       prefix_equal(&a->destination, &b->destination);
}

static size_t hash_connection(const struct drops_connection *c)
{
	uint32_t hash = 2166136261u ^ c->port ^ (uint32_t)c->protocol << 16;
	for (size_t i = 0; i < sizeof c->source.octets; i++) {
		hash = (hash ^ c->source.octets[i]) * 16777619u;
		hash = (hash ^ c->destination.octets[i]) * 16777619u;
	}
	return hash ^ hash >> 16;
}

void talk_connection(struct talk *talk, const struct drops_connection *connection)
{
	size_t at = hash_connection(connection) % TALK_CONNECTIONS;
	while (talk->connections[at].count > 0 && !same_connection(&talk->connections[at], connection))
		at = (at + 1) % TALK_CONNECTIONS;
	struct outside_connection *c = &talk->connections[at];
	if (c->count == 0) {
		if (talk->connection_count ==
		    TALK_CONNECTIONS - 1) { // one place stays free, for the search to end
			talk->state.connection_overruns++;
			return;
		}
		talk->connection_count++;
		c->source = connection->source;
		c->destination = connection->destination;
		c->protocol = connection->protocol;
		c->port = connection->port;
	}
	if (c->count < UINT32_MAX)
		c->count++;
}

// ---- telling ----

static bool anything(const struct talk *talk)
{
	return talk->message_size > 0 || talk->rows_changed || talk->connection_count > 0 ||
	       memcmp(&talk->state, &talk->told_state, sizeof talk->state) != 0;
}

static bool next_rows(struct talk *talk)
{
	struct outside_rows *rows = &talk->message.rows;
	size_t index = 0;
	if (!talk->rows_changed)
		return false;
	memset(rows, 0, sizeof *rows);
	rows->kind = OUTSIDE_ROWS;
	while (rows->count < OUTSIDE_ROWS_MAX &&
	       (index = drops_table_changed(talk->table, index)) < DROPS_ROWS_MAX) {
		rows->items[rows->count].index = (uint32_t)index;
		rows->items[rows->count].row = *drops_table_row(talk->table, index);
		rows->count++;
	}
	if (rows->count < OUTSIDE_ROWS_MAX)
		talk->rows_changed = false;
	talk->message_size = offsetof(struct outside_rows, items) + rows->count * sizeof rows->items[0];
	return rows->count > 0;
}

static bool next_connections(struct talk *talk)
{
	struct outside_connections *connections = &talk->message.connections;
	if (talk->connection_count == 0)
		return false;
	memset(connections, 0, sizeof *connections);
	connections->kind = OUTSIDE_CONNECTIONS;
	// Removed while nothing is added in between: all are taken out before the next is looked for. A message
	// that has to wait leaves holes, and a hole at worst makes two entries of one.
	for (size_t i = 0; i < TALK_CONNECTIONS && connections->count < OUTSIDE_CONNECTIONS_MAX; i++) {
		if (talk->connections[i].count == 0)
			continue;
		connections->items[connections->count++] = talk->connections[i];
		talk->connections[i] = (struct outside_connection){0};
		talk->connection_count--;
	}
	talk->message_size =
	        offsetof(struct outside_connections, items) + connections->count * sizeof connections->items[0];
	return connections->count > 0;
}

static bool next_state(struct talk *talk)
{
	talk->state.forgotten = drops_table_forgotten(talk->table);
	if (memcmp(&talk->state, &talk->told_state, sizeof talk->state) == 0)
		return false;
	talk->message.state = talk->told_state = talk->state;
	talk->message_size = sizeof talk->message.state;
	return true;
}

bool talk_run(struct talk *talk, int64_t now)
{
	// The message that waits has a right to be sent at any time.
	if (talk->message_size == 0 && (!anything(talk) || now < talk->told_at + TALK_EVERY))
		return true;
	while (talk->message_size > 0 || next_rows(talk) || next_connections(talk) || next_state(talk)) {
		ssize_t n = send(talk->fd, &talk->message, talk->message_size, MSG_DONTWAIT | MSG_NOSIGNAL);
		talk->blocked = n < 0 && (errno == EAGAIN || errno == EINTR);
		if (talk->blocked)
			return true;
		if (n < 0)
			return false;
		talk->message_size = 0;
	}
	talk->message_size = 0;
	talk->told_at = now;
	return true;
}

int64_t talk_next(const struct talk *talk)
{
	return talk->blocked || !anything(talk) ? INT64_MAX : talk->told_at + TALK_EVERY;
}
