// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inside ruleset_reason: one packet as a question to the policy, and the words answers are made of. Private to
// src/ruleset/ruleset_reason*.c.
#ifndef LEADGLASS_RULESET_RULESET_REASON_H
#define LEADGLASS_RULESET_RULESET_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "ruleset/packet.h"

// Who opens what to whom. `local` is the protected end as far as the policy tells which of the two that is.
struct question {
	const struct policy *policy;
	const struct packet *packet;
	struct buffer *out;
	const struct prefix *local, *remote;
	const struct policy_device *device; // whose address `local` is; NULL: none, or the policy gives none
	bool inbound;                       // the remote end opens it
	bool devices;                       // it concerns the devices: peers and their services
	bool box;                           // it concerns the box itself: manage and its services
};

// ruleset_reason.c
void reason_place(const struct policy *policy, source_pos at,
                  struct buffer *out); // " (policy.conf:14)" or nothing
void reason_word(const struct word *word, struct buffer *out);
void reason_address(const struct prefix *address, struct buffer *out);
void reason_span(const struct policy *policy, struct span prefixes,
                 struct buffer *out); // "10.20.0.5 or 10.20.9.0/24"
void reason_ports(const struct policy *policy, struct span ports, struct buffer *out); // "104 or 11112"
void reason_device(const struct question *q, struct buffer *out);                      // "ct-3", "the device"
const struct policy_device *reason_find_device(const struct policy *policy, const struct prefix *address);
bool reason_covers(const struct policy *policy, struct span prefixes, const struct prefix *address);
bool reason_has_port(const struct policy *policy, struct span ports, uint16_t port);
bool reason_peer_has_device(const struct policy *policy, const struct policy_peer *peer,
                            const struct policy_device *device);
// Ports at which this peer may call: those of the device asked about, else of every device it is for.
bool reason_device_port(const struct question *q, const struct policy_peer *peer, uint16_t port);

// ruleset_reason_peer.c
enum reason_near {
	NEAR_NOTHING, // the remote end is not this peer
	NEAR_DEVICE,  // the peer is not for this device
	NEAR_DIRECTION,
	NEAR_PORT,
	NEAR_ALL, // it is allowed, as far as peers go
};

enum reason_near reason_nearest_peer(const struct question *q, const struct policy_peer **ret_peer);
void reason_peer(const struct question *q, enum reason_near nearness, const struct policy_peer *peer);
void reason_stranger(const struct question *q);
void reason_no_device(const struct question *q); // no end is one that is needed
// For a remote end that is no peer. False: the ends are not the wrong way round, or are not two devices.
bool reason_swapped(const struct question *q);
bool reason_between_devices(const struct question *q);

// ruleset_reason_flow.c: why no line of the policy allows the connection.
void reason_flow(const struct question *q);

// ruleset_reason_link.c: frames and discovery. False: it is about neither.
bool reason_link(const struct question *q, const struct outcome *outcome);

#endif
