// SPDX-License-Identifier: GPL-2.0-or-later
//
// The values of directives: addresses, ports, AE titles, names, interfaces. Lists that may repeat add to a
// span.
#include "policy/policy_parse.h"

#include <stdio.h>
#include <string.h>

void *policy_push(struct policy_parser *p, void *items, size_t *count, size_t *capacity, size_t item_size)
{
	if (p->error < 0)
		return NULL;
	if (*count == *capacity) {
		p->error = array_room(items, *count, capacity, item_size);
		if (p->error < 0)
			return NULL;
	}
	char *start;
	memcpy(&start, items, sizeof start);
	return start + (*count)++ * item_size;
}

bool policy_addresses_read(struct policy_parser *p, uint32_t first, uint32_t last, enum policy_address_use use,
                           struct span *span)
{
	struct policy *policy = p->policy;
	bool good = true;
	for (uint32_t i = first; i < last; i++) {
		const struct word *word = &p->line.words[i];
		struct prefix prefix;
		enum prefix_error error = prefix_parse(word->text, word->size, &prefix);
		if (error == PREFIX_OK && use == POLICY_ADDRESS_DEVICE && !prefix_is_exact(&prefix))
			error = PREFIX_HOST_BITS; // and the refusal says what a device needs
		if (error != PREFIX_OK || !policy_address_suits(p, word, &prefix, use)) {
			if (error != PREFIX_OK)
				policy_address_refuse(p, word, error, &prefix, use);
			good = false;
			continue;
		}
		struct policy_prefix *item = policy_push(p, &policy->prefixes, &policy->prefix_count,
		                                         &policy->prefix_capacity, sizeof *item);
		if (!item)
			return false;
		*item = (struct policy_prefix){.prefix = prefix, .at = word->at};
		policy_span_add(span, policy->prefix_count - 1);
	}
	return good;
}

