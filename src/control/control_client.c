// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command's side of the control socket.
#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control/control_wire.h"

#define ERROR_MAX 4095 // no errno is larger
#define PATIENCE 10    // seconds until a busy agent has taken the connection or the request

struct control {
	int fd;
	uint16_t kind; // of the last request
};

static int no_agent(const char *path, int error, struct problems *problems)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "start leadglassd (systemctl start leadglassd, or /etc/init.d/leadglassd start)",
		             "no agent runs here (%s)", path);
		break;
	case EACCES:
	case EPERM:
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "become root, or a member of the group of that socket",
		             "%s: the agent does not talk to this user", path);
		break;
	case EAGAIN:
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s: the agent is too busy to answer", path);
		break;
	default:
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s: %s", path, strerror(error));
	}
	return -error;
}

int control_connect(const char *folder, struct control **ret, struct problems *problems)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct control *control;
	int error = 0;

	*ret = NULL;
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CONTROL_SOCKET, folder) >=
	    (int)sizeof(address.sun_path))
		return no_agent(folder, ENAMETOOLONG, problems);
	control = malloc(sizeof(*control));
	if (!control)
		return -ENOMEM;
	*control = (struct control){.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
	if (control->fd < 0 ||
	    setsockopt(control->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(control->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		error = errno;
	if (error) {
		control_disconnect(control);
		return no_agent(address.sun_path, error, problems);
	}
	*ret = control;
	return 0;
}

void control_disconnect(struct control *control)
{
	if (!control)
		return;
	if (control->fd >= 0)
		close(control->fd);
	free(control);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// 0 when there is something to read; -ETIMEDOUT.
static int wait_for(int fd, int timeout)
{
	int64_t end = now_ms() + timeout;

	for (;;) {
		struct pollfd wanted = {.fd = fd, .events = POLLIN};
		int64_t left = timeout < 0 ? -1 : end - now_ms();
		int ready = poll(&wanted, 1, timeout >= 0 && left < 0 ? 0 : (int)left);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0)
			return -ETIMEDOUT;
	}
}

// An agent that is busy or does not understand may refuse before it knows what was asked.
static const char *examine(struct control_answer *answer, uint16_t kind, bool descriptor)
{
	if (answer->magic != CONTROL_MAGIC)
		return "another version";
	if (answer->kind != kind && !answer->error)
		return "an answer to something else";
	if (!control_text_good(answer->text, sizeof(answer->text)) || answer->error > 0 ||
	    answer->error < -ERROR_MAX)
		return "a malformed answer";
	if (!answer->payload != !descriptor || answer->payload > CONTROL_PAYLOAD_MAX)
		return "a malformed payload";
	return NULL;
}

static int receive(struct control *control, int timeout, struct control_answer *ret, char **ret_payload,
                   size_t *ret_size, const char **ret_why)
{
	struct control_answer answer;
	char *text = NULL;
	int payload = -1;
	int error = wait_for(control->fd, timeout);

	if (!error)
		error = control_wire_receive(control->fd, &answer, sizeof(answer), 0, &payload, ret_why);
	// An agent that has no place for us answers and closes without having read our request. The kernel
	// tells of that first, once, and then gives the answer, if there is one: nothing is waited for.
	if (error == -ECONNRESET)
		error = control_wire_receive(control->fd, &answer, sizeof(answer), MSG_DONTWAIT, &payload,
		                             ret_why);
	if (error == -EAGAIN)
		error = -ECONNRESET;
	if (error)
		return error;
	error = control_payload_take(payload, answer.payload, examine(&answer, control->kind, payload >= 0),
	                             &text, ret_why);
	if (error)
		return error;
	*ret = answer;
	*ret_payload = text;
	*ret_size = text ? answer.payload : 0;
	return 0;
}

static void complain(int error, const char *why, int timeout, struct problems *problems)
{
	switch (-error) {
	case ETIMEDOUT:
		problem_addf(problems, PROBLEM_ERROR, 0, 0, "see what it says in its log",
		             "the agent has not answered in %d s", timeout / 1000);
		break;
	case EPROTO:
		problem_addf(problems, PROBLEM_ERROR, 0, 0,
		             "after an upgrade the agent has to be restarted; the wall stays up meanwhile",
		             "the agent and this command do not understand each other: %s", why);
		break;
	case ECONNRESET:
	case EPIPE:
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the agent closed the connection without an answer",
		            "see what it says in its log");
		break;
	case EAGAIN:
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the agent is too busy to take a request", NULL);
		break;
	case EPERM: // no payload is taken from others
		problem_add(problems, PROBLEM_ERROR, 0, 0, "only root may change the wall (sudo)", NULL);
		break;
	case ENOMEM:
		break;
	default:
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "talking to the agent: %s", strerror(-error));
	}
}

static int send_request(struct control *control, const struct control_request *request, const void *payload,
                        size_t size)
{
	int memory = -1, error;

	if (size > CONTROL_PAYLOAD_MAX)
		return -EFBIG;
	if (size) {
		memory = control_payload_new(payload, size);
		if (memory < 0)
			return memory;
	}
	error = control_wire_send(control->fd, request, sizeof(*request), memory, 0);
	if (memory >= 0)
		close(memory);
	return error;
}

int control_ask(struct control *control, enum control_kind kind, struct control_request *request,
                const void *payload, size_t size, int timeout, struct control_answer *ret, char **ret_payload,
                size_t *ret_size, struct problems *problems)
{
	int error;

	request->magic = CONTROL_MAGIC;
	request->kind = (uint16_t)kind;
	request->payload = (uint32_t)size;
	control->kind = request->kind;
	error = send_request(control, request, payload, size);
	// An agent that has closed its end may have said why before.
	if (!error || error == -EPIPE || error == -ECONNRESET)
		return control_next(control, timeout, ret, ret_payload, ret_size, problems);
	*ret_payload = NULL;
	*ret_size = 0;
	complain(error, "", timeout, problems);
	return error;
}

int control_next(struct control *control, int timeout, struct control_answer *ret, char **ret_payload,
                 size_t *ret_size, struct problems *problems)
{
	const char *why = "";
	int error;

	*ret_payload = NULL;
	*ret_size = 0;
	error = receive(control, timeout, ret, ret_payload, ret_size, &why);
	if (error)
		complain(error, why, timeout, problems);
	return error;
}
