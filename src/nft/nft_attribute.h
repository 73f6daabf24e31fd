// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading netlink attributes that may be of any kind or length. libnftnl's readers end the process when a
// length is not what they expect, so what comes from the kernel is read through these instead.
#ifndef LEADGLASS_NFT_ATTRIBUTE_H
#define LEADGLASS_NFT_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlattr;
struct nlmsghdr;

// A whole message is here, in the `left` octets there are. (libmnl takes a length of 2 GiB for a negative one.)
bool nft_message_ok(const struct nlmsghdr *message, int left);

// Fills `table` (count entries) with the attributes by number, NULL where there is none. False when there are
// attributes of a number beyond the table, or garbage: for whoever has to know all of it.
bool nft_attributes(const void *data, size_t size, const struct nlattr **table, size_t count);
bool nft_attributes_nested(const struct nlattr *nest, const struct nlattr **table, size_t count); // NULL: false
bool nft_attributes_message(const struct nlmsghdr *message, size_t skip, const struct nlattr **table,
                            size_t count);

// The text of a NUL-terminated attribute; NULL when it is absent or not terminated.
const char *nft_text(const struct nlattr *attribute);

// Numbers in network order. False when absent or of another length; *ret is then left alone.
bool nft_number(const struct nlattr *attribute, uint32_t *ret);
bool nft_number16(const struct nlattr *attribute, uint16_t *ret);
bool nft_number64(const struct nlattr *attribute, uint64_t *ret);
// Absent or this number.
bool nft_is(const struct nlattr *attribute, uint32_t number);

// The octets of the NFTA_DATA_VALUE in a nested attribute; NULL when absent.
const uint8_t *nft_data(const struct nlattr *nest, size_t *ret_size);

#endif
