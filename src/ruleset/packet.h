// SPDX-License-Identifier: GPL-2.0-or-later
//
// One packet as the wall sees it, and what the wall says to it.
#ifndef LEADGLASS_RULESET_PACKET_H
#define LEADGLASS_RULESET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ruleset/ruleset.h"

#define PACKET_802_2 0x0004 // the kernel's ether_type (ETH_P_802_2) of frames that have a length in its place

// A packet with what conntrack and routing know of it. Whole datagrams: the kernel reassembles fragments
// before the wall sees them.
struct packet {
	enum ruleset_hook hook;    // INPUT ("in"), OUTPUT ("out"), FORWARD
	enum ruleset_family table; // RULESET_BRIDGE: a frame crossing the bridge
	uint16_t ether_type;       // host order; 0x0800, 0x86dd, 0x0806, ...
	struct mac ether_source, ether_destination;
	uint8_t llc[3];                    // PACKET_802_2: DSAP, SSAP, control
	struct prefix source, destination; // exact; for ARP the protocol addresses
	uint8_t arp_format[6];             // ARP: hardware and protocol type, lengths of their addresses
	uint16_t arp_operation;
	struct mac arp_source;                    // the sender as the ARP message says, not as the frame does
	uint8_t protocol;                         // IPPROTO_TCP, ...: the transport after any extension headers
	uint16_t source_port, destination_port;   // host order; tcp, udp
	bool source_port_given;                   // it was written, packet_parse did not choose it
	uint8_t icmp_type;                        // icmp, icmpv6
	uint8_t hop_limit;                        // TTL or hop limit
	char in_interface[16], out_interface[16]; // "" when unknown
	bool loopback;                            // over lo
	bool spoofed;                             // no way back to the source through the interface it came by

	uint32_t ct_state; // one of enum ruleset_ct_state; packet_parse gives what conntrack would
	bool ct_reply;     // travels against the connection's first packet
	// The connection's first packet; equal to the above for a new one. An ICMP error carries the quoted
	// flow's.
	struct prefix ct_source, ct_destination;
	uint8_t ct_protocol;
	uint16_t ct_destination_port;
};

// What packet_parse makes ARP messages about: Ethernet and IPv4.
extern const uint8_t packet_arp_format[6];

// Reads a flow as `explain` takes it:
//   in|out|forward PROTO SRC[:PORT] DST[:PORT] [OPTION ...]
// PROTO is tcp, udp, icmp[/TYPE], icmpv6[/TYPE], arp[/request|/reply] or a protocol number; an IPv6 address
// with a port stands in brackets. In role bridge PROTO may also be a frame that is neither IP nor ARP: eapol,
// lldp, stp (a BPDU) or frame/0xTYPE; SRC and DST are left out then. Upper case is read like lower case, but in
// names of interfaces. Options:
//   iif NAME, oif NAME       the interface it comes and leaves by
//   mac ADDRESS              the frame's sender, where frames are seen (role bridge); else the device's own
//   established, reply       not the first packet of its connection; a reply travels against the first packet
//   related PROTO SRC DST    for an ICMP error: about this connection, written as its first packet
//   invalid, spoofed         conntrack refused it; no way back to its source through where it came by
// Without a source port 49152 (the first dynamic port) is taken; tcp and udp need the port that was called: the
// destination's, or in a reply the source's. ICMP without a type is an echo request, in a reply an echo reply.
// 0, or -EINVAL with what is wrong and what would be right in `message` (at most message_size octets with the
// NUL) and in *ret_word the index of the word it is about (`count`: one is missing).
int packet_parse(const struct policy *policy, char *const *words, size_t count, struct packet *ret,
                 char *message, size_t message_size, size_t *ret_word);

struct outcome {
	bool accepted;
	const struct ruleset_table *table;
	const struct ruleset_chain *chain;
	// The one that decided; NULL: the chain's policy, or no table has the hook.
	const struct ruleset_rule *rule;
	// The element of a set through which it matched; set NULL when the rule looked nothing up.
	const struct ruleset_set *set;
	size_t element;
};

// Walks the chains of the packet's hook as the kernel would.
void ruleset_evaluate(const struct ruleset *ruleset, const struct packet *packet, struct outcome *ret);

// Says why, in the policy's words: for an accepted packet which peer and line let it through, for a dropped one
// the nearest reason ("10.20.0.6 is not a peer; main-pacs is 10.20.0.5"). Appends one line without line end.
void ruleset_reason(const struct policy *policy, const struct ruleset *ruleset, const struct packet *packet,
                    const struct outcome *outcome, struct buffer *out);

#endif
