// SPDX-License-Identifier: GPL-2.0-or-later
//
// An update file whose signature is good, as one from a manufacturer who lost his key; its manifest for itself;
// and the boot loader's environment block. Each input is read as all three.
#include "readable.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/signed_text.h"
#include "update/update.h"

// In the place of trust_apart.c, which starts a process: the target `signed` is for what that does.
int trust_verify_apart(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret,
                       struct problems *problems)
{
	(void)trust;
	(void)problems;
	*ret = (struct trust_verdict){.code = TRUST_GOOD,
	                              .algorithm = TRUST_P256,
	                              .scope = TRUST_ALL,
	                              .size = signed_text_end(text, size),
	                              .valid_to = INT64_MAX,
	                              .fits = 1,
	                              .anchor = "maker",
	                              .signer = "CN=maker"};
	return 0;
}

static void hold_manifest(const struct update_manifest *manifest)
{
	FUZZ_HOLDS(manifest->board[0] && memchr(manifest->board, '\0', sizeof manifest->board));
	FUZZ_HOLDS(manifest->version[0] && memchr(manifest->version, '\0', sizeof manifest->version));
	FUZZ_HOLDS(manifest->serial > 0 && manifest->serial_at && manifest->board_at);
	FUZZ_HOLDS(manifest->image_size > 0 && manifest->image_size <= UPDATE_IMAGE_MAX);
	hold_readable(manifest->board, strlen(manifest->board));
	hold_readable(manifest->version, strlen(manifest->version));
}

// ---- a manifest ----

static void read_manifest(const char *text, size_t size)
{
	struct update_manifest manifest;
	struct policy holder;
	struct problems problems;
	policy_init(&holder);
	problem_init(&problems);
	int r = update_manifest_read("update", fuzz_copy(text, size), size, 0, &holder, &manifest, &problems);
	FUZZ_HOLDS(r == 0 || r == -EINVAL);
	hold_problems(&problems, &holder.sources, r);
	char *own = fuzz_copy(text, size);
	const bool begins = update_manifest_begins(own, size);
	if (r == 0)
		hold_manifest(&manifest);
	FUZZ_HOLDS(r != 0 || begins);
	free(own);
	problem_fini(&problems);
	policy_fini(&holder);
}

// ---- a file ----

static void hold_update(const struct update *update, size_t size)
{
	static const struct update_box box = {.board = "qemu-arm64", .serial = 6, .running = UPDATE_A};
	struct problems problems;
	uint8_t hash[TRUST_HASH_SIZE];
	hold_manifest(&update->manifest);
	FUZZ_HOLDS(update->manifest.image_size < size);
	FUZZ_HOLDS(trust_hash(update->image, (size_t)update->manifest.image_size, hash) == 0);
	FUZZ_HOLDS(memcmp(hash, update->manifest.image_hash, sizeof hash) == 0);
	problem_init(&problems);
	int r = update_judge(update, &box, false, &problems);
	FUZZ_HOLDS(r == -EKEYREJECTED || strcmp(update->manifest.board, box.board) == 0);
	FUZZ_HOLDS(r == -EKEYREJECTED || update->manifest.serial > box.serial);
	hold_problems(&problems, &update->holder.sources, r);
	problem_fini(&problems);
}

static void read_file(const void *data, size_t size)
{
	static const struct trust trust = {.count = 1, .of_updates = true};
	struct update update;
	struct problems problems;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	update_init(&update);
	problem_init(&problems);
	int r = update_read(fd, "update", &trust, 1800000000, &update, &problems);
	hold_problems(&problems, &update.holder.sources, r);
	if (r == 0)
		hold_update(&update, size);
	problem_fini(&problems);
	update_fini(&update);
	close(fd);
}

// ---- the environment block ----

static void hold_block(const struct update_block *block)
{
	FUZZ_HOLDS(block->good == UPDATE_A || block->good == UPDATE_B);
	FUZZ_HOLDS(block->trial == UPDATE_NO_SLOT || block->trial == UPDATE_A || block->trial == UPDATE_B);
	FUZZ_HOLDS(block->tries <= UPDATE_TRIES && block->starts <= UPDATE_TRIES);
}

// What is written is read again, and no power cut can tear it.
static void read_block(const uint8_t *data, size_t size)
{
	char octets[UPDATE_BLOCK_SIZE], again[UPDATE_BLOCK_SIZE];
	struct update_block block, other;
	memset(octets, '#', sizeof octets);
	if (size > 0)
		memcpy(octets, data, size < sizeof octets ? size : sizeof octets);
	update_block_read(octets, &block);
	hold_block(&block);
	update_block_write(&block, octets);
	for (size_t i = UPDATE_BLOCK_SIZE / 2; i < sizeof octets; i++)
		FUZZ_HOLDS(octets[i] == '#');
	FUZZ_HOLDS(update_block_read(octets, &other));
	update_block_write(&other, again);
	FUZZ_HOLDS(memcmp(octets, again, sizeof octets) == 0);
	FUZZ_HOLDS(other.good == block.good && other.trial == block.trial && other.reset == block.reset);
	FUZZ_HOLDS(other.serial_a == block.serial_a && other.serial_b == block.serial_b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_block(data, size);
	read_manifest((const char *)data, size);
	read_file(data, size);
	return 0;
}
