// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine of state_commit.h. `stage` says why the step under way is taken; commit_done goes on from there.
#include "state/state_commit.h"

#include <errno.h>
#include <string.h>

enum stage {
	STAGE_IDLE,
	STAGE_START,        // boot or retry: load what should stand
	STAGE_START_CLOSED, // nothing stands yet and that could not be loaded
	STAGE_POLICY,       // write the new policy
	STAGE_PENDING,      // write that it waits
	STAGE_LOAD,         // load it
	STAGE_HOLDS,        // without a window: write that it is the confirmed one
	STAGE_BACK,         // it failed: load the old one again
	STAGE_CONFIRM,      // write that it is confirmed
	STAGE_OUTCOME,      // write what became of it
	STAGE_ANSWER,
	STAGE_REMOVE, // what nothing names any more
};

static void begin(struct commit *commit, enum stage stage, enum commit_step step, uint64_t number)
{
	commit->stage = stage;
	commit->step = step;
	commit->number = number;
}

static void load(struct commit *commit, enum stage stage, uint64_t number)
{
	begin(commit, stage, number ? COMMIT_LOAD : COMMIT_LOAD_CLOSED, number);
}

static void store(struct commit *commit, enum stage stage)
{
	begin(commit, stage, COMMIT_STORE_RECORD, 0);
}

static void answer(struct commit *commit)
{
	bool about_all = commit->event == COMMIT_EVENT_BOOT || commit->event == COMMIT_EVENT_RETRY;
	begin(commit, STAGE_ANSWER, COMMIT_ANSWER, about_all ? commit->standing : commit->subject);
}

static void failed(struct commit *commit, int error)
{
	if (commit->error == 0)
		commit->error = error;
}

// What should stand.
static uint64_t target(const struct commit *commit)
{
	const struct state_record *record = &commit->record;
	return record->pending ? record->pending : record->confirmed;
}

// What comes back when another does not stay.
static uint64_t fallback(const struct commit *commit)
{
	return commit->stand_in ? 0 : commit->record.confirmed;
}

// The closed wall has to go up: what should stand could not be loaded, and nothing stands that may.
static bool closed_is_missing(const struct commit *commit)
{
	return !commit->wall ||
	       (commit->stand_in && !commit->record.pending && !(commit->certain && commit->standing == 0));
}

static bool as_it_should_be(const struct commit *commit)
{
	return commit->certain && commit->standing == target(commit);
}

static int64_t later(int64_t now, int64_t milliseconds)
{
	return now > COMMIT_NEVER - milliseconds ? COMMIT_NEVER : now + milliseconds;
}

static void idle(struct commit *commit, int64_t now)
{
	begin(commit, STAGE_IDLE, COMMIT_IDLE, 0);
	commit->retry_at =
	        as_it_should_be(commit) && !commit->unsaved ? COMMIT_NEVER : later(now, COMMIT_RETRY);
}

// A load has ended: what is known of the kernel now.
static void loaded(struct commit *commit, int error, bool touched)
{
	if (error == 0) {
		commit->standing = commit->number;
		commit->wall = commit->certain = true;
		if (commit->number == commit->record.confirmed)
			commit->stand_in = false;
	} else if (touched) {
		commit->certain = false;
	}
}

// When something was decided: a clock that was never set is no reason to take it for undecided.
static int64_t moment(int64_t unix_now)
{
	return unix_now > 0 ? unix_now : 1;
}

// Adds the policy being applied to the history. What has to go for it goes from the disk when the record is
// there.
static void add(struct commit *commit, enum state_outcome outcome, int64_t decided_at)
{
	struct state_entry entry = commit->entry;
	entry.outcome = outcome;
	entry.decided_at = decided_at;
	state_record_add(&commit->record, &entry, &commit->unused);
}

// The pending policy is pending no more.
static void decide(struct commit *commit, enum state_outcome outcome, int64_t unix_now)
{
	struct state_entry *entry = state_record_find(&commit->record, commit->record.pending);
	if (entry) {
		entry->outcome = outcome;
		entry->decided_at = moment(unix_now);
	}
	commit->record.pending = 0;
	commit->deadline = COMMIT_NEVER;
}

