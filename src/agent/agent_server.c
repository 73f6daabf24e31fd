// SPDX-License-Identifier: GPL-2.0-or-later
//
// The control socket: who is connected, and what is sent to them. Nothing here waits for a client. Whoever does
// not read, talks nonsense or keeps a place without a word loses the connection, and root always finds a place.
#include "agent/agent.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent_outside.h"

#define FOLLOWERS_MAX (AGENT_CLIENTS_MAX / 2)
#define SILENT_MAX AGENT_MINUTE
#define HANDED_MAX (64 << 20)
#define HANDED_A_MS 256
#define HANDED_LEAST 8192 // of memory for the smallest payload

int agent_server_open(struct agent *agent)
{
	int fd = control_listen(agent->options.run, agent->group);

	if (fd < 0)
		return fd;
	agent->listener = fd;
	return 0;
}

void agent_drop_client(struct agent *agent, int client)
{
	struct agent_client *gone = &agent->clients[client];

	if (gone->fd < 0)
		return;
	agent_discard(agent, gone->fd, &gone->id);
	*gone = (struct agent_client){.fd = -1};
	// What it asked for is carried out all the same.
	if (agent->applicant == client)
		agent->applicant = -1;
}

static int free_place(const struct agent *agent)
{
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		if (agent->clients[i].fd < 0)
			return i;
	}
	return -1;
}

// A place whose client may be sent away for `newcomer`: the one that has said nothing for longest, when that is
// over a minute; for root any that is not root's. -1: there is none.
static int place_of_another(const struct agent *agent, const struct control_peer_id *newcomer)
{
	const int64_t now = agent_now();
	int found = -1;

	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		const struct agent_client *client = &agent->clients[i];
		const bool silent = !client->follows && now - client->silent_since > SILENT_MAX;

		if (i == agent->applicant || (!silent && (newcomer->uid != 0 || client->id.uid == 0)))
			continue;
		if (found < 0 || client->silent_since < agent->clients[found].silent_since)
			found = i;
	}
	return found;
}

// Before it is known what was asked for.
static void turn_away(struct agent *agent, int fd, const struct control_peer_id *id)
{
	struct control_answer answer = {.last = 1, .error = -EBUSY};

	snprintf(answer.text, sizeof answer.text,
	         "the agent is busy: %d others talk to it; try again in a minute", AGENT_CLIENTS_MAX);
	(void)control_send(fd, &answer, NULL, 0); // who cannot take it sees the end of the connection
	agent_discard(agent, fd, id);
}

// Of those who were just let in many may have gone again. For who is not root once in a pass only: they could
// be many, and each of them have requests.
static void hear_all(struct agent *agent)
{
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		if (agent->clients[i].fd >= 0)
			agent_server_receive(agent, i);
	}
}

// False: nobody waits any more.
static bool accept_one(struct agent *agent, bool *heard)
{
	struct control_peer_id id;
	int fd = control_accept(agent->listener, &id);
	int place;

	if (fd < 0)
		return false;
	place = free_place(agent);
	if (place < 0 && (!*heard || id.uid == 0)) {
		*heard = true;
		hear_all(agent);
		place = free_place(agent);
	}
	if (place < 0) {
		place = place_of_another(agent, &id);
		if (place >= 0)
			agent_drop_client(agent, place);
	}
	if (place < 0) {
		turn_away(agent, fd, &id);
		return true;
	}
	agent->clients[place] = (struct agent_client){.fd = fd, .id = id, .silent_since = agent_now()};
	return true;
}

// All who wait, for root may be behind many others.
void agent_server_accept(struct agent *agent)
{
	bool heard = false;

	for (int i = 0; i < AGENT_ACCEPT_MAX && accept_one(agent, &heard); i++)
		;
}

static void follow(struct agent *agent, int client)
{
	struct control_answer answer = {.kind = CONTROL_FOLLOW};
	size_t followers = 0;

	for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
		followers += agent->clients[i].fd >= 0 && agent->clients[i].follows;
	if (followers >= FOLLOWERS_MAX) {
		agent_refuse(agent, client, CONTROL_FOLLOW, -EBUSY, "%zu others follow already", followers);
		return;
	}
	agent->clients[client].follows = true;
	agent_answer(agent, client, &answer, NULL, 0);
}

