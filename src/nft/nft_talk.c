// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests, dumps and batches over the seam.
#include "nft/nft_talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/nft_attribute.h"

#define LOST_MAX 100 // reports of lost datagrams before a question is given up

int nft_open_io(const struct nft_io *io, struct nft **ret)
{
	struct nft *nft = calloc(1, sizeof *nft);
	if (!nft)
		return -ENOMEM;
	nft->datagram = malloc(NFT_DATAGRAM_MAX);
	if (!nft->datagram) {
		free(nft);
		return -ENOMEM;
	}
	nft->io = *io;
	*ret = nft;
	return 0;
}

void nft_close(struct nft *nft)
{
	if (!nft)
		return;
	nft->io.close(nft->io.context);
	free(nft->datagram);
	free(nft);
}

void nft_do_not_own(struct nft *nft)
{
	nft->do_not_own = true;
}

struct nlmsghdr *nft_request(struct nft *nft, struct nft_request *request, uint8_t type, uint16_t flags,
                             uint8_t family)
{
	struct nlmsghdr *header = nftnl_nlmsg_build_hdr(request->data, type, family, flags, ++nft->sequence);
	if (family != AF_UNSPEC)
		mnl_attr_put_strz(header, NFTA_TABLE_NAME, RULESET_TABLE_NAME); // 1 in every kind of message
	return header;
}

static int send_all(struct nft *nft, const void *data, size_t size)
{
	ssize_t sent;
	do
		sent = nft->io.send(nft->io.context, data, size);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno ? -errno : -EIO;
	// A datagram goes whole or not at all.
	return (size_t)sent == size ? 0 : -EMSGSIZE;
}

// One datagram: its size, or -errno. -EAGAIN when there is none and `wait` is false.
static ssize_t receive(struct nft *nft, bool wait)
{
	ssize_t size;
	do
		size = nft->io.receive(nft->io.context, nft->datagram, NFT_DATAGRAM_MAX, wait);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno ? -errno : -EIO;
	return size > (ssize_t)NFT_DATAGRAM_MAX ? -EMSGSIZE : size;
}

// The errno in an NLMSG_ERROR or NLMSG_DONE, made positive; an answer too short to hold one, or with a number
// that has no positive one, counts as garbage.
static int message_error(const struct nlmsghdr *message)
{
	int32_t error;
	if (mnl_nlmsg_get_payload_len(message) < sizeof error)
		return EBADMSG;
	memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
	return error == INT32_MIN ? EBADMSG : error < 0 ? -error : error;
}

// What an answer in several datagrams has come to.
struct answer {
	nft_reply_fn reply;
	void *context;
	uint32_t sequence;
	uint32_t port;
	bool done;
	bool interrupted;
	int error; // the first one
};

static void take_message(struct answer *answer, const struct nlmsghdr *message)
{
	int error = 0;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
		answer->done = true;
		error = -message_error(message);
	} else if (message->nlmsg_type >= NLMSG_MIN_TYPE && !answer->error) {
		error = answer->reply(answer->context, message);
	}
	if (error && !answer->error)
		answer->error = error;
}

static int take_datagram(struct answer *answer, const void *data, ssize_t size)
{
	const struct nlmsghdr *message = data;
	int left = (int)size;
	if (!nft_message_ok(message, left))
		return -EBADMSG;
	for (; nft_message_ok(message, left); message = mnl_nlmsg_next(message, &left))
		// What was left unread of an earlier answer is not ours any more.
		if (message->nlmsg_seq == answer->sequence && message->nlmsg_pid == answer->port &&
		    !answer->done)
			take_message(answer, message);
	return left > 0 ? -EBADMSG : 0;
}

int nft_ask(struct nft *nft, const struct nlmsghdr *request, nft_reply_fn reply, void *context)
{
	int r = send_all(nft, request, request->nlmsg_len);
	if (r < 0)
		return r;
	struct answer answer = {
	        .reply = reply,
	        .context = context,
	        .sequence = request->nlmsg_seq,
	        .port = nft->io.port(nft->io.context),
	};
	for (unsigned lost = 0; !answer.done;) {
		ssize_t size = receive(nft, true);
		// Lost datagrams: the answer is worthless, but its end has to be seen before the next question.
		if (size == -ENOBUFS && ++lost < LOST_MAX)
			answer.interrupted = true;
		else if (size < 0)
			return (int)size;
		else if ((r = take_datagram(&answer, nft->datagram, size)) < 0)
			return r;
	}
	if (answer.interrupted)
		return -EINTR;
	return answer.error;
}

static void read_extack(const struct nlmsghdr *message, struct nft_refusal *ret)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	size_t skip = sizeof *error;
	// With NETLINK_CAP_ACK only the refused message's header comes back.
	if (!(message->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len > sizeof error->msg)
		skip += MNL_ALIGN(error->msg.nlmsg_len - sizeof error->msg);
	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(message) <= skip)
		return;
	const struct nlattr *attributes[NLMSGERR_ATTR_MAX + 1];
	nft_attributes_message(message, skip, attributes, NLMSGERR_ATTR_MAX + 1);
	const char *text = nft_text(attributes[NLMSGERR_ATTR_MSG]);
	if (text)
		snprintf(ret->text, sizeof ret->text, "%s", text);
	const struct nlattr *offset = attributes[NLMSGERR_ATTR_OFFS];
	if (offset && mnl_attr_get_payload_len(offset) == sizeof(uint32_t))
		ret->offset = mnl_attr_get_u32(offset);
}

// What the kernel answered to a batch.
struct verdict {
	uint32_t first, last;
	bool acknowledged; // the last message was reached
	bool lost;         // an answer was
	bool refused;
	struct nft_refusal *refusal; // of the message that comes first in the batch
};

static int take_verdict(struct verdict *verdict, const struct nlmsghdr *message)
{
	uint32_t index = message->nlmsg_seq - verdict->first;
	if (message->nlmsg_type != NLMSG_ERROR || index > verdict->last - verdict->first)
		return 0;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
		return -EBADMSG;
	int error = message_error(message);
	if (message->nlmsg_seq == verdict->last)
		verdict->acknowledged = true;
	if (error == 0)
		return 0;
	if (!verdict->refused || index < verdict->refusal->sequence - verdict->first) {
		*verdict->refusal = (struct nft_refusal){.sequence = message->nlmsg_seq, .error = error};
		read_extack(message, verdict->refusal);
	}
	verdict->refused = true;
	return 0;
}

int nft_send(struct nft *nft, const void *data, size_t size, uint32_t first, uint32_t last,
             struct nft_refusal *ret)
{
	int r = send_all(nft, data, size);
	if (r < 0)
		return r;
	struct verdict verdict = {.first = first, .last = last, .refusal = ret};
	uint32_t port = nft->io.port(nft->io.context);
	// The kernel works a batch off within send: all its answers are there by now, and none may be missing.
	for (ssize_t got; (got = receive(nft, false)) != -EAGAIN;) {
		if (got == -ENOBUFS && !verdict.lost) {
			verdict.lost = true; // reported once; what has come before is still there
			continue;
		}
		if (got < 0)
			return -ENOBUFS;
		const struct nlmsghdr *message = (const void *)nft->datagram;
		int left = (int)got;
		for (; nft_message_ok(message, left); message = mnl_nlmsg_next(message, &left))
			if (message->nlmsg_pid == port && take_verdict(&verdict, message) < 0)
				return -ENOBUFS;
	}
	if (verdict.refused)
		return -EBADMSG;
	return verdict.acknowledged && !verdict.lost ? 0 : -ENOBUFS;
}
