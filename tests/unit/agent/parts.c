// SPDX-License-Identifier: GPL-2.0-or-later
//
// See parts.h.
#include "parts.h"

#include <errno.h>

#include "agent/agent_flowtable.h"
#include "agent/agent_outside.h"
#include "agent/agent_ports.h"

struct parts *parts;

// ---- the test's side ----

void parts_begin(struct parts *made)
{
	*made = (struct parts){.now = PARTS_START, .load_repairs = true};
	made->agent.applicant = made->agent.listener = made->agent.notify = -1;
	for (size_t i = 0; i < AGENT_CLIENTS_MAX; i++)
		made->agent.clients[i].fd = -1;
	made->agent.nft = (struct nft *)(void *)made; // never looked into
	made->agent.started_at = PARTS_UNIX;
	made->agent.commit.deadline = COMMIT_NEVER;
	made->state.generation = 1;
	parts = made;
}

static void free_wall(struct agent_wall *wall)
{
	if (!wall)
		return;
	ruleset_fini(&wall->ruleset);
	policy_fini(&wall->policy);
	free(wall);
}

void parts_end(void)
{
	agent_guard_close(&parts->agent);
	agent_peers_close(&parts->agent);
	agent_drops_close(&parts->agent);
	agent_access_close(&parts->agent);
	free_wall(parts->agent.standing);
	buffer_fini(&parts->log);
	free(parts->skipped.tables[0].sets);
	parts = NULL;
}

void parts_stand(uint64_t number, const char *text)
{
	struct agent *agent = &parts->agent;
	struct agent_wall *wall = calloc(1, sizeof *wall), *old = agent->standing;
	struct problems problems;
	struct buffer out = BUFFER_EMPTY;
	problem_init(&problems);
	assert_non_null(wall);
	if (policy_parse(&wall->policy, "policy.conf", strdup(text), strlen(text), NULL, &problems) < 0) {
		problem_print(&problems, &wall->policy.sources, &out);
		fail_msg("%s", out.data);
	}
	assert_int_equal(ruleset_compile(&wall->policy, &problems, &wall->ruleset), 0);
	problem_fini(&problems);
	wall->number = number;
	memset(wall->hash, (int)number, sizeof wall->hash);
	agent->standing = wall;
	agent->verified = true;
	agent->applied_at = agent_unix();
	parts->kernel = wall;
	parts->state.inet.present = true;
	parts->state.bridge.present = wall->ruleset.table_count > 1;
	agent_peers_wall_changed(agent);
	agent_access_wall_changed(agent);
	free_wall(old);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

unsigned parts_run(int64_t until)
{
	struct agent *agent = &parts->agent;
	unsigned woke = 0;
	int64_t minute = parts->now + AGENT_MINUTE;
	for (;;) {
		int64_t next = least(least(agent_guard_next(agent), agent_drops_next(agent)),
		                     least(agent_access_next(agent), minute));
		if (next > until)
			break;
		parts->now = next > parts->now ? next : parts->now;
		woke++;
		assert_true(woke < 2000000); // a timer that is always due
		if (parts->now >= minute) {
			agent_peers_sample(agent);
			minute = parts->now + AGENT_MINUTE;
		}
		agent_guard_tick(agent, parts->now);
		agent_drops_tick(agent, parts->now);
		agent_access_tick(agent, parts->now);
	}
	parts->now = until;
	return woke;
}

size_t parts_lines(const char *words)
{
	size_t count = 0;
	for (const char *at = parts->log.data; at && *at;) {
		const char *end = strchr(at, '\n'), *found = strstr(at, words);
		count += found && found < end;
		at = end + 1;
	}
	return count;
}

bool parts_has_alarm(const char *name)
{
	for (size_t i = 0; i < parts->agent.alarm_count; i++)
		if (strcmp(parts->agent.alarms[i].name, name) == 0)
			return true;
	return false;
}

struct prefix parts_address(const char *text)
{
	struct prefix prefix;
	assert_int_equal(prefix_parse(text, strlen(text), &prefix), PREFIX_OK);
	return prefix;
}

// ---- the clock, the log, the socket, the outside ----

int64_t agent_now(void)
{
	return parts->now;
}

int64_t agent_unix(void)
{
	return PARTS_UNIX + (parts->now - PARTS_START) / 1000;
}

void agent_log(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
               size_t count, const char *format, ...)
{
	va_list arguments;
	(void)agent;
	assert_in_range(severity, 0, 7);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(fields[i].name);
		assert_non_null(fields[i].value);
	}
	buffer_printf(&parts->log, "%s ", id);
	va_start(arguments, format);
	buffer_vprintf(&parts->log, format, arguments);
	va_end(arguments);
	buffer_text(&parts->log, "\n");
	parts->log_lines++;
}

