// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel behind the seam: it keeps the messages of committed transactions and gives them back as dumps, all
// or nothing as the real one does, and fails on request. It judges no rule: what it is given is what it shows.
#ifndef LEADGLASS_TESTS_NFT_FAKE_KERNEL_H
#define LEADGLASS_TESTS_NFT_FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nft/nft.h"

#define FAKE_PORT 4711u

#define FAKE_CT_REQUESTS 8

struct nlmsghdr;
struct fake_object;
struct fake_reply;

struct fake_kernel {
	struct fake_object *objects; // committed
	size_t count, capacity;
	struct fake_reply *replies; // datagrams still to be received
	size_t reply_count, reply_capacity, reply_at;
	uint32_t generation;
	uint64_t next_handle;
	uint32_t owner;         // shown for owned tables; 0: FAKE_PORT
	uint32_t owner_of_flow; // the same for table leadglass-flow

	const struct nlmsghdr *const *entries; // conntrack's; may be NULL
	size_t entry_count;

	// what has happened
	unsigned sends, commits, batches, receives;
	_Alignas(uint64_t) uint8_t ct_requests[FAKE_CT_REQUESTS][512]; // to delete or make entries
	size_t ct_request_count;
	size_t room_asked;
	bool closed;
	bool *inside; // set while the fake runs, for tests that make allocations fail; may be NULL

	// what is to go wrong; counted down where it is a number
	int send_error;            // send says this errno
	unsigned send_interrupted; // so many times EINTR first
	int room_error;            // -errno of room
	unsigned receive_fail_at;  // the n-th receive (from 1) ...
	int receive_error;         // ... says this errno, once
	unsigned receive_interrupted;
	const void
	        *garbage; // is received in place of the n-th datagram when receive_fail_at and no errno are set
	size_t garbage_size;
	unsigned dumps_interrupted; // dumps that bear NLM_F_DUMP_INTR
	unsigned changes;           // generations somebody else makes while rules are read
	unsigned races;             // generations somebody else makes just before a batch comes ...
	unsigned changes_after;     // ... and just after the next one is committed
	uint16_t refuse_type;       // refuse the n-th message (from 0) of this NFT_MSG_* ...
	bool refuse;
	unsigned refuse_nth;
	int refuse_error;                  // ... with this errno
	const char *refuse_text;           // and these words; NULL: no extended acknowledgement
	uint32_t refuse_offset;            // and this offset
	bool no_persist;                   // EOPNOTSUPP for the table flag 0x4
	bool lose_answer;                  // commits, and the answer is lost (ENOBUFS)
	bool silent;                       // swallows batches: neither commits nor answers
	int entries_error;                 // conntrack's dump says this errno ...
	int ct_delete_error, ct_new_error; // ... and these
	bool alter;                        // what is committed loses its last rule ...
	bool alter_elements;               // ... or all elements
};

void fake_init(struct fake_kernel *kernel);
void fake_fini(struct fake_kernel *kernel);
struct nft_io fake_io(struct fake_kernel *kernel);

// How many messages of this NFT_MSG_* are kept.
size_t fake_count(const struct fake_kernel *kernel, uint16_t type);
// The n-th of them, to be changed by hand; NULL when there are fewer.
struct nlmsghdr *fake_message(const struct fake_kernel *kernel, uint16_t type, size_t nth);
// Puts one message in as if somebody else had committed it. `message` is a struct nlmsghdr.
void fake_add(struct fake_kernel *kernel, const void *message);
// Sets the kept flags of every table.
void fake_set_table_flags(struct fake_kernel *kernel, uint32_t flags);

#endif
