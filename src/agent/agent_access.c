// SPDX-License-Identifier: GPL-2.0-or-later
//
// Timed access: who opened which window, why, and until when. The kernel holds the windows and closes them by
// itself; what is kept here makes them accountable: each is logged when it opens and when it ends, and one that
// nobody opened here is closed.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/agent_pace.h"
#include "base/buffer.h"
#include "base/text.h"

#define GRACE 1000      // ms after a window's end until the kernel is asked whether it has closed it
#define STRETCH 5000    // ms: a window that ends so much later than it should was prolonged by somebody
#define LATER 10000     // ms until the kernel is asked again after it refused
#define ODD_BURST 10    // lines about what others do to windows, ...
#define ODD_EVERY 30000 // then one in so many ms

struct access_window {
	struct nft_access access; // as the kernel has it; its comment is who and why
	char reason[CONTROL_REASON_MAX];
	char who[CONTROL_WHO_MAX];
	int64_t until; // ms
	int64_t ends;  // the same in seconds since 1970, as it was told
	bool seen;     // by the last look
};

struct agent_access {
	struct access_window windows[NFT_ACCESS_MAX];
	size_t count;
	bool looked; // what was found from now on, we know of
	int64_t look_at;
	struct agent_pace odd;
};

// ---- words ----

static void date(int64_t when, char ret[static 32])
{
	struct tm parts;
	time_t seconds = (time_t)when;
	if (!gmtime_r(&seconds, &parts) || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
		snprintf(ret, 32, "?");
}

// When so many ms from now are over, in seconds since 1970.
static int64_t ends_at(uint64_t ms)
{
	return agent_unix() + (int64_t)((ms + 999) / 1000);
}

// "10.20.9.77 to this box, tcp 22"
static void describe(const struct nft_access *access, char ret[static 160])
{
	char from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];
	snprintf(ret, 160, "%s to %s, tcp %u", prefix_print(&access->from, from),
	         access->box ? "this box" : prefix_print(&access->to, to), access->port);
}

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "unknown";
}

static void log_window(struct agent *agent, int severity, const char *id, const struct access_window *window,
                       const char *what)
{
	char flow[160], from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX], port[8], end[32];
	describe(&window->access, flow);
	date(window->ends, end);
	snprintf(port, sizeof port, "%u", window->access.port);
	struct agent_field fields[] = {
	        {"from", prefix_print(&window->access.from, from)},
	        {"to", window->access.box ? "" : prefix_print(&window->access.to, to)},
	        {"port", port},
	        {"who", window->who},
	        {"reason", window->reason},
	        {"until", end},
	};
	agent_log(agent, severity, id, fields, sizeof fields / sizeof *fields,
	          "service window for %s %s; opened by %s: %s; until %s", flow, what, or_unknown(window->who),
	          or_unknown(window->reason), end);
}

// The same about what somebody did past the agent: he may do it in a loop.
static void log_odd(struct agent *agent, const char *id, const struct access_window *window, const char *what)
{
	if (agent_pace_take(&agent->access->odd, agent_now()))
		log_window(agent, LOG_WARNING, id, window, what);
}

static const char *first_problem(const struct problems *problems, int error)
{
	return problems->count ? problems->items[0].what : strerror(-error);
}

// ---- the list ----

static bool same_window(const struct nft_access *a, const struct nft_access *b)
{
	return a->box == b->box && a->port == b->port && prefix_equal(&a->from, &b->from) &&
	       (a->box || prefix_equal(&a->to, &b->to));
}

static struct access_window *find(struct agent_access *list, const struct nft_access *access)
{
	for (size_t i = 0; i < list->count; i++)
		if (same_window(&list->windows[i].access, access))
			return &list->windows[i];
	return NULL;
}

static void forget(struct agent_access *list, struct access_window *window)
{
	*window = list->windows[--list->count];
}

// The kernel keeps "who: reason" with the element, in case nobody else remembers.
static void split_comment(struct access_window *window)
{
	const char *comment = window->access.comment, *colon = strstr(comment, ": ");
	size_t who = colon ? (size_t)(colon - comment) : 0;
	const char *reason = colon ? colon + 2 : comment;
	if (who >= sizeof window->who)
		who = sizeof window->who - 1;
	memcpy(window->who, comment, who);
	window->who[who] = '\0';
	snprintf(window->reason, sizeof window->reason, "%.*s", (int)sizeof window->reason - 1, reason);
}

int agent_access_open(struct agent *agent)
{
	agent->access = calloc(1, sizeof *agent->access);
	if (!agent->access)
		return -ENOMEM;
	agent->access->look_at = AGENT_NEVER;
	agent->access->odd = (struct agent_pace){.every = ODD_EVERY, .burst = ODD_BURST};
	agent_access_wall_changed(agent);
	return 0;
}