// The outside process has no way to the socket. Were it to find one, it may be root's, but is not root.
static bool may_change(const struct agent *agent, const struct control_peer_id *who)
{
	return who->uid == 0 && (who->pid == 0 || who->pid != agent_outside_pid(agent));
}

void agent_server_receive(struct agent *agent, int client)
{
	struct agent_client *from = &agent->clients[client];
	struct control_request request;
	char *payload = NULL;
	size_t size = 0;
	const char *why = "";
	int error = control_receive(from->fd, &request, &payload, &size, &why);

	if (error == -EAGAIN)
		return;
	if (error) {
		if (error == -EPERM)
			agent_refuse(agent, client, CONTROL_APPLY, error,
			             "only root may change the wall (sudo)");
		if (error == -EPROTO && agent_pace_take(&agent->nonsense, agent_now()))
			agent_log(agent, LOG_INFO, "NONSENSE", NULL, 0,
			          "a client (pid %d, uid %u) was sent away: %s", (int)from->id.pid,
			          (unsigned)from->id.uid, why);
		agent_drop_client(agent, client);
		return;
	}
	from->silent_since = agent_now();
	from->follows = false;
	if (control_changes((enum control_kind)request.kind) && !may_change(agent, &from->id)) {
		free(payload);
		agent_refuse(agent, client, (enum control_kind)request.kind, -EPERM,
		             "only root may change the wall (sudo)");
	} else if (request.kind == CONTROL_FOLLOW) {
		free(payload);
		follow(agent, client);
	} else {
		agent_request(agent, client, &request, payload, size);
	}
}

// A payload is memory of ours for as long as whoever got it keeps it. Those who are not root are together given
// HANDED_MAX at once, and HANDED_A_MS of it again with every millisecond.
static bool may_be_handed(struct agent *agent, int client, size_t size)
{
	const int64_t now = agent_now(), takes = (int64_t)(size + HANDED_LEAST) / HANDED_A_MS;

	if (!size || agent->clients[client].id.uid == 0)
		return true;
	if (agent->handed_until < now)
		agent->handed_until = now;
	if (agent->handed_until + takes > now + HANDED_MAX / HANDED_A_MS)
		return false;
	agent->handed_until += takes;
	return true;
}

void agent_answer_shared(struct agent *agent, int client, struct control_answer *answer, int payload,
                         size_t size)
{
	if (agent->clients[client].fd >= 0 &&
	    control_send_shared(agent->clients[client].fd, answer, payload, size) != 0)
		agent_drop_client(agent, client);
}

void agent_answer(struct agent *agent, int client, struct control_answer *answer, const void *payload,
                  size_t size)
{
	if (!may_be_handed(agent, client, size)) {
		agent_refuse(agent, client, (enum control_kind)answer->kind, -EAGAIN,
		             "others have been told too much of late: try again in a minute, or as root");
		return;
	}
	// Who does not even read what was asked for is not waited for.
	if (agent->clients[client].fd >= 0 &&
	    control_send(agent->clients[client].fd, answer, payload, size) != 0)
		agent_drop_client(agent, client);
}

void agent_refuse(struct agent *agent, int client, enum control_kind kind, int error, const char *format, ...)
{
	struct control_answer answer = {.kind = (uint16_t)kind, .last = 1, .error = error};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer.text, sizeof answer.text, format, arguments);
	va_end(arguments);
	agent_answer(agent, client, &answer, NULL, 0);
}

void agent_tell_followers(struct agent *agent, const struct control_drop *drop)
{
	for (int i = 0; i < AGENT_CLIENTS_MAX; i++) {
		struct control_answer answer = {.kind = CONTROL_FOLLOW};

		if (agent->clients[i].fd < 0 || !agent->clients[i].follows)
			continue;
		// One that is behind misses lines; the counts in the next one tell.
		if (!may_be_handed(agent, i, sizeof *drop))
			continue;
		int error = control_send(agent->clients[i].fd, &answer, drop, sizeof *drop);
		if (error && error != -EAGAIN)
			agent_drop_client(agent, i);
	}
}
