// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong with an address, said so that it can be put right without a manual.
#include "policy/policy_parse.h"

#include <stdio.h>
#include <string.h>

static bool is_broadcast(const struct prefix *prefix)
{
	static const uint8_t ones[4] = {255, 255, 255, 255};
	return prefix->family == ADDRESS_IPV4 && prefix_is_exact(prefix) &&
	       memcmp(prefix->octets, ones, 4) == 0;
}

static bool is_unspecified(const struct prefix *prefix)
{
	static const uint8_t zeros[16] = {0};
	return prefix_is_exact(prefix) && memcmp(prefix->octets, zeros, sizeof zeros) == 0;
}

// For who meant every address; `every` is how to write that, where it may be meant.
static const char *instead_of_any(enum policy_address_use use, const char *every)
{
	switch (use) {
	case POLICY_ADDRESS_DEVICE:
		return "write the device's own address";
	case POLICY_ADDRESS_PEER:
		return "name the peer's own address, such as 10.20.0.5, or its network, such as 10.20.3.0/28";
	case POLICY_ADDRESS_MANAGER:
		return "name the network of those who administer, such as 10.20.9.0/24";
	case POLICY_ADDRESS_REMOTE:
	case POLICY_ADDRESS_TARGET:
		break;
	}
	return every;
}

bool policy_address_suits(struct policy_parser *p, const struct word *word, const struct prefix *prefix,
                          enum policy_address_use use)
{
	uint8_t first = prefix->octets[0];
	if (first != 0 && first != 127 && first < 224)
		return true; // nearly all of them
	if (is_unspecified(prefix))
		return policy_error_word(p, word,
		                         instead_of_any(use, prefix->family == ADDRESS_IPV4
		                                                     ? "for every IPv4 address write 0.0.0.0/0"
		                                                     : "for every IPv6 address write ::/0"),
		                         "%s is the address of no host", SHOW(word));
	if (prefix_is_loopback(prefix))
		return policy_error_word(p, word,
		                         "traffic within the machine is always allowed and needs no line",
		                         "%s is the loopback: it never leaves the machine", SHOW(word));
	if (use == POLICY_ADDRESS_TARGET)
		return true;
	if (prefix_is_multicast(prefix))
		return policy_error_word(p, word, "write the address of the host itself",
		                         "%s is a multicast group, not a host", SHOW(word));
	if (is_broadcast(prefix))
		return policy_error_word(p, word, "write the address of the host itself",
		                         "%s is the broadcast address, not a host", SHOW(word));
	return true;
}

static bool only(const struct word *word, const char *characters)
{
	for (uint32_t i = 0; i < word->size; i++)
		if (!strchr(characters, word->text[i]))
			return false;
	return true;
}

static struct word part(const struct word *word, size_t first, size_t size)
{
	return (struct word){.text = word->text + first, .size = (uint32_t)size, .at = word->at};
}

static size_t find(const struct word *word, char c)
{
	const char *found = memchr(word->text, c, word->size);
	return found ? (size_t)(found - word->text) : word->size;
}

static bool is_address(const struct word *word)
{
	struct prefix ignored;
	return prefix_parse(word->text, word->size, &ignored) == PREFIX_OK;
}

