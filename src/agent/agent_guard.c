// SPDX-License-Identifier: GPL-2.0-or-later
//
// Is the kernel's wall still ours? Others' changes are heard as they happen, and everything is compared every
// few minutes whether something was heard or not. What differs is put right at once and told; the tables of
// others are looked at and left alone.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_pace.h"
#include "base/buffer.h"
#include "base/text.h"
#include "nft/nft_foreign.h"

// A rival in a loop: the first repairs at once, then some 20 a second.
#define CHECK_EVERY 50      // ms between comparisons that events ask for, ...
#define CHECK_BURST 40      // ... after so many
#define FOREIGN_PAUSE 1000  // ms between two looks at the tables of others
#define RETRY 10000         // ms until the kernel is asked again after it refused
#define BLIND_MAX 2         // comparisons that may fail before a wall is not called verified any more
#define LOG_EVERY 10000     // ms between lines about repairs ...
#define LOG_BURST 5         // ... after this many
#define TOLD_MAX 3          // differences named in a line
#define TEXT_LINES_MAX 100  // differences listed for `verify`
#define FOREIGN_MAX 8       // findings with an alarm of their own
#define FOREIGN_BURST 20    // looks that find something new, as fast as they come; then ...
#define FOREIGN_EVERY 30000 // ms between them: each raises or lifts an alarm, and alarms are logged

struct guard_finding {
	char alarm[32];
	bool found; // by the look under way
	bool known; // before it
};

struct agent_guard {
	bool deaf;        // changes cannot be heard: compare every minute instead
	int modules;      // tells that br_netfilter comes; -1: the regular look finds it
	unsigned pauses;  // our own transactions under way
	int64_t check_at; // something may have changed
	int64_t checked_at;
	int64_t took; // ms, the last comparison with its repair: not more than half of the time goes there
	struct agent_pace checks;
	int64_t verify_at; // the regular comparison
	unsigned blind;    // comparisons in a row that did not succeed
	int64_t claim_at;  // not before it a table that is only free is loaded again
	int64_t foreign_at, looked_at;
	char why[256];    // what we have put into agent->reason
	char process[64]; // who was heard last to change our table
	struct agent_pace lines;
	uint32_t unsaid;        // repairs that were not logged
	struct agent_pace news; // looks at others that found something new
	struct guard_finding findings[FOREIGN_MAX];
	size_t finding_count, finding_more;
	bool more_harms; // some of those
};

// What a comparison finds.
struct guard_report {
	const struct agent_wall *wall;
	struct buffer *text; // a line each, for people; NULL: not wanted
	struct buffer line;  // the first few, for the log
	size_t count;
	bool foreign_owner;
};

static bool report_difference(void *context, const struct ruleset_difference *difference)
{
	struct guard_report *report = context;
	// A comment names a line of the policy; one that differs is no hole in the wall.
	if (difference->kind == DIFFERENCE_ELEMENT_CHANGED)
		return true;
	report->count++;
	if (report->count <= TOLD_MAX) {
		if (report->line.size)
			buffer_text(&report->line, "; ");
		ruleset_difference_print(difference, &report->wall->policy.sources, &report->line);
	}
	if (report->text && report->count <= TEXT_LINES_MAX) {
		ruleset_difference_print(difference, &report->wall->policy.sources, report->text);
		buffer_text(report->text, "\n");
	}
	return true;
}

static const char *text_of(const struct buffer *buffer)
{
	return buffer->data && !buffer_failed(buffer) ? buffer->data : "";
}

// The first problem as one line.
static const char *problem_text(const struct problems *problems, struct buffer *out)
{
	if (problems->count) {
		const struct problem *problem = &problems->items[0];
		buffer_text(out, problem->what);
		if (problem->instead)
			buffer_printf(out, "; %s", problem->instead);
	}
	return text_of(out);
}

static void set_verified(struct agent *agent)
{
	struct agent_guard *guard = agent->guard;
	agent->verified = true;
	agent->verified_at = agent_unix();
	if (guard->why[0] && strcmp(agent->reason, guard->why) == 0)
		agent->reason[0] = '\0';
	guard->why[0] = '\0';
	agent_alarm_lift(agent, "not-repaired");
	agent_alarm_lift(agent, "not-compared");
}

