// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy read naively: what it grants, peer by peer and service by service, as rows of who may open what to
// whom; and the sentences of leadglass-policy(5) that say what becomes of a packet, in their order. Written
// from that page, not from the compiler, so that a mistake there is not made here a second time. Private to
// src/prove.
#ifndef LEADGLASS_PROVE_PROVE_READING_H
#define LEADGLASS_PROVE_PROVE_READING_H

#include "prove/prove_question.h"

// Rows of our own: all first values of a row, then all last ones, unpadded, and its place until they are
// sorted.
struct prove_rows {
	struct prove_relation relation;
	uint8_t *octets;
	size_t capacity;
	source_pos *places;
	uint32_t *furthest;
};

// Whose connections: role host knows only the box, which is the device.
enum prove_whose {
	PROVE_BOX,
	PROVE_DEVICES,
};

enum prove_kind {
	PROVE_TCP,
	PROVE_UDP,
	PROVE_PING, // rows have no port
	PROVE_KINDS,
};

// Who may open what to whom: `loose` far end and port, the near end being any address of the box; `tied`
// client, server and port.
struct prove_grants {
	struct prove_rows loose, tied;
};

struct prove_reading {
	const struct policy *policy;
	struct prove_grants grants[2][2][2][PROVE_KINDS]; // enum prove_whose, inbound, family
	struct prove_rows manage[2];                      // family: client and port
	struct prove_rows manage_interfaces;
	struct prove_rows servers[2][2]; // enum prove_whose, family: DHCP servers that are named
	bool dhcp[2];                    // enum prove_whose
	// Role bridge: devices' addresses; those that belong to one MAC; MAC and address; all MACs given, and
	// those of devices with an IPv6 address; solicited-node groups (RFC 4291 2.7.1).
	struct prove_rows addresses[2], tied_addresses[2], ties[2], macs, macs6, groups;
	bool untied6; // a device has an IPv6 address and no MAC
	size_t windows;
	int error;
};

// Reads a policy, and the service windows that are open in the ruleset. 0 or -ENOMEM.
int prove_read(struct prove_reading *r, const struct policy *policy, const struct ruleset *ruleset);
void prove_reading_fini(struct prove_reading *r);
size_t prove_reading_size(struct prove_reading *r); // rows in all

// Writes the policy's side of the question for a shape.
void prove_sentences(const struct prove_reading *r, const struct prove_shape *shape, struct prove_question *q);

// Within: what role bridge says of frames that cross (prove_reading_bridge.c), and what is said of connections
// wherever they pass (prove_reading_flow.c).
void prove_sentences_bridge(const struct prove_reading *r, const struct prove_shape *shape,
                            struct prove_question *q);
// Invalid, untracked, errors: true when that was all there is to say.
bool prove_sentences_state(const struct prove_shape *shape, struct prove_question *q);
void prove_sentences_dhcp(const struct prove_reading *r, const struct prove_shape *shape,
                          enum prove_whose whose, struct prove_question *q);
void prove_sentences_grants(const struct prove_reading *r, const struct prove_shape *shape,
                            enum prove_whose whose, bool inbound, struct prove_question *q);

// A sentence: begin, what it asks, end.
void prove_sentence_end(struct prove_question *q, bool accepts, const char *text);
void prove_ask_rows(struct prove_question *q, const struct prove_rows *rows, enum prove_variable a,
                    enum prove_variable b, enum prove_variable c);
void prove_ask_octet(struct prove_question *q, enum prove_variable variable, uint8_t value);
void prove_ask_types(struct prove_question *q, const uint8_t *types, size_t count); // of ICMP
void prove_ask_port(struct prove_question *q, enum prove_variable variable, uint16_t port);

#endif
