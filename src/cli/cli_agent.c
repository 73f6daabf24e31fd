// SPDX-License-Identifier: GPL-2.0-or-later
//
// Asking the agent; see cli_agent.h.
#include "cli/cli_agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "cli/cli.h"
#include "policy/policy.h"
#include "policy/policy_bundle.h"

#define ELSEWHERE "or is --run %s wrong? It is the run folder that leadglassd was started with"
#define PATIENCE 2000 // ms after which somebody at a terminal is told what is waited for

void cli_reply_fini(struct cli_reply *reply)
{
	free(reply->payload);
	*reply = (struct cli_reply){0};
}

int cli_agent_connect(const char *run, struct control **ret)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = control_connect(run, ret, &problems);
	if (error) {
		cli_failure(error, &problems, NULL);
		if (strcmp(run, CONTROL_FOLDER) != 0 && (error == -ENOENT || error == -ECONNREFUSED))
			cli_message(ELSEWHERE, run);
	}
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return error == -ENOMEM ? CLI_INTERNAL : CLI_KERNEL;
}

static int exit_of_answer(int error)
{
	switch (-error) {
	case ENOMEM:
		return CLI_INTERNAL;
	case EINVAL:
	case EBADMSG:
	case E2BIG:
	case EKEYREJECTED:
		return CLI_POLICY;
	case ENOENT:
		return CLI_NO;
	default:
		return CLI_KERNEL;
	}
}

// What the agent complained about: many lines about a policy, each with its place, or one line of text.
static void complain(const struct cli_reply *reply)
{
	struct buffer out = BUFFER_EMPTY;

	if (reply->payload && reply->size) {
		buffer_add(&out, reply->payload, reply->size);
		if (reply->payload[reply->size - 1] != '\n')
			buffer_text(&out, "\n");
		if (out.size)
			fwrite(out.data, 1, out.size, stderr);
	}
	buffer_fini(&out);
	if (reply->answer.text[0])
		cli_message("%s", reply->answer.text);
	else if (!reply->size)
		cli_message("the agent says: %s", strerror(-reply->answer.error));
}

static int ask(struct control *control, enum control_kind kind, struct control_request *request,
               const void *payload, size_t size, struct cli_reply *ret, struct problems *problems)
{
	bool watched = isatty(STDERR_FILENO);
	int error = control_ask(control, kind, request, payload, size, watched ? PATIENCE : CLI_AGENT_TIMEOUT,
	                        &ret->answer, &ret->payload, &ret->size, problems);

	if (error != -ETIMEDOUT || !watched)
		return error;
	problem_fini(problems);
	cli_message("waiting for the agent...");
	return control_next(control, CLI_AGENT_TIMEOUT, &ret->answer, &ret->payload, &ret->size, problems);
}

int cli_agent_ask(struct control *control, enum control_kind kind, struct control_request *request,
                  const void *payload, size_t size, struct cli_reply *ret)
{
	struct control_request empty = {0};
	struct problems problems;
	int error;

	*ret = (struct cli_reply){0};
	if (!request)
		request = &empty;
	// For the log, which names nobody who only reads.
	if (control_changes(kind) && !request->who[0])
		cli_who(request->who);
	problem_init(&problems);
	error = ask(control, kind, request, payload, size, ret, &problems);
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	if (error)
		return error == -ENOMEM ? CLI_INTERNAL : CLI_KERNEL;
	if (ret->answer.error) {
		complain(ret);
		return exit_of_answer(ret->answer.error);
	}
	return CLI_GO_ON;
}

int cli_agent_ask_once(const char *run, enum control_kind kind, struct control_request *request,
                       struct cli_reply *ret)
{
	struct control *control = NULL;
	int status;

	*ret = (struct cli_reply){0};
	status = cli_agent_connect(run, &control);
	if (status == CLI_GO_ON)
		status = cli_agent_ask(control, kind, request, NULL, 0, ret);
	control_disconnect(control);
	return status;
}

#define END(text) ((text)[sizeof(text) - 1] = '\0')

