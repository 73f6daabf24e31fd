// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parser's bridge to the file system.
#include "policy/policy.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

static int load(void *context, const char *path, char **ret_text, size_t *ret_size)
{
	(void)context;
	// "-" is standard input for the command line only, never for a file that includes another.
	if (strcmp(path, "-") == 0)
		path = "./-";
	return file_read(path, POLICY_FILE_MAX, ret_text, ret_size);
}

int policy_read_text(const char *path, char **ret_text, size_t *ret_size, struct problems *problems)
{
	const char *quote = strcmp(path, "-") == 0 ? "" : "'";
	int r = file_read(path, POLICY_FILE_MAX, ret_text, ret_size);
	if (r == -EFBIG)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s is over %u MiB", path,
		             POLICY_FILE_MAX >> 20);
	else if (r < 0)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read %s%s%s: %s", quote,
		             *quote ? path : "standard input", quote, strerror(-r));
	return r;
}

int policy_read(struct policy *policy, const char *path, struct problems *problems)
{
	static const struct policy_loader loader = {.load = load};
	char *text;
	size_t size;
	policy_init(policy);
	int r = policy_read_text(path, &text, &size, problems);
	return r < 0 ? r : policy_parse(policy, path, text, size, &loader, problems);
}
