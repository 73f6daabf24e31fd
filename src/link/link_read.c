// SPDX-License-Identifier: GPL-2.0-or-later
//
// Answers of rtnetlink, from octets to values. What they say of their own lengths is not believed.
#include "link/link_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "link/link_message.h"

#define PROTOCOL 11 // IFA_PROTO
#define ATTRIBUTES_MAX 64

bool link_message_ok(const struct nlmsghdr *message, int left)
{
	return left >= (int)sizeof *message && mnl_nlmsg_ok(message, left) &&
	       message->nlmsg_len <= (uint32_t)left;
}

// Sorts attributes by type; of two of a kind the later one counts. What is not known is left out.
static void sort(const void *data, size_t size, const struct nlattr *ret[static ATTRIBUTES_MAX])
{
	const struct nlattr *attribute = data;
	int left = (int)size;
	memset(ret, 0, ATTRIBUTES_MAX * sizeof *ret);
	while (mnl_attr_ok(attribute, left)) {
		if (mnl_attr_get_type(attribute) < ATTRIBUTES_MAX)
			ret[mnl_attr_get_type(attribute)] = attribute;
		left -= (int)MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
}

static void sort_nested(const struct nlattr *nest, const struct nlattr *ret[static ATTRIBUTES_MAX])
{
	sort(nest ? mnl_attr_get_payload(nest) : "", nest ? mnl_attr_get_payload_len(nest) : 0, ret);
}

// Of a message whose family header has `skip` octets. False: it is shorter than that.
static bool sort_message(const struct nlmsghdr *message, size_t skip,
                         const struct nlattr *ret[static ATTRIBUTES_MAX])
{
	const size_t size = mnl_nlmsg_get_payload_len(message), aligned = MNL_ALIGN(skip);
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN || size < skip)
		return false;
	if (size < aligned)
		sort("", 0, ret);
	else
		sort(mnl_nlmsg_get_payload_offset(message, skip), size - aligned, ret);
	return true;
}

// A number of any width; `otherwise` where there is none.
static uint32_t number(const struct nlattr *attribute, uint32_t otherwise)
{
	uint8_t octet;
	uint16_t half;
	uint32_t word;
	if (!attribute)
		return otherwise;
	switch (mnl_attr_get_payload_len(attribute)) {
	case sizeof octet:
		memcpy(&octet, mnl_attr_get_payload(attribute), sizeof octet);
		return octet;
	case sizeof half:
		memcpy(&half, mnl_attr_get_payload(attribute), sizeof half);
		return half;
	case sizeof word:
		memcpy(&word, mnl_attr_get_payload(attribute), sizeof word);
		return word;
	default:
		return otherwise;
	}
}

// Cut to `size` with its NUL.
static void text(const struct nlattr *attribute, char *ret, size_t size)
{
	ret[0] = '\0';
	if (attribute)
		snprintf(ret, size, "%.*s", (int)mnl_attr_get_payload_len(attribute),
		         (const char *)mnl_attr_get_payload(attribute));
}

static bool makes_link_local(const struct nlattr *families)
{
	const struct nlattr *by_family[ATTRIBUTES_MAX], *ipv6[ATTRIBUTES_MAX];
	sort_nested(families, by_family);
	sort_nested(by_family[AF_INET6], ipv6);
	return number(ipv6[IFLA_INET6_ADDR_GEN_MODE], IN6_ADDR_GEN_MODE_NONE) != IN6_ADDR_GEN_MODE_NONE;
}

bool link_read_interface(const struct nlmsghdr *message, struct link_interface *ret)
{
	const struct nlattr *a[ATTRIBUTES_MAX], *info[ATTRIBUTES_MAX], *data[ATTRIBUTES_MAX];
	const struct ifinfomsg *about = mnl_nlmsg_get_payload(message);
	*ret = (struct link_interface){0};
	if (message->nlmsg_type != RTM_NEWLINK || !sort_message(message, sizeof *about, a) ||
	    about->ifi_index <= 0 || !a[IFLA_IFNAME])
		return false;
	ret->index = (uint32_t)about->ifi_index;
	ret->up = about->ifi_flags & IFF_UP;
	ret->carrier = about->ifi_flags & IFF_LOWER_UP;
	ret->master = number(a[IFLA_MASTER], 0);
	text(a[IFLA_IFNAME], ret->name, sizeof ret->name);
	sort_nested(a[IFLA_LINKINFO], info);
	text(info[IFLA_INFO_KIND], ret->kind, sizeof ret->kind);
	ret->link_local = makes_link_local(a[IFLA_AF_SPEC]);
	if (strcmp(ret->kind, "bridge") == 0) {
		sort_nested(info[IFLA_INFO_DATA], data);
		ret->stp = number(data[IFLA_BR_STP_STATE], 0) != 0;
		ret->snooping = number(data[IFLA_BR_MCAST_SNOOPING], 0) != 0;
		ret->forwards = (uint16_t)number(data[IFLA_BR_GROUP_FWD_MASK], 0);
	}
	return true;
}

bool link_read_address(const struct nlmsghdr *message, struct link_address *ret)
{
	const struct nlattr *a[ATTRIBUTES_MAX];
	const struct ifaddrmsg *about = mnl_nlmsg_get_payload(message);
	*ret = (struct link_address){0};
	if (message->nlmsg_type != RTM_NEWADDR || !sort_message(message, sizeof *about, a) ||
	    (about->ifa_family != AF_INET && about->ifa_family != AF_INET6))
		return false;
	ret->prefix.family = about->ifa_family == AF_INET ? ADDRESS_IPV4 : ADDRESS_IPV6;
	const size_t size = address_octets(ret->prefix.family);
	// Between two ends IFA_ADDRESS is the other one.
	const struct nlattr *address = a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS];
	if (!address || mnl_attr_get_payload_len(address) != size)
		return false;
	memcpy(ret->prefix.octets, mnl_attr_get_payload(address), size);
	ret->prefix.length = (uint8_t)(size * 8);
	ret->length = about->ifa_prefixlen;
	ret->index = about->ifa_index;
	ret->ours = number(a[PROTOCOL], 0) == LINK_ADDRESS_PROTOCOL;
	return true;
}

int link_read_refusal(const struct nlmsghdr *message, char *ret, size_t size)
{
	const struct nlattr *a[ATTRIBUTES_MAX];
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	size_t skip = sizeof *error;
	int32_t value;
	ret[0] = '\0';
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN || mnl_nlmsg_get_payload_len(message) < sizeof value)
		return EBADMSG;
	memcpy(&value, mnl_nlmsg_get_payload(message), sizeof value);
	if (mnl_nlmsg_get_payload_len(message) >= skip) {
		if (!(message->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len > sizeof error->msg)
			skip += error->msg.nlmsg_len - sizeof error->msg;
		if (message->nlmsg_flags & NLM_F_ACK_TLVS && sort_message(message, skip, a))
			text(a[NLMSGERR_ATTR_MSG], ret, size);
	}
	return value < 0 && value > -4096 ? -value : value == 0 ? 0 : EBADMSG;
}
