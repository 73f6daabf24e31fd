// SPDX-License-Identifier: GPL-2.0-or-later
//
// Prefixes: reading, writing and what kind of address they are.
#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

size_t address_octets(enum address_family family)
{
	return family == ADDRESS_IPV4 ? 4 : 16;
}

static unsigned full_length(const struct prefix *prefix)
{
	return prefix->family == ADDRESS_IPV4 ? 32 : 128;
}

bool prefix_is_exact(const struct prefix *prefix)
{
	return prefix->length == full_length(prefix);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return prefix_compare(a, b) == 0;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	int order = memcmp(a->octets, b->octets, sizeof a->octets);
	if (order != 0)
		return order;
	return (int)a->length - (int)b->length;
}

// The first `length` bits are the same.
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned length)
{
	if (memcmp(a, b, length / 8) != 0)
		return false;
	if (length % 8 == 0)
		return true;
	uint8_t mask = (uint8_t)(0xff << (8 - length % 8));
	return ((a[length / 8] ^ b[length / 8]) & mask) == 0;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	return outer->family == inner->family && outer->length <= inner->length &&
	       same_bits(outer->octets, inner->octets, outer->length);
}

void prefix_range(const struct prefix *prefix, uint8_t *ret_first, uint8_t *ret_last)
{
	size_t octets = address_octets(prefix->family);
	for (size_t i = 0; i < octets; i++) {
		unsigned done = (unsigned)i * 8;
		uint8_t host = 0xff;
		if (prefix->length >= done + 8)
			host = 0;
		else if (prefix->length > done)
			host = (uint8_t)(0xff >> (prefix->length - done));
		ret_first[i] = prefix->octets[i] & (uint8_t)~host;
		ret_last[i] = prefix->octets[i] | host;
	}
}

// IANA special-purpose address registries (RFC 6890 and its updates): what is not globally reachable, and
// multicast, which is judged apart.
static const struct prefix not_public[] = {
        {{0}, ADDRESS_IPV4, 8},
        {{10}, ADDRESS_IPV4, 8},
        {{100, 64}, ADDRESS_IPV4, 10},
        {{127}, ADDRESS_IPV4, 8},
        {{169, 254}, ADDRESS_IPV4, 16},
        {{172, 16}, ADDRESS_IPV4, 12},
        {{192, 0, 0}, ADDRESS_IPV4, 24},
        {{192, 0, 2}, ADDRESS_IPV4, 24},
        {{192, 168}, ADDRESS_IPV4, 16},
        {{198, 18}, ADDRESS_IPV4, 15},
        {{198, 51, 100}, ADDRESS_IPV4, 24},
        {{203, 0, 113}, ADDRESS_IPV4, 24},
        {{224}, ADDRESS_IPV4, 4},
        {{240}, ADDRESS_IPV4, 4},
        {{0}, ADDRESS_IPV6, 127}, // :: and ::1
        {{[10] = 0xff, [11] = 0xff}, ADDRESS_IPV6, 96},
        {{0x01}, ADDRESS_IPV6, 64}, // 100::/64
        {{0x20, 0x01, 0x00, 0x02}, ADDRESS_IPV6, 48},
        {{0x20, 0x01, 0x0d, 0xb8}, ADDRESS_IPV6, 32},
        {{0x3f, 0xff}, ADDRESS_IPV6, 20},
        {{0xfc}, ADDRESS_IPV6, 7},
        {{0xfe, 0x80}, ADDRESS_IPV6, 10},
        {{0xff}, ADDRESS_IPV6, 8},
};

bool prefix_is_public(const struct prefix *prefix)
{
	for (size_t i = 0; i < sizeof not_public / sizeof not_public[0]; i++)
		if (prefix_contains(&not_public[i], prefix))
			return false;
	return true;
}

static bool inside(const struct prefix *prefix, struct prefix four, struct prefix six)
{
	return prefix_contains(prefix->family == ADDRESS_IPV4 ? &four : &six, prefix);
}

bool prefix_is_multicast(const struct prefix *prefix)
{
	return inside(prefix, (struct prefix){{224}, ADDRESS_IPV4, 4},
	              (struct prefix){{0xff}, ADDRESS_IPV6, 8});
}

bool prefix_is_loopback(const struct prefix *prefix)
{
	return inside(prefix, (struct prefix){{127}, ADDRESS_IPV4, 8},
	              (struct prefix){{[15] = 1}, ADDRESS_IPV6, 128});
}

bool prefix_is_link_local(const struct prefix *prefix)
{
	return inside(prefix, (struct prefix){{169, 254}, ADDRESS_IPV4, 16},
	              (struct prefix){{0xfe, 0x80}, ADDRESS_IPV6, 10});
}

