// SPDX-License-Identifier: GPL-2.0-or-later
//
// The boot loader's environment block: which slot is good, which is on trial. GRUB reads and writes it too
// (firmware/boot/grub.cfg), in its own format: 1,024 octets, "# GRUB Environment Block", a line for each
// variable, then '#' to the end. On the disk it is the one file of a tar archive, because GRUB writes to files
// only. Here octets become values and values octets, and nothing is read or written.
#ifndef LEADGLASS_UPDATE_UPDATE_BLOCK_H
#define LEADGLASS_UPDATE_UPDATE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define UPDATE_BLOCK_SIZE 1024
#define UPDATE_HEADER_SIZE 512 // before it
#define UPDATE_TRIES 3         // how often a new slot is begun before it is given up

enum update_slot {
	UPDATE_NO_SLOT,
	UPDATE_A,
	UPDATE_B,
};
const char *update_slot_name(enum update_slot slot); // "a", "b"; "" none
enum update_slot update_slot_other(enum update_slot slot);

struct update_block {
	enum update_slot good;  // the slot whose wall was verified, A or B
	enum update_slot trial; // the one that is to show what it is worth; or none
	unsigned tries;         // how often it may yet be begun, up to UPDATE_TRIES
	unsigned starts;        // how often the good one may yet be begun without a verified wall, likewise
	bool reset;             // the next start empties the data partition
	// Of the images in the slots, as far as an update wrote them; 0: not known, or not whole.
	uint64_t serial_a, serial_b;
};

// What the boot loader makes of these octets, so that both always agree: what makes no sense is slot a and no
// trial. False when they are no environment block at all, and *ret is that too.
bool update_block_read(const char octets[static UPDATE_BLOCK_SIZE], struct update_block *ret);
// Other variables are not kept. All that is not '#' lies in the first 512 octets, the sector that disks write
// as one: a power cut leaves the old block or the new one.
void update_block_write(const struct update_block *block, char ret[static UPDATE_BLOCK_SIZE]);

// The header that makes it a file: always the same octets (POSIX.1-1988, ustar).
void update_block_header(char ret[static UPDATE_HEADER_SIZE]);

// The serial of the image in a slot; 0: not known.
uint64_t *update_block_serial(struct update_block *block, enum update_slot slot);

#endif
