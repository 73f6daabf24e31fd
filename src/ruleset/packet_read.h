// SPDX-License-Identifier: GPL-2.0-or-later
//
// Inside packet_parse: a flow as it was written, before what the kernel would know of it is filled in. Private
// to src/ruleset/packet*.c.
#ifndef LEADGLASS_RULESET_PACKET_READ_H
#define LEADGLASS_RULESET_PACKET_READ_H

#include "ruleset/packet.h"

#define PACKET_ARP_TYPE 0x0806

// One end of a flow.
struct packet_end {
	struct prefix address;
	uint16_t port;
	bool has_port;
	size_t word;
};

// PROTO SRC DST: once for the packet, a second time for the connection an ICMP error is about.
struct packet_flow {
	bool arp, frame, has_type;
	uint16_t ether_type; // of a frame that is neither IP nor ARP; it has no ends
	uint8_t protocol, type;
	uint16_t arp_operation;
	struct packet_end source, destination;
	size_t word;
};

struct packet_options {
	bool established, reply, related, invalid, spoofed, mac;
	size_t reply_word, related_word;
	struct packet_flow about; // related
};

struct packet_reader {
	const struct policy *policy;
	char *const *words;
	size_t count, at;
	char *message;
	size_t message_size;
	size_t *ret_word;
};

// Reads all words. 0, or -EINVAL with the message written. Sets hook, table, interfaces and a given MAC in
// `ret`, the rest is in `flow` and `options`.
int packet_read(struct packet_reader *r, struct packet_flow *flow, struct packet_options *options,
                struct packet *ret);

// packet_read_frame.c: a word that is a kind of frame; `kind` is it up to a slash, `type` what follows or NULL.
// False: it is none.
bool packet_read_frame(struct packet_reader *r, const char *kind, const char *type, struct packet_flow *flow,
                       int *ret_result);
int packet_read_fail(struct packet_reader *r, size_t word, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
