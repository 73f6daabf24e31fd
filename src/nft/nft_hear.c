// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the kernel's notifications say. A message names its table in attribute 1, whatever it is about.
#include "nft/nft_hear.h"

#include <stdio.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/nft_attribute.h"
#include "ruleset/ruleset.h"

// A process calls itself what it likes, and this ends up in logs and on terminals.
static void copy_name(char to[static 16], const char *name)
{
	size_t i;
	for (i = 0; name && name[i] && i < 15; i++)
		to[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : name[i] == ' ' ? ' ' : '?';
	to[i] = '\0';
}

static void hear_end(struct nft_seen *seen, const struct nlmsghdr *message)
{
	const struct nlattr *a[NFTA_GEN_PROC_NAME + 1];
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), a, NFTA_GEN_PROC_NAME + 1);
	nft_number(a[NFTA_GEN_ID], &seen->generation);
	nft_number(a[NFTA_GEN_PROC_PID], &seen->pid);
	copy_name(seen->process, nft_text(a[NFTA_GEN_PROC_NAME]));
}

static bool decides_on_packets(uint8_t type)
{
	return type == NFT_MSG_NEWTABLE || type == NFT_MSG_DELTABLE || type == NFT_MSG_NEWCHAIN ||
	       type == NFT_MSG_DELCHAIN || type == NFT_MSG_NEWRULE || type == NFT_MSG_DELRULE ||
	       type == NFT_MSG_NEWFLOWTABLE || type == NFT_MSG_DELFLOWTABLE;
}

static void hear_change(struct nft_seen *seen, const struct nlmsghdr *message)
{
	const struct nlattr *a[NFTA_TABLE_NAME + 1];
	nft_attributes_message(message, MNL_ALIGN(sizeof(struct nfgenmsg)), a, NFTA_TABLE_NAME + 1);
	const char *name = nft_text(a[NFTA_TABLE_NAME]);
	if (!name) { // it may be about anything, so it is about ours too
		seen->ours = seen->foreign = true;
		return;
	}
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	bool our_family = head->nfgen_family == NFPROTO_INET || head->nfgen_family == NFPROTO_BRIDGE;
	if (our_family && strcmp(name, RULESET_TABLE_NAME) == 0)
		seen->ours = true;
	else if (decides_on_packets((uint8_t)message->nlmsg_type))
		seen->foreign = true;
}

size_t nft_hear(struct nft_seen *part, const void *data, size_t size, struct nft_seen *ret, bool *ret_ended)
{
	const struct nlmsghdr *message = data;
	int left = (int)size;
	*ret_ended = false;
	while (nft_message_ok(message, left) && !*ret_ended) {
		if (message->nlmsg_type == ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN)) {
			hear_end(part, message);
			*ret_ended = true;
		} else if (message->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES) {
			hear_change(part, message);
		}
		message = mnl_nlmsg_next(message, &left);
	}
	if (!*ret_ended && left > 0) {
		part->lost = *ret_ended = true;
		left = 0;
	}
	if (*ret_ended) {
		*ret = *part;
		*part = (struct nft_seen){0};
	}
	return left > 0 ? size - (size_t)left : size;
}

void nft_hear_merge(struct nft_seen *all, const struct nft_seen *later)
{
	if (later->pid && (later->ours || !all->ours || !all->pid)) {
		all->pid = later->pid;
		memcpy(all->process, later->process, sizeof all->process);
	}
	if (later->generation)
		all->generation = later->generation;
	all->ours = all->ours || later->ours;
	all->foreign = all->foreign || later->foreign;
	all->lost = all->lost || later->lost;
}
