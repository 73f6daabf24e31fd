// SPDX-License-Identifier: GPL-2.0-or-later
//
// The form of a state file:
//
//	leadglass-state 1 NAME\n   the content   sha256 HEX\n
#include "state/state.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"

static const char first_words[] = "leadglass-state 1 ";
static const char last_word[] = "sha256 ";

#define LAST_LINE (sizeof last_word - 1 + TRUST_HASH_TEXT_SIZE) // the NUL's place is the line end's

// The last line over what stands in `file`. 0 or -EIO.
static int last_line(const char *file, size_t size, char ret[static LAST_LINE])
{
	uint8_t hash[TRUST_HASH_SIZE];
	int r = trust_hash(file, size, hash);
	if (r < 0)
		return r;
	memcpy(ret, last_word, sizeof last_word - 1);
	trust_hash_print(hash, ret + sizeof last_word - 1);
	ret[LAST_LINE - 1] = '\n';
	return 0;
}

void state_seal(const char *name, const char *text, size_t size, struct buffer *out)
{
	char last[LAST_LINE];
	size_t start = out->size;
	buffer_reserve(out, sizeof first_words + strlen(name) + size + LAST_LINE);
	buffer_printf(out, "%s%s\n", first_words, name);
	buffer_add(out, text, size);
	if (buffer_failed(out))
		return;
	if (last_line(out->data + start, out->size - start, last) < 0)
		out->failed = true;
	buffer_add(out, last, LAST_LINE);
}

int state_unseal(char *file, size_t size, const char **ret_name, char **ret_text, size_t *ret_size)
{
	char last[LAST_LINE];
	size_t words = sizeof first_words - 1;
	if (size < words + 1 + LAST_LINE || memcmp(file, first_words, words) != 0)
		return -EBADMSG;
	size_t body = size - LAST_LINE;
	if (last_line(file, body, last) < 0 || memcmp(file + body, last, LAST_LINE) != 0)
		return -EBADMSG;
	char *end = memchr(file, '\n', body);
	if (!end || memchr(file, '\0', (size_t)(end - file)))
		return -EBADMSG;
	*end = '\0';
	file[body] = '\0';
	*ret_name = file + words;
	*ret_text = end + 1;
	*ret_size = (size_t)(file + body - *ret_text);
	return 0;
}
