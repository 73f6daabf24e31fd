// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass update --status`: what runs on a box, and what its next start takes.
#include "cli/cli_update.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/cli_text.h"
#include "update/update.h"

static uint64_t serial_of(const struct update_box *box, struct update_block *block, enum update_slot slot)
{
	return slot == box->running ? box->serial : *update_block_serial(block, slot);
}

static void add_slot(struct buffer *text, const struct update_box *box, struct update_block *block,
                     enum update_slot slot)
{
	uint64_t serial = serial_of(box, block, slot);
	buffer_text(text, update_slot_name(slot));
	if (serial)
		buffer_printf(text, ", serial %" PRIu64, serial);
}

static void write_trial(struct buffer *text, const struct update_box *box, struct update_block *block)
{
	if (block->trial == UPDATE_NO_SLOT) {
		buffer_text(text, "none");
		return;
	}
	add_slot(text, box, block, block->trial);
	if (block->tries == UPDATE_TRIES)
		buffer_text(text, ", from the next start on");
	else if (block->tries)
		buffer_printf(text, ", %u more %s", block->tries, block->tries == 1 ? "try" : "tries");
	else if (block->trial == box->running)
		buffer_text(text, ", its last try");
	else
		buffer_printf(text, ", given up: its wall was not verified in %d starts", UPDATE_TRIES);
}

static void write_text(const struct update_box *box, struct update_block_file *file, struct buffer *out)
{
	struct update_block *block = &file->block;
	struct buffer text = BUFFER_EMPTY;

	add_slot(&text, box, block, box->running);
	buffer_printf(&text, "%s%s, %s%s", box->version[0] ? ", version " : "", box->version, box->board,
	              block->good == box->running && file->readable ? "" : "; not accepted yet");
	if (box->fallback)
		buffer_printf(&text,
		              "; slot %s showed no verified wall in %d starts, and is tried again by the next",
		              update_slot_name(update_slot_other(box->running)), UPDATE_TRIES);
	cli_line(out, "running", &text);
	add_slot(&text, box, block, block->good);
	cli_line(out, "good", &text);
	write_trial(&text, box, block);
	cli_line(out, "trial", &text);
	if (block->reset) {
		buffer_text(&text, "the next start empties the data partition");
		cli_line(out, "reset", &text);
	}
	if (!file->readable) {
		buffer_text(&text,
		            "damaged; the boot loader takes slot a. The next verified wall writes it anew");
		cli_line(out, "environment", &text);
	}
}

static void write_json(const struct update_box *box, struct update_block_file *file, struct buffer *out)
{
	struct update_block *block = &file->block;
	struct json json = JSON_TO(out);
	const bool trial = block->trial != UPDATE_NO_SLOT;

	json_object(&json);
	json_key_text(&json, "board", box->board);
	json_key_text(&json, "version", box->version[0] ? box->version : NULL);
	json_key_number(&json, "serial", box->serial);
	json_key_text(&json, "running", update_slot_name(box->running));
	json_key_bool(&json, "fallback", box->fallback);
	json_key_text(&json, "good", update_slot_name(block->good));
	json_key_bool(&json, "accepted", file->readable && block->good == box->running);
	json_key_text(&json, "trial", trial ? update_slot_name(block->trial) : NULL);
	json_key_number(&json, "tries", trial ? block->tries : 0);
	cli_json_number(&json, "serial_a", serial_of(box, block, UPDATE_A));
	cli_json_number(&json, "serial_b", serial_of(box, block, UPDATE_B));
	json_key_bool(&json, "reset", block->reset);
	json_key_bool(&json, "environment", file->readable);
	json_end(&json);
	buffer_text(out, "\n");
}

int update_status(const struct update_box *box, bool as_json)
{
	struct update_block_file file;
	struct buffer out = BUFFER_EMPTY;
	struct problems problems;
	int error;

	problem_init(&problems);
	error = update_block_open(box->block_path, UPDATE_LOOK, &file, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	if (error)
		return cli_exit_of(error);
	update_block_close(&file);
	if (as_json)
		write_json(box, &file, &out);
	else
		write_text(box, &file, &out);
	return cli_answer(&out, CLI_YES);
}
