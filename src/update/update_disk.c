// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices of the box: whole reads and writes, and the environment block.
#include "update/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int update_disk_read(int fd, char *ret, size_t size, uint64_t at)
{
	while (size > 0) {
		ssize_t got = pread(fd, ret, size, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		ret += got;
		size -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

int update_disk_write(int fd, const char *data, size_t size, uint64_t at)
{
	while (size > 0) {
		ssize_t put = pwrite(fd, data, size, (off_t)at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		data += put;
		size -= (size_t)put;
		at += (uint64_t)put;
	}
	return 0;
}

int update_disk_sync(int fd)
{
	if (fsync(fd) < 0)
		return -errno;
	return -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

// ---- the environment block ----

static int complain(int error, const char *what, const char *path, struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot %s the boot loader's environment, %s: %s",
	             what, path, strerror(-error));
	return error;
}

static int lock(int fd, enum update_open how, struct problems *problems)
{
	int r = 0;
	if (how == UPDATE_LOOK)
		return 0;
	do {
		r = flock(fd, how == UPDATE_WAIT ? LOCK_EX : LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r == -EWOULDBLOCK) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "another leadglass update is at work",
		            "wait for it");
		r = -EBUSY;
	}
	return r;
}

int update_block_open(const char *path, enum update_open how, struct update_block_file *ret,
                      struct problems *problems)
{
	char octets[UPDATE_HEADER_SIZE + UPDATE_BLOCK_SIZE], header[UPDATE_HEADER_SIZE];
	*ret = (struct update_block_file){.path = path};
	ret->fd = open(path, (how == UPDATE_LOOK ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY);
	if (ret->fd < 0)
		return complain(-errno, "open", path, problems);
	int r = lock(ret->fd, how, problems);
	if (r == 0) {
		r = update_disk_read(ret->fd, octets, sizeof octets, 0);
		if (r < 0)
			complain(r, "read", path, problems);
	}
	if (r < 0) {
		update_block_close(ret);
		return r;
	}
	update_block_header(header);
	ret->readable = memcmp(octets, header, sizeof header) == 0;
	// Without the header the boot loader finds no block, whatever follows it.
	if (!ret->readable)
		memset(octets, 0, sizeof octets);
	ret->readable = update_block_read(octets + sizeof header, &ret->block) && ret->readable;
	return 0;
}

void update_block_close(struct update_block_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

// The header is written only where it is not there: what changes usually is one sector.
int update_block_store(struct update_block_file *file, struct problems *problems)
{
	char octets[UPDATE_HEADER_SIZE + UPDATE_BLOCK_SIZE], found[sizeof octets];
	size_t skip = file->readable ? UPDATE_HEADER_SIZE : 0;
	update_block_header(octets);
	update_block_write(&file->block, octets + UPDATE_HEADER_SIZE);
	int r = update_disk_write(file->fd, octets + skip, sizeof octets - skip, skip);
	if (r == 0)
		r = update_disk_sync(file->fd);
	if (r == 0)
		r = update_disk_read(file->fd, found, sizeof found, 0);
	if (r == 0 && memcmp(found, octets, sizeof octets) != 0)
		r = -EIO;
	if (r < 0)
		return complain(r, "write", file->path, problems);
	file->readable = true;
	return 0;
}

// ---- what is in a slot ----

int update_box_holds(const struct update_box *box, const struct update_manifest *manifest,
                     struct problems *problems)
{
	const char *path = box->slot_path[update_slot_index(box->running)];
	uint8_t hash[TRUST_HASH_SIZE];
	char *image = malloc((size_t)manifest->image_size);
	int fd = image ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1, r = image ? 0 : -ENOMEM;
	if (image && fd < 0)
		r = -errno;
	off_t size = r == 0 ? lseek(fd, 0, SEEK_END) : 0;
	bool fits = size >= 0 && (uint64_t)size >= manifest->image_size;
	if (r == 0 && fits)
		r = update_disk_read(fd, image, (size_t)manifest->image_size, 0);
	if (r == 0 && fits)
		r = trust_hash(image, (size_t)manifest->image_size, hash);
	if (fd >= 0)
		close(fd);
	free(image);
	if (r < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "cannot read the slot that runs, %s: %s",
		             path, strerror(-r));
		return r;
	}
	return fits && memcmp(hash, manifest->image_hash, sizeof hash) == 0;
}
