// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests of rtnetlink, from values to octets.
#include "link/link_message.h"

#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#define PROTOCOL 11 // IFA_PROTO, which Debian 12's headers lack

static struct nlmsghdr *begin(struct link_message *message, uint16_t type, uint16_t flags)
{
	memset(message, 0, sizeof *message);
	struct nlmsghdr *header = mnl_nlmsg_put_header(message->octets);
	header->nlmsg_type = type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return header;
}

// About one interface; index 0: one that is to be made, or all.
static struct nlmsghdr *begin_link(struct link_message *message, uint16_t type, uint16_t flags, uint32_t index)
{
	struct nlmsghdr *header = begin(message, type, flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(header, sizeof *info);
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	return header;
}

void link_message_interfaces(struct link_message *message)
{
	struct nlmsghdr *header = begin_link(message, RTM_GETLINK, NLM_F_DUMP, 0);
	mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void link_message_addresses(struct link_message *message)
{
	struct nlmsghdr *header = begin(message, RTM_GETADDR, NLM_F_DUMP);
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifaddrmsg));
}

static void put_bridge(struct nlmsghdr *header, uint16_t forwards, bool made)
{
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "bridge");
	struct nlattr *data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	mnl_attr_put_u32(header, IFLA_BR_STP_STATE, 0);
	// Older kernels wait for it even without STP, and with it none of them takes 0.
	if (made)
		mnl_attr_put_u32(header, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_put_u16(header, IFLA_BR_GROUP_FWD_MASK, forwards);
	mnl_attr_put_u8(header, IFLA_BR_MCAST_SNOOPING, 0);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
}

void link_message_bridge(struct link_message *message, const char *name, uint16_t forwards)
{
	struct nlmsghdr *header = begin_link(message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 0);
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	put_bridge(header, forwards, true);
}

void link_message_bridge_set(struct link_message *message, uint32_t index, uint16_t forwards)
{
	put_bridge(begin_link(message, RTM_NEWLINK, NLM_F_ACK, index), forwards, false);
}

void link_message_delete(struct link_message *message, uint32_t index)
{
	begin_link(message, RTM_DELLINK, NLM_F_ACK, index);
}

void link_message_flags(struct link_message *message, uint32_t index, bool up)
{
	struct nlmsghdr *header = begin_link(message, RTM_NEWLINK, NLM_F_ACK, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = IFF_UP;
}

void link_message_master(struct link_message *message, uint32_t index, uint32_t master)
{
	mnl_attr_put_u32(begin_link(message, RTM_NEWLINK, NLM_F_ACK, index), IFLA_MASTER, master);
}

void link_message_link_local(struct link_message *message, uint32_t index, bool makes)
{
	struct nlmsghdr *header = begin_link(message, RTM_NEWLINK, NLM_F_ACK, index);
	struct nlattr *families = mnl_attr_nest_start(header, IFLA_AF_SPEC);
	struct nlattr *family = mnl_attr_nest_start(header, AF_INET6);
	mnl_attr_put_u8(header, IFLA_INET6_ADDR_GEN_MODE,
	                makes ? IN6_ADDR_GEN_MODE_EUI64 : IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(header, family);
	mnl_attr_nest_end(header, families);
}

void link_message_address(struct link_message *message, bool add, uint32_t index, const struct prefix *address,
                          uint8_t length)
{
	const size_t size = address_octets(address->family);
	struct nlmsghdr *header = begin(message, add ? RTM_NEWADDR : RTM_DELADDR,
	                                add ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK : NLM_F_ACK);
	struct ifaddrmsg *about = mnl_nlmsg_put_extra_header(header, sizeof *about);
	about->ifa_family = address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6;
	about->ifa_prefixlen = length;
	about->ifa_index = index;
	mnl_attr_put(header, IFA_LOCAL, size, address->octets);
	mnl_attr_put(header, IFA_ADDRESS, size, address->octets);
	if (add)
		mnl_attr_put_u8(header, PROTOCOL, LINK_ADDRESS_PROTOCOL);
}
