// SPDX-License-Identifier: GPL-2.0-or-later
//
// trust_time POLICY ANCHOR COUNT: verifies a signed policy COUNT times in this process and prints the processor
// time of each in microseconds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trust/trust.h"

static char *read_all(const char *name, size_t *ret_size)
{
	FILE *file = fopen(name, "rb");
	if (!file || fseek(file, 0, SEEK_END) != 0)
		exit(2);
	long size = ftell(file);
	char *text = calloc(1, (size_t)size + 1);
	rewind(file);
	if (!text || fread(text, 1, (size_t)size, file) != (size_t)size)
		exit(2);
	fclose(file);
	*ret_size = (size_t)size;
	return text;
}

static long long microseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	static struct trust trust;
	struct trust_verdict verdict;
	size_t size, anchor_size;

	if (argc != 4)
		return 2;
	char *policy = read_all(argv[1], &size), *anchor = read_all(argv[2], &anchor_size);
	trust.count = 1;
	trust.anchors[0] = (struct trust_anchor){.name = "anchor", .text = anchor, .size = anchor_size};
	for (int i = atoi(argv[3]); i > 0; i--) {
		long long before = microseconds();
		trust_verify(policy, size, &trust, &verdict);
		printf("%lld\n", microseconds() - before);
		if (verdict.code != TRUST_GOOD) {
			fprintf(stderr, "not good: %u %s\n", verdict.code, verdict.detail);
			return 1;
		}
	}
	return 0;
}
