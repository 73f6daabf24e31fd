// SPDX-License-Identifier: GPL-2.0-or-later
//
// The blocks of SHA-256 (FIPS 180-4 6.2.2): by the processor's own instructions for it where it has some, which
// is five times as fast and more.
#ifndef LEADGLASS_TRUST_TRUST_HASH_BLOCK_H
#define LEADGLASS_TRUST_TRUST_HASH_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define TRUST_HASH_BLOCK 64 // octets

// Takes `count` blocks into the hash value.
void trust_hash_blocks(uint32_t hash[static 8], const uint8_t *blocks, size_t count);

// The same on any processor.
void trust_hash_blocks_plain(uint32_t hash[static 8], const uint8_t *blocks, size_t count);

#endif