void agent_access_close(struct agent *agent)
{
	free(agent->access);
	agent->access = NULL;
}

// ---- what the kernel has ----

static void adopt(struct agent *agent, const struct nft_access *found, int64_t now)
{
	struct agent_access *list = agent->access;
	if (list->count == NFT_ACCESS_MAX)
		return;
	struct access_window *window = &list->windows[list->count++];
	*window = (struct access_window){.access = *found, .until = now + (int64_t)found->ms, .seen = true};
	window->ends = ends_at(found->ms);
	split_comment(window);
	log_window(agent, LOG_NOTICE, "ACCESS-OPEN", window, "is still open");
}

// Nobody opened it here: whoever put it there did so past the agent.
static void close_stranger(struct agent *agent, const struct nft_access *found, int64_t now)
{
	struct access_window stranger = {
	        .access = *found, .until = now + (int64_t)found->ms, .ends = ends_at(found->ms)};
	struct problems problems;
	split_comment(&stranger);
	problem_init(&problems);
	agent_guard_pause(agent);
	int r = nft_access_close(agent->nft, &agent->standing->ruleset, found, &problems);
	agent_guard_resume(agent);
	if (!found->box)
		(void)agent_flowtable_down(agent); // what has passed through it meanwhile
	if (r == 0 || r == -ENOENT)
		log_odd(agent, "ACCESS-FOREIGN", &stranger, "was not opened through the agent and is closed");
	else
		agent->access->look_at = now + LATER;
	problem_fini(&problems);
}

// Back to the end it was given.
static void shorten(struct agent *agent, struct access_window *window, int64_t now)
{
	struct nft_access meant = window->access;
	struct problems problems;
	int64_t left = window->until - now;
	meant.ms = left > NFT_ACCESS_MS_MIN ? (uint64_t)left : NFT_ACCESS_MS_MIN;
	problem_init(&problems);
	agent_guard_pause(agent);
	int r = nft_access_open(agent->nft, &agent->standing->ruleset, &meant, &problems);
	agent_guard_resume(agent);
	problem_fini(&problems);
	if (r < 0)
		agent->access->look_at = now + LATER;
	else
		log_odd(agent, "ACCESS-FOREIGN", window,
		        "was prolonged past the agent and ends when it was to end");
}

static void note_found(struct agent *agent, const struct nft_access *found, int64_t now)
{
	struct agent_access *list = agent->access;
	struct access_window *window = find(list, found);
	if (!window) {
		if (list->looked)
			close_stranger(agent, found, now);
		else
			adopt(agent, found, now);
		return;
	}
	window->seen = true;
	window->access.packets = found->packets;
	window->access.octets = found->octets;
	if (now + (int64_t)found->ms > window->until + STRETCH)
		shorten(agent, window, now);
}

static void end_unseen(struct agent *agent, int64_t now)
{
	struct agent_access *list = agent->access;
	for (size_t i = 0; i < list->count;) {
		struct access_window *window = &list->windows[i];
		if (window->seen) {
			i++;
			continue;
		}
		if (window->until <= now + GRACE)
			log_window(agent, LOG_NOTICE, "ACCESS-CLOSED", window, "has ended");
		else
			log_odd(agent, "ACCESS-LOST", window,
			        "was lost: its set was made anew or somebody closed it past the agent");
		forget(list, window);
	}
}

static int64_t next_end(const struct agent_access *list)
{
	int64_t next = AGENT_NEVER;
	for (size_t i = 0; i < list->count; i++)
		if (list->windows[i].until + GRACE < next)
			next = list->windows[i].until + GRACE;
	return next;
}

// Brings the list and the kernel together. 0 or -errno.
static int look(struct agent *agent, int64_t now)
{
	struct agent_access *list = agent->access;
	struct nft_access *found = NULL;
	struct problems problems;
	size_t count = 0;
	problem_init(&problems);
	int r = nft_access_list(agent->nft, &found, &count, &problems);
	problem_fini(&problems);
	if (r < 0) {
		list->look_at = now + LATER;
		return r;
	}
	list->look_at = AGENT_NEVER;
	for (size_t i = 0; i < list->count; i++)
		list->windows[i].seen = false;
	for (size_t i = 0; i < count; i++)
		note_found(agent, &found[i], now);
	free(found);
	list->looked = true;
	end_unseen(agent, now);
	// One whose time is over and which the kernel still shows ends any moment.
	int64_t next = next_end(list);
	if (next <= now)
		list->look_at = now + GRACE;
	return 0;
}

