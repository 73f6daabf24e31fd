// SPDX-License-Identifier: GPL-2.0-or-later
//
// The environment block, from octets and to octets.
#include "update/update_block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char signature[] = "# GRUB Environment Block\n";
#define SIGNATURE_SIZE (sizeof signature - 1)

const char *update_slot_name(enum update_slot slot)
{
	return slot == UPDATE_A ? "a" : slot == UPDATE_B ? "b" : "";
}

enum update_slot update_slot_other(enum update_slot slot)
{
	return slot == UPDATE_A ? UPDATE_B : slot == UPDATE_B ? UPDATE_A : UPDATE_NO_SLOT;
}

uint64_t *update_block_serial(struct update_block *block, enum update_slot slot)
{
	return slot == UPDATE_B ? &block->serial_b : &block->serial_a;
}

static enum update_slot slot_of(const char *value)
{
	return strcmp(value, "a") == 0 ? UPDATE_A : strcmp(value, "b") == 0 ? UPDATE_B : UPDATE_NO_SLOT;
}

// 0 for all that is no number of the kind this file writes.
static uint64_t number(const char *value)
{
	uint64_t sum = 0;
	for (; *value; value++) {
		unsigned digit = (unsigned char)*value - (unsigned)'0';
		if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
			return 0;
		sum = sum * 10 + digit;
	}
	return sum;
}

// How often something may yet be begun: one digit, up to UPDATE_TRIES.
static unsigned count(const char *value, unsigned otherwise)
{
	unsigned digit = (unsigned char)value[0] - (unsigned)'0';
	return digit <= UPDATE_TRIES && !value[1] ? digit : otherwise;
}

static void take(struct update_block *ret, const char *name, const char *value)
{
	if (strcmp(name, "good") == 0)
		ret->good = slot_of(value);
	else if (strcmp(name, "trial") == 0)
		ret->trial = slot_of(value);
	else if (strcmp(name, "tries") == 0)
		ret->tries = count(value, 0);
	else if (strcmp(name, "starts") == 0)
		ret->starts = count(value, UPDATE_TRIES);
	else if (strcmp(name, "reset") == 0)
		ret->reset = strcmp(value, "1") == 0;
	else if (strcmp(name, "serial_a") == 0)
		ret->serial_a = number(value);
	else if (strcmp(name, "serial_b") == 0)
		ret->serial_b = number(value);
}

bool update_block_read(const char octets[static UPDATE_BLOCK_SIZE], struct update_block *ret)
{
	const char *at = octets + SIGNATURE_SIZE, *const end = octets + UPDATE_BLOCK_SIZE;
	const bool good = memcmp(octets, signature, SIGNATURE_SIZE) == 0;
	char line[UPDATE_BLOCK_SIZE];

	*ret = (struct update_block){.starts = UPDATE_TRIES};
	while (good && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((stop ? stop : end) - at);
		memcpy(line, at, size);
		line[size] = '\0';
		char *equals = strchr(line, '=');
		if (equals && line[0] != '#') {
			*equals = '\0';
			take(ret, line, equals + 1);
		}
		at += size + 1;
	}
	if (ret->good == UPDATE_NO_SLOT)
		ret->good = UPDATE_A;
	return good;
}

void update_block_write(const struct update_block *block, char ret[static UPDATE_BLOCK_SIZE])
{
	memset(ret, '#', UPDATE_BLOCK_SIZE);
	int size =
	        snprintf(ret, UPDATE_BLOCK_SIZE,
	                 "%sgood=%s\ntrial=%s\ntries=%u\nstarts=%u\nreset=%s\nserial_a=%" PRIu64
	                 "\nserial_b=%" PRIu64 "\n",
	                 signature, update_slot_name(block->good), update_slot_name(block->trial), block->tries,
	                 block->starts, block->reset ? "1" : "", block->serial_a, block->serial_b);
	ret[size] = '#'; // where snprintf put its NUL
}

void update_block_header(char ret[static UPDATE_HEADER_SIZE])
{
	static const struct {
		size_t at;
		const char *text;
	} fields[] = {
	        {0, "grubenv"},       {100, "0000644"},     {108, "0000000"}, {116, "0000000"},
	        {124, "00000002000"}, {136, "00000000000"}, {156, "0"},       {257, "ustar"},
	        {263, "00"},          {329, "0000000"},     {337, "0000000"},
	};
	unsigned sum = 8 * ' '; // of all octets, those of the sum itself being spaces
	memset(ret, 0, UPDATE_HEADER_SIZE);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		memcpy(ret + fields[i].at, fields[i].text, strlen(fields[i].text));
	for (size_t i = 0; i < UPDATE_HEADER_SIZE; i++)
		sum += (unsigned char)ret[i];
	char text[16];
	snprintf(text, sizeof text, "%06o", sum);
	memcpy(ret + 148, text, 7);
	ret[155] = ' ';
}
