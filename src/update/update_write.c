// SPDX-License-Identifier: GPL-2.0-or-later
//
// An image into the other slot, and what the boot loader is told of it. The power may be cut before, in and
// after each step, and there is always a whole slot that boots:
//
//	1. the block says: no trial, and good is the slot that runs          durable
//	2. the slot's first sector becomes zero: it is no file system now    durable
//	3. the rest of the image                                             durable, read back
//	4. its first sector: from here on the slot is whole                  durable, read back
//	5. the block says: this slot is on trial, with three tries           durable, read back
//
// Before 5 the boot loader begins the slot that runs now. Should that one's kernel not load any more it turns
// to the other, and finds there a whole image, or none at all, never half of one. From 5 on it begins a whole
// image, three times at most. The block changes in one sector, so 1 and 5 are done or not done; nothing in them
// depends on the other variables that change with them. Where the running slot is not the good one yet nothing
// is written: what would be overwritten is the slot that is known to work. But the boot loader may have begun
// the running slot because the good one does not work any more: then that one is what an update mends.
#include "update/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 512         // octets that make it a file system: a squashfs begins with its superblock
#define PIECE (64u << 10) // octets written or compared at once

struct writing {
	const struct update *update;
	const struct update_box *box;
	enum update_slot slot;
	const char *path;
	int fd;
	update_tell *tell;
	struct problems *problems;
};

static int complain(const struct writing *writing, int error, const char *what)
{
	problem_addf(writing->problems, PROBLEM_ERROR, 0, 0, "the box starts from the slot that runs now",
	             "cannot %s slot %s, %s: %s", what, update_slot_name(writing->slot), writing->path,
	             error == -EBUSY ? "it is in use" : strerror(-error));
	return error;
}

// O_EXCL: not where it is mounted.
static int open_slot(struct writing *writing)
{
	const uint64_t needed = writing->update->manifest.image_size;
	writing->fd = open(writing->path, O_RDWR | O_EXCL | O_CLOEXEC | O_NOCTTY);
	if (writing->fd < 0)
		return complain(writing, -errno, "open");
	off_t size = lseek(writing->fd, 0, SEEK_END);
	if (size < 0)
		return complain(writing, -errno, "measure");
	if ((uint64_t)size >= needed)
		return 0;
	problem_addf(writing->problems, PROBLEM_ERROR, 0, 0, "have it built smaller",
	             "the image has %llu octets, and slot %s has room for %llu", (unsigned long long)needed,
	             update_slot_name(writing->slot), (unsigned long long)size);
	return -EFBIG;
}

// Writes a part of the image, has it on the disk, and compares it with what is read from there.
static int write_part(const struct writing *writing, size_t from, size_t to)
{
	const char *image = writing->update->image;
	char *piece = malloc(PIECE);
	int r = piece ? 0 : -ENOMEM;
	for (size_t at = from, size; r == 0 && at < to; at += size) {
		size = to - at < PIECE ? to - at : PIECE;
		r = update_disk_write(writing->fd, image + at, size, at);
	}
	if (r == 0)
		r = update_disk_sync(writing->fd);
	if (r < 0)
		complain(writing, r, "write");
	for (size_t at = from, size; r == 0 && at < to; at += size) {
		size = to - at < PIECE ? to - at : PIECE;
		r = update_disk_read(writing->fd, piece, size, at);
		if (r < 0) {
			complain(writing, r, "read");
		} else if (memcmp(piece, image + at, size) != 0) {
			problem_addf(writing->problems, PROBLEM_ERROR, 0, 0, "its disk is broken, probably",
			             "slot %s, %s, does not keep what is written to it",
			             update_slot_name(writing->slot), writing->path);
			r = -EIO;
		}
	}
	free(piece);
	return r;
}

static int write_slot(const struct writing *writing)
{
	static const char zeros[FIRST] = {0};
	const size_t size = (size_t)writing->update->manifest.image_size;
	const size_t first = size < FIRST ? size : FIRST;
	int r = update_disk_write(writing->fd, zeros, first, 0);
	if (r == 0)
		r = update_disk_sync(writing->fd);
	if (r < 0)
		return complain(writing, r, "write");
	r = write_part(writing, first, size);
	return r == 0 ? write_part(writing, 0, first) : r;
}

static int write_all(struct writing *writing, struct update_block_file *file)
{
	struct update_block *block = &file->block;
	int r = open_slot(writing);
	if (r < 0)
		return r;
	block->good = writing->box->running;
	block->trial = UPDATE_NO_SLOT;
	block->tries = 0;
	*update_block_serial(block, writing->box->running) = writing->box->serial;
	*update_block_serial(block, writing->slot) = 0;
	r = update_block_store(file, writing->problems);
	if (r < 0)
		return r;
	writing->tell(writing->slot == UPDATE_A ? "writing slot a" : "writing slot b");
	r = write_slot(writing);
	if (r < 0)
		return r;
	block->trial = writing->slot;
	block->tries = UPDATE_TRIES;
	*update_block_serial(block, writing->slot) = writing->update->manifest.serial;
	return update_block_store(file, writing->problems);
}