// A record was written, or was not.
static void stored(struct commit *commit, int error)
{
	commit->unsaved = error != 0;
	// The record on the disk may be the one that names it.
	if (error)
		commit->unused = 0;
}

static void started(struct commit *commit, int64_t unix_now)
{
	if (commit->record.pending && commit->event == COMMIT_EVENT_BOOT) {
		commit->subject = commit->record.pending;
		decide(commit, STATE_RESTARTED, unix_now);
		store(commit, STAGE_OUTCOME);
	} else if (commit->unsaved) {
		store(commit, STAGE_OUTCOME);
	} else {
		answer(commit);
	}
}

static void policy_stored(struct commit *commit, int error)
{
	if (error) {
		failed(commit, error);
		commit->unused = commit->subject;
		answer(commit);
	} else if (commit->window) {
		commit->before = commit->record;
		add(commit, STATE_APPLIED, 0);
		commit->record.pending = commit->subject;
		store(commit, STAGE_PENDING);
	} else {
		load(commit, STAGE_LOAD, commit->subject);
	}
}

static void pending_stored(struct commit *commit, int error)
{
	stored(commit, error);
	if (error) {
		failed(commit, error);
		commit->record = commit->before;
		commit->unused = commit->subject;
		answer(commit);
	} else {
		load(commit, STAGE_LOAD, commit->subject);
	}
}

// The policy did not get so far as to hold.
static void application_failed(struct commit *commit, int error, bool go_back, int64_t unix_now)
{
	failed(commit, error);
	if (commit->record.pending)
		decide(commit, STATE_FAILED, unix_now);
	else
		add(commit, STATE_FAILED, moment(unix_now));
	if (go_back)
		load(commit, STAGE_BACK, fallback(commit));
	else
		store(commit, STAGE_OUTCOME);
}

static void policy_loaded(struct commit *commit, int error, bool touched, int64_t now, int64_t unix_now)
{
	loaded(commit, error, touched);
	if (error) {
		application_failed(commit, error, touched, unix_now);
	} else if (commit->window) {
		commit->deadline = later(now, commit->window);
		answer(commit);
	} else {
		commit->before = commit->record;
		add(commit, STATE_APPLIED, moment(unix_now));
		commit->record.confirmed = commit->subject;
		store(commit, STAGE_HOLDS);
	}
}

static void holding_stored(struct commit *commit, int error, int64_t unix_now)
{
	stored(commit, error);
	if (error) {
		commit->record = commit->before;
		application_failed(commit, error, true, unix_now);
	} else {
		commit->stand_in = false;
		answer(commit);
	}
}

static void confirmation_stored(struct commit *commit, int error)
{
	stored(commit, error);
	if (error) {
		// It may be there all the same, and a start would take for confirmed what is refused now.
		failed(commit, error);
		commit->record = commit->before;
		store(commit, STAGE_OUTCOME);
	} else {
		commit->deadline = COMMIT_NEVER;
		commit->stand_in = false;
		answer(commit);
	}
}

void commit_done(struct commit *commit, int error, bool touched, int64_t now, int64_t unix_now)
{
	switch ((enum stage)commit->stage) {
	case STAGE_START:
		loaded(commit, error, touched);
		failed(commit, error);
		if (error && commit->step == COMMIT_LOAD && closed_is_missing(commit)) {
			commit->stand_in = true;
			load(commit, STAGE_START_CLOSED, 0);
		} else {
			started(commit, unix_now);
		}
		break;
	case STAGE_START_CLOSED:
		loaded(commit, error, touched);
		started(commit, unix_now);
		break;
	case STAGE_POLICY:
		policy_stored(commit, error);
		break;
	case STAGE_PENDING:
		pending_stored(commit, error);
		break;
	case STAGE_LOAD:
		policy_loaded(commit, error, touched, now, unix_now);
		break;
	case STAGE_HOLDS:
		holding_stored(commit, error, unix_now);
		break;
	case STAGE_BACK:
		loaded(commit, error, touched);
		failed(commit, error);
		store(commit, STAGE_OUTCOME);
		break;
	case STAGE_CONFIRM:
		confirmation_stored(commit, error);
		break;
	case STAGE_OUTCOME:
		stored(commit, error);
		answer(commit);
		break;
	case STAGE_ANSWER:
		if (commit->unused)
			begin(commit, STAGE_REMOVE, COMMIT_REMOVE, commit->unused);
		else
			idle(commit, now);
		commit->unused = 0;
		break;
	case STAGE_REMOVE:
		idle(commit, now);
		break;
	case STAGE_IDLE:
		break;
	}
}

