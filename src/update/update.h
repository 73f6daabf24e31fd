// SPDX-License-Identifier: GPL-2.0-or-later
//
// Updates of a box's firmware. A box has two slots, each a whole system; an update is written to the one that
// does not run, and the boot loader tries it until it is accepted or its tries are used up. In steps:
//
//	update_read      an update file's octets: who has signed its manifest, what that says, and the image,
//	                 which is what the manifest names; nothing has been written until then
//	update_box_read  where this box's slots are, which of them runs, and what image that is
//	update_judge     whether this update is for this box now
//	update_write     the image into the other slot; whenever the power is cut, a whole slot is left
//
// An update file is the line "leadglass update, manifest of N octets", the manifest's N octets, and the image
// to the end. The manifest is signed exactly as a policy is (docs/signed-policy.md), and says:
//
//	update { board NAME; serial N; version TEXT; image-size N; image-sha256 HEX }
#ifndef LEADGLASS_UPDATE_UPDATE_H
#define LEADGLASS_UPDATE_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "policy/policy.h"
#include "trust/trust.h"
#include "update/update_block.h"

#define UPDATE_TRUST_FOLDER "/etc/leadglass/update-trust"
#define UPDATE_MANIFEST_MAX (128u << 10) // octets, signature and certificates included
#define UPDATE_IMAGE_MAX (1u << 30)      // octets
#define UPDATE_NAME_MAX 64               // of a board, a version, with the NUL

// ---- update_manifest.c ----

struct update_manifest {
	char board[UPDATE_NAME_MAX];
	uint64_t serial; // from 1
	char version[UPDATE_NAME_MAX];
	uint64_t image_size; // octets
	uint8_t image_hash[TRUST_HASH_SIZE];
	source_pos board_at, serial_at; // for complaints
};

// Reads the manifest that begins `skip` octets into the text (malloc'ed, NUL after `size` octets, taken over in
// every case) and ends at its signature. `holder` keeps the text, for messages: policy_init'ed, to be
// policy_fini'ed by the caller. 0; -EINVAL with problems; -ENOMEM.
int update_manifest_read(const char *name, char *text, size_t size, size_t skip, struct policy *holder,
                         struct update_manifest *ret, struct problems *problems);

// Whether a text that somebody wants to sign is meant as a manifest, and not as a policy: by its first word.
// NUL after `size` octets.
bool update_manifest_begins(const char *text, size_t size);

// ---- update_file.c ----

struct update {
	struct update_manifest manifest;
	struct policy holder; // of the manifest's text: its sources are those of the problems
	struct trust_verdict verdict;
	char *image; // manifest.image_size octets
};
void update_init(struct update *update);
void update_fini(struct update *update);

// Whom this box takes updates from. As trust_read; no anchor is -ENOKEY with a problem.
int update_trust_read(const char *path, struct trust *ret, struct problems *problems);

// Reads an update file from an open descriptor to its end, `name` for messages. Whose signature it is and
// whether its certificates are valid at `now` is found out before anything of the manifest is parsed, and the
// manifest before any of the image is read. 0; or -errno with problems: -EKEYREJECTED the signature; -EINVAL
// the form; -EBADMSG the image is not the one the manifest names; -EFBIG; -ENOMEM; what reading gave.
int update_read(int fd, const char *name, const struct trust *trust, int64_t now, struct update *ret,
                struct problems *problems);

// ---- update_box.c ----

struct update_box {
	char board[UPDATE_NAME_MAX];
	char version[UPDATE_NAME_MAX];
	uint64_t serial; // of the image that runs
	enum update_slot running;
	bool fallback; // it runs because the good slot's wall was not verified in UPDATE_TRIES starts
	char block_path[256], slot_path[2][256]; // devices: environment block, slot a, slot b
};

// Finds out about this machine, or about the box whose /proc, /sys, /dev and /etc are below `root` ("" for
// this one). 0; -ENODEV it was started from no slot; else -errno; with a problem.
int update_box_read(const char *root, struct update_box *ret, struct problems *problems);
static inline size_t update_slot_index(enum update_slot slot) // of slot_path
{
	return slot == UPDATE_B;
}

// ---- update_judge.c ----

// Whether this box may take this update: its board, a serial higher than that of the image that runs, or the
// same and the very same image (whether it is: `same_image`, see update_box_holds). 0 or -EKEYREJECTED with
// problems, at their places in the manifest.
int update_judge(const struct update *update, const struct update_box *box, bool same_image,
                 struct problems *problems);

// ---- update_disk.c ----

// The environment block, kept from everybody else while it is open.
struct update_block_file {
	int fd;
	const char *path;
	struct update_block block;
	bool readable; // false: there was none, and `block` is what the boot loader does then
};
enum update_open {
	UPDATE_LOOK,   // with no claim to it
	UPDATE_CHANGE, // -EBUSY when somebody else has it
	UPDATE_WAIT,   // waits for him
};
// 0 or -errno with a problem.
int update_block_open(const char *path, enum update_open how, struct update_block_file *ret,
                      struct problems *problems);
void update_block_close(struct update_block_file *file);
// Makes it say file->block: on the disk, and read back. 0 or -errno with a problem.
int update_block_store(struct update_block_file *file, struct problems *problems);

// A whole read or write at a place, going on where it is interrupted. 0; -EIO where the device ends; -errno.
int update_disk_read(int fd, char *ret, size_t size, uint64_t at);
int update_disk_write(int fd, const char *data, size_t size, uint64_t at);
// What was written is on the disk, and is read from there again. 0 or -errno.
int update_disk_sync(int fd);

// 1: the running slot begins with exactly these octets, of this hash; 0: it does not; -errno with a problem.
int update_box_holds(const struct update_box *box, const struct update_manifest *manifest,
                     struct problems *problems);

// ---- update_write.c ----

// Is told what happens next: "writing slot b".
typedef void update_tell(const char *what);

// Writes the image to the slot that does not run and has the boot loader try it. 0 or -errno with a problem;
// -EBUSY the running slot is itself not accepted yet; -EKEYREJECTED it stands in for a newer image. After a
// failure the box starts as before.
int update_write(const struct update *update, const struct update_box *box, update_tell *tell,
                 struct problems *problems);

// The running slot is worth it: good from now on, if it was not begun for want of another. *ret_changed: it was
// not before. A slot that was given up is made unbootable: no damage to the block leads to it again. 0 or
// -errno with a problem.
int update_accept(const struct update_box *box, bool *ret_changed, struct problems *problems);

// Whether the next start empties the data partition. 0 or -errno with a problem.
int update_reset(const struct update_box *box, bool reset, struct problems *problems);

#endif