static void raise_alarm(struct agent *agent, const char *name, bool note, const char *format, va_list arguments)
{
	size_t i = 0;
	assert_true(strlen(name) < sizeof agent->alarms[0].name);
	while (i < agent->alarm_count && strcmp(agent->alarms[i].name, name) != 0)
		i++;
	assert_true(i < AGENT_ALARMS_MAX);
	if (i == agent->alarm_count) {
		agent->alarm_count++;
		parts->alarms_raised++;
		agent->alarms[i] = (struct control_alarm){.since = agent_unix()};
		snprintf(agent->alarms[i].name, sizeof agent->alarms[i].name, "%s", name);
	}
	agent->alarms[i].note = note;
	vsnprintf(agent->alarms[i].text, sizeof agent->alarms[i].text, format, arguments);
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	raise_alarm(agent, name, false, format, arguments);
	va_end(arguments);
}

void agent_note(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	raise_alarm(agent, name, true, format, arguments);
	va_end(arguments);
}

size_t agent_alarm_count(const struct agent *agent)
{
	size_t count = 0;
	for (size_t i = 0; i < agent->alarm_count; i++)
		count += !agent->alarms[i].note;
	return count;
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->alarm_count; i++)
		if (strcmp(agent->alarms[i].name, name) == 0) {
			agent->alarms[i] = agent->alarms[--agent->alarm_count];
			parts->alarms_lifted++;
			return;
		}
}

void agent_answer(struct agent *agent, int client, struct control_answer *answer, const void *payload,
                  size_t size)
{
	(void)agent;
	(void)client;
	(void)payload;
	(void)size;
	parts->answer = *answer;
	parts->answers++;
}

void agent_refuse(struct agent *agent, int client, enum control_kind kind, int error, const char *format, ...)
{
	va_list arguments;
	(void)agent;
	(void)client;
	parts->answer = (struct control_answer){.kind = (uint16_t)kind, .error = error};
	va_start(arguments, format);
	vsnprintf(parts->answer.text, sizeof parts->answer.text, format, arguments);
	va_end(arguments);
	parts->refusals++;
}

void agent_tell_followers(struct agent *agent, const struct control_drop *drop)
{
	(void)agent;
	parts->told++;
	parts->told_drop = *drop;
}

void agent_outside_count(const struct agent *agent, struct agent_outside_counts *ret)
{
	(void)agent;
	*ret = (struct agent_outside_counts){.heard = 7, .forgotten = 3};
}

bool agent_outside_is_collector(const struct agent *agent, const struct prefix *address, uint8_t protocol,
                                uint16_t port)
{
	(void)agent;
	return protocol == 17 && port == 514 && prefix_equal(address, &parts->collector);
}

bool agent_outside_running(const struct agent *agent)
{
	(void)agent;
	return true;
}

void agent_ports_answer(const struct agent *agent, struct buffer *out)
{
	(void)agent;
	if (parts->ports)
		buffer_add(out, parts->ports, parts->port_count * sizeof *parts->ports);
}

void agent_outside_describe(const struct agent *agent, char *text, size_t size)
{
	(void)agent;
	snprintf(text, size, "local");
}

// ---- who is trusted ----

