// SPDX-License-Identifier: GPL-2.0-or-later
//
// The environment block, against grub-editenv: what one of them writes the other reads.
#include "update/update_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_MAX 4096
static char path[] = "/tmp/leadglass-block-XXXXXX";

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(const char octets[static UPDATE_BLOCK_SIZE])
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, UPDATE_BLOCK_SIZE, file), UPDATE_BLOCK_SIZE);
	assert_int_equal(fclose(file), 0);
}

static void get(char ret[static UPDATE_BLOCK_SIZE])
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(ret, 1, UPDATE_BLOCK_SIZE, file), UPDATE_BLOCK_SIZE);
	assert_int_equal(fgetc(file), EOF);
	assert_int_equal(fclose(file), 0);
}

// Runs grub-editenv on the file; what it prints.
static void grub(const char *words, char ret[static TEXT_MAX])
{
	char command[512];
	snprintf(command, sizeof command, "grub-editenv %s %s", path, words);
	FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): a command line of this test
	assert_non_null(pipe);
	size_t size = fread(ret, 1, TEXT_MAX - 1, pipe);
	ret[size] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

static struct update_block reads(const char *words)
{
	char text[TEXT_MAX], octets[UPDATE_BLOCK_SIZE];
	struct update_block block;
	grub("create", text);
	grub(words, text);
	get(octets);
	assert_true(update_block_read(octets, &block));
	return block;
}

static void test_written_by_grub(void **state)
{
	(void)state;
	struct update_block block =
	        reads("set good=b trial=a tries=2 starts=1 other=x reset=1 serial_a=18446744073709551615 "
	              "serial_b=7");
	assert_int_equal(block.good, UPDATE_B);
	assert_int_equal(block.trial, UPDATE_A);
	assert_int_equal(block.tries, 2);
	assert_int_equal(block.starts, 1);
	assert_true(block.reset);
	assert_int_equal(block.serial_a, UINT64_MAX);
	assert_int_equal(block.serial_b, 7);
}

// As firmware/boot/grub.cfg takes them.
static void test_nonsense(void **state)
{
	(void)state;
	struct update_block block =
	        reads("set good=c trial=ab tries=4 reset=yes serial_a=x serial_b=99999999999999999999");
	assert_int_equal(block.good, UPDATE_A);
	assert_int_equal(block.trial, UPDATE_NO_SLOT);
	assert_int_equal(block.tries, 0);
	assert_false(block.reset);
	assert_int_equal(block.serial_a, 0);
	assert_int_equal(block.serial_b, 0);
	assert_int_equal(block.starts, UPDATE_TRIES);
	block = reads("set tries=03 starts=03");
	assert_int_equal(block.tries, 0);
	assert_int_equal(block.starts, UPDATE_TRIES);
	block = reads("set tries= starts=");
	assert_int_equal(block.tries, 0);
	assert_int_equal(block.starts, UPDATE_TRIES);
	block = reads("set starts=4");
	assert_int_equal(block.starts, UPDATE_TRIES);
	block = reads("set starts=0");
	assert_int_equal(block.starts, 0);
	block = reads("set '#good=b'");
	assert_int_equal(block.good, UPDATE_A);
	block = reads("set 'good=b\\'");
	assert_int_equal(block.good, UPDATE_A);
}

static void test_no_block(void **state)
{
	(void)state;
	char octets[UPDATE_BLOCK_SIZE];
	struct update_block block;
	for (int fill = 0; fill < 256; fill++) {
		memset(octets, fill, sizeof octets);
		assert_false(update_block_read(octets, &block));
		assert_int_equal(block.good, UPDATE_A);
		assert_int_equal(block.trial, UPDATE_NO_SLOT);
		assert_int_equal(block.tries, 0);
	}
}

