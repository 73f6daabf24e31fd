// SPDX-License-Identifier: GPL-2.0-or-later
//
// Netlink attributes, read with suspicion.
#include "nft/nft_attribute.h"

#include <endian.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>

bool nft_message_ok(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

bool nft_attributes(const void *data, size_t size, const struct nlattr **table, size_t count)
{
	const struct nlattr *attribute = data;
	bool all = true;
	int left = (int)size;
	memset(table, 0, count * sizeof *table);
	while (mnl_attr_ok(attribute, left)) {
		uint16_t type = mnl_attr_get_type(attribute);
		if (type < count)
			table[type] = attribute;
		else
			all = false;
		left -= (int)MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
	return all && left <= 0;
}

bool nft_attributes_nested(const struct nlattr *nest, const struct nlattr **table, size_t count)
{
	if (nest)
		return nft_attributes(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), table, count);
	memset(table, 0, count * sizeof *table);
	return false;
}

bool nft_attributes_message(const struct nlmsghdr *message, size_t skip, const struct nlattr **table,
                            size_t count)
{
	size_t size = mnl_nlmsg_get_payload_len(message), start = MNL_ALIGN(skip);
	if (size >= start)
		return nft_attributes((const char *)mnl_nlmsg_get_payload(message) + start, size - start, table,
		                      count);
	memset(table, 0, count * sizeof *table);
	return false;
}

const char *nft_text(const struct nlattr *attribute)
{
	uint16_t size = attribute ? mnl_attr_get_payload_len(attribute) : 0;
	const char *text = size ? mnl_attr_get_payload(attribute) : NULL;
	return text && memchr(text, '\0', size) ? text : NULL;
}

static bool octets(const struct nlattr *attribute, void *ret, size_t size)
{
	if (!attribute || mnl_attr_get_payload_len(attribute) != size)
		return false;
	memcpy(ret, mnl_attr_get_payload(attribute), size);
	return true;
}

bool nft_number(const struct nlattr *attribute, uint32_t *ret)
{
	uint32_t number;
	if (!octets(attribute, &number, sizeof number))
		return false;
	*ret = be32toh(number);
	return true;
}

bool nft_number16(const struct nlattr *attribute, uint16_t *ret)
{
	uint16_t number;
	if (!octets(attribute, &number, sizeof number))
		return false;
	*ret = be16toh(number);
	return true;
}

bool nft_number64(const struct nlattr *attribute, uint64_t *ret)
{
	uint64_t number;
	if (!octets(attribute, &number, sizeof number))
		return false;
	*ret = be64toh(number);
	return true;
}

bool nft_is(const struct nlattr *attribute, uint32_t number)
{
	uint32_t found;
	return !attribute || (nft_number(attribute, &found) && found == number);
}

const uint8_t *nft_data(const struct nlattr *nest, size_t *ret_size)
{
	const struct nlattr *table[NFTA_DATA_VALUE + 1];
	if (!nft_attributes_nested(nest, table, NFTA_DATA_VALUE + 1) || !table[NFTA_DATA_VALUE])
		return NULL;
	*ret_size = mnl_attr_get_payload_len(table[NFTA_DATA_VALUE]);
	return mnl_attr_get_payload(table[NFTA_DATA_VALUE]);
}