void agent_trust_look(struct agent *agent)
{
	(void)agent;
	parts->trust_looks++;
}

void agent_trust_fill(const struct agent *agent, struct control_status *ret)
{
	(void)agent;
	ret->trust = parts->trusted.trust;
	ret->not_after = parts->trusted.not_after;
	ret->signer_to = parts->trusted.signer_to;
	snprintf(ret->signer, sizeof ret->signer, "%s", parts->trusted.signer);
	snprintf(ret->anchor, sizeof ret->anchor, "%s", parts->trusted.anchor);
}

// ---- the kernel ----

static int fill_found(struct ruleset *ret)
{
	struct problems problems;
	ruleset_init(ret);
	if (!parts->kernel)
		return 0;
	problem_init(&problems);
	int r = ruleset_compile(&parts->kernel->policy, &problems, ret);
	problem_fini(&problems);
	if (r == 0 && parts->tamper)
		parts->tamper(ret);
	if (r == 0 && parts->count)
		parts->count(ret);
	return r;
}

int nft_read(struct nft *nft, struct ruleset *ret, struct nft_state *ret_state, struct problems *problems)
{
	(void)nft;
	parts->reads++;
	if (parts->read_error) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the kernel does not answer", NULL);
		return parts->read_error;
	}
	*ret_state = parts->state;
	return fill_found(ret);
}

int nft_read_all(struct nft *nft, const struct ruleset *skip, struct nft_found *ret, struct problems *problems)
{
	(void)nft;
	(void)problems;
	parts->samples++;
	if (parts->read_error)
		return parts->read_error;
	*ret = (struct nft_found){.state = parts->state};
	parts->skipped_long = 0;
	for (size_t t = 0; t < skip->table_count; t++)
		for (size_t i = 0; i < skip->tables[t].set_count; i++)
			parts->skipped_long += skip->tables[t].sets[i].count > NFT_READ_ELEMENTS_MAX;
	return fill_found(&ret->ruleset);
}

void nft_found_fini(struct nft_found *found)
{
	ruleset_fini(&found->ruleset);
}

int nft_load(struct nft *nft, const struct ruleset *meant, const struct sources *sources,
             const struct nft_load_options *options, struct problems *problems, struct nft_load_result *ret)
{
	(void)nft;
	(void)sources;
	assert_false(options->skip_read_back);
	assert_ptr_equal(meant, &parts->agent.standing->ruleset);
	parts->loads++;
	*ret = (struct nft_load_result){0};
	if (parts->load_error) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "the kernel refuses", NULL);
		ret->committed = parts->load_error == -EBADE;
		return parts->load_error;
	}
	if (parts->load_repairs)
		parts->tamper = NULL;
	parts->state.generation++;
	ret->committed = ret->verified = true;
	ret->generation = parts->state.generation;
	return 0;
}

int nft_bridge_netfilter_loaded(const char *proc_sys_net)
{
	assert_string_equal(proc_sys_net, NFT_PROC_SYS_NET);
	return parts->bridge_netfilter;
}

int nft_bridge_netfilter_watch(void)
{
	return -EPROTONOSUPPORT;
}

bool nft_bridge_netfilter_heard(int fd)
{
	(void)fd;
	return parts->bridge_netfilter_heard;
}

int nft_watch_open(struct nft_watch **ret, struct problems *problems)
{
	*ret = NULL;
	if (parts->watch_error)
		problem_add(problems, PROBLEM_ERROR, 0, 0, "no events", NULL);
	else
		*ret = (struct nft_watch *)(void *)parts;
	return parts->watch_error;
}

void nft_watch_close(struct nft_watch *watch)
{
	(void)watch;
}

int nft_watch_read(struct nft_watch *watch, struct nft_seen *ret)
{
	assert_non_null(watch);
	if (parts->heard_next == parts->heard_count) {
		parts->heard_next = parts->heard_count = 0;
		return -EAGAIN;
	}
	*ret = parts->heard[parts->heard_next++];
	return 0;
}