static void set_unverified(struct agent *agent, const char *why)
{
	struct agent_guard *guard = agent->guard;
	agent->verified = false;
	// A closed wall has a reason of its own.
	if (agent->reason[0] && strcmp(agent->reason, guard->why) != 0)
		return;
	snprintf(guard->why, sizeof guard->why, "%s", why);
	memcpy(agent->reason, guard->why, sizeof agent->reason);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

// Compares soon, at a bounded rate.
static void suspect(struct agent_guard *guard, int64_t now)
{
	int64_t at = later(later(now, guard->checked_at + guard->took), agent_pace_next(&guard->checks));
	guard->check_at = agent_earlier(guard->check_at, at);
}

// ---- comparing ----

static void judge_owner(struct agent *agent, const struct nft_state *state, struct guard_report *report)
{
	const struct nft_table_state *tables[2] = {&state->inet, &state->bridge};
	for (size_t i = 0; i < 2; i++) {
		if (!tables[i]->present || !tables[i]->owned || tables[i]->mine)
			continue;
		report->foreign_owner = true;
		agent_alarm(agent, "table-owner",
		            "table %s leadglass belongs to another process (netlink port %u): it can change "
		            "the wall "
		            "and the agent cannot; end that process, then leadglass verify",
		            i == 0 ? "inet" : "bridge", (unsigned)tables[i]->owner);
	}
	if (!report->foreign_owner)
		agent_alarm_lift(agent, "table-owner");
}

static int read_kernel(struct agent *agent, struct ruleset *ret, struct nft_state *ret_state)
{
	struct problems problems;
	struct buffer why = BUFFER_EMPTY;
	problem_init(&problems);
	int r = nft_read(agent->nft, ret, ret_state, &problems);
	// Interrupted by others: asked again soon.
	if (r < 0 && r != -EINTR)
		agent_alarm(agent, "not-compared", "the wall cannot be compared: %s",
		            problem_text(&problems, &why));
	buffer_fini(&why);
	problem_fini(&problems);
	return r;
}

// 0 with the number of differences in report->count, or -errno.
static int compare(struct agent *agent, struct guard_report *report)
{
	struct ruleset found;
	struct nft_state state;
	int r = read_kernel(agent, &found, &state);
	if (r < 0)
		return r;
	ruleset_compare(&report->wall->ruleset, &found, report_difference, report);
	ruleset_fini(&found);
	agent->kernel = state;
	judge_owner(agent, &state, report);
	if (report->text && report->count > TEXT_LINES_MAX)
		buffer_printf(report->text, "and %zu more\n", report->count - TEXT_LINES_MAX);
	if (report->count > TOLD_MAX)
		buffer_printf(&report->line, "; and %zu more", report->count - TOLD_MAX);
	if (report->count == 0)
		agent->generation = state.generation;
	return 0;
}

// A table that would outlive us and that nobody owns: somebody made it anew.
static bool is_free(const struct agent *agent)
{
	const struct nft_table_state *inet = &agent->kernel.inet, *bridge = &agent->kernel.bridge;
	if (agent->options.unowned)
		return false;
	return (inet->present && inet->persistent && !inet->owned) ||
	       (bridge->present && bridge->persistent && !bridge->owned);
}

// ---- repairing ----

static void log_repair(struct agent *agent, const char *differences)
{
	struct agent_guard *guard = agent->guard;
	char more[64] = "";
	if (!agent_pace_take(&guard->lines, agent_now())) {
		guard->unsaid++;
		return;
	}
	if (guard->unsaid)
		snprintf(more, sizeof more, " (%" PRIu32 " more repairs since the last line)", guard->unsaid);
	guard->unsaid = 0;
	struct agent_field fields[] = {{"by", guard->process}, {"differences", differences}};
	agent_log(agent, LOG_WARNING, "REPAIRED", fields, 2, "the wall was changed by %s and is repaired: %s%s",
	          guard->process[0] ? guard->process : "an unknown process", differences, more);
}

// What was not said because lines come at a bounded rate, once it is quiet.
static void log_unsaid(struct agent *agent, int64_t now)
{
	struct agent_guard *guard = agent->guard;
	char count[16];
	if (!guard->unsaid || !agent_pace_take(&guard->lines, now))
		return;
	snprintf(count, sizeof count, "%" PRIu32, guard->unsaid);
	struct agent_field fields[] = {{"by", guard->process}, {"repairs", count}};
	agent_log(agent, LOG_WARNING, "REPAIRED", fields, 2,
	          "the wall was repaired %s more times, last after a change by %s", count,
	          guard->process[0] ? guard->process : "an unknown process");
	guard->unsaid = 0;
}

static void note_repair(struct agent *agent, const struct guard_report *report)
{
	struct agent_guard *guard = agent->guard;
	agent->repairs++;
	agent->repaired_at = agent_unix();
	snprintf(agent->repaired_from, sizeof agent->repaired_from, "%s", guard->process);
	log_repair(agent, text_of(&report->line));
	guard->process[0] = '\0';
}

static void note_failure(struct agent *agent, int error, const struct problems *problems,
                         const struct guard_report *report)
{
	struct buffer why = BUFFER_EMPTY;
	char reason[256];
	problem_text(problems, &why);
	int size =
	        snprintf(reason, sizeof reason, "the kernel's rules cannot be put right: %s; what is wrong: %s",
	                 why.size ? text_of(&why) : strerror(-error), text_of(&report->line));
	text_cut(reason, sizeof reason, size);
	set_unverified(agent, reason);
	agent_alarm(agent, "not-repaired", "%s", reason);
	buffer_fini(&why);
}

// Somebody came in between: the next try may find him gone. (-EBADE: what was loaded was changed before it
// could be read back.)
static bool is_contested(int error)
{
	return error == -EINTR || error == -EBUSY || error == -EBADE;
}

static int repair(struct agent *agent, const struct guard_report *report)
{
	static const struct nft_load_options options = {0};
	struct nft_load_result result = {0};
	struct problems problems;
	problem_init(&problems);
	agent_guard_pause(agent);
	int r = nft_load(agent->nft, &report->wall->ruleset, &report->wall->policy.sources, &options, &problems,
	                 &result);
	agent_guard_resume(agent);
	if (result.committed && report->count)
		note_repair(agent, report);
	if (r == 0 && result.verified) {
		set_verified(agent);
		agent_access_wall_changed(agent);
	} else if (is_contested(r)) {
		set_unverified(agent, "another program keeps changing the wall while it is repaired");
	} else {
		note_failure(agent, r, &problems, report);
	}
	problem_fini(&problems);
	return r;
}

// Compares and repairs. 0 when the kernel holds the wall now.
static int check(struct agent *agent, struct guard_report *report)
{
	struct agent_guard *guard = agent->guard;
	report->wall = agent->standing;
	int64_t begin = agent_now();
	int r = compare(agent, report);
	guard->check_at = AGENT_NEVER;
	agent_pace_take(&guard->checks, begin);
	guard->blind = r < 0 && !is_contested(r) ? guard->blind + 1 : 0;
	if (guard->blind >= BLIND_MAX)
		set_unverified(agent, "the kernel's rules cannot be read");
	if (r == 0 && report->count)
		set_unverified(agent, "the kernel's rules are not the policy's");
	bool claim = r == 0 && is_free(agent) && guard->claim_at <= agent_now();
	if (claim)
		guard->claim_at = agent_now() + RETRY;
	if (r == 0 && (report->count || claim))
		r = repair(agent, report);
	else if (r == 0)
		set_verified(agent);
	guard->checked_at = agent_now();
	guard->took = guard->checked_at - begin;
	// What somebody else owns stays so until he is gone; nothing is gained by asking all the time.
	if (r < 0)
		guard->check_at = is_contested(r) ? AGENT_NEVER : guard->checked_at + RETRY;
	if (is_contested(r))
		suspect(guard, guard->checked_at);
	return r;
}

static int check_quietly(struct agent *agent)
{
	struct guard_report report = {0};
	int r = check(agent, &report);
	buffer_fini(&report.line);
	return r;
}

int agent_guard_verify(struct agent *agent, struct buffer *text, size_t *ret_differences)
{
	struct guard_report report = {.text = text};
	*ret_differences = 0;
	if (!agent->standing)
		return -ENOENT;
	if (!agent->guard)
		return -ENOMEM;
	int r = check(agent, &report);
	buffer_fini(&report.line);
	*ret_differences = report.count;
	return r;
}

// ---- the tables of others ----

// It opens the wall or keeps out whom the policy lets in; the rest is worth knowing.
static bool harms(enum nft_foreign_kind kind)
{
	return nft_foreign_is_bypass(kind) || kind == NFT_FOREIGN_NOTRACK;
}

static void report_foreign(void *context, const struct nft_foreign *found)
{
	struct agent *agent = context;
	struct agent_guard *guard = agent->guard;
	char name[32];
	size_t i = 0;
	snprintf(name, sizeof name, "foreign-%s %s %s", nft_foreign_kind_name(found->kind), found->family,
	         found->table);
	while (i < guard->finding_count && strcmp(guard->findings[i].alarm, name) != 0)
		i++;
	if (i == FOREIGN_MAX) {
		guard->finding_more++;
		guard->more_harms = guard->more_harms || harms(found->kind);
		return;
	}
	// Another chain of the same table: one alarm tells enough.
	if (i < guard->finding_count && guard->findings[i].found)
		return;
	if (i == guard->finding_count) {
		guard->findings[i] = (struct guard_finding){0};
		memcpy(guard->findings[i].alarm, name, sizeof name);
		guard->finding_count++;
	}
	guard->findings[i].found = true;
	if (harms(found->kind))
		agent_alarm(agent, name, "%s%s", nft_foreign_is_bypass(found->kind) ? "past the wall: " : "",
		            found->what);
	else
		agent_note(agent, name, "%s", found->what);
}

static void look_at_others(struct agent *agent, int64_t now)
{
	struct agent_guard *guard = agent->guard;
	struct problems problems;
	guard->looked_at = now;
	guard->foreign_at = AGENT_NEVER;
	guard->finding_more = 0;
	guard->more_harms = false;
	for (size_t i = 0; i < guard->finding_count; i++)
		guard->findings[i].found = false;
	problem_init(&problems);
	int r = nft_foreign_find(agent->nft, report_foreign, agent, &problems);
	problem_fini(&problems);
	// What was not seen because the look failed is not taken for gone.
	if (r < 0) {
		guard->foreign_at = now + (r == -EINTR ? FOREIGN_PAUSE : RETRY);
		return;
	}
	size_t kept = 0;
	bool news = false;
	for (size_t i = 0; i < guard->finding_count; i++) {
		struct guard_finding finding = guard->findings[i];
		news = news || finding.found != finding.known;
		finding.known = finding.found;
		if (finding.found)
			guard->findings[kept++] = finding;
		else
			agent_alarm_lift(agent, finding.alarm);
	}
	guard->finding_count = kept;
	if (news)
		agent_pace_take(&guard->news, now);
	if (guard->finding_more && guard->more_harms)
		agent_alarm(agent, "foreign-more", "and %zu more in tables of others", guard->finding_more);
	else if (guard->finding_more)
		agent_note(agent, "foreign-more", "and %zu more in tables of others", guard->finding_more);
	else
		agent_alarm_lift(agent, "foreign-more");
}

// On kernel 6.1 it takes frames past bridge chains at priority 0; ours stand before it and hold, but addresses
// of bridged packets can still be changed by other people's rules of family inet.
static void look_for_bridge_netfilter(struct agent *agent)
{
	bool bridge = agent->standing && agent->standing->policy.role == POLICY_ROLE_BRIDGE;
	if (bridge && nft_bridge_netfilter_loaded(NFT_PROC_SYS_NET) > 0)
		agent_alarm(
		        agent, "br-netfilter",
		        "the kernel module br_netfilter is loaded: bridged packets also go through the rules "
		        "of family inet, this wall's own and others', which drop what is allowed; nothing "
		        "here needs it (modprobe -r br_netfilter)");
	else
		agent_alarm_lift(agent, "br-netfilter");
}

// ---- hearing ----

int agent_guard_open(struct agent *agent)
{
	struct problems problems;
	struct buffer why = BUFFER_EMPTY;
	int64_t now = agent_now();
	agent->guard = calloc(1, sizeof *agent->guard);
	if (!agent->guard)
		return -ENOMEM;
	*agent->guard = (struct agent_guard){
	        .modules = nft_bridge_netfilter_watch(),
	        .check_at = now, // what stands may have been loaded before anybody listened
	        .checked_at = now,
	        .checks = {.every = CHECK_EVERY, .burst = CHECK_BURST},
	        .verify_at = now + AGENT_VERIFY_MINUTES * AGENT_MINUTE,
	        .foreign_at = now,
	        .looked_at = now - FOREIGN_PAUSE,
	        .lines = {.every = LOG_EVERY, .burst = LOG_BURST},
	        .news = {.every = FOREIGN_EVERY, .burst = FOREIGN_BURST},
	};
	problem_init(&problems);
	if (!agent->watch && nft_watch_open(&agent->watch, &problems) < 0) {
		agent->watch = NULL;
		agent->guard->deaf = true;
		agent->guard->verify_at = now + AGENT_MINUTE;
		agent_alarm(agent, "not-watching",
		            "changes of the kernel's rules cannot be heard (%s): they are "
		            "compared every minute instead",
		            problem_text(&problems, &why));
	}
	problem_fini(&problems);
	buffer_fini(&why);
	look_for_bridge_netfilter(agent);
	return 0;
}

void agent_guard_close(struct agent *agent)
{
	nft_watch_close(agent->watch);
	agent->watch = NULL;
	if (agent->guard && agent->guard->modules >= 0)
		close(agent->guard->modules);
	free(agent->guard);
	agent->guard = NULL;
}

// Others' tables are to be looked at, not more often than is good for the log.
static void look_soon(struct agent_guard *guard, int64_t now)
{
	int64_t at = later(later(now, guard->looked_at + FOREIGN_PAUSE), agent_pace_next(&guard->news));
	guard->foreign_at = agent_earlier(guard->foreign_at, at);
}

static void take(struct agent_guard *guard, const struct nft_seen *seen, int64_t now)
{
	if (seen->ours && (seen->pid || seen->process[0]))
		snprintf(guard->process, sizeof guard->process, "%s (pid %" PRIu32 ")",
		         seen->process[0] ? seen->process : "?", seen->pid);
	if (seen->ours || seen->lost)
		suspect(guard, now);
	if (seen->foreign || seen->lost)
		look_soon(guard, now);
}

void agent_guard_heard(struct agent *agent)
{
	struct agent_guard *guard = agent->guard;
	struct nft_seen seen;
	int64_t now = agent_now();
	int r = 0;
	// Whoever changes rules without end is not to keep us here: the rest is read next time.
	for (size_t i = 0; i < 256; i++) {
		seen = (struct nft_seen){0};
		r = nft_watch_read(agent->watch, &seen);
		if (r < 0)
			break;
		take(guard, &seen, now);
		if ((seen.ours || seen.lost) && !agent->kernel.inet.mine)
			(void)agent_flowtable_down(agent); // if not now, then in its own tick
	}
	if (r < 0 && r != -EAGAIN)
		take(guard, &(struct nft_seen){.lost = true}, now);
	agent_guard_tick(agent, now);
}

int agent_guard_modules_fd(const struct agent *agent)
{
	return agent->guard ? agent->guard->modules : -1;
}

void agent_guard_modules_heard(struct agent *agent)
{
	if (nft_bridge_netfilter_heard(agent->guard->modules))
		look_for_bridge_netfilter(agent);
}

void agent_guard_pause(struct agent *agent)
{
	struct agent_guard *guard = agent->guard;
	if (guard && guard->pauses++ == 0 && agent->watch)
		nft_watch_pause(agent->watch);
}

void agent_guard_resume(struct agent *agent)
{
	struct agent_guard *guard = agent->guard;
	if (!guard || guard->pauses == 0 || --guard->pauses > 0)
		return;
	if (agent->watch && nft_watch_resume(agent->watch) < 0) {
		guard->deaf = true;
		guard->verify_at = agent_earlier(guard->verify_at, agent_now() + AGENT_MINUTE);
		agent_alarm(agent, "not-watching",
		            "changes of the kernel's rules cannot be heard any more: they are "
		            "compared every minute instead");
	}
	// Between our reading back and our listening somebody may have changed what he can change.
	if (!agent->kernel.inet.mine)
		suspect(guard, agent_now());
	look_soon(guard, agent_now());
}

int64_t agent_guard_next(const struct agent *agent)
{
	const struct agent_guard *guard = agent->guard;
	if (!guard)
		return AGENT_NEVER;
	int64_t next = agent_earlier(guard->verify_at, guard->foreign_at);
	if (agent->standing)
		next = agent_earlier(next, guard->check_at);
	return guard->unsaid ? agent_earlier(next, agent_pace_next(&guard->lines)) : next;
}

void agent_guard_tick(struct agent *agent, int64_t now)
{
	struct agent_guard *guard = agent->guard;
	if (!guard || guard->pauses)
		return;
	// Somebody is awake anyway: half a minute early saves a wake-up.
	bool regular = guard->verify_at - AGENT_MINUTE / 2 <= now;
	if (regular) {
		guard->verify_at = now + (guard->deaf ? 1 : AGENT_VERIFY_MINUTES) * AGENT_MINUTE;
		look_for_bridge_netfilter(agent);
	}
	if (agent->standing && (regular || guard->check_at <= now))
		// Windows come and go without making a difference.
		if (check_quietly(agent) == 0 && !agent->kernel.inet.mine)
			agent_access_wall_changed(agent);
	if (regular || guard->foreign_at <= now)
		look_at_others(agent, now);
	log_unsaid(agent, now);
}