bool policy_number(const char *text, size_t size, uint64_t most, uint64_t *ret)
{
	uint64_t value = 0;
	if (size == 0 || (size > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned digit = (unsigned)text[i] - '0';
		if (digit > 9 || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

static bool refuse_port(struct policy_parser *p, const struct word *word, bool ranges)
{
	if (memchr(word->text, '#', word->size))
		return policy_error_word(p, word, POLICY_COMMENT_ADVICE, "'%s' is not a port", SHOW(word));
	if (memchr(word->text, ',', word->size))
		return policy_error_word(p, word, "separate ports with spaces", "a comma in a list of ports");
	bool number = word->size > 0;
	for (uint32_t i = 0; i < word->size; i++)
		number = number && word->text[i] >= '0' && word->text[i] <= '9';
	if (number && word->text[0] == '0' && word->size > 1)
		return policy_error_word(p, word, "write it without", "'%s' begins with a zero", SHOW(word));
	if (number)
		return policy_error_word(p, word, "ports go from 1 to 65535", "there is no port %s",
		                         SHOW(word));
	return policy_error_word(p, word,
	                         ranges ? "write a number from 1 to 65535 or a range such as 8000-8010"
	                                : "write a number from 1 to 65535, such as 104 or 11112",
	                         "'%s' is not a port", SHOW(word));
}

static bool port_read(struct policy_parser *p, const struct word *word, bool ranges, struct policy_ports *ret)
{
	const char *dash = memchr(word->text, '-', word->size);
	uint64_t first, last;
	if (!dash) {
		if (!policy_number(word->text, word->size, 65535, &first) || first == 0)
			return refuse_port(p, word, ranges);
		last = first;
	} else {
		size_t before = (size_t)(dash - word->text);
		if (!policy_number(word->text, before, 65535, &first) || first == 0 ||
		    !policy_number(dash + 1, word->size - before - 1, 65535, &last))
			return refuse_port(p, word, ranges);
		if (!ranges)
			return policy_error_word(
			        p, word, "list the ports one by one: a DICOM node listens on one or a few",
			        "a range of ports");
		if (last < first)
			return policy_error_word(p, word,
			                         ADVICE("write %u-%u", (unsigned)last, (unsigned)first),
			                         "the range '%s' runs backwards", SHOW(word));
	}
	*ret = (struct policy_ports){.first = (uint16_t)first, .last = (uint16_t)last, .at = word->at};
	return true;
}

void policy_port_add(struct policy_parser *p, uint16_t first, uint16_t last, source_pos at, struct span *span)
{
	struct policy *policy = p->policy;
	struct policy_ports *item =
	        policy_push(p, &policy->ports, &policy->port_count, &policy->port_capacity, sizeof *item);
	if (!item)
		return;
	*item = (struct policy_ports){.first = first, .last = last, .at = at};
	policy_span_add(span, policy->port_count - 1);
}

bool policy_ports_read(struct policy_parser *p, uint32_t first, uint32_t last, bool ranges, struct span *span)
{
	bool good = true;
	for (uint32_t i = first; i < last && p->error == 0; i++) {
		const struct word *word = &p->line.words[i];
		struct policy_ports ports = {0};
		if (!port_read(p, word, ranges, &ports)) {
			good = false;
			continue;
		}
		if (span->count == POLICY_PORTS_MAX)
			return policy_error_word(p, word, NULL, "more than %d ports in one list",
			                         POLICY_PORTS_MAX);
		const struct policy_ports *before = NULL;
		for (uint32_t k = 0; k < span->count && !before; k++) {
			const struct policy_ports *item = &p->policy->ports[span->first + k];
			if (ports.first <= item->last && item->first <= ports.last)
				before = item;
		}
		if (before) {
			good = policy_error_word(p, word, "leave one of them out",
			                         "port %s is in this list already", SHOW(word));
			continue;
		}
		policy_port_add(p, ports.first, ports.last, ports.at, span);
	}
	return good && p->error == 0;
}

static bool is_name(const struct word *word)
{
	for (uint32_t i = 0; i < word->size; i++) {
		char c = word->text[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
			continue;
		if ((c != '-' && c != '.') || i == 0)
			return false;
	}
	return true;
}

bool policy_name_check(struct policy_parser *p, const struct word *word, const char *whose)
{
	if (word->size == 0)
		return policy_error_word(p, word, NULL, "an empty name for %s", whose);
	if (word->size > POLICY_NAME_MAX)
		return policy_error_word(p, word, NULL, "the name of %s has %u characters; the limit is %d",
		                         whose, word->size, POLICY_NAME_MAX);
	if (!is_name(word))
		return policy_error_word(p, word,
		                         "a name has letters, digits, '_', and, but not first, '-' and '.'",
		                         "'%s' cannot be the name of %s", SHOW(word), whose);
	return true;
}

static bool interface_check(struct policy_parser *p, const struct word *word)
{
	if (word->size > 15)
		return policy_error_word(p, word, "Linux allows 15 characters",
		                         "the interface name '%s' is too long", SHOW(word));
	bool good = word->size > 0 && !policy_word_equal(word, ".") && !policy_word_equal(word, "..");
	for (uint32_t i = 0; i < word->size; i++)
		good = good && word->text[i] > ' ' && word->text[i] < 0x7f &&
		       !strchr("/:*\"\\,", word->text[i]);
	if (!good)
		return policy_error_word(p, word, "write each interface's whole name, as `ip link` shows it",
		                         "'%s' is not an interface name", SHOW(word));
	return true;
}

bool policy_interfaces_read(struct policy_parser *p, struct span *span)
{
	struct policy *policy = p->policy;
	bool good = true;
	for (uint32_t i = 1; i < p->line.count; i++) {
		const struct word *word = &p->line.words[i];
		if (!interface_check(p, word)) {
			good = false;
			continue;
		}
		bool before = false;
		for (uint32_t k = 0; k < span->count; k++) {
			const struct word *item = &policy->interfaces[span->first + k];
			before |= item->size == word->size && memcmp(item->text, word->text, word->size) == 0;
		}
		if (before) {
			good = policy_error_word(p, word, "leave one of them out",
			                         "interface %s is in this list already", SHOW(word));
			continue;
		}
		if (span->count == POLICY_INTERFACES_MAX)
			return policy_error_word(p, word, NULL, "more than %d interfaces in one list",
			                         POLICY_INTERFACES_MAX);
		struct word *item = policy_push(p, &policy->interfaces, &policy->interface_count,
		                                &policy->interface_capacity, sizeof *item);
		if (!item)
			return false;
		*item = *word;
		policy_span_add(span, policy->interface_count - 1);
	}
	return good;
}