void nft_watch_pause(struct nft_watch *watch)
{
	assert_non_null(watch);
	parts->pauses++;
}

int nft_watch_resume(struct nft_watch *watch)
{
	assert_non_null(watch);
	parts->resumes++;
	parts->heard_next = parts->heard_count = 0;
	return parts->resume_error;
}

const char *nft_foreign_kind_name(enum nft_foreign_kind kind)
{
	static const char *const names[] = {"flowtable", "ingress", "queue", "notrack", "nat", "accept"};
	return names[kind];
}

bool nft_foreign_is_bypass(enum nft_foreign_kind kind)
{
	return kind <= NFT_FOREIGN_QUEUE;
}

int nft_foreign_find(struct nft *nft, nft_foreign_fn report, void *context, struct problems *problems)
{
	(void)nft;
	(void)problems;
	parts->looks++;
	for (size_t i = 0; parts->foreign_error == 0 && i < parts->foreign_count; i++) {
		struct nft_foreign found = {
		        .kind = parts->foreign[i].kind,
		        .family = parts->foreign[i].family,
		        .table = parts->foreign[i].table,
		        .chain = parts->foreign[i].chain,
		        .what = "something",
		};
		report(context, &found);
	}
	return parts->foreign_error;
}

static struct nft_access *find_window(const struct nft_access *access)
{
	for (size_t i = 0; i < parts->window_count; i++) {
		struct nft_access *window = &parts->windows[i];
		if (window->port == access->port && window->box == access->box &&
		    prefix_equal(&window->from, &access->from) &&
		    (access->box || prefix_equal(&window->to, &access->to)))
			return window;
	}
	return NULL;
}

static void expire(void)
{
	for (size_t i = 0; i < parts->window_count;)
		if ((int64_t)parts->windows[i].ms <= parts->now)
			parts->windows[i] = parts->windows[--parts->window_count];
		else
			i++;
}

int nft_access_open(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                    struct problems *problems)
{
	(void)nft;
	assert_ptr_equal(meant, &parts->agent.standing->ruleset);
	parts->opens++;
	if (parts->access_error) {
		problem_add(problems, PROBLEM_ERROR, 0, 0, "no room", NULL);
		return parts->access_error;
	}
	struct nft_access *window = find_window(access);
	if (!window)
		window = &parts->windows[parts->window_count++];
	*window = *access;
	window->ms = (uint64_t)parts->now + access->ms;
	return 0;
}

int nft_access_close(struct nft *nft, const struct ruleset *meant, const struct nft_access *access,
                     struct problems *problems)
{
	(void)nft;
	(void)meant;
	(void)problems;
	parts->closes++;
	expire();
	struct nft_access *window = find_window(access);
	if (parts->access_error)
		return parts->access_error;
	if (!window)
		return -ENOENT;
	*window = parts->windows[--parts->window_count];
	return 0;
}

int nft_access_list(struct nft *nft, struct nft_access **ret, size_t *ret_count, struct problems *problems)
{
	(void)nft;
	(void)problems;
	parts->lists++;
	if (parts->access_error)
		return parts->access_error;
	expire();
	*ret = NULL;
	*ret_count = parts->window_count;
	if (!parts->window_count)
		return 0;
	*ret = malloc(parts->window_count * sizeof **ret);
	assert_non_null(*ret);
	memcpy(*ret, parts->windows, parts->window_count * sizeof **ret);
	for (size_t i = 0; i < parts->window_count; i++)
		(*ret)[i].ms -= (uint64_t)parts->now;
	return 0;
}

// ---- the flow table ----

int agent_flowtable_down(struct agent *agent)
{
	assert_ptr_equal(agent, &parts->agent);
	parts->flowtable_downs++;
	return parts->flowtable_error;
}

void agent_flowtable_fill(const struct agent *agent, struct control_status *ret)
{
	assert_ptr_equal(agent, &parts->agent);
	ret->flowtable = CONTROL_FLOWTABLE_NONE;
}
