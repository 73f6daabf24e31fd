// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: fuzz-TARGET FILE...
//
// Gives each file to the target, once. For compilers without libFuzzer, and to look at one input with a
// debugger. The last line says how many there were.
#include "fuzz.h"

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END) != 0) {
		perror(path);
		return 1;
	}
	long size = ftell(file);
	rewind(file);
	uint8_t *data = malloc(size > 0 ? (size_t)size : 1); // its end is the end of the memory
	if (!data || size < 0 || fread(data, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		return 1;
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (replay(argv[i]) != 0)
			return 1;
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