// inet_pton refuses leading zeros, as it should; this tells that mistake from nonsense.
static bool has_leading_zero(const char *text)
{
	bool start = true, dotted = strchr(text, '.') != NULL;
	for (const char *p = text; *p; p++) {
		if (strchr("0123456789.", *p) == NULL)
			return false;
		if (start && *p == '0' && p[1] >= '0' && p[1] <= '9')
			return dotted;
		start = *p == '.';
	}
	return false;
}

static enum prefix_error parse_length(const char *text, size_t size, unsigned most, uint8_t *ret)
{
	unsigned length = 0;
	if (size == 0 || size > 3 || (size > 1 && text[0] == '0'))
		return PREFIX_BAD_LENGTH;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return PREFIX_BAD_LENGTH;
		length = length * 10 + (unsigned)(text[i] - '0');
	}
	if (length > most)
		return PREFIX_BAD_LENGTH;
	*ret = (uint8_t)length;
	return PREFIX_OK;
}

// Plain dotted quads are the bulk of a long peer list, and inet_pton wants a NUL-terminated copy.
static bool parse_quad(const char *text, size_t size, uint8_t octets[static 4])
{
	size_t i = 0;
	for (size_t k = 0; k < 4; k++) {
		unsigned value = 0;
		size_t start = i;
		while (i < size && i - start < 3 && text[i] >= '0' && text[i] <= '9')
			value = value * 10 + (unsigned)(text[i++] - '0');
		if (i == start || value > 255 || (i - start > 1 && text[start] == '0'))
			return false;
		if (k < 3 && (i == size || text[i++] != '.'))
			return false;
		octets[k] = (uint8_t)value;
	}
	return i == size;
}

enum prefix_error prefix_parse(const char *text, size_t size, struct prefix *ret)
{
	const char *slash = memchr(text, '/', size);
	size_t address_size = slash ? (size_t)(slash - text) : size;
	struct prefix prefix = {.family = ADDRESS_IPV4, .length = 32};

	if (!parse_quad(text, address_size, prefix.octets)) {
		char address[INET6_ADDRSTRLEN];
		if (memchr(text, '%', address_size))
			return PREFIX_SCOPE;
		if (address_size >= sizeof address || memchr(text, '\0', address_size))
			return PREFIX_NOT_AN_ADDRESS;
		memcpy(address, text, address_size);
		address[address_size] = '\0';
		prefix = (struct prefix){.family = ADDRESS_IPV6, .length = 128};
		if (inet_pton(AF_INET6, address, prefix.octets) != 1)
			return has_leading_zero(address) ? PREFIX_LEADING_ZERO : PREFIX_NOT_AN_ADDRESS;
		static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
		if (memcmp(prefix.octets, mapped, sizeof mapped) == 0)
			return PREFIX_MAPPED;
	}
	if (slash) {
		enum prefix_error error =
		        parse_length(slash + 1, size - address_size - 1, full_length(&prefix), &prefix.length);
		if (error != PREFIX_OK)
			return error;
	}
	uint8_t first[16] = {0}, last[16];
	prefix_range(&prefix, first, last);
	bool host_bits = memcmp(first, prefix.octets, address_octets(prefix.family)) != 0;
	memcpy(prefix.octets, first, sizeof first);
	*ret = prefix;
	return host_bits ? PREFIX_HOST_BITS : PREFIX_OK;
}

// inet_ntop's way, which goes through printf, costs most of the time in which a long list of peers is printed.
static void print_ipv4(const uint8_t octets[static 4], char *text)
{
	for (int i = 0; i < 4; i++) {
		unsigned octet = octets[i];
		if (octet >= 100)
			*text++ = (char)('0' + octet / 100);
		if (octet >= 10)
			*text++ = (char)('0' + octet / 10 % 10);
		*text++ = (char)('0' + octet % 10);
		*text++ = i < 3 ? '.' : '\0';
	}
}

char *prefix_print(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX])
{
	if (prefix->family == ADDRESS_IPV4)
		print_ipv4(prefix->octets, text);
	else if (!inet_ntop(AF_INET6, prefix->octets, text, PREFIX_TEXT_MAX))
		text[0] = '\0';
	if (!prefix_is_exact(prefix)) {
		size_t size = strlen(text);
		snprintf(text + size, PREFIX_TEXT_MAX - size, "/%u", prefix->length);
	}
	return text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool mac_parse(const char *text, size_t size, struct mac *ret)
{
	if (size != 17 || (text[2] != ':' && text[2] != '-'))
		return false;
	struct mac mac;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != text[2]))
			return false;
		mac.octets[i] = (uint8_t)(high << 4 | low);
	}
	*ret = mac;
	return true;
}

char *mac_print(const struct mac *mac, char text[static MAC_TEXT_MAX])
{
	const uint8_t *o = mac->octets;
	snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4], o[5]);
	return text;
}