// Whether the other slot may be overwritten now. 0 or -errno with a problem.
static int may_overwrite(const struct writing *writing, struct update_block *block)
{
	const uint64_t had = *update_block_serial(block, writing->slot);
	if (block->good == writing->box->running)
		return 0;
	if (!writing->box->fallback) {
		problem_addf(
		        writing->problems, PROBLEM_ERROR, 0, 0,
		        "it is accepted once its wall is verified; until then the other slot is the one that "
		        "is known to work",
		        "slot %s runs, and is not accepted yet", update_slot_name(writing->box->running));
		return -EBUSY;
	}
	// Three starts without a wall are no way to an older image.
	if (writing->update->manifest.serial >= had)
		return 0;
	problem_addf(writing->problems, PROBLEM_ERROR, 0, 0, "ask the manufacturer for a newer one",
	             "serial %llu is lower than %llu, which slot %s has",
	             (unsigned long long)writing->update->manifest.serial, (unsigned long long)had,
	             update_slot_name(writing->slot));
	return -EKEYREJECTED;
}

int update_write(const struct update *update, const struct update_box *box, update_tell *tell,
                 struct problems *problems)
{
	const enum update_slot slot = update_slot_other(box->running);
	struct writing writing = {.update = update,
	                          .box = box,
	                          .slot = slot,
	                          .path = box->slot_path[update_slot_index(slot)],
	                          .fd = -1,
	                          .tell = tell,
	                          .problems = problems};
	struct update_block_file file;
	int r = update_block_open(box->block_path, UPDATE_CHANGE, &file, problems);
	if (r < 0)
		return r;
	r = may_overwrite(&writing, &file.block);
	if (r == 0)
		r = write_all(&writing, &file);
	if (writing.fd >= 0)
		close(writing.fd);
	update_block_close(&file);
	return r;
}

// ---- what else is told to the boot loader ----

// Its first sector becomes zero: no boot loader finds a file system there.
static int give_up(const struct update_box *box, enum update_slot slot, struct problems *problems)
{
	static const char zeros[FIRST] = {0};
	struct writing writing = {
	        .slot = slot, .path = box->slot_path[update_slot_index(slot)], .problems = problems};
	char found[FIRST];
	int r;

	writing.fd = open(writing.path, O_RDWR | O_EXCL | O_CLOEXEC | O_NOCTTY);
	if (writing.fd < 0)
		return complain(&writing, -errno, "open");
	r = update_disk_read(writing.fd, found, sizeof found, 0);
	if (r == 0 && memcmp(found, zeros, sizeof found) != 0) {
		r = update_disk_write(writing.fd, zeros, sizeof zeros, 0);
		if (r == 0)
			r = update_disk_sync(writing.fd);
	}
	if (r < 0)
		complain(&writing, r, "give up");
	close(writing.fd);
	return r;
}

int update_accept(const struct update_box *box, bool *ret_changed, struct problems *problems)
{
	struct update_block_file file;
	int r = update_block_open(box->block_path, UPDATE_WAIT, &file, problems);
	if (r < 0)
		return r;
	struct update_block *block = &file.block;
	uint64_t *serial = update_block_serial(block, box->running);
	*ret_changed = false;
	if (box->fallback) { // the next start tries the good one again
		update_block_close(&file);
		return 0;
	}
	*ret_changed = !file.readable || block->good != box->running || block->trial == box->running;
	const bool counted = block->starts != UPDATE_TRIES;
	block->good = box->running;
	block->starts = UPDATE_TRIES;
	if (block->trial == box->running) {
		block->trial = UPDATE_NO_SLOT;
		block->tries = 0;
	}
	// Each start comes here: what is so already is not written again.
	if (*ret_changed || counted || *serial != box->serial) {
		*serial = box->serial;
		r = update_block_store(&file, problems);
	}
	if (r == 0 && block->trial == update_slot_other(box->running) && block->tries == 0)
		r = give_up(box, block->trial, problems);
	update_block_close(&file);
	return r;
}

int update_reset(const struct update_box *box, bool reset, struct problems *problems)
{
	struct update_block_file file;
	int r = update_block_open(box->block_path, UPDATE_WAIT, &file, problems);
	if (r < 0)
		return r;
	if (!file.readable)
		file.block.good = box->running;
	if (!file.readable || file.block.reset != reset) {
		file.block.reset = reset;
		r = update_block_store(&file, problems);
	}
	update_block_close(&file);
	return r;
}
