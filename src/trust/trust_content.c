// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading a signed policy, whole or in pieces.
#include "trust/trust_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/signed_text.h"

#define MARKER_SIZE (sizeof SIGNED_TEXT_MARKER - 1)

// Reads up to `size` octets; fewer only at the end of the file. -errno.
static ssize_t read_at(int fd, uint64_t at, char *ret, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t got = pread(fd, ret + done, size - done, (off_t)(at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

// ---- where the signature begins ----

// Why there is no marker, or only nearly.
static enum trust_code missing(bool elsewhere)
{
	return elsewhere ? TRUST_MARKER_PLACE : TRUST_NOT_SIGNED;
}

static enum trust_code split_text(struct trust_content *content, char **ret_trailer, size_t *ret_size,
                                  int *ret_error)
{
	const size_t size = (size_t)content->size, end = signed_text_end(content->text, size);
	if (end == size)
		return missing(size > 0 && memmem(content->text, size, SIGNED_TEXT_MARKER, MARKER_SIZE));
	if (size - end > TRUST_SIGNATURE_MAX)
		return TRUST_SIGNATURE_LONG;
	*ret_trailer = malloc(size - end);
	if (!*ret_trailer) {
		*ret_error = -ENOMEM;
		return TRUST_UNCHECKED;
	}
	memcpy(*ret_trailer, content->text + end, size - end);
	*ret_size = size - end;
	content->size = end;
	return TRUST_GOOD;
}

// `piece` has room for TRUST_CONTENT_PIECE octets after the MARKER_SIZE - 1 that end the piece before.
static enum trust_code find_in_file(struct trust_content *content, char *piece, int *ret_error)
{
	struct signed_text_search search = SIGNED_TEXT_SEARCH;
	bool elsewhere = false;
	uint64_t at = 0;
	size_t kept = 0;

	for (;;) {
		char *fresh = piece + MARKER_SIZE - 1;
		ssize_t got = read_at(content->fd, at, fresh, TRUST_CONTENT_PIECE);
		if (got < 0) {
			*ret_error = (int)got;
			return TRUST_UNCHECKED;
		}
		if (got == 0)
			return missing(elsewhere);
		if (signed_text_search(&search, fresh, (size_t)got, &content->size))
			return TRUST_GOOD;
		// For the message alone; two pieces meet in the first of these.
		elsewhere = elsewhere ||
		            memmem(fresh - kept, kept + (size_t)got, SIGNED_TEXT_MARKER, MARKER_SIZE) != NULL;
		kept = kept + (size_t)got < MARKER_SIZE - 1 ? kept + (size_t)got : MARKER_SIZE - 1;
		memmove(fresh - kept, fresh + got - kept, kept);
		at += (uint64_t)got;
	}
}

static enum trust_code split_file(struct trust_content *content, char **ret_trailer, size_t *ret_size,
                                  int *ret_error)
{
	// One octet more shows that there are too many.
	const size_t room = MARKER_SIZE - 1 + TRUST_CONTENT_PIECE, most = TRUST_SIGNATURE_MAX + 1;
	char *memory = malloc(room > most ? room : most);
	if (!memory) {
		*ret_error = -ENOMEM;
		return TRUST_UNCHECKED;
	}
	enum trust_code code = find_in_file(content, memory, ret_error);
	ssize_t got = code == TRUST_GOOD ? read_at(content->fd, content->size, memory, most) : 0;
	if (got < 0) {
		*ret_error = (int)got;
		code = TRUST_UNCHECKED;
	} else if ((size_t)got == most) {
		code = TRUST_SIGNATURE_LONG;
	}
	if (code != TRUST_GOOD) {
		free(memory);
		return code;
	}
	*ret_trailer = memory;
	*ret_size = (size_t)got;
	return TRUST_GOOD;
}

enum trust_code trust_content_split(struct trust_content *content, char **ret_trailer, size_t *ret_size,
                                    int *ret_error)
{
	*ret_trailer = NULL;
	*ret_error = 0;
	return content->text ? split_text(content, ret_trailer, ret_size, ret_error)
	                     : split_file(content, ret_trailer, ret_size, ret_error);
}

// ---- hashes ----

// Two hashes that are fed together.
struct hashing {
	mbedtls_md_context_t sha256, sha384;
	bool both;
};

static int begin_one(mbedtls_md_context_t *context, mbedtls_md_type_t type)
{
	const mbedtls_md_info_t *info = mbedtls_md_info_from_type(type);
	int r = info ? mbedtls_md_setup(context, info, 0) : MBEDTLS_ERR_MD_FEATURE_UNAVAILABLE;
	return r == 0 ? mbedtls_md_starts(context) : r;
}

static int begin(struct hashing *hashing, bool both)
{
	hashing->both = both;
	mbedtls_md_init(&hashing->sha256);
	mbedtls_md_init(&hashing->sha384);
	int r = begin_one(&hashing->sha256, MBEDTLS_MD_SHA256);
	if (r == 0 && both)
		r = begin_one(&hashing->sha384, MBEDTLS_MD_SHA384);
	return r == 0 ? 0 : trust_mbedtls_no_memory(r) ? -ENOMEM : -EIO;
}

static int feed(struct hashing *hashing, const char *data, size_t size)
{
	const unsigned char *octets = (const unsigned char *)data;
	int r = mbedtls_md_update(&hashing->sha256, octets, size);
	if (r == 0 && hashing->both)
		r = mbedtls_md_update(&hashing->sha384, octets, size);
	return r == 0 ? 0 : -EIO;
}

static int feed_file(struct hashing *hashing, int fd, uint64_t size)
{
	char *piece = malloc(TRUST_CONTENT_PIECE);
	int r = piece ? 0 : -ENOMEM;
	for (uint64_t at = 0; r == 0 && at < size;) {
		size_t wanted = size - at < TRUST_CONTENT_PIECE ? (size_t)(size - at) : TRUST_CONTENT_PIECE;
		ssize_t got = read_at(fd, at, piece, wanted);
		if (got < 0)
			r = (int)got;
		else
			r = (size_t)got == wanted ? feed(hashing, piece, wanted) : -EIO;
		at += wanted;
	}
	free(piece);
	return r;
}

int trust_content_hash(const struct trust_content *content, bool sha384, struct trust_hashes *ret)
{
	struct hashing hashing;
	*ret = (struct trust_hashes){0};
	int r = begin(&hashing, sha384);
	if (r == 0)
		r = content->text ? feed(&hashing, content->text, (size_t)content->size)
		                  : feed_file(&hashing, content->fd, content->size);
	if (r == 0 && mbedtls_md_finish(&hashing.sha256, ret->sha256) != 0)
		r = -EIO;
	if (r == 0 && sha384 && mbedtls_md_finish(&hashing.sha384, ret->sha384) != 0)
		r = -EIO;
	mbedtls_md_free(&hashing.sha256);
	mbedtls_md_free(&hashing.sha384);
	return r;
}
