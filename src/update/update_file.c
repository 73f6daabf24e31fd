// SPDX-License-Identifier: GPL-2.0-or-later
//
// An update file, read to its end and believed step by step: first whose it is, then what its manifest says,
// then that the image is the one which the manifest names. The image is kept in memory, so that what was
// checked is what will be written, whatever becomes of the file; a box has more memory than a slot has octets.
#include "update/update.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX 64 // octets of the first line, at most
#define LINE_BEGINS "leadglass update, manifest of "
#define LINE_ENDS " octets\n"

void update_init(struct update *update)
{
	*update = (struct update){.verdict.code = TRUST_UNCHECKED};
	policy_init(&update->holder);
}

void update_fini(struct update *update)
{
	if (!update)
		return;
	policy_fini(&update->holder);
	free(update->image);
	update_init(update);
}

int update_trust_read(const char *path, struct trust *ret, struct problems *problems)
{
	int r = trust_read(path, ret, problems);
	ret->of_updates = true;
	if (r == 0 && ret->count == 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "the manufacturer's certificate or key belongs there, as NAME.pem",
		             "nobody's updates are taken: there is no trust anchor in %s", path);
		r = -ENOKEY;
	}
	return r;
}

// A file that is being read.
struct reading {
	int fd;
	const char *name;
	struct problems *problems;
};

static int refuse(const struct reading *reading, int error, const char *what, const char *instead)
{
	problem_addf(reading->problems, PROBLEM_ERROR, 0, 0, instead, "%s %s", reading->name, what);
	return error;
}

// Up to `size` octets; fewer only where the file ends. -errno with a problem.
static int read_some(const struct reading *reading, char *ret, size_t size, size_t *ret_size)
{
	*ret_size = 0;
	while (*ret_size < size) {
		ssize_t got = read(reading->fd, ret + *ret_size, size - *ret_size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno;
			problem_addf(reading->problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s: %s",
			             reading->name, strerror(-error));
			return error;
		}
		if (got == 0)
			break;
		*ret_size += (size_t)got;
	}
	return 0;
}

static int no_update(const struct reading *reading)
{
	return refuse(reading, -EINVAL, "is no update file",
	              "one begins with the line \"" LINE_BEGINS "N octets\"");
}

// The first line, with a NUL, and how many octets of manifest it announces. Octet by octet: what follows is
// somebody else's.
static int read_line(const struct reading *reading, char line[static LINE_MAX], size_t *ret_manifest)
{
	const size_t begins = sizeof LINE_BEGINS - 1, ends = sizeof LINE_ENDS - 1;
	size_t size = 0, got;
	uint64_t number;

	do {
		int r = size < LINE_MAX - 1 ? read_some(reading, line + size, 1, &got) : -E2BIG;
		if (r == -E2BIG || (r == 0 && got == 0))
			return no_update(reading);
		if (r < 0)
			return r;
	} while (line[size++] != '\n');
	line[size] = '\0';
	if (size < begins + ends || memcmp(line, LINE_BEGINS, begins) != 0 ||
	    memcmp(line + size - ends, LINE_ENDS, ends) != 0)
		return no_update(reading);
	number = 0;
	for (size_t i = begins; i < size - ends; i++) {
		if (line[i] < '0' || line[i] > '9')
			return no_update(reading);
		number = number * 10 + (uint64_t)(line[i] - '0');
		if (number > UPDATE_MANIFEST_MAX)
			return refuse(reading, -EFBIG, "announces a manifest of more than 128 KiB",
			              "it holds a few lines, a signature and certificates");
	}
	*ret_manifest = (size_t)number;
	return 0;
}

// Who has signed it. Whoever vouches for a hospital's policies alone does not vouch for firmware.
static int check_signature(const struct reading *reading, const char *manifest, size_t size,
                           const struct trust *trust, int64_t now, struct trust_verdict *ret)
{
	int r = trust_verify_apart(manifest, size, trust, ret, reading->problems);
	if (r < 0)
		return r;
	trust_verdict_tell(ret, reading->name, trust, reading->problems);
	if (ret->code != TRUST_GOOD)
		return -EKEYREJECTED;
	if (ret->scope == TRUST_SITE) {
		problem_addf(reading->problems, PROBLEM_ERROR, 0, 0,
		             "updates are the manufacturer's: an anchor for them is NAME.pem or NAME.oem.pem",
		             "%s is signed by %s, and the trust anchor %s does not vouch for updates",
		             reading->name, ret->signer, ret->anchor);
		return -EKEYREJECTED;
	}
	return trust_judge_chain(ret, trust, now, reading->problems);
}

// Line and manifest as one text, so that its lines are counted as an editor counts the file's.
static int read_manifest(const struct reading *reading, const struct trust *trust, int64_t now,
                         struct update *ret)
{
	char line[LINE_MAX];
	size_t size, got, skip;
	int r = read_line(reading, line, &size);
	if (r < 0)
		return r;
	skip = strlen(line);
	char *text = malloc(skip + size + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, line, skip);
	r = read_some(reading, text + skip, size, &got);
	if (r == 0 && got < size)
		r = refuse(reading, -EINVAL, "ends within its manifest",
		           "it was cut off: fetch it anew, and compare its size");
	if (r == 0)
		r = check_signature(reading, text + skip, size, trust, now, &ret->verdict);
	if (r < 0) {
		free(text);
		return r;
	}
	// The parser is shown what was hashed, and nothing after it.
	size = skip + (size_t)ret->verdict.size;
	text[size] = '\0';
	return update_manifest_read(reading->name, text, size, skip, &ret->holder, &ret->manifest,
	                            reading->problems);
}

static int read_image(const struct reading *reading, struct update *ret)
{
	const size_t size = (size_t)ret->manifest.image_size;
	uint8_t hash[TRUST_HASH_SIZE];
	size_t got, more = 0;
	char octet;

	ret->image = malloc(size);
	if (!ret->image)
		return -ENOMEM;
	int r = read_some(reading, ret->image, size, &got);
	if (r == 0 && got == size)
		r = read_some(reading, &octet, 1, &more);
	if (r < 0)
		return r;
	if (got < size) {
		problem_addf(reading->problems, PROBLEM_ERROR, 0, 0, "fetch it anew, and compare its size",
		             "%s was cut off: there are %zu octets of its image of %zu", reading->name, got,
		             size);
		return -EBADMSG;
	}
	if (more)
		return refuse(reading, -EBADMSG, "is longer than its manifest says",
		              "something was appended to it: fetch it anew");
	r = trust_hash(ret->image, size, hash);
	if (r == 0 && memcmp(hash, ret->manifest.image_hash, sizeof hash) != 0)
		r = refuse(reading, -EBADMSG, "holds another image than its manifest names (SHA-256)",
		           "it was damaged on its way: fetch it anew");
	return r;
}

int update_read(int fd, const char *name, const struct trust *trust, int64_t now, struct update *ret,
                struct problems *problems)
{
	const struct reading reading = {.fd = fd, .name = name, .problems = problems};
	int r = read_manifest(&reading, trust, now, ret);
	return r == 0 ? read_image(&reading, ret) : r;
}