void agent_access_wall_changed(struct agent *agent)
{
	if (agent->access && agent->standing)
		look(agent, agent_now());
}

int64_t agent_access_next(const struct agent *agent)
{
	const struct agent_access *list = agent->access;
	if (!list || !agent->standing)
		return AGENT_NEVER;
	return list->look_at != AGENT_NEVER ? list->look_at : next_end(list);
}

void agent_access_tick(struct agent *agent, int64_t now)
{
	if (agent->access && now >= agent_access_next(agent))
		look(agent, now);
}

uint32_t agent_access_count(const struct agent *agent)
{
	return agent->access ? (uint32_t)agent->access->count : 0;
}

// What is not known is taken for one.
bool agent_access_leads_through(const struct agent *agent)
{
	const struct agent_access *list = agent->access;
	if (!list || !list->looked || list->count == NFT_ACCESS_MAX)
		return true;
	for (size_t i = 0; i < list->count; i++)
		if (!list->windows[i].access.box)
			return true;
	return false;
}

void agent_access_answer(struct agent *agent, struct buffer *out)
{
	struct agent_access *list = agent->access;
	int64_t now = agent_now();
	if (!list || !agent->standing)
		return;
	look(agent, now);
	for (size_t i = 0; i < list->count; i++) {
		const struct access_window *window = &list->windows[i];
		int64_t left = window->until > now ? window->until - now : 0;
		struct control_window row = {
		        .from = window->access.from,
		        .to = window->access.to,
		        .box = window->access.box,
		        .port = window->access.port,
		        .seconds = (uint32_t)((left + 999) / 1000),
		        .packets = window->access.packets,
		};
		memcpy(row.reason, window->reason, sizeof row.reason);
		memcpy(row.who, window->who, sizeof row.who);
		buffer_add(out, &row, sizeof row);
	}
}

// ---- requests ----

static bool is_exact(const struct prefix *prefix)
{
	return prefix->family <= ADDRESS_IPV6 && prefix_is_exact(prefix);
}

static bool is_device(const struct policy *policy, const struct prefix *address)
{
	for (size_t i = 0; i < policy->device_count; i++)
		for (uint32_t k = 0; k < policy->devices[i].addresses.count; k++)
			if (prefix_equal(&policy->prefixes[policy->devices[i].addresses.first + k].prefix,
			                 address))
				return true;
	return false;
}

// What is wrong with a window that is asked for; NULL: nothing.
static const char *wrong_window(const struct agent *agent, const struct control_window *asked)
{
	if (!is_exact(&asked->from))
		return "a service window is for one address, not for a network";
	if (asked->port == 0)
		return "a service window is for one TCP port";
	if (asked->seconds == 0)
		return "a service window has an end: say for how long";
	if (asked->seconds > NFT_ACCESS_SECONDS_MAX)
		return "a service window is open for a week at most; what lasts longer belongs into the policy";
	if (asked->box)
		return NULL;
	if (agent->standing->policy.role == POLICY_ROLE_HOST)
		return "in role host a service window is to this box itself";
	if (!is_exact(&asked->to) || asked->to.family != asked->from.family ||
	    !is_device(&agent->standing->policy, &asked->to))
		return "the address is no device of the policy";
	return NULL;
}

// Who asks, as the log is to have it: what the command says, after who the kernel says it is.
static void name_asker(const struct agent *agent, int client, const struct control_request *request,
                       char ret[static CONTROL_WHO_MAX])
{
	if (request->who[0])
		snprintf(ret, CONTROL_WHO_MAX, "%.*s", CONTROL_WHO_MAX - 1, request->who);
	else
		snprintf(ret, CONTROL_WHO_MAX, "uid %u", (unsigned)agent->clients[client].id.uid);
}

static void from_request(const struct control_window *asked, struct nft_access *ret)
{
	*ret = (struct nft_access){
	        .from = asked->from,
	        .box = asked->box != 0,
	        .port = asked->port,
	        .ms = (uint64_t)asked->seconds * 1000,
	};
	if (!ret->box)
		ret->to = asked->to;
}

// Notes a window that the kernel has taken.
static void note_open(struct agent *agent, const struct access_window *made)
{
	struct agent_access *list = agent->access;
	struct access_window *old = find(list, &made->access);
	if (old)
		*old = *made;
	else
		list->windows[list->count++] = *made;
	log_window(agent, LOG_NOTICE, "ACCESS-OPEN", made, old ? "has a new end" : "is open");
}