// A name, rather than an address with a slip in it: a letter that no IPv6 address has, or no colon at all.
static bool is_name(const struct word *word)
{
	bool letter = false, colon = false, strange = false;
	for (uint32_t i = 0; i < word->size; i++) {
		char c = word->text[i];
		letter |= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		strange |= (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z');
		colon |= c == ':';
	}
	return strange || (letter && !colon);
}

static void not_an_address(struct policy_parser *p, const struct word *word, enum policy_address_use use)
{
	static const char *const right =
	        "write an address or a prefix, such as 10.20.0.5, 10.20.0.0/24 or 2001:db8:20::5";
	size_t colon = find(word, ':'), dash = find(word, '-');
	struct word before_colon = part(word, 0, colon), before_dash = part(word, 0, dash);

	if (find(word, ',') < word->size)
		policy_error_word(p, word, "separate addresses with spaces", "a comma in a list of addresses");
	else if (word->size && word->text[0] == '[')
		policy_error_word(p, word, "write the address alone, and a port where ports are listed",
		                  "square brackets around an address");
	else if (colon < word->size && is_address(&before_colon))
		policy_error_word(p, word,
		                  ADVICE("write the address alone, %s, and the port where ports are listed",
		                         SHOW(&before_colon)),
		                  "an address with a port");
	else if (dash < word->size && is_address(&before_dash))
		policy_error_word(p, word, "write a prefix such as 10.20.0.0/28, or the addresses one by one",
		                  "a range of addresses");
	else if (word->size && only(word, "0123456789.*") && find(word, '*') < word->size)
		policy_error_word(p, word, "write a prefix such as 10.20.0.0/24", "an address with a '*'");
	else if (policy_word_equal(word, "any") || policy_word_equal(word, "all"))
		policy_error_word(p, word, instead_of_any(use, "for every address write 0.0.0.0/0 and ::/0"),
		                  "'%s' is not an address", SHOW(word));
	else if (is_name(word))
		policy_error_word(
		        p, word,
		        "write its address: whoever can change a name server's answer could open the wall",
		        "'%s' is a name, not an address", SHOW(word));
	else
		policy_error_word(p, word, right, "'%s' is not an address", SHOW(word));
}

// The prefix length that a netmask written as an address stands for; -1 when it is none.
static int mask_length(const struct word *mask)
{
	struct prefix prefix;
	int length = 0;
	if (prefix_parse(mask->text, mask->size, &prefix) != PREFIX_OK || prefix.family != ADDRESS_IPV4)
		return -1;
	while (length < 32 && prefix.octets[length / 8] & 0x80 >> length % 8)
		length++;
	for (int i = length; i < 32; i++)
		if (prefix.octets[i / 8] & 0x80 >> i % 8)
			return -1;
	return length;
}

static void bad_length(struct policy_parser *p, const struct word *word)
{
	size_t slash = find(word, '/');
	struct word address = part(word, 0, slash), mask = part(word, slash + 1, word->size - slash - 1);
	int length = mask_length(&mask);
	bool six = find(&address, ':') < address.size;
	if (length >= 0) {
		char meant[POLICY_SHOW_MAX + 4], text[PREFIX_TEXT_MAX];
		struct prefix prefix;
		snprintf(meant, sizeof meant, "%s/%d", SHOW(&address), length);
		enum prefix_error error = prefix_parse(meant, strlen(meant), &prefix);
		if (error == PREFIX_OK || error == PREFIX_HOST_BITS)
			prefix_print(&prefix, text);
		policy_error_word(
		        p, word,
		        ADVICE("write %s", error == PREFIX_OK || error == PREFIX_HOST_BITS ? text : meant),
		        "a netmask after the '/'");
	} else {
		policy_error_word(p, word, ADVICE("a length is a number from 0 to %d", six ? 128 : 32),
		                  "'%s' is not the length of a prefix", SHOW(&mask));
	}
}

static void host_bits(struct policy_parser *p, const struct word *word, const struct prefix *prefix,
                      enum policy_address_use use)
{
	char network[PREFIX_TEXT_MAX];
	struct word host = part(word, 0, find(word, '/'));
	if (use == POLICY_ADDRESS_DEVICE) {
		struct prefix exact;
		bool inside = prefix_parse(host.text, host.size, &exact) == PREFIX_OK &&
		              memcmp(exact.octets, prefix->octets, sizeof exact.octets) != 0;
		policy_error_word(p, word,
		                  inside ? ADVICE("write %s", SHOW(&host)) : "write the device's own address",
		                  "'%s' is not one exact address", SHOW(word));
		return;
	}
	policy_error_word(p, word,
	                  ADVICE("write %s for the network or %s for the host", prefix_print(prefix, network),
	                         SHOW(&host)),
	                  "'%s' is neither a network nor a host", SHOW(word));
}

void policy_address_refuse(struct policy_parser *p, const struct word *word, enum prefix_error error,
                           const struct prefix *prefix, enum policy_address_use use)
{
	if (find(word, '#') < word->size) {
		policy_error_word(p, word, POLICY_COMMENT_ADVICE, "'%s' is not an address", SHOW(word));
		return;
	}
	struct word before = part(word, 0, find(word, '%'));
	size_t last_colon = 0;
	for (size_t i = 0; i < word->size; i++)
		if (word->text[i] == ':')
			last_colon = i;
	struct word quad = part(word, last_colon + 1, word->size - last_colon - 1);

	switch (error) {
	case PREFIX_OK:
		break;
	case PREFIX_NOT_AN_ADDRESS:
		not_an_address(p, word, use);
		break;
	case PREFIX_BAD_LENGTH:
		bad_length(p, word);
		break;
	case PREFIX_HOST_BITS:
		host_bits(p, word, prefix, use);
		break;
	case PREFIX_LEADING_ZERO:
		policy_error_word(p, word, "write it without: some programs read such numbers as octal",
		                  "'%s' has a number that begins with a zero", SHOW(word));
		break;
	case PREFIX_SCOPE:
		policy_error_word(p, word, ADVICE("write %s", SHOW(&before)),
		                  "an address with an interface (%%)");
		break;
	case PREFIX_MAPPED:
		policy_error_word(p, word,
		                  find(&quad, '.') < quad.size ? ADVICE("write %s", SHOW(&quad))
		                                               : "write the IPv4 address in its own form",
		                  "'%s' is an IPv4 address mapped into IPv6: no packet carries it", SHOW(word));
		break;
	}
}
