// SPDX-License-Identifier: GPL-2.0-or-later
//
// IPv4 and IPv6 prefixes and MAC addresses, as octets in network order.
#ifndef LEADGLASS_BASE_ADDRESS_H
#define LEADGLASS_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum address_family {
	ADDRESS_IPV4,
	ADDRESS_IPV6,
};

struct prefix {
	uint8_t octets[16]; // network order; IPv4 in the first four, the rest 0
	uint8_t family;     // enum address_family
	uint8_t length;     // bits; 32 or 128 is one exact address
};

struct mac {
	uint8_t octets[6];
};

#define PREFIX_TEXT_MAX 50 // longest text with its NUL

size_t address_octets(enum address_family family); // 4 or 16
bool prefix_is_exact(const struct prefix *prefix);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
int prefix_compare(const struct prefix *a, const struct prefix *b); // family, octets, then shorter length first

// True when every address of `inner` is in `outer` (same family).
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);

// First and last address of the prefix, address_octets() octets each.
void prefix_range(const struct prefix *prefix, uint8_t *ret_first, uint8_t *ret_last);

// Globally routable (IANA special-purpose registries, RFC 6890): not private, loopback, link-local, ULA,
// documentation, shared (100.64/10), multicast or reserved.
bool prefix_is_public(const struct prefix *prefix);
bool prefix_is_multicast(const struct prefix *prefix);
bool prefix_is_loopback(const struct prefix *prefix);
bool prefix_is_link_local(const struct prefix *prefix);

// Why a text is no prefix.
enum prefix_error {
	PREFIX_OK,
	PREFIX_NOT_AN_ADDRESS, // a name, or nonsense
	PREFIX_BAD_LENGTH,     // not a number, or over 32 / 128
	PREFIX_HOST_BITS,      // 10.20.0.5/24: *ret is 10.20.0.0/24, what was probably meant
	PREFIX_LEADING_ZERO,   // 010.1.2.3: some programs read it as octal
	PREFIX_SCOPE,          // fe80::1%eth0
	PREFIX_MAPPED,         // ::ffff:10.0.0.1: write the IPv4 address
};

// Reads "10.20.0.5", "10.20.0.0/24", "2001:db8::5", "2001:db8::/64". `text` need not be NUL-terminated.
enum prefix_error prefix_parse(const char *text, size_t size, struct prefix *ret);

// Writes it the way it is read (RFC 5952 for IPv6), the length only when it is not exact. Returns `text`.
char *prefix_print(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX]);

#define MAC_TEXT_MAX 18
bool mac_parse(const char *text, size_t size, struct mac *ret); // aa:bb:cc:dd:ee:ff, also with -
char *mac_print(const struct mac *mac, char text[static MAC_TEXT_MAX]);

#endif
