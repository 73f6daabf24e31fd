// SPDX-License-Identifier: GPL-2.0-or-later
//
// The control socket, both ways: a request as the agent receives it, an answer as the command does, each with a
// memfd or without. Real sockets, as the datagram's edges and descriptors are half of it. control_input.h says
// how an input is read.
#include "readable.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/control/control_fixture.h"
#include "control/control.h"
#include "control_input.h"

// The command's connection, the agent's end of it; and another to send a request as it is not.
static struct control *command;
static int agent, rude;
static struct world *world;

static void take_away(void)
{
	control_disconnect(command);
	close(agent);
	world_close((void **)&world);
}

static void connect_both(void)
{
	struct problems problems;
	struct control_peer_id id;
	problem_init(&problems);
	FUZZ_HOLDS(world_open((void **)&world) == 0);
	rude = world->rude;
	FUZZ_HOLDS(control_connect(world->folder, &command, &problems) == 0);
	agent = control_accept(world->listener, &id);
	FUZZ_HOLDS(agent >= 0 && fcntl(world->server, F_SETFL, O_NONBLOCK) == 0);
	problem_fini(&problems);
	atexit(take_away);
}

static int make_memfd(const void *data, size_t size, bool sealed)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	FUZZ_HOLDS(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	FUZZ_HOLDS(!sealed || fcntl(fd, F_ADD_SEALS, GOOD_SEALS) == 0);
	return fd;
}

// What the input says is to be sent.
struct letter {
	const struct control_input *input;
	uint8_t message[sizeof(struct control_request) + sizeof(struct control_answer) + 1];
	size_t size;
	const uint8_t *payload;
	size_t payload_size;
};

static void put_size(struct letter *letter, size_t at)
{
	const uint32_t size = (uint32_t)letter->payload_size;
	if (letter->input->flags & CONTROL_INPUT_SIZE && letter->size >= at + sizeof size)
		memcpy(letter->message + at, &size, sizeof size);
}

static void send_letter(int fd, const struct letter *letter)
{
	int descriptors[2], count = 0;
	const uint8_t flags = letter->input->flags;
	if (flags & CONTROL_INPUT_MEMFD)
		descriptors[count++] =
		        make_memfd(letter->payload, letter->payload_size, !(flags & CONTROL_INPUT_UNSEALED));
	if (flags & CONTROL_INPUT_TWO)
		descriptors[count++] = STDERR_FILENO;
	FUZZ_HOLDS(send_raw(fd, letter->message, letter->size, descriptors, (size_t)count) == 0);
	if (flags & CONTROL_INPUT_MEMFD)
		close(descriptors[0]);
}

static void hold_payload(const struct letter *letter, const char *payload, size_t size)
{
	FUZZ_HOLDS(!payload == !size);
	if (!payload)
		return;
	FUZZ_HOLDS(letter->input->flags & CONTROL_INPUT_MEMFD &&
	           !(letter->input->flags & CONTROL_INPUT_UNSEALED));
	FUZZ_HOLDS(size == letter->payload_size && memcmp(payload, letter->payload, size) == 0);
	FUZZ_HOLDS(payload[size] == '\0');
}

static void hold_text(const char *text, size_t room)
{
	const size_t size = strnlen(text, room);
	FUZZ_HOLDS(size < room && !memchr(text, '\n', size) && !memchr(text, '\t', size));
	hold_readable(text, size);
	for (size_t i = size; i < room; i++)
		FUZZ_HOLDS(text[i] == '\0');
}

// ---- to the agent ----

static void request(const struct letter *letter)
{
	struct control_request got;
	const char *why = NULL;
	char *payload;
	size_t size;
	send_letter(rude, letter);
	int r = control_receive(world->server, &got, &payload, &size, &why);
	FUZZ_HOLDS(r == 0 || (r == -EPROTO && why && why[0]) || (r == -ECONNRESET && letter->size == 0));
	FUZZ_HOLDS(r == 0 || !payload);
	hold_payload(letter, payload, size);
	if (r == 0) {
		FUZZ_HOLDS(got.magic == CONTROL_MAGIC && got.kind >= CONTROL_STATUS &&
		           got.kind <= CONTROL_JUDGE);
		FUZZ_HOLDS((payload != NULL) == (got.kind == CONTROL_APPLY || got.kind == CONTROL_JUDGE));
		hold_text(got.who, sizeof got.who);
		hold_text(got.window.who, sizeof got.window.who);
		hold_text(got.window.reason, sizeof got.window.reason);
		FUZZ_HOLDS(got.window.from.length <= (got.window.from.family == ADDRESS_IPV4 ? 32 : 128));
		FUZZ_HOLDS(got.window.to.length <= (got.window.to.family == ADDRESS_IPV4 ? 32 : 128));
	}
	free(payload);
	// Nothing is left for the next one.
	FUZZ_HOLDS(control_receive(world->server, &got, &payload, &size, &why) == -EAGAIN);
}

// ---- to the command ----

static void answer(const struct letter *letter)
{
	struct control_request question = {.number = 3}, got;
	struct control_answer reply;
	struct problems problems;
	const char *why;
	char *payload, *none;
	size_t size, no_size;
	problem_init(&problems);
	send_letter(agent, letter);
	const enum control_kind kind = letter->input->kind % CONTROL_JUDGE + 1;
	int r = control_ask(command, kind, &question, "bundle",
	                    kind == CONTROL_APPLY || kind == CONTROL_JUDGE ? 6 : 0, 0, &reply, &payload, &size,
	                    &problems);
	FUZZ_HOLDS(r == 0 || r == -EPROTO || (r == -ECONNRESET && letter->size == 0));
	FUZZ_HOLDS(r == 0 || !payload);
	hold_problems(&problems, NULL, r);
	hold_payload(letter, payload, size);
	if (r == 0) {
		FUZZ_HOLDS(reply.magic == CONTROL_MAGIC && (reply.kind == kind || reply.error));
		FUZZ_HOLDS(reply.error <= 0 && reply.error > -4096);
		hold_text(reply.text, sizeof reply.text);
	}
	free(payload);
	FUZZ_HOLDS(control_receive(agent, &got, &none, &no_size, &why) == 0 && got.kind == kind);
	free(none);
	problem_fini(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct letter letter = {.input = (const void *)data};
	if (!command)
		connect_both();
	if (size < sizeof *letter.input)
		return 0;
	const bool answers = letter.input->flags & CONTROL_INPUT_ANSWER;
	const size_t whole = answers ? sizeof(struct control_answer) : sizeof(struct control_request);
	data += sizeof *letter.input;
	size -= sizeof *letter.input;
	letter.size = letter.input->flags & CONTROL_INPUT_RAW ? sizeof letter.message : whole;
	if (letter.size > size)
		letter.size = size;
	memcpy(letter.message, data, letter.size);
	letter.payload = data + letter.size;
	letter.payload_size = size - letter.size;
	put_size(&letter, answers ? offsetof(struct control_answer, payload)
	                          : offsetof(struct control_request, payload));
	if (answers)
		answer(&letter);
	else
		request(&letter);
	return 0;
}
