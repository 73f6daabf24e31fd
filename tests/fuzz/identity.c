// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is in a trust folder besides certificates, which the target `signed` reads: the file `identity`, and
// names of anchors. A name that is taken can be written and is read again.
#include "readable.h"

#include <errno.h>
#include <string.h>

#include "trust/trust_folder.h"

#define PATH "/etc/leadglass/trust"

static void hold_name(const char *name)
{
	if (name[0])
		FUZZ_HOLDS(!trust_identity_wrong(name, strlen(name)));
	hold_readable(name, strlen(name));
	FUZZ_HOLDS(!strpbrk(name, "\n\t"));
}

static void read_again(const struct trust *trust)
{
	struct buffer text = BUFFER_EMPTY;
	struct problems problems;
	struct trust again;
	problem_init(&problems);
	if (trust->site[0])
		buffer_printf(&text, "site %s\n", trust->site);
	if (trust->unit[0])
		buffer_printf(&text, "unit %s\n", trust->unit);
	FUZZ_HOLDS(trust_identity_read(PATH, text.data ? text.data : "", text.size, &again, &problems) == 0);
	FUZZ_HOLDS(strcmp(again.site, trust->site) == 0 && strcmp(again.unit, trust->unit) == 0);
	buffer_fini(&text);
	problem_fini(&problems);
}

static void read_identity(const char *text, size_t size)
{
	struct problems problems;
	struct trust trust;
	problem_init(&problems);
	int r = trust_identity_read(PATH, text, size, &trust, &problems);
	FUZZ_HOLDS(r == 0 || r == -EBADMSG);
	FUZZ_HOLDS(r == 0 || (!trust.site[0] && !trust.unit[0]));
	hold_problems(&problems, NULL, r);
	hold_name(trust.site);
	hold_name(trust.unit);
	if (r == 0)
		read_again(&trust);
	problem_fini(&problems);
}

static void read_name(const char *text, size_t size)
{
	struct problems problems;
	enum trust_scope scope = TRUST_ALL;
	char *name = strndup(text, size);
	FUZZ_HOLDS(name);
	problem_init(&problems);
	int r = trust_name_read(PATH, name, &scope, &problems);
	hold_problems(&problems, NULL, r);
	if (r == 0) {
		const char *dot = strrchr(name, '.');
		FUZZ_HOLDS(strlen(name) < TRUST_NAME_MAX && !strchr(name, '/') && name[0] != '.');
		FUZZ_HOLDS((scope == TRUST_SITE) == (dot && strcmp(dot, ".site") == 0));
		FUZZ_HOLDS((scope == TRUST_OEM) == (dot && strcmp(dot, ".oem") == 0));
	}
	problem_fini(&problems);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_identity((const char *)data, size);
	read_name((const char *)data, size);
	return 0;
}
