// SPDX-License-Identifier: GPL-2.0-or-later
//
// The transaction's buffer.
#include "nft/nft_batch.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/array.h"
#include "nft/nft_encode.h"

#define BARE_ROOM (MNL_NLMSG_HDRLEN + 64) // a message's headers, and the few attributes of begin and end

void nft_batch_fail(struct nft_batch *batch, int error)
{
	if (!batch->error)
		batch->error = error;
}

static void *reserve(struct nft_batch *batch, size_t room)
{
	if (batch->error)
		return NULL;
	char *place = buffer_reserve(&batch->data, room);
	if (!place)
		nft_batch_fail(batch, -ENOMEM);
	return place;
}

static uint32_t next_sequence(const struct nft_batch *batch)
{
	return batch->first + (uint32_t)batch->count;
}

void nft_batch_begin(struct nft_batch *batch, uint32_t first, uint32_t generation)
{
	*batch = (struct nft_batch){.first = first};
	char *place = reserve(batch, BARE_ROOM);
	if (!place)
		return;
	struct nlmsghdr *header = nftnl_batch_begin(place, next_sequence(batch));
	mnl_attr_put_u32(header, NFNL_BATCH_GENID, htobe32(generation));
	nft_batch_add(batch, header, &(struct nft_message){.subject = NFT_SUBJECT_BATCH});
}

struct nlmsghdr *nft_batch_message(struct nft_batch *batch, uint8_t type, uint16_t flags,
                                   const struct ruleset_table *table, size_t room)
{
	char *place = reserve(batch, BARE_ROOM + room);
	if (!place)
		return NULL;
	return nftnl_nlmsg_build_hdr(place, type, nft_family(table->family), flags, next_sequence(batch));
}

void nft_batch_add(struct nft_batch *batch, const struct nlmsghdr *header, const struct nft_message *about)
{
	if (batch->error)
		return;
	int r = array_room(&batch->messages, batch->count, &batch->capacity, sizeof *batch->messages);
	if (r < 0) {
		nft_batch_fail(batch, r);
		return;
	}
	struct nft_message *message = &batch->messages[batch->count++];
	*message = *about;
	message->offset = batch->data.size;
	batch->data.size += MNL_ALIGN(header->nlmsg_len);
}

int nft_batch_end(struct nft_batch *batch)
{
	char *place = reserve(batch, BARE_ROOM);
	if (!place)
		return batch->error;
	// The kernel is silent about what it accepts; the last message asks for a word all the same.
	struct nlmsghdr *last = (void *)(batch->data.data + batch->messages[batch->count - 1].offset);
	last->nlmsg_flags |= NLM_F_ACK;
	nft_batch_add(batch, nftnl_batch_end(place, next_sequence(batch)),
	              &(struct nft_message){.subject = NFT_SUBJECT_BATCH});
	return batch->error;
}

void nft_batch_fini(struct nft_batch *batch)
{
	buffer_fini(&batch->data);
	free(batch->messages);
	*batch = (struct nft_batch){0};
}

const struct nft_message *nft_batch_find(const struct nft_batch *batch, uint32_t sequence)
{
	uint32_t index = sequence - batch->first;
	return index < batch->count ? &batch->messages[index] : NULL;
}
