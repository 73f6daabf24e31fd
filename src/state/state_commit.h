// SPDX-License-Identifier: GPL-2.0-or-later
//
// Apply, confirm, roll back: the order in which disk and kernel change, as a machine without clock, file or
// socket. It says what to do next; the agent does it and says how it went; tests drive it with simulated time
// and crash it at every point.
//
// What it guarantees, whatever fails and wherever it is cut off: the kernel holds the old wall or the new one;
// a policy that was reported as applied without a window, or as confirmed, is the one found at the next start;
// one that was not confirmed is not. A restart within a window goes back to the confirmed policy at once.
//
// A policy is loaded only after its file is durable. With a window the record names it as pending before it is
// loaded; without one the record names it as confirmed after it was loaded and verified, and when that record
// cannot be written the old policy is loaded again. Of a confirmation that cannot be written the old record is
// written again before it is refused. Going back loads first and writes afterwards: a disk that
// is full keeps no unconfirmed policy standing.
//
// Three things can be left undone and are tried again every COMMIT_RETRY: the kernel does not hold what it
// should
// (`standing` is not the policy that should stand), it is not certain what it holds (!certain), the disk does
// not hold the record (`unsaved`: a failed write may have left the old one or the new one there, so until it
// succeeds a restart may find either; it never finds a third). The window of a policy has ended when its time
// has come, also when the kernel then refuses the old one: it can no longer be confirmed, only applied again.
//
// The closed wall stands in for a confirmed policy that cannot be loaded at the start (stand_in), and does so
// until a policy is confirmed or that one could be loaded after all: where a window ends meanwhile, it is the
// closed wall that comes back. Once the confirmed policy has stood a refusal leaves what stands.
//
// Not the machine's: the file of the closed wall and the copy in the run folder. They are written after a
// successful answer to APPLY without a window and to CONFIRM, as far as possible.
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
	COMMIT_ANSWER, // tell who asked: `error` 0 or why not (-errno of the first step that failed); `number`
	               // is the policy that was applied, confirmed or taken back; BOOT and RETRY: what stands
};

enum commit_event { // what an answer or a log line is about
	COMMIT_EVENT_BOOT,
	COMMIT_EVENT_APPLY,
	COMMIT_EVENT_CONFIRM,
	COMMIT_EVENT_ROLLBACK,
	COMMIT_EVENT_EXPIRE, // the window has ended
	COMMIT_EVENT_RETRY,  // what was left undone was tried again
};

struct commit {
	struct state_record record; // as it is on the disk, or will be after COMMIT_STORE_RECORD
	uint64_t standing;          // what the kernel holds: policy number, 0: the closed wall
	bool wall;                  // false: nothing could be loaded yet
	bool stand_in;              // the closed wall is to stand as long as the confirmed policy cannot
	bool certain;               // the kernel verifiably held `standing` after the last load
	bool unsaved;               // the disk may hold another record than this
	int64_t deadline;           // of the window, ms of CLOCK_BOOTTIME; COMMIT_NEVER: none
	enum commit_step step;
	uint64_t number; // what the step is about
	enum commit_event event;
	int error;
	// The rest is the machine's own.
	struct state_record before; // to return to when a record could not be written
	struct state_entry entry;   // being applied
	int64_t window;             // ms; 0: none
	int64_t retry_at;
	uint64_t subject; // which policy the answer is about
	uint64_t unused;  // a bundle to remove at the end; 0: none
	unsigned stage;
};

// `record` as state_read_record left it (empty, when it could not be read: the closed wall then); NULL: the
// same with the numbers beginning at 1. The first step is in commit->step: the wall before anything else.
void commit_boot(struct commit *commit, const struct state_record *record, int64_t now);

// Begins to apply a policy. `entry` says what it is (number, outcome and decided_at are filled in here); window
// in ms, 0: none; it begins when the policy was loaded. `unix_now` in seconds. 0; -EBUSY another policy waits
// for its confirmation (or a step is under way).
int commit_apply(struct commit *commit, const struct state_entry *entry, int64_t window, int64_t now,
                 int64_t unix_now);
// 0; -ENOENT nothing waits for a confirmation, or its window has ended, whether or not commit_tick has seen
// that yet; -EBUSY. When the record cannot be written the window goes on.
int commit_confirm(struct commit *commit, int64_t now, int64_t unix_now);
// Ends a window by hand. 0; -ENOENT there is none: to go back further, apply the older policy again (`copy_of`;
// state_record_previous); -EBUSY.
int commit_rollback(struct commit *commit, int64_t now, int64_t unix_now);

// The step in commit->step is done: `error` 0 or -errno. For COMMIT_LOAD: a failure means that the kernel does
// not verifiably hold it; `touched` says whether the kernel may hold something else than before. For a record:
// a failure may have left either on the disk. Sets the next step.
void commit_done(struct commit *commit, int error, bool touched, int64_t now, int64_t unix_now);

int64_t commit_next(const struct commit *commit); // when commit_tick is due, ms; COMMIT_NEVER
void commit_tick(struct commit *commit, int64_t now, int64_t unix_now);

#endif
