// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: seeds-TARGET FOLDER
//
// Fills FOLDER with what a fuzz target begins with.
#include "seeds.h"

#include <errno.h>
#include <sys/stat.h>

static const char *folder;

void seed(const char *name, const void *data, size_t size)
{
	char path[4096];
	FUZZ_HOLDS(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
	FILE *file = fopen(path, "wbe");
	FUZZ_HOLDS(file && fwrite(data, 1, size, file) == size);
	FUZZ_HOLDS(fclose(file) == 0);
}

int main(int argc, char **argv)
{
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	if (mkdir(folder, 0777) < 0 && errno != EEXIST) {
		perror(folder);
		return 1;
	}
	make_seeds();
	return 0;
}
