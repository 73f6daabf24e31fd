// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a rule can look at: how each field is spelled in nft, how long it is, and what type it has in a set key.
#include "ruleset/ruleset.h"

static const struct ruleset_field_info fields[FIELD_COUNT] = {
        [FIELD_NONE] = {"", 0, TYPE_OTHER},
        [FIELD_IIF] = {"iif", 4, TYPE_OTHER},
        [FIELD_OIF] = {"oif", 4, TYPE_OTHER},
        [FIELD_IIFNAME] = {"iifname", 16, TYPE_IFNAME},
        [FIELD_OIFNAME] = {"oifname", 16, TYPE_IFNAME},
        [FIELD_NFPROTO] = {"meta nfproto", 1, TYPE_OTHER},
        [FIELD_L4PROTO] = {"meta l4proto", 1, TYPE_OTHER},
        [FIELD_ETHER_TYPE] = {"meta protocol", 2, TYPE_OTHER},
        [FIELD_ETHER_SADDR] = {"ether saddr", 6, TYPE_ETHER_ADDR},
        [FIELD_ETHER_DADDR] = {"ether daddr", 6, TYPE_ETHER_ADDR},
        [FIELD_LLC] = {"@nh,0,24", 3, TYPE_OTHER},        // nft has no name for it,
        [FIELD_ARP_FORMAT] = {"@nh,0,48", 6, TYPE_OTHER}, // and four for this, which it reads as one field
        [FIELD_ARP_OPERATION] = {"arp operation", 2, TYPE_OTHER},
        [FIELD_ARP_SADDR_ETHER] = {"arp saddr ether", 6, TYPE_ETHER_ADDR},
        [FIELD_ARP_SADDR_IP] = {"arp saddr ip", 4, TYPE_IPV4_ADDR},
        [FIELD_ARP_DADDR_IP] = {"arp daddr ip", 4, TYPE_IPV4_ADDR},
        [FIELD_IP_SADDR] = {"ip saddr", 4, TYPE_IPV4_ADDR},
        [FIELD_IP_DADDR] = {"ip daddr", 4, TYPE_IPV4_ADDR},
        [FIELD_IP6_SADDR] = {"ip6 saddr", 16, TYPE_IPV6_ADDR},
        [FIELD_IP6_DADDR] = {"ip6 daddr", 16, TYPE_IPV6_ADDR},
        [FIELD_IP6_HOPLIMIT] = {"ip6 hoplimit", 1, TYPE_OTHER},
        [FIELD_TH_SPORT] = {"th sport", 2, TYPE_INET_SERVICE},
        [FIELD_TH_DPORT] = {"th dport", 2, TYPE_INET_SERVICE},
        [FIELD_ICMP_TYPE] = {"icmp type", 1, TYPE_ICMP_TYPE},
        [FIELD_ICMPV6_TYPE] = {"icmpv6 type", 1, TYPE_ICMPV6_TYPE},
        [FIELD_CT_STATE] = {"ct state", 4, TYPE_OTHER},
        [FIELD_CT_DIRECTION] = {"ct direction", 1, TYPE_OTHER},
        [FIELD_CT_PROTOCOL] = {"ct protocol", 1, TYPE_OTHER},
        [FIELD_CT_ORIGINAL_IP_SADDR] = {"ct original ip saddr", 4, TYPE_IPV4_ADDR},
        [FIELD_CT_ORIGINAL_IP_DADDR] = {"ct original ip daddr", 4, TYPE_IPV4_ADDR},
        [FIELD_CT_ORIGINAL_IP6_SADDR] = {"ct original ip6 saddr", 16, TYPE_IPV6_ADDR},
        [FIELD_CT_ORIGINAL_IP6_DADDR] = {"ct original ip6 daddr", 16, TYPE_IPV6_ADDR},
        [FIELD_CT_ORIGINAL_PROTO_DST] = {"ct original proto-dst", 2, TYPE_INET_SERVICE},
        [FIELD_FIB_REVERSE] = {"fib saddr . iif oif", 1, TYPE_OTHER},
};

const struct ruleset_field_info *ruleset_field_info(enum ruleset_field field)
{
	return &fields[field < FIELD_COUNT ? field : FIELD_NONE];
}

const char *ruleset_type_name(enum ruleset_type type)
{
	switch (type) {
	case TYPE_IPV4_ADDR:
		return "ipv4_addr";
	case TYPE_IPV6_ADDR:
		return "ipv6_addr";
	case TYPE_INET_SERVICE:
		return "inet_service";
	case TYPE_ICMP_TYPE:
		return "icmp_type";
	case TYPE_ICMPV6_TYPE:
		return "icmpv6_type";
	case TYPE_IFNAME:
		return "ifname";
	case TYPE_ETHER_ADDR:
		return "ether_addr";
	case TYPE_OTHER:
		break;
	}
	return "";
}

size_t ruleset_type_size(enum ruleset_type type)
{
	switch (type) {
	case TYPE_IPV4_ADDR:
		return 4;
	case TYPE_IPV6_ADDR:
	case TYPE_IFNAME:
		return 16;
	case TYPE_INET_SERVICE:
		return 2;
	case TYPE_ICMP_TYPE:
	case TYPE_ICMPV6_TYPE:
		return 1;
	case TYPE_ETHER_ADDR:
		return 6;
	case TYPE_OTHER:
		break;
	}
	return 0;
}