// Whatever octets stand behind the signature: read within bounds (sanitised), and values that make sense.
static void test_any_octets(void **state)
{
	(void)state;
	char octets[UPDATE_BLOCK_SIZE];
	struct update_block block;
	unsigned seed = 7;
	for (int round = 0; round < 2000; round++) {
		static const char some[] = "\n\n=#gotr=ab123\\\0sial_";
		for (size_t i = 0; i < sizeof octets; i++) {
			seed = seed * 1103515245u + 12345u;
			octets[i] = some[(seed >> 16) % (sizeof some - 1)];
		}
		memcpy(octets, "# GRUB Environment Block\n", 25);
		assert_true(update_block_read(octets, &block));
		assert_true(block.good == UPDATE_A || block.good == UPDATE_B);
		assert_true(block.tries <= UPDATE_TRIES && block.starts <= UPDATE_TRIES);
	}
}

static void test_read_by_grub(void **state)
{
	(void)state;
	const struct update_block block = {.good = UPDATE_B,
	                                   .trial = UPDATE_A,
	                                   .tries = 3,
	                                   .starts = 2,
	                                   .reset = true,
	                                   .serial_a = UINT64_MAX,
	                                   .serial_b = 7};
	char octets[UPDATE_BLOCK_SIZE], same[UPDATE_BLOCK_SIZE], text[TEXT_MAX];
	struct update_block again;
	update_block_write(&block, octets);
	put(octets);
	grub("list", text);
	assert_string_equal(text, "good=b\ntrial=a\ntries=3\nstarts=2\nreset=1\n"
	                          "serial_a=18446744073709551615\nserial_b=7\n");
	assert_true(update_block_read(octets, &again));
	update_block_write(&again, same);
	assert_memory_equal(same, octets, sizeof same);
	// It changes one of them, as grub.cfg does, and the others stay.
	grub("set tries=2", text);
	get(octets);
	assert_true(update_block_read(octets, &again));
	assert_int_equal(again.tries, 2);
	assert_int_equal(again.trial, UPDATE_A);
	assert_true(again.reset);
}

// A power cut leaves the old block or the new one: they differ in one sector only.
static void test_one_sector(void **state)
{
	(void)state;
	const struct update_block longest = {.good = UPDATE_B,
	                                     .trial = UPDATE_A,
	                                     .tries = 3,
	                                     .starts = 3,
	                                     .reset = true,
	                                     .serial_a = UINT64_MAX,
	                                     .serial_b = UINT64_MAX};
	char octets[UPDATE_BLOCK_SIZE];
	update_block_write(&longest, octets);
	for (size_t i = 512; i < sizeof octets; i++)
		assert_int_equal(octets[i], '#');
}

// A real archive: tar finds the block in it.
static void test_header(void **state)
{
	(void)state;
	const struct update_block block = {.good = UPDATE_B};
	char octets[UPDATE_HEADER_SIZE + UPDATE_BLOCK_SIZE], found[UPDATE_BLOCK_SIZE], command[512];
	update_block_header(octets);
	update_block_write(&block, octets + UPDATE_HEADER_SIZE);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, sizeof octets, file), sizeof octets);
	assert_int_equal(fclose(file), 0);
	snprintf(command, sizeof command, "tar -xOf %s grubenv", path);
	FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): as above
	assert_non_null(pipe);
	assert_int_equal(fread(found, 1, sizeof found, pipe), sizeof found);
	assert_int_equal(pclose(pipe), 0);
	assert_memory_equal(found, octets + UPDATE_HEADER_SIZE, sizeof found);
}

static void test_slots(void **state)
{
	(void)state;
	struct update_block block = {.serial_a = 1, .serial_b = 2};
	assert_int_equal(*update_block_serial(&block, UPDATE_A), 1);
	assert_int_equal(*update_block_serial(&block, UPDATE_B), 2);
	assert_int_equal(update_slot_other(UPDATE_A), UPDATE_B);
	assert_int_equal(update_slot_other(UPDATE_B), UPDATE_A);
	assert_int_equal(update_slot_other(UPDATE_NO_SLOT), UPDATE_NO_SLOT);
	assert_string_equal(update_slot_name(UPDATE_B), "b");
	assert_string_equal(update_slot_name(UPDATE_NO_SLOT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_written_by_grub), cmocka_unit_test(test_nonsense),
	        cmocka_unit_test(test_no_block),        cmocka_unit_test(test_any_octets),
	        cmocka_unit_test(test_read_by_grub),    cmocka_unit_test(test_one_sector),
	        cmocka_unit_test(test_header),          cmocka_unit_test(test_slots),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