static void start(struct commit *commit, enum commit_event event, uint64_t subject)
{
	commit->event = event;
	commit->subject = subject;
	commit->error = 0;
	commit->unused = 0;
}

void commit_boot(struct commit *commit, const struct state_record *record, int64_t now)
{
	(void)now;
	*commit = (struct commit){.deadline = COMMIT_NEVER, .retry_at = COMMIT_NEVER};
	if (record)
		commit->record = *record;
	else
		commit->record.next = 1;
	start(commit, COMMIT_EVENT_BOOT, 0);
	load(commit, STAGE_START, commit->record.confirmed);
}

int commit_apply(struct commit *commit, const struct state_entry *entry, int64_t window, int64_t now,
                 int64_t unix_now)
{
	(void)now;
	if (commit->step != COMMIT_IDLE || commit->record.pending)
		return -EBUSY;
	commit->window = window > 0 ? window : 0;
	commit->entry = *entry;
	commit->entry.number = commit->record.next++;
	commit->entry.applied_at = unix_now;
	start(commit, COMMIT_EVENT_APPLY, commit->entry.number);
	begin(commit, STAGE_POLICY, COMMIT_STORE_POLICY, commit->entry.number);
	return 0;
}

int commit_confirm(struct commit *commit, int64_t now, int64_t unix_now)
{
	if (commit->step != COMMIT_IDLE)
		return -EBUSY;
	if (!commit->record.pending || now >= commit->deadline)
		return -ENOENT;
	struct state_record *record = &commit->record;
	start(commit, COMMIT_EVENT_CONFIRM, record->pending);
	commit->before = *record;
	int64_t deadline = commit->deadline;
	decide(commit, STATE_CONFIRMED, unix_now);
	commit->deadline = deadline; // until it is on the disk
	record->confirmed = commit->subject;
	store(commit, STAGE_CONFIRM);
	return 0;
}

// Goes back from the pending policy.
static void go_back(struct commit *commit, enum commit_event event, enum state_outcome outcome,
                    int64_t unix_now)
{
	start(commit, event, commit->record.pending);
	decide(commit, outcome, unix_now);
	load(commit, STAGE_BACK, fallback(commit));
}

int commit_rollback(struct commit *commit, int64_t now, int64_t unix_now)
{
	(void)now;
	if (commit->step != COMMIT_IDLE)
		return -EBUSY;
	if (!commit->record.pending)
		return -ENOENT;
	go_back(commit, COMMIT_EVENT_ROLLBACK, STATE_ROLLED_BACK, unix_now);
	return 0;
}

int64_t commit_next(const struct commit *commit)
{
	if (commit->step != COMMIT_IDLE)
		return COMMIT_NEVER;
	return commit->deadline < commit->retry_at ? commit->deadline : commit->retry_at;
}

void commit_tick(struct commit *commit, int64_t now, int64_t unix_now)
{
	if (commit->step != COMMIT_IDLE)
		return;
	if (commit->record.pending && now >= commit->deadline) {
		go_back(commit, COMMIT_EVENT_EXPIRE, STATE_EXPIRED, unix_now);
	} else if (now >= commit->retry_at) {
		start(commit, COMMIT_EVENT_RETRY, 0);
		if (as_it_should_be(commit))
			store(commit, STAGE_OUTCOME);
		else
			load(commit, STAGE_START, target(commit));
	}
}
