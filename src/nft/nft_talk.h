// SPDX-License-Identifier: GPL-2.0-or-later
//
// Talking to the kernel through the seam of nft.h: one request and its answers, or one batch and what the
// kernel refused of it. Datagrams are checked here; whoever gets a message may trust its length, not its
// content.
#ifndef LEADGLASS_NFT_TALK_H
#define LEADGLASS_NFT_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "nft/nft.h"

#define NFT_DATAGRAM_MAX (64u << 10) // the kernel's largest for a dump is 32 KiB
#define NFT_REQUEST_MAX 512

struct nft {
	struct nft_io io;
	uint32_t sequence; // of the last message sent
	// Our tables get no owner: this kernel has refused a table that outlives its owner (before 6.9), or the
	// caller wants none. What has one keeps it, and what an owner left behind stays as it is.
	bool do_not_own;
	bool flowtable;    // a flow table of ours stands, by what was last done or read (nft_flowtable.h)
	uint8_t *datagram; // NFT_DATAGRAM_MAX octets
};

// A request of one message, built in place.
struct nft_request {
	_Alignas(struct nlmsghdr) char data[NFT_REQUEST_MAX];
};

// Starts a request about our table of a family (AF_UNSPEC: none, nothing is added). `type` is an NFT_MSG_*.
struct nlmsghdr *nft_request(struct nft *nft, struct nft_request *request, uint8_t type, uint16_t flags,
                             uint8_t family);

// Gets each message of an answer. Not 0: an error, which the question returns once the answer has ended.
typedef int (*nft_reply_fn)(void *context, const struct nlmsghdr *message);

// Sends a request and gives every message of the answer to `reply`. 0; -EINTR when the kernel said that its
// rules changed in between (or an answer was lost): ask again; else -errno of the kernel, the seam or `reply`.
int nft_ask(struct nft *nft, const struct nlmsghdr *request, nft_reply_fn reply, void *context);

// One message of a batch that the kernel refused.
struct nft_refusal {
	uint32_t sequence;
	int error;       // a positive errno
	uint32_t offset; // into the message, of the attribute it did not like; 0: not said
	char text[96];   // its own words; may be empty
};

// Sends a batch in one datagram. `last` is the sequence number of the message that asks for an acknowledgement.
// 0: committed. -EBADMSG: refused, *ret says what was the first thing wrong. -ENOBUFS: sent, but no answer
// came: only reading tells what has happened. Else -errno: nothing was sent.
int nft_send(struct nft *nft, const void *data, size_t size, uint32_t first, uint32_t last,
             struct nft_refusal *ret);

#endif
