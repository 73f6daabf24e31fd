// SPDX-License-Identifier: GPL-2.0-or-later
//
// What verifying adds to a static binary: a program that reads a policy and an anchor, built with it (VERIFY)
// and without.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/trust.h"

static char *read_all(const char *name, size_t *ret_size)
{
	FILE *file = fopen(name, "rb");
	char *text = file ? calloc(1, 1 << 20) : NULL;
	*ret_size = text ? fread(text, 1, (1 << 20) - 1, file) : 0;
	return text;
}

int main(int argc, char **argv)
{
	size_t size, anchor_size;
	char *policy = argc > 2 ? read_all(argv[1], &size) : NULL;
	char *anchor = argc > 2 ? read_all(argv[2], &anchor_size) : NULL;

	if (!policy || !anchor)
		return 2;
#ifdef VERIFY
	static struct trust trust;
	struct trust_verdict verdict;
	trust.count = 1;
	trust.anchors[0] = (struct trust_anchor){.name = "anchor", .text = anchor, .size = anchor_size};
	trust_verify(policy, size, &trust, &verdict);
	printf("%u %s %s\n", verdict.code, verdict.signer, verdict.detail);
	return verdict.code == TRUST_GOOD ? 0 : 1;
#else
	printf("%zu %zu %s %s\n", size, anchor_size, policy, anchor);
	return 0;
#endif
}