// Octets of one structure of an answer; 0: it has none. Where `item` is given, makes it safe to print.
static size_t settle(enum control_kind kind, void *item)
{
	if (kind == CONTROL_STATUS) {
		struct control_status *status = item;

		if (item) {
			END(status->version), END(status->site), END(status->unit), END(status->who);
			END(status->reason), END(status->repaired_from), END(status->collector);
			END(status->signer), END(status->anchor), END(status->flowtable_why);
			if (status->flowtable > CONTROL_FLOWTABLE_LACKING)
				status->flowtable = CONTROL_FLOWTABLE_NONE;
			if (status->trust > CONTROL_TRUST_UNKNOWN)
				status->trust = CONTROL_TRUST_UNKNOWN;
			if (status->wall > CONTROL_WALL_UNVERIFIED)
				status->wall = CONTROL_WALL_NONE;
			if (status->role > POLICY_ROLE_BRIDGE)
				status->role = POLICY_ROLE_NONE;
		}
		return sizeof(*status);
	}
	if (kind == CONTROL_ALARMS) {
		struct control_alarm *alarm = item;

		if (item)
			END(alarm->name), END(alarm->text);
		return sizeof(*alarm);
	}
	if (kind == CONTROL_PEERS) {
		struct control_peer *peer = item;

		if (item)
			END(peer->name);
		return sizeof(*peer);
	}
	if (kind == CONTROL_COUNTERS) {
		struct control_counter *counter = item;

		if (item)
			END(counter->family), END(counter->chain), END(counter->rule);
		return sizeof(*counter);
	}
	if (kind == CONTROL_DROPS || kind == CONTROL_FOLLOW) {
		struct control_drop *drop = item;

		if (item) {
			END(drop->in_interface), END(drop->out_interface), END(drop->chain);
			END(drop->mac), END(drop->reason);
		}
		return sizeof(*drop);
	}
	if (kind == CONTROL_HISTORY) {
		struct control_entry *entry = item;

		if (item)
			END(entry->outcome), END(entry->who);
		return sizeof(*entry);
	}
	if (kind == CONTROL_WINDOWS) {
		struct control_window *window = item;

		if (item)
			END(window->reason), END(window->who);
		return sizeof(*window);
	}
	if (kind == CONTROL_PORTS) {
		struct control_port *port = item;

		if (item)
			END(port->name), END(port->why);
		return sizeof(*port);
	}
	return 0;
}

bool cli_reply_items(struct cli_reply *reply, enum control_kind kind, const void **ret_items, size_t *ret_count)
{
	size_t size = settle(kind, NULL);

	if (!size || reply->size % size) {
		cli_message("the agent's answer makes no sense: %zu octets, not a multiple of %zu", reply->size,
		            size);
		return false;
	}
	for (size_t at = 0; at < reply->size; at += size)
		settle(kind, reply->payload + at);
	*ret_items = reply->payload;
	*ret_count = reply->size / size;
	return true;
}

int cli_agent_ask_list(struct control *control, enum control_kind kind, struct cli_reply *reply,
                       const void **ret_items, size_t *ret_count)
{
	int status = cli_agent_ask(control, kind, NULL, NULL, 0, reply);

	if (status == CLI_GO_ON && !cli_reply_items(reply, kind, ret_items, ret_count))
		return CLI_KERNEL;
	return status;
}

// ---- policies the agent keeps ----

bool cli_agent_keeps(const char *name, uint64_t *ret)
{
	char *end;

	*ret = 0;
	if (strcmp(name, "@running") == 0)
		return true;
	if (name[0] != '@' || !name[1] || name[1 + strspn(name + 1, "0123456789")] || name[1] == '0')
		return false;
	errno = 0;
	*ret = strtoull(name + 1, &end, 10);
	return !errno;
}

int cli_agent_fetch(const char *name, uint64_t number, const char *run, struct cli_reply *ret,
                    struct problems *problems)
{
	struct control_request request = {.number = number};
	struct control *control = NULL;
	int error = control_connect(run, &control, problems);

	if (error) {
		if (strcmp(run, CONTROL_FOLDER) != 0 && (error == -ENOENT || error == -ECONNREFUSED))
			problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, ELSEWHERE, run);
		return error == -ENOENT ? -ECONNREFUSED : error;
	}
	error = control_ask(control, CONTROL_SHOW, &request, NULL, 0, CLI_AGENT_TIMEOUT, &ret->answer,
	                    &ret->payload, &ret->size, problems);
	control_disconnect(control);
	if (error)
		return error == -ENOMEM ? error : -ECONNREFUSED;
	error = ret->answer.error;
	if (error)
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s: %s", name,
		             ret->answer.text[0] ? ret->answer.text : strerror(-error));
	return error;
}

int cli_read_policy(const char *name, const char *run, struct policy *ret, struct problems *problems)
{
	struct cli_reply reply = {0};
	uint64_t number;
	int error;

	if (!cli_agent_keeps(name, &number))
		return policy_read(ret, name, problems);
	error = cli_agent_fetch(name, number, run, &reply, problems);
	if (!error)
		error = policy_bundle_parse(ret, reply.payload ? reply.payload : "", reply.size, problems);
	cli_reply_fini(&reply);
	return error;
}
