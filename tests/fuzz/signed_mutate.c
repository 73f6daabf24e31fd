// SPDX-License-Identifier: GPL-2.0-or-later
//
// Changes inside the base64: libFuzzer by itself would hardly ever write a block that can be decoded. Every
// other time a block is taken out, its octets are changed, and it is put back.
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "trust/trust_pem.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static const char *const labels[] = {"LEADGLASS SIGNATURE", "CERTIFICATE", "PUBLIC KEY"};
#define LABELS (sizeof labels / sizeof *labels)

struct block {
	const char *label;
	struct trust_text before, after; // it stands between them
	uint8_t *octets;
	size_t size;
};

// Reads one, if the text goes on with it; *rest is then what follows.
static bool read_block(struct trust_text *rest, const char *begin, struct trust_text line, struct block *ret)
{
	for (size_t i = 0; i < LABELS; i++) {
		if (!trust_pem_begins(line, labels[i]))
			continue;
		ret->label = labels[i];
		ret->before = (struct trust_text){begin, (size_t)(line.text - begin)};
		bool good = !trust_pem_read(rest, labels[i], ret->octets, &ret->size);
		ret->after = *rest;
		return good;
	}
	return false;
}

// Number `wanted` of those that can be decoded, counted round.
static bool pick(struct block *block, struct trust_text text, unsigned wanted)
{
	for (unsigned round = 0, count = 0; round < 2; round++) {
		struct trust_text rest = text, line;
		while (trust_pem_line(&rest, &line)) {
			if (!read_block(&rest, text.text, line, block))
				continue;
			if (round > 0 && wanted-- == 0)
				return true;
			count++;
		}
		if (round == 0 && count == 0)
			return false;
		if (round == 0)
			wanted %= count;
	}
	return false;
}

static void put_together(const struct block *block, struct buffer *out)
{
	buffer_add(out, block->before.text, block->before.size);
	trust_pem_write(out, block->label, block->octets, block->size);
	buffer_add(out, block->after.text, block->after.size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct buffer out = BUFFER_EMPTY;
	struct block block = {.octets = malloc(max_size + 64)};
	if (block.octets && seed % 2 && pick(&block, (struct trust_text){(const char *)data, size}, seed / 2)) {
		block.size = LLVMFuzzerMutate(block.octets, block.size, block.size + 64);
		put_together(&block, &out);
	}
	if (out.data && !buffer_failed(&out) && out.size <= max_size) {
		memcpy(data, out.data, out.size);
		size = out.size;
	} else {
		size = LLVMFuzzerMutate(data, size, max_size);
	}
	buffer_fini(&out);
	free(block.octets);
	return size;
}
