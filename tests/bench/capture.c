// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loaded before the C library: keeps the longest datagram that the program sends, in the file CAPTURE. Of
// `leadglass load` that is the transaction.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
	static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	static size_t longest;
	const char *name = getenv("CAPTURE");
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sendto");
	if (name && size > longest) {
		FILE *file = fopen(name, "wb");
		if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
			abort();
		longest = size;
	}
	return real(fd, data, size, flags, to, to_size);
}
