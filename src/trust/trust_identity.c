// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which site and which unit this box is: two lines that are compared with a policy's, octet for octet.
#include "trust/trust_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "base/trusted.h"
#include "policy/policy.h"

#define IDENTITY_MAX 4096 // octets of the file

_Static_assert(TRUST_NAME_MAX == POLICY_NAME_MAX + 1, "what a policy can name, a box can be");

const char *trust_identity_wrong(const char *name, size_t size)
{
	if (size == 0)
		return "the name is missing";
	if (size >= TRUST_NAME_MAX)
		return "the name is longer than 63 octets";
	if (name[0] == ' ' || name[size - 1] == ' ')
		return "spaces around the name";
	if (name[0] == '"' || name[0] == '\'')
		return "the name is written without quotes";
	if (size == 1 && name[0] == '*')
		return "'*' is no name of one box";
	if (name[size - 1] == '\r')
		return "the line ends in CR LF; lines of this file end in LF";
	for (size_t i = 0, octets; i < size; i += octets) {
		uint32_t character;
		octets = text_utf8(name + i, size - i, &character);
		if (octets == 0)
			return "the name is not UTF-8 text";
		if (character < ' ' || (character >= 0x7f && character < 0xa0) || text_deceives(character))
			return "a control character in the name";
	}
	return NULL;
}

static int complain(const char *path, unsigned line, const char *what, struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0,
	             "write it anew: leadglass trust add --site NAME --unit NAME", "%s/%s, line %u: %s", path,
	             TRUST_IDENTITY, line, what);
	return -EBADMSG;
}

// One line, without its end.
static int read_line(const char *path, unsigned number, const char *line, size_t size, struct trust *ret,
                     struct problems *problems)
{
	bool is_site = size >= 5 && memcmp(line, "site ", 5) == 0;
	char *into = is_site ? ret->site : ret->unit;
	if (!is_site && (size < 5 || memcmp(line, "unit ", 5) != 0))
		return complain(path, number, "not of the form 'site NAME' or 'unit NAME'", problems);
	if (*into)
		return complain(path, number, is_site ? "a second site" : "a second unit", problems);
	const char *wrong = trust_identity_wrong(line + 5, size - 5);
	if (wrong)
		return complain(path, number, wrong, problems);
	memcpy(into, line + 5, size - 5);
	into[size - 5] = '\0';
	return 0;
}

int trust_identity_read(const char *path, const char *text, size_t size, struct trust *ret,
                        struct problems *problems)
{
	int r = 0;
	ret->site[0] = ret->unit[0] = '\0';
	for (unsigned line = 1; r == 0 && size > 0; line++) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		// Cut off, it could be the name of another box.
		r = end ? read_line(path, line, text, length, ret, problems)
		        : complain(path, line, "the line has no end; it may be cut off", problems);
		length += end != NULL;
		text += length;
		size -= length;
	}
	if (r < 0)
		ret->site[0] = ret->unit[0] = '\0';
	return r;
}

int trust_identity_load(int folder, const char *path, struct trust *ret, struct problems *problems)
{
	ret->site[0] = ret->unit[0] = '\0';
	int fd = trusted_open(folder, path, TRUST_IDENTITY, problems);
	if (fd == -ENOENT)
		return 0;
	if (fd == -EBADMSG)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "remove it", "%s/%s is no regular file", path,
		             TRUST_IDENTITY);
	if (fd < 0)
		return fd;
	char *text = NULL;
	size_t size = 0;
	int r = file_read_open(fd, IDENTITY_MAX, &text, &size);
	close(fd);
	if (r == -EFBIG)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "it has two lines: 'site NAME' and 'unit NAME'",
		             "%s/%s is over %d octets", path, TRUST_IDENTITY, IDENTITY_MAX);
	else if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s/%s: %s", path, TRUST_IDENTITY,
		             strerror(-r));
	else
		r = trust_identity_read(path, text, size, ret, problems);
	free(text);
	return r == -EFBIG ? -EBADMSG : r;
}
