// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keeper's distrust of the outside process: it reads what strangers send and may have been taken over by
// it.
#include "agent/agent_outside_message.h"

#include <limits.h>

#define SECONDS_MAX (INT64_C(1) << 40)
#define PORTS_ALL 65536
#define ERROR_MAX 4095

// As an octet: a bool of another value than 0 and 1 may not even be looked at.
static bool good_bool(const bool *b)
{
	return *(const unsigned char *)b <= 1;
}

static bool good_prefix(const struct prefix *p, bool may_be_none)
{
	if (p->family != ADDRESS_IPV4 && p->family != ADDRESS_IPV6)
		return false;
	if (p->length != 0 && p->length != (p->family == ADDRESS_IPV4 ? 32 : 128))
		return false;
	if (p->length == 0 && !may_be_none)
		return false;
	for (size_t i = p->length / 8; i < sizeof p->octets; i++)
		if (p->octets[i] != 0)
			return false;
	return true;
}

static bool good_text(const char *text, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		if (text[i] == '\0')
			return true;
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return false;
}

static const char *check_row(const struct outside_row *item)
{
	const struct drops_record *first = &item->row.first;
	if (item->index >= DROPS_ROWS_MAX)
		return "a row outside the table";
	if (!good_text(first->prefix, sizeof first->prefix))
		return "a log prefix that is no text";
	if (!good_prefix(&first->source, true) || !good_prefix(&first->destination, true))
		return "an address that is none";
	if (!good_bool(&first->ports_known) || !good_bool(&first->mac_known))
		return "a flag that is neither 0 nor 1";
	if (first->in_interface > INT_MAX || first->out_interface > INT_MAX)
		return "an interface that cannot be";
	if (item->row.count == 0 || item->row.port_count > PORTS_ALL)
		return "a count that cannot be";
	if (item->row.first_seen < 0 || item->row.first_seen > SECONDS_MAX || item->row.last_seen < 0 ||
	    item->row.last_seen > SECONDS_MAX)
		return "a time that cannot be";
	return NULL;
}

static const char *check_connection(const struct outside_connection *c)
{
	if (!good_prefix(&c->source, false) || !good_prefix(&c->destination, false) ||
	    c->source.family != c->destination.family)
		return "an address that is none";
	return c->count == 0 ? "a count that cannot be" : NULL;
}

static const char *check_state(const struct outside_state *s, size_t collectors)
{
	if (s->count != collectors)
		return "another number of collectors";
	for (size_t i = 0; i < collectors; i++) {
		const struct outside_collector_report *c = &s->collectors[i];
		if (c->state > OUTSIDE_UP || c->wants_local > 1 || c->error < 0 || c->error > ERROR_MAX)
			return "a collector's state that cannot be";
	}
	return NULL;
}

const char *outside_check(const union outside_message *message, size_t size, size_t collectors)
{
	const char *wrong = NULL;
	if (size < offsetof(struct outside_rows, items))
		return "a message too short";
	switch (message->kind) {
	case OUTSIDE_ROWS:
		if (message->rows.count == 0 || message->rows.count > OUTSIDE_ROWS_MAX ||
		    size != offsetof(struct outside_rows, items) +
		                    message->rows.count * sizeof message->rows.items[0])
			return "a message of the wrong size";
		for (size_t i = 0; i < message->rows.count && !wrong; i++)
			wrong = check_row(&message->rows.items[i]);
		return wrong;
	case OUTSIDE_CONNECTIONS:
		if (message->connections.count == 0 || message->connections.count > OUTSIDE_CONNECTIONS_MAX ||
		    size != offsetof(struct outside_connections, items) +
		                    message->connections.count * sizeof message->connections.items[0])
			return "a message of the wrong size";
		for (size_t i = 0; i < message->connections.count && !wrong; i++)
			wrong = check_connection(&message->connections.items[i]);
		return wrong;
	case OUTSIDE_STATE:
		if (size != sizeof message->state)
			return "a message of the wrong size";
		return check_state(&message->state, collectors);
	default:
		return "a message of an unknown kind";
	}
}
