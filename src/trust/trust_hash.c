// SPDX-License-Identifier: GPL-2.0-or-later
//
// SHA-256. Of all about signatures the agent's keeper does only this in its own process, and by mbedTLS it
// would keep 200 KiB of that library resident (docs/architecture.md); nor does mbedTLS 2.28 know the
// processor's instructions for it.
#include "trust/trust_hash.h"

#include <string.h>

static void add_blocks(struct trust_hashing *hashing, const uint8_t *octets, size_t size)
{
	trust_hash_blocks(hashing->hash, octets, size / TRUST_HASH_BLOCK);
}

void trust_hash_add(struct trust_hashing *hashing, const void *data, size_t size)
{
	const uint8_t *octets = data;
	const size_t waits = hashing->size % TRUST_HASH_BLOCK, room = TRUST_HASH_BLOCK - waits;

	if (size == 0)
		return;
	hashing->size += size;
	if (size < room) {
		memcpy(hashing->block + waits, octets, size);
		return;
	}
	if (waits > 0) {
		memcpy(hashing->block + waits, octets, room);
		add_blocks(hashing, hashing->block, TRUST_HASH_BLOCK);
		octets += room;
		size -= room;
	}
	add_blocks(hashing, octets, size);
	memcpy(hashing->block, octets + size - size % TRUST_HASH_BLOCK, size % TRUST_HASH_BLOCK);
}

// A bit, and how many bits there were before it (5.1.1).
void trust_hash_end(struct trust_hashing *hashing, uint8_t ret[static TRUST_HASH_SIZE])
{
	static const uint8_t padding[TRUST_HASH_BLOCK] = {0x80};
	const uint64_t bits = hashing->size * 8;
	const size_t waits = hashing->size % TRUST_HASH_BLOCK;
	uint8_t count[8];

	for (size_t i = 0; i < sizeof count; i++)
		count[i] = (uint8_t)(bits >> (56 - 8 * i));
	trust_hash_add(hashing, padding, (waits < 56 ? 56 : 120) - waits);
	trust_hash_add(hashing, count, sizeof count);
	for (size_t i = 0; i < TRUST_HASH_SIZE; i++)
		ret[i] = (uint8_t)(hashing->hash[i / 4] >> (24 - 8 * (i % 4)));
}

int trust_hash(const void *data, size_t size, uint8_t ret[static TRUST_HASH_SIZE])
{
	struct trust_hashing hashing = TRUST_HASHING;
	trust_hash_add(&hashing, data, size);
	trust_hash_end(&hashing, ret);
	return 0;
}

char *trust_hash_print(const uint8_t hash[static TRUST_HASH_SIZE], char text[static TRUST_HASH_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < TRUST_HASH_SIZE; i++) {
		text[2 * i] = digits[hash[i] >> 4];
		text[2 * i + 1] = digits[hash[i] & 15];
	}
	text[TRUST_HASH_TEXT_SIZE - 1] = '\0';
	return text;
}
