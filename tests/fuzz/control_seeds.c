// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests and answers for the fuzz target `control`: each kind, with and without what belongs beside it.
#include "seeds.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "control/control.h"
#include "control_input.h"

static void letter(const char *name, unsigned flags, unsigned kind, const void *message, size_t size,
                   const char *payload)
{
	const struct control_input input = {.flags = (uint8_t)flags, .kind = (uint8_t)(kind - 1)};
	struct buffer out = BUFFER_EMPTY;
	char path[32];
	snprintf(path, sizeof path, "%s-%u", name, kind);
	buffer_add(&out, &input, sizeof input);
	buffer_add(&out, message, size);
	buffer_add(&out, payload, strlen(payload));
	seed(path, out.data, out.size);
	buffer_fini(&out);
}

static void request(unsigned kind)
{
	struct control_request request;
	const bool payload = kind == CONTROL_APPLY || kind == CONTROL_JUDGE;
	memset(&request, 0, sizeof request);
	request.magic = CONTROL_MAGIC;
	request.kind = (uint16_t)kind;
	request.seconds = 120;
	request.number = 7;
	snprintf(request.who, sizeof request.who, "alice from 10.20.9.77");
	if (kind == CONTROL_ALLOW || kind == CONTROL_CLOSE) {
		request.window.from =
		        (struct prefix){.octets = {10, 20, 9, 77}, .family = ADDRESS_IPV4, .length = 32};
		request.window.to =
		        (struct prefix){.octets = {0x20, 1, 0xd, 0xb8}, .family = ADDRESS_IPV6, .length = 128};
		request.window.port = 22;
		request.window.seconds = 3600;
		snprintf(request.window.reason, sizeof request.window.reason, "R\xc3\xb6hre getauscht");
	}
	letter("request", payload ? CONTROL_INPUT_MEMFD | CONTROL_INPUT_SIZE : 0, kind, &request,
	       sizeof request, payload ? "leadglass-bundle 1\nfile 10 policy.conf\nrole host\n\nend\n" : "");
	if (payload)
		letter("unsealed", CONTROL_INPUT_MEMFD | CONTROL_INPUT_UNSEALED | CONTROL_INPUT_SIZE, kind,
		       &request, sizeof request, "octets");
}

static void answer(unsigned kind)
{
	struct control_answer answer;
	memset(&answer, 0, sizeof answer);
	answer.magic = CONTROL_MAGIC;
	answer.kind = (uint16_t)kind;
	answer.last = 1;
	answer.number = 7;
	snprintf(answer.text, sizeof answer.text, "policy 7 stands");
	letter("answer", CONTROL_INPUT_ANSWER, kind, &answer, sizeof answer, "");
	letter("answer-payload", CONTROL_INPUT_ANSWER | CONTROL_INPUT_MEMFD | CONTROL_INPUT_SIZE, kind, &answer,
	       sizeof answer, "some octets");
	answer.error = -EINVAL;
	letter("answer-error", CONTROL_INPUT_ANSWER, kind, &answer, sizeof answer, "");
	letter("answer-short", CONTROL_INPUT_ANSWER | CONTROL_INPUT_RAW, kind, &answer, sizeof answer - 1, "");
}

void make_seeds(void)
{
	for (unsigned kind = CONTROL_STATUS; kind <= CONTROL_JUDGE; kind++) {
		request(kind);
		answer(kind);
	}
	letter("empty", CONTROL_INPUT_ANSWER | CONTROL_INPUT_RAW, CONTROL_STATUS, "", 0, "");
	letter("two", CONTROL_INPUT_MEMFD | CONTROL_INPUT_TWO, CONTROL_APPLY, "", 0, "");
}
