// SPDX-License-Identifier: GPL-2.0-or-later
//
// How nft spells single values. Shared by the printer and by what gives reasons; not for other modules.
#ifndef LEADGLASS_RULESET_RULESET_SPELL_H
#define LEADGLASS_RULESET_RULESET_SPELL_H

#include <stddef.h>
#include <stdint.h>

#include "ruleset/ruleset.h"

#define NFPROTO_IPV4 2 // linux/netfilter.h, which drags in more than it is worth
#define NFPROTO_IPV6 10

// "tcp", "udp", "icmp", "icmpv6"; NULL for the rest, which have numbers.
const char *ruleset_spell_protocol(uint8_t protocol);
// "echo-request"; NULL for types without a name here. `icmp6` chooses between the two registries.
const char *ruleset_spell_icmp(bool icmp6, uint8_t type);

// What a field is compared with: field_info.size octets.
void ruleset_spell_value(enum ruleset_field field, const uint8_t *value, struct buffer *out);
// One part of an element; a single value when both ends are equal, a prefix where they are one.
void ruleset_spell_range(enum ruleset_type type, const uint8_t *first, const uint8_t *last, struct buffer *out);
// nft has no escapes inside quotes: what cannot be said there is replaced, never passed through.
void ruleset_spell_quoted(const char *text, size_t size, struct buffer *out);

#endif
