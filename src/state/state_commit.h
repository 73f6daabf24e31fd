// SPDX-License-Identifier: GPL-2.0-or-later
//
// Apply, confirm, roll back: the order in which disk and kernel change, as a machine without clock, file or
// socket. It says what to do next; the agent does it and says how it went; tests drive it with simulated time and
// crash it at every point.
//
// What it guarantees, whatever fails and wherever it is cut off: the kernel holds the old wall or the new one; a
// policy that was reported as applied without a window, or as confirmed, is the one found at the next start; one
// that was not confirmed is not. A restart within a window goes back to the confirmed policy at once.
//
// A policy is loaded only after its file is durable. With a window the record names it as pending before it is
// loaded; without one the record names it as confirmed after it was loaded and verified, and when that record
// cannot be written the old policy is loaded again.
#ifndef LEADGLASS_STATE_STATE_COMMIT_H
#define LEADGLASS_STATE_STATE_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/state.h"

#define COMMIT_NEVER INT64_MAX
#define COMMIT_RETRY 10000 // ms between attempts to put up a wall that the kernel refuses

enum commit_step {
	COMMIT_IDLE,         // nothing to do until somebody asks or `commit_next` has come
	COMMIT_STORE_POLICY, // write the bundle `number`
	COMMIT_STORE_RECORD, // write commit->record
	COMMIT_LOAD,         // load `number` into the kernel and verify it
	COMMIT_LOAD_CLOSED,  // load the closed wall
	COMMIT_REMOVE,       // remove the bundle `number`; cannot fail
	COMMIT_ANSWER,       // tell who asked: `error` 0 or why not (-errno of the step that failed)
};

enum commit_event {      // what an answer or a log line is about
	COMMIT_EVENT_BOOT,
	COMMIT_EVENT_APPLY,
	COMMIT_EVENT_CONFIRM,
	COMMIT_EVENT_ROLLBACK,
	COMMIT_EVENT_EXPIRE, // the window has ended
};

struct commit {
	struct state_record record; // as it is on the disk, or will be after COMMIT_STORE_RECORD
	uint64_t standing;          // what the kernel holds: policy number, 0: the closed wall
	bool wall;                  // false: nothing could be loaded yet
	int64_t deadline;           // of the window, ms of CLOCK_BOOTTIME; COMMIT_NEVER: none
	enum commit_step step;
	uint64_t number; // what the step is about
	enum commit_event event;
	int error;
	// The rest is the machine's own.
	struct state_record before; // to return to when a record could not be written
	int64_t window;             // ms; 0: none
	int64_t retry_at;
	unsigned stage;
};

// `record` as read from the disk, or NULL when it could not be read (the closed wall then). The first step is in
// commit->step: the wall before anything else.
void commit_boot(struct commit *commit, const struct state_record *record, int64_t now);

// Begins to apply a policy. `entry` says what it is (number, outcome and decided_at are filled in here); window in
// ms, 0: none. `unix_now` in seconds. 0; -EBUSY another policy waits for its confirmation (or a step is under way).
int commit_apply(struct commit *commit, const struct state_entry *entry, int64_t window, int64_t now,
                 int64_t unix_now);
// 0; -ENOENT nothing waits for a confirmation; -EBUSY.
int commit_confirm(struct commit *commit, int64_t unix_now);
// Ends a window by hand. 0; -ENOENT there is none: to go back further, apply the older policy again; -EBUSY.
int commit_rollback(struct commit *commit, int64_t now, int64_t unix_now);

// The step in commit->step is done: `error` 0 or -errno. For COMMIT_LOAD: a failure means that the kernel does not
// verifiably hold it; `touched` says whether the kernel may hold something else than before. Sets the next step.
void commit_done(struct commit *commit, int error, bool touched, int64_t now, int64_t unix_now);

int64_t commit_next(const struct commit *commit); // when commit_tick is due, ms; COMMIT_NEVER
void commit_tick(struct commit *commit, int64_t now, int64_t unix_now);

#endif