// What passes through a window ends with it, which it would not in the flow table.
static int open_window(struct agent *agent, const struct access_window *made, struct problems *problems)
{
	int down = made->access.box ? 0 : agent_flowtable_down(agent);
	if (down < 0) {
		problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL,
		             "the flow table cannot be taken down before: %s", strerror(-down));
		return down;
	}
	agent_guard_pause(agent);
	int r = nft_access_open(agent->nft, &agent->standing->ruleset, &made->access, problems);
	agent_guard_resume(agent);
	return r;
}

void agent_request_allow(struct agent *agent, int client, const struct control_request *request)
{
	struct agent_access *list = agent->access;
	struct access_window made = {0};
	struct problems problems;
	struct control_answer answer = {.kind = CONTROL_ALLOW, .last = 1, .seconds = request->window.seconds};
	int64_t now = agent_now();
	if (!list || !agent->standing) {
		agent_refuse(agent, client, CONTROL_ALLOW, -ENOENT,
		             "there is no wall yet that could have a service window");
		return;
	}
	const char *wrong = wrong_window(agent, &request->window);
	if (wrong) {
		agent_refuse(agent, client, CONTROL_ALLOW, -EINVAL, "%s", wrong);
		return;
	}
	from_request(&request->window, &made.access);
	// Windows that have ended make room.
	look(agent, now);
	if (!find(list, &made.access) && list->count == NFT_ACCESS_MAX) {
		agent_refuse(agent, client, CONTROL_ALLOW, -ENOSPC,
		             "%d service windows are open, the most there can be; close one first",
		             NFT_ACCESS_MAX);
		return;
	}
	name_asker(agent, client, request, made.who);
	memcpy(made.reason, request->window.reason, sizeof made.reason);
	made.reason[sizeof made.reason - 1] = '\0';
	text_cut(made.access.comment, sizeof made.access.comment,
	         snprintf(made.access.comment, sizeof made.access.comment, "%s: %s", made.who, made.reason));
	made.until = now + (int64_t)made.access.ms;
	made.ends = ends_at(made.access.ms);
	problem_init(&problems);
	int r = open_window(agent, &made, &problems);
	if (r < 0) {
		agent_refuse(agent, client, CONTROL_ALLOW, r, "%s", first_problem(&problems, r));
	} else {
		char end[32];
		note_open(agent, &made);
		date(made.ends, end);
		snprintf(answer.text, sizeof answer.text, "open until %s", end);
		agent_answer(agent, client, &answer, NULL, 0);
	}
	problem_fini(&problems);
}

// 0 or -errno; the window is off the list when it is closed.
static int close_window(struct agent *agent, struct access_window *window, const char *who,
                        struct problems *problems)
{
	char what[32 + CONTROL_WHO_MAX];
	int r = nft_access_close(agent->nft, &agent->standing->ruleset, &window->access, problems);
	if (r < 0 && r != -ENOENT)
		return r;
	snprintf(what, sizeof what, "was closed early by %s", who);
	log_window(agent, LOG_NOTICE, "ACCESS-CLOSED", window, what);
	forget(agent->access, window);
	return 0;
}

static int close_all(struct agent *agent, const char *who, struct problems *problems, uint64_t *ret_closed)
{
	int r = 0;
	*ret_closed = 0;
	while (r == 0 && agent->access->count) {
		r = close_window(agent, &agent->access->windows[0], who, problems);
		*ret_closed += r == 0;
	}
	return r;
}

void agent_request_close(struct agent *agent, int client, const struct control_request *request)
{
	struct agent_access *list = agent->access;
	struct control_answer answer = {.kind = CONTROL_CLOSE, .last = 1};
	struct nft_access wanted;
	struct problems problems;
	char who[CONTROL_WHO_MAX];
	if (!list || !agent->standing) {
		agent_refuse(agent, client, CONTROL_CLOSE, -ENOENT,
		             "there is no wall yet that could have a service window");
		return;
	}
	look(agent, agent_now());
	from_request(&request->window, &wanted);
	struct access_window *window = request->window.port ? find(list, &wanted) : NULL;
	if (request->window.port && !window) {
		agent_refuse(agent, client, CONTROL_CLOSE, -ENOENT, "no such service window is open");
		return;
	}
	name_asker(agent, client, request, who);
	problem_init(&problems);
	agent_guard_pause(agent);
	int r = window ? close_window(agent, window, who, &problems)
	               : close_all(agent, who, &problems, &answer.number);
	agent_guard_resume(agent);
	answer.number = window ? 1 : answer.number;
	if (r < 0)
		agent_refuse(agent, client, CONTROL_CLOSE, r, "%s", first_problem(&problems, r));
	else
		agent_answer(agent, client, &answer, NULL, 0);
	problem_fini(&problems);
}
